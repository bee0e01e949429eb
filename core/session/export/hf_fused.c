/* GPT-2's files keep q, k and v of a layer in one tensor [3 d, d], one after another. Exporters
 * that write tensors of the file need the edited three as one matrix again. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/session/export/export.h"

static const enum matrix parts[] = {MATRIX_Q, MATRIX_K, MATRIX_V};
enum { PARTS = sizeof(parts) / sizeof(*parts) };

bool export_fused(const struct weights *w, int layer, enum matrix which)
{
    const struct tensor *q = export_tensor(w, layer, MATRIX_Q), *t = export_tensor(w, layer, which);
    const struct tensor *v = export_tensor(w, layer, MATRIX_V);

    return q && v && t && !strcmp(q->origin, v->origin) && !strcmp(q->origin, t->origin);
}

/* A matrix of the file as floats [rows][cols]. */
static void tensor_floats(const struct tensor *t, float *out)
{
    long rows = t->dim[0], cols = t->dim[1], stride = t->stride ? t->stride : rows;
    float *x = t->transposed ? xmalloc((size_t)rows * sizeof(*x)) : NULL;

    if (!t->transposed)
        dtype_to_float(t->type, t->data, out, rows * cols);
    for (long c = 0; x && c < cols; c++) { /* stored [in, out] */
        dtype_to_float(t->type, (const char *)t->data + dtype_row_bytes(t->type, c * stride), x,
                       rows);
        for (long r = 0; r < rows; r++)
            out[r * cols + c] = x[r];
    }
    free(x);
}

/* Adds a delta of rows `first`... of the fused matrix. A dense one has no factors and is skipped:
 * only `w` shows it. */
static void add_part(struct export_matrix *whole, const struct delta *d, int first)
{
    struct delta c;

    if (d->kind == DELTA_DENSE)
        return;
    c = delta_copy(d);
    c.matrix = whole->which;
    c.rows = whole->rows;
    free(c.r);
    c.r = xcalloc((size_t)c.rank * (size_t)c.rows + 1, sizeof(*c.r));
    for (int t = 0; t < c.rank; t++)
        memcpy(c.r + (size_t)t * (size_t)c.rows + first, d->r + (size_t)t * (size_t)d->rows,
               (size_t)d->rows * sizeof(*c.r));
    whole->part = xrealloc(whole->part, (size_t)(whole->parts + 1) * sizeof(*whole->part));
    whole->part[whole->parts++] = c;
    whole->rank += c.rank;
}

static const struct export_matrix *matrix_of(const struct export_source *s, int layer,
                                             enum matrix which)
{
    for (int i = 0; i < s->matrices; i++)
        if (s->matrix[i].layer == layer && s->matrix[i].which == which)
            return &s->matrix[i];
    return NULL;
}

/* The fused matrix of a layer: edited values where there are some, the file's for the others. */
static bool fuse_layer(const struct export_source *s, int layer, struct export_matrix *out,
                       struct err *err)
{
    const struct tensor *t[PARTS];
    double norm2 = 0;
    int first = 0;

    *out = (struct export_matrix){.layer = layer, .which = MATRIX_Q};
    for (int k = 0; k < PARTS; k++) {
        t[k] = export_tensor(s->weights, layer, parts[k]);
        out->rows += (int)t[k]->dim[0];
        out->cols = (int)t[k]->dim[1];
    }
    out->w = malloc((size_t)out->rows * (size_t)out->cols * sizeof(*out->w));
    if (!out->w)
        return err_set(err, ERR_LIMIT, "not enough memory for tensor %s", t[0]->origin);
    for (int k = 0; k < PARTS; first += (int)t[k++]->dim[0]) {
        const struct export_matrix *m = matrix_of(s, layer, parts[k]);
        float *w = out->w + (size_t)first * (size_t)out->cols;

        if (!m) {
            tensor_floats(t[k], w);
            continue;
        }
        memcpy(w, m->w, (size_t)m->rows * (size_t)m->cols * sizeof(*w));
        norm2 += m->delta_norm * m->delta_norm;
        for (int p = 0; p < m->parts; p++)
            add_part(out, &m->part[p], first);
    }
    out->delta_norm = sqrt(norm2);
    return true;
}

bool export_fuse(const struct export_source *s, struct export_fusion *out, struct err *err)
{
    bool ok = true;
    int last = -1;

    *out = (struct export_fusion){.source = *s};
    out->matrix = xcalloc((size_t)s->matrices + 1, sizeof(*out->matrix));
    for (int i = 0; i < s->matrices; i++)
        if (!export_fused(s->weights, s->matrix[i].layer, s->matrix[i].which))
            out->matrix[out->own++] = s->matrix[i];
    out->source.matrices = out->own;
    out->source.matrix = out->matrix;
    for (int i = 0; ok && i < s->matrices; i++) {
        int layer = s->matrix[i].layer;

        if (layer == last || !export_fused(s->weights, layer, s->matrix[i].which))
            continue;
        last = layer;
        ok = fuse_layer(s, layer, &out->matrix[out->source.matrices++], err);
    }
    return ok;
}

void export_fusion_free(struct export_fusion *f)
{
    for (int i = f->own; i < f->source.matrices; i++) {
        for (int p = 0; p < f->matrix[i].parts; p++)
            delta_free(&f->matrix[i].part[p]);
        free(f->matrix[i].part);
        free(f->matrix[i].w);
    }
    free(f->matrix);
    *f = (struct export_fusion){0};
}
