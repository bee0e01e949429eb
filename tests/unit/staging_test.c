/* Where exports are written: targets that are refused, full disks, crashes, two at a time. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/export/staging.h"
#include "tests/folder.h"

static char home[64];

static char *in_home(const char *name)
{
    return xasprintf("%s/%s", home, name);
}

static void put_file(const char *name, const char *text)
{
    char *path = in_home(name);

    CHECK(file_make_parents(path, NULL) && file_write(path, text, strlen(text), NULL));
    free(path);
}

static void has(const char *name, const char *want)
{
    char *path = in_home(name), *text = file_read(path, 1 << 20, NULL, NULL);

    if (want)
        CHECK_STR(text ? text : "(not there)", want);
    else
        CHECK(access(path, F_OK) != 0);
    free(text);
    free(path);
}

static bool begin(struct staging_dir *p, const char *name, bool many, bool force,
                  const char *source, struct err *err)
{
    char *path = in_home(name);
    bool ok = staging_begin(p, path, many, force, &source, 1, NULL, err);

    free(path);
    return ok;
}

/* An export of one or two small files, all the way. */
static bool whole(const char *name, bool many, bool force, const char *text, struct err *err)
{
    struct staging_dir p;
    bool ok = begin(&p, name, many, force, NULL, err) &&
              staging_put(&p, many ? "model.safetensors" : name, text, strlen(text), err) &&
              (!many || staging_put(&p, STAGING_MANIFEST, "{}", 2, err)) && staging_commit(&p, err);

    staging_end(&p);
    return ok;
}

static void refuses(const char *name, bool many, bool force, const char *source, const char *why)
{
    struct err err = {0};
    struct staging_dir p;

    CHECK(!begin(&p, name, many, force, source, &err));
    CHECK(err.kind == ERR_USAGE || err.kind == ERR_IO);
    if (!strstr(err.text, why)) {
        printf("%s: says '%s', not '%s'\n", name, err.text, why);
        CHECK(0);
    }
    staging_end(&p);
}

static void writes_and_replaces(void)
{
    struct err err = {0};

    CHECK(whole("a.gguf", false, false, "one", &err));
    has("a.gguf", "one");
    CHECK(!whole("a.gguf", false, false, "two", &err));
    has("a.gguf", "one");
    err = (struct err){0};
    CHECK(whole("a.gguf", false, true, "two", &err));
    has("a.gguf", "two");
    CHECK(whole("folder", true, false, "one", &err));
    has("folder/model.safetensors", "one");
    CHECK(whole("folder", true, true, "two", &err));
    has("folder/model.safetensors", "two");
    CHECK_STR(err.text, "");
    has(".folder.exporting", NULL);
    has(".a.gguf.exporting", NULL);
}

static void refused_targets(void)
{
    char *model = in_home("model/model.safetensors"), *link = in_home("link.gguf");
    char *dir = in_home("model");
    struct staging_dir p;

    put_file("model/model.safetensors", "weights");
    put_file("cache/models--org--name/blobs/abc", "blob");
    put_file("other/thesis.tex", "years of work");
    CHECK(!symlink(model, link));
    refuses("model/model.safetensors", false, true, model, "the model or the session itself");
    refuses("model", true, true, dir, "the model or the session itself");
    refuses("model", true, true, NULL, "no export");
    refuses("other", true, true, NULL, "thesis.tex");
    refuses("other", true, false, NULL, "--force");
    refuses("link.gguf", false, true, NULL, "no plain file");
    refuses("cache/models--org--name/blobs/abc", false, true, NULL, "cache of the Hub");
    refuses("cache/models--org--name/snapshots", true, true, NULL, "cache of the Hub");
    refuses("nowhere/at/all.gguf", false, false, NULL, "nowhere");
    refuses("..", true, false, NULL, "no name");
    put_file("blobs/mine", "a folder's name alone makes no cache");
    CHECK(begin(&p, "blobs/a.gguf", false, false, NULL, NULL));
    staging_end(&p);
    has("model/model.safetensors", "weights");
    has("other/thesis.tex", "years of work");
    has("cache/models--org--name/blobs/abc", "blob");
    free(model);
    free(link);
    free(dir);
}

/* As a disk that is full: no byte beyond the limit can be written. */
static void a_full_disk_leaves_the_old(void)
{
    struct rlimit old, small;
    struct err err = {0};
    char *big = xcalloc(1, 100001);

    memset(big, 'x', 100000);
    CHECK(whole("full.gguf", false, false, "old", &err));
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK(!whole("full.gguf", false, true, big, &err));
    CHECK(err.kind == ERR_IO && strstr(err.text, "full.gguf"));
    err = (struct err){0};
    CHECK(!whole("fresh", true, false, big, &err));
    setrlimit(RLIMIT_FSIZE, &old);
    has("full.gguf", "old");
    has("fresh", NULL);
    has(".full.gguf.exporting", NULL);
    has(".fresh.exporting", NULL);
    free(big);
}

/* Killed at each step: the target is wholly old or wholly new, and the next export works. */
static void a_crash_leaves_old_or_new(void)
{
    struct err err = {0};

    for (int many = 0; many < 2; many++) {
        const char *name = many ? "crash" : "crash.gguf";
        const char *inside = many ? "crash/model.safetensors" : name;

        CHECK(whole(name, many, false, "old", &err));
        for (int step = 0; step < 4; step++) {
            pid_t child = fork();
            int status;

            if (!child) {
                struct staging_dir p;
                bool ok = begin(&p, name, many, true, NULL, NULL);

                if (step > 0)
                    ok = ok && staging_put(&p, many ? "model.safetensors" : name, "new", 3, NULL);
                if (step > 1)
                    ok = ok && (!many || staging_put(&p, STAGING_MANIFEST, "{}", 2, NULL));
                if (step > 2)
                    ok = ok && staging_commit(&p, NULL);
                raise(ok ? SIGKILL : SIGTERM);
            }
            waitpid(child, &status, 0);
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
            has(inside, step > 2 ? "new" : "old");
            if (many)
                has("crash/" STAGING_MANIFEST, "{}");
        }
        CHECK(whole(name, many, true, "after", &err));
        has(inside, "after");
        has(many ? ".crash.exporting" : ".crash.gguf.exporting", NULL);
    }
    CHECK_STR(err.text, "");
}

static void two_at_a_time(void)
{
    struct err err = {0};
    struct staging_dir one, two;

    CHECK(begin(&one, "held.gguf", false, false, NULL, &err));
    CHECK(!begin(&two, "held.gguf", false, false, NULL, &err));
    CHECK(err.kind == ERR_HELD);
    staging_end(&two);
    has(".held.gguf.exporting/nothing", NULL);
    CHECK(staging_put(&one, "held.gguf", "x", 1, NULL) && staging_commit(&one, NULL));
    staging_end(&one);
    has("held.gguf", "x");
}

static void cancelled(void)
{
    struct job job = {.cancel = true};
    struct err err = {0};
    struct staging_dir p;
    char *path = in_home("stop.gguf"), *from = in_home("from");

    put_file("from", "some bytes");
    CHECK(staging_begin(&p, path, false, false, NULL, 0, &job, &err));
    CHECK(!staging_copy(&p, "stop.gguf", from, &err));
    CHECK(err.kind == ERR_CANCELLED);
    staging_end(&p);
    has("stop.gguf", NULL);
    has(".stop.gguf.exporting", NULL);
    free(path);
    free(from);
}

static void copies_are_equal(void)
{
    struct err err = {0};
    size_t n = 9 << 20, len = 0;
    char *big = xmalloc(n), *from = in_home("big"), *to = in_home("big-too"), *got;
    struct staging_dir p;

    for (size_t i = 0; i < n; i++)
        big[i] = (char)(i * i >> 7);
    CHECK(file_write(from, big, n, &err));
    CHECK(staging_begin(&p, to, true, false, NULL, 0, NULL, &err));
    CHECK(staging_copy(&p, "copy", from, &err) && staging_put(&p, STAGING_MANIFEST, "{}", 2, &err));
    CHECK(p.files == 2 && p.file[0].bytes == n);
    CHECK(staging_commit(&p, &err));
    staging_end(&p);
    CHECK_STR(err.text, "");
    free(to);
    to = in_home("big-too/copy");
    got = file_read(to, n, &len, &err);
    CHECK(got && len == n && !memcmp(got, big, n));
    free(got);
    free(big);
    free(from);
    free(to);
}

static const struct test tests[] = {
    {"writes and replaces", writes_and_replaces},
    {"refused targets", refused_targets},
    {"a full disk leaves the old", a_full_disk_leaves_the_old},
    {"a crash leaves old or new", a_crash_leaves_old_or_new},
    {"two at a time", two_at_a_time},
    {"cancelled", cancelled},
    {"copies are equal", copies_are_equal},
};

FOLDER_MAIN(home, tests)
