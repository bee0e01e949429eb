/* editscope bisect: finds the edit that changed an answer, by binary search over the states of a
 * session. Each state that is asked is printed; then the result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

/* A state that was asked. */
static void step_json(const struct bisect_step *s)
{
    json_t *o = cli_event("step");

    cli_fields(o, &bisect_step_fields, s, "edit holds said");
    cli_print(o);
}

static void step_text(const struct bisect_step *s)
{
    if (s->edit)
        std_print("after edit %-6d %-3s  %s\n", s->edit, s->holds ? "yes" : "no", s->said);
    else
        std_print("base              %-3s  %s\n", s->holds ? "yes" : "no", s->said);
}

/* The edit that was found, with its facts; "edit" is null if none changed the answer. */
static void result_json(const struct bisect_report *b, const struct history_entry *e)
{
    json_t *o = cli_event("done");

    if (e)
        record_facts(o, e);
    json_object_set_new(o, "edit", b->edit ? json_integer(b->edit) : json_null());
    cli_fields(o, &bisect_report_fields, b, "exact");
    json_object_set_new(o, "holds_first", json_boolean(b->step[0].holds));
    cli_fields(o, &bisect_report_fields, b, "asked=steps states");
    cli_print(o);
}

static void result_text(const struct bisect_report *b, const struct history_entry *e)
{
    char *words = e ? history_words(e, " -> ") : NULL;
    bool at_base = b->steps && b->step[0].holds; /* at the earlier state */

    if (b->edit)
        std_print("edit %d (%.240s) %s; asked %d of %d states, including that edit and the one "
                  "before it\n",
                  b->edit, words, at_base ? "broke the answer" : "made the answer", b->steps,
                  b->states);
    else
        std_print("no edit changed it: the answer %s in both states%s\n",
                  at_base ? "holds" : "fails",
                  at_base ? "" : "; give --from N, a state where it held");
    free(words);
}

/* The entry of an edit in the history; NULL: none. */
static const struct history_entry *entry_of(const struct history *h, int edit)
{
    for (int i = 0; i < h->count; i++)
        if (h->entry[i].edit == edit)
            return &h->entry[i];
    return NULL;
}

static void bisect_on_event(struct cli *c, struct event *ev, void *ctx)
{
    const struct bisect_report *b = ev->kind == EV_BISECT ? ev->bisect : NULL;
    const struct event *history = ctx;

    if (!b)
        return;
    if (b->over && cli_json(c))
        result_json(b, entry_of(history->history, b->edit));
    else if (b->over)
        result_text(b, entry_of(history->history, b->edit));
    else if (b->steps && cli_json(c))
        step_json(&b->step[b->steps - 1]);
    else if (b->steps)
        step_text(&b->step[b->steps - 1]);
    std_flush();
}

static bool bisect_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_BISECT, .params = c->params};
    struct event history = {.kind = EV_NONE};
    char *text = NULL;
    long tokens, from, to;
    bool ok;

    if (c->rest_count != 1 || !cli_has(c, OPT_EXPECT))
        return err_set(err, ERR_USAGE,
                       "bisect needs one prompt and its answer: bisect -s SESSION PROMPT --expect "
                       "TEXT");
    if (!cli_number(c, OPT_TOKENS, 1, 4096, 24, &tokens, err) ||
        !cli_number(c, OPT_FROM, 0, EDIT_NUMBER_MAX, 0, &from, err) ||
        !cli_number(c, OPT_LAST, 1, EDIT_NUMBER_MAX, 0, &to, err) ||
        (!strcmp(c->rest[0], "-") && !(text = cli_stdin_text("bisect", err))))
        return false;
    if (!cli_start(c, NEED_SESSION | READS, err) || !cli_history(c, &history, err)) {
        free(text);
        return false;
    }
    cmd.tokens = (int)tokens;
    cmd.from = (int)from;
    cmd.edit = (int)to;
    cmd.text = text ? text : xstrdup(c->rest[0]);
    cmd.expect = xstrdup(c->value[OPT_EXPECT]);
    ok = cli_job(c, &cmd, bisect_on_event, &history, err);
    event_free(&history);
    return ok;
}

const struct cli_ops cli_bisect = {"bisect", "PROMPT", "Find the edit that changed an answer",
                                   FOR_BISECT | FOR_SESSION | FOR_MODEL, bisect_run};
