/* What an edit reads of a state at the subject's last token: its keys, the coefficients there, and
 * outputs (editscope-method(7) 7.1, 7.2). */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor_internal.h"

/* What the tap collects at the lookups. */
struct key_rows {
    struct device *dev;
    const int *layer;
    int layers, rows, count, last;
    int *pick, *bare; /* [rows] lookup rows; [count] those of the bare prompts */
    struct mat coeff; /* [layers * rows, M] */
    struct mat out;   /* [count, d] block z's output, data NULL: not wanted */
    struct mat first; /* [count, d] put into the first layer's output; data NULL: nothing */
    struct mat outs;  /* [layers * count, d] the outputs of the edited blocks; NULL: not wanted */
    struct mat sums;  /* [layers * count, d] what each FFN gives; NULL: not wanted */
};

static void collect_rows(void *ctx, int layer, enum tap_site site, struct mat x)
{
    struct key_rows *c = ctx;

    for (int i = 0; i < c->layers; i++) {
        if (c->layer[i] != layer)
            continue;
        if (site == TAP_COEFF)
            device_gather(c->dev, x, c->pick, mat_rows(c->coeff, i * c->rows, c->rows));
        for (int r = 0; site == TAP_BLOCK_OUT && !i && c->first.data && r < c->count; r++)
            device_copy(c->dev, mat_rows(c->first, r, 1), mat_rows(x, c->bare[r], 1));
        if (site == TAP_BLOCK_OUT && c->outs.data)
            device_gather(c->dev, x, c->bare, mat_rows(c->outs, i * c->count, c->count));
    }
    if (site == TAP_BLOCK_OUT && layer == c->last && c->out.data)
        device_gather(c->dev, x, c->bare, c->out);
}

/* Runs blocks 0 to z on each row up to its lookup: nothing later matters to a key. */
static bool run_blocks(const struct model_state *view, const struct request *request, int count,
                       struct key_rows *c, struct job *job, struct err *err)
{
    const int **ids = xcalloc((size_t)c->rows, sizeof(*ids));
    int *len = xcalloc((size_t)c->rows, sizeof(*len)), row = 0;
    struct tap tap = {collect_rows, c};
    struct batch p;
    bool ok;

    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].rows; i++, row++) {
            ids[row] = request[r].row[i].id;
            len[row] = request[r].row[i].lookup + 1;
        }
    p = batch_new(ids, len, NULL, c->rows, 0);
    row = 0;
    for (int r = 0; r < count; r++)
        for (int i = 0; i < request[r].rows; i++, row++) {
            c->pick[row] = p.seq[row].q0 + p.seq[row].n - 1;
            if (len[row] < request[r].row[i].count)
                p.asked[row] = -1; /* the prompt goes on after the subject */
            if (!i)
                c->bare[r] = c->pick[row];
        }
    ok = forward_until(view, &p, c->last, &tap, job, err);
    batch_free(&p);
    free(ids);
    free(len);
    return ok;
}

/* The key of one fact and layer, of the rows m [others + 1][neurons], the bare prompt's first. */
static void average_rows(const float *m, int others, int neurons, enum key_rule rule, float *key)
{
    for (int i = 0; i < neurons; i++) {
        double bare = (double)m[i], sum = 0;

        for (int b = 1; b <= others; b++)
            sum += (double)m[(size_t)b * (size_t)neurons + (size_t)i];
        if (rule == KEYS_BARE || !others)
            key[i] = m[i];
        else
            key[i] = (float)(rule == KEYS_MEAN ? (bare + sum) / (others + 1)
                                               : 0.5 * bare + 0.5 * sum / others);
    }
}

/* Keys and means of all layers and facts, of coeff [layers][rows][neurons]. */
static void average_all(const float *coeff, const struct request *request, int count,
                        const struct key_rows *c, int neurons, const struct edit_reads *out)
{
    size_t width = (size_t)neurons, at = 0;

    for (int l = 0; l < c->layers; l++)
        for (int r = 0, row = 0; r < count; row += request[r].rows, r++, at += width) {
            const float *m = coeff + ((size_t)l * (size_t)c->rows + (size_t)row) * width;

            average_rows(m, request[r].rows - 1, neurons, out->rule, out->keys + at);
            if (out->means)
                average_rows(m, request[r].rows - 1, neurons, KEYS_MEAN, out->means + at);
        }
}

/* sum [count, d] = what the FFN of the i-th layer gives for the bare prompts. */
static void bare_sums(const struct model_state *view, const struct request *request, int count,
                      const struct key_rows *c, int i, struct mat sum)
{
    struct mat coeff = mat_new(c->dev, DT_F32, count, c->coeff.cols);
    int *bare = xcalloc((size_t)count, sizeof(int));

    for (int r = 0, row = 0; r < count; row += request[r].rows, r++)
        bare[r] = i * c->rows + row;
    device_gather(c->dev, c->coeff, bare, coeff);
    forward_ffn_sum(view, c->layer[i], coeff, sum);
    mat_free(c->dev, &coeff);
    free(bare);
}

/* The same for keys [count][M] on the host. An FFN's output is linear in its coefficients, so for
 * the mean over rows this is the mean of the outputs. */
static void key_sums(const struct model_state *view, int layer, int count, const float *keys,
                     struct mat sum)
{
    struct device *dev = view->model->dev;
    struct mat coeff = mat_new(dev, DT_F32, count, view->model->config->ffn);

    device_upload(dev, coeff, keys);
    forward_ffn_sum(view, layer, coeff, sum);
    mat_free(dev, &coeff);
}

/* c->sums, for a model with a norm behind the FFN; and by KEYS_MEAN the FFN's mean output in the
 * place of the bare prompt's, in c->sums or c->out. */
static void ffn_sums(const struct model_state *view, const struct request *request, int count,
                     const struct edit_reads *out, struct key_rows *c)
{
    bool mean = out->rule == KEYS_MEAN;
    struct mat bare, means;

    for (int i = 0; i < c->layers; i++) {
        size_t keys = (size_t)i * (size_t)count * (size_t)c->coeff.cols;

        if (out->sums && mean)
            key_sums(view, c->layer[i], count, out->keys + keys,
                     mat_rows(c->sums, i * count, count));
        else if (out->sums)
            bare_sums(view, request, count, c, i, mat_rows(c->sums, i * count, count));
        if (out->sums || !mean || !out->out_z || c->layer[i] != c->last)
            continue;
        bare = mat_new(c->dev, DT_F32, count, c->out.cols);
        means = mat_new(c->dev, DT_F32, count, c->out.cols);
        bare_sums(view, request, count, c, i, bare);
        key_sums(view, c->last, count, out->keys + keys, means);
        device_axpy(c->dev, 1, means, c->out);
        device_axpy(c->dev, -1, bare, c->out);
        mat_free(c->dev, &bare);
        mat_free(c->dev, &means);
    }
}

bool edit_read(const struct model_state *view, const struct request *request, int count,
               const int *layer, int layers, const struct edit_reads *out, struct job *job,
               struct err *err)
{
    const struct model *m = view->model;
    int neurons = m->config->ffn, d = m->config->hidden;
    struct key_rows c = {.dev = m->dev, .layer = layer, .layers = layers, .count = count};
    float *coeff;
    bool ok;

    for (int r = 0; r < count; r++)
        c.rows += request[r].rows;
    for (int i = 0; i < layers; i++)
        c.last = layer[i] > c.last ? layer[i] : c.last;
    c.pick = xcalloc((size_t)c.rows, sizeof(int));
    c.bare = xcalloc((size_t)count, sizeof(int));
    c.coeff = mat_new(m->dev, DT_F32, layers * c.rows, neurons);
    if (out->out_z)
        c.out = mat_new(m->dev, DT_F32, count, d);
    if (out->sums)
        c.sums = mat_new(m->dev, DT_F32, layers * count, d);
    if (out->outs)
        c.outs = mat_new(m->dev, DT_F32, layers * count, d);
    if (out->first) {
        c.first = mat_new(m->dev, DT_F32, count, d);
        device_upload(m->dev, c.first, out->first);
    }
    coeff = xmalloc((size_t)layers * (size_t)c.rows * (size_t)neurons * sizeof(float));
    ok = run_blocks(view, request, count, &c, job, err);
    if (ok) {
        device_fetch(m->dev, coeff, c.coeff, "the keys (a column a neuron)");
        ok = device_sync(m->dev, err);
    }
    if (ok) {
        average_all(coeff, request, count, &c, neurons, out);
        ffn_sums(view, request, count, out, &c);
        if (out->out_z)
            device_fetch(m->dev, out->out_z, c.out, "layer %d: its output", c.last);
        if (out->sums)
            device_fetch(m->dev, out->sums, c.sums, "what the FFNs give");
        if (out->outs)
            device_fetch(m->dev, out->outs, c.outs, "the outputs of the edited layers");
        ok = device_sync(m->dev, err);
    }
    free(coeff);
    free(c.pick);
    free(c.bare);
    mat_free(m->dev, &c.coeff);
    mat_free(m->dev, &c.out);
    mat_free(m->dev, &c.sums);
    mat_free(m->dev, &c.outs);
    mat_free(m->dev, &c.first);
    return ok;
}

int edit_target_layer(const struct edit_context *ctx)
{
    return ctx->layer[ctx->residual == RESIDUAL_EACH ? 0 : ctx->layers - 1];
}

struct edit_reads edit_reads_new(const struct edit_context *ctx, const struct model *m)
{
    size_t u = (size_t)ctx->count, lu = (size_t)ctx->layers * u, d = (size_t)m->config->hidden;
    bool sums = m->config->parts & PART_POST_NORMS || ctx->residual == RESIDUAL_ROOT;

    return (struct edit_reads){
        .rule = ctx->keys,
        .keys = xmalloc(lu * (size_t)m->config->ffn * sizeof(float)),
        .means =
            ctx->keys == KEYS_BARE ? xmalloc(lu * (size_t)m->config->ffn * sizeof(float)) : NULL,
        .out_z = xmalloc(u * d * sizeof(float)),
        .sums = sums ? xmalloc(lu * d * sizeof(float)) : NULL,
        .outs = ctx->residual == RESIDUAL_EACH ? xmalloc(lu * d * sizeof(float)) : NULL};
}

void edit_reads_free(struct edit_reads *r)
{
    free(r->keys);
    free(r->means);
    free(r->out_z);
    free(r->sums);
    free(r->outs);
    *r = (struct edit_reads){0};
}

bool edit_context_read(struct edit_context *ctx, const struct model_state *state, struct job *job,
                       struct err *err)
{
    if (ctx->reads.keys)
        return true;
    ctx->reads = edit_reads_new(ctx, state->model);
    if (edit_read(state, ctx->request, ctx->count, ctx->layer, ctx->layers, &ctx->reads, job, err))
        return true;
    edit_reads_free(&ctx->reads);
    return false;
}
