/* Events as the JSON records that --json prints. editscope-json(7) describes each one; the names of
 * fields are promises. */
#include <stdlib.h>

#include "views/cli/cli.h"

static void put_real(json_t *o, const char *name, double value)
{
    json_object_set_new(o, name, cli_real(value));
}

static void put_int(json_t *o, const char *name, long long value)
{
    json_object_set_new(o, name, json_integer(value));
}

/* The rows of an attribution: prompt, and the token that is explained. */
static json_t *rows_json(const struct attribution_header *m)
{
    json_t *rows = json_array();

    for (int i = 0; i < m->rows; i++) {
        json_t *row = json_object();

        json_object_set_new(row, "prompt", cli_text(m->prompt[i]));
        cli_fields(row, &shown_token_fields, &m->target[i], "target_id=id target=text");
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *record_header(const struct cli *c, const struct attribution_header *m, const char *command)
{
    json_t *o = cli_event("meta"), *order = json_array();
    char *params = params_to_json(&c->params);

    json_object_set_new(o, "command", json_string(command));
    json_object_set_new(o, "model", cli_text(c->info.name));
    json_object_set_new(o, "model_sha256", json_string(c->state.base));
    json_object_set_new(o, "device", json_string(c->info.device));
    cli_fields(o, &attribution_header_fields, m, "N=rows M=neurons layers");
    for (int i = 0; i < m->order_count; i++)
        json_array_append_new(order, json_integer(m->order[i]));
    json_object_set_new(o, "order", order);
    json_object_set_new(o, "rows", rows_json(m));
    json_object_set_new(o, "parameters", json_loads(params, 0, NULL));
    free(params);
    return o;
}

json_t *record_layer(const struct attribution *a, const struct mask *m,
                     const struct attribution_header *rows, json_t *top)
{
    json_t *o = cli_event("layer"), *ties = json_object();

    cli_fields(o, &attribution_fields, a, "layer N=rows M=neurons");
    if (a->words)
        put_int(o, "words", a->words);
    if (rows)
        json_object_set_new(o, "rows", rows_json(rows));
    put_real(o, "H_ge", m->general.H);
    put_real(o, "H_sp", m->specific.H);
    put_real(o, "rho_ge", m->general.rho);
    put_real(o, "rho_sp", m->specific.rho);
    put_real(o, "tau_ge", m->general.tau);
    put_real(o, "tau_sp", m->specific.tau);
    put_int(o, "general", m->general.chosen);
    put_int(o, "specific", m->specific.chosen);
    put_int(o, "both", m->both);
    json_object_set_new(o, "kept", m->elsewhere ? json_null() : json_integer(m->selected));
    put_real(ties, "general", m->general.ties);
    put_real(ties, "specific", m->specific.ties);
    json_object_set_new(o, "ties", ties);
    if (top)
        json_object_set(o, "top", top);
    put_real(o, "seconds", a->seconds);
    return o;
}

/* The neurons that the method chose itself. */
static json_t *chosen_json(const struct layer_report *l)
{
    json_t *list = json_array();

    for (int i = 0; i < l->chosen; i++) {
        json_t *o = json_object();

        cli_fields(o, &chosen_neuron_fields, &l->chosen_neuron[i], "neuron moved");
        json_array_append_new(list, o);
    }
    return list;
}

/* One layer of an edit; a percentile is null where random masks were not tried. */
static json_t *layer_json(const struct layer_report *l)
{
    json_t *o = json_object(), *percentile = json_object();

    cli_fields(o, &layer_report_fields, l,
               "layer lambda q gain gain_mask scale leak leak_unmasked leak_ratio");
    json_object_set_new(percentile, "gain",
                        l->percentile_gain < 0 ? json_null() : cli_real(l->percentile_gain));
    json_object_set_new(percentile, "leak_ratio",
                        l->percentile_leak < 0 ? json_null() : cli_real(l->percentile_leak));
    json_object_set_new(o, "percentile", percentile);
    cli_fields(o, &layer_report_fields, l, "residual kept");
    if (l->general || l->specific)
        cli_fields(o, &layer_report_fields, l, "general specific both rho_ge rho_sp tau_ge tau_sp");
    cli_fields(o, &layer_report_fields, l, "delta_norm weight_norm");
    if (l->rank)
        cli_fields(o, &layer_report_fields, l, "rank gradient_share");
    if (l->chosen)
        json_object_set_new(o, "chosen", chosen_json(l));
    return o;
}

static json_t *demonstrations_json(const struct edit_report *a)
{
    static const char *const kind[] = {"copy", "update", "retain"};
    json_t *list = json_array();

    for (int i = 0; i < a->demonstrations; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "record", a->demonstration[i].record,
                                              "kind", kind[a->demonstration[i].kind]));
    return list;
}

void record_layers(json_t *o, const struct edit_report *a)
{
    json_t *layers = json_array(), *moments = json_object();

    for (int i = 0; i < a->layers; i++)
        json_array_append_new(layers, layer_json(&a->layer[i]));
    json_object_set_new(o, "layers", layers);
    cli_fields(o, &edit_report_fields, a, "v_lr v_clamp v_norm z_error");
    if (*a->beside)
        cli_fields(o, &edit_report_fields, a, "beside");
    if (a->routes.rephrases || a->routes.neighbours)
        cli_fields(o, &edit_report_fields, a, "routes");
    if (a->demonstrations)
        json_object_set_new(o, "demonstrations", demonstrations_json(a));
    cli_fields(moments, &edit_report_fields, a, "tokens=moment_tokens draft");
    json_object_set_new(o, "moments", moments);
}

json_t *record_report(const char *event, const struct edit_report *a)
{
    json_t *o = cli_event(event);

    cli_fields(o, &edit_report_fields, a, "edit");
    record_layers(o, a);
    cli_fields(o, &edit_report_fields, a, "p_target");
    json_object_set_new(o, "p_first", cli_pair(a->p_before, a->p_after));
    cli_fields(o, &edit_report_fields, a, "facts held");
    json_object_set_new(o, "success", json_boolean(a->held == a->facts));
    cli_fields(o, &edit_report_fields, a, "generated checksum");
    return o;
}

static json_t *fact_json(const struct history_fact *f)
{
    json_t *o = json_object();

    cli_fields(o, &history_fact_fields, f, "subject prompt target old");
    json_object_set_new(o, "success",
                        f->outcome == OUTCOME_UNKNOWN ? json_null()
                                                      : json_boolean(f->outcome == OUTCOME_HELD));
    if (f->rewritten)
        put_int(o, "rewritten", f->rewritten);
    cli_fields(o, &history_fact_fields, f, "p_target p_first");
    return o;
}

void record_facts(json_t *o, const struct history_entry *e)
{
    json_t *list = json_array();

    for (int i = 0; i < e->facts; i++)
        json_array_append_new(list, fact_json(&e->fact[i]));
    put_int(o, "requests", e->facts);
    json_object_set_new(o, "held",
                        history_held(e) < 0 ? json_null() : json_integer(history_held(e)));
    json_object_set_new(o, "facts", list);
}

json_t *record_commit(const struct commit_report *e)
{
    json_t *o = cli_event("done"), *seconds = json_object();

    cli_fields(o, &commit_report_fields, e,
               "edit success p_target p_first log_odds argmax generated rewrite_acc "
               "unmasked_unchanged");
    cli_fields(seconds, &commit_report_fields, e,
               "target=seconds_target attribution=seconds_attribution solve=seconds_solve "
               "verify=seconds_verify total=seconds_total");
    json_object_set_new(o, "seconds", seconds);
    cli_fields(o, &commit_report_fields, e, "checksum");
    return o;
}

json_t *record_step(const struct target_step *s)
{
    json_t *o = cli_event("step");

    cli_fields(o, &target_step_fields, s, "step loss nll kl wd p_target delta_norm");
    return o;
}

json_t *record_probe(const struct probe_result *p)
{
    json_t *o = cli_event("probe");

    json_object_set_new(o, "kind", json_string(probe_word(p->kind)));
    cli_fields(o, &probe_result_fields, p, "prompt expected ok said p p_target p_first=p known");
    if (p->context) /* it was not asked */
        json_object_set_new(o, "context", json_integer(p->context));
    return o;
}

json_t *record_moments(const struct moments_info *m)
{
    json_t *o = cli_event(NULL), *layers = json_array();

    cli_fields(o, &moments_info_fields, m, "tokens goal");
    for (int i = 0; i < m->layers; i++) {
        json_t *l = json_object(), *top = json_array();

        put_int(l, "layer", m->layer[i]);
        put_real(l, "null_fraction", m->null_fraction[i]);
        put_real(l, "trace_lost", m->trace_lost[i]);
        put_real(l, "trace", m->trace[i]);
        put_real(l, "threshold", m->threshold[i]);
        for (int k = 0; k < 5; k++)
            json_array_append_new(top, cli_real(m->top[i][k]));
        json_object_set_new(l, "top", top);
        json_array_append_new(layers, l);
    }
    json_object_set_new(o, "layers", layers);
    return o;
}
