/* Fuzzes the Hub's answers and the names that users type. The first byte selects the parser.
 * Whatever the input, an accepted name must be a path below the cache. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/hub/file_list.h"
#include "core/hub/headers.h"
#include "core/hub/http.h"
#include "core/hub/hub.h"
#include "core/hub/repo_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Aborts unless the path stays below the folder it is appended to. */
static void must_stay(const char *path)
{
    int depth = 0;

    if (!*path || *path == '/' || strlen(path) > 1000)
        abort();
    for (const char *p = path; *p;) {
        size_t n = strcspn(p, "/");

        if (!n || (n == 1 && *p == '.'))
            abort();
        depth += n == 2 && !memcmp(p, "..", 2) ? -1 : 1;
        if (depth < 1)
            abort();
        p += n + (p[n] == '/');
    }
}

static void fuzz_name(const char *text)
{
    struct hub_name name;
    struct buf folder = {0};
    char called[64];

    hub_name_of_path(text, called, sizeof(called));
    if (!hub_name_parse(&name, text, NULL))
        return;
    must_stay(name.revision);
    if (*name.file)
        must_stay(name.file);
    repo_folder(&folder, name.repo);
    if (strchr(folder.data, '/') || strstr(folder.data, ".."))
        abort();
    buf_free(&folder);
}

static void fuzz_header(const char *text)
{
    long long from, to, total;
    char etag[65], *next = header_next(text);

    if (header_etag(text, etag) && strspn(etag, "0123456789abcdef") != strlen(etag))
        abort();
    if (header_range(text, &from, &to, &total) && !(0 <= from && from <= to && to < total))
        abort();
    if (header_wait(text, text) > 3600 || header_number(text) < -1)
        abort();
    free(next);
}

static void fuzz_url(const char *text)
{
    char *url = url_resolve("https://hub.example/a/b", text);

    if (url_allowed(text, false) && strncasecmp(text, "https:", 6) != 0)
        abort();
    if (url && url_same_origin(url, "https://hub.example") && !url_allowed(url, false))
        abort();
    free(url);
}

static void fuzz_file_list(const char *text, size_t size)
{
    struct hub_name name = {.repo = "org/name"};
    struct file_list p = {0};
    char commit[41];
    size_t half = strcspn(text, "\n");

    file_list_commit(text, size, commit, NULL);
    if (file_list_add(&p, text, half, NULL)) {
        for (int i = 0; i < p.files; i++) {
            must_stay(p.file[i].path);
            if (!is_etag(p.file[i].etag) || p.file[i].bytes < 0)
                abort();
        }
        if (file_list_choose(&p, &name, NULL) && half < size)
            file_list_shards(&p, text + half, size - half, NULL);
    }
    file_list_free(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = size ? malloc(size) : NULL;

    if (!text)
        return 0;
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0] % 4) {
    case 0:
        fuzz_name(text);
        break;
    case 1:
        fuzz_header(text);
        break;
    case 2:
        fuzz_url(text);
        break;
    default:
        fuzz_file_list(text, size - 1);
    }
    free(text);
    return 0;
}
