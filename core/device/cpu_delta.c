/* Applies a delta to a matrix in the one defined order (core/edit/delta.h): rank after rank, each
 * step a correctly rounded fused multiply-add. fmaf() is an instruction or a function of the C
 * library; both give the same bits, so edited weights are the same on every machine. */
#include "core/device/cpu.h"

#include <string.h>

struct change {
    const struct cpu_loops *loops;
    struct mat r, xm, w;
    const int *live; /* [cols] 1: some rank changes this column; other columns keep their bits */
};

static void change_rows(void *context, int first, int end)
{
    const struct change *d = context;

    for (int i = first; i < end; i++)
        for (int t = 0; t < d->r.rows; t++)
            d->loops->delta(row_f32(d->r, t)[i], row_f32(d->xm, t), d->live, row_f32(d->w, i),
                            d->w.cols);
}

void cpu_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct change d = {.loops = cpu->loops, .r = r, .xm = xm, .w = w};
    int *live;

    if (!cpu_shared(cpu, ((size_t)w.cols + 1) * sizeof(*live)))
        return;
    live = cpu->shared;
    memset(live, 0, (size_t)w.cols * sizeof(*live));
    for (int t = 0; t < xm.rows; t++)
        for (int j = 0; j < w.cols; j++)
            live[j] |= row_f32(xm, t)[j] != 0;
    d.live = live;
    cpu_rows(cpu, w.rows, (size_t)w.cols * (size_t)r.rows, change_rows, &d);
}
