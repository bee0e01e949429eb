/* Takes what the file of a run has, and finds the measures and the edit of a record. */
#include "views/ui_run.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/ui_state_internal.h"

enum { TIMES = WHEN_FORGOTTEN + 1 };

static size_t cells_of(const struct eval *v)
{
    return (size_t)record_metric_count * 2 * (size_t)v->arms * TIMES * (size_t)v->checkpoints;
}

static size_t groups_of(const struct eval *v)
{
    return (1 + (size_t)eval_sequences(v) * (size_t)eval_slots(v)) * (size_t)v->facts;
}

static void run_probes_free(struct run_probe *probe, int count)
{
    for (int i = 0; i < count; i++) {
        free(probe[i].prompt);
        free(probe[i].answer);
    }
    free(probe);
}

static void run_facts_free(struct run_fact *fact, int count)
{
    for (int i = 0; i < count; i++) {
        struct run_fact *f = &fact[i];

        free(f->subject);
        free(f->prompt);
        free(f->target);
        free(f->old);
        free(f->rephrase);
        run_probes_free(f->locality, f->localities);
        run_probes_free(f->more, f->mores);
    }
    free(fact);
}

void ui_run_free(struct ui_run *r)
{
    if (!r)
        return;
    free(r->path);
    free(r->text);
    free(r->eval.fact);
    eval_free(&r->eval);
    run_facts_free(r->fact, r->facts);
    free(r->edit);
    free(r->about);
    measures_free(r->measure, r->measures);
    free(r->group);
    free(r->cell);
    free(r);
}

static struct ui_run *run_new(const struct run_info *info)
{
    struct ui_run *r = xcalloc(1, sizeof(*r));
    struct err err = {0};
    size_t records;

    r->path = xstrdup(info->path);
    r->text = xstrdup(info->text);
    if (!eval_from_text(&r->eval, info->text, &err)) {
        utf8_copy(r->why, sizeof(r->why), err.text);
        return r;
    }
    records = (size_t)r->eval.facts;
    r->eval.fact = xcalloc(records + 1, sizeof(*r->eval.fact));
    r->edit = xcalloc((size_t)eval_sequences(&r->eval) * records + 1, sizeof(*r->edit));
    r->about = xcalloc(records + 1, sizeof(*r->about));
    r->group = xcalloc(groups_of(&r->eval) + 1, sizeof(*r->group));
    r->cell = xcalloc(cells_of(&r->eval) + 1, sizeof(*r->cell));
    for (size_t i = 0; i < cells_of(&r->eval); i++)
        r->cell[i].n = -1;
    return r;
}

/* ---- edits of records ---- */

static bool *batches_failed(const struct eval *v, int batches)
{
    bool *failed = xcalloc((size_t)eval_sequences(v) * (size_t)batches + 1, sizeof(*failed));

    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *n = &v->number[i];
        int batch = eval_failed_batch(v, n);

        if (batch >= 0)
            failed[(size_t)(n->sequence - 1) * (size_t)batches + (size_t)batch] = true;
    }
    return failed;
}

/* The record of place i of a sequence was written by the edit of fact `at`. */
static void note_edit(struct ui_run *r, int sequence, int i, int at)
{
    struct eval *v = &r->eval;
    int record = v->order[(size_t)(sequence % v->orders) * (size_t)v->facts + (size_t)i];
    const struct run_fact *f = &r->fact[at];

    r->edit[(size_t)sequence * (size_t)v->facts + (size_t)record] = f->edit;
    if (r->about[record] >= 0)
        return;
    r->about[record] = at;
    v->fact[record] = (struct fact){.subject = f->subject,
                                    .prompt = f->prompt,
                                    .target = f->target,
                                    .old = f->old,
                                    .rephrase = f->rephrase,
                                    .record = record + 1};
}

/* Whether a number says this of a sequence (from 0) of a run of so many facts. */
static bool says_of(const struct run_number *n, const char *name, int facts, int *sequence,
                    const struct eval *v)
{
    *sequence = n->sequence - 1;
    return !strcmp(n->name, name) && n->edits == facts && *sequence >= 0 &&
           *sequence < eval_sequences(v);
}

/* The sequences whose edits the journal has while the run was of so many facts, in the order they
 * were written: the complete ones, then the others, of which one is at work. Another process of
 * mpirun keeps its edits ("elsewhere"). Returns how many. */
static int written_sequences(const struct eval *v, int facts, int *out)
{
    bool *listed = xcalloc((size_t)eval_sequences(v) + 1, sizeof(*listed));
    int n = 0, s;

    for (int i = 0; i < v->numbers; i++)
        if (says_of(&v->number[i], "elsewhere", facts, &s, v))
            listed[s] = true;
    for (int i = 0; i < v->numbers; i++)
        if (says_of(&v->number[i], "complete", facts, &s, v) && !listed[s]) {
            listed[s] = true;
            out[n++] = s;
        }
    for (s = 0; s < eval_sequences(v); s++)
        if (!listed[s])
            out[n++] = s;
    free(listed);
    return n;
}

/* Walks the sequences batch by batch, as `eval` made them while the run was of so many facts,
 * beside the edits of the journal up to `last`. *at: the next fact of the journal. */
static void find_edits_of(struct ui_run *r, const bool *failed, int facts, int last, int *at)
{
    struct eval *v = &r->eval;
    size_t all = (size_t)((v->facts + v->batch - 1) / v->batch);
    int batches = (facts + v->batch - 1) / v->batch;
    int *sequence = xcalloc((size_t)eval_sequences(v) + 1, sizeof(*sequence));
    int sequences = written_sequences(v, facts, sequence);

    for (int n = 0, s; n < sequences; n++) {
        s = sequence[n];
        for (int b = 0; b < batches && *at < r->facts && r->fact[*at].edit <= last; b++) {
            int edit = r->fact[*at].edit;

            if (failed[(size_t)s * all + (size_t)b])
                continue;
            for (int i = b * v->batch;
                 i < facts && i < (b + 1) * v->batch && *at < r->facts && r->fact[*at].edit == edit;
                 i++)
                note_edit(r, s, i, (*at)++);
        }
    }
    free(sequence);
    while (*at < r->facts && r->fact[*at].edit <= last)
        ++*at;
}

/* Of a run that was extended the edits of each time before come first. */
static void find_edits(struct ui_run *r)
{
    struct eval *v = &r->eval;
    bool *failed = batches_failed(v, (v->facts + v->batch - 1) / v->batch);
    int at = 0;

    for (int i = 0; i < v->facts; i++)
        r->about[i] = -1;
    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *n = &v->number[i];

        if (!n->sequence && !strcmp(n->name, "extended") && n->edits > 0 && n->edits <= v->facts &&
            n->value >= 0 && n->value < INT_MAX)
            find_edits_of(r, failed, n->edits, (int)n->value, &at);
    }
    find_edits_of(r, failed, v->facts, INT_MAX, &at);
    free(failed);
}

static void take_facts(struct ui_run *r, struct run_info *info)
{
    int known = r->facts ? r->fact[r->facts - 1].edit : 0, from = 0;

    while (from < info->facts && info->fact[from].edit <= known)
        from++; /* a recording may bring them again */
    r->fact = xrealloc(r->fact, ((size_t)r->facts + (size_t)info->facts + 1) * sizeof(*r->fact));
    if (info->facts > from)
        memcpy(r->fact + r->facts, info->fact + from,
               (size_t)(info->facts - from) * sizeof(*info->fact));
    r->facts += info->facts - from;
    info->facts = from; /* the others are the run's now */
    find_edits(r);
}

static void take_run(struct ui_state *d, struct run_info *info)
{
    struct ui_run *r = d->run;
    unsigned version =
        r ? r->version : 0; /* goes on, so that what was compared is not taken for it */

    if (info->whole) {
        ui_run_free(r);
        r = d->run = run_new(info);
        r->version = version;
    } else if (!r || strcmp(r->path, info->path) != 0 || strcmp(r->text, info->text) != 0) {
        ui_run_free(r); /* the file has another run now */
        d->run = NULL;
        return;
    }
    r->changed = info->changed;
    r->last = info->last;
    r->active_from = info->active_from;
    r->active_to = info->active_to;
    r->version++;
    if (r->eval.facts) {
        free(r->eval.number);
        r->eval.number = info->number;
        r->eval.numbers = info->numbers;
        info->number = NULL;
        info->numbers = 0;
        take_facts(r, info);
    }
}

/* Whether another file was asked for after the one that this is of. Events of recordings that
 * nobody posted now have no number, or one above all others. */
static bool is_overtaken(const struct ui_state *d, const struct event *ev)
{
    return ev->job && ev->job < d->run_job;
}

bool ui_take_run(struct ui_state *d, struct event *ev)
{
    if (!is_overtaken(d, ev))
        take_run(d, ev->run);
    ui_free_payload(EV_RUN, ev->run); /* what was not taken */
    return true;
}

/* ---- measures ---- */

/* The group of a record; NULL: there is none of these numbers. */
static struct run_group *group_at(const struct ui_run *r, int sequence, int slot, int record)
{
    const struct eval *v = &r->eval;
    size_t row = 0;

    if (record < 0 || record >= v->facts || sequence >= eval_sequences(v) || slot < 0 ||
        slot >= eval_slots(v))
        return NULL;
    if (sequence >= 0)
        row = 1 + (size_t)sequence * (size_t)eval_slots(v) + (size_t)slot;
    return &r->group[row * (size_t)v->facts + (size_t)record];
}

static struct interval *cell_at(const struct ui_run *r, int metric, int arm, int when,
                                int checkpoint)
{
    const struct eval *v = &r->eval;
    size_t row =
        (size_t)metric * 2 * (size_t)v->arms + (size_t)(arm < 0 ? run_base_of(arm) : v->arms + arm);

    return &r->cell[(row * TIMES + (size_t)when) * (size_t)v->checkpoints + (size_t)checkpoint];
}

/* What was computed of an arm is of fewer records now. */
static void forget_cells(struct ui_run *r, int arm)
{
    for (int m = 0; m < record_metric_count; m++)
        for (int w = 0; w < TIMES; w++)
            for (int k = 0; k < r->eval.checkpoints; k++)
                cell_at(r, m, arm, w, k)->n = -1;
}

static bool same_record(const struct measure *a, const struct measure *b)
{
    return a->sequence == b->sequence && a->edits == b->edits && a->when == b->when &&
           a->record == b->record;
}

/* The measures from `at` to `to` are of one record at one time. */
static void take_group(struct ui_run *r, int at, int to)
{
    struct measures one = {.measure = r->measure + at, .count = to - at};
    const struct measure *m = one.measure;
    bool base = m->when == WHEN_BASE;
    struct run_group *g = !base && m->sequence < 1
                              ? NULL
                              : group_at(r, base ? RUN_BASE : m->sequence - 1,
                                         base ? 0 : eval_slot_of(&r->eval, m), m->record - 1);

    if (!g)
        return;
    *g = (struct run_group){at, to - at};
    eval_take(&r->eval, &one);
    for (int a = 0; a < r->eval.arms; a++)
        if (base || a == (m->sequence - 1) / r->eval.orders) {
            forget_cells(r, run_base_of(a));
            forget_cells(r, a);
        }
}

static void take_measures(struct ui_run *r, struct measures *all)
{
    if (r->room < r->measures + all->count) {
        r->room = 2 * r->room + all->count;
        r->measure = xrealloc(r->measure, (size_t)r->room * sizeof(*r->measure));
    }
    memcpy(r->measure + r->measures, all->measure, (size_t)all->count * sizeof(*all->measure));
    r->measures += all->count;
    all->count = 0; /* their texts are the run's now */
    for (int at = r->grouped, to; at < r->measures; at = to) {
        for (to = at + 1; to < r->measures && same_record(&r->measure[at], &r->measure[to]);)
            to++;
        take_group(r, at, to);
        r->grouped = at; /* more of the last one may follow */
    }
    r->version++;
}

bool ui_take_run_measures(struct ui_state *d, struct event *ev)
{
    if (!is_overtaken(d, ev) && run_there(d->run) && ev->measures->count)
        take_measures(d->run, ev->measures);
    ui_free_payload(EV_MEASURES, ev->measures);
    return true;
}

const struct measure *run_measures(const struct ui_run *r, int sequence, int slot, int record,
                                   int *count)
{
    const struct run_group *g = group_at(r, sequence, slot, record);

    *count = g ? g->count : 0;
    return *count ? r->measure + g->at : NULL;
}

/* ---- numbers ---- */

static struct interval interval_now(const struct eval *v, int metric, int arm, int when,
                                    int checkpoint, int resamples)
{
    return arm < 0 ? eval_base_beside(v, metric, run_base_of(arm), when, checkpoint, resamples)
                   : eval_interval(v, metric, arm, when, checkpoint, resamples);
}

struct interval run_interval(const struct ui_run *r, int metric, int arm, int when, int checkpoint,
                             bool *exact)
{
    const struct interval *known = cell_at(r, metric, arm, when, checkpoint);

    *exact = known->n >= 0;
    return *exact ? *known : interval_now(&r->eval, metric, arm, when, checkpoint, 0);
}

bool run_compute(struct ui_run *r, int metric, int arm, int when, int checkpoint)
{
    struct interval *known = cell_at(r, metric, arm, when, checkpoint);

    if (known->n >= 0)
        return false;
    *known = interval_now(&r->eval, metric, arm, when, checkpoint, STATISTICS_RESAMPLES);
    return known->n > 0;
}

double run_value(const struct ui_run *r, int metric, int sequence, int when, int checkpoint,
                 int record)
{
    const struct eval *v = &r->eval;
    double then, now;

    if (sequence == RUN_BASE)
        return v->base[(size_t)metric * (size_t)v->facts + (size_t)record];
    if (v->turn[(size_t)(sequence % v->orders) * (size_t)v->facts + (size_t)record] >=
        v->checkpoint[checkpoint])
        return (double)NAN;
    then = eval_values(v, metric, sequence, SLOT_IMMEDIATE)[record];
    now = eval_values(v, metric, sequence, SLOT_FINAL + checkpoint)[record];
    return when == WHEN_IMMEDIATE ? then : when == WHEN_FINAL ? now : then - now;
}

int run_complete(const struct ui_run *r)
{
    int n = 0;

    for (int s = 0; s < eval_sequences(&r->eval); s++)
        n += eval_sequence_is(&r->eval, s, "complete");
    return n;
}

int run_asked(const struct ui_run *r, int sequence)
{
    int n = 0, count;

    for (int i = 0; i < r->eval.facts; i++)
        n += run_measures(r, sequence, SLOT_IMMEDIATE, i, &count) != NULL;
    return n;
}
