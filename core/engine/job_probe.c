/* The scoreboard of a fact: its probes, asked of the base and of the edited state.
 *
 * Does the new object also come in other words (rephrases), as a question, in the chat form? Do
 * neighbours keep their old answers (locality)? Does what follows from the fact come true
 * (portability)? The base is asked too, so that the edit is not blamed for what the base could not
 * do either. If there is a preview, it is asked instead of the edited state. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

static bool probes_ask(struct engine *e, struct probes *p, struct probe_report *out,
                       struct err *err)
{
    const struct model_state *const state[2] = {e->base, e->preview.view ? e->preview.view
                                                                         : e->open->edited};

    out->probe = xcalloc((size_t)p->count + 1, sizeof(*out->probe));
    for (int i = 0; i < p->count; i++) {
        emit_progress(e, e->job_id, "scoreboard", i, p->count);
        out->probes++;
        if (!probe_compare(&out->probe[i], p, i, state, &e->job, err))
            return false;
    }
    return true;
}

/* One fact: EV_PROBES. */
static bool probe_fact(struct engine *e, struct command *cmd, int i, struct err *err)
{
    struct fact *f = &cmd->facts[i];
    struct event ev = {.kind = EV_PROBES, .job = e->job_id};
    struct probes p;
    bool ok;

    if (!fact_normalise(f, err))
        return false;
    wording_set_defaults(&f->wording, &cmd->params);
    ev.probes = xcalloc(1, sizeof(*ev.probes));
    ev.probes->fact = i;
    ev.probes->subject = xstrdup(f->subject);
    ok = probes_of(&p, e->base, f, &cmd->params,
                   PROBES_REPHRASE | PROBES_QUESTION | PROBES_CHAT | PROBES_PORTABILITY |
                       PROBES_LOCALITY,
                   &e->job, err) &&
         probes_ask(e, &p, ev.probes, err);
    probes_free(&p);
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

bool job_probe(struct engine *e, struct command *cmd, struct err *err)
{
    if (cmd->count < 1)
        return err_set(err, ERR_USAGE, "no fact: give subject, prompt and new object");
    for (; cmd->resume.done < cmd->count; cmd->resume.done++) /* goes on where it was put back */
        if (!probe_fact(e, cmd, cmd->resume.done, err))
            return false;
    return true;
}
