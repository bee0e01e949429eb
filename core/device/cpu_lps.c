/* Log probability shift on the CPU device: a tile of U = head values is made by the BLAS and
 * consumed from the cache before the next one. */
#include "core/device/cpu.h"

#include <cblas.h>
#include <math.h>

enum {
    NEURONS = 128, /* columns of U a piece */
    VOCAB = 256    /* rows of U at a time */
};

struct shift {
    struct cpu *cpu;
    const float *head; /* [rows, d] the sub-tile in float32 */
    long ldh;
    struct mat values, base, coeff;
    const int *target;
    int first, rows; /* the sub-tile's part of the tile */
    int v0;          /* vocabulary index of the tile's first row */
    struct lps_state s;
};

static void shift_row(const struct shift *j, const float *u, int b, int i0, int n)
{
    const float *base = row_f32(j->base, b) + j->first, *coeff = row_f32(j->coeff, b) + i0;
    float *max = row_f32(j->s.max, b) + i0, *sum = row_f32(j->s.sum, b) + i0;

    for (int i = 0; i < n; i++) {
        float scale = j->s.base_scale.data ? row_f32(j->s.base_scale, b)[i0 + i] : 1;
        float top = max[i], c = coeff[i], total, mean = 0, square = 0;
        float keep;

        for (int v = 0; v < j->rows; v++) {
            float x = scale * base[v] + c * u[v * NEURONS + i];

            top = x > top ? x : top;
        }
        keep = expf(max[i] - top);
        total = sum[i] * keep;
        for (int v = 0; v < j->rows; v++) {
            float w = u[v * NEURONS + i], e = expf(scale * base[v] + c * w - top);

            total += e;
            mean += e * w;
            square += e * w * w;
        }
        max[i] = top;
        sum[i] = total;
        if (j->s.mean.data) {
            float *m = row_f32(j->s.mean, b) + i0 + i, *q = row_f32(j->s.square, b) + i0 + i;

            *m = *m * keep + mean;
            *q = *q * keep + square;
        }
    }
}

static void shift_piece(void *context, int piece, int worker)
{
    const struct shift *j = context;
    int i0 = piece * NEURONS;
    int n = j->values.cols - i0 < NEURONS ? j->values.cols - i0 : NEURONS;
    float *u = j->cpu->scratch[worker];

    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, j->rows, n, j->values.rows, 1, j->head,
                (int)j->ldh, row_f32(j->values, 0) + i0, (int)j->values.stride, 0, u, NEURONS);
    for (int b = 0; b < j->coeff.rows; b++) {
        int own = j->target[b] - j->v0 - j->first;

        if (own >= 0 && own < j->rows)
            for (int i = 0; i < n; i++)
                row_f32(j->s.own, b)[i0 + i] = u[own * NEURONS + i];
        shift_row(j, u, b, i0, n);
    }
}

void cpu_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
             struct mat coeff, const int *target, int v0, struct lps_state s)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct shift j = {.cpu = cpu,
                      .values = values,
                      .base = base,
                      .coeff = coeff,
                      .target = target,
                      .v0 = v0,
                      .s = s};

    if (!cpu_scratch(cpu, (size_t)NEURONS * VOCAB * sizeof(float)) ||
        !cpu_shared(cpu, (size_t)VOCAB * (size_t)head.cols * sizeof(float)))
        return;
    for (j.first = 0; j.first < head.rows; j.first += VOCAB) {
        struct mat part, plain;

        j.rows = head.rows - j.first < VOCAB ? head.rows - j.first : VOCAB;
        part = mat_rows(head, j.first, j.rows);
        plain = (struct mat){cpu->shared, DT_F32, j.rows, head.cols, head.cols};
        if (head.type == DT_F32)
            plain = part;
        else
            cpu_copy(dev, part, plain);
        j.head = plain.data;
        j.ldh = plain.stride;
        cpu_pool_run(cpu->pool, (values.cols + NEURONS - 1) / NEURONS, shift_piece, &j);
    }
}
