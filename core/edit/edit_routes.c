/* Where a state with an edit sends the prompts around it: for a method that keeps its edits beside
 * the weights this is its locality (editscope-method(7) 9.4). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/editor.h"
#include "core/edit/prompt_tokens.h"
#include "core/model/route.h"

/* The prompts around one fact: its rephrases, then its neighbours. */
struct around {
    struct prompt_tokens *prompt; /* [count] */
    int count, rephrases;
};

/* Appends a prompt, if the model has room for it. */
static bool around_add(struct around *a, const struct model_state *state, const struct fact *fact,
                       const char *text, struct err *err)
{
    struct prompt_tokens t;

    if (!prompt_tokens_of(&t, &fact->wording, state->model, text, err))
        return false;
    if (!t.tokens.count || state_room(state, t.tokens.ids, t.tokens.count) < 0) {
        prompt_tokens_free(&t);
        return true;
    }
    a->prompt = xrealloc(a->prompt, (size_t)(a->count + 1) * sizeof(*a->prompt));
    a->prompt[a->count++] = t;
    return true;
}

static bool around_fact(struct around *a, const struct model_state *state, const struct fact *fact,
                        const struct params *p, struct err *err)
{
    int count;
    char **text = fact_rephrases(fact, p, &count);
    bool ok = true;

    for (int i = 0; ok && i < count; i++)
        ok = around_add(a, state, fact, text[i], err);
    texts_free(text, count);
    a->rephrases = a->count;
    for (int i = 0; ok && i < fact->localities; i++)
        ok = around_add(a, state, fact, fact->locality[i].prompt, err);
    return ok;
}

static void around_free(struct around *a)
{
    for (int i = 0; i < a->count; i++)
        prompt_tokens_free(&a->prompt[i]);
    free(a->prompt);
}

/* Asks the state; the nearest of each kind stays in `nearest`. */
static bool around_ask(const struct around *a, const struct model_state *state, int layer,
                       struct route_report *r, struct hook_route nearest[2], struct job *job,
                       struct err *err)
{
    struct hook_route *route = xcalloc((size_t)a->count + 1, sizeof(*route));
    const int **ids = xcalloc((size_t)a->count + 1, sizeof(*ids));
    int *count = xcalloc((size_t)a->count + 1, sizeof(*count));
    bool ok;

    for (int i = 0; i < a->count; i++) {
        ids[i] = a->prompt[i].tokens.ids;
        count[i] = a->prompt[i].tokens.count;
    }
    ok = state_routes(state, layer, ids, count, a->count, route, job, err);
    for (int i = 0; ok && i < a->count; i++) {
        bool neighbour = i >= a->rephrases;

        r->rephrases += !neighbour;
        r->neighbours += neighbour;
        r->rephrases_routed += !neighbour && route[i].routed;
        r->neighbours_routed += neighbour && route[i].routed;
        if (route_closer(&route[i], &nearest[neighbour]))
            nearest[neighbour] = route[i];
    }
    free(route);
    free(ids);
    free(count);
    return ok;
}

/* "; routed: 1 of 1 rephrases (nearest 0.3), 0 of 10 neighbours (nearest 9.1)" */
static void routes_say(const struct route_report *r, char *out, size_t size)
{
    const int asked[2] = {r->rephrases, r->neighbours};
    const int routed[2] = {r->rephrases_routed, r->neighbours_routed};
    const double nearest[2] = {r->rephrase, r->neighbour};
    const char *begin = "; routed: ";

    for (int k = 0; k < 2; k++) {
        size_t n = strlen(out);

        if (!asked[k])
            continue;
        snprintf(out + n, size - n, "%s%d of %d %s%s (nearest %.3g)", begin, routed[k], asked[k],
                 k ? "neighbour" : "rephrase", asked[k] == 1 ? "" : "s", nearest[k]);
        begin = ", ";
    }
}

bool edit_routes(struct edit_result *r, const struct model_state *state,
                 const struct edit_context *ctx, struct job *job, struct err *err)
{
    bool ok = true;
    struct hook_route nearest[2] = {{.value = (double)NAN}, {.value = (double)NAN}};

    if (!r->hooks || !state_has_routes(state))
        return true;
    for (int t = 0; ok && t < ctx->count; t++) {
        struct around a = {0};

        ok = around_fact(&a, state, &ctx->request[t].fact, ctx->params, err) &&
             around_ask(&a, state, ctx->layer[0], &r->routes, nearest, job, err);
        around_free(&a);
    }
    r->routes.rephrase = nearest[0].value;
    r->routes.neighbour = nearest[1].value;
    r->routes.limit = isnan(nearest[0].value) ? nearest[1].limit : nearest[0].limit;
    if (ok)
        routes_say(&r->routes, r->beside, sizeof(r->beside));
    return ok;
}
