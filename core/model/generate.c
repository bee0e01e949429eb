#include "core/model/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

double log_sum_exp(const float *x, int n)
{
    float max = -INFINITY;
    double sum = 0;

    for (int i = 0; i < n; i++)
        if (x[i] > max)
            max = x[i];
    for (int i = 0; i < n; i++)
        sum += exp((double)x[i] - (double)max);
    return (double)max + log(sum);
}

int top_k(const float *x, int n, int k, int *index)
{
    int found = 0;

    if (k > n)
        k = n;
    for (int i = 0; i < n; i++) { /* insertion into a short sorted list: k is small */
        int at = found;

        if (found == k && x[i] <= x[index[k - 1]])
            continue;
        while (at > 0 && x[index[at - 1]] < x[i])
            at--;
        if (found < k)
            found++;
        memmove(&index[at + 1], &index[at], (size_t)(found - at - 1) * sizeof(int));
        index[at] = i;
    }
    return found;
}

static int sample(const float *logits, int n, double temperature, uint64_t *rng)
{
    double u, sum = 0, lse;
    float *scaled;
    int best = 0;

    if (temperature <= 0) {
        for (int i = 1; i < n; i++)
            if (logits[i] > logits[best])
                best = i;
        return best;
    }
    scaled = xmalloc((size_t)n * sizeof(float));
    for (int i = 0; i < n; i++)
        scaled[i] = (float)((double)logits[i] / temperature);
    lse = log_sum_exp(scaled, n);
    u = rng_unit(rng);
    for (best = 0; best < n - 1; best++) {
        sum += exp((double)scaled[best] - lse);
        if (sum > u)
            break;
    }
    free(scaled);
    return best;
}

/* A context that grows: one sequence, its cache, and the logits after its last token. */
struct context {
    struct forward *f;
    struct cache *cache;
    struct mat x, logits;
    int length;
};

static void context_free(struct context *c, struct device *dev)
{
    forward_free(c->f);
    cache_free(c->cache, dev);
    mat_free(dev, &c->x);
    mat_free(dev, &c->logits);
}

static bool extend(struct context *c, const struct weights_view *view, const int *ids, int n,
                   const struct tap *tap, float *logits, struct job *job, struct err *err)
{
    struct device *dev = view->model->dev;
    struct attn_seq seq = {.n = n, .past = c->length};
    struct pass p = {.rows = n, .seq = &seq, .seqs = 1};
    struct mat x = mat_rows(c->x, 0, n);
    bool ok;

    p.id = xmalloc((size_t)n * sizeof(int));
    p.pos = xmalloc((size_t)n * sizeof(int));
    for (int i = 0; i < n; i++) {
        p.id[i] = ids[i];
        p.pos[i] = c->length + i;
    }
    ok = forward_run(c->f, view, &p, c->cache, x, tap, job, err);
    free(p.id);
    free(p.pos);
    if (!ok)
        return false;
    c->length += n;
    forward_logits(c->f, mat_rows(x, n - 1, 1), c->logits);
    device_download(dev, logits, c->logits);
    return device_sync(dev, err);
}

static bool ends(const struct generate_options *o, int id, int eos)
{
    bool end = id == eos;

    for (int i = 0; i < o->stops; i++)
        end = end || id == o->stop[i];
    return end && !o->past_end;
}

bool generate(struct generated *out, const struct weights_view *view, const int *ids, int count,
              const struct generate_options *o, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    int vocab = m->head.rows, eos = tokenizer_eos(m->tokenizer);
    struct context c = {0};
    uint64_t rng = o->seed;
    float *logits;
    bool ok;

    *out = (struct generated){0};
    if (count < 1)
        return err_set(err, ERR_USAGE, "an empty prompt: type at least one token");
    if (count + o->tokens > m->config->context)
        return err_set(err, ERR_USAGE, "%d prompt tokens and %d new ones; the model holds %d",
                       count, o->tokens, m->config->context);
    c.f = forward_new(m, count);
    c.cache = cache_new(m, count + o->tokens);
    c.x = mat_new(m->dev, DT_F32, count, m->config->hidden);
    c.logits = mat_new(m->dev, DT_F32, 1, vocab);
    out->logits = xmalloc((size_t)vocab * sizeof(float));
    out->id = xmalloc((size_t)(o->tokens + 1) * sizeof(int));
    logits = xmalloc((size_t)vocab * sizeof(float));
    ok = extend(&c, view, ids, count, o->tap, out->logits, job, err);
    memcpy(logits, out->logits, (size_t)vocab * sizeof(float));
    while (ok && out->count < o->tokens) {
        int id = sample(logits, vocab, o->temperature, &rng);

        if (ends(o, id, eos))
            break;
        out->id[out->count++] = id;
        if (o->token)
            o->token(o->ctx, id);
        if (out->count < o->tokens)
            ok = extend(&c, view, &id, 1, o->tap, logits, job, err);
    }
    free(logits);
    context_free(&c, m->dev);
    if (!ok)
        generated_free(out);
    return ok;
}

void generated_free(struct generated *g)
{
    free(g->id);
    free(g->logits);
    *g = (struct generated){0};
}

/* One forward over `ids`; what `pick` rows give, as logits [picks, V] on the host. */
static bool logits_at(const struct weights_view *view, const int *ids, int count, const int *pick,
                      int picks, float *logits, struct job *job, struct err *err)
{
    const struct model *m = view->model;
    struct forward *f = forward_new(m, count);
    struct pass p = pass_new(&ids, &count, NULL, 1, 0);
    struct cache *cache = cache_new(m, count);
    struct mat x = mat_new(m->dev, DT_F32, count, m->config->hidden);
    struct mat rows = mat_new(m->dev, DT_F32, picks, m->config->hidden);
    struct mat out = mat_new(m->dev, DT_F32, picks, m->head.rows);
    bool ok = forward_run(f, view, &p, cache, x, NULL, job, err);

    if (ok) {
        device_gather(m->dev, x, pick, rows);
        forward_logits(f, rows, out);
        device_download(m->dev, logits, out);
        ok = device_sync(m->dev, err);
    }
    mat_free(m->dev, &out);
    mat_free(m->dev, &rows);
    mat_free(m->dev, &x);
    cache_free(cache, m->dev);
    pass_free(&p);
    forward_free(f);
    return ok;
}

bool continuation_logp(const struct weights_view *view, const int *ids, int count,
                       const int *target, int targets, double *logp, bool *top, struct job *job,
                       struct err *err)
{
    int vocab = view->model->head.rows, n = count + targets - 1, best;
    int *all = xmalloc((size_t)n * sizeof(int)), *pick = xmalloc((size_t)targets * sizeof(int));
    float *logits = xmalloc((size_t)targets * (size_t)vocab * sizeof(float));
    bool ok;

    memcpy(all, ids, (size_t)count * sizeof(int));
    memcpy(all + count, target, (size_t)(targets - 1) * sizeof(int));
    for (int j = 0; j < targets; j++)
        pick[j] = count - 1 + j;
    ok = logits_at(view, all, n, pick, targets, logits, job, err);
    for (int j = 0; ok && j < targets; j++) {
        const float *row = logits + (size_t)j * (size_t)vocab;

        if (logp)
            logp[j] = (double)row[target[j]] - log_sum_exp(row, vocab);
        if (top) {
            top_k(row, vocab, 1, &best);
            top[j] = best == target[j];
        }
    }
    free(all);
    free(pick);
    free(logits);
    return ok;
}
