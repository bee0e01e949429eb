/* A pull: downloads one model from the Hub into the cache.
 *
 * pull_run() makes the steps in this order. Each one needs the results of those before it.
 *
 *   get_commit         GET /api/models/ORG/NAME/revision/REV      the commit, 40 hex digits
 *   list_files         GET /api/models/ORG/NAME/tree/COMMIT       paths, sizes, hashes; in pages
 *   file_list_choose   which of the files make up a model (file_list.c); no request
 *   hub_cache_open     create and open the folders of the cache
 *   read_shard_index   download model.safetensors.index.json, if any: it names the shards
 *   has_room           refuse before the first byte if the disk is too small
 *   fetch_all          download each file into blobs/, named by its hash (download.c)
 *   link_all           snapshots/COMMIT/PATH -> blobs/HASH, and refs/REVISION last
 *
 * Everything after the first step asks for that commit, so the files belong together even if
 * someone pushes to the branch meanwhile. refs/REVISION is what hub_find() looks up, and it is
 * written last: whatever ends a pull early, a half-downloaded model is never found. Files that are
 * in the cache already are hashed and not downloaded.
 *
 * The server is not trusted. A path of its list must stay below the snapshot (repo_id.c), a hash
 * must be hex digits, and the bytes must have that hash. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/hub/pull_internal.h"
#include "core/hub/repo_id.h"

enum {
    MAX_PAGES = 200,       /* of the listing */
    MAX_INDEX = 32 << 20,  /* bytes of a shard index */
    SPARE_ROOM = 16 << 20, /* bytes that stay free on the disk */
};

void pull_progress(struct pull *p, const char *file, bool checking)
{
    if (p->to.progress)
        p->to.progress(p->to.ctx, file, checking, (double)p->done, (double)p->total);
}

void pull_note(struct pull *p, const char *fmt, ...)
{
    struct err note = {0};
    va_list ap;

    if (!p->to.note)
        return;
    va_start(ap, fmt);
    err_vset(&note, ERR_IO, fmt, ap);
    va_end(ap);
    p->to.note(p->to.ctx, &note);
}

/* p->commit: what the branch or tag points to now. */
static bool get_commit(struct pull *p, struct err *err)
{
    struct buf url = {0}, text = {0};
    bool ok;

    buf_printf(&url, "%s/api/models/%s/revision/", p->hub->endpoint, p->name->repo);
    url_encode(&url, p->name->revision, false);
    ok = api_text(p, url.data, &text, NULL, err) &&
         file_list_commit(text.data ? text.data : "", text.len, p->commit, err);
    if (ok && is_commit_hash(p->name->revision) && strcmp(p->commit, p->name->revision) != 0)
        ok = err_set(err, ERR_FORMAT,
                     "%s: the Hub answers with another commit than the requested one",
                     p->name->repo);
    buf_free(&url);
    buf_free(&text);
    return ok;
}

/* p->list: all files of the commit. */
static bool list_files(struct pull *p, struct err *err)
{
    char *url = xasprintf("%s/api/models/%s/tree/%s?recursive=true", p->hub->endpoint,
                          p->name->repo, p->commit);
    bool ok = true;

    for (int page = 0; ok && url; page++) {
        struct buf text = {0};
        char *next = NULL;

        ok = page < MAX_PAGES ||
             err_set(err, ERR_LIMIT, "%s: the list of files does not end", p->name->repo);
        ok = ok && api_text(p, url, &text, &next, err) &&
             file_list_add(&p->list, text.data ? text.data : "", text.len, err);
        buf_free(&text);
        free(url);
        url = next;
    }
    free(url);
    return ok;
}

/* Downloads the shard index now, because it says which other files are wanted. */
static bool read_shard_index(struct pull *p, struct err *err)
{
    struct repo_file *index = NULL;
    char *text, most[16];
    bool ok;
    ssize_t n = 0;
    int fd;

    for (int i = 0; i < p->list.files; i++)
        if (p->list.file[i].path == p->list.index)
            index = &p->list.file[i];
    if (!index)
        return true;
    if (index->bytes > MAX_INDEX)
        return err_set(err, ERR_LIMIT, "%s: more than %s", index->path,
                       show_bytes(MAX_INDEX, most));
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
             ? file_list_shards(&p->list, text, (size_t)n, err)
             : err_set(err, ERR_IO, "%s: cannot be read from the cache", index->path);
    if (fd >= 0)
        close(fd);
    free(text);
    return ok;
}

/* p->total, and whether the disk has room for the bytes that are still missing. */
static bool has_room(struct pull *p, struct err *err)
{
    long long room = hub_cache_room(&p->cache), missing = 0;

    p->total = 0;
    for (int i = 0; i < p->list.files; i++) {
        const struct repo_file *f = &p->list.file[i];
        int fd;

        if (!f->wanted)
            continue;
        if (__builtin_add_overflow(p->total, f->bytes, &p->total))
            return err_set(err, ERR_FORMAT, "%s: the sizes of its files are impossible",
                           p->name->repo);
        fd = hub_cache_blob(&p->cache, f->etag, f->bytes);
        if (fd < 0)
            missing += f->bytes - hub_cache_part_size(&p->cache, f->etag);
        else
            close(fd);
    }
    if (room >= 0 && missing > 0 && (missing > room || room - missing < SPARE_ROOM)) {
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

/* Downloads all wanted files and lists them in `out`. */
static bool fetch_all(struct pull *p, struct hub_pulled *out, struct err *err)
{
    out->file = xcalloc((size_t)p->list.files, sizeof(*out->file));
    for (int i = 0; i < p->list.files; i++) {
        struct repo_file *f = &p->list.file[i];
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

/* Makes the snapshot of the blobs; then the revision's name, last. */
static bool link_all(struct pull *p, const struct hub_pulled *got, struct err *err)
{
    for (int i = 0; i < got->files; i++)
        if (!hub_cache_link(&p->cache, p->commit, got->file[i].path, got->file[i].etag,
                            p->hub->no_links, err))
            return false;
    return hub_cache_ref(&p->cache, p->name->revision, p->commit, err);
}

/* All steps, in the order above. */
static bool pull_run(struct pull *p, struct hub_pulled *out, struct err *err)
{
    struct buf folder = {0};

    if (!get_commit(p, err) || !list_files(p, err) || !file_list_choose(&p->list, p->name, err) ||
        !hub_cache_open(&p->cache, p->hub->cache, p->name->repo, err) ||
        !read_shard_index(p, err) || !has_room(p, err) || !fetch_all(p, out, err) ||
        !link_all(p, out, err))
        return false;
    repo_folder(&folder, p->name->repo);
    out->path = xasprintf("%s/%s/snapshots/%s%s%s", p->hub->cache, folder.data, p->commit,
                          p->list.gguf ? "/" : "", p->list.gguf ? p->list.gguf : "");
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
                       "%s: HF_HUB_OFFLINE forbids to use the network; unset it to download",
                       name->repo);
    p.http = http_open(h, err);
    ok = p.http && pull_run(&p, out, err);
    http_close(p.http);
    hub_cache_close(&p.cache);
    file_list_free(&p.list);
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
