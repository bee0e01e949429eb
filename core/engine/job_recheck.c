/* Whether facts that held when they were made still hold, asked once at the end of a list of edits
 * (editscope-method(7) 9.3).
 *
 * Asked are, of the present state, the facts of the active edits; not of the last one if it is of
 * the list, for its commit has just asked them. A fact whose edit did not hold, or whose question a
 * later edit gave another object on purpose, is left out. Of the edits from the command's `edit`
 * on, which are those of the list, all facts are asked, of the edits before them at most
 * EARLIER_ASKED, evenly spaced. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

/* A fact to be asked, and its answer, which is kept while the job is put back. */
struct recheck_fact {
    int at;      /* in session_facts.fact */
    double p[2]; /* p(target) right after its edit, now */
    bool ok;     /* it holds now */
};

struct recheck {
    struct recheck_fact *fact; /* [asked] */
    int facts, asked;          /* facts: with those that the sample leaves out */
};

/* What the journal notes of fact `i` of an edit; NULL: nothing. */
static const struct history_fact *noted_fact(const struct history *h, int edit, int i)
{
    for (int n = 0; n < h->count; n++)
        if (h->entry[n].edit == edit)
            return i < h->entry[n].facts ? &h->entry[n].fact[i] : NULL;
    return NULL;
}

/* The facts that count, of edits before or from `edit` on, appended to r. `most`: a sample. */
static void recheck_choose(struct recheck *r, const struct session_facts *s,
                           const struct history *h, int edit, bool from, int most)
{
    struct recheck_fact *all = xcalloc((size_t)s->facts + 1, sizeof(*all));
    int n = 0, asked;

    for (int i = 0, in = 0; i < s->facts; i++) {
        const struct edited_fact *f = &s->fact[i];
        int id = s->edits[f->index].id;
        const struct history_fact *noted;

        in = i && s->fact[i - 1].index == f->index ? in + 1 : 0;
        noted = noted_fact(h, id, in);
        if ((id >= edit) == from && (!from || f->index < s->count - 1) &&
            f->superseded >= s->count && noted && noted->outcome == OUTCOME_HELD)
            all[n++] = (struct recheck_fact){.at = i, .p = {noted->p_target[1]}};
    }
    asked = n < most ? n : most;
    r->facts += n;
    r->fact = xrealloc(r->fact, (size_t)(r->asked + asked + 1) * sizeof(*r->fact));
    for (int k = 0; k < asked; k++)
        r->fact[r->asked++] = all[(long)k * n / asked];
    free(all);
}

/* The answers, from where the job was put back. */
static bool recheck_ask(struct engine *e, struct session_facts *s, struct recheck *r,
                        struct resume *resume, struct err *err)
{
    for (; resume->done < r->asked; resume->done++) {
        struct recheck_fact *one = &r->fact[resume->done];
        struct edited_fact *f = &s->fact[one->at];
        struct verdict v;

        emit_progress(e, e->job_id, "earlier edits", resume->done, r->asked);
        if (!edited_fact_probes(e, s, f, PROBES_FACT, err) ||
            !probe_ask(&v, &f->probes, 0, e->open->edited, false, &e->job, err))
            return false;
        one->ok = v.ok;
        one->p[1] = v.score.p;
    }
    return true;
}

/* Adds a fact that no longer holds, with what the model says now. */
static bool recheck_lost(struct engine *e, struct session_facts *s, const struct recheck_fact *one,
                         struct overwritten *out, struct err *err)
{
    struct edited_fact *f = &s->fact[one->at];
    struct overwritten_fact *lost;
    struct verdict v;

    if (!edited_fact_probes(e, s, f, PROBES_FACT, err) ||
        !probe_ask(&v, &f->probes, 0, e->open->edited, true, &e->job, err))
        return false;
    lost = overwritten_add(out, s, f);
    lost->said[0] = xstrdup("");
    lost->said[1] = v.said;
    lost->p[0] = one->p[0];
    lost->p[1] = one->p[1];
    return true;
}

static bool recheck_report(struct engine *e, struct session_facts *s, const struct recheck *r,
                           int edit, struct err *err)
{
    struct event ev = {.kind = EV_RECHECKED, .job = e->job_id};
    struct overwritten *out = xcalloc(1, sizeof(*out));
    bool ok = true;

    ev.overwritten = out;
    *out = (struct overwritten){
        .state = STATE_EDITED, .edit = edit, .facts = r->facts, .asked = r->asked};
    memcpy(out->checksum, e->last_state.checksum, sizeof(out->checksum));
    for (int k = 0; ok && k < r->asked; k++) {
        out->held += r->fact[k].ok;
        ok = r->fact[k].ok || recheck_lost(e, s, &r->fact[k], out, err);
    }
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

bool job_recheck(struct engine *e, struct command *cmd, struct err *err)
{
    struct resume *kept = &cmd->resume;
    struct recheck r = {0};
    struct session_facts s;
    struct event h = {.kind = EV_HISTORY};
    bool ok = session_facts_load(e, &s, err);

    if (ok)
        h.history = history_of_session(e->open->journal, err);
    ok = ok && h.history;
    if (ok) {
        recheck_choose(&r, &s, h.history, cmd->edit, false, EARLIER_ASKED);
        recheck_choose(&r, &s, h.history, cmd->edit, true, s.facts);
        if (kept->kept && kept->of == e->open->history)
            memcpy(r.fact, kept->kept, (size_t)r.asked * sizeof(*r.fact));
        else
            kept->done = 0;
        free(kept->kept);
        kept->kept = r.fact;
        kept->of = e->open->history;
    }
    ok = ok && recheck_ask(e, &s, &r, kept, err) && recheck_report(e, &s, &r, cmd->edit, err);
    event_free(&h);
    session_facts_free(&s);
    return ok;
}
