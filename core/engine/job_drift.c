/* Drift: do earlier edits still hold as more edits are made (editscope-method(7) 11)?
 *
 * The states of a session are rebuilt one after another, from the base and the journal's deltas. At
 * most STATES of them (CMD_DRIFT's `tokens`) are asked, evenly spaced, the last one always. Each
 * state is asked every fact edited so far that was not superseded, and the locality probes of these
 * facts. One EV_DRIFT after each state, with all points so far, which are kept while the job is put
 * back. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

enum { STATES = 24 };

/* Asks state n (edit n is its last one) and fills its point. */
static bool drift_at(struct engine *e, struct session_facts *q, int n,
                     const struct model_state *view, struct drift_point *point, struct err *err)
{
    *point = (struct drift_point){.edit = q->edits[n].id};
    for (int i = 0; i < q->facts && q->fact[i].index <= n; i++) {
        struct edited_fact *a = &q->fact[i];
        struct verdict v;

        if (a->superseded <= n)
            continue;
        if (!edited_fact_probes(e, q, a, PROBES_FACT | PROBES_LOCALITY, err))
            return false;
        for (int k = 0; k < a->probes.count; k++) {
            bool own = a->probes.probe[k].kind == PROBE_FACT;

            if (!a->probes.probe[k].known)
                continue;
            if (!probe_ask(&v, &a->probes, k, view, false, &e->job, err))
                return false;
            ++*(own ? &point->asked : &point->others);
            *(own ? &point->held : &point->stayed) += v.ok;
        }
    }
    return true;
}

static void emit_drift(struct engine *e, const struct drift_point *point, int points, int of,
                       int states)
{
    struct drift *d = xcalloc(1, sizeof(*d));
    struct event ev = {.kind = EV_DRIFT, .job = e->job_id, .drift = d};

    d->points = points;
    d->of = of;
    d->states = states;
    d->point = xcalloc((size_t)points + 1, sizeof(*d->point));
    memcpy(d->point, point, (size_t)points * sizeof(*point));
    bus_emit(e->bus, ev);
}

/* The k-th of `of` states among n, evenly spaced, the last one always. */
static int spaced(int k, int of, int n)
{
    return (int)((long long)(k + 1) * n / of) - 1;
}

bool job_drift(struct engine *e, struct command *cmd, struct err *err)
{
    struct session_facts q;
    struct model_state *view = NULL;
    struct resume *r = &cmd->resume;
    struct drift_point *point;
    int of = cmd->tokens > 0 ? cmd->tokens : STATES, at = 0;
    bool ok = session_facts_load(e, &q, err);

    if (ok && !q.count)
        ok = err_set(err, ERR_USAGE, "no active edit: there is no drift to measure yet");
    of = of > q.count ? q.count : of;
    if (ok && (!r->kept || r->of != e->open->history)) {
        free(r->kept);
        *r = (struct resume){.of = e->open->history,
                             .kept = xcalloc((size_t)of + 1, sizeof(*point))};
    }
    point = r->kept;
    if (ok)
        view = state_copy(e->base, ++e->generation);
    for (int k = 0; ok && k < of; k++) {
        int n = spaced(k, of, q.count);

        for (; ok && at <= n; at++)
            ok = engine_session_apply(e, e->open->journal, view, q.edits[at].id, err);
        if (k < r->done) /* asked before the job was put back */
            continue;
        ok = ok && device_sync(e->dev, err) && drift_at(e, &q, n, view, &point[k], err);
        if (ok) {
            r->done = k + 1;
            emit_drift(e, point, k + 1, of, q.count);
            emit_progress(e, e->job_id, "drift", k + 1, of);
        }
    }
    state_free(view);
    session_facts_free(&q);
    return ok;
}
