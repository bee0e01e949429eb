/* Tensors of scores and masks as a safetensors file (editscope-formats(7) 11). */
#include "core/record/run_file.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/safetensors.h"

enum { TENSORS = 8, NAME = 32 };

struct names {
    char text[TENSORS][NAME];
};

/* Tensors that borrow name and data. */
static struct st_tensor tensor_1d(const char *name, enum st_type type, const void *data, long n)
{
    return (struct st_tensor){.name = name, .type = type, .ndim = 1, .dim = {n}, .data = data};
}

static struct st_tensor tensor_2d(const char *name, const float *data, long rows, long cols)
{
    return (struct st_tensor){
        .name = name, .type = ST_F32, .ndim = 2, .dim = {rows, cols}, .data = data};
}

/* The tensors of a layer, as many as are returned; `bytes` [3][M] gets what is stored as 0 or 1. */
static int layer_tensors(const struct run_layer *l, struct names *names, uint8_t *bytes,
                         struct st_tensor *out)
{
    static const char *const stem[TENSORS] = {"scores", "activation", "general", "specific",
                                              "mask",   "r_ge",       "r_sp",    "key"};
    const struct attribution *a = l->attribution;
    const struct mask *m = l->mask;
    long n = a->neurons;

    for (int t = 0; t < TENSORS; t++)
        snprintf(names->text[t], NAME, "%s.%d", stem[t], a->layer);
    for (long j = 0; j < n; j++) {
        bytes[j] = (m->class_bits[j] & CLASS_GENERAL) != 0;
        bytes[n + j] = (m->class_bits[j] & CLASS_SPECIFIC) != 0;
        bytes[2 * n + j] = m->weight[j] > 0;
    }
    out[0] = tensor_2d(names->text[0], a->score, a->rows, n);
    out[1] = tensor_2d(names->text[1], a->activation, a->rows, n);
    for (int k = 0; k < 3; k++)
        out[2 + k] = tensor_1d(names->text[2 + k], ST_U8, bytes + k * n, n);
    out[5] = tensor_1d(names->text[5], ST_F32, m->r_general, n);
    out[6] = tensor_1d(names->text[6], ST_F32, m->r_specific, n);
    if (a->keys)
        out[7] = tensor_2d(names->text[7], a->key, a->keys, n);
    return a->keys ? 8 : 7;
}

bool run_file_save(const char *path, const struct run_layer *layer, int layers,
                   const char *model_sha256, const char *run_json, struct err *err)
{
    const struct st_meta meta[] = {{"format", "editscope-run"},
                                   {"tool", "editscope"},
                                   {"model_sha256", model_sha256},
                                   {"run", run_json}};
    struct st_tensor *tensor = xcalloc((size_t)layers * TENSORS + 1, sizeof(*tensor));
    struct names *names = xcalloc((size_t)layers + 1, sizeof(*names));
    uint8_t **bytes = xcalloc((size_t)layers + 1, sizeof(*bytes));
    int count = 0;
    bool ok;

    for (int i = 0; i < layers; i++) {
        bytes[i] = xmalloc(3 * (size_t)layer[i].attribution->neurons);
        count += layer_tensors(&layer[i], &names[i], bytes[i], tensor + count);
    }
    ok = safetensors_save(path, tensor, count, meta, 4, err);
    for (int i = 0; i < layers; i++)
        free(bytes[i]);
    free(bytes);
    free(names);
    free(tensor);
    return ok;
}

float *z_file_load(const char *path, int *width, struct err *err)
{
    struct safetensors *st = safetensors_open(path, err);
    const struct st_tensor *t = st ? safetensors_tensor(st, "z") : NULL;
    float *z = NULL;
    long n;

    if (!st)
        return NULL;
    n = t ? st_tensor_elements(t) : 0;
    if (!t || t->ndim < 1 || n != t->dim[t->ndim - 1] || n < 1 || n > INT_MAX) {
        err_set(err, ERR_USAGE, "%s: %s", path,
                t ? "tensor z is not one vector [hidden]" : "holds no tensor called z");
        safetensors_close(st);
        return NULL;
    }
    z = xmalloc((size_t)n * sizeof(float));
    st_tensor_floats(t, z);
    safetensors_close(st);
    for (long i = 0; i < n; i++)
        if (!isfinite(z[i])) {
            err_set(err, ERR_USAGE, "%s: z[%ld] is not a finite number", path, i);
            free(z);
            return NULL;
        }
    *width = (int)n;
    return z;
}
