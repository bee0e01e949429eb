/* Guesses the type of a file from its magic bytes, so that a message can name what was given. */
#include "core/base/file_type.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"

enum { HEAD = 64 };

/* The n bytes at offset `at` that identify a type. Safetensors files begin with the length of a
 * JSON object (8 bytes, the highest of them 0) and the object. */
static const struct {
    enum file_type type;
    int at, n;
    const char *bytes;
} marks[] = {
    {FILE_TYPE_SESSION, 0, 16, "SQLite format 3"},
    {FILE_TYPE_GGUF, 0, 4, "GGUF"},
    {FILE_TYPE_GGUF, 0, 4, "FUGG"}, /* big-endian */
    {FILE_TYPE_SAFETENSORS, 8, 2, "{\""},
    {FILE_TYPE_GZIP, 0, 2, "\x1f\x8b"},
    {FILE_TYPE_ZIP, 0, 4, "PK\x03\x04"},
    {FILE_TYPE_PICKLE, 0, 2, "\x80\x02"},
    {FILE_TYPE_LFS, 0, 23, "version https://git-lfs"},
};

/* The words that follow "is" in a message, with the command that opens such a file. */
static const char *const words[FILE_TYPE_COUNT] = {
    [FILE_TYPE_EMPTY] = "empty",
    [FILE_TYPE_FOLDER] = "a folder",
    [FILE_TYPE_TEXT] = "a text file",
    [FILE_TYPE_SESSION] = "a session (`editscope view` shows it, `editscope -s` goes on with it)",
    [FILE_TYPE_GGUF] = "a GGUF file (a model: `-m` takes it)",
    [FILE_TYPE_SAFETENSORS] =
        "a safetensors file (of a model: `-m` takes it; of a run: `editscope view` shows it)",
    [FILE_TYPE_GZIP] = "a gzip file (if it is a recording, `editscope replay` plays it)",
    [FILE_TYPE_ZIP] = "a ZIP file (PyTorch checkpoints are ZIP files)",
    [FILE_TYPE_PICKLE] = "a Python pickle",
    [FILE_TYPE_LFS] = "a Git LFS pointer (`git lfs pull` downloads the file)",
    [FILE_TYPE_HTML] = "a web page (`editscope view` opens those of :export)",
};

enum file_type file_type_of_bytes(const void *head, size_t n)
{
    const char *bytes = head;

    if (!n)
        return FILE_TYPE_EMPTY;
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if ((size_t)(marks[i].at + marks[i].n) <= n &&
            !memcmp(bytes + marks[i].at, marks[i].bytes, (size_t)marks[i].n) &&
            (marks[i].type != FILE_TYPE_SAFETENSORS || memchr(bytes, '\0', 8)))
            return marks[i].type;
    if ((n >= 14 && !strncasecmp(bytes, "<!doctype html", 14)) ||
        (n >= 5 && !strncasecmp(bytes, "<html", 5)))
        return FILE_TYPE_HTML;
    return memchr(bytes, '\0', n) ? FILE_TYPE_UNKNOWN : FILE_TYPE_TEXT;
}

enum file_type file_type_of_path(const char *path)
{
    char head[HEAD];
    struct stat st;

    if (stat(path, &st))
        return FILE_TYPE_UNKNOWN;
    if (S_ISDIR(st.st_mode))
        return FILE_TYPE_FOLDER;
    return file_type_of_bytes(head, file_peek(path, head, sizeof(head)));
}

const char *file_type_name(enum file_type type)
{
    return words[type];
}
