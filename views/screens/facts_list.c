/* Reads pasted or loaded facts into the list, and sends them to the engine one by one.
 *
 * One fact goes through these states:
 *
 *   WAITS -> RUNS -> HOLDS or WEAK    committed; the edit answers the prompt as wanted, or not
 *              |---> FAILED           the engine refused it; q->why says why
 *              '---> WAITS            cancelled */
#include "views/screens/facts_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "views/requests.h"

enum { MOST_BYTES = 64 << 20 };

int facts_take(struct host *host, const char *text, size_t len)
{
    struct ui_state *d = host->ui;
    struct buf left_out = {0}, blanks = {0};
    struct fact *facts;
    int n = facts_from_lines(text, len, d->relations, (unsigned long)d->params.value[P_SEED],
                             &facts, &left_out),
        bad = 0;

    for (const char *p = left_out.data; p && (p = strchr(p, '\n')); p++)
        bad++;
    fact_trimmed_say(facts, n, &blanks);
    if (blanks.len)
        ui_log(d, TONE_WARN, blanks.data);
    if (n)
        d->queue = xrealloc(d->queue, (size_t)(d->queue_count + n) * sizeof(*d->queue));
    for (int i = 0; i < n; i++)
        d->queue[d->queue_count++] = (struct queued_fact){.fact = facts[i]};
    free(facts);
    for (const char *p = left_out.data; p && *p; p += strcspn(p, "\n") + 1) {
        char line[200];

        show_print(line, sizeof(line), "left out, %.*s", (int)strcspn(p, "\n"), p);
        ui_log(d, TONE_WARN, line);
        if (!strchr(p, '\n'))
            break;
    }
    if (bad)
        host->message(host, TONE_WARN, "%d fact%s added, %d line%s left out: %.*s%s", n,
                      n == 1 ? "" : "s", bad, bad == 1 ? "" : "s",
                      (int)strcspn(left_out.data, "\n"), left_out.data,
                      bad > 1 ? " (:log lists all)" : "");
    else if (n)
        host->message(host, blanks.len ? TONE_WARN : TONE_GOOD,
                      "%d fact%s added: {commit} commits them%s%s", n, n > 1 ? "s" : "",
                      blanks.len ? "; " : "", blanks.len ? blanks.data : "");
    else
        host->message(host, TONE_WARN,
                      "no fact found: write a line as subject | relation | object");
    buf_free(&left_out);
    buf_free(&blanks);
    return n;
}

bool facts_take_file(struct host *host, const char *path)
{
    struct err err = {0};
    size_t len = 0;
    char *text = file_read_text(path, MOST_BYTES, &len, &err);
    int n = text ? facts_take(host, text, len) : 0;

    if (!text)
        host->message(host, TONE_ERROR, "%s", err.text);
    free(text);
    return n > 0;
}

int facts_waiting(const struct ui_state *d)
{
    int n = 0;

    for (int i = 0; i < d->queue_count; i++)
        n += d->queue[i].state == QUEUE_WAITS;
    return n;
}

bool fact_is_undone(const struct ui_state *d, const struct queued_fact *q)
{
    for (int i = 0; q->edit && d->history && i < d->history->count; i++)
        if (d->history->entry[i].edit == q->edit)
            return !d->history->entry[i].active;
    return false;
}

struct facts_tally facts_tally(const struct ui_state *d)
{
    struct facts_tally t = {0};

    for (int i = 0; i < d->queue_count; i++) {
        const struct queued_fact *q = &d->queue[i];

        if (q->state == QUEUE_WAITS || q->state == QUEUE_RUNS || fact_is_undone(d, q))
            continue;
        t.done++;
        if (ui_rewritten_since(d, q))
            t.rewritten++;
        else if (ui_overwritten_since(d, q))
            t.overwritten++;
        else
            t.hold += q->state == QUEUE_HOLDS;
    }
    return t;
}

const char *facts_tally_words(const struct facts_tally *t, const char *fact, char out[80])
{
    int n = snprintf(out, 80, "%d of %d%s%s hold%s", t->hold, t->done, fact,
                     *fact && t->done != 1 ? "s" : "", t->hold == 1 ? "s" : "");

    if (t->rewritten)
        snprintf(out + n, 80 - (size_t)n, ", %d rewritten by a later fact", t->rewritten);
    return out;
}

/* Whether the fact is the one at hand, whose preview the commit then writes. */
static bool is_at_hand(const struct ui_state *d, const struct fact *f)
{
    return d->fact.subject && d->fact.prompt && d->fact.target &&
           !strcmp(d->fact.subject, f->subject) && !strcmp(d->fact.prompt, f->prompt) &&
           !strcmp(d->fact.target, f->target);
}

/* Posts a commit or a probe of this fact alone. Draft moments are good enough for a list on the
 * screen. */
static unsigned post_fact(struct host *host, struct queued_fact *q, enum command_kind kind)
{
    struct command cmd = {.kind = kind, .params = host->ui->params, .count = 1, .draft = true};

    cmd.facts = xcalloc(1, sizeof(*cmd.facts));
    cmd.facts[0] = fact_copy(&q->fact);
    q->job = kind == CMD_COMMIT && !is_at_hand(host->ui, &q->fact) ? request_replacing(host, &cmd)
                                                                   : host->post(host, &cmd);
    return q->job;
}

bool facts_next(struct host *host)
{
    struct ui_state *d = host->ui;

    for (int i = 0; i < d->queue_count; i++)
        if (d->queue[i].state == QUEUE_WAITS) {
            if (!post_fact(host, &d->queue[i], CMD_COMMIT))
                return false;
            d->queue[i].state = QUEUE_RUNS;
            return true;
        }
    return false;
}

void facts_recheck(struct host *host)
{
    const struct ui_state *d = host->ui;
    int first = 0;

    for (int i = 0; i < d->queue_count; i++)
        if (d->queue[i].edit && (!first || d->queue[i].edit < first))
            first = d->queue[i].edit;
    if (first && d->state.edits > 1)
        request_simple(host, CMD_RECHECK, first);
}

/* The commit is done: the number of the edit, p of the object before and after, whether it holds.
 */
static void note_outcome(struct queued_fact *q, const struct commit_report *e)
{
    q->edit = e->edit;
    q->p[0] = e->p_target[0];
    q->p[1] = e->p_target[1];
    q->state = e->success ? QUEUE_HOLDS : QUEUE_WEAK;
}

/* An event of this fact's job. The report is read from ui_state, because the event's own payload
 * has moved there. True: the next fact may begin. */
static bool fact_on_event(struct host *host, struct queued_fact *q, const struct event *ev,
                          bool *stopped)
{
    const struct commit_report *proof = host->ui->commit_report;

    if (ev->kind == EV_COMMITTED && proof) {
        note_outcome(q, proof);
    } else if (ev->kind == EV_FAILED) {
        *stopped = ev->err.kind == ERR_CANCELLED;
        q->job = 0;
        if (q->state != QUEUE_RUNS)
            return !*stopped; /* only the scoreboard failed */
        q->state = *stopped ? QUEUE_WAITS : QUEUE_FAILED;
        utf8_copy(q->why, sizeof(q->why), *stopped ? "" : ev->err.text);
        return !*stopped;
    } else if (ev->kind == EV_DONE) {
        bool probed = q->probes != NULL;

        q->job = 0;
        return probed || !post_fact(host, q, CMD_PROBE);
    }
    return false;
}

bool facts_on_event(struct host *host, const struct event *ev, bool *stopped)
{
    struct queued_fact *q = ui_queue_at(host->ui, ev->job);

    *stopped = false;
    return q && fact_on_event(host, q, ev, stopped);
}
