/* What a run has to show: the columns of each table, its rows, the records of a list; and all of it
 * as rows for :export. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/file.h"
#include "core/base/show.h"
#include "core/base/table.h"
#include "views/screens/run_internal.h"

static bool metric_there(const struct ui_run *r, int metric)
{
    const struct eval *v = &r->eval;

    for (int i = 0; i < v->facts; i++)
        if (!isnan(v->base[(size_t)metric * (size_t)v->facts + (size_t)i]))
            return true;
    return false;
}

static bool number_there(const struct ui_run *r, const char *name)
{
    for (int i = 0; i < r->eval.numbers; i++)
        if (!strcmp(r->eval.number[i].name, name))
            return true;
    return false;
}

static struct run_column column_of_metric(int metric)
{
    const struct record_metric *m = &record_metrics[metric];
    bool logs = strstr(m->name, "log p") != NULL;

    return (struct run_column){.name = m->name,
                               .unit = logs ? "nats a token" : "mean over records",
                               .metric = metric,
                               .format = logs ? "%.2f" : "%.3f"};
}

static const struct run_column state_columns[] = {
    {"‖ΔW‖", "largest layer", -1, "delta_norm", true, "%.3f"},
    {"‖W‖/‖W₀‖", "largest layer", -1, "norm_ratio", true, "%.4f"},
    {"σ(ΔW)", "largest layer", -1, "sigma", true, "%.3f"},
    {"stable rank", "mean of layers", -1, "stable_rank", false, "%.2f"},
    {"leak", "share of the output, largest layer", -1, "leak", true, "%.3g"},
    {"ΔHE/HE", "hyperspherical energy, largest layer", -1, "energy_change", true, "%+.2e"},
    {"KL", "nats, from the base", -1, "kl", false, "%.4f"},
    {"perplexity", "of a text", -1, "perplexity", false, "%.2f"},
    {"fluency", "bits", -1, "fluency", false, "%.3f"},
};

/* The scores of tasks, each once; their names are the run's. */
static int task_columns(const struct ui_run *r, struct run_column *out)
{
    int n = 0;

    for (int i = 0; i < r->eval.numbers && n < RUN_COLUMNS; i++) {
        const char *name = r->eval.number[i].name;
        bool listed = !task_number_is_score(name);

        for (int k = 0; k < n && !listed; k++)
            listed = !strcmp(out[k].name, name);
        if (!listed)
            out[n++] = (struct run_column){name, "mean over questions", -1, name, false, "%.3f"};
    }
    return n;
}

int run_columns(const struct ui_run *r, int page, struct run_column *out)
{
    int n = 0;

    for (int m = 0; page < PAGE_STATES && m < record_metric_count; m++)
        if (record_metrics[m].table == page && metric_there(r, m))
            out[n++] = column_of_metric(m);
    if (page == RECORD_TABLES && n)
        out[n++] =
            (struct run_column){"score", "harmonic mean of ES, PS, NS", -1, NULL, false, "%.3f"};
    for (size_t i = 0; page == PAGE_STATES && i < sizeof(state_columns) / sizeof(*state_columns);
         i++)
        if (number_there(r, state_columns[i].number))
            out[n++] = state_columns[i];
    return page == PAGE_TASKS ? task_columns(r, out) : n;
}

struct interval run_state_value(const struct ui_run *r, const struct run_column *c, int arm,
                                int checkpoint)
{
    int edits = arm < 0 ? 0 : r->eval.checkpoint[checkpoint];

    if (task_number_is_score(c->number))
        return eval_task_score(&r->eval, arm, edits, c->number).of;
    return (struct interval){eval_state_number(&r->eval, arm, edits, c->number, c->largest),
                             (double)NAN, (double)NAN, 0};
}

struct interval run_score(const struct ui_run *r, int arm, int when, int checkpoint)
{
    static const char *const name[] = {"es", "ps", "ns"};
    struct interval i = {(double)NAN, (double)NAN, (double)NAN, 0};
    double success[3];
    bool exact;

    for (int k = 0; k < 3; k++)
        success[k] = run_interval(r, eval_metric(name[k]), arm, when, checkpoint, &exact).value;
    if (when != WHEN_FORGOTTEN)
        i.value = eval_score_of(success);
    return i;
}

bool run_column_at(const struct run_view *w, const struct ui_run *r, struct run_column *out)
{
    struct run_column all[RUN_COLUMNS];
    int n = run_columns(r, w->page, all);

    if (n)
        *out = all[w->column < n ? w->column : n - 1];
    return n > 0;
}

int run_rows(const struct ui_run *r)
{
    return 1 + r->eval.arms * r->eval.checkpoints;
}

static int slot_of(int when, int checkpoint)
{
    return when == WHEN_IMMEDIATE ? SLOT_IMMEDIATE : SLOT_FINAL + checkpoint;
}

/* Whether a record was asked in an order of an arm: one of those of the checkpoint. */
static bool record_asked(const struct ui_run *r, int when, int arm, int order, int checkpoint,
                         int record)
{
    const struct eval *v = &r->eval;
    int count;

    return v->turn[(size_t)order * (size_t)v->facts + (size_t)record] < v->checkpoint[checkpoint] &&
           run_measures(r, arm * v->orders + order, slot_of(when, checkpoint), record, &count);
}

/* The last checkpoint at which the first arm has a record; if it has none, the last one. */
static int last_asked(const struct run_view *w, const struct ui_run *r)
{
    const struct eval *v = &r->eval;

    for (int k = v->checkpoints - 1; k >= 0; k--)
        for (int i = 0; i < v->facts; i++)
            if (record_asked(r, w->when, 0, w->order % v->orders, k, i))
                return k;
    return v->checkpoints - 1;
}

void run_row_at(const struct run_view *w, const struct ui_run *r, int *arm, int *checkpoint)
{
    int row = w->rows.at - 1;

    *arm = row < 0 ? 0 : row / r->eval.checkpoints;
    *checkpoint = row < 0 ? last_asked(w, r) : row % r->eval.checkpoints;
}

void run_row(const struct run_view *w, const struct ui_run *r, int row, int *arm, int *checkpoint)
{
    if (row) {
        *arm = (row - 1) / r->eval.checkpoints;
        *checkpoint = (row - 1) % r->eval.checkpoints;
    } else {
        run_row_at(w, r, arm, checkpoint);
        *arm = run_base_of(*arm);
    }
}

int run_row_edits(const struct ui_run *r, int when, int arm, int checkpoint)
{
    const struct eval *v = &r->eval;
    int most = 0;

    for (int k = 0; arm >= 0 && k < v->orders; k++) {
        int asked = run_asked(r, arm * v->orders + k);

        most = asked > most ? asked : most;
    }
    if (when == WHEN_IMMEDIATE && most && most < v->checkpoint[checkpoint])
        return most;
    return arm < 0 ? 0 : v->checkpoint[checkpoint];
}

void run_put_asked(const struct ui_run *r, int when, int arm, int checkpoint, const char *before,
                   char *out, size_t size)
{
    int of, asked = eval_asked(&r->eval, arm, when, checkpoint, &of);
    size_t n = strlen(out);

    if (asked < of)
        snprintf(out + n, size - n, "%s%d of %d records so far", before, asked, of);
}

const char *run_when(int when)
{
    return when == WHEN_FORGOTTEN ? "immediate less final" : measure_when_name(when);
}

int run_rival(const struct run_view *w, const struct ui_run *r, int arm)
{
    if (r->eval.arms < 2)
        return -1;
    return arm != w->reference ? w->reference : arm ? 0 : 1;
}

int run_listed(const struct run_view *w, const struct ui_run *r, int *out)
{
    int arm, checkpoint, n = 0, rival, order = w->order % r->eval.orders;
    struct run_column c = {.metric = -1};

    run_row_at(w, r, &arm, &checkpoint);
    rival = run_rival(w, r, arm);
    run_column_at(w, r, &c);
    for (int i = 0; i < r->eval.facts; i++) {
        int here = arm * r->eval.orders + order;
        bool listed = record_asked(r, w->when, arm, order, checkpoint, i);

        if (listed && w->show == SHOW_COMPARISON) {
            double a, b;

            if (c.metric < 0 || rival < 0)
                continue;
            a = run_value(r, c.metric, here, w->when, checkpoint, i);
            b = run_value(r, c.metric, rival * r->eval.orders + order, w->when, checkpoint, i);
            listed = !isnan(a) && !isnan(b) && fabs(a - b) > 1e-12;
        }
        if (listed)
            out[n++] = i;
    }
    return n;
}

/* ---- rows for :export ---- */

/* What a row is of. Arm RUN_BASE: the base on the records of the checkpoint. */
struct export_row {
    struct table *table;
    const struct ui_run *run;
    int arm, checkpoint, when;
};

static void put_row(const struct export_row *x, const char *protocol, const char *metric,
                    const struct interval *i)
{
    bool base = x->arm == RUN_BASE;
    int of;

    table_text(x->table, base ? "" : x->run->eval.arm[x->arm].name);
    table_integer(x->table, base ? 0 : run_row_edits(x->run, x->when, x->arm, x->checkpoint));
    table_text(x->table, !protocol                   ? "state"
                         : base                      ? "base"
                         : x->when == WHEN_FORGOTTEN ? "forgotten"
                                                     : measure_when_name(x->when));
    table_text(x->table, protocol);
    table_text(x->table, metric);
    table_real(x->table, i->value);
    table_real(x->table, i->low);
    table_real(x->table, i->high);
    if (i->n)
        table_integer(x->table, i->n);
    else
        table_missing(x->table);
    table_integer(x->table, x->run->eval.checkpoint[x->checkpoint]);
    if (base || !protocol)
        table_missing(x->table);
    else
        table_integer(x->table, eval_asked(&x->run->eval, x->arm, x->when, x->checkpoint, &of));
}

static void metric_row(const struct export_row *x, int metric)
{
    const char *protocol = measure_protocol_name(record_metrics[metric].protocol);
    struct interval i = {.n = 1};
    bool exact = false;

    if (x->arm != RUN_BASE)
        i = run_interval(x->run, metric, x->arm, x->when, x->checkpoint, &exact);
    if (!exact && i.n)
        i = eval_interval(&x->run->eval, metric, x->arm, x->when, x->checkpoint,
                          STATISTICS_RESAMPLES);
    if (i.n)
        put_row(x, protocol, record_metrics[metric].json, &i);
}

static void score_row(const struct export_row *x)
{
    struct interval i = {eval_rome_score(&x->run->eval, x->arm, x->when, x->checkpoint),
                         (double)NAN, (double)NAN, 0};

    if (x->when != WHEN_FORGOTTEN && !isnan(i.value))
        put_row(x, measure_protocol_name(PROTOCOL_TEACHER), "score", &i);
}

/* Numbers of the state, whether any state of the run has them or not. */
static void state_rows(const struct export_row *x)
{
    struct run_column task[RUN_COLUMNS];
    int states = (int)(sizeof(state_columns) / sizeof(*state_columns));
    int n = task_columns(x->run, task);

    for (int k = 0; k < states + n; k++) {
        const struct run_column *c = k < states ? &state_columns[k] : &task[k - states];
        struct interval i = run_state_value(x->run, c, x->arm, x->checkpoint);

        if (!isnan(i.value))
            put_row(x, NULL, c->number, &i);
    }
}

/* All rows of an arm at a checkpoint; of the base those at the last one have the numbers of its
 * state.
 */
static void export_rows(struct export_row *x)
{
    static const int when[] = {WHEN_IMMEDIATE, WHEN_FINAL, WHEN_FORGOTTEN};

    for (int w = 0; w < (x->arm == RUN_BASE ? 1 : 3); w++) {
        x->when = when[w];
        for (int m = 0; m < record_metric_count; m++)
            metric_row(x, m);
        score_row(x);
    }
    x->when = WHEN_FINAL;
    if (x->arm != RUN_BASE || x->checkpoint == x->run->eval.checkpoints - 1)
        state_rows(x);
}

bool run_table(struct table *t, const struct ui_state *d)
{
    const struct ui_run *r = d->run;

    table_columns(t, "arm edits when protocol metric value low high n");
    table_columns(t, "records asked");
    for (int a = RUN_BASE; run_there(r) && a < r->eval.arms; a++)
        for (int k = 0; k < r->eval.checkpoints; k++)
            export_rows(&(struct export_row){t, r, a, k, WHEN_FINAL});
    return t->cells > 0;
}

/* "run a.run, journal to 2026-11-30 23:40:12, on MODEL: arms nmke, alphaedit; records 1 to 30 in
 * batches of 1, asked after 10, 30 edits, 1 order, seed 0; protocol teacher, generated; 2 of 2
 * sequences are complete" */
static void put_about(const struct ui_state *d, struct buf *out)
{
    const struct eval *v = &d->run->eval;
    time_t when = (time_t)d->run->changed;
    struct tm tm;
    char date[32] = "?";

    if (localtime_r(&when, &tm))
        strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm);
    show_format(out, "run %s, journal to %s, on %s: arm%s", file_name(d->run->path), date,
                *d->model.name ? d->model.name : "a model that is not known",
                v->arms == 1 ? "" : "s");
    for (int a = 0; a < v->arms; a++)
        show_format(out, "%s %s", a ? "," : "", v->arm[a].name);
    show_format(out, "; records 1 to %d in batches of %d, asked after", v->facts, v->batch);
    for (int k = 0; k < v->checkpoints; k++)
        show_format(out, "%s %d", k ? "," : "", v->checkpoint[k]);
    show_format(out, " edits, %d order%s, seed %llu; protocol", v->orders,
                v->orders == 1 ? "" : "s", v->seed);
    for (int i = 0, n = 0; i < MEASURE_PROTOCOLS; i++)
        if (v->protocols & 1U << i)
            show_format(out, "%s %s", n++ ? "," : "", measure_protocol_name(i));
    show_format(out, "; %d of %d sequences are complete", run_complete(d->run), eval_sequences(v));
}

void run_about(const struct ui_state *d, struct buf *out)
{
    if (run_there(d->run))
        put_about(d, out);
    else
        buf_puts(out, "no run");
}
