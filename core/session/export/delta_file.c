/* A delta file read: its tensors as changes of a model's matrices, in the order they apply. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/export/delta_file.h"

enum { MOST_PARTS = 1 << 20 };

const char *const delta_suffix[DELTA_TENSORS] = {"delta_u", "delta_v", "delta_key"};

char *delta_file_name(const struct weights *w, int layer, enum matrix which)
{
    const struct tensor *t = export_tensor(w, layer, which);

    return xstrdup(export_fused(w, layer, which) ? t->name : t->origin);
}

void delta_file_sum(const struct tensor *t, char hex[65])
{
    size_t step = dtype_block_bytes(t->type);
    long rows = t->transposed ? t->dim[1] : t->dim[0];
    size_t width = (size_t)(t->transposed ? t->dim[0] : t->dim[1]) * step;
    struct digest *sha;

    if (!t->stride) {
        sha256_of(t->data, t->bytes, hex);
        return;
    }
    sha = sha256_new();
    for (long i = 0; i < rows; i++)
        digest_add(sha, (const char *)t->data + (size_t)(i * t->stride) * step, width);
    digest_end_hex(sha, hex);
}

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

/* One step of the order in which they apply. */
struct part {
    enum delta_kind kind;
    int rank; /* of low rank, or columns */
};

/* The steps, from "1,1,c20,6,dense"; without a text all `rank` at once. ERR_FORMAT if those of low
 * rank are not `rank` together. */
static bool read_parts(const char *text, long rank, struct part **part, int *parts, struct err *err)
{
    long left = rank;

    *part = xcalloc(1, sizeof(**part));
    *parts = 0;
    if (!text) {
        (*part)[(*parts)++] = (struct part){DELTA_LOW_RANK, (int)rank};
        return rank > 0;
    }
    while (*text && *parts < MOST_PARTS) {
        struct part p = {DELTA_LOW_RANK, 0};
        size_t word = strcspn(text, ",");
        char *end = NULL;
        long n = 0;

        if (word == 5 && !strncmp(text, "dense", 5)) {
            p.kind = DELTA_DENSE;
        } else {
            p.kind = *text == 'c' ? DELTA_COLUMNS : DELTA_LOW_RANK;
            n = strtol(text + (p.kind == DELTA_COLUMNS), &end, 10);
            if (end != text + word || n < 1 || n > (p.kind == DELTA_COLUMNS ? MOST_PARTS : left))
                break;
        }
        p.rank = (int)n;
        left -= p.kind == DELTA_LOW_RANK ? n : 0;
        *part = xrealloc(*part, (size_t)(*parts + 1) * sizeof(**part));
        (*part)[(*parts)++] = p;
        text += word + (text[word] == ',');
    }
    return (!left && !*text && *parts) ||
           err_set(err, ERR_FORMAT, "the parts of a delta are not its %ld ranks", rank);
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

/* A matrix of the model and the tensors that the file has of it. */
struct of_matrix {
    const struct safetensors *st;
    const char *name;
    int layer, rows, cols, rank; /* rank: of those of low rank together */
    enum matrix which;
    const struct st_tensor *t[DELTA_TENSORS]; /* or NULL */
    float *u, *v, *key;                       /* their rows */
};

static const struct st_tensor *numbered(const struct of_matrix *m, const char *what, int part)
{
    char *name = xasprintf("%s.%s.%d", m->name, what, part);
    const struct st_tensor *t = safetensors_tensor(m->st, name);

    free(name);
    return t;
}

static bool does_not_fit(const struct of_matrix *m, struct err *err)
{
    return err_set(err, ERR_STATE, "the delta of %s does not fit this model", m->name);
}

/* A step that is added value by value: tensors NAME.added.P and NAME.columns.P. */
static bool read_addition(const struct of_matrix *m, int part, const struct part *p,
                          struct delta *d, int *found, struct err *err)
{
    const struct st_tensor *r = numbered(m, "added", part);
    const struct st_tensor *at = p->kind == DELTA_COLUMNS ? numbered(m, "columns", part) : NULL;
    long first = p->kind == DELTA_DENSE ? m->rows : p->rank;
    long second = p->kind == DELTA_DENSE ? m->cols : m->rows;

    if (!r || r->ndim != 2 || r->dim[0] != first || r->dim[1] != second ||
        (p->kind == DELTA_COLUMNS && (!at || at->type != ST_I32 || at->ndim != 1 ||
                                      at->dim[0] != p->rank || p->rank > m->cols)))
        return does_not_fit(m, err);
    d->r = xmalloc((size_t)(first * second) * sizeof(float));
    st_tensor_floats(r, d->r);
    if (at)
        d->column = memcpy(xmalloc(at->bytes), at->data, at->bytes);
    *found += 1 + (at != NULL);
    return true;
}

static bool read_step(const struct of_matrix *m, int part, const struct part *p, size_t *at,
                      struct delta *d, int *found, struct err *err)
{
    size_t n = (size_t)p->rank;

    *d = (struct delta){.layer = m->layer,
                        .matrix = m->which,
                        .kind = p->kind,
                        .rank = p->rank,
                        .rows = m->rows,
                        .cols = m->cols,
                        .scale = 1};
    if (p->kind != DELTA_LOW_RANK)
        return read_addition(m, part, p, d, found, err);
    d->r = some_rows(m->u, *at, n, (size_t)m->rows);
    d->x = some_rows(m->v, *at, n, (size_t)m->cols);
    d->key = m->key ? some_rows(m->key, *at, n, (size_t)m->cols) : NULL;
    *at += n;
    return true;
}

static bool read_steps(struct delta_file *f, struct of_matrix *m, const struct part *part,
                       int parts, int *found, struct err *err)
{
    size_t at = 0;
    bool ok = true;

    m->u = m->rank ? rows_of(m->t[DELTA_U], true) : NULL;
    m->v = m->rank ? rows_of(m->t[DELTA_V], false) : NULL;
    m->key = m->t[DELTA_KEY] ? rows_of(m->t[DELTA_KEY], false) : NULL;
    f->delta = xrealloc(f->delta, (size_t)(f->deltas + parts) * sizeof(*f->delta));
    for (int p = 0; ok && p < parts; p++) {
        struct delta *d = &f->delta[f->deltas++];

        ok = read_step(m, p, &part[p], &at, d, found, err) &&
             (delta_is_finite(d, err) || err_in(err, "%s", m->name));
    }
    free(m->u);
    free(m->v);
    free(m->key);
    return ok;
}

/* The tensors of low rank, and that they fit one another and the model. */
static bool take_tensors(struct of_matrix *m, int *found, struct err *err)
{
    const struct st_tensor *const *t = m->t;

    for (int k = DELTA_U; k < DELTA_TENSORS; k++) {
        char *full = xasprintf("%s.%s", m->name, delta_suffix[k]);

        m->t[k] = safetensors_tensor(m->st, full);
        *found += m->t[k] != NULL;
        free(full);
    }
    if (!t[DELTA_U] && !t[DELTA_V] && !t[DELTA_KEY])
        return true;
    if (!t[DELTA_U] || !t[DELTA_V] || t[DELTA_U]->ndim != 2 || t[DELTA_V]->ndim != 2 ||
        t[DELTA_U]->dim[0] != m->rows || t[DELTA_V]->dim[1] != m->cols ||
        t[DELTA_U]->dim[1] != t[DELTA_V]->dim[0] || t[DELTA_V]->dim[0] < 1 ||
        t[DELTA_V]->dim[0] > MOST_PARTS ||
        (t[DELTA_KEY] && (t[DELTA_KEY]->ndim != 2 || t[DELTA_KEY]->dim[0] != t[DELTA_V]->dim[0] ||
                          t[DELTA_KEY]->dim[1] != m->cols)))
        return does_not_fit(m, err);
    m->rank = (int)t[DELTA_V]->dim[0];
    return true;
}

static const char *meta_of(const struct of_matrix *m, const char *key)
{
    char *full = xasprintf("%s.%s", key, m->name);
    const char *text = safetensors_meta(m->st, full);

    free(full);
    return text;
}

/* One matrix of the file, under one of the names there are for it. */
static bool read_matrix(struct delta_file *f, const struct weights *w, struct of_matrix *m,
                        int *found, struct err *err)
{
    const char *want = meta_of(m, "base_sha256"), *text = meta_of(m, "parts");
    struct part *part = NULL;
    int parts = 0;
    char hex[65];
    bool ok;

    if (!take_tensors(m, found, err))
        return false;
    if (!m->rank && !text)
        return true;
    delta_file_sum(export_tensor(w, m->layer, m->which), hex);
    if (want && strcmp(want, hex))
        return err_set(err, ERR_STATE,
                       "it was made for another model: %s has sha256 %.12s..., not %.12s...",
                       m->name, hex, want);
    ok = read_parts(text, m->rank, &part, &parts, err) && read_steps(f, m, part, parts, found, err);
    free(part);
    return ok;
}

static bool read_matrices(struct delta_file *f, const struct safetensors *st,
                          const struct weights *w, struct err *err)
{
    const struct model_config *c = weights_config(w);
    int found = 0;

    for (int i = 0; i < c->layers * MATRICES; i++) {
        struct of_matrix m = {
            .st = st, .layer = i / MATRICES, .which = (enum matrix)(i % MATRICES)};
        const struct tensor *t = export_tensor(w, m.layer, m.which);
        char *names[3], *module;
        bool ok = true;

        if (!t || !matrix_shape(c, m.which, &m.rows, &m.cols))
            continue;
        module = export_fused(w, m.layer, m.which) ? NULL : hf_module(w, m.layer, m.which);
        names[0] = xstrdup(t->name);
        names[1] = xasprintf("%s.weight", module ? module : t->name);
        names[2] = delta_file_name(w, m.layer, m.which);
        for (int k = 0; ok && k < 3; k++) {
            bool again =
                (k > 0 && !strcmp(names[k], names[0])) || (k > 1 && !strcmp(names[k], names[1]));

            m.name = names[k];
            m.rank = 0;
            ok = again || read_matrix(f, w, &m, &found, err);
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
    if (!read_matrices(f, st, w, err) || !read_facts(f, st, err))
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
