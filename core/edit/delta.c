#include "core/edit/delta.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/finite.h"

static bool part_sound(const struct delta *d, const char *what, const float *x, int rows, int cols,
                       struct err *err)
{
    long at = x ? not_finite(x, (size_t)rows * (size_t)cols) : -1;

    return at < 0 || err_set(err, ERR_FORMAT,
                             "layer %d: the change's %s, row %ld, column %ld is %s, not a finite "
                             "number",
                             d->layer, what, at / cols, at % cols, number_word((double)x[at]));
}

bool delta_sound(const struct delta *d, struct err *err)
{
    if (!isfinite(d->scale))
        return err_set(err, ERR_FORMAT, "layer %d: the change's scale is %s, not a finite number",
                       d->layer, number_word(d->scale));
    return part_sound(d, "r (delta_u)", d->r, d->rank, d->rows, err) &&
           part_sound(d, "x (delta_v)", d->x, d->rank, d->cols, err) &&
           part_sound(d, "mask", d->weight, 1, d->cols, err) &&
           part_sound(d, "key", d->key, d->rank, d->cols, err);
}

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
