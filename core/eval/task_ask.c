/* How a question is put to a state: the log-likelihood of each option, or a greedy answer. */
#include "core/eval/task_ask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* What all parts of one question share. */
struct asking {
    const struct model_state *state;
    const struct task *task;
    bool bos;
    const struct task_question *question;
    const char *context;
    struct job *job;
    struct err *err;
};

static int *ids_of(const int *id, int count)
{
    int *out = xcalloc((size_t)count + 1, sizeof(*out));

    if (count)
        memcpy(out, id, (size_t)count * sizeof(*out));
    return out;
}

bool task_tokens(struct continuation *c, const struct tokenizer *t, const char *prompt,
                 const char *answer, bool bos, struct err *err)
{
    int flags = bos ? ENCODE_BOS : 0;
    size_t n = strlen(prompt), all = n;
    char *whole = xasprintf("%s%s", prompt, answer);
    struct tokens alone = {0}, both = {0};
    bool ok;

    while (n && strchr(" \t\n\r", prompt[n - 1]))
        n--;
    n = *answer ? n : all;
    *c = (struct continuation){.stop = -1, .other = -1};
    ok = tokenizer_encode(t, prompt, n, flags, &alone, err) &&
         tokenizer_encode(t, whole, strlen(whole), flags, &both, err);
    if (ok) {
        c->prompt_count = alone.count;
        c->count = both.count > alone.count ? both.count - alone.count : 0;
        c->prompt = ids_of(alone.ids, c->prompt_count);
        c->token = ids_of(both.ids + alone.count, c->count);
    }
    tokens_free(&alone);
    tokens_free(&both);
    free(whole);
    return ok;
}

/* Leaves the end of the prompt, so that `tokens` more have room. False: there is none even so. */
static bool fit(const struct model_state *state, struct continuation *c, int tokens)
{
    int over = tokens - state_room(state, c->prompt, c->prompt_count);

    if (over >= c->prompt_count)
        return false;
    if (over > 0) {
        c->prompt_count -= over;
        memmove(c->prompt, c->prompt + over, (size_t)c->prompt_count * sizeof(int));
    }
    return c->prompt_count > 0;
}

/* ---- choices ---- */

static bool option_tokens(const struct asking *a, int i, struct continuation *c)
{
    struct buf text = {0};
    bool ok;

    buf_puts(&text, " ");
    a->task->put_option(a->question, i, &text);
    ok = task_tokens(c, a->state->model->tokenizer, a->context, text.data, a->bos, a->err);
    buf_free(&text);
    return ok;
}

/* log p of the continuation, NAN if it does not fit. */
static bool continuation_logp(const struct asking *a, struct continuation *c, double *out)
{
    struct generate_options o = {0};
    struct generated g;

    *out = (double)NAN;
    if (!c->count || !fit(a->state, c, c->count))
        return true;
    o.target = c->token;
    o.targets = c->count;
    if (!generate(&g, a->state, c->prompt, c->prompt_count, &o, a->job, a->err))
        return false;
    *out = 0;
    for (int i = 0; i < c->count; i++)
        *out += g.logp[i];
    generated_free(&g);
    return true;
}

static bool same_prompt(const struct continuation *a, const struct continuation *b)
{
    return a->prompt_count == b->prompt_count &&
           !memcmp(a->prompt, b->prompt, (size_t)a->prompt_count * sizeof(int));
}

/* Whether each option is one token behind the same prompt: then one pass has them all. */
static bool one_pass(const struct asking *a, const struct continuation *c, int options)
{
    for (int i = 0; i < options; i++)
        if (c[i].count != 1 || !same_prompt(&c[i], &c[0]))
            return false;
    return options && state_room(a->state, c->prompt, c->prompt_count) >= 1;
}

static bool options_logp(const struct asking *a, struct continuation *c, int options, double *out)
{
    const struct generate_options o = {0};
    struct generated g;
    double of_all;

    if (!one_pass(a, c, options)) {
        for (int i = 0; i < options; i++)
            if (!continuation_logp(a, &c[i], &out[i]))
                return false;
        return true;
    }
    if (!generate(&g, a->state, c->prompt, c->prompt_count, &o, a->job, a->err))
        return false;
    of_all = log_sum_exp(g.logits, a->state->model->head.rows);
    for (int i = 0; i < options; i++)
        out[i] = (double)g.logits[c[i].token[0]] - of_all;
    generated_free(&g);
    return true;
}

static bool ask_choice(const struct asking *a, struct task_answer *out)
{
    int options = a->question->options, known = 0;
    struct continuation *c = xcalloc((size_t)options + 1, sizeof(*c));
    bool ok = true;

    out->logp = xcalloc((size_t)options + 1, sizeof(*out->logp));
    out->logps = options;
    while (ok && known < options) {
        ok = option_tokens(a, known, &c[known]);
        known++;
    }
    ok = ok && options_logp(a, c, options, out->logp);
    for (int i = 0; i < known; i++)
        continuation_free(&c[i]);
    free(c);
    return ok;
}

/* ---- generation ---- */

/* Watches a text for a stop string. */
struct watched {
    const struct task *task;
    struct decoder decoder;
    struct buf text;
    bool over;
};

static void watch_token(void *ctx, int id)
{
    struct watched *w = ctx;

    decoder_put(&w->decoder, id, &w->text);
    for (int i = 0; w->text.data && w->task->stop[i]; i++)
        w->over = w->over || strstr(w->text.data, w->task->stop[i]);
}

/* At most half of the context is for the answer. */
static int tokens_of(const struct asking *a)
{
    int half = a->state->model->config->context / 2;

    return a->task->tokens < half ? a->task->tokens : half;
}

static bool ask_generated(const struct asking *a, struct task_answer *out)
{
    const struct model *m = a->state->model;
    struct watched w = {.task = a->task};
    struct generate_options o = {
        .tokens = tokens_of(a), .token = watch_token, .ctx = &w, .enough = &w.over};
    struct continuation c;
    struct generated g = {0};
    bool ok;

    if (!task_tokens(&c, m->tokenizer, a->context, "", a->bos, a->err))
        return false;
    ok = fit(a->state, &c, o.tokens) ||
         err_set(a->err, ERR_USAGE, "the model's context has no room for %s", a->task->name);
    decoder_begin(&w.decoder, m->tokenizer, DECODE_SKIP_SPECIAL);
    ok = ok && generate(&g, a->state, c.prompt, c.prompt_count, &o, a->job, a->err);
    decoder_end(&w.decoder, NULL);
    buf_free(&w.text);
    if (ok) {
        out->said = tokens_text(m, g.id, g.count);
        task_cut(a->task, out->said);
    }
    generated_free(&g);
    continuation_free(&c);
    return ok;
}

bool task_ask(struct task_answer *out, const struct model_state *state, const struct task_set *set,
              const struct task_question *q, const struct task_answer *base, bool run,
              struct job *job, struct err *err)
{
    struct asking a = {.state = state,
                       .task = set->task,
                       .bos = !set->no_bos,
                       .question = q,
                       .job = job,
                       .err = err};
    struct buf context = {0};
    bool ok;

    *out = (struct task_answer){
        .task = xstrdup(set->task->name), .subtask = xstrdup(q->subtask), .index = q->index};
    for (int i = 0; i < TASK_SCORES; i++)
        out->score[i] = (double)NAN;
    task_put_context(set, q, &context);
    a.context = context.data;
    ok = !job_cancelled(job, err) &&
         (set->task->tokens ? ask_generated(&a, out) : ask_choice(&a, out));
    if (ok)
        set->task->judge(q, out, base);
    ok = ok && (!run || !set->task->execute || set->task->execute(q, out, err));
    buf_free(&context);
    if (!ok)
        task_answer_free(out);
    return ok;
}
