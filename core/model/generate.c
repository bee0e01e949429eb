/* Continues a text token by token, and computes the probability of given answers. */
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

        if (isnan(x[i]) || !k || (found == k && x[i] <= x[index[k - 1]]))
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

/* Draws from the k tokens of the largest logits, as sample_token() from all. */
static int sample_most_probable(const float *logits, int n, int k, double temperature,
                                uint64_t *rng)
{
    enum { MOST = 256 };
    int index[MOST], count = top_k(logits, n, k < MOST ? k : MOST, index);
    double weight[MOST], all = 0, sum = 0, u;

    for (int i = 0; i < count; i++) {
        weight[i] = exp(((double)logits[index[i]] - (double)logits[index[0]]) / temperature);
        all += weight[i];
    }
    u = rng_unit(rng) * all;
    for (int i = 0; i < count - 1; i++) {
        sum += weight[i];
        if (sum > u)
            return index[i];
    }
    return count ? index[count - 1] : 0;
}

/* Draws a token with probability proportional to exp(logit / temperature). The largest logit is
 * subtracted first, so that exp() cannot overflow at any temperature. */
static int sample_token(const float *logits, int n, double temperature, uint64_t *rng)
{
    double u, sum = 0, all = 0;
    int best = 0;

    for (int i = 1; i < n; i++)
        if (logits[i] > logits[best])
            best = i;
    if (temperature <= 0)
        return best;
    for (int i = 0; i < n; i++)
        all += exp(((double)logits[i] - (double)logits[best]) / temperature);
    u = rng_unit(rng) * all;
    for (int i = 0; i < n - 1; i++) {
        sum += exp(((double)logits[i] - (double)logits[best]) / temperature);
        if (sum > u)
            return i;
    }
    return n - 1;
}

/* One growing sequence: its KV cache, and memory for the logits of its newest tokens. */
struct context {
    const struct model_state *view;
    struct forward *f;
    struct kv_cache *cache;
    struct mat x, logits;
    int length;
};

/* For passes of up to `most` tokens, `capacity` tokens in all, and logits of up to `rows` tokens.
 */
static struct context context_new(const struct model_state *view, int most, int capacity, int rows)
{
    const struct model *m = view->model;

    return (struct context){
        .view = view,
        .f = forward_new(m, most),
        .cache = kv_cache_new(m, capacity),
        .x = mat_new(m->dev, DT_F32, most, m->config->hidden),
        .logits = mat_new(m->dev, DT_F32, rows, m->head.rows),
    };
}

static void context_free(struct context *c)
{
    struct device *dev = c->view->model->dev;

    forward_free(c->f);
    kv_cache_free(c->cache, dev);
    mat_free(dev, &c->x);
    mat_free(dev, &c->logits);
}

/* Runs n more tokens; the prompt ends with token `asked` of them, -1: before. `logits` [rows, V],
 * on the host, gets the logits after the last `rows` ones. */
static bool context_extend(struct context *c, const int *ids, int n, int asked, int rows,
                           float *logits, struct job *job, struct err *err)
{
    struct device *dev = c->view->model->dev;
    struct attn_seq seq = {.n = n, .past = c->length};
    struct batch batch = {.rows = n, .seq = &seq, .seqs = 1, .asked = &asked, .goes_on = c};
    struct mat x = mat_rows(c->x, 0, n), out = mat_rows(c->logits, 0, rows);
    bool ok;

    batch.id = xmalloc((size_t)n * sizeof(int));
    batch.pos = xmalloc((size_t)n * sizeof(int));
    for (int i = 0; i < n; i++) {
        batch.id[i] = ids[i];
        batch.pos[i] = c->length + i;
    }
    ok = forward_run(c->f, c->view, &batch, c->cache, x, NULL, job, err);
    free(batch.id);
    free(batch.pos);
    if (!ok)
        return false;
    c->length += n;
    forward_logits(c->f, mat_rows(x, n - rows, rows), out);
    device_fetch(dev, logits, out, "the logits (a column a token)");
    return device_sync(dev, err);
}

/* Row j of logits [targets, V] predicts target[j]: its log p, the argmax, and whether
 * that is it. */
static void score_targets(const float *logits, int vocab, const int *target, int targets,
                          double *logp, int *argmax, bool *top)
{
    for (int j = 0; j < targets; j++) {
        const float *row = logits + (size_t)j * (size_t)vocab;

        argmax[j] = -1;
        logp[j] = (double)row[target[j]] - log_sum_exp(row, vocab);
        top_k(row, vocab, 1, &argmax[j]);
        top[j] = argmax[j] == target[j];
    }
}

/* Runs the prompt and, in the same pass, the target after it, teacher-forced. Then sets the length
 * of the context back to the prompt's, so that new tokens overwrite the target in the cache.
 * `logits` [V] gets those after the prompt. */
static bool run_prompt(struct context *c, const int *ids, int count,
                       const struct generate_options *o, struct generated *out, float *logits,
                       struct job *job, struct err *err)
{
    int vocab = c->view->model->head.rows, rest = o->targets > 1 ? o->targets - 1 : 0;
    int *all = xmalloc((size_t)(count + rest) * sizeof(int));
    float *rows = xmalloc((size_t)(rest + 1) * (size_t)vocab * sizeof(float));
    bool ok;

    memcpy(all, ids, (size_t)count * sizeof(int));
    if (rest)
        memcpy(all + count, o->target, (size_t)rest * sizeof(int));
    ok = context_extend(c, all, count + rest, count - 1, rest + 1, rows, job, err);
    c->length = count;
    if (ok && o->targets) {
        out->logp = xmalloc((size_t)o->targets * sizeof(*out->logp));
        out->argmax = xmalloc((size_t)o->targets * sizeof(*out->argmax));
        out->top = xmalloc((size_t)o->targets * sizeof(*out->top));
        score_targets(rows, vocab, o->target, o->targets, out->logp, out->argmax, out->top);
    }
    if (ok)
        memcpy(logits, rows, (size_t)vocab * sizeof(float));
    free(rows);
    free(all);
    return ok;
}

static bool is_end_token(const struct generate_options *o, int id, int eos)
{
    bool end = id == eos;

    for (int i = 0; i < o->stops; i++)
        end = end || id == o->stop[i];
    return end && !o->ignore_eos;
}

static int larger_of(int a, int b)
{
    return a > b ? a : b;
}

/* generate() of a prompt that contains the state's prefixes already. */
static bool generate_whole(struct generated *out, const struct model_state *view, const int *ids,
                           int count, const struct generate_options *o, struct job *job,
                           struct err *err)
{
    const struct model *m = view->model;
    int vocab = m->head.rows, eos = m->tokenizer ? tokenizer_eos(m->tokenizer) : -1;
    int targets = larger_of(o->targets, 1), further = larger_of(o->tokens, targets - 1);
    struct context c;
    uint64_t rng = o->seed;
    float *logits;
    bool ok;

    *out = (struct generated){0};
    if (count < 1)
        return err_set(err, ERR_USAGE, "an empty prompt: type at least one token");
    if (further > m->config->context - count)
        return err_set(err, ERR_USAGE, "%d prompt tokens and %d new ones; the model holds %d",
                       count, further, m->config->context);
    c = context_new(view, count + targets - 1, count + further, targets);
    out->logits = xmalloc((size_t)vocab * sizeof(float));
    out->id = xmalloc((size_t)(o->tokens + 1) * sizeof(int));
    logits = xmalloc((size_t)vocab * sizeof(float));
    ok = run_prompt(&c, ids, count, o, out, out->logits, job, err);
    memcpy(logits, out->logits, (size_t)vocab * sizeof(float));
    while (ok && out->count < o->tokens) {
        int id = o->most_probable && o->temperature > 0
                     ? sample_most_probable(logits, vocab, o->most_probable, o->temperature, &rng)
                     : sample_token(logits, vocab, o->temperature, &rng);

        if (is_end_token(o, id, eos))
            break;
        out->id[out->count++] = id;
        if (o->token)
            o->token(o->ctx, id);
        if (o->enough && *o->enough)
            break;
        if (out->count < o->tokens)
            ok = context_extend(&c, &id, 1, -1, 1, logits, job, err);
    }
    free(logits);
    context_free(&c);
    if (!ok)
        generated_free(out);
    return ok;
}

bool generate(struct generated *out, const struct model_state *view, const int *ids, int count,
              const struct generate_options *o, struct job *job, struct err *err)
{
    struct prompt p = state_prompt(view, ids, count);
    bool ok = generate_whole(out, view, p.id, p.count, o, job, err);

    prompt_free(&p);
    return ok;
}

void generated_free(struct generated *g)
{
    free(g->id);
    free(g->logits);
    free(g->logp);
    free(g->argmax);
    free(g->top);
    *g = (struct generated){0};
}
