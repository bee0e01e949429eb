/* Measures times and prints the table of the GPU benchmark. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tests/gpu/bench.h"

enum { MOST_REPEATS = 64, MOST_CALLS = 256 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof(*x), by_size);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

const char *bench_shape(const char *format, ...)
{
    static char text[8][48];
    static int at;
    va_list args;

    at = (at + 1) % 8;
    va_start(args, format);
    vsnprintf(text[at], sizeof(text[at]), format, args);
    va_end(args);
    return text[at];
}

/* Calls are queued one behind another and waited for together, so that the host's part is hidden
 * where it is shorter than the device's. */
static double batch(struct bench *b, bench_fn *fn, void *ctx, int from, int calls, bool far)
{
    double start = clock_seconds();

    for (int i = 0; i < calls; i++)
        fn(ctx, far ? from + i : 0);
    device_sync(b->dev, &b->err);
    return (clock_seconds() - start) / calls;
}

double bench_time(struct bench *b, bench_fn *fn, void *ctx, bool far, double *low, double *high)
{
    double once, seconds[MOST_REPEATS];
    int n = b->repeats < MOST_REPEATS ? b->repeats : MOST_REPEATS, calls, turn = 2;

    batch(b, fn, ctx, 0, 1, far); /* warms up */
    once = batch(b, fn, ctx, 1, 1, far);
    calls = once > 0 ? (int)(b->wait / once) + 1 : MOST_CALLS;
    calls = calls < MOST_CALLS ? calls : MOST_CALLS;
    for (int i = 0; i < n; i++, turn += calls)
        seconds[i] = batch(b, fn, ctx, turn, calls, far);
    once = bench_median(seconds, n);
    if (low)
        *low = seconds[0];
    if (high)
        *high = seconds[n - 1];
    return once;
}

double bench_floor(const struct bench *b, struct cost cost)
{
    double moving = b->copy > 0 ? cost.bytes / b->copy : 0;
    double counting = b->rate[cost.rate] > 0 ? cost.flops / b->rate[cost.rate] : 0;

    return moving > counting ? moving : counting;
}

static struct line *line_add(struct bench *b, const char *part, const char *what, const char *shape,
                             struct cost cost)
{
    struct line *l = xcalloc(1, sizeof(*l));

    snprintf(l->part, sizeof(l->part), "%s", part);
    snprintf(l->what, sizeof(l->what), "%s", what);
    snprintf(l->shape, sizeof(l->shape), "%s", shape);
    l->cost = cost;
    l->near = -1;
    l->floor = bench_floor(b, cost);
    if (!b->end)
        b->end = &b->lines;
    *b->end = l;
    b->end = &l->next;
    return l;
}

struct line *bench_measure(struct bench *b, const char *part, const char *what, const char *shape,
                           struct cost cost, bench_fn *fn, void *ctx)
{
    struct line *l = line_add(b, part, what, shape, cost);

    if (b->err.kind)
        return l;
    l->first = batch(b, fn, ctx, 0, 1, true);
    if (b->err.kind) {
        err_in(&b->err, "%s %s", what, shape);
        return l;
    }
    l->far = bench_time(b, fn, ctx, true, &l->low, &l->high);
    l->near = bench_time(b, fn, ctx, false, NULL, NULL);
    return l;
}

struct line *bench_note(struct bench *b, const char *part, const char *what, const char *shape,
                        struct cost cost, double first, const double *seconds, int count)
{
    struct line *l = line_add(b, part, what, shape, cost);
    double *sorted = xmalloc((size_t)count * sizeof(*sorted));

    memcpy(sorted, seconds, (size_t)count * sizeof(*sorted));
    l->first = first;
    l->far = bench_median(sorted, count);
    l->low = sorted[0];
    l->high = sorted[count - 1];
    free(sorted);
    return l;
}

struct mat bench_noise(struct bench *b, enum dtype type, long elements, uint32_t seed)
{
    enum { CHUNK = 1 << 20 };
    size_t each = type == DT_BF16 ? 2 : 4;
    struct mat m = {device_alloc(b->dev, (size_t)elements * each), type, 1, 0, 0};
    void *host = xmalloc(CHUNK * each);

    for (long i = 0; i < elements && m.data; i += CHUNK, seed++) {
        int n = elements - i < CHUNK ? (int)(elements - i) : CHUNK;

        if (type == DT_BF16)
            noise_bf16(host, (size_t)n, 1, seed);
        else
            noise_f32(host, (size_t)n, 1, seed);
        device_upload(b->dev, (struct mat){(char *)m.data + (size_t)i * each, type, 1, n, n}, host);
    }
    device_sync(b->dev, &b->err);
    free(host);
    m.stride = elements;
    return m;
}

void bench_drop(struct bench *b, struct mat *m)
{
    if (m->data)
        device_release(b->dev, m->data, (size_t)m->stride * (m->type == DT_BF16 ? 2 : 4));
    *m = (struct mat){0};
}

/* --- the table -------------------------------------------------------------------- */

/* 1.234 with its unit, eight characters wide. */
static const char *time_text(double s)
{
    static char text[8][16];
    static int at;
    const char *unit[] = {"s ", "ms", "us"};
    int u = 0;

    at = (at + 1) % 8;
    while (u < 2 && s < 1) {
        s *= 1000;
        u++;
    }
    snprintf(text[at], sizeof(text[at]), "%6.*f %s", s < 10 ? 3 : s < 100 ? 2 : 1, s, unit[u]);
    return text[at];
}

static const char *rate_text(const struct line *l)
{
    static char text[32];

    if (l->cost.flops > 100 * l->cost.bytes || (l->cost.flops > 0 && !(l->cost.bytes > 0)))
        snprintf(text, sizeof(text), "%8.3f TFLOP/s", l->cost.flops / l->far * 1e-12);
    else if (l->cost.bytes > 0)
        snprintf(text, sizeof(text), "%8.2f GB/s   ", l->cost.bytes / l->far * 1e-9);
    else
        snprintf(text, sizeof(text), "%16s", "");
    return text;
}

static void print_lines(const struct bench *b)
{
    const char *part = "";

    for (const struct line *l = b->lines; l; l = l->next) {
        if (strcmp(part, l->part)) {
            printf("\n%-40s %-24s %9s %9s %9s %16s %9s %6s\n", l->part, "", "first", "far", "near",
                   "achieved (far)", "floor", "x");
            part = l->part;
        }
        printf("%-40s %-24s %9s %9s %9s %16s", l->what, l->shape, time_text(l->first),
               time_text(l->far), l->near >= 0 ? time_text(l->near) : "", rate_text(l));
        if (l->floor > 0)
            printf(" %9s %6.2f", time_text(l->floor), l->far / l->floor);
        else
            printf(" %9s %6s", "", "");
        printf("%s%s\n", *l->note ? "  " : "", l->note);
    }
}

static const char *const rate_names[RATE_COUNT] = {"full (float32)",  "split bfloat16", "tf32",
                                                   "bf16 of float32", "bf16 as stored", "float64"};

void bench_print(const struct bench *b)
{
    printf("\nceilings: copy %.1f GB/s, read and written together\n", b->copy * 1e-9);
    for (int r = 0; r < RATE_COUNT; r++)
        if (b->rate[r] > 0)
            printf("          %-16s %9.3f TFLOP/s square, %9.3f TFLOP/s at a tile of U\n",
                   rate_names[r], b->rate[r] * 1e-12, b->u_rate[r] * 1e-12);
    printf("median of %d; first: the first call; far: operands not met lately; near: the same "
           "again\n",
           b->repeats);
    print_lines(b);
}

json_t *bench_json(struct bench *b)
{
    json_t *lines = json_array(), *ceilings = json_object();

    json_object_set_new(ceilings, "copy_bytes_per_second", json_real(b->copy));
    for (int r = 0; r < RATE_COUNT; r++)
        if (b->rate[r] > 0)
            json_object_set_new(
                ceilings, rate_names[r],
                json_pack("{s:f, s:f}", "square_flops", b->rate[r], "u_tile_flops", b->u_rate[r]));
    for (const struct line *l = b->lines; l; l = l->next)
        json_array_append_new(
            lines,
            json_pack("{s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "part",
                      l->part, "what", l->what, "shape", l->shape, "flops", l->cost.flops, "bytes",
                      l->cost.bytes, "first", l->first, "far", l->far, "near", l->near, "low",
                      l->low, "high", l->high, "floor", l->floor, "note", l->note));
    json_object_set_new(b->json, "ceilings", ceilings);
    json_object_set_new(b->json, "lines", lines);
    return b->json;
}
