/* Undo and redo: finds the edits that are meant, marks them in the journal, and rebuilds the
 * weights without or with them. A list such as 3-52,60 is undone as a whole or not at all: in the
 * journal and in the weights. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"

/* A range of edits, both ends included. */
struct span {
    int from, to;
};

/* Reads a number from 1 and moves *at behind it. */
static bool edit_number(const char **at, int *out)
{
    char *end;
    long n = strtol(*at, &end, 10);

    if (end == *at || **at < '0' || **at > '9' || n < 1 || n > INT_MAX)
        return false;
    *out = (int)n;
    *at = end;
    return true;
}

/* Parses "3-52,60". Caller frees; NULL with err. */
static struct span *spans_of(const char *list, int *count, struct err *err)
{
    struct span *span = xcalloc(strlen(list) + 1, sizeof(*span));
    const char *at = list;
    bool ok = true;

    *count = 0;
    do {
        struct span *s = &span[(*count)++];

        at += *count > 1; /* the comma */
        ok = edit_number(&at, &s->from);
        s->to = s->from;
        if (ok && *at == '-') {
            at++;
            ok = edit_number(&at, &s->to) && s->to >= s->from;
        }
    } while (ok && *at == ',');
    if (ok && !*at)
        return span;
    free(span);
    err_set(err, ERR_USAGE, "'%.60s' is not a list of edits: write 3, or 3-52,60", list);
    return NULL;
}

/* Marks the edits of a range that can be undone (or redone). A single edit is always marked: if it
 * cannot be undone, the journal refuses it and says why. */
static bool span_mark(const struct edit_record *edits, int count, const struct span *s, bool redo,
                      bool *wanted, struct err *err)
{
    bool one = s->from == s->to, found = !one;

    for (int i = 0; i < count; i++)
        if (edits[i].id >= s->from && edits[i].id <= s->to) {
            wanted[i] |= one || (redo ? edits[i].redoable : edits[i].active);
            found = true;
        }
    return found || err_set(err, ERR_USAGE, "there is no edit %d", s->from);
}

/* The numbers of the edits in a list, in order. Caller frees. */
static bool edits_of(struct session *journal, const char *list, bool redo, int **out, int *n,
                     struct err *err)
{
    int spans = 0, count = 0;
    struct span *span = spans_of(list, &spans, err);
    struct edit_record *edits = NULL;
    bool *wanted, ok = span && session_edits(journal, true, &edits, &count, err);

    *n = 0;
    *out = xcalloc((size_t)count + 1, sizeof(**out));
    wanted = xcalloc((size_t)count + 1, sizeof(*wanted));
    for (int k = 0; ok && k < spans; k++)
        ok = span_mark(edits, count, &span[k], redo, wanted, err);
    for (int i = 0; i < count; i++)
        if (wanted[i])
            (*out)[(*n)++] = edits[i].id;
    if (ok && !*n)
        ok = err_set(err, ERR_USAGE, "no edit of %.60s can be %s; `editscope log` lists them", list,
                     redo ? "redone" : "undone");
    edit_records_free(edits, count);
    free(wanted);
    free(span);
    return ok;
}

/* Changes the journal: the last edit, one edit, or a list. */
static bool undo_journal(struct engine *e, const struct command *cmd, struct err *err)
{
    struct session *journal = e->open->journal;
    bool redo = cmd->kind == CMD_REDO, ok;
    int *edit = NULL, n = 0;

    if (!cmd->text && redo)
        return session_redo(journal, cmd->edit, NULL, err);
    if (!cmd->text)
        return cmd->edit ? session_deactivate(journal, cmd->edit, err)
                         : session_undo(journal, NULL, err);
    ok = edits_of(journal, cmd->text, redo, &edit, &n, err) &&
         (redo ? session_redo_edits(journal, edit, n, err)
               : session_deactivate_edits(journal, edit, n, err));
    free(edit);
    return ok;
}

/* Changes the journal and rebuilds the weights for it. The journal is committed last: if the
 * rebuild fails, for lack of memory or because the GPU failed, the steps are taken back, so that
 * journal and weights always agree. */
static bool undo_and_rebuild(struct engine *e, struct command *cmd, struct model_state **view,
                             struct err *err)
{
    struct session *journal = e->open->journal;
    bool ok = session_begin(journal, err) && undo_journal(e, cmd, err);

    if (ok)
        preview_drop(e); /* frees memory for the rebuild */
    ok = ok && engine_session_rebuild(e, journal, 0, view, err);
    return session_end(journal, ok, err);
}

bool job_undo(struct engine *e, struct command *cmd, struct err *err)
{
    struct model_state *view = NULL;
    bool previewed = e->preview.view != NULL;

    if (e->options.readonly)
        return err_set(err, ERR_USAGE,
                       "the session is open for reading only: nothing can be undone or redone");
    if (!undo_and_rebuild(e, cmd, &view, err)) {
        state_free(view);
        if (previewed && !e->preview.view)
            emit_state(e, NULL); /* the preview is gone */
        return false;
    }
    state_free(e->open->edited);
    e->open->edited = view;
    e->open->history++;
    return job_history(e, cmd, err) && emit_state(e, err);
}
