/* editscope log: the session's edits, undone ones as well. */
#include <stdio.h>
#include <time.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static void as_json(const struct history *h)
{
    for (int i = 0; i < h->count; i++) {
        const struct history_entry *e = &h->entry[i];
        json_t *o = cli_event("edit");

        json_object_set_new(o, "edit", json_integer(e->edit));
        json_object_set_new(o, "active", json_boolean(e->active));
        json_object_set_new(o, "when", json_integer((json_int_t)e->when));
        json_object_set_new(o, "subject", cli_text(e->subject));
        json_object_set_new(o, "prompt", cli_text(e->prompt));
        json_object_set_new(o, "target", cli_text(e->target));
        json_object_set_new(o, "old", e->old ? cli_text(e->old) : json_null());
        json_object_set_new(o, "p_first", cli_pair(e->p_before, e->p_after));
        json_object_set_new(o, "kept", json_integer(e->kept));
        json_object_set_new(o, "success", json_boolean(e->success));
        json_object_set_new(o, "draft", json_boolean(e->draft));
        json_object_set_new(o, "checksum", json_string(e->checksum));
        json_object_set_new(o, "note", e->note ? cli_text(e->note) : json_null());
        cli_print(o);
    }
}

static void as_text(const struct history *h)
{
    std_puts(" edit  when              p(first)          fact");
    for (int i = 0; i < h->count; i++) {
        const struct history_entry *e = &h->entry[i];
        char when[32] = "";
        bool note = e->note && *e->note;
        time_t t = (time_t)e->when;
        struct tm tm;

        if (localtime_r(&t, &tm))
            strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
        std_print("%5d  %-16s  %.4f -> %.4f  %.64s -> %.64s%s%s%s%s%.128s\n", e->edit, when,
                  e->p_before, e->p_after, e->subject, e->target, e->active ? "" : "  (undone)",
                  e->success ? "" : "  (not accepted)", e->draft ? "  (draft)" : "",
                  note ? "  # " : "", e->note);
    }
}

static void hear(struct cli *c, struct event *ev, void *ctx)
{
    (void)ctx;
    if (ev->kind != EV_HISTORY)
        return;
    if (cli_json(c))
        as_json(ev->history);
    else
        as_text(ev->history);
}

/* The session's file tells its past by itself; with -m it is compared with that model. */
static bool past(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_HISTORY};
    struct event ev = {.kind = EV_HISTORY};

    if (cli_has(c, OPT_SESSION) && !cli_has(c, OPT_MODEL)) {
        ev.history = engine_past(c->value[OPT_SESSION], &c->state, err);
        if (!ev.history)
            return false;
        if (*c->state.checksum) {
            hear(c, &ev, NULL);
            event_free(&ev);
            return true;
        }
        event_free(&ev);
    }
    return cli_start(c, NEED_SESSION | READS, err) && cli_job(c, &cmd, hear, NULL, err);
}

static bool run(struct cli *c, struct err *err)
{
    json_t *o;

    if (!past(c, err))
        return false;
    if (!cli_json(c)) {
        std_print("%d edit%s\nchecksum %s\n", c->state.edits, c->state.edits == 1 ? "" : "s",
                  c->state.checksum);
        return true;
    }
    o = cli_event("state");
    json_object_set_new(o, "edits", json_integer(c->state.edits));
    json_object_set_new(o, "checksum", json_string(c->state.checksum));
    cli_print(o);
    return true;
}

const struct cli_ops cli_log = {"log", "", "The session's edits", FOR_SESSION | FOR_MODEL, run};
