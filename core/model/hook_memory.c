/* The hook "memory" (MEMOIR, editscope-method(7) 7.28): a residual memory W_m beside W_down of one
 * layer. A prompt has a mask, the neurons that it moves most; it is sent to the edit whose mask is
 * the most like it, and that edit's columns of W_m alone are read:
 *
 *   f = mean of m over the prompt's tokens - background        mask: the k largest |f|
 *   j = argmax overlap(mask, mask_j) / k                       overlap >= limit_j:
 *   x = x + W_m (m * columns_j)      columns_j: mask_j behind a permutation of the neurons
 *
 * A hook holds one edit: params {"layer": L, "active": k, "overlap": limit, "seed": S}; the blob is
 * mask_j as k int32, the background [M] and what the edit adds to its columns of W_m [d, k], as
 * float32. A state joins its hooks of a layer with the same k and background: W_m is the sum in the
 * order of the edits. What is generated after a prompt is sent where the prompt was. */
#include "core/model/hook_memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/device/finite.h"
#include "core/model/forward.h"

/* The masks of one edit; never changed, shared by the memories that have it. */
struct masks {
    int refs;
    int *chosen, *column; /* [active] */
    double limit;
};

/* Rows of one pass, from its first site to its gradient. */
struct pass {
    const struct batch *batch;            /* its address tells passes apart that are under way */
    int rows, seqs, most_rows, most_seqs; /* of the batch at hand; of the memory */
    int *counted;            /* [rows] the sequence of each row; `seqs` behind a prompt */
    struct mat mean, scale;  /* [seqs + 1, M], [1, seqs + 1] */
    struct mat top, choice;  /* [seqs, M], [seqs, edits] */
    struct mat mask, masked; /* [seqs, M], [rows, M] */
    struct mat y, back;      /* [rows, d] */
};

struct memory {
    const struct model *model;
    int layer, active, count, passes;
    struct masks **edit;                            /* [count] */
    float *background;                              /* [M] */
    float *w;                                       /* [d * M] W_m */
    float *change;                                  /* [d * active] of one edit alone, else NULL */
    struct mat mat, middle, chosen, column, radius; /* W_m; [1, M], [count, M] twice, [1, count] */
    struct mat kept;     /* [1, M] the columns that the last prompt was sent to, */
    const void *kept_of; /* and who goes on with it */
    struct pass **pass;
};

/* ---- masks ---- */

struct ranked {
    float size;
    int neuron;
};

static int by_size(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : x->neuron - y->neuron;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void memory_mask(const struct memory_key *key, const float *mean, int neurons, int *chosen)
{
    struct ranked *all = xmalloc((size_t)neurons * sizeof(*all));

    for (int i = 0; i < neurons; i++)
        all[i] = (struct ranked){fabsf(mean[i] - key->background[i]), i};
    qsort(all, (size_t)neurons, sizeof(*all), by_size);
    for (int i = 0; i < key->active; i++)
        chosen[i] = all[i].neuron;
    qsort(chosen, (size_t)key->active, sizeof(*chosen), ascending);
    free(all);
}

void memory_columns(unsigned seed, int neurons, const int *chosen, int active, int *column)
{
    int *to = xmalloc((size_t)neurons * sizeof(*to));
    uint64_t state = seed;

    for (int i = 0; i < neurons; i++)
        to[i] = i;
    for (int i = neurons - 1; i > 0; i--) {
        int j = (int)rng_below(&state, (uint32_t)i + 1), was = to[i];

        to[i] = to[j];
        to[j] = was;
    }
    for (int i = 0; i < active; i++)
        column[i] = to[chosen[i]];
    free(to);
}

static void masks_release(struct masks *m)
{
    if (!m || --m->refs)
        return;
    free(m->chosen);
    free(m->column);
    free(m);
}

/* ---- the device's side ---- */

/* The sizes of a batch in the memory of the largest. */
static void pass_shape(struct pass *p, const struct memory *s, int rows, int seqs)
{
    int d = s->model->config->hidden, neurons = s->model->config->ffn;

    p->rows = rows;
    p->seqs = seqs;
    mat_reshape(&p->mean, seqs + 1, neurons);
    mat_reshape(&p->scale, 1, seqs + 1);
    mat_reshape(&p->top, seqs, neurons);
    mat_reshape(&p->choice, seqs, s->count);
    mat_reshape(&p->mask, seqs, neurons);
    mat_reshape(&p->masked, rows, neurons);
    mat_reshape(&p->y, rows, d);
    mat_reshape(&p->back, rows, d);
}

static void pass_free(struct pass *p, const struct memory *s)
{
    struct mat *all[] = {&p->mean, &p->scale,  &p->top, &p->choice,
                         &p->mask, &p->masked, &p->y,   &p->back};

    pass_shape(p, s, p->most_rows, p->most_seqs);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->model->dev, all[i]);
    free(p->counted);
    free(p);
}

static void memory_close(void *ctx)
{
    struct memory *s = ctx;
    struct mat *all[] = {&s->mat, &s->middle, &s->chosen, &s->column, &s->radius, &s->kept};

    for (int i = 0; i < s->passes; i++)
        pass_free(s->pass[i], s);
    for (int i = 0; i < s->count; i++)
        masks_release(s->edit[i]);
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(s->model->dev, all[i]);
    free(s->edit);
    free(s->background);
    free(s->w);
    free(s->change);
    free(s->pass);
    free(s);
}

/* How many neurons a prompt's mask has to have in common with an edit's. */
static double least_common(const struct memory *s, int edit)
{
    return ceil(s->edit[edit]->limit * s->active - 1e-9);
}

/* A row of ones and zeros. */
static void upload_mask(struct device *dev, struct mat to, const int *index, int count, float *row)
{
    memset(row, 0, (size_t)to.cols * sizeof(*row));
    for (int i = 0; i < count; i++)
        row[index[i]] = 1;
    device_upload(dev, to, row);
}

/* Once, at the first pass. Two masks of k neurons with o in common are sqrt(2 (k - o)) apart, so
 * the nearest mask has the largest overlap, and the limit is a radius, between two whole numbers.
 */
static void memory_upload(struct memory *s)
{
    struct device *dev = s->model->dev;
    int neurons = s->model->config->ffn;
    float *row, *radius;

    if (s->mat.data)
        return;
    row = xmalloc((size_t)neurons * sizeof(*row));
    radius = xmalloc((size_t)s->count * sizeof(*radius));
    s->mat = mat_new(dev, DT_F32, s->model->config->hidden, neurons);
    s->middle = mat_new(dev, DT_F32, 1, neurons);
    s->chosen = mat_new(dev, DT_F32, s->count, neurons);
    s->column = mat_new(dev, DT_F32, s->count, neurons);
    s->radius = mat_new(dev, DT_F32, 1, s->count);
    s->kept = mat_new(dev, DT_F32, 1, neurons);
    device_upload(dev, s->mat, s->w);
    device_upload(dev, s->middle, s->background);
    for (int i = 0; i < s->count; i++) {
        upload_mask(dev, mat_rows(s->chosen, i, 1), s->edit[i]->chosen, s->active, row);
        upload_mask(dev, mat_rows(s->column, i, 1), s->edit[i]->column, s->active, row);
        radius[i] = (float)sqrt(2 * (s->active - least_common(s, i)) + 1);
    }
    device_upload(dev, s->radius, radius);
    free(row);
    free(radius);
}

static struct pass *pass_new(const struct memory *s, const struct batch *batch)
{
    struct device *dev = s->model->dev;
    int d = s->model->config->hidden, neurons = s->model->config->ffn;
    int rows = batch->rows, seqs = batch->seqs;
    struct pass *p = xcalloc(1, sizeof(*p));

    *p = (struct pass){.batch = batch, .most_rows = rows, .most_seqs = seqs};
    p->counted = xcalloc((size_t)rows, sizeof(int));
    p->mean = mat_new(dev, DT_F32, seqs + 1, neurons);
    p->scale = mat_new(dev, DT_F32, 1, seqs + 1);
    p->top = mat_new(dev, DT_F32, seqs, neurons);
    p->choice = mat_new(dev, DT_F32, seqs, s->count);
    p->mask = mat_new(dev, DT_F32, seqs, neurons);
    p->masked = mat_new(dev, DT_F32, rows, neurons);
    p->y = mat_new(dev, DT_F32, rows, d);
    p->back = mat_new(dev, DT_F32, rows, d);
    return p;
}

/* The memory of this batch: kept until the hook goes, since a device may have recorded the pass. A
 * later batch at the same address uses it, too. */
static struct pass *pass_of(struct memory *s, const struct batch *batch)
{
    struct pass *p;
    int at = 0;

    while (at < s->passes && s->pass[at]->batch != batch)
        at++;
    if (at == s->passes) {
        s->pass = xrealloc(s->pass, (size_t)(s->passes + 1) * sizeof(*s->pass));
        s->pass[s->passes++] = NULL;
    }
    p = s->pass[at];
    if (!p || p->most_rows < batch->rows || p->most_seqs < batch->seqs) {
        memory_upload(s);
        if (p)
            pass_free(p, s);
        p = s->pass[at] = pass_new(s, batch);
    }
    pass_shape(p, s, batch->rows, batch->seqs);
    return p;
}

/* p->mask: the columns of W_m that each sequence reads; none of one that goes on with a prompt of
 * another pass. */
static void pass_choose(const struct memory *s, struct pass *p, struct mat coeff)
{
    struct device *dev = s->model->dev;
    const struct batch *batch = p->batch;

    device_fill(dev, p->scale, 0);
    for (int q = 0; q < batch->seqs; q++) {
        const struct attn_seq *a = &batch->seq[q];
        int asked = batch->asked[q];

        for (int i = a->q0; i < a->q0 + a->n; i++)
            p->counted[i] = i <= asked ? q : batch->seqs;
        if (asked >= 0)
            device_fill(dev, mat_cols(p->scale, q, 1), 1.0 / (asked + 1 - a->q0));
    }
    device_fill(dev, p->mean, 0);
    device_scatter_add(dev, coeff, p->counted, p->mean);
    device_scale_rows(dev, p->scale, p->mean);
    device_axpy(dev, -1, s->middle, p->mean);
    device_largest(dev, mat_rows(p->mean, 0, p->seqs), s->active, p->top);
    device_nearest(dev, p->top, s->chosen, s->radius, p->choice);
    for (int q = 0; q < batch->seqs; q++)
        if (batch->asked[q] < 0)
            device_fill(dev, mat_rows(p->choice, q, 1), 0);
    device_gemm(dev, 1, p->choice, false, s->column, false, 0, p->mask);
}

/* One sequence that grows token by token is sent where its prompt was. */
static void pass_go_on(struct memory *s, const struct pass *p)
{
    const struct batch *batch = p->batch;

    if (!batch->goes_on || batch->seqs != 1)
        return;
    if (batch->asked[0] >= 0) {
        device_copy(s->model->dev, p->mask, s->kept);
        s->kept_of = batch->goes_on;
    } else if (s->kept_of == batch->goes_on) {
        device_copy(s->model->dev, s->kept, p->mask);
    }
}

/* x = x diag(the columns of its sequence), of all rows. */
static void mask_rows(const struct memory *s, const struct pass *p, struct mat from, struct mat to)
{
    for (int q = 0; q < p->seqs; q++) {
        const struct attn_seq *a = &p->batch->seq[q];

        device_scale_cols(s->model->dev, mat_rows(from, a->q0, a->n), mat_rows(p->mask, q, 1),
                          mat_rows(to, a->q0, a->n));
    }
}

/* The pass at a site that the memory reads or writes; NULL: it is another one. */
static struct pass *pass_at(struct memory *s, const struct batch *batch, int layer,
                            enum tap_site site)
{
    bool ours = layer == s->layer && (site == TAP_COEFF || site == TAP_BLOCK_OUT);

    return ours ? pass_of(s, batch) : NULL;
}

static void memory_run(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                       struct mat x)
{
    struct memory *s = ctx;
    struct device *dev = s->model->dev;
    struct pass *p = pass_at(s, batch, layer, site);

    if (!p)
        return;
    if (site == TAP_BLOCK_OUT) {
        device_axpy(dev, 1, p->y, x);
        return;
    }
    pass_choose(s, p, x);
    pass_go_on(s, p);
    mask_rows(s, p, x, p->masked);
    device_gemm(dev, 1, p->masked, false, s->mat, true, 0, p->y);
}

/* What comes back from the output goes through W_m as well; the choice is taken as it is. */
static void memory_grad(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                        struct mat dx)
{
    struct memory *s = ctx;
    struct device *dev = s->model->dev;
    struct pass *p = pass_at(s, batch, layer, site);

    if (!p)
        return;
    if (site == TAP_BLOCK_OUT) {
        device_copy(dev, dx, p->back);
        return;
    }
    device_gemm(dev, 1, p->back, false, s->mat, false, 0, p->masked);
    mask_rows(s, p, p->masked, p->masked);
    device_axpy(dev, 1, p->masked, dx);
}

/* The largest overlap of each prompt's mask with that of an edit, and that edit's limit. */
static bool memory_routes(void *ctx, const struct batch *batch, int layer, struct hook_route *out,
                          struct err *err)
{
    struct memory *s = ctx;
    struct device *dev = s->model->dev;
    struct pass *p = layer < 0 || layer == s->layer ? pass_of(s, batch) : NULL;
    int neurons = s->model->config->ffn;
    float *top;
    bool ok;

    if (!p)
        return true;
    top = xmalloc((size_t)p->seqs * (size_t)neurons * sizeof(*top));
    device_fetch(dev, top, p->top, "layer %d: masks of prompts", s->layer);
    ok = device_sync(dev, err);
    for (int q = 0; ok && q < p->seqs; q++) {
        int best = -1, most = -1;

        for (int j = 0; j < s->count; j++) {
            int common = 0;

            for (int i = 0; i < s->active; i++)
                common += top[(size_t)q * (size_t)neurons + (size_t)s->edit[j]->chosen[i]] > 0;
            if (common > most) {
                most = common;
                best = j;
            }
        }
        if (batch->asked[q] >= 0)
            out[q] = (struct hook_route){.routed = most >= least_common(s, best),
                                         .value = (double)most / s->active,
                                         .limit = s->edit[best]->limit,
                                         .entry = best};
    }
    free(top);
    return ok;
}

/* ---- stored edits ---- */

static bool read_params(struct memory *s, const struct hook_data *data, double *overlap,
                        long long *seed, struct err *err)
{
    json_t *root = data->params ? json_loads(data->params, 0, NULL) : NULL;
    const struct model_config *c = s->model->config;
    bool ok = root && !json_unpack(root, "{s:i, s:i, s:F, s:I}", "layer", &s->layer, "active",
                                   &s->active, "overlap", overlap, "seed", seed);
    size_t want;

    json_decref(root);
    if (!ok || s->layer < 0 || s->layer >= c->layers || s->active < 1 || s->active > c->ffn ||
        !(*overlap >= 0 && *overlap <= 1) || *seed < 0 || *seed > UINT32_MAX)
        return err_set(err, ERR_FORMAT,
                       "hook memory: a layer of 0 to %d, the active neurons of %d, an overlap of 0 "
                       "to 1 and a seed are needed, not %.80s",
                       c->layers - 1, c->ffn, data->params ? data->params : "nothing");
    want = ((size_t)s->active * (1 + (size_t)c->hidden) + (size_t)c->ffn) * sizeof(float);
    return data->bytes == want ||
           err_set(err, ERR_FORMAT,
                   "hook memory, layer %d: %zu bytes; a mask of %d neurons with its background and "
                   "columns has %zu",
                   s->layer, data->bytes, s->active, want);
}

/* The mask: ascending neurons. */
static bool read_mask(const struct memory *s, const void *blob, struct masks *m, struct err *err)
{
    m->chosen =
        memcpy(xmalloc((size_t)s->active * sizeof(int)), blob, (size_t)s->active * sizeof(int));
    for (int i = 0; i < s->active; i++)
        if (m->chosen[i] < (i ? m->chosen[i - 1] + 1 : 0) || m->chosen[i] >= s->model->config->ffn)
            return err_set(
                err, ERR_FORMAT,
                "hook memory, layer %d: neuron %d of its mask is %d; they ascend from 0 to "
                "%d",
                s->layer, i, m->chosen[i], s->model->config->ffn - 1);
    return true;
}

/* W_m += what an edit adds to its columns. */
static void add_change(struct memory *s, const struct masks *m, const float *change)
{
    for (int r = 0; r < s->model->config->hidden; r++)
        for (int i = 0; i < s->active; i++)
            s->w[(size_t)r * (size_t)s->model->config->ffn + (size_t)m->column[i]] +=
                change[(size_t)r * (size_t)s->active + (size_t)i];
}

static bool memory_read(struct memory *s, const struct hook_data *data, struct err *err)
{
    size_t neurons = (size_t)s->model->config->ffn, d = (size_t)s->model->config->hidden, values;
    struct masks *m = xcalloc(1, sizeof(*m));
    long long seed = 0;
    const float *from;

    m->refs = 1;
    s->edit = xcalloc(1, sizeof(struct masks *));
    s->edit[s->count++] = m;
    if (!read_params(s, data, &m->limit, &seed, err) || !read_mask(s, data->blob, m, err))
        return false;
    values = (size_t)s->active * d;
    s->background = memcpy(xmalloc(neurons * sizeof(float)), (const int *)data->blob + s->active,
                           neurons * sizeof(float));
    from = (const float *)data->blob + (size_t)s->active + neurons;
    s->change = memcpy(xmalloc(values * sizeof(float)), from, values * sizeof(float));
    if (not_finite(s->background, neurons) >= 0 || not_finite(s->change, values) >= 0)
        return err_set(err, ERR_FORMAT, "hook memory, layer %d: a value is not a finite number",
                       s->layer);
    m->column = xmalloc((size_t)s->active * sizeof(int));
    memory_columns((unsigned)seed, (int)neurons, m->chosen, s->active, m->column);
    s->w = xcalloc(neurons * d, sizeof(float));
    add_change(s, m, s->change);
    return true;
}

static void *memory_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    struct memory *s = xcalloc(1, sizeof(*s));

    s->model = m;
    if (memory_read(s, data, err))
        return s;
    memory_close(s);
    return NULL;
}

static bool has_key(const struct memory *s, const struct memory_key *key)
{
    return s->layer == key->layer && s->active == key->active &&
           !memcmp(s->background, key->background,
                   (size_t)s->model->config->ffn * sizeof(*s->background));
}

/* `added` is of one edit. */
static void *memory_join(const void *before, const void *added)
{
    const struct memory *a = before, *b = added;
    const struct memory_key key = {b->layer, b->active, b->background};
    size_t neurons = (size_t)a->model->config->ffn,
           bytes = neurons * (size_t)a->model->config->hidden * sizeof(float);
    struct memory *s;

    if (!b->change || !has_key(a, &key))
        return NULL;
    s = xcalloc(1, sizeof(*s));
    *s = (struct memory){
        .model = a->model, .layer = a->layer, .active = a->active, .count = a->count + 1};
    s->edit = xcalloc((size_t)s->count, sizeof(*s->edit));
    memcpy(s->edit, a->edit, (size_t)a->count * sizeof(*s->edit));
    s->edit[a->count] = b->edit[0];
    for (int i = 0; i < s->count; i++)
        s->edit[i]->refs++;
    s->background =
        memcpy(xmalloc(neurons * sizeof(float)), a->background, neurons * sizeof(float));
    s->w = memcpy(xmalloc(bytes), a->w, bytes);
    add_change(s, b->edit[0], b->change);
    return s;
}

static int memory_count(const void *ctx, int *layer)
{
    const struct memory *s = ctx;

    *layer = s->layer;
    return s->count;
}

static const struct hook_kept memory_masks = {"mask of the memory", "masks of the memory",
                                              "overlap", memory_count};

const struct hook_ops hook_memory = {.name = "memory",
                                     .open = memory_open,
                                     .run = memory_run,
                                     .grad = memory_grad,
                                     .close = memory_close,
                                     .join = memory_join,
                                     .routes = memory_routes,
                                     .kept = &memory_masks};

/* ---- for editors ---- */

float *memory_matrix(const struct model_state *s, const struct memory_key *key)
{
    size_t n = (size_t)s->model->config->hidden * (size_t)s->model->config->ffn;
    float *out = xcalloc(n, sizeof(*out));

    for (int i = 0; i < s->hooks; i++)
        if (s->hook[i]->ops == &hook_memory && has_key(s->hook[i]->ctx, key))
            memcpy(out, ((const struct memory *)s->hook[i]->ctx)->w, n * sizeof(*out));
    return out;
}

void memory_forget(struct model_state *s, int layer)
{
    state_drop_hooks(s, &hook_memory, layer);
}

struct hook_data memory_entry(const struct model *m, const struct memory_key *key, double overlap,
                              unsigned seed, const int *chosen, const float *change)
{
    size_t active = (size_t)key->active, neurons = (size_t)m->config->ffn,
           values = active * (size_t)m->config->hidden;
    struct hook_data out = {.name = xstrdup(hook_memory.name),
                            .bytes = (active + neurons + values) * sizeof(float)};
    json_t *root = json_pack("{s:i, s:i, s:f, s:I}", "layer", key->layer, "active", key->active,
                             "overlap", overlap, "seed", (json_int_t)seed);
    char *blob = xmalloc(out.bytes);

    out.params = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    memcpy(blob, chosen, active * sizeof(int));
    memcpy(blob + active * sizeof(int), key->background, neurons * sizeof(float));
    memcpy(blob + (active + neurons) * sizeof(float), change, values * sizeof(float));
    out.blob = blob;
    return out;
}
