/* editscope undo, redo: change which edits are active. Nothing is ever deleted from a session. The
 * facts that were undone are found by comparing the history before and after. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

/* --edit 3, or a list such as 3-52,60, into the command. */
static bool parse_edits(const struct cli *c, struct command *cmd, struct err *err)
{
    const char *list = c->value[OPT_EDIT];
    long edit;

    if (list && strpbrk(list, ",-") && *list != '-') {
        cmd->text = xstrdup(list);
        return true;
    }
    if (!cli_number(c, OPT_EDIT, 1, EDIT_NUMBER_MAX, 0, &edit, err))
        return false;
    cmd->edit = (int)edit;
    return true;
}

/* The history before and after, and what was asked after that. */
struct steps {
    struct event before, after, rechecked;
};

static void undo_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct steps *s = ctx;

    (void)c;
    if (ev->kind == EV_HISTORY && !s->after.kind) {
        s->after = *ev;
        ev->history = NULL;
    } else if (ev->kind == EV_RECHECKED) {
        s->rechecked = *ev;
        ev->overwritten = NULL;
    } else {
        return;
    }
    ev->kind = EV_NONE;
}

static bool was_active(const struct history *h, int edit)
{
    for (int i = 0; i < h->count; i++)
        if (h->entry[i].edit == edit)
            return h->entry[i].active;
    return false;
}

/* "edit 1 undone: 10 facts: Angola -> Antarctica, ..." */
static void print_step(const struct history_entry *e, const char *done)
{
    enum { NAMED = 12 };

    std_print("edit %d %s: ", e->edit, done);
    if (e->facts > 1)
        std_print("%d facts: ", e->facts);
    for (int i = 0; i < e->facts && i < NAMED; i++)
        std_print("%s%.80s -> %.80s", i ? ", " : "", e->fact[i].subject, e->fact[i].target);
    if (e->facts > NAMED)
        std_print(" and %d more", e->facts - NAMED);
    std_puts("");
}

static json_t *step_json(const struct history_entry *e)
{
    json_t *o = json_object();

    json_object_set_new(o, "edit", json_integer(e->edit));
    record_facts(o, e);
    return o;
}

/* Prints the edits that changed between active and inactive; with --json returns them. */
static json_t *print_steps(struct cli *c, const struct steps *s, bool redo)
{
    const struct history *h = s->after.kind ? s->after.history : NULL;
    json_t *list = json_array();

    for (int i = 0; h && i < h->count; i++) {
        const struct history_entry *e = &h->entry[i];

        if (e->active == was_active(s->before.history, e->edit))
            continue;
        if (cli_json(c))
            json_array_append_new(list, step_json(e));
        else
            print_step(e, redo ? "redone" : "undone");
    }
    return list;
}

/* Whether an edit that changed lies before one that is active: the later ones were made on other
 * weights, so facts of theirs may not hold now. */
static bool is_from_the_middle(const struct steps *s)
{
    const struct history *h = s->after.kind ? s->after.history : NULL;
    bool changed = false;

    for (int i = 0; h && i < h->count; i++) {
        if (changed && h->entry[i].active && was_active(s->before.history, h->entry[i].edit))
            return true;
        changed |= h->entry[i].active != was_active(s->before.history, h->entry[i].edit);
    }
    return false;
}

/* Which facts of the edits that stay hold no longer: all of them up to a sample. */
static bool recheck_others(struct cli *c, struct steps *s, struct err *err)
{
    struct command cmd = {.kind = CMD_RECHECK, .params = c->params, .edit = EDIT_NUMBER_MAX};

    return !is_from_the_middle(s) || cli_job(c, &cmd, undo_on_event, s, err);
}

/* "of the active edits 8 of 9 facts hold that held when they were made; not: ..." */
static void others_text(const struct overwritten *o)
{
    if (!o->facts)
        return;
    std_print("of the active edits %d of %d facts hold that held when they were made", o->held,
              o->asked);
    if (o->asked < o->facts)
        std_print(" (a sample of %d)", o->facts);
    cli_lost_facts(o, "; not any more: ");
    std_puts("");
}

/* Runs CMD_UNDO or CMD_REDO and prints what changed. */
static bool undo_or_redo(struct cli *c, enum command_kind kind, struct err *err)
{
    struct command cmd = {.kind = kind, .params = c->params};
    struct steps s = {0};
    json_t *o, *list;
    bool ok;

    if (!parse_edits(c, &cmd, err) || !cli_start(c, NEED_SESSION, err)) {
        free(cmd.text);
        return false;
    }
    ok = cli_history(c, &s.before, err);
    if (ok)
        ok = cli_job(c, &cmd, undo_on_event, &s, err) && recheck_others(c, &s, err);
    else
        free(cmd.text);
    list = ok ? print_steps(c, &s, kind == CMD_REDO) : NULL;
    if (ok && cli_json(c)) {
        o = cli_event(NULL);
        cli_fields(o, &state_info_fields, &c->state, "edits checksum state");
        json_object_set_new(o, kind == CMD_REDO ? "redone" : "undone", json_incref(list));
        if (s.rechecked.kind)
            json_object_set_new(o, "active", cli_rechecked_json(s.rechecked.overwritten));
        cli_print(o);
    } else if (ok) {
        if (s.rechecked.kind)
            others_text(s.rechecked.overwritten);
        std_print("%d edit%s\nchecksum %s\n", c->state.edits, c->state.edits == 1 ? "" : "s",
                  c->state.checksum);
    }
    json_decref(list);
    event_free(&s.before);
    event_free(&s.after);
    event_free(&s.rechecked);
    return ok;
}

static bool undo_run(struct cli *c, struct err *err)
{
    return undo_or_redo(c, CMD_UNDO, err);
}

static bool redo_run(struct cli *c, struct err *err)
{
    return undo_or_redo(c, CMD_REDO, err);
}

const struct cli_ops cli_undo = {"undo", "", "Undo the last edit, or any edit",
                                 FOR_STEP | FOR_SESSION | FOR_MODEL, undo_run};
const struct cli_ops cli_redo = {"redo", "", "Redo the last undone edit, or any",
                                 FOR_STEP | FOR_SESSION | FOR_MODEL, redo_run};
