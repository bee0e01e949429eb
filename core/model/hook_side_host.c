/* Side matrices of WISE on the host: W itself, the elements that an edit may change, an edit as it
 * is stored, and two matrices merged by TIES (editscope-method(7) 7.26): of each, the larger part
 * of what it adds to W is kept, and where the two disagree in sign the larger one wins. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/model/hook_side.h"

float *side_base(const struct model *m, int layer, struct err *err)
{
    struct mat w = m->block[layer].w[MATRIX_DOWN];
    struct mat copy = mat_new(m->dev, DT_F32, w.rows, w.cols);
    float *host = xmalloc((size_t)w.rows * (size_t)w.cols * sizeof(*host));
    bool ok;

    device_copy(m->dev, w, copy);
    device_fetch(m->dev, host, copy, "layer %d: the base's matrix", layer);
    mat_free(m->dev, &copy);
    ok = device_sync(m->dev, err);
    if (ok)
        return host;
    free(host);
    return NULL;
}

int *side_elements(unsigned seed, double share, size_t n, int *count)
{
    uint64_t below = share < 1 ? (uint64_t)(share * 0x1p64) : UINT64_MAX;
    int *element = xmalloc(n * sizeof(*element));

    *count = 0;
    for (size_t e = 0; e < n; e++) {
        uint64_t state = ((uint64_t)seed << 32) + e;

        if (rng_next(&state) < below)
            element[(*count)++] = (int)e;
    }
    return element;
}

struct hook_data side_entry(int layer, int number, unsigned seed, double share, double threshold,
                            const float *change, int count)
{
    struct hook_data out = {.name = xstrdup("side"), .bytes = (size_t)count * sizeof(float)};
    json_t *root = json_pack("{s:i, s:i, s:I, s:f, s:f}", "layer", layer, "matrix", number, "seed",
                             (json_int_t)seed, "share", share, "threshold", threshold);

    out.params = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    out.blob = memcpy(xmalloc(out.bytes + 1), change, out.bytes);
    return out;
}

static const double kept = 0.53; /* share of the elements, by size */

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x < y) - (x > y);
}

/* What w adds to base, its smaller elements 0: those from the size of the last kept one on stay.
 * Caller frees. */
static float *trimmed_change(const float *base, const float *w, size_t n)
{
    float *change = xmalloc(n * sizeof(*change)), *size = xmalloc(n * sizeof(*size)), least;
    size_t count = (size_t)(kept * (double)n);

    for (size_t i = 0; i < n; i++) {
        change[i] = w[i] - base[i];
        size[i] = fabsf(change[i]);
    }
    qsort(size, n, sizeof(*size), by_size);
    least = count ? size[count - 1] : INFINITY;
    for (size_t i = 0; i < n; i++)
        if (fabsf(change[i]) < least)
            change[i] = 0;
    free(size);
    return change;
}

float *side_merge(const float *base, const float *a, const float *b, size_t n)
{
    float *x = trimmed_change(base, a, n), *y = trimmed_change(base, b, n);

    for (size_t i = 0; i < n; i++) {
        float sum = x[i] + y[i];
        bool both = x[i] * sum > 0 && y[i] * sum > 0;

        /* the mean of those that have the sign of the sum */
        x[i] = base[i] + (both ? sum / 2 : x[i] * sum > 0 ? x[i] : y[i] * sum > 0 ? y[i] : 0);
    }
    free(y);
    return x;
}
