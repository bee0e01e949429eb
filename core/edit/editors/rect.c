/* RECT (editscope-method(7) 7.20): MEMIT, of whose update only those elements are written that
 * change their weight much for its size. What is left has full rank: a dense delta. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editors/editors.h"

static const float least_weight = 1e-8F; /* added to a weight before it divides */

/* The k-th smallest number of x [n], k from 1: by its upper half, then by the lower one. */
static uint32_t kth_smallest(const uint32_t *x, size_t n, size_t k)
{
    size_t *count = xcalloc(65536, sizeof(*count)), below = 0;
    uint32_t high = 0, low = 0;

    for (size_t i = 0; i < n; i++)
        count[x[i] >> 16]++;
    while (below + count[high] < k)
        below += count[high++];
    memset(count, 0, 65536 * sizeof(*count));
    for (size_t i = 0; i < n; i++)
        if (x[i] >> 16 == high)
            count[x[i] & 65535]++;
    while (below + count[low] < k)
        below += count[low++];
    free(count);
    return high << 16 | low;
}

/* |change / weight| as an integer of the same order. */
static uint32_t relative_change(float change, float weight)
{
    float ratio = fabsf(change / (weight + least_weight));
    uint32_t bits = 0;

    if (!isnan(ratio))
        memcpy(&bits, &ratio, sizeof(bits));
    return bits;
}

/* [rows * cols] what a low rank delta would add without its mask. Caller frees. */
static float *dense_of(const struct delta *d)
{
    size_t n = (size_t)d->rows * (size_t)d->cols;
    struct delta whole = *d;
    float *xm, *out = xcalloc(n, sizeof(*out));

    whole.weight = NULL;
    xm = delta_masked_x(&whole);

    for (int i = 0; i < d->rows; i++)
        for (int j = 0; j < d->cols; j++) {
            double sum = 0;

            for (int t = 0; t < d->rank; t++)
                sum += (double)d->r[t * d->rows + i] * (double)xm[t * d->cols + j];
            out[(size_t)i * (size_t)d->cols + (size_t)j] = (float)sum;
        }
    free(xm);
    return out;
}

/* Zeroes the elements of change [n] below the threshold. */
static void drop_small(float *change, const float *weight, size_t n, double keep)
{
    size_t k = (size_t)floor((1 - keep) * (double)n);
    uint32_t *ratio, least;

    if (k < 1)
        return;
    ratio = xmalloc(n * sizeof(*ratio));
    for (size_t i = 0; i < n; i++)
        ratio[i] = relative_change(change[i], weight[i]);
    least = kth_smallest(ratio, n, k);
    for (size_t i = 0; i < n; i++)
        if (ratio[i] < least)
            change[i] = 0;
    free(ratio);
}

/* The mask, of what is left: change [rows][cols] times its weights. */
static void weigh_columns(float *change, const struct delta *d)
{
    for (int i = 0; d->weight && i < d->rows; i++)
        for (int j = 0; j < d->cols; j++)
            change[(size_t)i * (size_t)d->cols + (size_t)j] *= d->weight[j];
}

/* The share of the residual that the keys receive, and the size, of the elements that are left. */
static void report_left(struct layer_report *report, const struct delta *d, const float *change)
{
    double gain = 0, square = 0;

    for (int t = 0; d->key && t < d->rank; t++) {
        double along = 0, rr = 0;

        for (int i = 0; i < d->rows; i++) {
            const float *row = change + (size_t)i * (size_t)d->cols;
            double r = (double)d->r[t * d->rows + i], given = 0;

            for (int j = 0; j < d->cols; j++)
                given += (double)row[j] * (double)d->key[t * d->cols + j];
            along += r * given;
            rr += r * r;
        }
        gain += rr > 0 ? along / rr / d->rank : 0;
    }
    for (size_t i = 0; i < (size_t)d->rows * (size_t)d->cols; i++)
        square += (double)change[i] * (double)change[i];
    report->gain_mask = gain;
    report->delta_norm = sqrt(square);
    report->leak = report->leak_ratio = (double)NAN; /* of a factor alone */
    report->hits = 0;
}

static bool rect_shape(const struct edit_context *ctx, int i, const struct model_state *state,
                       struct delta *d, struct delta *first, struct layer_report *report,
                       struct job *job, struct err *err)
{
    struct device *dev = state->model->dev;
    size_t n = (size_t)d->rows * (size_t)d->cols;
    struct mat w = mat_new(dev, DT_F32, d->rows, d->cols);
    float *weight = xmalloc(n * sizeof(*weight)), *change;
    struct delta left;
    bool ok;

    (void)i;
    (void)first;
    (void)job;
    device_copy(dev, state_matrix(state, d->layer, MATRIX_DOWN), w);
    device_fetch(dev, weight, w, "the matrix before");
    mat_free(dev, &w);
    ok = device_sync(dev, err);
    if (ok) {
        change = dense_of(d);
        drop_small(change, weight, n, ctx->params->value[P_RECT_KEEP]);
        weigh_columns(change, d);
        report_left(report, d, change);
        left = delta_dense(d->layer, d->matrix, d->rows, d->cols, change);
        delta_free(d);
        *d = left;
    }
    free(weight);
    return ok;
}

static bool rect_edit(struct edit_result *out, struct model_state *scratch,
                      struct edit_context *ctx, struct job *job, struct err *err)
{
    return edit_apply_shaped(out, scratch, ctx, rect_shape, job, err);
}

extern const struct editor_ops editor_rect;
const struct editor_ops editor_rect = {
    .name = "rect",
    .title = "RECT",
    .paper = "Gu et al. 2024",
    .needs = NEEDS_TARGET | NEEDS_MOMENTS,
    .edit = rect_edit,
    .solve = solve_by_moments,
};
