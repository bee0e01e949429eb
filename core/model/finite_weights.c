/* Looks for NaN and infinity in weights as they are first used, and names their place. */
/* Finds weights that are not finite, and names the tensor, the layer and the element. */
#include "core/model/finite_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/device/finite.h"

/* The layer a tensor belongs to; `layers` if it belongs to none. */
static int layer_of(const struct tensor *t, int layers)
{
    long layer = strncmp(t->name, "blk.", 4) ? layers : strtol(t->name + 4, NULL, 10);

    return layer < 0 || layer > layers ? layers : (int)layer;
}

/* The row and column of the first element that is not finite; false if there is none. */
static bool find_not_finite(const struct tensor *t, long *row, long *col)
{
    long rows = t->dim[0], cols = 1, at = -1;

    for (int i = 1; i < t->ndim; i++)
        cols *= t->dim[i];
    if (!t->transposed) {
        at = dtype_not_finite(t->type, t->data, rows * cols);
        *row = at < 0 ? 0 : at / cols;
        *col = at < 0 ? 0 : at % cols;
        return at >= 0;
    }
    for (long c = 0; c < cols; c++) { /* stored [in, out] */
        size_t skip = dtype_row_bytes(t->type, c * (t->stride ? t->stride : rows));

        at = dtype_not_finite(t->type, (const char *)t->data + skip, rows);
        *row = at;
        *col = c;
        if (at >= 0)
            return true;
    }
    return false;
}

/* The element as a number; of a quantised tensor the block around it is converted. */
static double tensor_value(const struct tensor *t, long row, long col)
{
    float block[256];
    long cols = t->ndim > 1 ? t->dim[1] : 1;
    long at = t->transposed ? col * (t->stride ? t->stride : t->dim[0]) + row : row * cols + col;
    int size = dtype_block(t->type);

    dtype_to_float(t->type, (const char *)t->data + dtype_row_bytes(t->type, at - at % size), block,
                   size);
    return (double)block[at % size];
}

/* Names an element the way users know it: by its neuron or token, where it belongs to one. */
static void describe_element(const struct tensor *t, long row, long col, char *out, size_t size)
{
    const char *last = strrchr(t->name, '.');
    size_t stem = last ? (size_t)(last - t->name) : 0;

    snprintf(out, size, "%s", "");
    if (t->ndim == 1)
        snprintf(out, size, "element %ld", row);
    else if (strstr(t->name, ".ffn_down."))
        snprintf(out, size, "row %ld, column %ld (neuron %ld)", row, col, col);
    else if (strstr(t->name, ".ffn_up.") || strstr(t->name, ".ffn_gate."))
        snprintf(out, size, "row %ld (neuron %ld), column %ld", row, row, col);
    else if ((stem == 10 && !strncmp(t->name, "token_embd", stem)) ||
             (stem == 6 && !strncmp(t->name, "output", stem)))
        snprintf(out, size, "row %ld (token %ld), column %ld", row, row, col);
    else
        snprintf(out, size, "row %ld, column %ld", row, col);
}

/* ERR_FORMAT: names the tensor, the layer and the first element that is not finite, as row and
 * column of [out, in]. */
static bool tensor_is_finite(const struct weights *w, const struct tensor *t, struct err *err)
{
    int layers = weights_config(w)->layers, layer = layer_of(t, layers);
    char in[24] = "", place[128], also[80] = "";
    long row, col;

    if (!find_not_finite(t, &row, &col))
        return true;
    describe_element(t, row, col, place, sizeof(place));
    if (layer < layers)
        snprintf(in, sizeof(in), "layer %d: ", layer);
    if (strcmp(t->name, t->origin) != 0)
        snprintf(also, sizeof(also), " (%.70s)", t->name);
    return err_set(err, ERR_FORMAT,
                   "%stensor %.80s%s, %s is %s, not a finite number; fetch or convert the model "
                   "again: %.100s",
                   in, t->origin, also, place, not_finite_name(tensor_value(t, row, col)),
                   weights_path(w));
}

void model_check_tensor(struct model *m, const struct tensor *t)
{
    m->tensor_checked[t - weights_at(m->file, 0)] = tensor_is_finite(m->file, t, NULL);
}

static bool rope_is_finite(const struct model *m, const float *freq)
{
    long at = freq ? not_finite(freq, (size_t)m->config->head_dim / 2) : -1;

    return at < 0 || err_set(&m->dev->fault, ERR_FORMAT,
                             "rotary frequency %ld is %s, not a finite number; the model's rotary "
                             "base or factors are wrong: %.100s",
                             at, not_finite_name((double)freq[at]), weights_path(m->file));
}

void model_check_layer(const struct model *m, int layer)
{
    int n, layers = m->config->layers;

    if (!m->file || m->layer_checked[layer] ||
        m->dev->fault.kind) /* no file: nothing came from outside */
        return;
    n = weights_count(m->file);
    for (int i = 0; i < n; i++) {
        const struct tensor *t = weights_at(m->file, i);

        if (layer_of(t, layers) != layer || m->tensor_checked[i])
            continue;
        if (!tensor_is_finite(m->file, t, &m->dev->fault))
            return;
        m->tensor_checked[i] = true;
    }
    m->layer_checked[layer] =
        layer < layers || (rope_is_finite(m, m->freq) && rope_is_finite(m, m->freq_swa));
}
