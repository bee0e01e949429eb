/* The probes of a fact, asked of the states before and after an edit.
 *
 * Does the new object also come in other words (rephrases), as a question, in the chat form? Do
 * neighbours keep their old answers (locality)? Does what follows from the fact come true
 * (portability)? The base decides what counts, so that the edit is not blamed for what the base
 * could not do either; where it knows none of the fact's own neighbours, it is asked for others
 * that the command brings.
 *
 *                      before                          after
 *   a preview          the edited state                the preview
 *   CMD_PROBE's edit   the state before that edit      the state with it, without later edits
 *   neither            the base                        the edited state
 *
 * Of a preview or an edit the facts of all other active edits are asked too: a fact that holds
 * before and not after was overwritten. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/checksum.h"
#include "core/engine/internal.h"

enum { SPARE_KNOWN = 5 };

/* The two states of the table above. */
struct both_sides {
    const struct model_state *state[2]; /* borrowed; [0] NULL: not made yet, see side_before() */
    struct model_state *own;            /* state[0], if it was made for this job alone */
    unsigned after;                     /* STATE_PREVIEW or STATE_EDITED */
    int edit;
    unsigned of;       /* of the state after: another number, another state */
    char checksum[65]; /* of state[1] */
};

/* The last active edit before this one, and the last one of all; 0: there is none. */
static bool edits_around(struct engine *e, int edit, int *before, int *last, struct err *err)
{
    struct edit_record *edits = NULL;
    int count = 0;

    if (!session_edits(e->open->journal, false, &edits, &count, err))
        return false;
    *before = *last = 0;
    for (int i = 0; i < count; i++) {
        *before = edits[i].id < edit ? edits[i].id : *before;
        *last = edits[i].id;
    }
    edit_records_free(edits, count);
    return true;
}

/* The state before an active edit: the base plus the active edits before it. It is made when it is
 * first asked for. */
static bool side_before(struct engine *e, struct both_sides *sides, struct err *err)
{
    int before, last;

    if (sides->state[0])
        return true;
    if (!edits_around(e, sides->edit, &before, &last, err))
        return false;
    if (before && sides->edit != last) { /* e->open->older is the state after */
        if (!engine_session_state(e, before, &sides->own, err))
            return false;
        sides->state[0] = sides->own;
        return true;
    }
    sides->state[0] = state_after_edit(e, before, err);
    return sides->state[0] != NULL;
}

/* All but the state before an edit, which may have to be made. */
static bool both_sides_begin(struct engine *e, const struct command *cmd, struct both_sides *s,
                             struct err *err)
{
    int before, last = 0;

    *s = (struct both_sides){.state = {cmd->edit ? NULL : e->base, e->open->edited},
                             .after = STATE_EDITED,
                             .edit = cmd->edit,
                             .of = e->open->edited->generation};
    memcpy(s->checksum, e->last_state.checksum, sizeof(s->checksum));
    if (e->preview.view && !cmd->edit) {
        s->state[0] = e->open->edited;
        s->state[1] = e->preview.view;
        s->after = STATE_PREVIEW;
        s->of = e->preview.view->generation;
        memcpy(s->checksum, e->preview.report.checksum, sizeof(s->checksum));
    }
    if (!cmd->edit)
        return true;
    if (!edits_around(e, cmd->edit, &before, &last, err))
        return false;
    if (cmd->edit == last)
        return true;
    s->state[1] = state_after_edit(e, cmd->edit, err);
    s->of = e->open->history;
    return s->state[1] && weights_checksum(s->state[1], s->checksum, err);
}

static bool probes_ask(struct engine *e, struct probes *p, const struct both_sides *sides,
                       bool words, struct probe_report *out, struct err *err)
{
    out->probe = xcalloc((size_t)p->count + 1, sizeof(*out->probe));
    for (int i = 0; i < p->count; i++) {
        emit_progress(e, e->job_id, "probes", i, p->count);
        out->probes++;
        if (!probe_compare(&out->probe[i], p, i, sides->state, words, &e->job, err))
            return false;
    }
    return true;
}

/* Makes the fact's probes. Its neighbours from `own` on are spare ones. */
static bool probes_make(struct engine *e, struct fact *f, const struct params *params, int own,
                        struct probes *p, int *spares_asked, struct err *err)
{
    int all = f->localities;
    bool ok;

    f->localities = own < 0 ? 0 : own && own < all ? own : all;
    ok = probes_of(p, e->base, f, params,
                   PROBES_REPHRASE | PROBES_QUESTION | PROBES_CHAT | PROBES_PORTABILITY |
                       PROBES_LOCALITY,
                   &e->job, err);
    if (ok && !probes_know_neighbour(p))
        ok = probes_add_known(p, f->locality + f->localities, all - f->localities, SPARE_KNOWN,
                              spares_asked, &e->job, err);
    f->localities = all;
    return ok;
}

/* One fact: EV_PROBES. */
static bool probe_fact(struct engine *e, struct command *cmd, int i, const struct both_sides *sides,
                       struct err *err)
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
    ev.probes->state = sides->after;
    ev.probes->edit = sides->edit;
    utf8_copy(ev.probes->checksum, sizeof(ev.probes->checksum), sides->checksum);
    ok = probes_make(e, f, &cmd->params, i ? 0 : cmd->top, &p, &ev.probes->spares_asked, err) &&
         probes_ask(e, &p, sides, !cmd->without_words, ev.probes, err);
    probes_free(&p);
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

/* ---- the facts of other edits ---- */

/* Asks the state before a fact that no longer holds. If it held there, it is noted as lost. */
static bool overwritten_note(struct engine *e, const struct session_facts *s, struct edited_fact *a,
                             struct both_sides *sides, struct overwritten *out, struct err *err)
{
    struct verdict v[2];
    struct overwritten_fact *lost;

    if (!side_before(e, sides, err) ||
        !probe_ask(&v[0], &a->probes, 0, sides->state[0], false, &e->job, err))
        return false;
    if (!v[0].ok) {
        out->weak++;
        return true;
    }
    for (int k = 0; k < 2; k++)
        if (!probe_ask(&v[k], &a->probes, 0, sides->state[k], true, &e->job, err)) {
            free(k ? v[0].said : NULL);
            return false;
        }
    lost = overwritten_add(out, s, a);
    for (int k = 0; k < 2; k++) {
        lost->said[k] = v[k].said;
        lost->p[k] = v[k].score.p;
    }
    return true;
}

/* Whether one of the `n` texts, each of which may be NULL, is this one. */
static bool text_among(char *const *texts, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (texts[i] && !strcmp(texts[i], text))
            return true;
    return false;
}

/* The facts to be asked: of other active edits, not rewritten by a later edit, and not the one that
 * is edited now. Caller frees. */
static struct edited_fact **other_facts(struct session_facts *s, const struct command *cmd,
                                        const struct both_sides *sides, int *count)
{
    struct edited_fact **other = xcalloc((size_t)s->facts + 1, sizeof(struct edited_fact *));
    char **own = xcalloc((size_t)cmd->count, sizeof(char *)); /* the prompts of the command */

    for (int k = 0; k < cmd->count; k++)
        own[k] = fact_text(&cmd->facts[k]);
    *count = 0;
    for (int i = 0; i < s->facts; i++) {
        struct edited_fact *a = &s->fact[i];

        if (s->edits[a->index].id != sides->edit && a->superseded >= s->count &&
            !text_among(own, cmd->count, a->text))
            other[(*count)++] = a;
    }
    texts_free(own, cmd->count);
    return other;
}

static bool overwritten_ask(struct engine *e, struct session_facts *s, struct edited_fact **other,
                            struct both_sides *sides, struct overwritten *out, struct err *err)
{
    out->asked = out->facts < EARLIER_ASKED ? out->facts : EARLIER_ASKED;
    for (int k = 0; k < out->asked; k++) {
        struct edited_fact *a = other[(long)k * out->facts / out->asked];
        struct verdict v;

        emit_progress(e, e->job_id, "earlier edits", k, out->asked);
        if (!edited_fact_probes(e, s, a, PROBES_FACT, err) ||
            !probe_ask(&v, &a->probes, 0, sides->state[1], false, &e->job, err))
            return false;
        out->held += v.ok;
        if (!v.ok && !overwritten_note(e, s, a, sides, out, err))
            return false;
    }
    return true;
}

/* EV_OVERWRITTEN, also when no other edit is active. */
static bool probe_other_edits(struct engine *e, const struct command *cmd, struct both_sides *sides,
                              struct err *err)
{
    struct event ev = {.kind = EV_OVERWRITTEN, .job = e->job_id};
    struct edited_fact **other = NULL;
    struct session_facts s;
    bool ok = session_facts_load(e, &s, err);

    ev.overwritten = xcalloc(1, sizeof(*ev.overwritten));
    ev.overwritten->state = sides->after;
    ev.overwritten->edit = sides->edit;
    utf8_copy(ev.overwritten->checksum, sizeof(ev.overwritten->checksum), sides->checksum);
    if (ok) {
        other = other_facts(&s, cmd, sides, &ev.overwritten->facts);
        ok = overwritten_ask(e, &s, other, sides, ev.overwritten, err);
    }
    free(other);
    session_facts_free(&s);
    if (ok)
        bus_emit(e->bus, ev);
    else
        event_free(&ev);
    return ok;
}

/* Goes on where it was put back, unless the state after is another one now. */
bool job_probe(struct engine *e, struct command *cmd, struct err *err)
{
    struct resume *r = &cmd->resume;
    struct both_sides sides;
    bool ok;

    if (cmd->count < 1)
        return err_set(err, ERR_USAGE, "no fact: give subject, prompt and new object");
    ok = both_sides_begin(e, cmd, &sides, err);
    if (ok && cmd->expect && strcmp(cmd->expect, sides.checksum) != 0)
        return true; /* what was to be asked is gone */
    if (ok && !cmd->others_only)
        ok = side_before(e, &sides, err);
    if (ok && r->of != sides.of)
        *r = (struct resume){.of = sides.of};
    if (ok && cmd->sides && !r->done)
        ok = emit_sides(e, cmd, sides.state, sides.edit, err);
    for (; ok && !cmd->others_only && r->done < cmd->count; r->done += ok)
        ok = probe_fact(e, cmd, r->done, &sides, err);
    if (ok && (sides.edit || sides.after == STATE_PREVIEW))
        ok = probe_other_edits(e, cmd, &sides, err);
    state_free(sides.own);
    if ((sides.state[0] == e->open->older.state || sides.state[1] == e->open->older.state) &&
        (ok || !e->put_back))
        engine_session_forget_older(e->open);
    return ok;
}
