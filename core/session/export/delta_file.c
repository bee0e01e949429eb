/* Reads a delta file into deltas of a model's matrices, in the order they apply (as_delta.c writes
 * it). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/session/export/delta_file.h"

enum { MAX_PARTS = 1 << 20 };

const char *const delta_suffix[DELTA_TENSORS] = {"delta_u", "delta_v", "delta_key"};

char *delta_file_name(const struct weights *w, int layer, enum matrix which)
{
    const struct tensor *t = export_tensor(w, layer, which);

    return xstrdup(export_fused(w, layer, which) ? t->name : t->origin);
}

void delta_file_base_sha256(const struct tensor *t, char hex[65])
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

/* One entry of parts.NAME. */
struct delta_part {
    enum delta_kind kind;
    int rank; /* its rank, or the number of columns; 0 for a dense part */
};

/* Parses "1,1,c20,6,dense". Without a text there is one low-rank part of all `rank` ranks.
 * ERR_FORMAT unless the ranks of the low-rank parts add up to `rank`. */
static bool parse_parts(const char *text, long rank, struct delta_part **part, int *parts,
                        struct err *err)
{
    long left = rank;

    *part = xcalloc(1, sizeof(**part));
    *parts = 0;
    if (!text) {
        (*part)[(*parts)++] = (struct delta_part){DELTA_LOW_RANK, (int)rank};
        return rank > 0;
    }
    while (*text && *parts < MAX_PARTS) {
        struct delta_part p = {DELTA_LOW_RANK, 0};
        size_t word = strcspn(text, ",");
        char *end = NULL;
        long n = 0;

        if (word == 5 && !strncmp(text, "dense", 5)) {
            p.kind = DELTA_DENSE;
        } else {
            p.kind = *text == 'c' ? DELTA_COLUMNS : DELTA_LOW_RANK;
            n = strtol(text + (p.kind == DELTA_COLUMNS), &end, 10);
            if (end != text + word || n < 1 || n > (p.kind == DELTA_COLUMNS ? MAX_PARTS : left))
                break;
        }
        p.rank = (int)n;
        left -= p.kind == DELTA_LOW_RANK ? n : 0;
        *part = xrealloc(*part, (size_t)(*parts + 1) * sizeof(**part));
        (*part)[(*parts)++] = p;
        text += word + (text[word] == ',');
    }
    return (!left && !*text && *parts) ||
           err_set(err, ERR_FORMAT, "the parts of a delta do not add up to its rank %ld", rank);
}

/* A copy of `count` rows of x [..][cols] from row `first` on. Caller frees. */
static float *copy_rows(const float *x, size_t first, size_t count, size_t cols)
{
    float *out = xmalloc((count * cols + 1) * sizeof(*out));

    memcpy(out, x + first * cols, count * cols * sizeof(*out));
    return out;
}

/* A tensor as floats [rank][cols]; `transposed`: the file has [cols][rank]. Caller frees. */
static float *tensor_rows(const struct st_tensor *t, bool transposed)
{
    size_t n = (size_t)t->dim[0], m = (size_t)t->dim[1];
    float *x = xmalloc((n * m + 1) * sizeof(*x)), *y;

    st_tensor_floats(t, x);
    if (!transposed)
        return x;
    y = xmalloc((n * m + 1) * sizeof(*y));
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            y[k * n + i] = x[i * m + k];
    free(x);
    return y;
}

/* A matrix of the model, and its tensors in the file. */
struct delta_matrix {
    const struct safetensors *st;
    const char *name;
    int layer, rows, cols, rank; /* rank: of delta_u and delta_v; 0: none */
    enum matrix which;
    const struct st_tensor *t[DELTA_TENSORS]; /* or NULL */
    float *u, *v, *key;                       /* [rank][...] their values */
};

static const struct st_tensor *numbered_tensor(const struct delta_matrix *m, const char *what,
                                               int part)
{
    char *name = xasprintf("%s.%s.%d", m->name, what, part);
    const struct st_tensor *t = safetensors_tensor(m->st, name);

    free(name);
    return t;
}

static bool does_not_fit(const struct delta_matrix *m, struct err *err)
{
    return err_set(err, ERR_STATE, "the delta of %s does not fit this model", m->name);
}

/* A part that adds values: tensors NAME.added.P and NAME.columns.P. *found counts them. */
static bool read_addition(const struct delta_matrix *m, int part, const struct delta_part *p,
                          struct delta *d, int *found, struct err *err)
{
    const struct st_tensor *r = numbered_tensor(m, "added", part);
    const struct st_tensor *at =
        p->kind == DELTA_COLUMNS ? numbered_tensor(m, "columns", part) : NULL;
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

/* Part number `part` of a matrix. *at: low-rank rows that earlier parts have used. */
static bool read_part(const struct delta_matrix *m, int part, const struct delta_part *p,
                      size_t *at, struct delta *d, int *found, struct err *err)
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
    d->r = copy_rows(m->u, *at, n, (size_t)m->rows);
    d->x = copy_rows(m->v, *at, n, (size_t)m->cols);
    d->key = m->key ? copy_rows(m->key, *at, n, (size_t)m->cols) : NULL;
    *at += n;
    return true;
}

/* Appends all parts of a matrix to f->delta. */
static bool read_all_parts(struct delta_file *f, struct delta_matrix *m,
                           const struct delta_part *part, int parts, int *found, struct err *err)
{
    size_t at = 0;
    bool ok = true;

    m->u = m->rank ? tensor_rows(m->t[DELTA_U], true) : NULL;
    m->v = m->rank ? tensor_rows(m->t[DELTA_V], false) : NULL;
    m->key = m->t[DELTA_KEY] ? tensor_rows(m->t[DELTA_KEY], false) : NULL;
    f->delta = xrealloc(f->delta, (size_t)(f->deltas + parts) * sizeof(*f->delta));
    for (int p = 0; ok && p < parts; p++) {
        struct delta *d = &f->delta[f->deltas++];

        ok = read_part(m, p, &part[p], &at, d, found, err) &&
             (delta_check(d, err) || err_in(err, "%s", m->name));
    }
    free(m->u);
    free(m->v);
    free(m->key);
    return ok;
}

/* Finds delta_u, delta_v and delta_key, and checks that their shapes fit each other and
 * the model. */
static bool find_low_rank(struct delta_matrix *m, int *found, struct err *err)
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
        t[DELTA_V]->dim[0] > MAX_PARTS ||
        (t[DELTA_KEY] && (t[DELTA_KEY]->ndim != 2 || t[DELTA_KEY]->dim[0] != t[DELTA_V]->dim[0] ||
                          t[DELTA_KEY]->dim[1] != m->cols)))
        return does_not_fit(m, err);
    m->rank = (int)t[DELTA_V]->dim[0];
    return true;
}

static const char *matrix_meta(const struct delta_matrix *m, const char *key)
{
    char *full = xasprintf("%s.%s", key, m->name);
    const char *text = safetensors_meta(m->st, full);

    free(full);
    return text;
}

/* Reads one matrix under the name m->name; nothing if the file has none of that name. */
static bool read_matrix(struct delta_file *f, const struct weights *w, struct delta_matrix *m,
                        int *found, struct err *err)
{
    const char *want = matrix_meta(m, "base_sha256"), *text = matrix_meta(m, "parts");
    struct delta_part *part = NULL;
    int parts = 0;
    char hex[65];
    bool ok;

    if (!find_low_rank(m, found, err))
        return false;
    if (!m->rank && !text)
        return true;
    delta_file_base_sha256(export_tensor(w, m->layer, m->which), hex);
    if (want && strcmp(want, hex))
        return err_set(err, ERR_STATE,
                       "the delta was made for another model: %s has sha256 %.12s..., not %.12s...",
                       m->name, hex, want);
    ok = parse_parts(text, m->rank, &part, &parts, err) &&
         read_all_parts(f, m, part, parts, found, err);
    free(part);
    return ok;
}

/* Looks for every matrix under each of its names: ours, transformers', the model file's. A tensor
 * that belongs to no matrix is an error. */
static bool read_matrices(struct delta_file *f, const struct safetensors *st,
                          const struct weights *w, struct err *err)
{
    const struct model_config *c = weights_config(w);
    int found = 0;

    for (int i = 0; i < c->layers * MATRICES; i++) {
        struct delta_matrix m = {
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
        return err_set(err, ERR_STATE, "%d of its %d tensors do not belong to this model's layers",
                       safetensors_count(st) - found, safetensors_count(st));
    return f->deltas || err_set(err, ERR_FORMAT, "the file contains no delta");
}

static bool read_facts(struct delta_file *f, const struct safetensors *st, struct err *err)
{
    const char *text = safetensors_meta(st, "facts");

    if (!text)
        return err_set(err, ERR_FORMAT,
                       "the file does not name the edited facts (metadata 'facts')");
    return facts_from_text(text, strlen(text), &f->facts, &f->count, NULL, err);
}

static bool is_delta(const struct safetensors *st, struct err *err)
{
    const char *kind = safetensors_meta(st, "kind");

    return (kind && !strcmp(kind, "editscope-delta")) ||
           err_set(err, ERR_FORMAT, "a safetensors file, but not a delta of this program");
}

static bool read_all(struct delta_file *f, const struct safetensors *st, const struct weights *w,
                     struct err *err)
{
    const char *base = safetensors_meta(st, "base_identity");

    if (!is_delta(st, err))
        return false;
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

bool delta_file_is(const char *path, struct err *err)
{
    struct file_map map;
    struct safetensors *st;
    struct err why = {0};
    bool ok;

    if (!file_map(&map, path, err))
        return false;
    st = safetensors_parse(map.data, map.size, &why);
    ok = st && is_delta(st, &why);
    safetensors_close(st);
    file_unmap(&map);
    if (ok)
        return true;
    err_in(&why, "%s", path);
    return err_pass(err, &why);
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
