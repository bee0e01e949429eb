/* A GGUF model as a folder for transformers: names, orders and shapes are those of its classes
 * again, values the file's own (F32 holds all of them exactly). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

/* How a tensor of the file becomes one of the folder. */
struct source {
    const struct tensor *t;
    const struct export_matrix *edited; /* or NULL */
    long rows, cols;                    /* as it is stored in the file; rows 1: a vector */
    int heads;                          /* its rows are rotated pairs of so many heads; 0: not */
    bool turned;                        /* the folder has it [in, out] */
    float less;                         /* what the file has added to a gain */
};

static long row_of(const struct source *s, long row)
{
    return hf_row(row, s->rows == 1 ? s->cols : s->rows, s->heads);
}

/* One row of the folder's that is not turned. */
static void take_row(const struct source *s, long row, float *x, float *y)
{
    size_t stored = dtype_row_bytes(s->t->type, s->cols);
    long from = s->rows == 1 ? 0 : row_of(s, row);

    dtype_to_float(s->t->type, (const unsigned char *)s->t->data + (size_t)from * stored, x,
                   s->cols);
    for (long j = 0; j < s->cols; j++) /* a bias is permuted as its rows are */
        y[j] = x[s->rows == 1 ? row_of(s, j) : j] - s->less;
}

static bool put_rows(const struct source *s, struct staged_file *o, enum dtype type,
                     struct err *err)
{
    size_t bytes = dtype_row_bytes(type, s->cols), n = (size_t)s->cols;
    float *x = xmalloc(n * sizeof(*x)), *y = xmalloc(n * sizeof(*y));
    unsigned char *out = xmalloc(bytes + 1);
    bool ok = true;

    for (long i = 0; ok && i < s->rows; i++) {
        take_row(s, i, x, y);
        dtype_from_float(type, y, out, s->cols);
        ok = staged_file_put(o, out, bytes, err);
        if (ok && i % 1024 == 1023)
            ok = !job_cancelled(o->place->job, err);
    }
    free(x);
    free(y);
    free(out);
    return ok;
}

/* The other way round, whole: such matrices are small enough for memory. */
static bool put_turned(const struct source *s, struct staged_file *o, enum dtype type,
                       struct err *err)
{
    size_t rows = (size_t)s->rows, cols = (size_t)s->cols;
    float *x = xmalloc(2 * cols * sizeof(*x)), *all = malloc(rows * cols * sizeof(*all));
    unsigned char *out = malloc(rows * cols * sizeof(*all));
    bool ok = (all && out) || err_set(err, ERR_LIMIT, "no memory for tensor %s", s->t->name);

    for (size_t i = 0; ok && i < rows; i++) {
        take_row(s, (long)i, x, x + cols);
        for (size_t j = 0; j < cols; j++)
            all[j * rows + i] = x[cols + j];
    }
    if (ok) {
        dtype_from_float(type, all, out, (long)(rows * cols));
        ok = staged_file_put(o, out, rows * cols * dtype_block_bytes(type), err);
    }
    free(x);
    free(all);
    free(out);
    return ok;
}

static bool put_tensor(const struct source *s, struct staged_file *o, enum dtype type,
                       double *lost2, struct err *err)
{
    struct export_matrix ordered;
    size_t bytes, row;
    void *data;
    bool ok;

    if (!s->edited)
        return s->turned ? put_turned(s, o, type, err) : put_rows(s, o, type, err);
    ordered = *s->edited;
    row = (size_t)ordered.cols * sizeof(*ordered.w);
    ordered.w = malloc((size_t)ordered.rows * row);
    if (!ordered.w)
        return err_set(err, ERR_LIMIT, "no memory for tensor %s", s->t->name);
    for (long i = 0; i < ordered.rows; i++)
        memcpy(ordered.w + i * ordered.cols, s->edited->w + row_of(s, i) * ordered.cols, row);
    data = export_encode(&ordered, type, s->turned, NULL, lost2, &bytes, err);
    ok = data && staged_file_put(o, data, bytes, err);
    free(data);
    free(ordered.w);
    return ok;
}

/* q, k and v of one tensor of the file lie one behind the other: q's beginning is that of all. */
static long fused_rows(const struct weights *w, const struct tensor *q)
{
    long rows = 0;

    for (int i = 0; i < weights_count(w); i++)
        if (!strcmp(weights_at(w, i)->origin, q->origin))
            rows += weights_at(w, i)->dim[0];
    return rows;
}

static struct source source_of(const struct export_source *s, const struct tensor *t)
{
    const struct model_config *c = weights_config(s->weights);
    struct source out = {.t = t};
    char part[32] = "";
    int layer = 0;
    long rows = strcmp(t->name, t->origin) ? fused_rows(s->weights, t) : t->dim[0];

    out.rows = t->ndim == 1 ? 1 : rows;
    out.cols = t->ndim == 1 ? rows : t->dim[1];
    out.less = !strcmp(c->arch, "gemma3") && file_ends_in(t->name, "norm.weight") ? 1 : 0;
    if (sscanf(t->name, "blk.%9d.%31s", &layer, part) != 2)
        return out;
    out.turned = hf_transposed(c) && t->ndim == 2;
    out.edited = export_edited(s, t->name);
    if (c->rope_interleaved && !strncmp(part, "attn_q.", 7))
        out.heads = c->heads;
    if (c->rope_interleaved && !strncmp(part, "attn_k.", 7))
        out.heads = c->kv_heads;
    return out;
}

static const struct source *find(const struct source *list, const struct st_tensor *t)
{
    for (; list->t; list++)
        if (list->t->data == t->data)
            return list;
    return NULL;
}

static void describe(const struct source *s, const char *name, enum dtype type,
                     struct st_tensor *out)
{
    *out = (struct st_tensor){.name = name, .ndim = s->t->ndim, .data = s->t->data};
    out->type = type == DT_F16 ? ST_F16 : type == DT_BF16 ? ST_BF16 : ST_F32;
    out->dim[0] = s->t->ndim == 1 || s->turned ? s->cols : s->rows;
    out->dim[1] = s->turned ? s->rows : s->cols;
}

/* Whether it is part of a tensor that was told already. */
static bool told(const struct tensor *t)
{
    return strcmp(t->name, t->origin) != 0 && !strstr(t->name, ".attn_q.");
}

/* `t` points with `data` to where its source begins: that is how it is found again. */
static bool write_sorted(struct st_tensor *t, int count, const struct source *from,
                         struct staging_dir *p, enum dtype type, double *lost2, struct err *err)
{
    struct buf header = {0};
    struct staged_file o = {.fd = -1};
    size_t total = 0;
    bool ok = safetensors_layout(t, count, NULL, 0, &header, err);

    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&o, p, "model.safetensors", header.len + total, err) &&
         staged_file_put(&o, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++)
        ok = put_tensor(find(from, &t[i]), &o, type, lost2, err);
    buf_free(&header);
    return staged_file_end(&o, ok, err);
}

static bool write_weights(const struct export_source *s, struct staging_dir *p, enum dtype type,
                          double *lost2, struct err *err)
{
    const struct weights *w = s->weights;
    int n = weights_count(w), count = 0;
    struct st_tensor *t = xcalloc((size_t)n + 1, sizeof(*t));
    struct source *from = xcalloc((size_t)n + 1, sizeof(*from));
    bool ok = true;

    for (int i = 0; ok && i < n; i++) {
        const struct tensor *of = weights_at(w, i);
        char *name;

        if (!strcmp(of->name, "rope_freqs.weight") || told(of)) /* the first: said in config.json */
            continue;
        name = hf_tensor_name(weights_config(w), of->origin);
        ok = name || err_set(err, ERR_USAGE, "tensor %s has no name in transformers", of->name);
        if (!ok)
            break;
        from[count] = source_of(s, of);
        describe(&from[count], name, type, &t[count]);
        count++;
    }
    ok = ok && write_sorted(t, count, from, p, type, lost2, err);
    for (int i = 0; i < count; i++)
        free((char *)(size_t)t[i].name);
    free(t);
    free(from);
    return ok;
}

static bool put_buf(struct staging_dir *p, const char *name, const struct buf *b, struct err *err)
{
    return staging_put(p, name, b->data, b->len, err);
}

/* Small files first: what they cannot say is known before the large one is written. */
bool export_gguf_as_folder(const struct export_source *s, const struct export_options *options,
                           struct staging_dir *p, struct export_result *r, struct err *err)
{
    struct buf config = {0}, generation = {0}, tokenizer = {0}, settings = {0};
    enum dtype type;
    double lost2 = 0;
    bool ok = true;

    if (options->dtype && !strcmp(options->dtype, "same"))
        return err_set(err, ERR_USAGE,
                       "--dtype same: a safetensors file has no quantised types; f32 is exact");
    ok = export_type(options, DT_F32, DT_F32, &type, err) &&
         hf_config(s->weights, type, &config, err) &&
         hf_generation_config(s->weights, &generation) &&
         hf_tokenizer(s->weights, &tokenizer, &settings, err) &&
         put_buf(p, "config.json", &config, err) &&
         put_buf(p, "generation_config.json", &generation, err) &&
         put_buf(p, "tokenizer.json", &tokenizer, err) &&
         put_buf(p, "tokenizer_config.json", &settings, err) &&
         write_weights(s, p, type, &lost2, err);
    snprintf(r->dtype, sizeof(r->dtype), "%s", dtype_name(type));
    export_loss(s, lost2, r);
    buf_free(&config);
    buf_free(&generation);
    buf_free(&tokenizer);
    buf_free(&settings);
    return ok;
}
