/* Whether weights still say what they should: questions with the tokens of their answers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/inside.h"
#include "core/model/generate.h"

/* Tokens of a text, never none. Caller frees *id. */
static bool encode(const struct engine *e, const char *text, int flags, int **id, int *count,
                   struct err *err)
{
    struct tokens t = {0};

    if (!tokenizer_encode(e->model->tokenizer, text, strlen(text), flags, &t, err))
        return false;
    *count = t.count;
    *id = xcalloc((size_t)t.count + 1, sizeof(int));
    if (t.count)
        memcpy(*id, t.ids, (size_t)t.count * sizeof(int));
    tokens_free(&t);
    return *count > 0 || err_set(err, ERR_USAGE, "\"%.60s\" has no tokens", text);
}

bool expect_answer(const struct engine *e, struct expectation *x, const char *prompt,
                   const char *answer, struct err *err)
{
    char *text = xasprintf(" %s", answer + strspn(answer, " "));
    bool ok;

    *x = (struct expectation){0};
    ok = encode(e, prompt, ENCODE_BOS, &x->id, &x->count, err) &&
         encode(e, text, ENCODE_CONTINUES, &x->want, &x->wants, err);
    free(text);
    if (!ok)
        expect_free(x);
    return ok;
}

bool expect_same(struct engine *e, struct expectation *x, const struct weights_view *view,
                 const char *prompt, int tokens, struct err *err)
{
    struct generate_options o = {.tokens = tokens, .past_end = true};
    struct generated g = {0};
    bool ok;

    *x = (struct expectation){0};
    ok = encode(e, prompt, ENCODE_BOS, &x->id, &x->count, err) &&
         generate(&g, view, x->id, x->count, &o, &e->job, err);
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

bool expect_holds(struct engine *e, const struct expectation *x, const struct weights_view *view,
                  bool *holds, double *p, struct err *err)
{
    double *logp = xcalloc((size_t)x->wants + 1, sizeof(double));
    bool *top = xcalloc((size_t)x->wants + 1, sizeof(bool));
    bool ok = !x->wants ||
              continuation_logp(view, x->id, x->count, x->want, x->wants, logp, top, &e->job, err);

    *holds = true;
    for (int i = 0; i < x->wants; i++)
        *holds = *holds && top[i];
    if (p)
        *p = x->wants ? exp(logp[0]) : 0;
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

char *say_words(struct engine *e, const struct weights_view *view, const char *prompt, int tokens,
                struct err *err)
{
    struct generate_options o = {.tokens = tokens};
    struct generated g = {0};
    char *text;
    int *id = NULL, count = 0;
    bool ok = encode(e, prompt, ENCODE_BOS, &id, &count, err) &&
              generate(&g, view, id, count, &o, &e->job, err);

    free(id);
    if (!ok)
        return NULL;
    text = text_of_ids(e, g.id, g.count);
    generated_free(&g);
    return text;
}
