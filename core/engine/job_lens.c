/* The logit lens (editscope-method(7) 10.1): what each block's output would predict at each
 * position, for the base, the edited state and the preview. One EV_LENS for each state. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"
#include "core/model/generate.h"
#include "core/model/lens.h"

/* What the lens reads: a prompt, and two tokens whose ranks it notes. */
struct subject {
    int *id, count;
    struct shown_token *shown; /* [count] */
    int old, new;              /* old and new object's first token; -1: none */
};

static void subject_free(struct subject *s)
{
    free(s->id);
    free(s->shown);
}

static bool subject_of_text(struct engine *e, const struct command *cmd, struct subject *s,
                            struct err *err)
{
    struct wording w = wording_of(&cmd->params);
    struct prompt_tokens a;
    bool ok = prompt_tokens_of(&a, &w, e->model, cmd->text, err) &&
              (a.tokens.count || err_set(err, ERR_USAGE, "no prompt: type a text"));
    struct tokens t = a.tokens;

    *s = (struct subject){.old = -1, .new = -1};
    if (ok) {
        s->count = t.count;
        s->id = xcalloc((size_t)t.count, sizeof(int));
        memcpy(s->id, t.ids, (size_t)t.count * sizeof(int));
        s->shown = shown_tokens_of(e, t.ids, t.count);
    }
    prompt_tokens_free(&a);
    return ok;
}

bool old_token(struct engine *e, const struct request *r, int *out, struct err *err)
{
    struct continuation c = continuation_of_request(r);
    struct answered a;

    c.count = 0;
    *out = r->old;
    if (r->old >= 0)
        return true;
    if (!answer_prompt(&a, e->base, &c, 0, &e->job, err))
        return false;
    *out = a.argmax;
    answered_free(&a);
    return true;
}

bool request_of_prompt(struct engine *e, const struct fact *fact, const struct params *params,
                       struct request *r, struct err *err)
{
    struct fact whole = fact_copy(fact);
    struct params p = *params;
    bool open = !whole.target || !whole.target[strspn(whole.target, " ")], ok;

    if (open) { /* any word will do: it is not used */
        free(whole.target);
        whole.target = xstrdup("it");
    }
    p.value[P_ATTR_PREFIXES] = 0;
    ok = request_build(r, &whole, &e->open->prefixes, e->model, &p, err);
    if (ok && open)
        r->targets = 0;
    fact_free(&whole);
    return ok;
}

static bool subject_of_fact(struct engine *e, struct command *cmd, struct subject *s,
                            struct err *err)
{
    struct request r;
    const struct row *row;
    bool ok;

    if (!request_of_prompt(e, &cmd->facts[0], &cmd->params, &r, err))
        return false;
    row = &r.row[0];
    *s = (struct subject){.count = row->count, .old = r.old, .new = r.targets ? r.target[0] : -1};
    s->id = xcalloc((size_t)row->count, sizeof(int));
    memcpy(s->id, row->id, (size_t)row->count * sizeof(int));
    s->shown = prompt_shown_tokens(e, &r);
    ok = old_token(e, &r, &s->old, err);
    request_free(&r);
    if (!ok)
        subject_free(s);
    return ok;
}

static void *copy_of(const void *from, size_t bytes)
{
    return from ? memcpy(xmalloc(bytes), from, bytes) : NULL;
}

/* The grid of another state with the same weights. */
static void emit_lens_copy(struct engine *e, const struct lens_grid *known, unsigned state)
{
    struct lens_grid *g = copy_of(known, sizeof(*g));
    size_t cells = (size_t)known->layers * (size_t)known->tokens;

    g->state = state;
    g->token = copy_of(known->token, (size_t)known->tokens * sizeof(*g->token));
    g->top = copy_of(known->top, cells * sizeof(*g->top));
    g->rank_old = copy_of(known->rank_old, cells * sizeof(int));
    g->rank_new = copy_of(known->rank_new, cells * sizeof(int));
    engine_emit(e, EV_LENS, g);
}

/* Reads the lens over one state. Caller frees; NULL with err. */
static struct lens_grid *lens_make(struct engine *e, const struct model_state *view, unsigned state,
                                   const struct subject *s, struct err *err)
{
    int layers = e->model->config->layers, token[2], tokens = 0;
    size_t cells = (size_t)layers * (size_t)s->count;
    int *best = xcalloc(cells, sizeof(int)), *rank = xcalloc(2 * cells, sizeof(int));
    float *p = xcalloc(cells, sizeof(float));
    struct lens_grid *g = NULL;

    if (s->old >= 0)
        token[tokens++] = s->old;
    if (s->new >= 0)
        token[tokens++] = s->new;
    if (lens_cells(view, s->id, s->count, token, tokens, best, p, rank, &e->job, err)) {
        g = xcalloc(1, sizeof(*g));
        *g = (struct lens_grid){.state = state, .tokens = s->count, .layers = layers};
        g->token = copy_of(s->shown, (size_t)s->count * sizeof(*g->token));
        g->top = xcalloc(cells, sizeof(*g->top));
        for (size_t i = 0; i < cells; i++) {
            shown_token_of(e, best[i], &g->top[i]);
            g->top[i].p = (double)p[i];
        }
        if (s->old >= 0)
            g->rank_old = copy_of(rank, cells * sizeof(int));
        if (s->new >= 0)
            g->rank_new = copy_of(rank + (s->old >= 0 ? cells : 0), cells * sizeof(int));
    }
    free(best);
    free(rank);
    free(p);
    return g;
}

static bool lens_states(struct engine *e, unsigned states, const struct subject *s, struct err *err)
{
    const struct model_state *const view[] = {e->base, e->open->edited,
                                              states & STATE_PREVIEW ? e->preview.view : NULL};
    static const unsigned state[] = {STATE_BASE, STATE_EDITED, STATE_PREVIEW};
    unsigned shared = STATE_BASE | STATE_EDITED;

    for (int i = 0; i < 3; i++) {
        struct lens_grid *g;

        if (!(states & state[i]))
            continue;
        g = lens_make(e, view[i], state[i], s, err);
        if (!g)
            return false;
        if ((states & shared) == shared && i == 0 && state_same(e->base, e->open->edited)) {
            emit_lens_copy(e, g, STATE_EDITED);
            states &= ~(unsigned)STATE_EDITED;
        }
        engine_emit(e, EV_LENS, g);
    }
    return true;
}

bool job_lens(struct engine *e, struct command *cmd, struct err *err)
{
    unsigned states = cmd->states ? cmd->states : STATE_BASE | STATE_EDITED;
    struct subject s = {0};
    bool ok;

    if (!cmd->states && e->preview.view)
        states |= STATE_PREVIEW;
    if ((states & STATE_PREVIEW) && !e->preview.view)
        return err_set(err, ERR_USAGE, "there is no preview: make one first");
    if (!cmd->count && (!cmd->text || !*cmd->text))
        return err_set(err, ERR_USAGE, "no prompt: type a fact or a text");
    if (!(cmd->count ? subject_of_fact(e, cmd, &s, err) : subject_of_text(e, cmd, &s, err)))
        return false;
    ok = lens_states(e, states, &s, err);
    subject_free(&s);
    return ok;
}
