/* Runs an operation once on the CPU and twice on the device under test. The device's first result
 * must equal the CPU's within a tolerance, the second must equal the first bit for bit. Guard
 * numbers surround each matrix and must not change; results start as NaN, so that elements that are
 * not written are found. */
#ifndef TESTS_GPU_PAIR_H
#define TESTS_GPU_PAIR_H

#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/device/device.h"
#include "gpu/cuda.h"
#include "tests/test.h"

enum { RUNS = 3, MOST_TRIOS = 24 };

/* One matrix in three places. Rows are `pad` elements apart. */
struct trio {
    struct mat m[RUNS], whole[RUNS];
    int pad;
};

struct pair {
    struct device *dev[RUNS]; /* the CPU, and twice the device under test */
    struct trio made[MOST_TRIOS];
    int count;
    uint64_t state;  /* of the random numbers of this case */
    char about[160]; /* what a failure says of the case */
};

static struct pair pair;

#define EACH_RUN(r) for (int r = 0; r < RUNS; r++)

/* --- random numbers and shapes ---------------------------------------------------- */

static double uniform(void)
{
    pair.state = pair.state * 6364136223846793005U + 1442695040888963407U;
    return (double)(pair.state >> 40) / (double)(1 << 23) - 1;
}

static int below(int n)
{
    int x = (int)((uniform() + 1) / 2 * n);

    return x < n ? x : n - 1;
}

/* A number of rows or columns: ones around powers of two and warps, and some large ones. */
static int some_size(int most)
{
    static const int size[] = {1,   2,   3,   7,   8,   31,  32,  33,   63,   65,   100, 127,
                               128, 129, 255, 257, 511, 513, 777, 1000, 1023, 1025, 2049};
    int n;

    do
        n = size[below((int)(sizeof(size) / sizeof(*size)))];
    while (n > most);
    return n;
}

static int some_pad(void)
{
    static const int pad[] = {0, 0, 1, 3, 4, 17};

    return pad[below(6)];
}

/* --- matrices --------------------------------------------------------------------- */

static const uint32_t guard32 = 0x7fedcba9U; /* NaN with bits of its own */
static const uint64_t guard64 = 0x7ffdcba987654321U;

static size_t each_of(enum dtype type)
{
    return type == DT_F64 ? 8 : 4;
}

/* `size` 0: NaN all over; else noise in [-size, size]. */
static struct trio *make(enum dtype type, int rows, int cols, double size)
{
    struct trio *t = &pair.made[pair.count++];
    size_t n, each = each_of(type);
    unsigned char *host;

    t->pad = some_pad();
    n = (size_t)rows * (size_t)(cols + t->pad);
    host = xmalloc(n * each + 8);
    for (size_t i = 0; i < n; i++) {
        bool inside = (int)(i % (size_t)(cols + t->pad)) < cols && size > 0;
        double wide = inside ? size * uniform() : 0;
        float narrow = (float)wide;

        wide = (double)narrow; /* the same number in either type */
        if (type == DT_F64)
            memcpy(host + i * 8, inside ? (const void *)&wide : (const void *)&guard64, 8);
        else
            memcpy(host + i * 4, inside ? (const void *)&narrow : (const void *)&guard32, 4);
    }
    EACH_RUN(r)
    {
        t->whole[r] = mat_new(pair.dev[r], type, rows, cols + t->pad);
        device_upload(pair.dev[r], t->whole[r], host);
        t->m[r] = mat_cols(t->whole[r], 0, cols);
    }
    free(host);
    return t;
}

/* One number in all of its elements. */
static struct trio *make_filled(enum dtype type, int rows, int cols, double value)
{
    struct trio *t = make(type, rows, cols, 1);

    EACH_RUN(r)
    device_fill(pair.dev[r], t->m[r], value);
    return t;
}

/* Random bytes of any stored type with finite values: no 16-bit float has a large exponent. */
static struct trio *make_stored(enum dtype type, int rows, int cols)
{
    struct trio *t = &pair.made[pair.count++];
    size_t bytes = dtype_row_bytes(type, cols) * (size_t)rows;
    unsigned char *host = xmalloc(bytes + 1);

    *t = (struct trio){.pad = -1};
    for (size_t i = 0; i < bytes; i++)
        host[i] = (unsigned char)(below(256) & (type == DT_F32 ? 0x3f : 0xbf));
    EACH_RUN(r)
    {
        t->m[r] = (struct mat){device_alloc(pair.dev[r], bytes), type, rows, cols, cols};
        device_upload(pair.dev[r], t->m[r], host);
    }
    free(host);
    return t;
}

static void drop_all(void)
{
    for (int i = 0; i < pair.count; i++)
        EACH_RUN(r)
        {
            struct trio *t = &pair.made[i];

            if (t->pad < 0)
                device_release(pair.dev[r], t->m[r].data,
                               dtype_row_bytes(t->m[r].type, t->m[r].cols) * (size_t)t->m[r].rows);
            else
                mat_free(pair.dev[r], &t->whole[r]);
        }
    pair.count = 0;
}

/* --- judgement ----------------------------------------------------------------------------------
 */

static void complain(const char *what, const char *why, double much)
{
    printf("%s, %s: %s (%g)\n", what, pair.about, why, much);
    test_failures++;
}

/* The whole matrix with what stands around it. Caller frees. */
static unsigned char *fetched(const struct trio *t, int r)
{
    struct mat m = t->whole[r];
    unsigned char *host = xmalloc((size_t)m.rows * (size_t)m.cols * each_of(m.type) + 8);

    device_download(pair.dev[r], host, m);
    return host;
}

static double number_at(const unsigned char *host, enum dtype type, size_t i)
{
    double wide;
    float narrow;

    if (type == DT_F64) {
        memcpy(&wide, host + i * 8, 8);
        return wide;
    }
    memcpy(&narrow, host + i * 4, 4);
    return (double)narrow;
}

static bool is_guard(const unsigned char *host, enum dtype type, size_t i)
{
    return type == DT_F64 ? !memcmp(host + i * 8, &guard64, 8) : !memcmp(host + i * 4, &guard32, 4);
}

/* ||got - want|| / ||want|| is at most `tolerance`; 0 asks for the same bits. */
static void same(const char *what, const struct trio *t, double tolerance)
{
    enum dtype type = t->whole[0].type;
    size_t wide = (size_t)t->whole[0].cols, n = (size_t)t->whole[0].rows * wide;
    unsigned char *host[RUNS];
    double gap = 0, size = 0;
    bool touched = false, bits = true, again;

    EACH_RUN(r)
    host[r] = fetched(t, r);
    for (size_t i = 0; i < n; i++) {
        double want = number_at(host[0], type, i), got = number_at(host[1], type, i);

        if (i % wide >= (size_t)t->m[0].cols) {
            touched |= !is_guard(host[1], type, i);
            continue;
        }
        gap += want == got ? 0 : (want - got) * (want - got);
        size += want * want;
        bits &= !memcmp(host[0] + i * each_of(type), host[1] + i * each_of(type), each_of(type));
    }
    again = !memcmp(host[1], host[2], n * each_of(type));
    if (touched)
        complain(what, "written beyond its rows", 0);
    if (!again)
        complain(what, "not the same bits twice", 0);
    if (tolerance > 0 ? !(sqrt(gap) <= tolerance * sqrt(size) + 1e-30) : !bits)
        complain(what, tolerance > 0 ? "off, relative" : "not the CPU's bits, off by",
                 sqrt(gap / (size > 0 ? size : 1)));
    EACH_RUN(r)
    free(host[r]);
}

/* Opens both devices; false: there is none to be validated. */
static bool pair_open(struct err *err)
{
    if (device_cuda.count() < 1) {
        device_cuda.check(0, err);
        return false;
    }
    pair.dev[0] = device_open(&device_cpu, 0, 2, err);
    pair.dev[1] = pair.dev[2] = device_open(&device_cuda, 0, 2, err);
    return pair.dev[0] && pair.dev[1];
}

static void pair_close(void)
{
    CHECK(pair.dev[0]->in_use == 0 && pair.dev[1]->in_use == 0);
    device_close(pair.dev[0]);
    device_close(pair.dev[1]);
}

/* Runs `one` for each of so many cases, each from its own seed; both devices must have gone well.
 */
static void cases(const char *name, int count, void (*one)(void))
{
    struct err err = {0};

    for (int i = 0; i < count && test_failures < 10; i++) {
        pair.state = (uint64_t)i * 7919 + 1;
        uniform();
        snprintf(pair.about, sizeof(pair.about), "case %d", i);
        one();
        for (int d = 0; d < 2; d++)
            if (!device_sync(pair.dev[d], &err)) {
                printf("%s, %s: %s\n", name, pair.about, err.text);
                test_failures++;
                err = (struct err){0};
            }
        drop_all();
    }
}

#define ABOUT(...) snprintf(pair.about, sizeof(pair.about), __VA_ARGS__)

#endif
