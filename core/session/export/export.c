/* The table of exporters, and what they share: finding matrices, choosing and encoding types. */
#include "core/session/export/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/editors/editors.h"

static const struct export_ops *const exporters[] = {
    &export_safetensors, &export_gguf, &export_lora, &export_delta, &export_json,
};
enum { EXPORTERS = sizeof(exporters) / sizeof(*exporters) };

const struct export_ops *export_find(const char *name, struct err *err)
{
    struct buf known = {0};

    for (int i = 0; i < EXPORTERS; i++)
        if (name && !strcmp(exporters[i]->name, name))
            return exporters[i];
    for (int i = 0; i < EXPORTERS; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", exporters[i]->name);
    err_set(err, ERR_USAGE, "an export is one of %s%s%.40s%s", known.data, name ? ", not '" : "",
            name ? name : "", name ? "'" : "");
    buf_free(&known);
    return NULL;
}

/* Appends the names of the exporters that hold all of `wanted`: "delta, json". */
static void list_holders(unsigned wanted, struct buf *out)
{
    for (int i = 0; i < EXPORTERS; i++)
        if (!(wanted & ~exporters[i]->holds))
            buf_printf(out, "%s%s", out->len ? ", " : "", exporters[i]->name);
}

/* `what`: words for the thing that has HOLDS bit `bit`. Returns false. */
static bool cannot_hold(const struct export_ops *ops, unsigned bit, const char *what, int edit,
                        struct err *err)
{
    struct buf who = {0};

    list_holders(bit, &who);
    err_set(err, ERR_USAGE, "%s cannot hold %s of edit %d; export as %s%s", ops->name, what, edit,
            who.data, bit & (HOLDS_HOOK | HOLDS_PREFIX) ? ", or undo the edit first" : "");
    buf_free(&who);
    return false;
}

bool export_holds(const struct export_ops *ops, const struct edit_record *rec,
                  const struct editor_ops *method, struct err *err)
{
    char what[120], place[48];
    unsigned beside;

    for (int i = 0; i < rec->deltas; i++) {
        unsigned bit = 1U << rec->delta[i].kind;

        delta_place(&rec->delta[i], place, sizeof(place));
        snprintf(what, sizeof(what), "the change of %s", place);
        if (!(ops->holds & bit))
            return cannot_hold(ops, bit, what, rec->id, err);
    }
    beside = rec->hooks && !(ops->holds & HOLDS_HOOK)        ? HOLDS_HOOK
             : rec->prefixes && !(ops->holds & HOLDS_PREFIX) ? HOLDS_PREFIX
                                                             : 0;
    if (method->keeps)
        snprintf(what, sizeof(what), "%s (%s)", method->keeps, method->title);
    else if (beside == HOLDS_HOOK)
        snprintf(what, sizeof(what), "a hook (%.40s)", rec->hook[0].name);
    else
        snprintf(what, sizeof(what), "a prefix of prompts");
    return !beside || cannot_hold(ops, beside, what, rec->id, err);
}

const struct tensor *export_tensor(const struct weights *w, int layer, enum matrix which)
{
    const char *part = matrix_tensor(weights_config(w), which);
    char name[64];

    snprintf(name, sizeof(name), "blk.%d.%s.weight", layer, part ? part : "");
    return part ? weights_tensor(w, name) : NULL;
}

const struct export_matrix *export_edited(const struct export_source *s, const char *tensor)
{
    for (int i = 0; i < s->matrices; i++) {
        const struct tensor *t = export_tensor(s->weights, s->matrix[i].layer, s->matrix[i].which);

        if (t && (!strcmp(t->name, tensor) || !strcmp(t->origin, tensor)))
            return &s->matrix[i];
    }
    return NULL;
}

bool export_type(const struct export_options *options, enum dtype otherwise, enum dtype stored,
                 enum dtype *out, struct err *err)
{
    static const struct {
        const char *name;
        enum dtype type;
    } known[] = {{"f32", DT_F32}, {"f16", DT_F16}, {"bf16", DT_BF16}};

    *out = otherwise;
    if (!options->dtype)
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (!strcmp(options->dtype, known[i].name)) {
            *out = known[i].type;
            return true;
        }
    if (strcmp(options->dtype, "same"))
        return err_set(err, ERR_USAGE, "--dtype %.40s: not one of f32, f16, bf16, same",
                       options->dtype);
    if (!dtype_can_store(stored))
        return err_set(
            err, ERR_USAGE,
            "--dtype same: this program cannot write %s, the type of the edited tensors; "
            "use f32, f16 or bf16, and llama-quantize to make %s of the result",
            dtype_name(stored), dtype_name(stored));
    *out = stored;
    return true;
}

/* A copy of the edited matrix as the file stores it: [rows][cols], or transposed. NULL:
 * no memory. */
static float *copy_oriented(const struct export_matrix *l, bool transposed)
{
    size_t n = (size_t)l->rows * (size_t)l->cols;
    float *out = malloc(n * sizeof(*out));

    if (!out || !transposed) {
        if (out)
            memcpy(out, l->w, n * sizeof(*out));
        return out;
    }
    for (int i = 0; i < l->rows; i++)
        for (int j = 0; j < l->cols; j++)
            out[(size_t)j * (size_t)l->rows + (size_t)i] =
                l->w[(size_t)i * (size_t)l->cols + (size_t)j];
    return out;
}

void *export_encode(const struct export_matrix *l, enum dtype type, bool transposed,
                    const void *base, double *loss2, size_t *bytes, struct err *err)
{
    size_t n = (size_t)l->rows * (size_t)l->cols, part = dtype_block_bytes(type);
    int block = dtype_block(type);
    float *w = copy_oriented(l, transposed), back[256], was[256];
    unsigned char *out = NULL, *at;
    char size[16];

    *bytes = n / (size_t)block * part;
    if (w && (transposed ? l->rows : l->cols) % block == 0)
        out = malloc(*bytes);
    if (!out) {
        free(w);
        err_set(err, ERR_LIMIT, "not enough memory for %s of layer %d",
                show_bytes((double)*bytes, size), l->layer);
        return NULL;
    }
    at = out;
    for (size_t i = 0; i < n; i += (size_t)block, at += part) {
        const unsigned char *old = base ? (const unsigned char *)base + (at - out) : NULL;

        if (old)
            dtype_to_float(type, old, was, block);
        if (old && !memcmp(was, w + i, (size_t)block * sizeof(*was)))
            memcpy(at, old, part);
        else
            dtype_from_float(type, w + i, at, block);
        dtype_to_float(type, at, back, block);
        for (int k = 0; k < block; k++) {
            double lost = (double)back[k] - (double)w[i + (size_t)k];

            *loss2 += lost * lost;
        }
    }
    free(w);
    return out;
}

void export_loss(const struct export_source *s, double loss2, struct export_result *r)
{
    double norm2 = 0;

    for (int i = 0; i < s->matrices; i++)
        norm2 += s->matrix[i].delta_norm * s->matrix[i].delta_norm;
    r->loss = norm2 > 0 ? sqrt(loss2 / norm2) : 0;
    r->tensors = s->matrices;
}
