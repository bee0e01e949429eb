/* Shared by the parts of the GPU benchmark: one device, one clock, one table.
 *
 * A line of the table is one operation: the time of its first call (which loads kernels), its
 * median time with data in device memory (new operands each time) and with data in the cache (the
 * same operands again, if they fit), and the least time that its flops and bytes need at the
 * measured ceilings. */
#ifndef TESTS_GPU_BENCH_H
#define TESTS_GPU_BENCH_H

#include <jansson.h>

#include "core/device/device.h"
#include "tests/gpu/synthetic.h"

/* Units that a floor can be counted on. The first are those of enum precision, as products of
 * float32 factors are made. */
enum rate {
    RATE_STORED_BF16 = PRECISION_COUNT, /* both factors are bfloat16 already */
    RATE_F64,
    RATE_COUNT
};

struct cost {
    double flops, bytes; /* at least */
    enum rate rate;      /* of the flops */
};

struct line {
    char part[40], what[48], shape[48];
    struct cost cost;
    double first, far, near; /* seconds; near < 0: the same as far */
    double low, high;        /* of the far ones */
    double floor;            /* seconds; 0: none is known */
    char note[80];
    struct line *next;
};

struct bench {
    struct device *dev;
    bool small;                /* tiny shapes, to try the harness itself */
    int repeats;               /* timed batches, at least 5 */
    double wait;               /* seconds a batch takes at least */
    double copy;               /* ceiling: bytes read and written a second */
    double rate[RATE_COUNT];   /* ceiling: operations a second of a large square product; 0: none */
    double u_rate[RATE_COUNT]; /* the same at the shape of a tile of U */
    struct line *lines, **end;
    json_t *json;   /* object of everything */
    struct err err; /* the first failure */
};

typedef void bench_fn(void *ctx, int turn); /* turn 0, 1, 2 …: operands of their own */

/* Seconds a call: the median of `repeats` batches. Far: the turn goes on; else it stays 0. */
double bench_time(struct bench *b, bench_fn *fn, void *ctx, bool far, double *low, double *high);
/* Measures far and near and adds a line. */
struct line *bench_measure(struct bench *b, const char *part, const char *what, const char *shape,
                           struct cost cost, bench_fn *fn, void *ctx);
/* A line of things that were timed elsewhere: the median, least and most of `count` times. */
struct line *bench_note(struct bench *b, const char *part, const char *what, const char *shape,
                        struct cost cost, double first, const double *seconds, int count);
double bench_median(double *x, int n); /* sorts */
double bench_floor(const struct bench *b, struct cost cost);
/* A matrix on the device with noise in it; type F32 or BF16. Freed by bench_drop(). */
struct mat bench_noise(struct bench *b, enum dtype type, long elements, uint32_t seed);
void bench_drop(struct bench *b, struct mat *m);
/* "4096x14336" into one of a few buffers. */
const char *bench_shape(const char *format, ...) __attribute__((format(printf, 1, 2)));

void bench_print(const struct bench *b); /* the table */
json_t *bench_json(struct bench *b);     /* lines and ceilings into b->json, which is returned */

/* How the CUDA device makes the log probability shift: tiles of U by the library and a reduction,
 * or one kernel that never writes U. False where the second is not to be had. */
bool bench_fuse(struct bench *b, enum precision p, bool fused);

/* The parts. Each leaves the device without what it took. */
void bench_ceilings(struct bench *b, const struct shape *s);
void bench_ops(struct bench *b, const struct shape *s);
/* Weights on the device (synthetic ones in their stored type), null spaces and second moments where
 * the program's own plan of the memory puts them. Takes both arguments, also when it fails. */
struct model *bench_place(struct bench *b, struct weights *file, struct tokenizer *tokenizer);
/* Attribution in every precision, an edit, moments. `model` may have a tokenizer or not; request
 * [requests] are in its tokens. Verdicts go into b->json. */
void bench_model(struct bench *b, struct model *model, const char *name,
                 const struct request *request, int requests);
/* Name, driver and state of the GPU as nvidia-smi tells them; "" without. */
void bench_machine(json_t *into, const char *when);

#endif
