/* The three largest coefficients of each neuron, and their cache file (editscope-formats(7) 13.2).
 */
#include "core/edit/top_activations.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"

/* Values of one layer: three a neuron. */
static size_t layer_values(const struct top_activations *c)
{
    return (size_t)c->neurons * TOP_ACTIVATIONS_KEPT;
}

struct top_activations *top_activations_new(const struct moments *m)
{
    struct top_activations *c = xcalloc(1, sizeof(*c));

    *c = (struct top_activations){.origin = m->origin, .layers = m->layers, .neurons = m->neurons};
    c->layer = xcalloc((size_t)m->layers, sizeof(*c->layer));
    memcpy(c->layer, m->layer, (size_t)m->layers * sizeof(*c->layer));
    c->value = xcalloc((size_t)m->layers * layer_values(c), sizeof(*c->value));
    c->at = xcalloc((size_t)m->layers * layer_values(c), sizeof(*c->at));
    return c;
}

void top_activations_free(struct top_activations *c)
{
    if (!c)
        return;
    free(c->layer);
    free(c->value);
    free(c->at);
    free(c);
}

void top_activations_add(struct top_activations *c, int index, const float *coeff, int n,
                         long first)
{
    float *value = c->value + (size_t)index * layer_values(c);
    int *at = c->at + (size_t)index * layer_values(c);

    for (int r = 0; r < n; r++)
        for (int i = 0; i < c->neurons; i++, coeff++) {
            float *v = value + (size_t)i * TOP_ACTIVATIONS_KEPT, size = fabsf(*coeff);
            int k = TOP_ACTIVATIONS_KEPT - 1;

            if (!(size > fabsf(v[k]))) /* the usual case; of equals the first stays */
                continue;
            for (; k && size > fabsf(v[k - 1]); k--) {
                v[k] = v[k - 1];
                at[(size_t)i * TOP_ACTIVATIONS_KEPT + (size_t)k] =
                    at[(size_t)i * TOP_ACTIVATIONS_KEPT + (size_t)k - 1];
            }
            v[k] = *coeff;
            at[(size_t)i * TOP_ACTIVATIONS_KEPT + (size_t)k] = (int)(first + r);
        }
}

static char *cache_file(const char *key)
{
    char *name = xasprintf("contexts/%s.safetensors", key), *path = file_cache_path(name);

    free(name);
    return path;
}

bool top_activations_save(const struct top_activations *c, const struct moments *m, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < c->layers; i++) {
        char key[65], tokens[32];
        char *path;
        struct st_tensor tensor[] = {{.name = "value",
                                      .type = ST_F32,
                                      .ndim = 2,
                                      .dim = {c->neurons, TOP_ACTIVATIONS_KEPT},
                                      .data = c->value + (size_t)i * layer_values(c)},
                                     {.name = "at",
                                      .type = ST_I32,
                                      .ndim = 2,
                                      .dim = {c->neurons, TOP_ACTIVATIONS_KEPT},
                                      .data = c->at + (size_t)i * layer_values(c)}};

        moments_key(m, i, key);
        snprintf(tokens, sizeof(tokens), "%ld", c->tokens);
        path = cache_file(key);
        ok = file_make_parents(path, err) &&
             safetensors_save(path, tensor, 2,
                              (const struct st_meta[]){{"key", key}, {"tokens", tokens}}, 2, err);
        free(path);
    }
    return ok;
}

/* The tokens a layer's file was made of; 0: not usable. */
static long load_layer(struct top_activations *c, const struct moments *m, int index)
{
    char key[65], *path, *end = NULL;
    struct safetensors *st;
    const struct st_tensor *value, *at;
    const char *said, *count;
    long tokens = 0;

    moments_key(m, index, key);
    path = cache_file(key);
    st = file_exists(path) ? safetensors_open(path, NULL) : NULL;
    value = st ? safetensors_tensor(st, "value") : NULL;
    at = st ? safetensors_tensor(st, "at") : NULL;
    said = st ? safetensors_meta(st, "key") : NULL;
    count = st ? safetensors_meta(st, "tokens") : NULL;
    if (value && at && said && count && !strcmp(said, key) && value->type == ST_F32 &&
        at->type == ST_I32 && st_tensor_elements(value) == (long long)layer_values(c) &&
        st_tensor_elements(at) == (long long)layer_values(c)) {
        tokens = strtol(count, &end, 10);
        if (*end || tokens < 0 || tokens > INT_MAX)
            tokens = 0;
        memcpy(c->value + (size_t)index * layer_values(c), value->data,
               layer_values(c) * sizeof(float));
        memcpy(c->at + (size_t)index * layer_values(c), at->data, layer_values(c) * sizeof(int));
    }
    for (size_t i = 0; i < layer_values(c); i++) {
        int token = c->at[(size_t)index * layer_values(c) + i];

        if (token < 0)
            c->value[(size_t)index * layer_values(c) + i] = 0;
        if (!isfinite(c->value[(size_t)index * layer_values(c) + i]))
            tokens = 0;
    }
    safetensors_close(st);
    free(path);
    return tokens;
}

bool top_activations_load(struct top_activations *c, const struct moments *m)
{
    long least = LONG_MAX, most = 0;

    for (int i = 0; i < c->layers; i++) {
        long tokens = load_layer(c, m, i);

        least = tokens < least ? tokens : least;
        most = tokens > most ? tokens : most;
    }
    c->tokens = least == most ? most : 0; /* a set that was cut short while it was written */
    if (!c->tokens) {
        memset(c->value, 0, (size_t)c->layers * layer_values(c) * sizeof(*c->value));
        memset(c->at, 0, (size_t)c->layers * layer_values(c) * sizeof(*c->at));
    }
    return c->tokens > 0;
}
