/* Exporter "safetensors" for a model from a GGUF file: writes it as transformers would have saved
 * it.
 *
 * Converting to GGUF changed names, the order of rotary rows (hf_row()), the orientation of GPT-2's
 * matrices, and Gemma's norm weights (+ 1). This file undoes all four. Values are dequantised; F32
 * holds each of them exactly. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

/* How one tensor of the GGUF file becomes one of the folder. */
struct folder_tensor {
    const struct tensor *t;
    const struct export_matrix *edited; /* or NULL */
    long rows, cols;                    /* shape in the GGUF file; rows 1: a vector */
    int heads;                          /* number of heads whose rows are interleaved; 0: none */
    bool transposed;                    /* the folder stores it [in, out] */
    float norm_offset;                  /* what the conversion to GGUF added to norm weights */
};

/* Row of the GGUF file's matrix that is row `row` of transformers'. */
static long stored_row(const struct folder_tensor *s, long row)
{
    return hf_row(row, s->rows == 1 ? s->cols : s->rows, s->heads);
}

/* Row `row` in transformers' order, as floats in y. x is scratch; both [cols]. */
static void read_row(const struct folder_tensor *s, long row, float *x, float *y)
{
    size_t stored = dtype_row_bytes(s->t->type, s->cols);
    long from = s->rows == 1 ? 0 : stored_row(s, row);

    dtype_to_float(s->t->type, (const unsigned char *)s->t->data + (size_t)from * stored, x,
                   s->cols);
    for (long j = 0; j < s->cols; j++) /* a bias has one element per row: same order */
        y[j] = x[s->rows == 1 ? stored_row(s, j) : j] - s->norm_offset;
}

/* Writes a tensor row by row. */
static bool write_rows(const struct folder_tensor *s, struct staged_file *file, enum dtype type,
                       struct err *err)
{
    size_t bytes = dtype_row_bytes(type, s->cols), n = (size_t)s->cols;
    float *x = xmalloc(n * sizeof(*x)), *y = xmalloc(n * sizeof(*y));
    unsigned char *out = xmalloc(bytes + 1);
    bool ok = true;

    for (long i = 0; ok && i < s->rows; i++) {
        read_row(s, i, x, y);
        dtype_from_float(type, y, out, s->cols);
        ok = staged_file_put(file, out, bytes, err);
        if (ok && i % 1024 == 1023)
            ok = !job_cancelled(file->staging->job, err);
    }
    free(x);
    free(y);
    free(out);
    return ok;
}

/* Writes a matrix transposed, from memory: only GPT-2 needs it, and its matrices are small. */
static bool write_transposed(const struct folder_tensor *s, struct staged_file *file,
                             enum dtype type, struct err *err)
{
    size_t rows = (size_t)s->rows, cols = (size_t)s->cols;
    float *x = xmalloc(2 * cols * sizeof(*x)), *all = malloc(rows * cols * sizeof(*all));
    unsigned char *out = malloc(rows * cols * sizeof(*all));
    bool ok =
        (all && out) || err_set(err, ERR_LIMIT, "not enough memory for tensor %s", s->t->name);

    for (size_t i = 0; ok && i < rows; i++) {
        read_row(s, (long)i, x, x + cols);
        for (size_t j = 0; j < cols; j++)
            all[j * rows + i] = x[cols + j];
    }
    if (ok) {
        dtype_from_float(type, all, out, (long)(rows * cols));
        ok = staged_file_put(file, out, rows * cols * dtype_block_bytes(type), err);
    }
    free(x);
    free(all);
    free(out);
    return ok;
}

/* Writes one tensor, from the edited matrix if there is one. */
static bool write_tensor(const struct folder_tensor *s, struct staged_file *file, enum dtype type,
                         double *loss2, struct err *err)
{
    struct export_matrix ordered;
    size_t bytes, row;
    void *data;
    bool ok;

    if (!s->edited)
        return s->transposed ? write_transposed(s, file, type, err)
                             : write_rows(s, file, type, err);
    ordered = *s->edited;
    row = (size_t)ordered.cols * sizeof(*ordered.w);
    ordered.w = malloc((size_t)ordered.rows * row);
    if (!ordered.w)
        return err_set(err, ERR_LIMIT, "not enough memory for tensor %s", s->t->name);
    for (long i = 0; i < ordered.rows; i++)
        memcpy(ordered.w + i * ordered.cols, s->edited->w + stored_row(s, i) * ordered.cols, row);
    data = export_encode(&ordered, type, s->transposed, NULL, loss2, &bytes, err);
    ok = data && staged_file_put(file, data, bytes, err);
    free(data);
    free(ordered.w);
    return ok;
}

/* Rows of the file's tensor that holds q, k and v one after another; q's data is its start. */
static long fused_rows(const struct weights *w, const struct tensor *q)
{
    long rows = 0;

    for (int i = 0; i < weights_count(w); i++)
        if (!strcmp(weights_at(w, i)->origin, q->origin))
            rows += weights_at(w, i)->dim[0];
    return rows;
}

/* How to turn tensor t into transformers'. */
static struct folder_tensor source_of(const struct export_source *s, const struct tensor *t)
{
    const struct model_config *c = weights_config(s->weights);
    struct folder_tensor out = {.t = t};
    char part[32] = "";
    int layer = 0;
    long rows = strcmp(t->name, t->origin) ? fused_rows(s->weights, t) : t->dim[0];

    out.rows = t->ndim == 1 ? 1 : rows;
    out.cols = t->ndim == 1 ? rows : t->dim[1];
    out.norm_offset = !strcmp(c->arch, "gemma3") && file_ends_in(t->name, "norm.weight") ? 1 : 0;
    if (sscanf(t->name, "blk.%9d.%31s", &layer, part) != 2)
        return out;
    out.transposed = hf_transposed(c) && t->ndim == 2;
    out.edited = export_edited(s, t->name);
    if (c->rope_interleaved && !strncmp(part, "attn_q.", 7))
        out.heads = c->heads;
    if (c->rope_interleaved && !strncmp(part, "attn_k.", 7))
        out.heads = c->kv_heads;
    return out;
}

static const struct folder_tensor *find_source(const struct folder_tensor *list,
                                               const struct st_tensor *t)
{
    for (; list->t; list++)
        if (list->t->data == t->data)
            return list;
    return NULL;
}

/* The entry of the safetensors header. */
static void describe_tensor(const struct folder_tensor *s, const char *name, enum dtype type,
                            struct st_tensor *out)
{
    *out = (struct st_tensor){.name = name, .ndim = s->t->ndim, .data = s->t->data};
    out->type = type == DT_F16 ? ST_F16 : type == DT_BF16 ? ST_BF16 : ST_F32;
    out->dim[0] = s->t->ndim == 1 || s->transposed ? s->cols : s->rows;
    out->dim[1] = s->transposed ? s->rows : s->cols;
}

/* Whether it is k or v of a tensor that is written with q. */
static bool is_fused_part(const struct tensor *t)
{
    return strcmp(t->name, t->origin) != 0 && !strstr(t->name, ".attn_q.");
}

/* safetensors_layout() sorts t; each entry finds its source again by its data pointer. */
static bool write_sorted(struct st_tensor *t, int count, const struct folder_tensor *from,
                         struct staging_dir *staging, enum dtype type, double *loss2,
                         struct err *err)
{
    struct buf header = {0};
    struct staged_file file = {.fd = -1};
    size_t total = 0;
    bool ok = safetensors_layout(t, count, NULL, 0, &header, err);

    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&file, staging, "model.safetensors", header.len + total, err) &&
         staged_file_put(&file, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++)
        ok = write_tensor(find_source(from, &t[i]), &file, type, loss2, err);
    buf_free(&header);
    return staged_file_end(&file, ok, err);
}

static bool write_weights(const struct export_source *s, struct staging_dir *staging,
                          enum dtype type, double *loss2, struct err *err)
{
    const struct weights *w = s->weights;
    int n = weights_count(w), count = 0;
    struct st_tensor *t = xcalloc((size_t)n + 1, sizeof(*t));
    struct folder_tensor *from = xcalloc((size_t)n + 1, sizeof(*from));
    bool ok = true;

    for (int i = 0; ok && i < n; i++) {
        const struct tensor *of = weights_at(w, i);
        char *name;

        if (!strcmp(of->name, "rope_freqs.weight") ||
            is_fused_part(of)) /* rope_freqs: config.json has the rule */
            continue;
        name = hf_tensor_name(weights_config(w), of->origin);
        ok = name || err_set(err, ERR_USAGE,
                             "tensor %s has no name in transformers; use --as gguf, lora or delta",
                             of->name);
        if (!ok)
            break;
        from[count] = source_of(s, of);
        describe_tensor(&from[count], name, type, &t[count]);
        count++;
    }
    ok = ok && write_sorted(t, count, from, staging, type, loss2, err);
    for (int i = 0; i < count; i++)
        free((char *)(size_t)t[i].name);
    free(t);
    free(from);
    return ok;
}

static bool put_buf(struct staging_dir *staging, const char *name, const struct buf *b,
                    struct err *err)
{
    return staging_put(staging, name, b->data, b->len, err);
}

/* The small files are made first, so that what they cannot express is found before the weights are
 * written. */
bool export_gguf_as_folder(const struct export_source *s, const struct export_options *options,
                           struct staging_dir *staging, struct export_result *r, struct err *err)
{
    struct buf config = {0}, generation = {0}, tokenizer = {0}, settings = {0};
    enum dtype type;
    double loss2 = 0;
    bool ok = true;

    if (options->dtype && !strcmp(options->dtype, "same"))
        return err_set(err, ERR_USAGE,
                       "--dtype same: safetensors files have no quantised types; f32 is exact");
    ok = export_type(options, DT_F32, DT_F32, &type, err) &&
         hf_config(s->weights, type, &config, err) &&
         hf_generation_config(s->weights, &generation) &&
         hf_tokenizer(s->weights, &tokenizer, &settings, err) &&
         put_buf(staging, "config.json", &config, err) &&
         put_buf(staging, "generation_config.json", &generation, err) &&
         put_buf(staging, "tokenizer.json", &tokenizer, err) &&
         put_buf(staging, "tokenizer_config.json", &settings, err) &&
         write_weights(s, staging, type, &loss2, err);
    snprintf(r->dtype, sizeof(r->dtype), "%s", dtype_name(type));
    export_loss(s, loss2, r);
    buf_free(&config);
    buf_free(&generation);
    buf_free(&tokenizer);
    buf_free(&settings);
    return ok;
}
