/* Reads the file of a run for the screen: what it is of, its facts, numbers and measures, as far as
 * they are there. Another process may be writing it, so it is read in short pieces, each of which
 * is one statement, and nothing is kept open in between; what is written once never changes. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"
#include "core/session/measures.h"

enum { AT_ONCE = 20000 }; /* measures of one statement: some ten milliseconds */

static struct run_fact run_fact_of(int edit, const struct fact *f)
{
    struct run_fact out = {.edit = edit,
                           .subject = xstrdup(f->subject),
                           .prompt = xstrdup(f->prompt),
                           .target = xstrdup(f->target),
                           .old = xstrdup(f->old),
                           .rephrase = xstrdup(f->rephrase),
                           .localities = f->localities,
                           .mores = f->mores};

    out.locality = xcalloc((size_t)f->localities + 1, sizeof(*out.locality));
    for (int i = 0; i < f->localities; i++)
        out.locality[i] =
            (struct run_probe){xstrdup(f->locality[i].prompt), xstrdup(f->locality[i].answer)};
    out.more = xcalloc((size_t)f->mores + 1, sizeof(*out.more));
    for (int i = 0; i < f->mores; i++)
        out.more[i] = (struct run_probe){xstrdup(f->more[i]), NULL};
    return out;
}

/* The facts of the edits after this one. */
static bool run_facts_read(struct session *s, int edit, struct run_info *r, struct err *err)
{
    struct edit_record *e;
    int count;

    if (!session_edits_after(s, edit, &e, &count, err))
        return false;
    for (int i = 0; i < count; i++)
        for (int k = 0; k < e[i].requests; k++) {
            r->fact = xrealloc(r->fact, (size_t)(r->facts + 1) * sizeof(*r->fact));
            r->fact[r->facts++] = run_fact_of(e[i].id, &e[i].facts[k]);
        }
    edit_records_free(e, count);
    return true;
}

static bool run_state(struct session *s, struct run_info *r, struct err *err)
{
    struct session_status status;

    if (!session_status(s, &status, err))
        return false;
    r->changed = (double)status.when; /* the file's own time is that of a copy */
    r->active_to = status.last;
    r->active_from = status.edits ? status.last - status.edits + 1 : 0; /* they follow each other */
    return true;
}

/* All but the measures. *from and *edit become 0 where the file is not the one they are of. */
static bool run_info_read(struct session *s, long *from, int *edit, struct run_info *r,
                          struct err *err)
{
    long last;

    r->path = xstrdup(session_path(s));
    r->text = session_get(s, SESSION_RUN, err);
    if (!r->text)
        return err->kind || err_set(err, ERR_USAGE,
                                    "%s is a session, and no run: `editscope eval -o FILE` "
                                    "writes one",
                                    session_path(s));
    if (!session_last_measure(s, &last, err))
        return false;
    if (last < *from)
        *from = *edit = 0;
    r->whole = !*from && !*edit;
    return session_numbers(s, &r->number, &r->numbers, err) && run_state(s, r, err) &&
           run_facts_read(s, *edit, r, err);
}

static struct measures *measures_of(struct measure *m, int count)
{
    struct measures *out = xcalloc(1, sizeof(*out));

    out->measure = m;
    out->count = count;
    return out;
}

bool run_read(const char *path, long from, int edit, run_emit *emit, void *ctx, struct err *err)
{
    struct run_info *r = xcalloc(1, sizeof(*r));
    struct session *s = session_peek(path, err);
    struct event info = {.kind = EV_RUN, .run = r};
    struct measure **part = NULL;
    int *count = NULL, parts = 0;
    long last;
    bool ok = s && run_info_read(s, &from, &edit, r, err);

    last = from;
    while (ok && (!parts || count[parts - 1] == AT_ONCE)) {
        part = xrealloc(part, (size_t)(parts + 1) * sizeof(*part));
        count = xrealloc(count, (size_t)(parts + 1) * sizeof(*count));
        ok = session_measures_after(s, &last, AT_ONCE, &part[parts], &count[parts], err);
        parts++;
    }
    session_close(s);
    r->last = (int)last;
    if (ok)
        emit(ctx, EV_RUN, r);
    else
        event_free(&info);
    for (int i = 0; i < parts; i++)
        if (ok && count[i])
            emit(ctx, EV_MEASURES, measures_of(part[i], count[i]));
        else
            measures_free(part[i], count[i]);
    free(part);
    free(count);
    return ok;
}

static void emit_of_engine(void *ctx, enum event_kind kind, void *payload)
{
    engine_emit(ctx, kind, payload);
}

bool job_run(struct engine *e, struct command *cmd, struct err *err)
{
    const char *path = cmd->text ? cmd->text : e->open ? session_path(e->open->journal) : "";

    if (!*path)
        return err_set(err, ERR_USAGE, "the session is no run, and has no file");
    return run_read(path, cmd->from, cmd->edit, emit_of_engine, e, err);
}

bool engine_is_run(const char *session)
{
    struct session *s = session_peek(session, NULL);
    char *text = s ? session_get(s, SESSION_RUN, NULL) : NULL;
    bool is = text != NULL;

    free(text);
    session_close(s);
    return is;
}
