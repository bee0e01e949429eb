/* The edits alone: a small safetensors file that says which base it belongs to.
 *
 * For each edited matrix NAME, W [out, in]: NAME.delta_u [out, r] and NAME.delta_v [r, in], W +=
 * delta_u delta_v, in float32, rank after rank in order; NAME.delta_key [r, in] where the edits
 * kept their keys. Metadata: base_identity, base_sha256.NAME, parts.NAME (how many ranks each step
 * adds at once: with it the sum has the very bits), facts, parameters, tool. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "core/session/export/export.h"

enum { MOST_PARTS = 1 << 20 };

/* --- writing ------------------------------------------------------------------------------------
 */

struct strings { /* what the metadata points to */
    char **text;
    struct st_meta *meta;
    int texts, metas;
};

/* Takes both. */
static void add_meta(struct strings *s, char *key, char *value)
{
    s->text = xrealloc(s->text, (size_t)(s->texts + 2) * sizeof(*s->text));
    s->text[s->texts++] = key;
    s->text[s->texts++] = value;
    s->meta = xrealloc(s->meta, (size_t)(s->metas + 1) * sizeof(*s->meta));
    s->meta[s->metas++] = (struct st_meta){key, value};
}

static char *facts_json(const struct export_source *s)
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

static void add_common(const struct export_source *s, struct strings *out)
{
    const struct edit_record *last = s->edit_count ? &s->edits[s->edit_count - 1] : NULL;

    add_meta(out, xstrdup("kind"), xstrdup("editscope-delta"));
    add_meta(out, xstrdup("tool"), xstrdup(s->tool));
    add_meta(out, xstrdup("base_identity"), xstrdup(s->identity));
    add_meta(out, xstrdup("base_name"), xstrdup(s->name));
    add_meta(out, xstrdup("facts"), facts_json(s));
    if (last && last->params_json)
        add_meta(out, xstrdup("parameters"), xstrdup(last->params_json));
}

static bool has_keys(const struct export_layer *l)
{
    for (int p = 0; p < l->parts; p++)
        if (!l->part[p].key)
            return false;
    return l->parts > 0;
}

enum which { DELTA_U, DELTA_V, DELTA_KEY };
static const char *const suffixes[] = {"delta_u", "delta_v", "delta_key"};

/* The values of one tensor. Caller frees. */
static float *values(const struct export_layer *l, enum which which)
{
    size_t cols = which == DELTA_U ? (size_t)l->rows : (size_t)l->cols, at = 0;
    float *x = xcalloc((size_t)l->rank * cols + 1, sizeof(*x)), *turned;

    for (int p = 0; p < l->parts; p++) {
        const struct delta *d = &l->part[p];
        const float *from = which == DELTA_U ? d->r : which == DELTA_V ? d->x : d->key;

        memcpy(x + at, from, (size_t)d->rank * cols * sizeof(*x));
        at += (size_t)d->rank * cols;
    }
    if (which != DELTA_U)
        return x;
    turned = xcalloc((size_t)l->rank * cols + 1, sizeof(*x));
    for (int t = 0; t < l->rank; t++)
        for (size_t i = 0; i < cols; i++)
            turned[i * (size_t)l->rank + (size_t)t] = x[(size_t)t * cols + i];
    free(x);
    return turned;
}

static void add_layer(const struct export_source *s, const struct export_layer *l,
                      struct strings *meta, struct st_tensor *t, int *count)
{
    const struct tensor *base = export_down(s->weights, l->layer);
    const char *name = base->origin;
    char hex[65];
    struct buf parts = {0};

    for (int p = 0; p < l->parts; p++)
        buf_printf(&parts, "%s%d", p ? "," : "", l->part[p].rank);
    add_meta(meta, xasprintf("parts.%s", name), buf_take(&parts));
    sha256_of(base->data, base->bytes, hex);
    add_meta(meta, xasprintf("base_sha256.%s", name), xstrdup(hex));
    for (int k = DELTA_U; k <= (has_keys(l) ? DELTA_KEY : DELTA_V); k++) {
        struct st_tensor *x = &t[(*count)++];

        *x = (struct st_tensor){.type = ST_F32, .ndim = 2};
        x->name = xasprintf("%s.%s", name, suffixes[k]);
        x->dim[0] = k == DELTA_U ? l->rows : l->rank;
        x->dim[1] = k == DELTA_U ? l->rank : l->cols;
        x->data = values(l, (enum which)k);
    }
}

static bool put_all(struct place *p, struct st_tensor *t, int count, const struct strings *meta,
                    struct err *err)
{
    const char *slash = strrchr(p->target, '/');
    struct buf header = {0};
    struct out o = {.fd = -1};
    size_t total = 0;
    bool ok = safetensors_layout(t, count, meta->meta, meta->metas, &header, err);

    for (int i = 0; i < count; i++)
        total += t[i].bytes;
    ok = ok && out_begin(&o, p, slash + 1, header.len + total, err) &&
         out_put(&o, header.data, header.len, err);
    for (int i = 0; ok && i < count; i++)
        ok = out_put(&o, t[i].data, t[i].bytes, err);
    buf_free(&header);
    return out_end(&o, ok, err);
}

static bool write_delta(const struct export_source *s, const struct export_wish *wish,
                        struct place *p, struct export_result *r, struct err *err)
{
    struct st_tensor *t;
    struct strings meta = {0};
    int count = 0;
    bool ok;

    if (wish->rank || (wish->dtype && strcmp(wish->dtype, "f32")))
        return err_set(err, ERR_USAGE, "a delta is written in f32 and of full rank: it is exact");
    if (!s->layers)
        return err_set(err, ERR_USAGE, "this state has no edit: there is no delta");
    t = xcalloc(3 * (size_t)s->layers, sizeof(*t));
    add_common(s, &meta);
    for (int i = 0; i < s->layers; i++) {
        add_layer(s, &s->layer[i], &meta, t, &count);
        r->rank = s->layer[i].rank > r->rank ? s->layer[i].rank : r->rank;
    }
    ok = put_all(p, t, count, &meta, err);
    r->tensors = s->layers;
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

/* --- reading ------------------------------------------------------------------------------------
 */

void delta_file_free(struct delta_file *f)
{
    for (int i = 0; i < f->count; i++)
        fact_free(&f->facts[i]);
    for (int i = 0; i < f->deltas; i++)
        delta_free(&f->delta[i]);
    free(f->facts);
    free(f->delta);
    free(f->params_json);
    free(f->tool);
    *f = (struct delta_file){0};
}

/* The ranks of the steps, from "1,1,6"; without it all at once. ERR_FORMAT if they are not all
 * of `rank`. */
static bool read_parts(const char *text, long rank, int **part, int *parts, struct err *err)
{
    long left = rank;

    *part = xcalloc(1, sizeof(int));
    *parts = 0;
    if (!text) {
        (*part)[(*parts)++] = (int)rank;
        return true;
    }
    while (left > 0 && *parts < MOST_PARTS) {
        char *end;
        long n = strtol(text, &end, 10);

        if (end == text || n < 1 || n > left)
            break;
        *part = xrealloc(*part, (size_t)(*parts + 1) * sizeof(int));
        (*part)[(*parts)++] = (int)n;
        left -= n;
        text = *end == ',' ? end + 1 : end;
    }
    return !left || err_set(err, ERR_FORMAT, "the parts of a delta are not its %ld ranks", rank);
}

static float *some_rows(const float *x, size_t first, size_t count, size_t cols)
{
    float *out = xmalloc((count * cols + 1) * sizeof(*out));

    memcpy(out, x + first * cols, count * cols * sizeof(*out));
    return out;
}

/* The tensor as floats [rank][cols], turned if it is [cols][rank]. Caller frees. */
static float *rows_of(const struct st_tensor *t, bool turned)
{
    size_t n = (size_t)t->dim[0], m = (size_t)t->dim[1];
    float *x = xmalloc((n * m + 1) * sizeof(*x)), *y;

    st_tensor_floats(t, x);
    if (!turned)
        return x;
    y = xmalloc((n * m + 1) * sizeof(*y));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            y[k * n + i] = x[i * m + k];
    free(x);
    return y;
}

static void add_steps(struct delta_file *f, int layer, const struct st_tensor *const t[3],
                      const int *part, int parts)
{
    float *r = rows_of(t[DELTA_U], true), *x = rows_of(t[DELTA_V], false);
    float *key = t[DELTA_KEY] ? rows_of(t[DELTA_KEY], false) : NULL;
    size_t d = (size_t)t[DELTA_U]->dim[0], m = (size_t)t[DELTA_V]->dim[1], at = 0;

    f->delta = xrealloc(f->delta, (size_t)(f->deltas + parts) * sizeof(*f->delta));
    for (int p = 0; p < parts; p++) {
        size_t n = (size_t)part[p];

        f->delta[f->deltas++] = (struct delta){.layer = layer,
                                               .rank = part[p],
                                               .rows = (int)d,
                                               .cols = (int)m,
                                               .r = some_rows(r, at, n, d),
                                               .x = some_rows(x, at, n, m),
                                               .key = key ? some_rows(key, at, n, m) : NULL,
                                               .scale = 1};
        at += n;
    }
    free(r);
    free(x);
    free(key);
}

/* One layer of the file, under one of the names there are for it. */
static bool read_layer(struct delta_file *f, const struct safetensors *st, const struct weights *w,
                       int layer, const char *name, int *found, struct err *err)
{
    const struct model_config *c = weights_config(w);
    const struct tensor *base = export_down(w, layer);
    const struct st_tensor *t[3];
    char hex[65], *key;
    const char *want, *parts_text;
    int *part = NULL, parts = 0, first = f->deltas;
    bool ok;

    for (int k = DELTA_U; k <= DELTA_KEY; k++) {
        char *full = xasprintf("%s.%s", name, suffixes[k]);

        t[k] = safetensors_tensor(st, full);
        *found += t[k] != NULL;
        free(full);
    }
    if (!t[DELTA_U] && !t[DELTA_V] && !t[DELTA_KEY])
        return true;
    if (!t[DELTA_U] || !t[DELTA_V] || t[DELTA_U]->ndim != 2 || t[DELTA_V]->ndim != 2 ||
        t[DELTA_U]->dim[0] != c->hidden || t[DELTA_V]->dim[1] != c->ffn ||
        t[DELTA_U]->dim[1] != t[DELTA_V]->dim[0] || t[DELTA_V]->dim[0] < 1 ||
        t[DELTA_V]->dim[0] > MOST_PARTS ||
        (t[DELTA_KEY] && (t[DELTA_KEY]->ndim != 2 || t[DELTA_KEY]->dim[0] != t[DELTA_V]->dim[0] ||
                          t[DELTA_KEY]->dim[1] != c->ffn)))
        return err_set(err, ERR_STATE, "the delta of %s does not fit this model", name);
    key = xasprintf("base_sha256.%s", name);
    want = safetensors_meta(st, key);
    free(key);
    sha256_of(base->data, base->bytes, hex);
    if (want && strcmp(want, hex))
        return err_set(err, ERR_STATE,
                       "it was made for another model: %s has sha256 %.12s..., not %.12s...", name,
                       hex, want);
    key = xasprintf("parts.%s", name);
    parts_text = safetensors_meta(st, key);
    free(key);
    ok = read_parts(parts_text, t[DELTA_V]->dim[0], &part, &parts, err);
    if (ok)
        add_steps(f, layer, t, part, parts);
    free(part);
    for (int i = first; ok && i < f->deltas; i++)
        ok = delta_sound(&f->delta[i], err) || err_in(err, "%s", name);
    return ok;
}

static bool read_layers(struct delta_file *f, const struct safetensors *st, const struct weights *w,
                        struct err *err)
{
    const struct model_config *c = weights_config(w);
    int found = 0;

    for (int l = 0; l < c->layers; l++) {
        const char *origin = export_down(w, l)->origin;
        char *module = hf_down_module(w, l);
        char *names[3] = {xasprintf("blk.%d.ffn_down.weight", l), xasprintf("%s.weight", module),
                          xstrdup(origin)};
        bool ok = true;

        for (int k = 0; k < 3; k++) {
            bool again = k == 2 && (!strcmp(origin, names[0]) || !strcmp(origin, names[1]));

            ok = ok && (again || read_layer(f, st, w, l, names[k], &found, err));
        }
        for (int k = 0; k < 3; k++)
            free(names[k]);
        free(module);
        if (!ok)
            return false;
    }
    if (found != safetensors_count(st))
        return err_set(err, ERR_STATE, "%d of its %d tensors are no delta of this model's layers",
                       safetensors_count(st) - found, safetensors_count(st));
    return f->deltas || err_set(err, ERR_FORMAT, "it holds no delta");
}

static bool read_facts(struct delta_file *f, const struct safetensors *st, struct err *err)
{
    const char *text = safetensors_meta(st, "facts");

    if (!text)
        return err_set(err, ERR_FORMAT, "it does not say which facts it writes (metadata 'facts')");
    return facts_from_text(text, strlen(text), &f->facts, &f->count, NULL, err);
}

static bool read_all(struct delta_file *f, const struct safetensors *st, const struct weights *w,
                     struct err *err)
{
    const char *kind = safetensors_meta(st, "kind"), *base = safetensors_meta(st, "base_identity");

    if (!kind || strcmp(kind, "editscope-delta"))
        return err_set(err, ERR_FORMAT, "a safetensors file, but no delta of this program");
    if (!read_layers(f, st, w, err) || !read_facts(f, st, err))
        return false;
    snprintf(f->base, sizeof(f->base), "%s", base ? base : "");
    f->params_json = xstrdup(safetensors_meta(st, "parameters"));
    f->tool = xstrdup(safetensors_meta(st, "tool"));
    return true;
}

bool delta_file_parse(struct delta_file *f, const void *bytes, size_t n, const struct weights *w,
                      struct err *err)
{
    struct safetensors *st = safetensors_parse(bytes, n, err);
    bool ok = false;

    *f = (struct delta_file){0};
    if (st)
        ok = read_all(f, st, w, err);
    if (!ok)
        delta_file_free(f);
    safetensors_close(st);
    return ok;
}

bool delta_file_open(struct delta_file *f, const char *path, const struct weights *w,
                     struct err *err)
{
    struct file_map map;
    struct err why = {0};
    bool ok;

    *f = (struct delta_file){0};
    if (!file_map(&map, path, err))
        return false;
    ok = delta_file_parse(f, map.data, map.size, w, &why);
    file_unmap(&map);
    if (ok)
        return true;
    err_in(&why, "%s", path);
    return err_pass(err, &why);
}

static bool read_back(const char *path, const struct weights *w, struct delta **delta, int *count,
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
    "delta", false, false, "the edits alone, for `editscope apply`", write_delta, read_back};
