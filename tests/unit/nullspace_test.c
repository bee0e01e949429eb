/* Null spaces: their files in the cache. */
#include "core/edit/nullspace.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/mat_f64.h"
#include "core/edit/nullspace_file.h"
#include "tests/folder.h"

enum { M = 40, TOKENS = 96 };

static char folder[64];
static const struct nullspace_rule rule = {.fraction = 0.7};

/* Sums of a layer over so many rows of which `seed` is known. */
static struct moments *sums_over(struct device *dev, uint64_t seed, int tokens)
{
    static const int layer[] = {3};
    struct moments_origin origin = {.model = "model", .text = "text", .window = 8};
    struct moments *m = moments_new(dev, &origin, 1, layer, M, NULL);
    struct mat rows = mat_new(dev, DT_F32, tokens, M);
    float *x = xmalloc((size_t)tokens * M * sizeof(*x));

    for (int i = 0; i < tokens * M; i++)
        x[i] = (float)(rng_unit(&seed) - 0.3) / (float)(1 + i % M);
    device_upload(dev, rows, x);
    moments_add(m, 0, rows);
    moments_tokens_add(m, tokens);
    mat_free(dev, &rows);
    free(x);
    return m;
}

static struct moments *sums(struct device *dev, uint64_t seed, bool saved)
{
    struct moments *m = sums_over(dev, seed, TOKENS);

    CHECK(!saved || moments_save(m, NULL));
    return m;
}

static char *path_of(const struct moments *m, const struct nullspace *n)
{
    char key[65], *name, *path;

    moments_key(m, 0, key);
    name = xasprintf("nullspaces/%s-%s.safetensors", key, n->hash);
    path = file_cache_path(name);
    free(name);
    return path;
}

/* Every number that an edit uses. */
static bool same_bits(const struct nullspace *a, const struct nullspace *b)
{
    size_t rank = (size_t)a->rank;
    double *x, *y, *s, *t;
    bool same = a->rank == b->rank && a->tokens == b->tokens && a->threshold == b->threshold &&
                a->trace == b->trace && a->trace_lost == b->trace_lost &&
                a->null_fraction == b->null_fraction && !strcmp(a->hash, b->hash);

    if (!same)
        return false;
    x = offload_download(&a->vectors, 0, a->rank, NULL);
    y = offload_download(&b->vectors, 0, b->rank, NULL);
    s = offload_download(&a->sum, 0, M, NULL);
    t = offload_download(&b->sum, 0, M, NULL);
    same = !memcmp(x, y, rank * M * sizeof(*x)) && !memcmp(s, t, M * M * sizeof(*s)) &&
           !memcmp(a->value, b->value, rank * sizeof(*a->value));
    free(x);
    free(y);
    free(s);
    free(t);
    return same;
}

/* Both leaks are x^T C x with C = sum / tokens, whether the sum is in memory or in a file. */
static void check_leaks(struct device *dev, const struct nullspace *a, const struct nullspace *b)
{
    enum { ROWS = 3 };
    double x[ROWS * M], of_a[ROWS], of_b[ROWS], *sum = offload_download(&a->sum, 0, M, NULL);
    struct mat rows = mat_new(dev, DT_F64, ROWS, M);
    uint64_t seed = 7;

    for (int i = 0; i < ROWS * M; i++)
        x[i] = rng_unit(&seed) - 0.5;
    device_upload(dev, rows, x);
    CHECK(nullspace_leak(a, rows, of_a, NULL) && nullspace_leak(b, rows, of_b, NULL));
    for (int r = 0; r < ROWS; r++) {
        double want = 0;

        for (int i = 0; i < M * M; i++)
            want += x[r * M + i / M] * sum[i] * x[r * M + i % M] / TOKENS;
        CHECK(want > 0);
        CHECK_NEAR(of_a[r] / want, 1, 1e-12);
        CHECK_NEAR(of_b[r] / want, 1, 1e-12);
    }
    mat_free(dev, &rows);
    free(sum);
}

/* What is read is what was made, to the bit, wherever it lies; it is not made again. */
static void read_is_made(void)
{
    for (int on_host = 0; on_host < 2; on_host++) {
        struct device *dev = device_open(&device_cpu, 0, 1, NULL);
        struct moments *m, *again;
        struct nullspace *fresh, *made, *got;
        struct buf notes = {0};
        struct job job = {0};
        struct err err = {0};
        char *path;

        dev->spaces_on_host = dev->moments_on_host = on_host;
        dev->host_band = 7 * M * sizeof(double);
        m = sums(dev, 1, !on_host);
        again = sums(dev, 1, false);
        /* a BLAS rounds bands in its own way: the sums are those of the first round */
        CHECK(!on_host || moments_load(m, TOKENS, &notes, NULL));
        fresh = nullspace_new(m, 0, rule, NULL, NULL);
        path = path_of(m, fresh);
        CHECK(!on_host == !file_exists(path)); /* of the first round */
        made = nullspace_cached(m, 0, rule, NULL, &notes, NULL);
        CHECK(file_exists(path));
        CHECK(moments_load(again, TOKENS, &notes, NULL) && again->tokens == TOKENS);
        got = nullspace_cached(again, 0, rule, NULL, &notes, NULL);
        CHECK(fresh && made && got && same_bits(fresh, made) && same_bits(made, got));
        CHECK(!offload_owns(&got->sum) && got->sum.file);
        check_leaks(dev, fresh, got);
        again->job = &job;
        atomic_store(&job.cancel, true);
        CHECK(!nullspace_cached(again, 0, rule, NULL, &notes, &err));
        CHECK(err.kind == ERR_CANCELLED);
        CHECK(notes.len == 0);
        nullspace_free(fresh);
        nullspace_free(made);
        nullspace_free(got);
        moments_free(m);
        moments_free(again);
        CHECK(dev->in_use == 0);
        device_close(dev);
        free(path);
    }
}

/* Null spaces share the sum they are of until the moments go on; then it stays what it was. */
static void sums_go_on(void)
{
    for (int on_host = 0; on_host < 2; on_host++) {
        struct device *dev = device_open(&device_cpu, 0, 1, NULL);
        struct moments *m;
        struct nullspace *kept, *same, *next;
        struct mat row = mat_new(dev, DT_F32, 1, M);
        size_t once;

        dev->spaces_on_host = dev->moments_on_host = on_host;
        m = sums(dev, 3, false);
        moments_flush(m);
        kept = nullspace_new(m, 0, rule, NULL, NULL);
        once = dev->in_use;
        same = nullspace_none(m, 0, NULL);
        CHECK(kept && same && !offload_owns(&m->sum[0]) && dev->in_use == once);
        device_fill(dev, row, 1);
        moments_add(m, 0, row);
        moments_tokens_add(m, 1);
        moments_flush(m);
        CHECK(device_sync(dev, NULL) && offload_owns(&m->sum[0]));
        next = nullspace_none(m, 0, NULL);
        for (int i = 0; i < M * M; i++) {
            double *was = offload_download(&kept->sum, i / M, 1, NULL);
            double *is = offload_download(&next->sum, i / M, 1, NULL);

            CHECK_NEAR(is[i % M], was[i % M] + 1, 1e-9);
            free(was);
            free(is);
        }
        nullspace_free(kept);
        moments_free(m);
        nullspace_free(next);
        nullspace_free(same);
        mat_free(dev, &row);
        CHECK(dev->in_use == 0);
        device_close(dev);
    }
}

/* Whether the file under the name of n is taken. */
static bool file_is_used(struct device *dev, const struct moments *m, const struct nullspace *n)
{
    struct nullspace other = *n;
    struct err err = {0};
    bool used;

    other.vectors = (struct offload_mat){0};
    other.value = NULL;
    used = nullspace_file_read(&other, m, 0, &err);
    offload_free(&other.vectors);
    free(other.value);
    device_sync(dev, NULL);
    return used;
}

/* A file that is not what was written is not used, is named, and is written again. */
static void expect_refused(const struct moments *m, const struct nullspace *want, const char *path,
                           const char *bytes, size_t n)
{
    struct buf notes = {0};
    struct nullspace *got;

    CHECK(file_write(path, bytes, n, NULL));
    got = nullspace_cached(m, 0, rule, NULL, &notes, NULL);
    CHECK(got && same_bits(got, want));
    CHECK(notes.len && strstr(notes.data, path) && strstr(notes.data, "not used"));
    notes.len = 0;
    nullspace_free(got);
    got = nullspace_cached(m, 0, rule, NULL, &notes, NULL);
    CHECK(got && same_bits(got, want) && notes.len == 0);
    nullspace_free(got);
    buf_free(&notes);
}

static void damage_is_seen(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = sums(dev, 1, true);
    struct nullspace *n = nullspace_cached(m, 0, rule, NULL, NULL, NULL), *wider;
    char *path = path_of(m, n), *other, *good, *foreign;
    size_t size, foreign_size;
    int flips = 0, refused = 0;

    good = file_read(path, 1 << 20, &size, NULL);
    CHECK(good != NULL);
    for (size_t cut = 0; good && cut < size; cut += 501)
        expect_refused(m, n, path, good, cut);
    for (size_t at = 0; good && at < size; at += 37) {
        good[at] = (char)(good[at] ^ 0x11);
        CHECK(file_write(path, good, size, NULL));
        refused += !file_is_used(dev, m, n);
        flips++;
        good[at] = (char)(good[at] ^ 0x11);
    }
    CHECK(flips > 100 && refused >= flips - 5); /* but for names that are only for people */
    wider = nullspace_cached(m, 0, (struct nullspace_rule){.fraction = 0.5}, NULL, NULL, NULL);
    other = path_of(m, wider);
    foreign = file_read(other, 1 << 20, &foreign_size, NULL);
    CHECK(foreign != NULL);
    expect_refused(m, n, path, foreign, foreign_size); /* renamed */
    nullspace_free(wider);
    nullspace_free(n);
    free(path);
    free(other);
    free(good);
    free(foreign);
    moments_free(m);
    device_close(dev);
}

/* The name is of text and tokens; other sums under it have a null space of their own. Sums whose
 * hash is not known use no file and leave none. */
static void other_sums(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = sums(dev, 1, true), *other, *unsaved;
    struct nullspace *n = nullspace_cached(m, 0, rule, NULL, NULL, NULL), *second, *fresh;
    struct buf notes = {0};
    char *path = path_of(m, n);

    other = sums(dev, 2, true); /* as a GPU's may differ, only more */
    fresh = nullspace_new(other, 0, rule, NULL, NULL);
    CHECK(!file_is_used(dev, other, n));
    second = nullspace_cached(other, 0, rule, NULL, &notes, NULL);
    CHECK(same_bits(second, fresh) && !same_bits(second, n) && !strcmp(second->hash, n->hash));
    CHECK(notes.len && strstr(notes.data, "other second moments"));
    nullspace_free(second);
    CHECK(unlink(path) == 0);
    unsaved = sums(dev, 3, false);
    second = nullspace_cached(unsaved, 0, rule, NULL, NULL, NULL);
    CHECK(second && !file_exists(path));
    nullspace_free(second);
    nullspace_free(fresh);
    nullspace_free(n);
    buf_free(&notes);
    free(path);
    moments_free(m);
    moments_free(other);
    moments_free(unsaved);
    device_close(dev);
}

static int files_there(void)
{
    char *path = file_cache_path("nullspaces");
    DIR *dir = opendir(path);
    int count = 0;

    for (struct dirent *entry; dir && (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    free(path);
    return count;
}

/* A sweep over the rule does not fill the disk: the newest few stay. */
static void old_ones_go(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = sums(dev, 1, true);

    for (int i = 0; i < NULLSPACES_KEPT + 3; i++) {
        struct nullspace_rule r = {.fraction = 0.3 + 0.05 * i};
        struct nullspace *n = nullspace_cached(m, 0, r, NULL, NULL, NULL);
        char *path = path_of(m, n);

        usleep(20000); /* files have different times */
        CHECK(file_exists(path));
        nullspace_free(n);
        free(path);
    }
    CHECK(files_there() == NULLSPACES_KEPT);
    moments_free(m);
    device_close(dev);
}

/* Fewer tokens than directions outside f: the sum's rank is the count of tokens. */
static void few_tokens(void)
{
    enum { FEW = 5 };
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = sums_over(dev, 4, FEW);
    struct nullspace *n = nullspace_new(m, 0, rule, NULL, NULL);

    CHECK(n && n->rank == FEW);
    CHECK(n && n->trace_lost < 1e-6);
    nullspace_free(n);
    moments_free(m);
    device_close(dev);
}

/* All directions are null: nothing to keep but the numbers. */
static void nothing_kept(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct moments *m = sums(dev, 1, true);
    struct nullspace_rule all = {.threshold = 1e9};
    struct nullspace *made = nullspace_cached(m, 0, all, NULL, NULL, NULL);
    struct nullspace *got = nullspace_cached(m, 0, all, NULL, NULL, NULL);

    CHECK(made && got && made->rank == 0 && got->rank == 0);
    CHECK(made && got && got->trace == made->trace && got->threshold == made->threshold);
    nullspace_free(made);
    nullspace_free(got);
    moments_free(m);
    device_close(dev);
}

static const struct test tests[] = {
    {"moments go on beside a null space", sums_go_on},
    {"what is read is what was made", read_is_made},
    {"damage is seen", damage_is_seen},
    {"other sums under the same name", other_sums},
    {"old ones go", old_ones_go},
    {"few tokens", few_tokens},
    {"everything is null", nothing_kept},
};

FOLDER_MAIN(folder, tests)
