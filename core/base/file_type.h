/* Guesses the type of a file from its first bytes, for messages such as "model.bin is a pickle of
 * Python, not a GGUF file". Any thread. */
#ifndef CORE_BASE_FILE_TYPE_H
#define CORE_BASE_FILE_TYPE_H

#include <stddef.h>

enum file_type {
    FILE_TYPE_UNKNOWN, /* not recognised, or unreadable */
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

/* From the first n bytes of a file; 64 are enough. n 0: FILE_TYPE_EMPTY. */
enum file_type file_type_of_bytes(const void *head, size_t n);
enum file_type file_type_of_path(const char *path);
/* The words that follow "is" in a message: "a GGUF file (a model: …)", "empty". NULL for
 * FILE_TYPE_UNKNOWN. */
const char *file_type_name(enum file_type type);

#endif
