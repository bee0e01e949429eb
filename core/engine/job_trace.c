/* Causal tracing (editscope-method(7) 10.3; Meng et al. 2022): which hidden states carry the fact.
 * One EV_TRACE after each layer. A state with prefixes (IKE) reads them before the prompt; only the
 * prompt's own tokens are shown. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/trace.h"
#include "core/engine/internal.h"

enum { SAMPLES = 10 }; /* draws of noise, as in the paper's released code */

/* Emits a copy of the trace so far. */
static void emit_trace(struct engine *e, const struct trace *so_far)
{
    struct trace *t = xcalloc(1, sizeof(*t));
    size_t cells = (size_t)so_far->tokens * (size_t)so_far->layers;
    struct event ev = {.kind = EV_TRACE, .job = e->job_id, .trace = t};

    *t = *so_far;
    t->token = xcalloc((size_t)t->tokens, sizeof(*t->token));
    t->effect = xcalloc(cells, sizeof(*t->effect));
    memcpy(t->token, so_far->token, (size_t)t->tokens * sizeof(*t->token));
    memcpy(t->effect, so_far->effect, cells * sizeof(*t->effect));
    bus_emit(e->bus, ev);
}

/* A layer costs as many blocks as are above it, so layer 0 is the most expensive. */
static void emit_trace_progress(struct engine *e, int done, int layers)
{
    double total = 0.5 * layers * (layers + 1), left = 0.5 * (layers - done) * (layers - done + 1);

    emit_progress(e, e->job_id, "causal trace", total - left, total);
}

/* One layer: t->effect[layer][tokens]. Tokens of the state's prefixes are neither restored nor
 * corrupted. */
static bool trace_one_layer(struct engine *e, struct trace_run *run, const struct prompt *prompt,
                            struct trace *t, int layer, struct err *err)
{
    float *all = xcalloc((size_t)prompt->count + 1, sizeof(*all));
    bool ok = trace_layer(run, layer, all, &e->job, err);

    for (int i = 0; ok && i < t->tokens; i++)
        t->effect[(size_t)layer * (size_t)t->tokens + (size_t)i] = all[prompt_position(prompt, i)];
    free(all);
    return ok;
}

/* The effects so far, which are kept while the job is put back, or room for them. */
static void trace_resume(struct resume *r, struct trace *t, unsigned generation)
{
    size_t cells = (size_t)t->layers * (size_t)t->tokens;

    if (!r->kept || r->of != generation) {
        free(r->kept);
        *r = (struct resume){.of = generation, .kept = xcalloc(cells + 1, sizeof(*t->effect))};
        for (size_t i = 0; i < cells; i++)
            ((float *)r->kept)[i] = NAN;
    }
    t->effect = r->kept;
    t->done = r->done;
}

static bool trace_all_layers(struct engine *e, struct trace_run *run, const struct prompt *prompt,
                             struct trace *t, struct resume *resume, unsigned generation,
                             struct err *err)
{
    const struct trace_base *base = trace_base(run);

    t->layers = e->model->config->layers;
    t->p_clean = base->p_clean;
    t->p_corrupt = base->p_corrupt;
    t->samples = base->samples;
    t->noise = base->noise;
    shown_token_of(e, base->answer, &t->answer);
    t->answer.p = base->p_clean;
    trace_resume(resume, t, generation);
    for (int l = t->done; l < t->layers; l++) {
        emit_trace(e, t);
        emit_trace_progress(e, l, t->layers);
        if (!trace_one_layer(e, run, prompt, t, l, err))
            return false;
        t->done = resume->done = l + 1;
    }
    emit_trace(e, t);
    return true;
}

bool job_trace(struct engine *e, struct command *cmd, struct err *err)
{
    const struct model_state *view = cmd->states == STATE_BASE ? e->base : e->open->edited;
    struct trace t = {0};
    struct trace_run *run;
    struct prompt prompt;
    struct request r;
    bool *corrupt, ok;

    if (!cmd->count)
        return err_set(err, ERR_USAGE, "no fact to trace");
    if (!request_of_prompt(e, &cmd->facts[0], &cmd->params, &r, err))
        return false;
    t.tokens = r.row[0].count;
    t.token = prompt_shown_tokens(e, &r);
    prompt = state_prompt(view, r.row[0].id, t.tokens); /* with the state's prefixes before it */
    corrupt = xcalloc((size_t)prompt.count, sizeof(*corrupt));
    for (int i = 0; i < t.tokens; i++)
        corrupt[prompt_position(&prompt, i)] = t.token[i].subject;
    run = trace_begin(view, prompt.id, prompt.count, corrupt, SAMPLES, 0,
                      (uint64_t)cmd->params.value[P_SEED], &e->job, err);
    ok = run && trace_all_layers(e, run, &prompt, &t, &cmd->resume, view->generation, err);
    trace_end(run);
    prompt_free(&prompt);
    request_free(&r);
    free(corrupt);
    free(t.token);
    return ok;
}
