/* Whether weights still say what they should: questions with the tokens of their answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/inside.h"
#include "core/model/generate.h"

/* Ids that belong to the caller. */
static int *ids_of(const struct tokens *t, int *count)
{
    int *id = xcalloc((size_t)t->count + 1, sizeof(int));

    if (t->count)
        memcpy(id, t->ids, (size_t)t->count * sizeof(int));
    *count = t->count;
    return id;
}

/* The prompt's tokens, never none. Caller frees *a and x->id. */
static bool take_prompt(const struct engine *e, const struct wording *w, const char *prompt,
                        struct asking *a, struct expectation *x, struct err *err)
{
    *x = (struct expectation){0};
    if (!asked_prompt(a, w, e->model, prompt, err))
        return false;
    x->id = ids_of(&a->tokens, &x->count);
    return x->count > 0 || err_set(err, ERR_USAGE, "\"%.60s\" has no tokens", prompt);
}

bool expect_answer(const struct engine *e, struct expectation *x, const struct wording *w,
                   const char *prompt, const char *answer, struct err *err)
{
    struct tokens want = {0};
    struct asking a;
    bool ok = take_prompt(e, w, prompt, &a, x, err) &&
              asked_answer(&a, w, e->model, answer, &want, err) &&
              (want.count || err_set(err, ERR_USAGE, "\"%.60s\" has no tokens", answer));

    if (ok)
        x->want = ids_of(&want, &x->wants);
    else
        expect_free(x);
    tokens_free(&want);
    asked_free(&a);
    return ok;
}

bool expect_same(struct engine *e, struct expectation *x, const struct wording *w,
                 const struct model_state *view, const char *prompt, int tokens, struct err *err)
{
    struct generate_options o = {.tokens = tokens, .past_end = true};
    struct generated g = {0};
    struct asking a;
    bool ok = take_prompt(e, w, prompt, &a, x, err) &&
              generate(&g, view, x->id, x->count, &o, &e->job, err);

    asked_free(&a);
    if (ok) {
        x->want = g.id;
        x->wants = g.count;
        g.id = NULL;
        generated_free(&g);
    } else {
        expect_free(x);
    }
    return ok;
}

bool expect_holds(struct engine *e, const struct expectation *x, const struct model_state *view,
                  struct verdict *out, struct err *err)
{
    double sum = 0;

    double *logp = xcalloc((size_t)x->wants + 1, sizeof(double));
    bool *top = xcalloc((size_t)x->wants + 1, sizeof(bool));
    bool ok = !x->wants ||
              continuation_logp(view, x->id, x->count, x->want, x->wants, logp, top, &e->job, err);

    *out = (struct verdict){.holds = true};
    for (int i = 0; i < x->wants; i++) {
        out->holds = out->holds && top[i];
        sum += logp[i];
    }
    if (x->wants) {
        out->p_target = exp(sum);
        out->p_first = exp(logp[0]);
    }
    free(logp);
    free(top);
    return ok;
}

void expect_free(struct expectation *x)
{
    free(x->id);
    free(x->want);
    *x = (struct expectation){0};
}

char *say_words(struct engine *e, const struct wording *w, const struct model_state *view,
                const char *prompt, int tokens, struct err *err)
{
    struct generate_options o = {.tokens = tokens};
    struct generated g = {0};
    struct expectation x;
    struct asking a;
    char *text = NULL;

    if (take_prompt(e, w, prompt, &a, &x, err)) {
        o.stop[0] = a.stop;
        o.stops = a.stop >= 0;
        if (generate(&g, view, x.id, x.count, &o, &e->job, err))
            text = text_of_ids(e, g.id, g.count);
        generated_free(&g);
    }
    expect_free(&x);
    asked_free(&a);
    return text;
}

void notice_text(struct engine *e, const struct wording *w, const char *text)
{
    struct notice *n = xcalloc(1, sizeof(*n));

    asked_notice(w, e->model->tokenizer, text, n->text);
    if (*n->text)
        engine_emit(e, EV_NOTICE, n);
    else
        free(n);
}

void notice_of(const struct engine *e, const struct request *r, char out[NOTICE])
{
    char *prompt = fact_text(&r->fact), *text;

    text = xasprintf("%s\n%s", prompt, r->fact.target);
    asked_notice(&r->fact.wording, e->model->tokenizer, text, out);
    free(text);
    free(prompt);
}

void notice_facts(struct engine *e, const struct request *request, int count)
{
    char last[NOTICE] = "";

    for (int i = 0; i < count; i++) {
        struct notice *n = xcalloc(1, sizeof(*n));

        notice_of(e, &request[i], n->text);
        if (*n->text && strcmp(n->text, last) != 0) {
            memcpy(last, n->text, sizeof(last));
            engine_emit(e, EV_NOTICE, n);
        } else {
            free(n);
        }
    }
}
