/* Looks up values in the metadata of a GGUF file (weights_meta_*() of weights.h). */
#include <limits.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/format.h"

/* The value of a key that is not an array, or NULL. */
static const struct gguf_value *scalar_value(const struct weights *w, const char *key)
{
    const struct gguf_value *v = gguf_find(&w->gguf, key);

    return v && !v->array ? v : NULL;
}

/* The value of a key that is an array, or NULL. */
static const struct gguf_value *array_value(const struct weights *w, const char *key)
{
    const struct gguf_value *v = gguf_find(&w->gguf, key);

    return v && v->array ? v : NULL;
}

const char *weights_meta_text(const struct weights *w, const char *key, size_t *len)
{
    const struct gguf_value *v = scalar_value(w, key);
    const uint8_t *at;

    if (!v || v->kind != GGUF_STRING)
        return NULL;
    at = v->data;
    return gguf_string(&at, len);
}

bool weights_meta_int(const struct weights *w, const char *key, long long *value)
{
    const struct gguf_value *v = scalar_value(w, key);

    return v && gguf_int(v, 0, value);
}

long weights_meta_strings(const struct weights *w, const char *key, const char ***text,
                          size_t **len)
{
    const struct gguf_value *v = array_value(w, key);
    const uint8_t *at;

    if (!v || v->kind != GGUF_STRING)
        return -1;
    *text = xcalloc((size_t)v->count + 1, sizeof(**text));
    *len = xcalloc((size_t)v->count + 1, sizeof(**len));
    at = v->data;
    for (uint64_t i = 0; i < v->count; i++)
        (*text)[i] = gguf_string(&at, &(*len)[i]);
    return (long)v->count;
}

long weights_meta_ints(const struct weights *w, const char *key, int **values)
{
    const struct gguf_value *v = array_value(w, key);
    long long value;
    int *out;

    if (!v || v->kind == GGUF_STRING)
        return -1;
    out = xcalloc((size_t)v->count + 1, sizeof(*out));
    for (uint64_t i = 0; i < v->count; i++) {
        if (!gguf_int(v, i, &value) || value < INT_MIN || value > INT_MAX) {
            free(out);
            return -1;
        }
        out[i] = (int)value;
    }
    *values = out;
    return (long)v->count;
}

long weights_meta_floats(const struct weights *w, const char *key, float **values)
{
    const struct gguf_value *v = array_value(w, key);
    double value = 0;

    if (!v || v->kind == GGUF_STRING)
        return -1;
    *values = xcalloc((size_t)v->count + 1, sizeof(**values));
    for (uint64_t i = 0; i < v->count; i++) {
        gguf_number(v, i, &value);
        (*values)[i] = (float)value;
    }
    return (long)v->count;
}
