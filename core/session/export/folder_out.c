/* A GGUF model as a folder for transformers: names, orders and shapes are those of its classes
 * again, values the file's own (F32 holds all of them exactly). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

/* How a tensor of the file becomes one of the folder. */
struct source {
    const struct tensor *t;
    const struct export_layer *edited; /* or NULL */
    int heads;                         /* its rows are rotated pairs of so many heads; 0: not */
};

/* Llama's files hold the two halves of each head's rows in turn (pairs), transformers one after
 * the other: row j of the folder's is this row of the file's. */
static long row_of(const struct source *s, long row)
{
    long per, head, at;

    if (!s->heads)
        return row;
    per = s->t->dim[0] / s->heads;
    head = row / per;
    at = row % per;
    return head * per + 2 * (at % (per / 2)) + at / (per / 2);
}

static bool put_rows(const struct source *s, struct out *o, enum dtype type, struct err *err)
{
    long rows = s->t->ndim == 1 ? 1 : s->t->dim[0], cols = s->t->dim[s->t->ndim - 1];
    size_t stored = dtype_row_bytes(s->t->type, cols), bytes = dtype_row_bytes(type, cols);
    float *x = xmalloc((size_t)cols * sizeof(*x)), *y = xmalloc((size_t)cols * sizeof(*y));
    unsigned char *out = xmalloc(bytes + 1);
    bool ok = true, vector = s->t->ndim == 1;

    for (long i = 0; ok && i < rows; i++) {
        long from = vector ? 0 : row_of(s, i);

        dtype_to_float(s->t->type, (const unsigned char *)s->t->data + (size_t)from * stored, x,
                       cols);
        for (long j = 0; vector && j < cols; j++) /* a bias is permuted as its rows are */
            y[j] = x[row_of(s, j)];
        dtype_from_float(type, vector ? y : x, out, cols);
        ok = out_put(o, out, bytes, err);
        if (ok && i % 1024 == 1023)
            ok = !job_cancelled(o->place->job, err);
    }
    free(x);
    free(y);
    free(out);
    return ok;
}

static bool put_tensor(const struct source *s, struct out *o, enum dtype type, double *lost2,
                       struct err *err)
{
    size_t bytes;
    void *data;
    bool ok;

    if (!s->edited)
        return put_rows(s, o, type, err);
    data = export_encode(s->edited, type, false, NULL, lost2, &bytes, err);
    ok = data && out_put(o, data, bytes, err);
    free(data);
    return ok;
}

static struct source source_of(const struct export_source *s, const struct tensor *t)
{
    const struct model_config *c = weights_config(s->weights);
    struct source out = {.t = t};
    char part[32];
    int layer;

    if (sscanf(t->name, "blk.%9d.%31s", &layer, part) != 2)
        return out;
    if (!strcmp(part, "ffn_down.weight"))
        out.edited = export_layer_of(s, layer);
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

static void describe(const struct tensor *t, const char *name, enum dtype type,
                     struct st_tensor *out)
{
    *out = (struct st_tensor){.name = name, .ndim = t->ndim, .data = t->data};
    out->type = type == DT_F16 ? ST_F16 : type == DT_BF16 ? ST_BF16 : ST_F32;
    memcpy(out->dim, t->dim, sizeof(t->dim));
}

/* `t` points with `data` to where its source begins: that is how it is found again. */
static bool write_sorted(struct st_tensor *t, int count, const struct source *from, struct place *p,
                         enum dtype type, double *lost2, struct err *err)
{
    struct buf header = {0};
    struct out o = {.fd = -1};
    size_t total = 0;
    bool ok = safetensors_layout(t, count, NULL, 0, &header, err);

    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && out_begin(&o, p, "model.safetensors", header.len + total, err) &&
         out_put(&o, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++)
        ok = put_tensor(find(from, &t[i]), &o, type, lost2, err);
    buf_free(&header);
    return out_end(&o, ok, err);
}

static bool write_weights(const struct export_source *s, struct place *p, enum dtype type,
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

        if (!strcmp(of->name, "rope_freqs.weight")) /* said in config.json */
            continue;
        name = hf_tensor_name(weights_config(w), of->name);
        ok = name || err_set(err, ERR_USAGE, "tensor %s has no name in transformers", of->name);
        if (!ok)
            break;
        from[count] = source_of(s, of);
        describe(of, name, type, &t[count++]);
    }
    ok = ok && write_sorted(t, count, from, p, type, lost2, err);
    for (int i = 0; i < count; i++)
        free((char *)(size_t)t[i].name);
    free(t);
    free(from);
    return ok;
}

static bool put_buf(struct place *p, const char *name, const struct buf *b, struct err *err)
{
    return place_put(p, name, b->data, b->len, err);
}

/* Small files first: what they cannot say is known before the large one is written. */
bool export_gguf_as_folder(const struct export_source *s, const struct export_wish *wish,
                           struct place *p, struct export_result *r, struct err *err)
{
    struct buf config = {0}, generation = {0}, tokenizer = {0}, settings = {0};
    enum dtype type;
    double lost2 = 0;
    bool ok = true;

    if (wish->dtype && !strcmp(wish->dtype, "same"))
        return err_set(err, ERR_USAGE,
                       "--dtype same: a safetensors file has no quantised types; f32 is exact");
    ok = export_type(wish, DT_F32, DT_F32, &type, err) &&
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
