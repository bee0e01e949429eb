/* What a run measured, and the numbers of its tables: means over records with intervals,
 * differences of arms, what is forgotten. Each is made of the measures that the run's file holds,
 * by the rules of core/eval/measure.c and core/eval/statistics.c (editscope-method(7) 14.3, 14.4).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/eval.h"

int eval_slots(const struct eval *v)
{
    return SLOT_FINAL + v->checkpoints;
}

int eval_sequences(const struct eval *v)
{
    return v->arms * v->orders;
}

bool eval_sequence_is(const struct eval *v, int sequence, const char *name)
{
    for (int i = 0; i < v->numbers; i++) /* those of a run that was extended are of fewer edits */
        if (v->number[i].sequence == sequence + 1 && v->number[i].edits == v->facts &&
            !strcmp(v->number[i].name, name))
            return true;
    return false;
}

int eval_failed_batch(const struct eval *v, const struct run_number *n)
{
    bool is = !strcmp(n->name, "failed") && n->sequence > 0 && n->sequence <= eval_sequences(v) &&
              n->edits > 0 && n->edits <= v->facts;

    return is ? (n->edits - 1) / v->batch : -1;
}

double *eval_values(const struct eval *v, int metric, int sequence, int slot)
{
    size_t row =
        ((size_t)metric * (size_t)eval_sequences(v) + (size_t)sequence) * (size_t)eval_slots(v) +
        (size_t)slot;

    return v->value + row * (size_t)v->facts;
}

int eval_slot_of(const struct eval *v, const struct measure *m)
{
    if (m->when == WHEN_IMMEDIATE)
        return SLOT_IMMEDIATE;
    for (int i = 0; i < v->checkpoints; i++)
        if (v->checkpoint[i] == m->edits)
            return SLOT_FINAL + i;
    return -1;
}

void eval_take(struct eval *v, const struct measures *m)
{
    const struct measure *first = m->measure;
    int slot = m->count ? eval_slot_of(v, first) : -1;

    if (m->numbers) {
        v->number = xrealloc(v->number, (size_t)(v->numbers + m->numbers) * sizeof(*v->number));
        memcpy(v->number + v->numbers, m->number, (size_t)m->numbers * sizeof(*v->number));
        v->numbers += m->numbers;
    }
    eval_take_answers(v, m->answer, m->answers);
    if (!m->count || first->record < 1 || first->record > v->facts ||
        first->sequence > eval_sequences(v) || first->sequence < 0)
        return;
    for (int k = 0; k < record_metric_count; k++) {
        double value = record_metric_value(&record_metrics[k], m->measure, m->count);

        if (first->when == WHEN_BASE)
            v->base[(size_t)k * (size_t)v->facts + (size_t)first->record - 1] = value;
        else if (slot >= 0 && first->sequence)
            eval_values(v, k, first->sequence - 1, slot)[first->record - 1] = value;
    }
}

double eval_number_mean(const struct eval *v, int arm, const char *name)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *one = &v->number[i];

        if (strcmp(one->name, name) != 0 || !one->sequence ||
            (one->sequence - 1) / v->orders != arm || isnan(one->value))
            continue;
        sum += one->value;
        n++;
    }
    return n ? sum / n : (double)NAN;
}

/* The values of one slot, as eval_arm_values(). */
static double *slot_values(const struct eval *v, int metric, int arm, int slot, int checkpoint)
{
    size_t n = (size_t)v->facts;
    double *x = xcalloc((size_t)v->orders * n + 1, sizeof(*x));

    for (int k = 0; k < v->orders; k++) {
        const double *from = eval_values(v, metric, arm * v->orders + k, slot);

        for (size_t i = 0; i < n; i++)
            x[(size_t)k * n + i] =
                v->turn[(size_t)k * n + i] < v->checkpoint[checkpoint] ? from[i] : (double)NAN;
    }
    return x;
}

double *eval_arm_values(const struct eval *v, int metric, int arm, int when, int checkpoint)
{
    int final = SLOT_FINAL + checkpoint;
    double *x, *now;

    if (when != WHEN_FORGOTTEN)
        return slot_values(v, metric, arm, when == WHEN_IMMEDIATE ? SLOT_IMMEDIATE : final,
                           checkpoint);
    x = slot_values(v, metric, arm, SLOT_IMMEDIATE, checkpoint);
    now = slot_values(v, metric, arm, final, checkpoint);
    for (int i = 0; i < v->orders * v->facts; i++)
        x[i] -= now[i];
    free(now);
    return x;
}

/* Whether any metric has a value of the record. */
static bool record_asked(const struct eval *v, int sequence, int slot, int record)
{
    for (int m = 0; m < record_metric_count; m++)
        if (!isnan(eval_values(v, m, sequence, slot)[record]))
            return true;
    return false;
}

/* How many records that a sequence wrote from place `from` to `to` were asked in a slot. */
static int places_asked(const struct eval *v, int sequence, int slot, int from, int to)
{
    const int *order = v->order + (size_t)(sequence % v->orders) * (size_t)v->facts;
    int n = 0;

    for (int i = from; i < to; i++)
        n += record_asked(v, sequence, slot, order[i]);
    return n;
}

int eval_asked(const struct eval *v, int arm, int when, int checkpoint, int *of)
{
    int slot = when == WHEN_IMMEDIATE ? SLOT_IMMEDIATE : SLOT_FINAL + checkpoint;
    int records = v->checkpoint[checkpoint], n = 0;

    *of = v->orders * records;
    for (int s = arm * v->orders; s < (arm + 1) * v->orders; s++) {
        /* a record may have no question that can be asked: the next edit says that all were */
        bool over = eval_sequence_is(v, s, "complete") ||
                    places_asked(v, s, SLOT_IMMEDIATE, records, v->facts);

        n += over ? records : places_asked(v, s, slot, 0, records);
    }
    return n;
}

/* Whether x [orders][facts] has numbers of so many records that resampling them says something. */
static bool has_records(const struct eval *v, const double *x, int orders)
{
    int n = 0;

    for (int i = 0; i < v->facts; i++) {
        bool any = false;

        for (int k = 0; k < orders; k++)
            any = any || !isnan(x[(size_t)k * (size_t)v->facts + (size_t)i]);
        n += any;
    }
    return n >= EVAL_RECORDS_LEAST;
}

static struct interval mean_of(const struct eval *v, int metric, const double *x, int orders,
                               int resamples)
{
    return bootstrap_mean(x, orders, v->facts, has_records(v, x, orders) ? resamples : 0,
                          v->seed + (uint64_t)metric);
}

struct interval eval_interval(const struct eval *v, int metric, int arm, int when, int checkpoint,
                              int resamples)
{
    struct interval i = {(double)NAN, (double)NAN, (double)NAN, 0};
    double *x;

    if (arm < 0) { /* every arm has the same records, unless it has none of this metric */
        for (int a = 0; a < v->arms && !i.n; a++)
            i = eval_base_beside(v, metric, a, when, checkpoint, resamples);
        return i;
    }
    x = eval_arm_values(v, metric, arm, when, checkpoint);
    i = mean_of(v, metric, x, v->orders, resamples);
    free(x);
    return i;
}

struct interval eval_base_beside(const struct eval *v, int metric, int arm, int when,
                                 int checkpoint, int resamples)
{
    struct interval i = {(double)NAN, (double)NAN, (double)NAN, 0};
    double *x;

    if (when == WHEN_FORGOTTEN || record_metric_is_of_change(&record_metrics[metric]))
        return i;
    x = eval_arm_values(v, metric, arm, when, checkpoint);
    for (int k = 0; k < v->orders * v->facts; k++)
        if (!isnan(x[k]))
            x[k] = v->base[(size_t)metric * (size_t)v->facts + (size_t)(k % v->facts)];
    i = mean_of(v, metric, x, v->orders, resamples);
    free(x);
    return i;
}

int eval_ages(const struct eval *v, int checkpoint)
{
    enum { AGES = 4 };

    return v->checkpoint[checkpoint] < AGES ? v->checkpoint[checkpoint] : AGES;
}

double eval_retention(const struct eval *v, int metric, int arm, int checkpoint, int part,
                      int *from, int *to, int *n)
{
    double *x = eval_arm_values(v, metric, arm, WHEN_FINAL, checkpoint), sum = 0;
    int edits = v->checkpoint[checkpoint];

    *from = (int)((long)part * edits / eval_ages(v, checkpoint));
    *to = (int)((long)(part + 1) * edits / eval_ages(v, checkpoint));
    *n = 0;
    for (int k = 0; k < v->orders * v->facts; k++) {
        int age = edits - 1 - v->turn[k];

        if (age < *from || age >= *to || isnan(x[k]))
            continue;
        sum += x[k];
        ++*n;
    }
    free(x);
    return *n ? sum / *n : (double)NAN;
}

/* The mean difference of each record over the orders, into d [facts]. */
static void record_differences(const struct eval *v, const double *x, double *d)
{
    for (int i = 0; i < v->facts; i++) {
        double sum = 0;
        int n = 0;

        for (int k = 0; k < v->orders; k++) {
            double one = x[(size_t)k * (size_t)v->facts + (size_t)i];

            sum += isnan(one) ? 0 : one;
            n += !isnan(one);
        }
        d[i] = n ? sum / n : (double)NAN;
    }
}

struct comparison eval_compare_arms(const struct eval *v, int metric, int arm, int with, int when,
                                    int checkpoint)
{
    struct comparison c = {.arm = arm, .metric = metric};
    double *a = eval_arm_values(v, metric, arm, when, checkpoint);
    double *b = eval_arm_values(v, metric, with, when, checkpoint);
    double *d = xcalloc((size_t)v->facts + 1, sizeof(*d));

    for (int i = 0; i < v->orders * v->facts; i++)
        a[i] -= b[i];
    c.difference = mean_of(v, metric, a, v->orders, STATISTICS_RESAMPLES);
    record_differences(v, a, d);
    c.p = c.p_holm = sign_flip_p(d, v->facts, STATISTICS_RESAMPLES, v->seed + (uint64_t)metric);
    free(d);
    free(b);
    free(a);
    return c;
}

struct comparison *eval_compare(const struct eval *v, int metric)
{
    struct comparison *c = xcalloc((size_t)v->arms, sizeof(*c));
    double *p = xcalloc((size_t)v->arms, sizeof(*p));
    bool any = false;

    for (int i = 1; i < v->arms; i++) {
        c[i - 1] = eval_compare_arms(v, metric, i, 0, WHEN_FINAL, v->checkpoints - 1);
        p[i - 1] = c[i - 1].p;
        any = any || c[i - 1].difference.n;
    }
    holm(p, v->arms - 1);
    for (int i = 1; i < v->arms; i++)
        c[i - 1].p_holm = p[i - 1];
    free(p);
    if (any)
        return c;
    free(c);
    return NULL;
}

double eval_score_of(const double success[3])
{
    double sum = 0;

    for (int i = 0; i < 3; i++)
        sum += 1 / success[i]; /* of 0 it is infinite, and stays NAN once it is */
    return 3 / sum;
}

int eval_metric(const char *json)
{
    for (int i = 0; i < record_metric_count; i++)
        if (!strcmp(record_metrics[i].json, json))
            return i;
    return -1;
}

double eval_rome_score(const struct eval *v, int arm, int when, int checkpoint)
{
    static const char *const name[] = {"es", "ps", "ns"};
    double success[3];

    for (int i = 0; i < 3; i++)
        success[i] = eval_interval(v, eval_metric(name[i]), arm, when, checkpoint, 0).value;
    return eval_score_of(success);
}

double eval_state_number(const struct eval *v, int arm, int edits, const char *name, bool largest)
{
    double sum = 0, most = 0;
    int n = 0;

    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *one = &v->number[i];
        bool ours = arm < 0 ? !one->sequence : (one->sequence - 1) / v->orders == arm;

        if (!ours || one->edits != edits || strcmp(one->name, name) != 0 || isnan(one->value))
            continue;
        sum += one->value;
        most = fabs(one->value) > fabs(most) ? one->value : most;
        n++;
    }
    return !n ? (double)NAN : largest ? most : sum / n;
}

const char *eval_table_title(int table)
{
    static const char *const title[RECORD_TABLES + 1] = {
        "",
        "teacher-forced: share of tokens that are right",
        "generated: exact match",
        "in the chat form: exact match, containment",
        "sent to what the edits keep beside the weights",
        "more probable than its rival (ROME's success)",
    };

    return title[table];
}
