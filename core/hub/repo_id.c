/* Checks names from users and servers before they become parts of a path or a URL. */
#include "core/hub/repo_id.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/file.h"

#include "core/hub/hub.h"

#define SNAPSHOTS "/snapshots/"

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* One side of org/name: 1 to 96 of [A-Za-z0-9_.-], with a letter, digit or _ at both ends. */
static bool name_part_valid(const char *p, size_t n)
{
    if (!n || n > 96 || !is_word(p[0]) || !is_word(p[n - 1]))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_word(p[i]) && p[i] != '.' && p[i] != '-')
            return false;
        if (i && (p[i] == '.' || p[i] == '-') &&
            p[i - 1] == p[i]) /* ".." leaves the folder, "--" means / */
            return false;
    }
    return true;
}

bool repo_id_valid(const char *repo)
{
    const char *slash = strchr(repo, '/');
    const char *name = slash ? slash + 1 : repo;

    return (!slash || name_part_valid(repo, (size_t)(slash - repo))) &&
           name_part_valid(name, strlen(name)) && !file_ends_in_any_case(name, ".git");
}

/* Whether no part between slashes is empty, . or .., or with `dots` false begins with a dot. */
static bool path_parts_valid(const char *text, size_t most, bool dots)
{
    const char *p = text;

    if (strlen(text) > most)
        return false;
    for (;;) {
        size_t n = strcspn(p, "/");

        if (!n || n > 255 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.') ||
            (!dots && p[0] == '.'))
            return false;
        if (!p[n])
            return true;
        p += n + 1;
    }
}

bool revision_valid(const char *revision)
{
    size_t n = strlen(revision);

    for (size_t i = 0; i < n; i++)
        if (!is_word(revision[i]) && !strchr("./+-", revision[i]))
            return false;
    return path_parts_valid(revision, 199, false) && !strstr(revision, "..");
}

bool repo_path_valid(const char *path)
{
    for (const unsigned char *p = (const unsigned char *)path; *p; p++)
        if (*p < 32 || *p > 126 || *p == '\\')
            return false;
    return path_parts_valid(path, 1000, true);
}

static bool is_hex(const char *text, size_t n)
{
    return strspn(text, "0123456789abcdef") == n && !text[n];
}

bool is_commit_hash(const char *text)
{
    return is_hex(text, 40);
}

bool is_etag(const char *text)
{
    return is_hex(text, 40) || is_hex(text, 64);
}

void url_encode(struct buf *out, const char *text, bool slashes)
{
    for (; *text; text++) {
        if (is_word(*text) || strchr("-.~", *text) || (slashes && *text == '/'))
            buf_add(out, text, 1);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

void repo_folder(struct buf *out, const char *repo)
{
    const char *slash = strchr(repo, '/');

    buf_puts(out, "models--");
    if (slash)
        buf_printf(out, "%.*s--", (int)(slash - repo), repo);
    buf_puts(out, slash ? slash + 1 : repo);
}

bool gguf_name_matches(const char *path, const char *word)
{
    const char *last = file_name(path);
    size_t n = strlen(last), m = strlen(word);

    if (!file_ends_in_any_case(last, ".gguf") || !m)
        return false;
    if (!strcmp(path, word) || !strcasecmp(last, word))
        return true;
    n -= 5;
    return n > m && !strncasecmp(last + n - m, word, m) && strchr(".-_", last[n - m - 1]);
}

static bool name_error(struct err *err, const char *text, const char *why)
{
    return err_set(err, ERR_USAGE, "'%.150s' is not a valid Hub model name: %s", text, why);
}

bool hub_name_parse(struct hub_name *name, const char *text, struct err *err)
{
    const char *colon = strchr(text, ':'), *end = colon ? colon : text + strlen(text);
    const char *at = memchr(text, '@', (size_t)(end - text));
    size_t repo = (size_t)((at ? at : end) - text), revision = at ? (size_t)(end - at - 1) : 0;

    *name = (struct hub_name){.revision = "main"};
    if (repo >= sizeof(name->repo) || revision >= sizeof(name->revision) ||
        (colon && strlen(colon + 1) >= sizeof(name->file)))
        return name_error(err, text, "it is too long");
    snprintf(name->repo, sizeof(name->repo), "%.*s", (int)repo, text);
    if (at)
        snprintf(name->revision, sizeof(name->revision), "%.*s", (int)revision, at + 1);
    if (colon)
        snprintf(name->file, sizeof(name->file), "%s", colon + 1);
    if (!repo_id_valid(name->repo))
        return name_error(err, text, "write org/name, with letters, digits, '.', '-' and '_'");
    if (!revision_valid(name->revision))
        return name_error(err, text, "@ must be followed by a branch, a tag or a commit");
    if (colon && !repo_path_valid(name->file))
        return name_error(err, text,
                          ": must be followed by one of its GGUF files, or a type such as Q4_K_M");
    return true;
}

bool hub_name_like(const char *text)
{
    struct hub_name name;

    return hub_name_parse(&name, text, NULL) && strchr(name.repo, '/') &&
           !file_ends_in_any_case(name.repo, ".gguf") &&
           !file_ends_in_any_case(name.repo, ".safetensors");
}

/* The last "/snapshots/" in a path, or NULL. */
static const char *snapshots_in(const char *path)
{
    const char *last = NULL, *p = path;

    while ((p = strstr(p, SNAPSHOTS)) != NULL)
        last = p++;
    return last;
}

bool hub_commit_of_path(const char *path, char commit[41])
{
    const char *at = snapshots_in(path);
    char text[41];

    if (!at)
        return false;
    snprintf(text, sizeof(text), "%s", at + strlen(SNAPSHOTS));
    if (!is_commit_hash(text))
        return false;
    memcpy(commit, text, sizeof(text));
    return true;
}

bool hub_name_of_path(const char *path, char *out, int size)
{
    static const char mark[] = "models--";
    const char *stop = snapshots_in(path), *from;
    int n = 0;

    if (!stop)
        return false;
    for (from = stop; from > path && from[-1] != '/'; from--)
        ;
    if (strncmp(from, mark, sizeof(mark) - 1) != 0 || (from += sizeof(mark) - 1) >= stop)
        return false;
    for (; from < stop && n + 1 < size; from++) {
        bool slash = from[0] == '-' && from[1] == '-' && from + 1 < stop;

        out[n++] = slash ? '/' : *from;
        from += slash;
    }
    out[n] = '\0';
    return true;
}
