/* The logit lens at every position. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/inside.h"
#include "core/model/generate.h"
#include "core/model/lens.h"

/* What the lens is held over: a prompt, and the tokens whose ranks are followed. */
struct subject {
    int *id, count;
    struct word *word; /* [count] */
    int old, new;      /* tokens, or -1 */
};

static void subject_free(struct subject *s)
{
    free(s->id);
    free(s->word);
}

static bool of_text(struct engine *e, const char *text, struct subject *s, struct err *err)
{
    struct tokens t = {0};
    bool ok = tokenizer_encode(e->model->tokenizer, text, strlen(text), ENCODE_BOS, &t, err) &&
              (t.count || err_set(err, ERR_USAGE, "nothing to look at: type a prompt"));

    *s = (struct subject){.old = -1, .new = -1};
    if (ok) {
        s->count = t.count;
        s->id = xcalloc((size_t)t.count, sizeof(int));
        memcpy(s->id, t.ids, (size_t)t.count * sizeof(int));
        s->word = words_of(e, t.ids, t.count);
    }
    tokens_free(&t);
    return ok;
}

/* The base model's answer is the old object where the fact names none. */
static bool present_answer(struct engine *e, const struct row *row, int *out, struct err *err)
{
    struct generate_options o = {0};
    struct generated g;

    if (!generate(&g, e->base, row->id, row->count, &o, &e->job, err))
        return false;
    top_k(g.logits, e->model->head.rows, 1, out);
    generated_free(&g);
    return true;
}

bool request_to_look(struct engine *e, const struct fact *fact, const struct params *params,
                     struct request *r, struct err *err)
{
    struct fact whole = fact_copy(fact);
    struct params p = *params;
    bool open = !whole.target || !whole.target[strspn(whole.target, " ")], ok;

    if (open) { /* looking needs no new object: any word keeps its place */
        free(whole.target);
        whole.target = xstrdup("it");
    }
    p.value[P_ATTR_PREFIXES] = 0;
    ok = request_build(r, &whole, &e->prefixes, e->model->tokenizer, &p, err);
    if (ok && open)
        r->targets = 0;
    fact_free(&whole);
    return ok;
}

static bool of_fact(struct engine *e, struct command *cmd, struct subject *s, struct err *err)
{
    struct request r;
    const struct row *row;
    bool ok;

    if (!request_to_look(e, &cmd->facts[0], &cmd->params, &r, err))
        return false;
    row = &r.row[0];
    *s = (struct subject){.count = row->count, .old = r.old, .new = r.targets ? r.target[0] : -1};
    s->id = xcalloc((size_t)row->count, sizeof(int));
    memcpy(s->id, row->id, (size_t)row->count * sizeof(int));
    s->word = prompt_words(e, &r);
    ok = s->old >= 0 || present_answer(e, row, &s->old, err);
    request_free(&r);
    if (!ok)
        subject_free(s);
    return ok;
}

static bool lens_of(struct engine *e, const struct weights_view *view, unsigned state,
                    const struct subject *s, struct err *err)
{
    struct lens_grid *g = xcalloc(1, sizeof(*g));
    int layers = e->model->config->layers, token[2], tokens = 0;
    size_t cells = (size_t)layers * (size_t)s->count;
    int *best = xcalloc(cells, sizeof(int)), *rank = xcalloc(2 * cells, sizeof(int));
    float *p = xcalloc(cells, sizeof(float));
    int **const to[] = {&g->rank_old, &g->rank_new};
    const int wanted[] = {s->old, s->new};
    struct event ev = {.kind = EV_LENS, .job = e->job_id, .lens = g};
    bool ok;

    for (int k = 0; k < 2; k++)
        if (wanted[k] >= 0)
            token[tokens++] = wanted[k];
    ok = lens_cells(view, s->id, s->count, token, tokens, best, p, rank, &e->job, err);
    if (ok) {
        g->state = state;
        g->tokens = s->count;
        g->layers = layers;
        g->token = xcalloc((size_t)s->count, sizeof(*g->token));
        memcpy(g->token, s->word, (size_t)s->count * sizeof(*g->token));
        g->top = xcalloc(cells, sizeof(*g->top));
        for (size_t i = 0; i < cells; i++) {
            word_of(e, best[i], &g->top[i]);
            g->top[i].p = (double)p[i];
        }
        for (int k = 0, at = 0; k < 2; k++)
            if (wanted[k] >= 0) {
                *to[k] = xcalloc(cells, sizeof(int));
                memcpy(*to[k], rank + (size_t)at++ * cells, cells * sizeof(int));
            }
        bus_emit(e->bus, ev);
    } else {
        event_free(&ev);
    }
    free(best);
    free(rank);
    free(p);
    return ok;
}

bool job_lens(struct engine *e, struct command *cmd, struct err *err)
{
    unsigned states = cmd->states ? cmd->states : STATE_BASE | STATE_EDITED;
    struct subject s = {0};
    bool ok;

    if (!cmd->states && e->preview.view)
        states |= STATE_PREVIEW;
    if ((states & STATE_PREVIEW) && !e->preview.view)
        return err_set(err, ERR_USAGE, "no preview stands: make one first");
    if (!cmd->count && (!cmd->text || !*cmd->text))
        return err_set(err, ERR_USAGE, "nothing to look at: type a fact or a prompt");
    if (!(cmd->count ? of_fact(e, cmd, &s, err) : of_text(e, cmd->text, &s, err)))
        return false;
    ok = (!(states & STATE_BASE) || lens_of(e, e->base, STATE_BASE, &s, err)) &&
         (!(states & STATE_EDITED) || lens_of(e, e->edited, STATE_EDITED, &s, err)) &&
         (!(states & STATE_PREVIEW) || lens_of(e, e->preview.view, STATE_PREVIEW, &s, err));
    subject_free(&s);
    return ok;
}
