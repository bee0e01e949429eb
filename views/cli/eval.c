/* editscope eval: editors over a data set, one edit after the other, measured as they go.
 *
 * An arm in an order is a sequence: its facts are written in batches, each record is asked right
 * after its own edit (immediate), and at each number of --edits all records so far are asked
 * (final). Then the edits are undone and the next sequence begins with the base:
 *
 *     for each arm, for each order:
 *         for each batch:  write, ask its records;  at a checkpoint: ask --tasks, all so far
 *         undo
 *
 * The run is a session (-o FILE) that holds every edit and every answer. After a stop at any moment
 * the same command finds out from its journal how far it came: the number of edits ever made, less
 * those of sequences that are complete. What was asked already is not asked again (job_measure.c),
 * also by a command with further checkpoints, which goes on with the file (job_measured.c). So it
 * ends with the same numbers. Everything printed at the end follows from the answers alone
 * (eval_report.c). Under mpirun each process has its own sequences (eval_ranks.c). */
#include "views/cli/eval.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/mpi.h"

static void measures_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct eval_ranks *r = ctx;

    if (ev->kind != EV_MEASURES)
        return;
    eval_take(r->v, ev->measures);
    eval_ranks_note(r, ev->measures);
    if (cli_json(c)) {
        eval_print_measures(r->v, ev->measures);
        eval_print_answers(r->v, ev->measures);
    }
}

/* ---- the sequences ---- */

/* A run at work. */
struct walk {
    struct eval *v;
    const struct eval_tasks *tasks;
    struct eval_ranks *ranks;
    int made;     /* edits ever made in the file */
    int sequence; /* the one at work, and the number of edits before it */
    int before;
    bool written; /* the last batch is an edit, with these numbers */
    double seconds, gain;
    struct eta eta;
    double units, total; /* of work: a batch, or a record that is asked */
};

static int batches_of(const struct eval *v)
{
    return (v->facts + v->batch - 1) / v->batch;
}

/* Facts that are written after so many batches. */
static int written_after(const struct eval *v, int batches)
{
    int n = batches * v->batch;

    return n < v->facts ? n : v->facts;
}

/* Facts `from` to `to` of the sequence's order, copied; the caller frees the array alone. */
static struct fact *facts_of(const struct walk *w, int from, int to)
{
    const struct eval *v = w->v;
    const int *order = v->order + (size_t)(w->sequence % v->orders) * (size_t)v->facts;
    struct fact *out = xcalloc((size_t)(to - from) + 1, sizeof(*out));

    for (int i = from; i < to; i++)
        out[i - from] = v->fact[order[i]]; /* borrows its texts */
    return out;
}

/* The mean over the layers of what a mask left of the residual. */
static double report_gain(const struct edit_report *a)
{
    double gain = 0;

    for (int i = 0; i < a->layers; i++)
        gain += a->layer[i].gain_mask / a->layers;
    return gain;
}

static void commit_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct walk *w = ctx;

    (void)c;
    if (ev->kind == EV_COMMIT) {
        w->made++;
        w->written = true;
        w->gain = report_gain(ev->edit_report);
    } else if (ev->kind == EV_COMMITTED) {
        const struct commit_report *e = ev->commit_report; /* without waiting for moments */

        w->seconds =
            e->seconds_target + e->seconds_attribution + e->seconds_solve + e->seconds_verify;
    }
}

static void unit_done(struct walk *w, double units)
{
    w->units += units;
    eta_note(&w->eta, clock_seconds(), w->units);
}

/* "nmke, order 2 of 3: 12 of 30 facts, mmlu, about 8 min left". `task` may be "". */
static void print_progress(struct cli *c, const struct walk *w, int facts, const char *task)
{
    const struct eval *v = w->v;
    double left = eta_left(&w->eta, w->total);
    char order[40] = "", time[40] = "";

    if (v->orders > 1)
        snprintf(order, sizeof(order), ", order %d of %d", w->sequence % v->orders + 1, v->orders);
    if (left >= 0)
        snprintf(time, sizeof(time), ", about %.0f %s left", left < 120 ? left : left / 60,
                 left < 120 ? "s" : "min");
    cli_say(c, "%s (arm %d of %d)%s: %d of %d facts%s%s%s", v->arm[w->sequence / v->orders].name,
            w->sequence / v->orders + 1, v->arms, order, facts, v->facts, *task ? ", " : "", task,
            time);
}

/* Asks facts `from` to `to` of the sequence. `edits`: so many are written. */
static bool measure_facts(struct cli *c, struct walk *w, int from, int to, int edits,
                          enum measure_when when, int failed, bool last, struct err *err)
{
    const struct params *p = &w->v->arm[w->sequence / w->v->orders].params;
    struct fact *facts = facts_of(w, from, to);
    struct command cmd = trial_command_facts(CMD_MEASURE, c, facts, to - from, p);

    cmd.measure = (struct measure_wish){.sequence = w->sequence + 1,
                                        .edits = edits,
                                        .when = (int)when,
                                        .protocols = w->v->protocols,
                                        .failed = failed,
                                        .last = last,
                                        .no_state = cli_has(c, OPT_NO_STATE),
                                        .written = when == WHEN_IMMEDIATE && w->written,
                                        .seconds = w->seconds,
                                        .gain = w->gain};
    free(facts);
    unit_done(w, to - from);
    return cli_job(c, &cmd, measures_on_event, w->ranks, err);
}

static void answers_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct walk *w = ctx;

    if (ev->kind == EV_MEASURES)
        unit_done(w, ev->measures->answers);
    measures_on_event(c, ev, w->ranks);
}

/* Asks the questions of --tasks. */
static bool ask_tasks(struct cli *c, struct walk *w, int edits, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < w->tasks->tasks; i++) {
        struct command cmd = {.kind = CMD_TASKS};

        cmd.tasks = eval_task_wish(w->tasks, i, w->sequence + 1, edits);
        print_progress(c, w, edits, w->tasks->task[i]->name);
        ok = cli_job(c, &cmd, answers_on_event, w, err);
    }
    return ok;
}

/* Writes a batch. Where its parameters allow no edit, *failed becomes the number of its facts. */
static bool batch_write(struct cli *c, struct walk *w, int from, int to, int *failed,
                        struct err *err)
{
    const struct params *p = &w->v->arm[w->sequence / w->v->orders].params;
    struct fact *facts = facts_of(w, from, to);
    struct err why = {0};
    bool ok;

    w->written = false;
    *failed = 0;
    ok = trial_write(c, facts, to - from, p, commit_on_event, w, &why);
    if (!ok && why.kind == ERR_USAGE) {
        cli_say(c, "%s: not written: %s", facts->subject, why.text);
        *failed = to - from;
        ok = true;
    }
    unit_done(w, 1);
    if (!ok)
        err_pass(err, &why);
    free(facts);
    return ok;
}

static bool is_checkpoint(const struct eval *v, int facts)
{
    for (int i = 0; i < v->checkpoints; i++)
        if (v->checkpoint[i] == facts)
            return true;
    return false;
}

static void recalled_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct walk *w = ctx;

    (void)c;
    if (ev->kind != EV_RECALLED)
        return;
    w->written = true;
    w->gain = report_gain(&ev->recalled->report);
    w->seconds = (double)NAN; /* those of the process that is gone */
}

/* The numbers of the batch that another process wrote last. */
static bool batch_recall(struct cli *c, struct walk *w, struct err *err)
{
    struct command cmd = {.kind = CMD_RECALL, .edit = w->made};

    w->written = false;
    return cli_job(c, &cmd, recalled_on_event, w, err);
}

/* The rest of a sequence of which `done` batches are written, the last of them perhaps not asked.
 */
static bool sequence_run(struct cli *c, struct walk *w, int done, struct err *err)
{
    const struct eval *v = w->v;
    bool ok = !done || batch_recall(c, w, err);

    for (int b = done ? done - 1 : 0; ok && b < batches_of(v); b++) {
        int from = written_after(v, b), to = written_after(v, b + 1), failed = 0;

        print_progress(c, w, b < done ? to : from, "");
        ok = (b < done || batch_write(c, w, from, to, &failed, err)) &&
             measure_facts(c, w, from, to, to, WHEN_IMMEDIATE, failed, false, err) &&
             (!is_checkpoint(v, to) ||
              (ask_tasks(c, w, to, err) &&
               measure_facts(c, w, 0, to, to, WHEN_FINAL, 0, to == v->facts, err)));
    }
    return ok && (w->made == w->before || trial_undo(c, w->before + 1, w->made, err));
}

/* How many of the first `batches` of a sequence are an edit: the others could not be written. */
static int edits_of(const struct eval *v, int sequence, int batches)
{
    int failed = 0;

    for (int i = 0; i < v->numbers; i++)
        failed += v->number[i].sequence == sequence + 1 && !strcmp(v->number[i].name, "failed") &&
                  v->number[i].edits <= written_after(v, batches);
    return batches - failed;
}

/* Edits that the journal had when the run was extended last. */
static int edits_before(const struct eval *v)
{
    int n = 0;

    for (int i = 0; i < v->numbers; i++)
        if (!v->number[i].sequence && !strcmp(v->number[i].name, "extended"))
            n = (int)v->number[i].value;
    return n;
}

/* Finds the sequence at work and how many of its batches are written, from what the journal has:
 * so many edits were ever made, so many of them are active. Edits of a sequence that is complete
 * are undone. */
static bool find_place(struct cli *c, struct walk *w, int active, int *done, struct err *err)
{
    const struct eval *v = w->v;
    int here;

    w->sequence = eval_sequences(v);
    w->before = edits_before(v);
    for (int s = eval_sequences(v) - 1; s >= 0; s--)
        if (!w->ranks->complete[s])
            w->sequence = s;
        else if (!eval_sequence_is(v, s, "elsewhere"))
            w->before += edits_of(v, s, batches_of(v));
    here = w->made - w->before;
    if (here < 0 || (here && active != here) ||
        here > (w->sequence < eval_sequences(v) ? batches_of(v) : 0))
        return err_set(err, ERR_STATE,
                       "%s has %d edits, %d of them active; this run made %d before its present "
                       "sequence: its edits were changed since; begin another one with -o",
                       c->value[OPT_SESSION], w->made, active, w->before);
    for (*done = 0; here && edits_of(v, w->sequence, *done) < here;)
        ++*done;
    if (!here && active)
        return trial_undo(c, w->made - active + 1, w->made, err);
    return true;
}

/* How many edits the journal has, and how many of them are active. */
static bool count_edits(struct cli *c, int *made, int *active, struct err *err)
{
    struct event h;

    *made = *active = 0;
    if (!cli_history(c, &h, err))
        return false;
    *made = h.history->count;
    for (int i = 0; i < h.history->count; i++)
        *active += h.history->entry[i].active;
    event_free(&h);
    return true;
}

/* Units of work of a sequence. */
static double sequence_units(const struct eval *v, const struct eval_tasks *t)
{
    double units = batches_of(v) + v->facts + (double)v->checkpoints * t->questions;

    for (int i = 0; i < v->checkpoints; i++)
        units += v->checkpoint[i];
    return units;
}

/* Where a run goes on: `facts` are written of the next sequence. */
static void print_place(struct cli *c, const struct eval *v, int complete, int facts)
{
    if (complete == eval_sequences(v))
        cli_say(c, "%s is complete; this is what it has", c->value[OPT_SESSION]);
    else if (complete || facts)
        cli_say(c, "goes on: %d of %d sequences are complete, %d of %d facts of the next one",
                complete, eval_sequences(v), facts, v->facts);
    else if (edits_before(v))
        cli_say(c, "goes on to %d facts: edits are made again, what was asked is kept", v->facts);
}

static bool sequences_run(struct cli *c, struct eval_ranks *r, const struct eval_tasks *t,
                          struct err *err)
{
    struct eval *v = r->v;
    struct walk w = {.v = v, .tasks = t, .ranks = r};
    int active, done = 0, complete = 0, left;

    for (int s = 0; s < eval_sequences(v); s++)
        complete += r->complete[s] = eval_sequence_is(v, s, "complete");
    if (!count_edits(c, &w.made, &active, err) || !find_place(c, &w, active, &done, err) ||
        !eval_ranks_begin(c, r, err))
        return false;
    left = eval_sequences(v) - complete;
    w.total = sequence_units(v, t) * ((left + mpi_size() - 1) / mpi_size());
    w.total += complete || done ? 0 : t->questions; /* of the base */
    w.units = sequence_units(v, t) * done / batches_of(v);
    print_place(c, v, complete, written_after(v, done));
    while ((w.sequence = eval_ranks_deal(r)) >= 0 || r->dealt) {
        if ((w.sequence >= 0 && !sequence_run(c, &w, done, err)) ||
            !eval_ranks_collect(c, r, w.sequence, measures_on_event, err))
            return false;
        w.before = w.made;
        done = 0;
    }
    return true;
}

/* ---- the command ---- */

static bool eval_measure(struct cli *c, struct eval *v, const struct eval_tasks *t, struct err *err)
{
    struct command stored = {.kind = CMD_MEASURED};
    struct eval_ranks r = {.v = v};
    unsigned needs = 0;
    bool ok;

    if (cli_has(c, OPT_RUN) && !mpi_rank()) {
        c->value[OPT_SESSION] = c->value[OPT_RUN];
        needs = NEED_SESSION | MAY_CREATE;
    }
    if (!cli_start(c, needs, err) || !cli_wait_open(c, err))
        return false;
    stored.text = eval_run_text(c, v, t);
    r.complete = xcalloc((size_t)eval_sequences(v) + 1, sizeof(*r.complete));
    ok = cli_job(c, &stored, measures_on_event, &r, err) && sequences_run(c, &r, t, err);
    free(r.complete);
    buf_free(&r.sent);
    return ok;
}

/* --figure FILE.svg, which could be written when the run began. */
static bool write_figure(const struct cli *c, const struct eval *v, struct err *err)
{
    const char *path = c->value[OPT_FIGURE];
    const char *run = cli_has(c, OPT_RUN) ? c->value[OPT_RUN] : c->value[OPT_DATA];
    struct buf out = {0};
    bool ok = !cli_has(c, OPT_FIGURE) || mpi_rank() ||
              (eval_figure(v, file_name(run), &out) && file_write(path, out.data, out.len, err));

    buf_free(&out);
    return ok;
}

static bool eval_run(struct cli *c, struct err *err)
{
    struct eval *v;
    struct eval_tasks t = {0};
    bool ok;

    if (cli_has(c, OPT_TASKS) && !strcmp(c->value[OPT_TASKS], "list")) {
        eval_list_tasks();
        return true;
    }
    v = xcalloc(1, sizeof(*v));
    ok = eval_parse(c, v, err) && eval_tasks_parse(c, &t, err) && eval_measure(c, v, &t, err);

    ok = ok && write_figure(c, v, err);
    if (ok)
        eval_report(c, v);
    else if (c->signal && cli_has(c, OPT_RUN))
        cli_say(c, "stopped; the same command goes on with %s", c->value[OPT_RUN]);
    cli_facts_free(v->fact, v->facts);
    eval_free(v);
    eval_tasks_free(&t);
    free(v);
    return ok;
}

const struct cli_ops cli_eval = {"eval", "",
                                 "Measure editing methods over a data set, edit after edit",
                                 FOR_EVAL | FOR_TEXT | FOR_MODEL | FOR_PARAMS, eval_run};
