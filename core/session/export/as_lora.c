/* Exporter "lora": the edits as a PEFT adapter, W + B A with A [rank, cols] and B [rows, rank].
 *
 * One edit of one fact has rank 1 per layer, so n edits need rank n and are then exact. --rank cuts
 * every layer to the nearest matrix of that rank (low_rank.c). PEFT scales the product by
 * lora_alpha / r; both are set to the same number, so the factor is 1. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/low_rank.h"

#define WEIGHTS "adapter_model.safetensors"
#define CONFIG  "adapter_config.json"

/* PEFT wants one rank for all layers: the largest. Smaller factors are padded with zeros. */
static int common_rank(const struct low_rank *r, int count)
{
    int most = 0;

    for (int i = 0; i < count; i++)
        most = r[i].rank > most ? r[i].rank : most;
    return most;
}

static void json_put(json_t *root, const char *key, json_t *value)
{
    json_object_set_new(root, key, value);
}

/* adapter_config.json */
static bool write_config(const struct export_source *s, struct staging_dir *staging, int rank,
                         struct err *err)
{
    const struct model_config *c = weights_config(s->weights);
    json_t *root = json_object(), *modules = json_array();
    char *text;
    bool ok;

    for (int i = 0; i < s->matrices; i++) {
        char *module = hf_module(s->weights, s->matrix[i].layer, s->matrix[i].which);

        json_array_append_new(modules, json_string(module));
        free(module);
    }
    json_put(root, "peft_type", json_string("LORA"));
    json_put(root, "task_type", json_string("CAUSAL_LM"));
    json_put(root, "base_model_name_or_path", json_string(s->where));
    json_put(root, "revision", s->revision ? json_string(s->revision) : json_null());
    json_put(root, "inference_mode", json_true());
    json_put(root, "r", json_integer(rank));
    json_put(root, "lora_alpha", json_integer(rank)); /* alpha / r = 1 */
    json_put(root, "lora_dropout", json_real(0));
    json_put(root, "target_modules", modules);
    json_put(root, "modules_to_save", json_null());
    json_put(root, "bias", json_string("none"));
    json_put(root, "fan_in_fan_out", json_boolean(hf_transposed(c)));
    json_put(root, "init_lora_weights", json_true());
    json_put(root, "use_rslora", json_false());
    json_put(root, "use_dora", json_false());
    json_put(root, "rank_pattern", json_object());
    json_put(root, "alpha_pattern", json_object());
    text = json_dumps(root, JSON_INDENT(2));
    ok = text ? staging_put(staging, CONFIG, text, strlen(text), err)
              : err_set(
                    err, ERR_FORMAT,
                    "the model's path is not UTF-8, but the adapter must name it; rename the file");
    free(text);
    json_decref(root);
    return ok;
}

/* The values of one tensor. lora_A [rank, cols] is `down` padded with rows of zeros. lora_B
 * [rows, rank] is up^T, with its rows in transformers' order (hf_row()). Caller frees. */
static float *lora_tensor(const struct low_rank *r, int rank, bool b, int heads)
{
    size_t wide = (size_t)rank, cols = (size_t)r->cols;
    float *x = xcalloc(wide * (b ? (size_t)r->rows : cols) + 1, sizeof(*x));

    if (!b) {
        memcpy(x, r->down, (size_t)r->rank * cols * sizeof(*x));
        return x;
    }
    for (int t = 0; t < r->rank; t++)
        for (int i = 0; i < r->rows; i++)
            x[(size_t)i * wide + (size_t)t] = r->up[t * (long)r->rows + hf_row(i, r->rows, heads)];
    return x;
}

/* adapter_model.safetensors */
static bool write_weights(const struct export_source *s, struct staging_dir *staging,
                          const struct low_rank *r, int rank, struct err *err)
{
    int count = 2 * s->matrices;
    struct st_tensor *t = xcalloc((size_t)count + 1, sizeof(*t));
    struct buf header = {0};
    struct staged_file file = {.fd = -1};
    size_t total = 0;
    bool ok;

    for (int i = 0; i < count; i++) {
        const struct low_rank *of = &r[i / 2];
        bool b = i % 2;
        char *module = hf_module(s->weights, s->matrix[i / 2].layer, s->matrix[i / 2].which);

        t[i] = (struct st_tensor){.type = ST_F32, .ndim = 2};
        t[i].name = xasprintf("base_model.model.%s.lora_%c.weight", module, b ? 'B' : 'A');
        t[i].dim[0] = b ? of->rows : rank;
        t[i].dim[1] = b ? rank : of->cols;
        t[i].data = lora_tensor(
            of, rank, b, hf_paired_heads(weights_config(s->weights), s->matrix[i / 2].which));
        free(module);
    }
    ok = safetensors_layout(t, count, NULL, 0, &header, err);
    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&file, staging, WEIGHTS, header.len + total, err) &&
         staged_file_put(&file, header.data, header.len, err);
    for (int i = 0; i < count; i++) {
        ok = ok && staged_file_put(&file, t[i].data, t[i].bytes, err);
        free((char *)(size_t)t[i].name);
        free((void *)(size_t)t[i].data);
    }
    ok = staged_file_end(&file, ok, err);
    buf_free(&header);
    free(t);
    return ok;
}

/* The factors of every matrix, cut to `rank` if it is not 0. *lost = |D - D_rank| / |D|. */
static bool make_factors(const struct export_source *s, int rank, struct low_rank *r, double *lost,
                         struct err *err)
{
    double loss2 = 0, total2 = 0;

    for (int i = 0; i < s->matrices; i++) {
        struct low_rank cut;

        if (!low_rank_exact(&r[i], &s->matrix[i], err))
            return false;
        if (!rank || rank >= r[i].rank)
            continue;
        if (!low_rank_cut(&cut, &r[i], rank, s->dev, &loss2, &total2, err))
            return false;
        low_rank_free(&r[i]);
        r[i] = cut;
    }
    total2 = 0;
    for (int i = 0; i < s->matrices; i++)
        total2 += s->matrix[i].delta_norm * s->matrix[i].delta_norm;
    *lost = total2 > 0 ? sqrt(loss2 / total2) : 0;
    return true;
}

static bool write_matrices(const struct export_source *s, int rank, struct staging_dir *staging,
                           struct export_result *r, struct err *err)
{
    struct low_rank *factor = xcalloc((size_t)s->matrices, sizeof(*factor));
    bool ok = make_factors(s, rank, factor, &r->truncated, err);

    r->rank = common_rank(factor, s->matrices);
    r->tensors = s->matrices;
    snprintf(r->dtype, sizeof(r->dtype), "F32");
    ok = ok && write_weights(s, staging, factor, r->rank, err) &&
         write_config(s, staging, r->rank, err);
    for (int i = 0; i < s->matrices; i++)
        low_rank_free(&factor[i]);
    free(factor);
    return ok;
}

/* export_ops.write */
static bool write_lora(const struct export_source *s, const struct export_options *options,
                       struct staging_dir *staging, struct export_result *r, struct err *err)
{
    struct export_fusion fusion;
    bool ok;

    if (options->dtype && strcmp(options->dtype, "f32"))
        return err_set(err, ERR_USAGE, "an adapter is written in f32 only, which is exact");
    if (!s->matrices)
        return err_set(err, ERR_USAGE,
                       "this state has no active edit, so its adapter would be empty; nothing "
                       "was written");
    ok = export_fuse(s, &fusion, err) &&
         write_matrices(&fusion.source, options->rank, staging, r, err);
    export_fusion_free(&fusion);
    return ok;
}

/* --- reading it again ------------------------------------------------------------------------- */

/* The lora_A and lora_B of a module as a delta of rank r, rows in our order again. */
static bool read_factors(const struct safetensors *st, const char *module, int layer,
                         enum matrix which, int heads, struct delta *delta, struct err *err)
{
    char *a = xasprintf("base_model.model.%s.lora_A.weight", module);
    char *b = xasprintf("base_model.model.%s.lora_B.weight", module);
    const struct st_tensor *down = safetensors_tensor(st, a), *up = safetensors_tensor(st, b);
    bool ok = down && up && down->ndim == 2 && up->ndim == 2 && down->dim[0] == up->dim[1];
    float *x;

    free(a);
    free(b);
    if (!ok)
        return err_set(err, ERR_FORMAT, WEIGHTS " lacks lora_A or lora_B of %s", module);
    *delta = (struct delta){.layer = layer,
                            .matrix = which,
                            .rank = (int)down->dim[0],
                            .rows = (int)up->dim[0],
                            .cols = (int)down->dim[1],
                            .scale = 1};
    delta->x = xmalloc(down->bytes + 1);
    delta->r = xmalloc(up->bytes + 1);
    x = xmalloc(up->bytes + 1);
    st_tensor_floats(down, delta->x);
    st_tensor_floats(up, x);
    for (int i = 0; i < delta->rows; i++)
        for (int t = 0; t < delta->rank; t++)
            delta->r[t * (long)delta->rows + hf_row(i, delta->rows, heads)] =
                x[(size_t)i * (size_t)delta->rank + (size_t)t];
    free(x);
    return true;
}

/* A delta of the rows of `from` that belong to matrix `which`: from row *first on. Moves *first
 * past them. */
static struct delta take_rows(const struct delta *from, const struct model_config *c,
                              enum matrix which, int *first)
{
    struct delta d = delta_copy(from);

    matrix_shape(c, which, &d.rows, &d.cols);
    d.matrix = which;
    for (int t = 0; t < d.rank; t++)
        memmove(d.r + (size_t)t * (size_t)d.rows, from->r + (size_t)t * (size_t)from->rows + *first,
                (size_t)d.rows * sizeof(*d.r));
    *first += d.rows;
    return d;
}

/* Appends the delta of a matrix. Where q, k and v share a module, all three are appended for q, and
 * nothing for k and v. */
static bool add_deltas(const struct safetensors *st, const struct weights *w, const char *module,
                       int layer, enum matrix which, struct delta *delta, int *count,
                       struct err *err)
{
    const struct model_config *c = weights_config(w);
    bool fused = export_fused(w, layer, which);
    struct delta all;
    int first = 0;

    if (fused && which != MATRIX_Q)
        return true;
    if (!read_factors(st, module, layer, which, hf_paired_heads(c, which), &all, err))
        return false;
    if (!fused) {
        delta[(*count)++] = all;
        return true;
    }
    if (all.rows != (c->heads + 2 * c->kv_heads) * c->head_dim) {
        delta_free(&all);
        return err_set(err, ERR_FORMAT, WEIGHTS ": %s has another size than q, k and v", module);
    }
    delta[(*count)++] = take_rows(&all, c, MATRIX_Q, &first);
    delta[(*count)++] = take_rows(&all, c, MATRIX_K, &first);
    delta[(*count)++] = take_rows(&all, c, MATRIX_V, &first);
    delta_free(&all);
    return true;
}

/* export_ops.read_back */
static bool read_lora(const char *path, const struct weights *w, struct delta **delta, int *count,
                      struct err *err)
{
    const struct model_config *c = weights_config(w);
    char *file = xasprintf("%s/" WEIGHTS, path);
    struct safetensors *st = safetensors_open(file, err);
    bool ok = st != NULL;

    *delta = xcalloc((size_t)c->layers * MATRICES, sizeof(**delta));
    *count = 0;
    for (int i = 0; ok && i < c->layers * MATRICES; i++) {
        enum matrix which = (enum matrix)(i % MATRICES);
        char *module = hf_module(w, i / MATRICES, which);
        char *a = xasprintf("base_model.model.%s.lora_A.weight", module ? module : "");

        if (safetensors_tensor(st, a))
            ok = add_deltas(st, w, module, i / MATRICES, which, *delta, count, err);
        free(a);
        free(module);
    }
    safetensors_close(st);
    free(file);
    return ok;
}

const struct export_ops export_lora = {"lora",   HOLDS_LOW_RANK | HOLDS_COLUMNS, true,
                                       false,    "the edits as a PEFT adapter",  write_lora,
                                       read_lora};
