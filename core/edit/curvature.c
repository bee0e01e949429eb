/* Sums of Kronecker factors over texts, and what they add up to in a session. */
#include "core/edit/curvature.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

enum { ROWS_AT_ONCE = 512 }; /* of a text */

struct pass {
    const int *layer;
    int layers;
    curvature_take *take;
    void *ctx;
};

static int index_of(const int *layer, int layers, int wanted)
{
    for (int i = 0; i < layers; i++)
        if (layer[i] == wanted)
            return i;
    return -1;
}

static void take_inputs(void *ctx, int layer, enum tap_site site, struct mat x)
{
    const struct pass *p = ctx;
    int index = site == TAP_COEFF ? index_of(p->layer, p->layers, layer) : -1;

    if (index >= 0)
        p->take(p->ctx, index, x, false);
}

bool curvature_pass(struct training *t, const int *layer, int layers, curvature_take *take,
                    void *ctx, struct job *job, struct err *err)
{
    struct pass p = {layer, layers, take, ctx};
    struct tap tap = {take_inputs, &p};
    struct mat g = mat_new(t->dev, DT_F32, t->pass.rows, t->dx.cols);
    bool ok = training_forward(t, &tap, job, err) && training_summed_head(t, job, err);

    for (int l = t->layers - 1; ok && l >= t->first; l--) {
        int index = index_of(layer, layers, l);

        ok = !job_cancelled(job, err);
        if (ok && index >= 0) {
            training_down_gradient(t, l, g);
            take(ctx, index, g, true);
        }
        if (ok && l > t->first)
            training_block(t, l);
    }
    mat_free(t->dev, &g);
    return device_sync(t->dev, err) && ok;
}

/* ---- sums ---- */

bool curvature_new(struct curvature *c, struct device *dev, const struct moments_origin *origin,
                   const struct model_config *config, const int *layer, int layers, struct err *err)
{
    struct moments_origin of = *origin;

    of.window--;
    of.kind = MOMENTS_LOSS_INPUT;
    c->in = moments_new(dev, &of, layers, layer, config->ffn, err);
    of.kind = MOMENTS_LOSS_GRADIENT;
    c->out = c->in ? moments_new(dev, &of, layers, layer, config->hidden, err) : NULL;
    return c->out != NULL;
}

void curvature_free(struct curvature *c)
{
    moments_free(c->in);
    moments_free(c->out);
    *c = (struct curvature){0};
}

long curvature_rows(const struct curvature *c, long tokens)
{
    int window = c->in->origin.window + 1;

    return (tokens + window - 1) / window * (window - 1);
}

static void add_to_sums(void *ctx, int index, struct mat x, bool gradient)
{
    const struct curvature *c = ctx;

    moments_add(gradient ? c->out : c->in, index, x);
}

static void count_rows(struct curvature *c, int rows)
{
    moments_tokens_add(c->in, rows);
    moments_tokens_add(c->out, rows);
}

/* Windows of a text from the `first` one that is read on, as requests: the first token is asked for
 * all others. */
static struct request *window_requests(const int *ids, long count, int window, long first,
                                       int windows)
{
    struct request *r = xcalloc((size_t)windows, sizeof(*r));

    for (int w = 0; w < windows; w++) {
        r[w].row = xcalloc(1, sizeof(*r->row));
        r[w].rows = r[w].row->count = 1;
        r[w].row->id = (int *)(size_t)(ids + moments_window(count, window, first + w));
        r[w].target = r[w].row->id + 1;
        r[w].targets = window - 1;
    }
    return r;
}

bool curvature_step(struct curvature *c, struct model_state *base, const int *ids, long count,
                    long until, struct job *job, struct err *err)
{
    const struct moments *m = c->in;
    int rows = m->origin.window, most = rows < ROWS_AT_ONCE ? ROWS_AT_ONCE / rows : 1;
    int windows = (until - m->tokens) / rows < most ? (int)((until - m->tokens) / rows) : most;
    struct training_rule rule = {.forced = true, .summed = true};
    struct request *r = window_requests(ids, count, rows + 1, m->tokens / rows, windows);
    struct training t = {.dev = base->model->dev};
    bool ok = training_begin(&t, base, r, windows, rule, m->layer[0], job, err) &&
              curvature_pass(&t, m->layer, m->layers, add_to_sums, c, job, err);

    if (ok)
        count_rows(c, windows * rows);
    training_free(&t);
    for (int w = 0; w < windows; w++)
        free(r[w].row);
    free(r);
    return ok;
}

bool curvature_load(struct curvature *c, long until, struct buf *notes, struct err *err)
{
    if (!moments_load(c->in, until, notes, err) || !moments_load(c->out, c->in->tokens, notes, err))
        return false;
    if (c->in->tokens == c->out->tokens)
        return true;
    return moments_load(c->in, 0, NULL, err) && moments_load(c->out, 0, NULL, err);
}

bool curvature_save(struct curvature *c, struct err *err)
{
    return moments_save(c->in, err) && moments_save(c->out, err);
}

bool curvature_share(struct curvature *c, const struct curvature *of, struct err *err)
{
    c->in = moments_sharing(of->in);
    c->out = moments_sharing(of->out);
    if (moments_room(c->in, err) && moments_room(c->out, err))
        return true;
    curvature_free(c);
    return false;
}

/* ---- what an edited text adds ---- */

/* The numbers: M, d, rows, then for each layer its number, m [rows][M] and g [rows][d]. */
enum { HEAD = 3 };

static size_t layer_numbers(int rows, int ffn, int hidden)
{
    return 1 + (size_t)rows * ((size_t)ffn + (size_t)hidden);
}

bool curvature_numbers_fit(const struct training *t, int layers, struct err *err)
{
    const struct model_config *c = t->view->model->config;
    size_t most = (size_t)800 << 20; /* bytes: a blob of SQLite ends at 10^9 */

    return layer_numbers(t->pass.rows, c->ffn, c->hidden) <
               (most / sizeof(double) - HEAD) / (size_t)layers ||
           err_set(err, ERR_LIMIT,
                   "%d facts of %d tokens are more than a session keeps of one edit of this "
                   "method: give fewer at once (--batch)",
                   t->facts, t->pass.rows);
}

struct keeping {
    struct device *dev;
    const int *layer;
    int rows, ffn, hidden;
    double *value;
};

static void keep_rows(void *ctx, int index, struct mat x, bool gradient)
{
    const struct keeping *k = ctx;
    double *to = k->value + HEAD + (size_t)index * layer_numbers(k->rows, k->ffn, k->hidden);
    struct mat wide = mat_new(k->dev, DT_F64, x.rows, x.cols);

    *to++ = k->layer[index];
    device_copy(k->dev, x, wide);
    device_fetch(k->dev, to + (gradient ? (size_t)k->rows * (size_t)k->ffn : 0), wide,
                 "layer %d: %s of the edited text (a row a position)", k->layer[index],
                 gradient ? "gradients" : "coefficients");
    mat_free(k->dev, &wide);
}

double *curvature_numbers(struct model_state *view, const struct request *request, int facts,
                          const int *layer, int layers, int *count, struct job *job,
                          struct err *err)
{
    const struct model_config *c = view->model->config;
    struct training_rule rule = {.forced = true, .summed = true};
    struct keeping k = {view->model->dev, layer, 0, c->ffn, c->hidden, NULL};
    struct training t = {.dev = k.dev};
    bool ok = training_begin(&t, view, request, facts, rule, layer[0], job, err);

    if (ok) {
        k.rows = t.pass.rows;
        *count = HEAD + layers * (int)layer_numbers(k.rows, k.ffn, k.hidden);
        k.value = xcalloc((size_t)*count, sizeof(*k.value));
        k.value[0] = k.ffn;
        k.value[1] = k.hidden;
        k.value[2] = k.rows;
        ok = curvature_pass(&t, layer, layers, keep_rows, &k, job, err);
    }
    training_free(&t);
    if (ok)
        return k.value;
    free(k.value);
    return NULL;
}

/* Adds rows of float32 that are stored as float64. */
static void add_rows(struct moments *m, int index, const double *value, int rows)
{
    struct mat wide = mat_new(m->dev, DT_F64, rows, m->neurons);
    struct mat x = mat_new(m->dev, DT_F32, rows, m->neurons);

    device_upload(m->dev, wide, value);
    device_copy(m->dev, wide, x);
    moments_add(m, index, x);
    mat_free(m->dev, &wide);
    mat_free(m->dev, &x);
}

bool curvature_add_numbers(struct curvature *c, const double *value, int count)
{
    int ffn = c->in->neurons, hidden = c->out->neurons, rows;
    size_t size;

    if (count < HEAD || value[0] != ffn || value[1] != hidden || !(value[2] >= 1) ||
        value[2] > count)
        return false;
    rows = (int)value[2];
    size = layer_numbers(rows, ffn, hidden);
    if (((size_t)count - HEAD) % size)
        return false;
    for (size_t at = HEAD; at < (size_t)count; at += size) {
        int index = index_of(c->in->layer, c->in->layers, (int)value[at]);

        if (index < 0)
            continue;
        add_rows(c->in, index, value + at + 1, rows);
        add_rows(c->out, index, value + at + 1 + (size_t)rows * (size_t)ffn, rows);
    }
    count_rows(c, rows);
    return true;
}
