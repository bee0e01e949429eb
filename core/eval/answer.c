/* Answers of a state: what it generates, and its probability of a given answer. */
#include "core/eval/answer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/unicode_match.h"

/* A copy of the ids; the caller frees. */
static int *copy_ids(const struct tokens *t, int *count)
{
    int *id = xcalloc((size_t)t->count + 1, sizeof(int));

    if (t->count)
        memcpy(id, t->ids, (size_t)t->count * sizeof(int));
    *count = t->count;
    return id;
}

bool continuation_of(struct continuation *c, const struct model *m, const struct wording *w,
                     const char *prompt, const char *answer, struct err *err)
{
    struct tokens want = {0};
    struct prompt_tokens a;
    bool ok;

    *c = (struct continuation){.stop = -1, .other = -1};
    if (!prompt_tokens_of(&a, w, m, prompt, err))
        return false;
    c->prompt = copy_ids(&a.tokens, &c->prompt_count);
    c->stop = a.stop;
    ok = c->prompt_count || err_set(err, ERR_USAGE, "\"%.60s\" has no tokens", prompt);
    if (ok && answer) {
        ok = answer_tokens_of(&a, w, m, answer, &want, err) &&
             (want.count || err_set(err, ERR_USAGE, "\"%.60s\" has no tokens", answer));
        c->token = copy_ids(&want, &c->count);
    }
    tokens_free(&want);
    prompt_tokens_free(&a);
    if (!ok)
        continuation_free(c);
    return ok;
}

bool continuation_greedy(struct continuation *c, const struct model_state *view,
                         const struct wording *w, const char *prompt, int tokens, struct job *job,
                         struct err *err)
{
    struct generate_options o = {.tokens = tokens, .ignore_eos = true};
    struct generated g = {0};

    if (!continuation_of(c, view->model, w, prompt, NULL, err))
        return false;
    if (!generate(&g, view, c->prompt, c->prompt_count, &o, job, err)) {
        continuation_free(c);
        return false;
    }
    c->token = g.id;
    c->count = g.count;
    g.id = NULL;
    generated_free(&g);
    return true;
}

void continuation_free(struct continuation *c)
{
    free(c->prompt);
    free(c->token);
    *c = (struct continuation){.stop = -1, .other = -1};
}

struct continuation continuation_of_request(const struct request *r)
{
    return (struct continuation){.prompt = r->row[0].id,
                                 .prompt_count = r->row[0].count,
                                 .token = r->target,
                                 .count = r->targets,
                                 .stop = -1,
                                 .other = r->old};
}

struct score score_of(const double *logp, const bool *top, int count)
{
    struct score s = {.p = (double)NAN, .p_first = (double)NAN, .right = count > 0};
    double sum = 0;

    for (int i = 0; i < count; i++) {
        sum += logp[i];
        s.right = s.right && top && top[i];
        s.accuracy += top && top[i] ? 1.0 / count : 0;
    }
    if (count) {
        s.p = exp(sum);
        s.p_first = exp(logp[0]);
    }
    return s;
}

bool answer_prompt(struct answered *out, const struct model_state *view,
                   const struct continuation *c, int tokens, struct job *job, struct err *err)
{
    struct generate_options o = {.tokens = tokens,
                                 .stop = {c->stop},
                                 .stops = c->stop >= 0,
                                 .target = c->token,
                                 .targets = c->count};
    int vocab = view->model->head.rows;
    struct generated g;

    *out = (struct answered){.p_other = (double)NAN};
    if (!generate(&g, view, c->prompt, c->prompt_count, &o, job, err))
        return false;
    out->score = score_of(g.logp, g.top, c->count);
    out->said = tokens_text(view->model, g.id, g.count);
    top_k(g.logits, vocab, 1, &out->argmax);
    if (c->other >= 0)
        out->p_other = exp((double)g.logits[c->other] - log_sum_exp(g.logits, vocab));
    generated_free(&g);
    return true;
}

void answered_free(struct answered *a)
{
    free(a->said);
    *a = (struct answered){0};
}

bool answer_score(struct score *out, const struct model_state *view, const struct continuation *c,
                  struct job *job, struct err *err)
{
    struct answered a;

    if (!answer_prompt(&a, view, c, 0, job, err))
        return false;
    *out = a.score;
    answered_free(&a);
    return true;
}

char *answer_words(const struct model_state *view, const struct wording *w, const char *prompt,
                   int tokens, struct job *job, struct err *err)
{
    struct continuation c;
    struct answered a = {0};
    char *said = NULL;

    if (continuation_of(&c, view->model, w, prompt, NULL, err) &&
        answer_prompt(&a, view, &c, tokens, job, err)) {
        said = a.said;
        a.said = NULL;
    }
    answered_free(&a);
    continuation_free(&c);
    return said;
}

bool answer_begins(const char *said, const char *expect)
{
    said += strspn(said, " \t\n");
    expect += strspn(expect, " \t\n");
    return unicode_starts_with(said, expect);
}

char *tokens_text(const struct model *m, const int *id, int count)
{
    struct buf text = {0};

    tokenizer_decode(m->tokenizer, id, count, DECODE_SKIP_SPECIAL, &text);
    utf8_encode_nul(&text);
    return buf_take(&text);
}
