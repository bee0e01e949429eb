/* What a file is, by its first bytes: for messages about a file given where another was wanted. */
#ifndef CORE_BASE_FILE_TYPE_H
#define CORE_BASE_FILE_TYPE_H

#include <stddef.h>

enum file_type {
    FILE_TYPE_UNKNOWN, /* nothing that is known, or it cannot be read */
    FILE_TYPE_EMPTY,
    FILE_TYPE_FOLDER,
    FILE_TYPE_TEXT,
    FILE_TYPE_SESSION,
    FILE_TYPE_GGUF,
    FILE_TYPE_SAFETENSORS,
    FILE_TYPE_GZIP,
    FILE_TYPE_ZIP,
    FILE_TYPE_PICKLE,
    FILE_TYPE_LFS,
    FILE_TYPE_HTML,
    FILE_TYPE_COUNT
};

enum file_type file_type_of_bytes(const void *head, size_t n); /* FILE_TYPE_EMPTY for none */
enum file_type file_type_of_path(const char *path);
/* "a GGUF file" and so on, for behind "is"; NULL for FILE_TYPE_UNKNOWN. */
const char *file_type_name(enum file_type looks);

#endif
