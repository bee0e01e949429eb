/* Exporter "delta": only the edits, as a small safetensors file (editscope-session(5)).
 *
 * For each edited matrix NAME, W [out, in]:
 *
 *   NAME.delta_u [out, r], NAME.delta_v [r, in]   W += delta_u delta_v, rank after rank, in float32
 *   NAME.delta_key [r, in]                        the keys, if all edits kept theirs
 *   NAME.added.P, NAME.columns.P                  part P if it adds values: dense, or some columns
 *
 * Metadata: kind, "editscope-delta"; base_identity; base_name; base_sha256.NAME, the hash of the
 * base's matrix; parts.NAME, the parts in their order, as in "1,1,c20,dense" (two edits of rank 1,
 * then 20 columns, then all values); facts; parameters; tool. float32 sums depend on their order,
 * so the parts are what makes `apply` give the very bits of the session. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/delta_file.h"

struct meta_list { /* the file's metadata; text owns the strings */
    char **text;
    struct st_meta *meta;
    int texts, metas;
};

/* Takes ownership of both strings. */
static void add_meta(struct meta_list *s, char *key, char *value)
{
    s->text = xrealloc(s->text, (size_t)(s->texts + 2) * sizeof(*s->text));
    s->text[s->texts++] = key;
    s->text[s->texts++] = value;
    s->meta = xrealloc(s->meta, (size_t)(s->metas + 1) * sizeof(*s->meta));
    s->meta[s->metas++] = (struct st_meta){key, value};
}

static char *delta_facts_json(const struct export_source *s)
{
    struct buf out = {0};

    for (int n = 0; n < s->edit_count; n++)
        for (int i = 0; i < s->edits[n].requests; i++) {
            char *one = fact_to_json(&s->edits[n].facts[i]);

            buf_printf(&out, "%s%s", out.len ? "," : "[", one);
            free(one);
        }
    buf_puts(&out, out.len ? "]" : "[]");
    return buf_take(&out);
}

/* Metadata about the whole file. */
static void add_common(const struct export_source *s, struct meta_list *out)
{
    const struct edit_record *last = s->edit_count ? &s->edits[s->edit_count - 1] : NULL;

    add_meta(out, xstrdup("kind"), xstrdup("editscope-delta"));
    add_meta(out, xstrdup("tool"), xstrdup(s->tool));
    add_meta(out, xstrdup("base_identity"), xstrdup(s->identity));
    add_meta(out, xstrdup("base_name"), xstrdup(s->name));
    add_meta(out, xstrdup("facts"), delta_facts_json(s));
    if (last && last->params_json)
        add_meta(out, xstrdup("parameters"), xstrdup(last->params_json));
}

/* Sum of the ranks of the low-rank parts; *keys: whether all of them kept their keys. */
static int low_rank_total(const struct export_matrix *m, bool *keys)
{
    int rank = 0;

    *keys = true;
    for (int p = 0; p < m->parts; p++)
        if (m->part[p].kind == DELTA_LOW_RANK) {
            rank += m->part[p].rank;
            *keys = *keys && m->part[p].key;
        }
    return rank;
}

/* The values of delta_u [rows, rank], delta_v or delta_key [rank, cols]: those of all low-rank
 * parts, one after another. Caller frees. */
static float *low_rank_values(const struct export_matrix *m, int rank, enum delta_tensor which)
{
    size_t length = which == DELTA_U ? (size_t)m->rows : (size_t)m->cols, at = 0;
    float *x = xcalloc((size_t)rank * length + 1, sizeof(*x)), *transposed;

    for (int p = 0; p < m->parts; p++) {
        const struct delta *d = &m->part[p];
        const float *from = which == DELTA_U ? d->r : which == DELTA_V ? d->x : d->key;

        if (d->kind != DELTA_LOW_RANK)
            continue;
        memcpy(x + at, from, (size_t)d->rank * length * sizeof(*x));
        at += (size_t)d->rank * length;
    }
    if (which != DELTA_U)
        return x;
    transposed = xcalloc((size_t)rank * length + 1, sizeof(*x));
    for (int t = 0; t < rank; t++)
        for (size_t i = 0; i < length; i++)
            transposed[i * (size_t)rank + (size_t)t] = x[(size_t)t * length + i];
    free(x);
    return transposed;
}

/* Appends the tensors of a part that adds values: NAME.added.P and, for columns, NAME.columns.P. */
static void add_addition(const char *name, int part, const struct delta *d, struct st_tensor *t,
                         int *count)
{
    struct st_tensor *x = &t[(*count)++];

    *x = (struct st_tensor){.type = ST_F32, .ndim = 2};
    x->name = xasprintf("%s.added.%d", name, part);
    x->dim[0] = d->kind == DELTA_DENSE ? d->rows : d->rank;
    x->dim[1] = d->kind == DELTA_DENSE ? d->cols : d->rows;
    x->data =
        memcpy(xmalloc(delta_values(d) * sizeof(float)), d->r, delta_values(d) * sizeof(float));
    if (d->kind == DELTA_DENSE)
        return;
    x = &t[(*count)++];
    *x = (struct st_tensor){.type = ST_I32, .ndim = 1, .dim = {d->rank}};
    x->name = xasprintf("%s.columns.%d", name, part);
    x->data =
        memcpy(xmalloc((size_t)d->rank * sizeof(int)), d->column, (size_t)d->rank * sizeof(int));
}

/* Appends the tensors and the metadata of one edited matrix. */
static void add_matrix(const struct export_source *s, const struct export_matrix *m,
                       struct meta_list *meta, struct st_tensor *t, int *count)
{
    char *name = delta_file_name(s->weights, m->layer, m->which), hex[65];
    struct buf parts = {0};
    bool keys;
    int rank = low_rank_total(m, &keys);

    for (int p = 0; p < m->parts; p++) {
        const struct delta *d = &m->part[p];

        buf_puts(&parts, p ? "," : "");
        if (d->kind == DELTA_DENSE)
            buf_puts(&parts, "dense");
        else
            buf_printf(&parts, "%s%d", d->kind == DELTA_COLUMNS ? "c" : "", d->rank);
        if (d->kind != DELTA_LOW_RANK)
            add_addition(name, p, d, t, count);
    }
    add_meta(meta, xasprintf("parts.%s", name), buf_take(&parts));
    delta_file_base_sha256(export_tensor(s->weights, m->layer, m->which), hex);
    add_meta(meta, xasprintf("base_sha256.%s", name), xstrdup(hex));
    for (int k = DELTA_U; rank && k <= (keys ? DELTA_KEY : DELTA_V); k++) {
        struct st_tensor *x = &t[(*count)++];

        *x = (struct st_tensor){.type = ST_F32, .ndim = 2};
        x->name = xasprintf("%s.%s", name, delta_suffix[k]);
        x->dim[0] = k == DELTA_U ? m->rows : rank;
        x->dim[1] = k == DELTA_U ? rank : m->cols;
        x->data = low_rank_values(m, rank, (enum delta_tensor)k);
    }
    free(name);
}

/* Writes the file: header, then the tensors in the order of the layout. */
static bool write_tensors(struct staging_dir *staging, struct st_tensor *t, int count,
                          const struct meta_list *meta, struct err *err)
{
    const char *slash = strrchr(staging->target, '/');
    struct buf header = {0};
    struct staged_file file = {.fd = -1};
    size_t total = 0;
    bool ok = safetensors_layout(t, count, meta->meta, meta->metas, &header, err);

    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && staged_file_begin(&file, staging, slash + 1, header.len + total, err) &&
         staged_file_put(&file, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++)
        ok = staged_file_put(&file, t[i].data, t[i].bytes, err);
    buf_free(&header);
    return staged_file_end(&file, ok, err);
}

/* export_ops.write */
static bool write_delta(const struct export_source *s, const struct export_options *options,
                        struct staging_dir *staging, struct export_result *r, struct err *err)
{
    struct st_tensor *t;
    struct meta_list meta = {0};
    size_t most = 1;
    int count = 0;
    bool ok;

    if (options->rank || (options->dtype && strcmp(options->dtype, "f32")))
        return err_set(err, ERR_USAGE,
                       "a delta is exact, so it takes neither --rank nor a --dtype other than f32");
    if (!s->matrices)
        return err_set(err, ERR_USAGE,
                       "this state has no edit, so there is no delta; nothing was written");
    for (int i = 0; i < s->matrices; i++)
        most += 3 + 2 * (size_t)s->matrix[i].parts;
    t = xcalloc(most, sizeof(*t));
    add_common(s, &meta);
    for (int i = 0; i < s->matrices; i++) {
        add_matrix(s, &s->matrix[i], &meta, t, &count);
        r->rank = s->matrix[i].rank > r->rank ? s->matrix[i].rank : r->rank;
    }
    ok = write_tensors(staging, t, count, &meta, err);
    r->tensors = s->matrices;
    snprintf(r->dtype, sizeof(r->dtype), "F32");
    for (int i = 0; i < count; i++) {
        free((char *)(size_t)t[i].name);
        free((void *)(size_t)t[i].data);
    }
    for (int i = 0; i < meta.texts; i++)
        free(meta.text[i]);
    free(meta.text);
    free(meta.meta);
    free(t);
    return ok;
}

/* The file read again, as deltas on the base. */
static bool read_delta(const char *path, const struct weights *w, struct delta **delta, int *count,
                       struct err *err)
{
    struct delta_file f;

    if (!delta_file_open(&f, path, w, err))
        return false;
    *delta = f.delta;
    *count = f.deltas;
    f.delta = NULL;
    f.deltas = 0;
    delta_file_free(&f);
    return true;
}

const struct export_ops export_delta = {
    "delta",     HOLDS_DELTAS, false, false, "the edits alone, for `editscope apply`",
    write_delta, read_delta};
