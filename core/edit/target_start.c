/* How a target's optimisation begins: the rows as one batch, the one full forward pass, and room
 * (editscope-method(7) 5.1). */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/target_internal.h"

static void move_free(struct target_move *v, struct device *dev)
{
    struct mat *all[] = {&v->delta, &v->m, &v->v, &v->grad, &v->adam_steps};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
    free(v->start);
    free(v->moved);
}

static void move_allocate(struct target_move *v, struct device *dev, int hidden)
{
    v->delta = mat_new(dev, DT_F32, 1, hidden);
    v->m = mat_new(dev, DT_F32, 1, hidden);
    v->v = mat_new(dev, DT_F32, 1, hidden);
    v->grad = mat_new(dev, DT_F32, 1, hidden);
    v->adam_steps = mat_new(dev, DT_F64, 1, 1);
    v->start = xcalloc((size_t)hidden, sizeof(float));
    v->moved = xcalloc((size_t)hidden, sizeof(float));
}

void target_search_free(struct target_search *s)
{
    struct mat *all[] = {&s->start,   &s->x,           &s->dx,     &s->mid,          &s->head_x,
                         &s->head_dx, &s->head_logits, &s->losses, &s->kl_reference, &s->kloss,
                         &s->room,    &s->stream,      &s->sum,    &s->moved,        &s->entry};

    device_graph_free(s->dev, s->graph);
    for (int i = 0; i < s->moves; i++)
        move_free(&s->move[i], s->dev);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->dev, all[i]);
    for (int l = 0; s->saved && l < s->layers; l++)
        saved_free(&s->saved[l], s->dev);
    free(s->saved);
    forward_free(s->f);
    kv_cache_free(s->cache, s->dev);
    batch_free(&s->pass);
    free(s->label_row);
    free(s->label);
    free(s->lookup_row);
    batch_free(&s->lookups);
    free(s->ffn);
    free(s->hloss);
}

/* What the tap of the full pass keeps, and where from. */
struct kept_rows {
    struct target_search *s;
    const struct batch *whole;
    int *pick;        /* rows of the whole pass that the new positions are */
    int *at;          /* [rows + 1] those of the lookups */
    struct mat coeff; /* [rows + 1, M] theirs; data NULL: not wanted */
};

static void keep_start(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct kept_rows *k = ctx;

    if (layer != k->s->layer)
        return;
    if (site == TAP_BLOCK_IN && k->s->entry.data)
        device_gather(k->s->dev, x, k->at, k->s->entry);
    if (site == TAP_BLOCK_OUT)
        device_gather(k->s->dev, x, k->pick, k->s->start);
    if (site == TAP_FFN_IN && k->s->stream.data)
        device_gather(k->s->dev, x, k->at, k->s->stream);
    if (site == TAP_COEFF && k->coeff.data)
        device_gather(k->s->dev, x, k->at, k->coeff);
}

/* With a norm behind the FFN delta is added to what that norm reads, and a second vector to what
 * attention adds: room for those vectors. */
static void keep_sums(struct target_search *s, struct kept_rows *k)
{
    const struct model *m = s->view->model;
    int n = s->rows + 1;

    s->post = m->block[s->layer].post_ffn_norm;
    k->at = xcalloc((size_t)n, sizeof(int));
    for (int i = 0; i < n; i++)
        k->at[i] = k->pick[s->lookup_row[i]];
    s->stream = mat_new(s->dev, DT_F32, n, s->hidden);
    if (s->rule->attention)
        s->entry = mat_new(s->dev, DT_F32, n, s->hidden);
    if (s->rule->attention || s->post.gain.data)
        s->room = mat_new(s->dev, DT_F32, n, s->hidden);
    if (!s->post.gain.data)
        return;
    k->coeff = mat_new(s->dev, DT_F32, n, m->config->ffn);
    s->sum = mat_new(s->dev, DT_F32, n, s->hidden);
    s->moved = mat_new(s->dev, DT_F32, n, s->hidden);
}

/* Token ids of the rows: the prompt, then all target tokens but the last. The KL row ends at its
 * lookup, where the KL is read. Caller frees ids[i]. */
static void row_ids(const struct target_search *s, int **ids, int *count)
{
    const struct request *r = s->request;

    for (int i = 0; i < s->rows; i++) {
        count[i] = r->row[i].count + r->targets - 1;
        ids[i] = xcalloc((size_t)count[i], sizeof(int));
        memcpy(ids[i], r->row[i].id, (size_t)r->row[i].count * sizeof(int));
        memcpy(ids[i] + r->row[i].count, r->target, (size_t)(r->targets - 1) * sizeof(int));
    }
    count[s->rows] = r->kl_row.lookup + 1;
    ids[s->rows] = xcalloc((size_t)count[s->rows], sizeof(int));
    memcpy(ids[s->rows], r->kl_row.id, (size_t)count[s->rows] * sizeof(int));
}

/* Where the prompts end: before the labels, and nowhere in a row that is cut at its lookup. */
static void mark_prompts(struct target_search *s, struct batch *whole)
{
    const struct request *r = s->request;

    for (int i = 0; i <= s->rows; i++) {
        const struct row *row = i < s->rows ? &r->row[i] : &r->kl_row;
        bool cut = row->lookup + 1 < row->count;
        int last = row->count - 1;

        if (i < s->rows || !cut) {
            whole->asked[i] = whole->seq[i].q0 + last;
            s->pass.asked[i] = s->pass.seq[i].q0 + last - s->pass.seq[i].past;
        } else {
            whole->asked[i] = s->pass.asked[i] = -1;
        }
        s->lookups.asked[i] = cut ? -1 : s->lookups.seq[i].q0;
    }
}

/* The one full forward pass: fills the cache, and keeps the outputs of block z from the lookup on.
 */
static bool search_pass(struct target_search *s, struct job *job, struct err *err)
{
    const struct model *m = s->view->model;
    const struct request *r = s->request;
    int n = s->rows + 1, at = 0;
    int **ids = xcalloc((size_t)n, sizeof(*ids)), *count = xcalloc((size_t)n, sizeof(int));
    int *past = xcalloc((size_t)n, sizeof(int)), *upto = xcalloc((size_t)n, sizeof(int));
    struct batch whole;
    struct kept_rows keep = {.s = s};
    struct tap tap = {keep_start, &keep};
    struct forward *f;
    struct mat x;
    bool ok;

    row_ids(s, ids, count);
    for (int i = 0; i < n; i++)
        past[i] = i < s->rows ? r->row[i].lookup : r->kl_row.lookup;
    whole = batch_new((const int *const *)ids, count, NULL, n, 0);
    s->pass = batch_new((const int *const *)ids, count, past, n, 0);
    for (int i = 0; i < n; i++)
        upto[i] = past[i] + 1;
    s->lookups = batch_new((const int *const *)ids, upto, past, n, 0);
    mark_prompts(s, &whole);
    s->cache = kv_cache_new(m, whole.rows);
    s->start = mat_new(s->dev, DT_F32, s->pass.rows, s->hidden);
    s->lookup_row = xcalloc((size_t)n, sizeof(int));
    s->label_row = xcalloc((size_t)s->rows * (size_t)s->targets, sizeof(int));
    s->label = xcalloc((size_t)s->rows * (size_t)s->targets, sizeof(int));
    keep.pick = xcalloc((size_t)s->pass.rows, sizeof(int));
    for (int i = 0; i < n; i++) {
        const struct attn_seq *q = &s->pass.seq[i];

        s->lookup_row[i] = q->q0;
        for (int j = 0; j < q->n; j++)
            keep.pick[q->q0 + j] = whole.seq[i].q0 + q->past + j;
        for (int j = 0; i < s->rows && j < s->targets; j++, at++) {
            s->label_row[at] = q->q0 + q->n - s->targets + j;
            s->label[at] = r->target[j];
        }
    }
    keep_sums(s, &keep);
    f = forward_new(m, whole.rows);
    x = mat_new(s->dev, DT_F32, whole.rows, s->hidden);
    ok = forward_run(f, s->view, &whole, s->cache, x, &tap, job, err);
    if (keep.coeff.data)
        forward_ffn_sum(s->view, s->layer, keep.coeff, s->sum);
    mat_free(s->dev, &keep.coeff);
    mat_free(s->dev, &x);
    forward_free(f);
    batch_free(&whole);
    for (int i = 0; i < n; i++)
        free(ids[i]);
    free(ids);
    free(count);
    free(past);
    free(upto);
    free(keep.pick);
    free(keep.at);
    return ok;
}

/* What each vector is added to, and its length: h0, or what the FFN adds; and what attention adds.
 */
static bool measure_start(struct target_search *s, struct err *err)
{
    float *h = s->move[0].start, *before = xcalloc((size_t)s->hidden, sizeof(float));
    float *entry = xcalloc((size_t)s->hidden, sizeof(float));
    bool ok;

    device_fetch(s->dev, h,
                 s->sum.data ? mat_rows(s->sum, 0, 1) : mat_rows(s->start, s->lookup_row[0], 1),
                 "layer %d: its output at the subject", s->layer);
    device_fetch(s->dev, before, mat_rows(s->stream, 0, 1), "layer %d: the stream before the FFN",
                 s->layer);
    if (s->entry.data)
        device_fetch(s->dev, entry, mat_rows(s->entry, 0, 1), "layer %d: what enters it", s->layer);
    ok = device_sync(s->dev, err);
    for (int j = 0; ok && j < s->hidden; j++) {
        float given = before[j] - entry[j], own;

        s->ffn[j] = s->sum.data ? h[j] : h[j] - before[j];
        own = s->rule->of_ffn ? s->ffn[j] : h[j];
        s->move[0].h2 += (double)own * (double)own;
        if (!s->rule->attention)
            continue;
        h[j] = own;
        s->move[1].start[j] = given;
        s->move[1].h2 += (double)given * (double)given;
    }
    free(before);
    free(entry);
    return ok;
}

/* Room for the steps, and h0. */
static bool search_allocate(struct target_search *s, struct err *err)
{
    struct device *dev = s->dev;
    const struct model *m = s->view->model;
    int labels = s->rows * s->targets;

    s->f = forward_new(m, s->pass.rows);
    s->saved = xcalloc((size_t)s->layers, sizeof(*s->saved));
    for (int l = s->layer + 1; l < s->layers; l++)
        s->saved[l] = saved_new(m, s->pass.rows);
    if (s->rule->attention)
        s->saved[s->layer] = saved_new(m, s->lookups.rows);
    s->x = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->dx = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->mid = mat_new(dev, DT_F32, s->pass.rows, s->hidden);
    s->head_x = mat_new(dev, DT_F32, labels + 1, s->hidden);
    s->head_dx = mat_new(dev, DT_F32, labels + 1, s->hidden);
    s->head_logits = mat_new(dev, DT_F32, labels + 1, s->vocab);
    s->lx = mat_rows(s->head_x, 0, labels);
    s->dl = mat_rows(s->head_dx, 0, labels);
    s->logits = mat_rows(s->head_logits, 0, labels);
    s->kx = mat_rows(s->head_x, labels, 1);
    s->kdx = mat_rows(s->head_dx, labels, 1);
    s->klogits = mat_rows(s->head_logits, labels, 1);
    s->losses = mat_new(dev, DT_F32, 1, labels);
    s->kl_reference = mat_new(dev, DT_F32, 1, s->vocab);
    s->kloss = mat_new(dev, DT_F32, 1, 1);
    s->ffn = xcalloc((size_t)s->hidden, sizeof(float));
    s->moves = s->rule->attention ? 2 : 1;
    for (int i = 0; i < s->moves; i++)
        move_allocate(&s->move[i], dev, s->hidden);
    s->hloss = xcalloc((size_t)labels, sizeof(float));
    return measure_start(s, err);
}

bool target_search_begin(struct target_search *s, struct job *job, struct err *err)
{
    return search_pass(s, job, err) && search_allocate(s, err);
}
