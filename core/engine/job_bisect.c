/* Bisect: which edit changed the answer to a prompt (editscope-method(7) 11).
 *
 * States are numbered 0 (base) to n (after the last active edit). The two ends are asked first. If
 * the expected answer holds at both or at neither, there is nothing to find. Otherwise the interval
 * is halved, keeping one end where it holds and one where it does not, until the two are
 * neighbours: log2(n) states are rebuilt and asked. Both neighbours have then been asked, so the
 * edit between them did change the answer. If the answer changed more than once, one of the changes
 * is found. One EV_BISECT after each state. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/engine/internal.h"

enum { ANSWER_TOKENS = 24 };

/* The search and its report so far. */
struct bisect_run {
    struct engine *e;
    const struct command *cmd;
    struct edit_record *edits;
    int count; /* states are 0 (base) to count */
    int from, to;
    struct bisect_report b;
};

static void emit_bisect(struct bisect_run *s, bool over)
{
    struct bisect_report *b = xmalloc(sizeof(*b));
    struct event ev = {.kind = EV_BISECT, .job = s->e->job_id, .bisect = b};

    *b = s->b;
    b->over = over;
    b->prompt = xstrdup(s->cmd->text);
    b->expect = xstrdup(s->cmd->expect);
    bus_emit(s->e->bus, ev);
}

static bool bisect_ask(struct bisect_run *s, int state, bool *holds, struct err *err)
{
    struct engine *e = s->e;
    struct bisect_step *step = &s->b.step[s->b.steps];
    struct model_state *view = NULL;
    int edit = state ? s->edits[state - 1].id : 0;
    int tokens = s->cmd->tokens > 0 ? s->cmd->tokens : ANSWER_TOKENS;
    struct wording w = wording_of(&s->cmd->params);
    char *text = NULL;

    if (!job_cancelled(&e->job, err) && engine_session_state(e, edit, &view, err))
        text = answer_words(view, &w, s->cmd->text, tokens, &e->job, err);
    state_free(view);
    if (!text)
        return false;
    *step = (struct bisect_step){.edit = edit, .holds = answer_begins(text, s->cmd->expect)};
    utf8_copy(step->said, sizeof(step->said), text);
    *holds = step->holds;
    if (s->b.steps < (int)(sizeof(s->b.step) / sizeof(s->b.step[0])) - 1)
        s->b.steps++;
    free(text);
    emit_bisect(s, false);
    return true;
}

/* Returns false only with err. That no edit changed the answer is a result too: b.edit stays 0. */
static bool bisect_search(struct bisect_run *s, struct err *err)
{
    int low = s->from, high = s->to;
    bool at_base, at_end, holds;

    if (!bisect_ask(s, low, &at_base, err) || !bisect_ask(s, high, &at_end, err))
        return false;
    if (at_base == at_end)
        return true;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;

        if (!bisect_ask(s, middle, &holds, err))
            return false;
        emit_progress(s->e, s->e->job_id, "bisect", s->b.steps, 0);
        if (holds == at_base)
            low = middle;
        else
            high = middle;
    }
    s->b.edit = s->edits[high - 1].id;
    s->b.exact = true;
    return true;
}

/* Index of the state after an edit; for edit 0 it is `otherwise`. */
static bool state_index(const struct bisect_run *s, int edit, int otherwise, int *at,
                        struct err *err)
{
    *at = otherwise;
    for (int i = 0; edit && i < s->count; i++)
        if (s->edits[i].id == edit) {
            *at = i + 1;
            return true;
        }
    return !edit || err_set(err, ERR_USAGE, "no active edit %d; `editscope log` lists them", edit);
}

bool job_bisect(struct engine *e, struct command *cmd, struct err *err)
{
    struct bisect_run s = {.e = e, .cmd = cmd};
    struct wording w = wording_of(&cmd->params);
    bool ok;

    if (!cmd->text || !*cmd->text || !cmd->expect || !cmd->expect[strspn(cmd->expect, " \t\n")])
        return err_set(err, ERR_USAGE, "bisect needs a prompt and how its answer should begin");
    if (!utf8_valid(cmd->expect, strlen(cmd->expect), NULL))
        return err_set(err, ERR_USAGE, "how the answer should begin is not UTF-8");
    if (!session_edits(e->open->journal, false, &s.edits, &s.count, err))
        return false;
    ok = s.count > 0 || err_set(err, ERR_USAGE, "the session has no active edit to search");
    ok = ok && state_index(&s, cmd->from, 0, &s.from, err) &&
         state_index(&s, cmd->edit, s.count, &s.to, err);
    if (ok && s.from >= s.to)
        ok = err_set(err, ERR_USAGE, "bisect: edit %d is not before edit %d", cmd->from,
                     s.edits[s.to - 1].id);
    s.b.states = s.to - s.from + 1;
    if (ok)
        notice_text(e, &w, cmd->text);
    ok = ok && bisect_search(&s, err);
    if (ok)
        emit_bisect(&s, true);
    edit_records_free(s.edits, s.count);
    return ok;
}
