/* The log probability shift on the CPU. The BLAS computes a tile of U = head values, and the loops
 * reduce it for all rows b while it is in the cache; then comes the next tile.
 *
 *                  neurons (192 a piece)
 *               |-------|-------|---
 *   vocabulary  | tile  |       |          a thread takes a piece and goes down its tiles;
 *    (256 rows  |-------|       |          tiles of 256 rows stay in the second-level cache,
 *     a tile)   | tile  |       |          strips of 32 rows in the first-level cache
 *               |-------|-------|---
 *
 * At SmolLM2's shape (V 49152, d 576, M 1536, N 6) this takes 1.25 times as long as the product U
 * alone by the same BLAS. A third of the difference are the exponentials; most of the rest is that
 * the BLAS copies its inputs once for each tile (tests/bench/lps_bench.c). */
#include "core/device/cpu.h"

#include <cblas.h>

enum {
    NEURONS = 192,           /* columns of U in a piece */
    VOCAB = 256,             /* rows of U in a tile */
    STRIP = 32,              /* rows of a tile that are reduced for all b before the next */
    DEQUANTISED = 1024,      /* rows of a quantised head converted to float32 at a time */
    SCRATCH_ROWS = VOCAB + 4 /* rows of [NEURONS] in a thread's scratch: U, and four vectors */
};

struct lps_job {
    struct cpu *cpu;
    struct mat head; /* [rows, d] float32 */
    struct mat values, base, coeff;
    const int *target;
    int first; /* number of head's first row, counted in the caller's tile (a column of base), */
    int v0;    /* and counted in the vocabulary */
    struct lps_state s;
};

/* Reduces `rows` rows of U from v0 on, for n neurons from i0 on and all rows b. */
static void tile_reduce(const struct lps_job *j, int v0, int rows, int i0, int n, float *u)
{
    float *extra = u + VOCAB * NEURONS, *ones = extra + 2 * NEURONS;
    bool moments = j->s.mean.data != NULL, scaled = j->s.base_scale.data != NULL;

    for (int v = 0; v < rows; v += STRIP) {
        for (int b = 0; b < j->coeff.rows; b++) {
            struct lps_strip s = {
                .u = u + v * NEURONS,
                .base = row_f32(j->base, b) + j->first + v0 + v,
                .coeff = row_f32(j->coeff, b) + i0,
                .scale = scaled ? row_f32(j->s.base_scale, b) + i0 : ones,
                .max = row_f32(j->s.max, b) + i0,
                .sum = (double *)j->s.sum.data + b * j->s.sum.stride + i0,
                .mean = moments ? row_f32(j->s.mean, b) + i0 : NULL,
                .square = moments ? row_f32(j->s.square, b) + i0 : NULL,
                .shift = extra,
                .keep = extra + NEURONS,
                .part = extra + 3 * NEURONS,
                .add = j->s.add.data ? row_f32(j->s.add, 0) + j->first + v0 + v : NULL,
                .cap = j->s.cap,
                .rows = rows - v < STRIP ? rows - v : STRIP,
                .n = n,
                .ld = NEURONS,
            };

            j->cpu->loops->lps(&s);
        }
    }
}

/* A piece: some neurons, all rows of head. */
static void lps_piece(void *context, int piece, int worker)
{
    const struct lps_job *j = context;
    int i0 = piece * NEURONS;
    int n = j->values.cols - i0 < NEURONS ? j->values.cols - i0 : NEURONS;
    float *u = j->cpu->scratch[worker];

    for (int i = 0; i < NEURONS; i++)
        u[(VOCAB + 2) * NEURONS + i] = 1;
    for (int v0 = 0; v0 < j->head.rows; v0 += VOCAB) {
        int rows = j->head.rows - v0 < VOCAB ? j->head.rows - v0 : VOCAB;

        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, n, j->values.rows, 1,
                    row_f32(j->head, v0), (int)j->head.stride, row_f32(j->values, 0) + i0,
                    (int)j->values.stride, 0, u, NEURONS);
        for (int b = 0; b < j->coeff.rows; b++) {
            int own = j->target[b] - j->v0 - v0;

            for (int i = 0; own >= 0 && own < rows && i < n; i++)
                row_f32(j->s.own, b)[i0 + i] = u[own * NEURONS + i];
        }
        tile_reduce(j, v0, rows, i0, n, u);
    }
}

void cpu_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
             struct mat coeff, const int *target, int v0, struct lps_state s)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct lps_job j = {.cpu = cpu,
                        .head = head,
                        .values = values,
                        .base = base,
                        .coeff = coeff,
                        .target = target,
                        .v0 = v0,
                        .s = s};
    int pieces = (values.cols + NEURONS - 1) / NEURONS;

    if (!cpu_scratch(cpu, (size_t)NEURONS * SCRATCH_ROWS * sizeof(float)))
        return;
    if (head.type == DT_F32) {
        cpu_pool_run(cpu->pool, pieces, lps_piece, &j);
        return;
    }
    if (!cpu_shared(cpu, (size_t)DEQUANTISED * (size_t)head.cols * sizeof(float)))
        return;
    for (j.first = 0; j.first < head.rows; j.first += DEQUANTISED) {
        int rows = head.rows - j.first < DEQUANTISED ? head.rows - j.first : DEQUANTISED;

        j.head = (struct mat){cpu->shared, DT_F32, rows, head.cols, head.cols};
        j.v0 = v0 + j.first;
        cpu_copy(dev, mat_rows(head, j.first, rows), j.head);
        cpu_pool_run(cpu->pool, pieces, lps_piece, &j);
    }
}
