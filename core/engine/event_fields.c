/* The tables of fields of everything that events point to (fields.h, field_rows.h), the list of
 * kinds of events, and event_free(). A table has a row for every member of its struct;
 * event_json_test finds members without one. `_ready` functions check what a row cannot, and
 * complete old recordings. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/event_fields.h"
#include "core/engine/field_rows.h"

static const struct field_info progress_field[] = {
    CHARS(progress, what),        REAL(progress, done),   REAL(progress, total),
    REAL(progress, seconds_left), REAL(progress, needed), CHARS(progress, stage),
};
FIELDS(progress);

static const struct field_info stamp_field[] = {
    CHARS(stamp, fact),  CHARS(stamp, object), CHARS(stamp, scores), CHARS(stamp, edit),
    CHARS(stamp, state), CHARS(stamp, target), CHARS(stamp, old),    BOOL(stamp, by_old),
};
FIELDS(stamp);

static const struct field_info job_begun_field[] = {
    CHARS(job_begun, command),        COUNT(job_begun, facts),
    TEXT_OR_NULL(job_begun, subject), TEXT_OR_NULL(job_begun, prompt),
    TEXT_OR_NULL(job_begun, target),  TEXT_OR_NULL(job_begun, old),
    TEXT_OR_NULL(job_begun, changed), PART(job_begun, stamp, stamp_fields),
};
FIELDS(job_begun);

static const struct field_info model_info_field[] = {
    CHARS(model_info, name),
    CHARS(model_info, arch),
    PATH(model_info, path, FIELD_CHARS),
    CHARS(model_info, device),
    CHARS(model_info, type),
    CHARS(model_info, stored),
    RANGE(model_info, layers, 0, MOST_LAYERS),
    COUNT(model_info, neurons),
    COUNT(model_info, hidden),
    COUNT(model_info, heads),
    COUNT(model_info, vocab),
    COUNT(model_info, threads),
    REAL(model_info, load_seconds),
    CHARS(model_info, notice),
};

static bool model_info_ready(void *what, struct err *err)
{
    const struct model_info *m = what;

    (void)err;
    return m->layers > 0 && m->neurons > 0;
}
FIELDS_READY(model_info, model_info_ready);

static const struct field_info state_info_field[] = {
    COUNT(state_info, edits),
    BOOL(state_info, preview),
    CHARS(state_info, checksum),
    CHARS(state_info, state),
    PATH(state_info, session, FIELD_CHARS),
    CHARS(state_info, base),
    BOOL(state_info, readonly),
    BOOL(state_info, can_undo),
    BOOL(state_info, can_redo),
    ONE(state_info, moment_tokens, FIELD_LONG),
    ONE(state_info, moment_goal, FIELD_LONG),
    BOOL(state_info, verified),
    BOOL(state_info, lost),
    COUNT(state_info, edited_count),
    LAYERS_OF(state_info, edited_layers, edited_count),
};
FIELDS(state_info);

static const struct field_info shown_token_field[] = {
    INT(shown_token, id),     CHARS(shown_token, text),   REAL(shown_token, p),
    REAL(shown_token, logit), BOOL(shown_token, subject),
};
FIELDS(shown_token);

static const struct field_info prompt_info_field[] = {
    ONE(prompt_info, job, FIELD_UNSIGNED),
    COUNT(prompt_info, tokens),
    LIST(prompt_info, token, shown_token_fields, tokens),
    COUNT(prompt_info, lookup),
    COUNT(prompt_info, targets),
    LIST(prompt_info, target, shown_token_fields, targets),
    COUNT(prompt_info, nexts),
    LIST(prompt_info, next, shown_token_fields, nexts),
    REAL(prompt_info, p_target),
    REAL(prompt_info, p_first),
    COUNT(prompt_info, rank),
    PART(prompt_info, old, shown_token_fields),
    {NAMED(prompt_info, layers, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = MOST_LAYERS,
     .means = MEANS_LAYERS, .optional = true, .count = NONE},
    OR_NULL(prompt_info, rank_old, FIELD_INT, layers, NO_COUNT),
    OR_NULL(prompt_info, rank_new, FIELD_INT, layers, NO_COUNT),
    CHARS(prompt_info, note),
    CHARS(prompt_info, problem),
};

static bool prompt_info_ready(void *what, struct err *err)
{
    const struct prompt_info *l = what;

    (void)err;
    return l->lookup < (l->tokens ? l->tokens : 1);
}
FIELDS_READY(prompt_info, prompt_info_ready);

static const struct field_info edit_side_field[] = {
    PART(edit_side, prompt, prompt_info_fields),
    TEXT(edit_side, said),
    REAL(edit_side, accuracy),
    BOOL(edit_side, holds),
};
FIELDS(edit_side);

static const struct field_info edit_sides_field[] = {
    INT(edit_sides, edit),
    REAL(edit_sides, accept),
    PART(edit_sides, before, edit_side_fields),
    PART(edit_sides, after, edit_side_fields),
};
FIELDS(edit_sides);

static const struct field_info notice_field[] = {CHARS(notice, text)};
FIELDS(notice);

static const struct field_info attribution_header_field[] = {
    ONE(attribution_header, id, FIELD_UNSIGNED),
    COUNT(attribution_header, rows),
    NEURONS(attribution_header, neurons),
    LAYERS(attribution_header, layers),
    OWNED(attribution_header, prompt, FIELD_TEXT, rows),
    LIST(attribution_header, target, shown_token_fields, rows),
    RANGE(attribution_header, order_count, 0, MOST_LAYERS),
    OWNED(attribution_header, order, FIELD_INT, order_count),
};
FIELDS(attribution_header);

static const struct field_info attribution_field[] = {
    ONE(attribution, id, FIELD_UNSIGNED),
    ONE(attribution, generation, FIELD_UNSIGNED),
    {NAMED(attribution, strategy, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = STRATEGY_MPC,
     .count = NONE},
    LAYER(attribution, layer),
    LAYERS(attribution, layers),
    COUNT(attribution, rows),
    NEURONS(attribution, neurons),
    REAL(attribution, amplify),
    FLOATS(attribution, score, rows, AT(attribution, neurons), EXACT, false),
    FLOATS(attribution, activation, rows, AT(attribution, neurons), HALF, false),
    FLOATS(attribution, slope, rows, AT(attribution, neurons), COARSE, true),
    FLOATS(attribution, curve, rows, AT(attribution, neurons), DROPPED, true),
    FLOATS(attribution, value_norm, neurons, NO_COUNT, HALF, false),
    OWNED(attribution, target, FIELD_INT, rows),
    OWNED(attribution, base_logp, FIELD_DOUBLE, rows),
    REAL(attribution, seconds),
    COUNT(attribution, keys),
    FLOATS(attribution, key, keys, AT(attribution, neurons), HALF, false),
    ONE(attribution, draw, FIELD_UNSIGNED),
    INT(attribution, words),
};

static bool attribution_ready(void *what, struct err *err)
{
    struct attribution *a = what;

    atomic_init(&a->refs, 1);
    return attribution_is_finite(a, err) && a->rows > 0 && a->neurons > 0 && a->layer < a->layers;
}
FIELDS_READY(attribution, attribution_ready);

static const struct field_info chosen_neuron_field[] = {
    INT(chosen_neuron, neuron),
    REAL(chosen_neuron, moved),
};
FIELDS(chosen_neuron);

static const struct field_info layer_report_field[] = {
    LAYER(layer_report, layer),
    INT(layer_report, kept),
    REAL(layer_report, q),
    REAL(layer_report, gain),
    REAL(layer_report, gain_mask),
    REAL(layer_report, leak),
    REAL(layer_report, leak_unmasked),
    REAL(layer_report, leak_ratio),
    REAL(layer_report, percentile_gain),
    REAL(layer_report, percentile_leak),
    REAL(layer_report, lambda),
    REAL(layer_report, scale),
    REAL(layer_report, residual),
    REAL(layer_report, delta_norm),
    REAL(layer_report, weight_norm),
    INT(layer_report, general),
    INT(layer_report, specific),
    INT(layer_report, both),
    REAL(layer_report, rho_ge),
    REAL(layer_report, rho_sp),
    REAL(layer_report, tau_ge),
    REAL(layer_report, tau_sp),
    INT(layer_report, rank),
    REAL(layer_report, gradient_share),
    RANGE(layer_report, chosen, 0, REPORT_CHOSEN),
    PARTS_OF(layer_report, chosen_neuron, chosen_neuron_fields, chosen),
    BOOL(layer_report, stale),
};
FIELDS(layer_report);

static const struct field_info route_report_field[] = {
    COUNT(route_report, rephrases),  COUNT(route_report, rephrases_routed),
    COUNT(route_report, neighbours), COUNT(route_report, neighbours_routed),
    REAL(route_report, rephrase),    REAL(route_report, neighbour),
    REAL(route_report, limit),
};
FIELDS(route_report);

static const struct field_info demonstration_field[] = {
    COUNT(demonstration, record),
    RANGE(demonstration, kind, 0, DEMONSTRATION_RETAIN),
};
FIELDS(demonstration);

static const struct field_info edit_report_field[] = {
    INT(edit_report, edit),
    COUNT(edit_report, layers),
    PARTS_OF(edit_report, layer, layer_report_fields, layers),
    REAL(edit_report, v_norm),
    REAL(edit_report, v_lr),
    REAL(edit_report, v_clamp),
    REAL(edit_report, z_error),
    ONE(edit_report, moment_tokens, FIELD_LONG),
    BOOL(edit_report, draft),
    CHARS(edit_report, checksum),
    REAL(edit_report, p_before),
    REAL(edit_report, p_after),
    FIXED(edit_report, p_target, FIELD_DOUBLE),
    COUNT(edit_report, facts),
    COUNT(edit_report, held),
    CHARS(edit_report, generated),
    CHARS(edit_report, beside),
    PART(edit_report, routes, route_report_fields),
    COUNT(edit_report, demonstrations),
    PARTS_OF(edit_report, demonstration, demonstration_fields, demonstrations),
};
FIELDS(edit_report);

static const struct field_info target_step_field[] = {
    INT(target_step, step),        REAL(target_step, loss), REAL(target_step, nll),
    REAL(target_step, kl),         REAL(target_step, wd),   REAL(target_step, p_target),
    REAL(target_step, delta_norm),
};
FIELDS(target_step);

static const struct field_info commit_report_field[] = {
    INT(commit_report, edit),
    INT(commit_report, fact),
    BOOL(commit_report, success),
    BOOL(commit_report, unmasked_unchanged),
    FIXED(commit_report, p_target, FIELD_DOUBLE),
    FIXED(commit_report, p_first, FIELD_DOUBLE),
    FIXED(commit_report, log_odds, FIELD_DOUBLE),
    FIXED(commit_report, argmax, FIELD_CHARS),
    FIXED(commit_report, generated, FIELD_CHARS),
    REAL(commit_report, rewrite_acc),
    REAL(commit_report, seconds_target),
    REAL(commit_report, seconds_attribution),
    REAL(commit_report, seconds_solve),
    REAL(commit_report, seconds_verify),
    REAL(commit_report, seconds_total),
    CHARS(commit_report, checksum),
};
FIELDS(commit_report);

static const struct field_info answer_route_field[] = {
    COUNT(answer_route, entries), COUNT(answer_route, entry), LAYER(answer_route, layer),
    BOOL(answer_route, routed),   BOOL(answer_route, below),  REAL(answer_route, value),
    REAL(answer_route, limit),    CHARS(answer_route, kind),  CHARS(answer_route, measure),
};
FIELDS(answer_route);

static const struct field_info answer_field[] = {
    ONE(answer, state, FIELD_UNSIGNED),
    INT(answer, edit),
    CHARS(answer, state_name),
    BOOL(answer, partial),
    BOOL(answer, chat),
    INT(answer, changed),
    TEXT(answer, prompt),
    TEXT(answer, completion),
    TEXT_OR_NULL(answer, plain),
    COUNT(answer, count),
    OR_NULL(answer, ids, FIELD_INT, count, NO_COUNT),
    COUNT(answer, nexts),
    LIST(answer, next, shown_token_fields, nexts),
    PART(answer, route, answer_route_fields),
};
FIELDS(answer);

static const struct field_info context_field[] = {
    CHARS(context, text),
    ONE(context, coefficient, FIELD_FLOAT),
};
FIELDS(context);

static const struct field_info neuron_info_field[] = {
    LAYER(neuron_info, layer),
    NEURON(neuron_info, neuron),
    RANGE(neuron_info, count, 0, 12),
    PARTS_OF(neuron_info, promotes, shown_token_fields, count),
    PARTS_OF(neuron_info, suppresses, shown_token_fields, count),
    RANGE(neuron_info, contexts, 0, 5),
    PARTS_OF(neuron_info, context, context_fields, contexts),
};
FIELDS(neuron_info);

static const struct field_info moments_info_field[] = {
    ONE(moments_info, tokens, FIELD_LONG),
    ONE(moments_info, goal, FIELD_LONG),
    CHARS(moments_info, unkept),
    RANGE(moments_info, layers, 0, 64),
    LAYERS_OF(moments_info, layer, layers),
    FIXED_OF(moments_info, null_fraction, FIELD_DOUBLE, layers),
    FIXED_OF(moments_info, trace_lost, FIELD_DOUBLE, layers),
    FIXED_OF(moments_info, trace, FIELD_DOUBLE, layers),
    FIXED_OF(moments_info, threshold, FIELD_DOUBLE, layers),
    {.name = "top",
     .type = FIELD_DOUBLE,
     .store = STORE_FIXED,
     .offset = AT(moments_info, top),
     .size = sizeof(double),
     .most = sizeof(((struct moments_info *)0)->top) / sizeof(double),
     .count = NONE},
};
FIELDS(moments_info);

static const struct field_info lens_grid_field[] = {
    ONE(lens_grid, state, FIELD_UNSIGNED),
    COUNT(lens_grid, tokens),
    LAYERS(lens_grid, layers),
    LIST(lens_grid, token, shown_token_fields, tokens),
    LIST_2(lens_grid, top, shown_token_fields, layers, tokens),
    OR_NULL(lens_grid, rank_old, FIELD_INT, layers, AT(lens_grid, tokens)),
    OR_NULL(lens_grid, rank_new, FIELD_INT, layers, AT(lens_grid, tokens)),
};
FIELDS(lens_grid);

static const struct field_info trace_field[] = {
    COUNT(trace, tokens),
    LAYERS(trace, layers),
    COUNT(trace, done),
    LIST(trace, token, shown_token_fields, tokens),
    PART(trace, answer, shown_token_fields),
    REAL(trace, p_clean),
    REAL(trace, p_corrupt),
    INT(trace, samples),
    REAL(trace, noise),
    FLOATS(trace, effect, layers, AT(trace, tokens), HALF, false),
};

static bool trace_ready(void *what, struct err *err)
{
    const struct trace *t = what;

    (void)err;
    return t->done <= t->layers;
}
FIELDS_READY(trace, trace_ready);

static const struct field_info probe_result_field[] = {
    {NAMED(probe_result, kind, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = PROBE_FACT,
     .count = NONE},
    TEXT(probe_result, prompt),
    TEXT(probe_result, expected),
    FIXED(probe_result, said, FIELD_TEXT),
    FIXED(probe_result, p, FIELD_DOUBLE),
    FIXED(probe_result, p_target, FIELD_DOUBLE),
    FIXED(probe_result, ok, FIELD_BOOL),
    BOOL(probe_result, known),
    INT(probe_result, context),
};

/* Probes of a recording of 0.1.0 have no p(target). */
static bool probe_result_ready(void *what, struct err *err)
{
    struct probe_result *p = what;

    (void)err;
    if (p->p_target[0] == 0 && p->p_target[1] == 0)
        p->p_target[0] = p->p_target[1] = (double)NAN;
    return true;
}
FIELDS_READY(probe_result, probe_result_ready);

static const struct field_info probe_report_field[] = {
    INT(probe_report, fact),
    TEXT(probe_report, subject),
    COUNT(probe_report, probes),
    LIST(probe_report, probe, probe_result_fields, probes),
    ONE(probe_report, state, FIELD_UNSIGNED),
    INT(probe_report, edit),
    CHARS(probe_report, checksum),
    COUNT(probe_report, spares_asked),
};
FIELDS(probe_report);

static const struct field_info overwritten_fact_field[] = {
    INT(overwritten_fact, edit),
    TEXT(overwritten_fact, subject),
    TEXT(overwritten_fact, prompt),
    TEXT(overwritten_fact, target),
    FIXED(overwritten_fact, said, FIELD_TEXT),
    FIXED(overwritten_fact, p, FIELD_DOUBLE),
};
FIELDS(overwritten_fact);

static const struct field_info overwritten_field[] = {
    ONE(overwritten, state, FIELD_UNSIGNED),
    INT(overwritten, edit),
    CHARS(overwritten, checksum),
    COUNT(overwritten, facts),
    COUNT(overwritten, asked),
    COUNT(overwritten, held),
    COUNT(overwritten, weak),
    COUNT(overwritten, lost),
    LIST(overwritten, fact, overwritten_fact_fields, lost),
};
FIELDS(overwritten);

static const struct field_info variant_result_field[] = {
    COUNT(variant_result, variant),
    COUNT(variant_result, variants),
    ONE(variant_result, params, FIELD_PARAMS),
    CHARS(variant_result, state),
    INT(variant_result, edit),
    PART(variant_result, applied, edit_report_fields),
    FIXED(variant_result, p_first, FIELD_DOUBLE),
    CHARS(variant_result, why),
    CHARS(variant_result, said),
    ONE(variant_result, metric, FIELD_METRICS),
};
FIELDS_READY(variant_result, variant_result_ready);

static const struct field_info diff_layer_field[] = {
    LAYER(diff_layer, layer),      INT(diff_layer, columns),  REAL(diff_layer, norm),
    REAL(diff_layer, weight_norm), CHARS(diff_layer, matrix),
};
FIELDS(diff_layer);

static const struct field_info diff_beside_field[] = {
    CHARS(diff_beside, kind),
    INT(diff_beside, layer),
    FIXED(diff_beside, count, FIELD_INT),
};
FIELDS(diff_beside);

static const struct field_info diff_field[] = {
    INT(diff, from),
    INT(diff, to),
    RANGE(diff, layers, 0, DIFF_MATRICES),
    PARTS_OF(diff, layer, diff_layer_fields, layers),
    COUNT(diff, probes),
    LIST(diff, probe, probe_result_fields, probes),
    RANGE(diff, besides, 0, DIFF_BESIDE),
    PARTS_OF(diff, beside, diff_beside_fields, besides),
};
FIELDS(diff);

static const struct field_info bisect_step_field[] = {
    INT(bisect_step, edit),
    BOOL(bisect_step, holds),
    CHARS(bisect_step, said),
};
FIELDS(bisect_step);

static const struct field_info bisect_report_field[] = {
    TEXT(bisect_report, prompt),        TEXT(bisect_report, expect),
    INT(bisect_report, edit),           BOOL(bisect_report, exact),
    BOOL(bisect_report, over),          COUNT(bisect_report, states),
    RANGE(bisect_report, steps, 0, 32), PARTS_OF(bisect_report, step, bisect_step_fields, steps),
};
FIELDS(bisect_report);

static const struct field_info drift_point_field[] = {
    INT(drift_point, edit),   INT(drift_point, asked),  INT(drift_point, held),
    INT(drift_point, others), INT(drift_point, stayed),
};
FIELDS(drift_point);

static const struct field_info drift_field[] = {
    COUNT(drift, points),
    COUNT(drift, of),
    COUNT(drift, states),
    LIST(drift, point, drift_point_fields, points),
};
FIELDS(drift);

static const struct field_info exported_file_field[] = {
    TEXT(exported_file, name),
    REAL(exported_file, bytes),
    CHARS(exported_file, sha256),
};
FIELDS(exported_file);

static const struct field_info export_report_field[] = {
    PATH(export_report, path, FIELD_TEXT),
    CHARS(export_report, as),
    CHARS(export_report, type),
    COUNT(export_report, files),
    LIST(export_report, file, exported_file_fields, files),
    INT(export_report, tensors),
    REAL(export_report, loss),
    INT(export_report, rank),
    REAL(export_report, truncated),
    INT(export_report, prompts),
    INT(export_report, same),
    REAL(export_report, max_logit_diff),
    INT(export_report, facts),
    FIXED(export_report, held, FIELD_INT),
    INT(export_report, facts_all),
    REAL(export_report, seconds),
};
FIELDS(export_report);

static const struct field_info replay_position_field[] = {
    {NAMED(replay_position, what, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = REPLAY_END,
     .count = NONE},
    REAL(replay_position, at),
    REAL(replay_position, length),
    BOOL(replay_position, fast_forward),
    INT(replay_position, code),
    INT(replay_position, y),
    INT(replay_position, x),
    CHARS(replay_position, paste),
    CHARS(replay_position, damage),
};
FIELDS(replay_position);

static const struct {
    const char *name;
    const struct struct_fields *table;
} kinds[] = {
#define OWN(id, name, type, member) [EV_##id] = {name, &type##_fields},
#define ALSO(id, name, type)        [EV_##id] = {name, &type##_fields},
#define BARE(id, name)              [EV_##id] = {name, NULL},
    EVENTS(OWN, ALSO, BARE)
#undef OWN
#undef ALSO
#undef BARE
};

const char *event_name(enum event_kind kind)
{
    return kinds[kind].name;
}

enum event_kind event_of_name(const char *name)
{
    for (size_t i = 1; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, name))
            return (enum event_kind)i;
    return EV_NONE;
}

const struct struct_fields *event_fields(enum event_kind kind)
{
    return kinds[kind].table;
}

void event_free(struct event *ev)
{
    const struct struct_fields *table = event_fields(ev->kind);
    /* any member of the union: all are one pointer. A receiver that keeps it sets EV_NONE */
    void *payload = ev->kind == EV_NONE ? NULL : ev->progress;

    if (ev->kind == EV_LAYER) { /* reference-counted */
        attribution_unref(ev->attribution);
    } else if (payload) {
        if (table)
            fields_free(table, payload);
        free(payload);
    }
    memset(ev, 0, sizeof(*ev));
}
