/* Tells kinds of files apart by their first bytes, so that a message can say what was given. */
#include "core/base/looks.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "core/base/file.h"

enum { HEAD = 64 };

static const struct {
    enum looks looks;
    int at, n;
    const char *bytes;
} marks[] = {
    {LOOKS_SESSION, 0, 16, "SQLite format 3"},
    {LOOKS_GGUF, 0, 4, "GGUF"},
    {LOOKS_GGUF, 0, 4, "FUGG"}, /* of the other byte order */
    {LOOKS_SAFETENSORS, 8, 2, "{\""},
    {LOOKS_GZIP, 0, 2, "\x1f\x8b"},
    {LOOKS_ZIP, 0, 4, "PK\x03\x04"},
    {LOOKS_PICKLE, 0, 2, "\x80\x02"},
    {LOOKS_LFS, 0, 23, "version https://git-lfs"},
};

static const char *const words[LOOKS_COUNT] = {
    [LOOKS_EMPTY] = "empty",
    [LOOKS_FOLDER] = "a folder",
    [LOOKS_TEXT] = "a text",
    [LOOKS_SESSION] = "a session",
    [LOOKS_GGUF] = "a GGUF file",
    [LOOKS_SAFETENSORS] = "a safetensors file",
    [LOOKS_GZIP] = "packed by gzip",
    [LOOKS_ZIP] = "a ZIP file, or PyTorch's",
    [LOOKS_PICKLE] = "a pickle of Python",
    [LOOKS_LFS] = "a pointer of Git LFS (`git lfs pull` fetches the file)",
    [LOOKS_HTML] = "a web page",
};

enum looks looks_of_bytes(const void *head, size_t n)
{
    const char *bytes = head;

    if (!n)
        return LOOKS_EMPTY;
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        if ((size_t)(marks[i].at + marks[i].n) <= n &&
            !memcmp(bytes + marks[i].at, marks[i].bytes, (size_t)marks[i].n) &&
            (marks[i].looks != LOOKS_SAFETENSORS || memchr(bytes, '\0', 8)))
            return marks[i].looks;
    if ((n >= 14 && !strncasecmp(bytes, "<!doctype html", 14)) ||
        (n >= 5 && !strncasecmp(bytes, "<html", 5)))
        return LOOKS_HTML;
    return memchr(bytes, '\0', n) ? LOOKS_UNKNOWN : LOOKS_TEXT;
}

enum looks looks_of_file(const char *path)
{
    char head[HEAD];
    struct stat st;

    if (stat(path, &st))
        return LOOKS_UNKNOWN;
    if (S_ISDIR(st.st_mode))
        return LOOKS_FOLDER;
    return looks_of_bytes(head, file_peek(path, head, sizeof(head)));
}

const char *looks_word(enum looks looks)
{
    return words[looks];
}
