#include "core/edit/attribution.h"

#include <stdlib.h>

#include "core/base/mem.h"

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
    free(a->target);
    free(a->base_logp);
    free(a);
}
