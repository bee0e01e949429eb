/* A run as JSON: every measure, and the numbers of its tables. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "views/cli/eval.h"

static json_t *ids_json(const int *id, int count)
{
    json_t *list = json_array();

    for (int i = 0; i < count; i++)
        json_array_append_new(list, json_integer(id[i]));
    return list;
}

void eval_put_sequence(json_t *o, const struct eval *v, int sequence)
{
    if (sequence < 1 || sequence > eval_sequences(v)) {
        json_object_set_new(o, "arm", json_null());
        return;
    }
    json_object_set_new(o, "arm", cli_text(v->arm[(sequence - 1) / v->orders].name));
    json_object_set_new(o, "order", json_integer((sequence - 1) % v->orders + 1));
}

/* Of a question with several right answers: which one it is, and whether it was matched best. */
static void put_alias(json_t *o, const struct measures *all, int at)
{
    const struct measure *m = &all->measure[at];
    bool several = false;

    for (int i = 0; i < all->count; i++)
        several = several || (i != at && measure_same_question(&all->measure[i], m));
    if (!several)
        return;
    json_object_set_new(o, "alias", json_integer(m->alias));
    json_object_set_new(o, "matched", json_boolean(measure_matched(all->measure, all->count, at)));
}

void eval_print_measures(const struct eval *v, const struct measures *all)
{
    for (int i = 0; i < all->count; i++) {
        const struct measure *m = &all->measure[i];
        json_t *o = cli_event("record");

        eval_put_sequence(o, v, m->sequence);
        json_object_set_new(o, "edits", json_integer(m->edits));
        json_object_set_new(o, "when", json_string(measure_when_name(m->when)));
        json_object_set_new(o, "record", json_integer(m->record));
        json_object_set_new(o, "probe", json_string(measure_probe_name(m->probe)));
        json_object_set_new(o, "place", json_integer(m->place));
        json_object_set_new(o, "protocol", json_string(measure_protocol_name(m->protocol)));
        put_alias(o, all, i);
        json_object_set_new(o, "tokens", json_integer(m->predicteds));
        json_object_set_new(o, "predicted", ids_json(m->predicted, m->predicteds));
        json_object_set_new(o, "labels", ids_json(m->label, m->labels));
        json_object_set_new(o, "logp", cli_real(m->logp));
        if (m->rivals) {
            json_object_set_new(o, "rival_logp", cli_real(m->rival));
            json_object_set_new(o, "rival_tokens", json_integer(m->rivals));
        }
        if (m->merged)
            json_object_set_new(o, "merged", json_true());
        if (m->said) {
            json_object_set_new(o, "said", cli_text(m->said));
            json_object_set_new(o, "wanted", cli_text(m->wanted));
        }
        cli_print(o);
    }
}

static json_t *interval_json(const struct interval *i)
{
    return json_pack("{s:o, s:o, s:o, s:i}", "value", cli_real(i->value), "low", cli_real(i->low),
                     "high", cli_real(i->high), "n", i->n);
}

/* The mean of each order by itself. */
static json_t *orders_json(const struct eval *v, const double *x)
{
    json_t *list = json_array();

    for (int k = 0; k < v->orders; k++) {
        double sum = 0;
        int n = 0;

        for (int i = 0; i < v->facts; i++) {
            double one = x[(size_t)k * (size_t)v->facts + (size_t)i];

            sum += isnan(one) ? 0 : one;
            n += !isnan(one);
        }
        json_array_append_new(list, n ? json_real(sum / n) : json_null());
    }
    return list;
}

/* The numbers of an arm's states at a checkpoint, in the order of their sequences. */
static json_t *state_json(const struct eval *v, int arm, int edits)
{
    json_t *list = json_array();

    for (int i = 0; i < v->numbers; i++) {
        const struct run_number *n = &v->number[i];
        json_t *o;

        if ((n->sequence - 1) / v->orders != arm || !n->sequence || n->edits != edits ||
            !strcmp(n->name, "seconds") || !strcmp(n->name, "gain") ||
            !strcmp(n->name, "complete") || !strcmp(n->name, "elsewhere") || strchr(n->name, '.'))
            continue;
        o = json_object();
        json_object_set_new(o, "name", cli_text(n->name));
        if (v->orders > 1)
            json_object_set_new(o, "order", json_integer((n->sequence - 1) % v->orders + 1));
        if (n->layer >= 0)
            json_object_set_new(o, "layer", json_integer(n->layer));
        json_object_set_new(o, "value", cli_real(n->value));
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *retention_json(const struct eval *v, int metric, int arm, int checkpoint)
{
    json_t *list = json_array();

    for (int part = 0; part < eval_ages(v, checkpoint); part++) {
        int from, to, n;
        double value = eval_retention(v, metric, arm, checkpoint, part, &from, &to, &n);

        if (n)
            json_array_append_new(list, json_pack("{s:[i,i], s:o, s:i}", "age", from, to - 1,
                                                  "value", cli_real(value), "n", n));
    }
    return list;
}

/* A metric of an arm; NULL: it was not measured. */
static json_t *metric_json(const struct eval *v, int metric, int arm, int checkpoint,
                           enum measure_when when)
{
    struct interval i = eval_interval(v, metric, arm, when, checkpoint, STATISTICS_RESAMPLES);
    const char *protocol = measure_protocol_name(record_metrics[metric].protocol);
    json_t *o;

    if (!i.n)
        return NULL;
    o = interval_json(&i);
    json_object_set_new(o, "protocol", json_string(protocol));
    i = eval_base_beside(v, metric, arm, (int)when, checkpoint, STATISTICS_RESAMPLES);
    json_object_set_new(o, "base", i.n ? interval_json(&i) : json_null());
    if (v->orders > 1) {
        double *x = eval_arm_values(v, metric, arm, when, checkpoint);

        json_object_set_new(o, "each_order", orders_json(v, x));
        free(x);
    }
    if (when == WHEN_FINAL) {
        i = eval_interval(v, metric, arm, WHEN_FORGOTTEN, checkpoint, STATISTICS_RESAMPLES);
        json_object_set_new(o, "forgetting", interval_json(&i));
        json_object_set_new(o, "retention", retention_json(v, metric, arm, checkpoint));
    }
    return o;
}

static void print_result(const struct eval *v, int arm, int checkpoint, enum measure_when when)
{
    json_t *o = cli_event("result"), *metrics = json_object();

    json_object_set_new(o, "arm", cli_text(v->arm[arm].name));
    json_object_set_new(o, "method", json_string(params_word(&v->arm[arm].params, P_EDIT_METHOD)));
    json_object_set_new(o, "edits", json_integer(v->checkpoint[checkpoint]));
    json_object_set_new(o, "when", json_string(measure_when_name((int)when)));
    json_object_set_new(o, "orders", json_integer(v->orders));
    for (int m = 0; m < record_metric_count; m++) {
        json_t *one = metric_json(v, m, arm, checkpoint, when);

        if (one)
            json_object_set_new(metrics, record_metrics[m].json, one);
    }
    json_object_set_new(o, "metrics", metrics);
    if (when == WHEN_FINAL) {
        json_object_set_new(o, "state", state_json(v, arm, v->checkpoint[checkpoint]));
        json_object_set_new(o, "tasks", eval_task_scores(v, arm, v->checkpoint[checkpoint]));
    }
    json_object_set_new(o, "score", cli_real(eval_rome_score(v, arm, when, checkpoint)));
    json_object_set_new(o, "base_score", cli_real(eval_rome_score(v, -1, when, checkpoint)));
    json_object_set_new(o, "seconds_per_edit", cli_real(eval_number_mean(v, arm, "seconds")));
    json_object_set_new(o, "gain", cli_real(eval_number_mean(v, arm, "gain")));
    cli_print(o);
}

static void print_comparison(const struct eval *v, const struct comparison *c)
{
    json_t *o = cli_event("comparison");

    json_object_set_new(o, "arm", cli_text(v->arm[c->arm].name));
    json_object_set_new(o, "with", cli_text(v->arm[0].name));
    json_object_set_new(o, "edits", json_integer(v->facts));
    json_object_set_new(o, "when", json_string("final"));
    json_object_set_new(o, "metric", json_string(record_metrics[c->metric].json));
    json_object_set_new(o, "protocol",
                        json_string(measure_protocol_name(record_metrics[c->metric].protocol)));
    json_object_set_new(o, "difference", interval_json(&c->difference));
    json_object_set_new(o, "p", cli_real(c->p));
    json_object_set_new(o, "p_holm", cli_real(c->p_holm));
    cli_print(o);
}

void eval_print_json(const struct eval *v)
{
    for (int a = 0; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++) {
            print_result(v, a, k, WHEN_IMMEDIATE);
            print_result(v, a, k, WHEN_FINAL);
        }
    for (int m = 0; m < record_metric_count; m++) {
        struct comparison *c = eval_compare(v, m);

        for (int i = 0; c && i + 1 < v->arms; i++)
            print_comparison(v, &c[i]);
        free(c);
    }
}
