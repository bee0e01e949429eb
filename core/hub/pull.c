/* Fetches a model: its commit, its list of files, room for them, each file, and the links in the
 * end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/hub/pull_internal.h"
#include "core/hub/repo_id.h"

enum { PAGES_MOST = 200, INDEX_MOST = 32 << 20, SPARE = 16 << 20 };

static bool learn_commit(struct pull *p, struct err *err)
{
    struct buf url = {0}, text = {0};
    bool ok;

    buf_printf(&url, "%s/api/models/%s/revision/", p->hub->endpoint, p->name->repo);
    url_encode(&url, p->name->revision, false);
    ok = api_text(p, url.data, &text, NULL, err) &&
         file_list_commit(text.data ? text.data : "", text.len, p->commit, err);
    if (ok && is_commit_hash(p->name->revision) && strcmp(p->commit, p->name->revision) != 0)
        ok = err_set(err, ERR_FORMAT, "%s: the Hub answers with another commit than was asked for",
                     p->name->repo);
    buf_free(&url);
    buf_free(&text);
    return ok;
}

static bool learn_files(struct pull *p, struct err *err)
{
    char *url = xasprintf("%s/api/models/%s/tree/%s?recursive=true", p->hub->endpoint,
                          p->name->repo, p->commit);
    bool ok = true;

    for (int page = 0; ok && url; page++) {
        struct buf text = {0};
        char *next = NULL;

        ok = page < PAGES_MOST ||
             err_set(err, ERR_LIMIT, "%s: the listing does not end", p->name->repo);
        ok = ok && api_text(p, url, &text, &next, err) &&
             file_list_add(&p->plan, text.data ? text.data : "", text.len, err);
        buf_free(&text);
        free(url);
        url = next;
    }
    free(url);
    return ok;
}

/* The index of a model in several files says which these are. */
static bool learn_shards(struct pull *p, struct err *err)
{
    struct repo_file *index = NULL;
    char *text;
    bool ok;
    ssize_t n = 0;
    int fd;

    for (int i = 0; i < p->plan.files; i++)
        if (p->plan.file[i].path == p->plan.index)
            index = &p->plan.file[i];
    if (!index)
        return true;
    if (index->bytes > INDEX_MOST)
        return err_set(err, ERR_LIMIT, "%s: more than %d MiB", index->path, INDEX_MOST >> 20);
    p->total = index->bytes;
    if (!download(p, index, &index->fetched, err))
        return false;
    index->there = true;
    fd = hub_cache_blob(&p->cache, index->etag, index->bytes);
    if (fd < 0)
        fd = hub_cache_file(&p->cache, p->commit, index->path, index->bytes);
    text = xmalloc((size_t)index->bytes + 1);
    if (fd >= 0)
        n = pread(fd, text, (size_t)index->bytes, 0);
    ok = n == (ssize_t)index->bytes
             ? file_list_shards(&p->plan, text, (size_t)n, err)
             : err_set(err, ERR_IO, "%s: cannot be read back from the cache", index->path);
    if (fd >= 0)
        close(fd);
    free(text);
    return ok;
}

/* Room for what is not there yet, before the first byte of it. */
static bool has_room(struct pull *p, struct err *err)
{
    long long room = hub_cache_room(&p->cache), missing = 0;

    p->total = 0;
    for (int i = 0; i < p->plan.files; i++) {
        const struct repo_file *f = &p->plan.file[i];
        int fd;

        if (!f->wanted)
            continue;
        if (__builtin_add_overflow(p->total, f->bytes, &p->total))
            return err_set(err, ERR_FORMAT, "%s: sizes that no disk has", p->name->repo);
        fd = hub_cache_blob(&p->cache, f->etag, f->bytes);
        if (fd < 0)
            missing += f->bytes - hub_cache_part_size(&p->cache, f->etag);
        else
            close(fd);
    }
    if (room >= 0 && missing > 0 && (missing > room || room - missing < SPARE)) {
        char need[16], have[16];

        show_bytes((double)missing, need);
        show_bytes((double)room, have);
        return err_set(err, ERR_LIMIT,
                       "%s needs %s and %s has %s free; make room, or set HF_HUB_CACHE to another "
                       "disk",
                       p->name->repo, need, p->cache.path, have);
    }
    return true;
}

static bool fetch_all(struct pull *p, struct hub_pulled *out, struct err *err)
{
    out->file = xcalloc((size_t)p->plan.files, sizeof(*out->file));
    for (int i = 0; i < p->plan.files; i++) {
        struct repo_file *f = &p->plan.file[i];
        struct hub_file *got = &out->file[out->files];

        if (!f->wanted)
            continue;
        if (!f->there && !download(p, f, &f->fetched, err))
            return false;
        got->fetched = f->fetched;
        got->path = xstrdup(f->path);
        got->bytes = f->bytes;
        memcpy(got->etag, f->etag, sizeof(got->etag));
        out->files++;
    }
    return true;
}

/* All is there: now it becomes a snapshot, and the revision's name comes last. */
static bool link_all(struct pull *p, const struct hub_pulled *got, struct err *err)
{
    for (int i = 0; i < got->files; i++)
        if (!hub_cache_link(&p->cache, p->commit, got->file[i].path, got->file[i].etag,
                            p->hub->copies, err))
            return false;
    return hub_cache_ref(&p->cache, p->name->revision, p->commit, err);
}

static bool work(struct pull *p, struct hub_pulled *out, struct err *err)
{
    struct buf folder = {0};

    if (!learn_commit(p, err) || !learn_files(p, err) ||
        !file_list_choose(&p->plan, p->name, err) ||
        !hub_cache_open(&p->cache, p->hub->cache, p->name->repo, err) || !learn_shards(p, err) ||
        !has_room(p, err) || !fetch_all(p, out, err) || !link_all(p, out, err))
        return false;
    repo_folder(&folder, p->name->repo);
    out->path = xasprintf("%s/%s/snapshots/%s%s%s", p->hub->cache, folder.data, p->commit,
                          p->plan.gguf ? "/" : "", p->plan.gguf ? p->plan.gguf : "");
    memcpy(out->commit, p->commit, sizeof(out->commit));
    buf_free(&folder);
    return true;
}

bool hub_pull(const struct hub *h, const struct hub_name *name, struct job *job,
              const struct hub_listener *to, struct hub_pulled *out, struct err *err)
{
    struct pull p = {.hub = h, .name = name, .job = job, .to = *to};
    bool ok;

    *out = (struct hub_pulled){0};
    if (h->offline)
        return err_set(err, ERR_IO,
                       "%s: HF_HUB_OFFLINE says that no network may be used; unset it to fetch",
                       name->repo);
    p.http = http_open(h, err);
    ok = p.http && work(&p, out, err);
    http_close(p.http);
    hub_cache_close(&p.cache);
    plan_free(&p.plan);
    if (!ok)
        hub_pulled_free(out);
    return ok;
}

void hub_pulled_free(struct hub_pulled *p)
{
    for (int i = 0; i < p->files; i++)
        free(p->file[i].path);
    free(p->file);
    free(p->path);
    *p = (struct hub_pulled){0};
}
