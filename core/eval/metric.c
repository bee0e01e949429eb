/* The table of metrics of an edit, and how each is measured (editscope-method(7) 9.4).
 *
 * To add a metric, add a row to metric_table and, unless it counts probes, a function. Compare,
 * Sweep, `editscope sweep`, tables, JSON and recordings follow from the row. A row has one of
 *
 *   .layer    a number of one layer's report; the metric is its mean over the edited layers
 *   .probes   kinds of probes (PROBES_*); the metric is how many of them the edited state passes
 *   .measure  a function that may look at everything in struct measuring, and may run the model
 *
 * A result is part / whole, not a quotient, so that averages over facts are right (9.5): if one
 * fact passes 1 of 1 rephrase and another 0 of 3, the average is 1/4, not 1/2. A metric of one
 * number has the whole 1. Example, a metric of a layer:
 *
 *   static double layer_q(const struct layer_report *r, const struct measuring *m) { return r->q; }
 *   {"q", METRIC_PROBABILITY, 0, "q", "q", .layer = layer_q},
 *
 * The order of rows is the order on the screen and in tables. The JSON names of a row are part of
 * recordings: a row may be added, not renamed. */
#include "core/eval/metric.h"

#include <math.h>
#include <string.h>

#include "core/edit/editor.h"
#include "core/eval/probe.h"

static double layer_selected(const struct layer_report *r, const struct measuring *m)
{
    return (double)r->kept / m->neurons;
}

static double layer_gain(const struct layer_report *r, const struct measuring *m)
{
    (void)m;
    return r->gain_mask;
}

static double layer_leak(const struct layer_report *r, const struct measuring *m)
{
    (void)m;
    return r->leak;
}

static double layer_leak_ratio(const struct layer_report *r, const struct measuring *m)
{
    (void)m;
    return r->leak_ratio;
}

static double layer_relative_norm(const struct layer_report *r, const struct measuring *m)
{
    (void)m;
    return r->weight_norm > 0 ? r->delta_norm / r->weight_norm : 0;
}

static bool measure_success(const struct measuring *m, struct measured *out, struct err *err)
{
    (void)err;
    out->part = fact_holds(m->after, m->params->value[P_ACCEPT_P_MIN]);
    return true;
}

static bool measure_p_target(const struct measuring *m, struct measured *out, struct err *err)
{
    (void)err;
    out->part = m->after->p;
    out->before = m->before->p;
    return true;
}

static bool measure_residual(const struct measuring *m, struct measured *out, struct err *err)
{
    (void)err;
    out->part = m->result->z_error;
    return true;
}

static bool measure_seconds(const struct measuring *m, struct measured *out, struct err *err)
{
    (void)err;
    out->part = m->seconds;
    return true;
}

static bool measure_routed_rephrases(const struct measuring *m, struct measured *out,
                                     struct err *err)
{
    (void)err;
    out->part = m->result->routes.rephrases_routed;
    out->whole = m->result->routes.rephrases;
    return true;
}

static bool measure_routed_neighbours(const struct measuring *m, struct measured *out,
                                      struct err *err)
{
    (void)err;
    out->part = m->result->routes.neighbours_routed;
    out->whole = m->result->routes.neighbours;
    return true;
}

const struct metric metric_table[] = {
    {"holds", METRIC_YES, 1, "rel", "success", NULL, "      holds%9.1p",
     .measure = measure_success},
    {"p(target)", METRIC_PROBABILITY, 1, "p_target", "p_target", NULL, "  p(target)%9.4f", true,
     true, .resolution = 0.005, .measure = measure_p_target},
    {"neurons kept", METRIC_PERCENT, 0, "kept", "share_kept", NULL, "  kept%9.1p", true,
     .layer = layer_selected},
    {"gain", METRIC_PROBABILITY, 1, "gain_mask", "gain_mask", NULL, "  gain%8.4f", true,
     .layer = layer_gain},
    {"leak/gain²", METRIC_TIMES, -1, "leak_ratio", "leak_ratio", NULL, "  leak/g^2%9.2f", true,
     .layer = layer_leak_ratio},
    {"rephrase", METRIC_COUNT, 1, "gen", "rephrase_ok", "rephrases", "  rephrase%9.1p", true,
     .probes = PROBES_REPHRASE},
    {"neighbours", METRIC_COUNT, 1, "loc", "locality_kept", "localities", "  neighbours%9.1p", true,
     .probes = PROBES_LOCALITY},
    {"‖ΔW‖/‖W‖", METRIC_SMALL, -1, "relative_norm", "relative_norm", NULL, "  |dW|/|W|%8.5f",
     .layer = layer_relative_norm},
    {"leak", METRIC_PROBABILITY, -1, "leak", "leak", .layer = layer_leak},
    {"residual left", METRIC_PROBABILITY, -1, "z_error", "z_error", .measure = measure_residual},
    {"routed gen", METRIC_COUNT, 1, "gen_routed", "rephrases_routed", "rephrases_asked",
     .measure = measure_routed_rephrases},
    {"routed loc", METRIC_COUNT, -1, "loc_routed", "neighbours_routed", "neighbours_asked",
     .measure = measure_routed_neighbours},
    {"seconds", METRIC_SECONDS, 0, "seconds_per_edit", "seconds", NULL, "  s%6.2f",
     .measure = measure_seconds},
};
const int metric_count = (int)(sizeof(metric_table) / sizeof(metric_table[0]));
_Static_assert(sizeof(metric_table) / sizeof(metric_table[0]) <= METRICS_MOST,
               "METRICS_MOST is too small");

int metric_find(const char *name)
{
    for (int i = 0; i < metric_count; i++)
        if (!strcmp(metric_table[i].name, name))
            return i;
    return -1;
}

unsigned metrics_probes(void)
{
    unsigned all = 0;

    for (int i = 0; i < metric_count; i++)
        all |= metric_table[i].probes;
    return all;
}

/* How many probes of these kinds the edited state passes, of those that count. */
static bool count_passed(const struct measuring *m, unsigned kinds, struct measured *out,
                         struct err *err)
{
    struct verdict v;

    *out = (struct measured){0};
    for (int i = 0; i < m->probes->count; i++) {
        if (!(kinds & 1U << m->probes->probe[i].kind) || !m->probes->probe[i].known)
            continue;
        if (!probe_ask(&v, m->probes, i, m->state, false, m->job, err))
            return false;
        out->part += v.ok;
        out->whole++;
    }
    return true;
}

/* An edit that writes no layer has no such number. */
static struct measured mean_of_layers(const struct metric *row, const struct layer_report *report,
                                      int layers, const struct measuring *m)
{
    struct measured mean = {.whole = layers > 0};

    for (int l = 0; l < layers; l++)
        mean.part += row->layer(&report[l], m) / layers;
    return mean;
}

bool metrics_measure(const struct measuring *m, struct measured *out, struct err *err)
{
    for (int i = 0; i < metric_count; i++) {
        const struct metric *row = &metric_table[i];
        const struct edit_result *r = m->result;

        out[i] = row->layer ? mean_of_layers(row, r->report, r->layers, m)
                            : (struct measured){.whole = 1};
        if ((row->measure && !row->measure(m, &out[i], err)) ||
            (row->probes && !count_passed(m, row->probes, &out[i], err)))
            return false;
    }
    return true;
}

void metrics_add_layers(struct measured *sum, const struct layer_report *report, int layers,
                        int neurons)
{
    const struct measuring m = {.neurons = neurons};

    for (int i = 0; i < metric_count; i++) {
        struct measured mean;

        if (!metric_table[i].layer)
            continue;
        mean = mean_of_layers(&metric_table[i], report, layers, &m);
        measured_add(&sum[i], &mean);
    }
}

void metrics_add_probes(struct measured *sum, const struct probe_result *probe, int count)
{
    for (int k = 0; k < count; k++) {
        bool counts = probe[k].kind == PROBE_LOCALITY ? probe[k].known : !probe[k].context;

        for (int i = 0; counts && i < metric_count; i++)
            if (metric_table[i].probes & 1U << probe[k].kind)
                measured_add(&sum[i], &(struct measured){.part = probe[k].ok[1], .whole = 1});
    }
}

double measured_value(const struct measured *m)
{
    return m->whole > 0 ? m->part / m->whole : (double)NAN;
}

double measured_before(const struct measured *m)
{
    return m->whole > 0 ? m->before / m->whole : (double)NAN;
}

void measured_add(struct measured *sum, const struct measured *one)
{
    sum->part += one->part;
    sum->whole += one->whole;
    sum->before += one->before;
}
