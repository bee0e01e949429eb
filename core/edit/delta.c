#include "core/edit/delta.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void delta_free(struct delta *d)
{
    free(d->r);
    free(d->x);
    free(d->weight);
    free(d->key);
    memset(d, 0, sizeof(*d));
}

static float *copy(const float *from, int rows, int cols)
{
    size_t n = (size_t)rows * (size_t)cols * sizeof(float);

    return from ? memcpy(xmalloc(n), from, n) : NULL;
}

struct delta delta_copy(const struct delta *d)
{
    struct delta c = *d;

    c.r = copy(d->r, d->rank, d->rows);
    c.x = copy(d->x, d->rank, d->cols);
    c.weight = copy(d->weight, 1, d->cols);
    c.key = copy(d->key, d->rank, d->cols);
    return c;
}

float *delta_masked_x(const struct delta *d)
{
    float *xm = xmalloc((size_t)d->rank * (size_t)d->cols * sizeof(float));
    float scale = (float)d->scale;

    for (int t = 0; t < d->rank; t++)
        for (int j = 0; j < d->cols; j++) {
            float w = d->weight ? d->weight[j] : 1.0F;
            float masked = w * d->x[t * d->cols + j];

            xm[t * d->cols + j] = scale * masked;
        }
    return xm;
}
