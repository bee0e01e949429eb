/* Tells kinds of files apart by their first bytes, so that a message can say what was given. */
#include "core/base/file_type.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"

enum { HEAD = 64 };

static const struct {
    enum file_type looks;
    int at, n;
    const char *bytes;
} marks[] = {
    {FILE_TYPE_SESSION, 0, 16, "SQLite format 3"},
    {FILE_TYPE_GGUF, 0, 4, "GGUF"},
    {FILE_TYPE_GGUF, 0, 4, "FUGG"}, /* of the other byte order */
    {FILE_TYPE_SAFETENSORS, 8, 2, "{\""},
    {FILE_TYPE_GZIP, 0, 2, "\x1f\x8b"},
    {FILE_TYPE_ZIP, 0, 4, "PK\x03\x04"},
    {FILE_TYPE_PICKLE, 0, 2, "\x80\x02"},
    {FILE_TYPE_LFS, 0, 23, "version https://git-lfs"},
};

static const char *const words[FILE_TYPE_COUNT] = {
    [FILE_TYPE_EMPTY] = "empty",
    [FILE_TYPE_FOLDER] = "a folder",
    [FILE_TYPE_TEXT] = "a text",
    [FILE_TYPE_SESSION] = "a session",
    [FILE_TYPE_GGUF] = "a GGUF file",
    [FILE_TYPE_SAFETENSORS] = "a safetensors file",
    [FILE_TYPE_GZIP] = "packed by gzip",
    [FILE_TYPE_ZIP] = "a ZIP file, or PyTorch's",
    [FILE_TYPE_PICKLE] = "a pickle of Python",
    [FILE_TYPE_LFS] = "a pointer of Git LFS (`git lfs pull` fetches the file)",
    [FILE_TYPE_HTML] = "a web page",
};

enum file_type file_type_of_bytes(const void *head, size_t n)
{
    const char *bytes = head;

    if (!n)
        return FILE_TYPE_EMPTY;
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if ((size_t)(marks[i].at + marks[i].n) <= n &&
            !memcmp(bytes + marks[i].at, marks[i].bytes, (size_t)marks[i].n) &&
            (marks[i].looks != FILE_TYPE_SAFETENSORS || memchr(bytes, '\0', 8)))
            return marks[i].looks;
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

const char *file_type_name(enum file_type looks)
{
    return words[looks];
}
