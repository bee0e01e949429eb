/* Asks the hooks of a state where they send prompts (route.h). */
#include "core/model/route.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/forward.h"

bool state_has_routes(const struct model_state *s)
{
    for (int i = 0; i < s->hooks; i++)
        if (s->hook[i]->ops->routes)
            return true;
    return false;
}

bool route_closer(const struct hook_route *a, const struct hook_route *b)
{
    if (isnan(a->value) || isnan(b->value))
        return isnan(b->value) && !isnan(a->value);
    return a->below ? a->value / a->limit < b->value / b->limit
                    : a->value / a->limit > b->value / b->limit;
}

/* What one hook says of the batch that the state has just run. */
static bool hook_routes(const struct hook *h, int layer, const struct batch *batch,
                        struct hook_route *out, struct err *err)
{
    struct hook_route *one = xcalloc((size_t)batch->seqs, sizeof(*one));
    bool ok;

    for (int q = 0; q < batch->seqs; q++)
        one[q].value = (double)NAN;
    ok = h->ops->routes(h->ctx, batch, layer, one, err);
    for (int q = 0; ok && q < batch->seqs; q++)
        if (!isnan(one[q].value) && (one[q].routed || isnan(out[q].value))) {
            out[q] = one[q];
            out[q].of = h->ops->kept;
            out[q].entries = h->ops->kept->count(h->ctx, &out[q].layer);
        }
    free(one);
    return ok;
}

bool state_routes(const struct model_state *s, int layer, const int *const *ids, const int *count,
                  int seqs, struct hook_route *out, struct job *job, struct err *err)
{
    struct prompt *prompt = xcalloc((size_t)seqs + 1, sizeof(*prompt));
    const int **id = xcalloc((size_t)seqs + 1, sizeof(*id));
    int *n = xcalloc((size_t)seqs + 1, sizeof(*n));
    int last = layer < 0 ? s->model->config->layers - 1 : layer;
    struct batch batch;
    bool ok = true;

    for (int q = 0; q < seqs; q++) {
        prompt[q] = state_prompt(s, ids[q], count[q]);
        id[q] = prompt[q].id;
        n[q] = prompt[q].count;
        out[q] = (struct hook_route){.value = (double)NAN};
    }
    if (seqs) {
        batch = batch_new(id, n, NULL, seqs, 0);
        ok = forward_until(s, &batch, last, NULL, job, err);
        for (int i = 0; ok && i < s->hooks; i++)
            ok = !s->hook[i]->ops->routes || hook_routes(s->hook[i], layer, &batch, out, err);
        batch_free(&batch);
    }
    for (int q = 0; q < seqs; q++)
        prompt_free(&prompt[q]);
    free(prompt);
    free(id);
    free(n);
    return ok;
}
