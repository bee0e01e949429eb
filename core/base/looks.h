/* What a file is, by its first bytes: for messages about a file given where another was wanted. */
#ifndef CORE_BASE_LOOKS_H
#define CORE_BASE_LOOKS_H

#include <stddef.h>

enum looks {
    LOOKS_UNKNOWN, /* nothing that is known, or it cannot be read */
    LOOKS_EMPTY,
    LOOKS_FOLDER,
    LOOKS_TEXT,
    LOOKS_SESSION,
    LOOKS_GGUF,
    LOOKS_SAFETENSORS,
    LOOKS_GZIP,
    LOOKS_ZIP,
    LOOKS_PICKLE,
    LOOKS_LFS,
    LOOKS_HTML,
    LOOKS_COUNT
};

enum looks looks_of_bytes(const void *head, size_t n); /* LOOKS_EMPTY for none */
enum looks looks_of_file(const char *path);
/* "a GGUF file" and so on, for behind "is"; NULL for LOOKS_UNKNOWN. */
const char *looks_word(enum looks looks);

#endif
