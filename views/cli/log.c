/* editscope log: the edits of a session, including undone ones. Without -m it reads the session
 * file alone, without a lock and without the model. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/show.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

static void log_json(const struct history *h, int edit, const struct recalled_edit *stored)
{
    for (int i = 0; i < h->count; i++) {
        const struct history_entry *e = &h->entry[i];
        json_t *o;

        if (edit && e->edit != edit)
            continue;
        o = cli_event("edit");
        cli_fields(o, &history_entry_fields, e, "edit active");
        json_object_set_new(o, "when", json_integer((json_int_t)e->when));
        cli_fields(o, &history_entry_fields, e, "subject prompt target old");
        cli_fields(o, &history_fact_fields, &e->fact[0], "p_target");
        json_object_set_new(o, "p_first", cli_pair(e->p_before, e->p_after));
        cli_fields(o, &history_entry_fields, e, "kept");
        json_object_set_new(o, "method", *e->method ? json_string(e->method) : json_null());
        cli_fields(o, &history_entry_fields, e, "success");
        record_facts(o, e);
        cli_fields(o, &history_entry_fields, e, "draft checksum note");
        if (stored)
            log_edit_json(o, stored);
        cli_print(o);
    }
}

/* "p(target) 0.0001 -> 0.9812"; old sessions have p(first) only. */
static const char *p_change_text(struct p_change p, char *out, size_t n)
{
    char change[40];

    if (isnan(p.after))
        snprintf(out, n, "%s not kept", p.name);
    else
        snprintf(out, n, "%s %s", p.name, cli_change((const double[]){p.before, p.after}, change));
    return out;
}

/* A line per fact of one edit: outcome at its commit, probability, subject -> target (prompt). */
static void facts_text(const struct history_entry *e)
{
    static const char *const outcome[] = {"unknown", "held", "failed"};

    for (int i = 0; i < e->facts; i++) {
        const struct history_fact *f = &e->fact[i];
        char p[64];

        std_print("  %4d  %-7s  %-26s  %.80s -> %.80s  (%.160s)", i + 1, outcome[f->outcome],
                  p_change_text(history_p_change(f), p, sizeof(p)), f->subject, f->target,
                  f->prompt);
        if (f->rewritten)
            std_print("  rewritten by edit %d", f->rewritten);
        std_print("\n");
    }
}

/* How many facts of an edit a later one rewrote. */
static int rewritten_facts(const struct history_entry *e)
{
    int n = 0;

    for (int i = 0; i < e->facts; i++)
        n += e->fact[i].rewritten > 0;
    return n;
}

/* Remarks behind the fact: undone, did not hold, rewritten since, draft, the note. Caller frees. */
static char *remarks(const struct history_entry *e, bool named)
{
    struct buf out = {0};
    char value[64];
    int rewritten = rewritten_facts(e);

    show_format(&out, "%s%s%s", e->active ? "" : "  (undone)", e->success ? "" : "  (did not hold)",
                e->draft ? "  (draft)" : "");
    if (rewritten && e->facts == 1)
        show_format(&out, "  (rewritten by edit %d)", e->fact[0].rewritten);
    else if (rewritten)
        show_format(&out, "  (%d of %d rewritten)", rewritten, e->facts);
    if (named)
        show_format(&out, "  (%s)",
                    p_change_text(history_p_change(&e->fact[0]), value, sizeof(value)));
    if (e->note && *e->note)
        show_format(&out, "  # %.128s", e->note);
    return buf_take(&out);
}

/* A row of the table: edit, time, p(target), method, fact. */
static void add_entry(struct table *t, const struct history_entry *e)
{
    struct p_change p = history_p_change(&e->fact[0]);
    bool named = strcmp(p.name, "p(target)") != 0; /* the column is p(target) */
    char when[32] = "", value[40], *words = history_words(e, " -> "), *rest = remarks(e, named);
    time_t at = (time_t)e->when;
    struct tm tm;

    if (localtime_r(&at, &tm))
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
    table_integer(t, e->edit);
    table_text(t, when);
    table_text(t, named || isnan(p.after) ? NULL
                                          : cli_change((const double[]){p.before, p.after}, value));
    table_text(t, *e->method ? e->method : NULL);
    table_format(t, "%.240s%s", words, rest);
    free(words);
    free(rest);
}

static void log_text(const struct history *h, int edit, const struct recalled_edit *stored)
{
    struct table t = {.name = "log"};

    table_layout(&t, "edit%5d  when%-16s  p(target)%-16s  method%-10s  fact%s");
    cli_titles(&t);
    for (int i = 0; i < h->count; i++)
        if (!edit || h->entry[i].edit == edit) {
            add_entry(&t, &h->entry[i]);
            cli_row(&t);
            if (edit)
                facts_text(&h->entry[i]);
            if (stored)
                log_edit_text(h, stored);
        }
    table_free(&t);
}

/* --edit N: one edit, with what the session stores of it; 0: all of them. */
struct log_filter {
    int edit;
    struct event stored; /* EV_RECALLED of the edit */
};

static void print_log(struct cli *c, const struct log_filter *w, struct history *h)
{
    history_find_rewritten(h);
    if (cli_json(c))
        log_json(h, w->edit, w->stored.recalled);
    else
        log_text(h, w->edit, w->stored.recalled);
}

static void log_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct log_filter *w = ctx;

    if (ev->kind == EV_HISTORY)
        print_log(c, w, ev->history);
    else if (ev->kind == EV_RECALLED) {
        w->stored.recalled = ev->recalled;
        ev->recalled = NULL;
    }
}

/* From the session file alone, unless the file has no checksum. */
static bool print_file(struct cli *c, struct log_filter *w, bool *printed, struct err *err)
{
    const char *path = c->value[OPT_SESSION];
    struct event ev = {.kind = EV_HISTORY};

    ev.history = engine_session_history(path, &c->state, err);
    *printed = ev.history && *c->state.checksum;
    if (*printed && w->edit)
        w->stored.recalled = engine_session_recall(path, w->edit, err);
    *printed = *printed && (!w->edit || w->stored.recalled);
    if (*printed)
        print_log(c, w, ev.history);
    event_free(&ev);
    return !err->kind;
}

/* From the session file alone; with -m, or where the file has no checksum, through the engine. */
static bool print_history(struct cli *c, struct log_filter *w, struct err *err)
{
    struct command history = {.kind = CMD_HISTORY}, recall = {.kind = CMD_RECALL, .edit = w->edit};
    bool printed = false;

    if (cli_has(c, OPT_SESSION) && !cli_has(c, OPT_MODEL) && !print_file(c, w, &printed, err))
        return false;
    return printed || (cli_start(c, NEED_SESSION | READS, err) &&
                       (!w->edit || cli_job(c, &recall, log_on_event, w, err)) &&
                       cli_job(c, &history, log_on_event, w, err));
}

static bool log_run(struct cli *c, struct err *err)
{
    struct log_filter w = {.stored = {.kind = EV_RECALLED}};
    bool ok;
    long edit;
    json_t *o;

    if (!cli_number(c, OPT_LOG_EDIT, 1, EDIT_NUMBER_MAX, 0, &edit, err))
        return false;
    w.edit = (int)edit;
    ok = print_history(c, &w, err);
    event_free(&w.stored);
    if (!ok)
        return false;
    if (!cli_json(c)) {
        std_print("%d edit%s\nchecksum %s\n", c->state.edits, c->state.edits == 1 ? "" : "s",
                  c->state.checksum);
        return true;
    }
    o = cli_event("state");
    cli_fields(o, &state_info_fields, &c->state, "edits checksum");
    cli_print(o);
    return true;
}

const struct cli_ops cli_log = {"log", "", "List the edits of a session",
                                FOR_LOG | FOR_SESSION | FOR_MODEL, log_run};
