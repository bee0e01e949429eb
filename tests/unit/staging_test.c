/* The staging folder of exports: refused targets, full disks, crashes, two exports at a time. */
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

static void expect_file(const char *name, const char *want)
{
    char *path = in_home(name), *text = file_read(path, 1 << 20, NULL, NULL);

    if (want)
        CHECK_STR(text ? text : "(not there)", want);
    else
        CHECK(access(path, F_OK) != 0);
    free(text);
    free(path);
}

static bool begin_export(struct staging_dir *p, const char *name, bool is_folder, bool force,
                         const char *source, struct err *err)
{
    char *path = in_home(name);
    bool ok = staging_begin(p, path, is_folder, force, &source, 1, NULL, err);

    free(path);
    return ok;
}

/* A complete export of one or two small files. */
static bool export_text(const char *name, bool is_folder, bool force, const char *text,
                        struct err *err)
{
    struct staging_dir p;
    bool ok = begin_export(&p, name, is_folder, force, NULL, err) &&
              staging_put(&p, is_folder ? "model.safetensors" : name, text, strlen(text), err) &&
              (!is_folder || staging_put(&p, STAGING_MANIFEST, "{}", 2, err)) &&
              staging_commit(&p, err);

    staging_end(&p);
    return ok;
}

static void expect_refusal(const char *name, bool is_folder, bool force, const char *source,
                           const char *why)
{
    struct err err = {0};
    struct staging_dir p;

    CHECK(!begin_export(&p, name, is_folder, force, source, &err));
    CHECK(err.kind == ERR_USAGE || err.kind == ERR_IO);
    if (!strstr(err.text, why)) {
        printf("%s: error '%s' lacks '%s'\n", name, err.text, why);
        CHECK(0);
    }
    staging_end(&p);
}

static void writes_and_replaces(void)
{
    struct err err = {0};

    CHECK(export_text("a.gguf", false, false, "one", &err));
    expect_file("a.gguf", "one");
    CHECK(!export_text("a.gguf", false, false, "two", &err));
    expect_file("a.gguf", "one");
    err = (struct err){0};
    CHECK(export_text("a.gguf", false, true, "two", &err));
    expect_file("a.gguf", "two");
    CHECK(export_text("folder", true, false, "one", &err));
    expect_file("folder/model.safetensors", "one");
    CHECK(export_text("folder", true, true, "two", &err));
    expect_file("folder/model.safetensors", "two");
    CHECK_STR(err.text, "");
    expect_file(".folder.exporting", NULL);
    expect_file(".a.gguf.exporting", NULL);
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
    expect_refusal("model/model.safetensors", false, true, model,
                   "the model or the session itself");
    expect_refusal("model", true, true, dir, "the model or the session itself");
    expect_refusal("model", true, true, NULL, "is not an export");
    expect_refusal("other", true, true, NULL, "thesis.tex");
    expect_refusal("other", true, false, NULL, "--force");
    expect_refusal("link.gguf", false, true, NULL, "not a plain file");
    expect_refusal("cache/models--org--name/blobs/abc", false, true, NULL, "cache of the Hub");
    expect_refusal("cache/models--org--name/snapshots", true, true, NULL, "cache of the Hub");
    expect_refusal("nowhere/at/all.gguf", false, false, NULL, "nowhere");
    expect_refusal("..", true, false, NULL, "not a name");
    put_file("blobs/mine", "the name blobs alone does not make a cache");
    CHECK(begin_export(&p, "blobs/a.gguf", false, false, NULL, NULL));
    staging_end(&p);
    expect_file("model/model.safetensors", "weights");
    expect_file("other/thesis.tex", "years of work");
    expect_file("cache/models--org--name/blobs/abc", "blob");
    free(model);
    free(link);
    free(dir);
}

/* A limit on file sizes acts as a full disk. */
static void a_full_disk_leaves_the_old(void)
{
    struct rlimit old, small;
    struct err err = {0};
    char *big = xcalloc(1, 100001);

    memset(big, 'x', 100000);
    CHECK(export_text("full.gguf", false, false, "old", &err));
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    CHECK(!export_text("full.gguf", false, true, big, &err));
    CHECK(err.kind == ERR_IO && strstr(err.text, "full.gguf"));
    err = (struct err){0};
    CHECK(!export_text("fresh", true, false, big, &err));
    setrlimit(RLIMIT_FSIZE, &old);
    expect_file("full.gguf", "old");
    expect_file("fresh", NULL);
    expect_file(".full.gguf.exporting", NULL);
    expect_file(".fresh.exporting", NULL);
    free(big);
}

/* Killed after each step: the target is completely old or new, and the next export works. */
static void a_crash_leaves_old_or_new(void)
{
    struct err err = {0};

    for (int is_folder = 0; is_folder < 2; is_folder++) {
        const char *name = is_folder ? "crash" : "crash.gguf";
        const char *inside = is_folder ? "crash/model.safetensors" : name;

        CHECK(export_text(name, is_folder, false, "old", &err));
        for (int step = 0; step < 4; step++) {
            pid_t child = fork();
            int status;

            if (!child) {
                struct staging_dir p;
                bool ok = begin_export(&p, name, is_folder, true, NULL, NULL);

                if (step > 0)
                    ok = ok &&
                         staging_put(&p, is_folder ? "model.safetensors" : name, "new", 3, NULL);
                if (step > 1)
                    ok = ok && (!is_folder || staging_put(&p, STAGING_MANIFEST, "{}", 2, NULL));
                if (step > 2)
                    ok = ok && staging_commit(&p, NULL);
                raise(ok ? SIGKILL : SIGTERM);
            }
            waitpid(child, &status, 0);
            CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
            expect_file(inside, step > 2 ? "new" : "old");
            if (is_folder)
                expect_file("crash/" STAGING_MANIFEST, "{}");
        }
        CHECK(export_text(name, is_folder, true, "after", &err));
        expect_file(inside, "after");
        expect_file(is_folder ? ".crash.exporting" : ".crash.gguf.exporting", NULL);
    }
    CHECK_STR(err.text, "");
}

static void two_at_a_time(void)
{
    struct err err = {0};
    struct staging_dir one, two;

    CHECK(begin_export(&one, "held.gguf", false, false, NULL, &err));
    CHECK(!begin_export(&two, "held.gguf", false, false, NULL, &err));
    CHECK(err.kind == ERR_HELD);
    staging_end(&two);
    expect_file(".held.gguf.exporting/nothing", NULL);
    CHECK(staging_put(&one, "held.gguf", "x", 1, NULL) && staging_commit(&one, NULL));
    staging_end(&one);
    expect_file("held.gguf", "x");
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
    expect_file("stop.gguf", NULL);
    expect_file(".stop.gguf.exporting", NULL);
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
