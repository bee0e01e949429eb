/* Memory and questions of one layer's scores: references, soundness, the strongest. */
#include "core/edit/attribution.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/finite.h"

struct attribution *attribution_new(int layer, int rows, int neurons, bool curves)
{
    struct attribution *a = xcalloc(1, sizeof(*a));
    size_t n = (size_t)rows * (size_t)neurons;

    atomic_init(&a->refs, 1);
    a->layer = layer;
    a->rows = rows;
    a->neurons = neurons;
    a->score = xcalloc(n, sizeof(float));
    a->activation = xcalloc(n, sizeof(float));
    a->slope = curves ? xcalloc(n, sizeof(float)) : NULL;
    a->curve = curves ? xcalloc(n, sizeof(float)) : NULL;
    a->value_norm = xcalloc((size_t)neurons, sizeof(float));
    a->target = xcalloc((size_t)rows, sizeof(int));
    a->base_logp = xcalloc((size_t)rows, sizeof(double));
    return a;
}

void attribution_set_keys(struct attribution *a, const float *key, int keys)
{
    size_t size = (size_t)keys * (size_t)a->neurons * sizeof(float);

    free(a->key);
    a->key = size ? memcpy(xmalloc(size), key, size) : NULL;
    a->keys = keys;
}

static bool table_sound(const struct attribution *a, const char *what, const float *x, int rows,
                        struct err *err)
{
    long at = x ? not_finite(x, (size_t)rows * (size_t)a->neurons) : -1;

    return at < 0 ||
           err_set(err, ERR_FORMAT,
                   "layer %d: the %s of neuron %ld in row %ld is %s, not a finite number", a->layer,
                   what, at % a->neurons, at / a->neurons, not_finite_name((double)x[at]));
}

bool attribution_is_finite(const struct attribution *a, struct err *err)
{
    long at = a->base_logp ? not_finite_doubles(a->base_logp, (size_t)a->rows) : -1;

    if (at >= 0)
        return err_set(
            err, ERR_FORMAT,
            "layer %d: the target's log probability in row %ld is %s, not a finite number",
            a->layer, at, not_finite_name(a->base_logp[at]));
    return table_sound(a, "score", a->score, a->rows, err) &&
           table_sound(a, "coefficient", a->activation, a->rows, err) &&
           table_sound(a, "slope", a->slope, a->rows, err) &&
           table_sound(a, "curve", a->curve, a->rows, err) &&
           table_sound(a, "value norm", a->value_norm, 1, err) &&
           table_sound(a, "key", a->key, a->keys, err);
}

double attribution_strength(const struct attribution *a, int neuron)
{
    double best = -(double)INFINITY;

    for (int r = 0; r < a->rows; r++)
        best = fmax(best, (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)neuron]);
    return best;
}

int attribution_strongest(const struct attribution *a, int wanted, int *out)
{
    int n = 0;

    for (int j = 0; j < a->neurons; j++) {
        double s = attribution_strength(a, j);
        int at = n;

        while (at && attribution_strength(a, out[at - 1]) < s)
            at--;
        if (at >= wanted)
            continue;
        if (n < wanted)
            n++;
        memmove(out + at + 1, out + at, (size_t)(n - 1 - at) * sizeof(int));
        out[at] = j;
    }
    return n;
}

struct attribution *attribution_ref(struct attribution *a)
{
    atomic_fetch_add(&a->refs, 1);
    return a;
}

void attribution_unref(struct attribution *a)
{
    if (!a || atomic_fetch_sub(&a->refs, 1) != 1)
        return;
    free(a->score);
    free(a->activation);
    free(a->slope);
    free(a->curve);
    free(a->value_norm);
    free(a->key);
    free(a->target);
    free(a->base_logp);
    free(a);
}
