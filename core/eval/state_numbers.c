/* How far a state went from the base (editscope-method(7) 14.5). Norms and sums are of the change
 * of the weights as they are, so they hold for every kind of change: D = W - W0 in float64. */
#include "core/eval/state_numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/checksum.h"
#include "core/edit/prompt_tokens.h"
#include "core/eval/answer.h"
#include "core/eval/fluency.h"

enum { POWER_STEPS = 200, FLUENCY_TOKENS = 100, FLUENCY_CHOICES = 5 };

/* ---- weights ---- */

static double norm_of(const double *x, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += x[i] * x[i];
    return sqrt(sum);
}

/* to [cols] += f * from [cols] */
static void add_scaled(double *to, const double *from, double f, int cols)
{
    for (int j = 0; j < cols; j++)
        to[j] += f * from[j];
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* v [cols] becomes D^T D v, of length 1; returns |D v| before, for v of length 1. */
static double power_step(const double *d, int rows, int cols, double *v, double *next)
{
    double along = 0, length;

    memset(next, 0, (size_t)cols * sizeof(*next));
    for (int i = 0; i < rows; i++) {
        const double *row = d + (size_t)i * (size_t)cols;
        double s = dot(row, v, cols);

        along += s * s;
        add_scaled(next, row, s, cols);
    }
    length = norm_of(next, (size_t)cols);
    for (int j = 0; j < cols; j++)
        v[j] = length > 0 ? next[j] / length : 0;
    return sqrt(along);
}

/* The largest singular value of D [rows, cols], by power iteration from a fixed start until it
 * moves by less than 1e-9 of itself. False: cancelled. */
static bool largest_singular(const double *d, int rows, int cols, double *sigma, struct job *job,
                             struct err *err)
{
    double *v = xcalloc((size_t)cols, sizeof(*v)), *next = xcalloc((size_t)cols, sizeof(*next));
    uint64_t rng = 1;
    double length, before = -1;
    bool ok = true;

    for (int j = 0; j < cols; j++)
        v[j] = rng_unit(&rng) - 0.5;
    length = norm_of(v, (size_t)cols);
    for (int j = 0; j < cols; j++)
        v[j] /= length;
    *sigma = 0;
    for (int i = 0; ok && i < POWER_STEPS && fabs(*sigma - before) > 1e-9 * *sigma; i++) {
        before = *sigma;
        ok = !job_cancelled(job, err);
        *sigma = ok ? power_step(d, rows, cols, v, next) : 0;
    }
    free(v);
    free(next);
    return ok;
}

/* tr(A C A^T) of the rows of A [rows, cols]. */
static bool trace_of(const struct nullspace *null, const double *a, int rows, int cols,
                     double *trace, struct err *err)
{
    double *leak = xcalloc((size_t)rows, sizeof(*leak));
    struct mat m = mat_new(null->dev, DT_F64, rows, cols);
    bool ok;

    device_upload(null->dev, m, a);
    ok = nullspace_leak(null, m, leak, err);
    *trace = 0;
    for (int i = 0; i < rows; i++)
        *trace += leak[i];
    mat_free(null->dev, &m);
    free(leak);
    return ok;
}

static double *doubles_of(const float *x, size_t n)
{
    double *out = xmalloc(n * sizeof(*out) + 1);

    for (size_t i = 0; i < n; i++)
        out[i] = (double)x[i];
    return out;
}

bool matrix_drift_of(struct matrix_drift *out, const struct model_state *base,
                     const struct model_state *state, int layer, enum matrix which,
                     const struct nullspace *null, struct job *job, struct err *err)
{
    struct mat w = state_matrix(base, layer, which);
    size_t n = (size_t)w.rows * (size_t)w.cols;
    float *from = weights_fetch(base, layer, which, err);
    float *to = from ? weights_fetch(state, layer, which, err) : NULL;
    double *before = to ? doubles_of(from, n) : NULL, *d = to ? doubles_of(to, n) : NULL;
    double change = 0, whole = 0;
    bool ok = to != NULL;

    *out = (struct matrix_drift){.leak = (double)NAN, .stable_rank = (double)NAN};
    free(from);
    free(to);
    if (ok) {
        out->relative = norm_of(d, n) / norm_of(before, n);
        for (size_t i = 0; i < n; i++)
            d[i] -= before[i];
        out->norm = norm_of(d, n);
        ok = largest_singular(d, w.rows, w.cols, &out->sigma, job, err);
    }
    if (ok && out->sigma > 0)
        out->stable_rank = out->norm * out->norm / (out->sigma * out->sigma);
    if (ok && null && null->neurons == w.cols) {
        ok = trace_of(null, d, w.rows, w.cols, &change, err) &&
             trace_of(null, before, w.rows, w.cols, &whole, err);
        out->leak = whole > 0 ? change / whole : (double)NAN;
    }
    free(before);
    free(d);
    return ok;
}

/* ---- text ---- */

bool state_perplexity(double *out, const struct model_state *state, const int *ids, int count,
                      int window, struct job *job, struct err *err)
{
    double sum = 0;
    int n = 0;

    for (int at = 0; window > 1 && at + window <= count; at += window) {
        struct generate_options o = {.target = ids + at + 1, .targets = window - 1};
        struct generated g;

        if (o.targets > state_room(state, ids + at, 1))
            continue;
        if (job_cancelled(job, err) || !generate(&g, state, ids + at, 1, &o, job, err))
            return false;
        for (int i = 0; i < window - 1; i++)
            sum -= g.logp[i];
        n += window - 1;
        generated_free(&g);
    }
    *out = n ? exp(sum / n) : (double)NAN;
    return true;
}

/* KL(p || q) of two rows of logits. */
static double kl_of(const float *p, const float *q, int n)
{
    double of_p = log_sum_exp(p, n), of_q = log_sum_exp(q, n), sum = 0;

    for (int i = 0; i < n; i++) {
        double logp = (double)p[i] - of_p;

        sum += exp(logp) * (logp - ((double)q[i] - of_q));
    }
    return sum;
}

bool state_kl(double *out, const struct model_state *base, const struct model_state *state,
              const int *ids, int count, int prompts, int length, struct job *job, struct err *err)
{
    const struct model_state *const both[2] = {base, state};
    double sum = 0;
    int step = prompts > 0 ? (count - length) / prompts : 0;

    *out = (double)NAN;
    if (step < 1 || length < 1 || state_room(base, ids, length) < 0 ||
        state_room(state, ids, length) < 0)
        return true;
    for (int i = 0; i < prompts; i++) {
        const struct generate_options o = {0};
        struct generated g[2] = {{0}, {0}};
        bool ok = !job_cancelled(job, err);

        for (int k = 0; ok && k < 2; k++)
            ok = generate(&g[k], both[k], ids + (size_t)i * (size_t)step, length, &o, job, err);
        if (ok)
            sum += kl_of(g[0].logits, g[1].logits, base->model->head.rows);
        generated_free(&g[0]);
        generated_free(&g[1]);
        if (!ok)
            return false;
    }
    *out = sum / prompts;
    return true;
}

bool state_fluency(double *out, const struct model_state *state, const struct wording *w,
                   const char *prompt, unsigned long long seed, struct job *job, struct err *err)
{
    int room;
    struct generate_options o = {.temperature = 1, .most_probable = FLUENCY_CHOICES, .seed = seed};
    struct prompt_tokens asked;
    struct generated g = {0};
    bool ok;

    *out = (double)NAN;
    if (!prompt_tokens_of(&asked, w, state->model, prompt, err))
        return false;
    room = state_room(state, asked.tokens.ids, asked.tokens.count);
    o.tokens = FLUENCY_TOKENS - asked.tokens.count;
    o.tokens = room < o.tokens ? room : o.tokens;
    ok = o.tokens < 1 || generate(&g, state, asked.tokens.ids, asked.tokens.count, &o, job, err);
    if (ok && o.tokens >= 1) {
        char *said = tokens_text(state->model, g.id, g.count);
        char *text = xasprintf("%s%s", asked.text, said);

        ok = text_fluency(text, out, err);
        free(text);
        free(said);
    }
    generated_free(&g);
    prompt_tokens_free(&asked);
    return ok;
}
