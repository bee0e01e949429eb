/* The fields of every event, by tables: how it is written, read and given back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/event_shapes.h"
#include "core/engine/field_rows.h"

static const struct member progress_field[] = {
    CHARS(progress, what),
    REAL(progress, done),
    REAL(progress, total),
    REAL(progress, seconds_left),
};
SHAPE(progress);

static const struct member model_info_field[] = {
    CHARS(model_info, name),
    CHARS(model_info, arch),
    PATH(model_info, path, FIELD_CHARS),
    CHARS(model_info, device),
    CHARS(model_info, type),
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
SHAPE_READY(model_info, model_info_ready);

static const struct member state_info_field[] = {
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
SHAPE(state_info);

static const struct member word_field[] = {
    INT(word, id), CHARS(word, text), REAL(word, p), REAL(word, logit), BOOL(word, subject),
};
SHAPE(word);

static const struct member look_field[] = {
    ONE(look, job, FIELD_UNSIGNED),
    COUNT(look, tokens),
    LIST(look, token, word_shape, tokens),
    COUNT(look, lookup),
    COUNT(look, targets),
    LIST(look, target, word_shape, targets),
    COUNT(look, nexts),
    LIST(look, next, word_shape, nexts),
    REAL(look, p_target),
    REAL(look, p_first),
    COUNT(look, rank),
    PART(look, old, word_shape),
    {NAMED(look, layers, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = MOST_LAYERS,
     .means = MEANS_LAYERS, .optional = true, .count = NONE},
    OR_NULL(look, rank_old, FIELD_INT, layers, NO_COUNT),
    OR_NULL(look, rank_new, FIELD_INT, layers, NO_COUNT),
    CHARS(look, note),
    CHARS(look, problem),
};

static bool look_ready(void *what, struct err *err)
{
    const struct look *l = what;

    (void)err;
    return l->lookup < (l->tokens ? l->tokens : 1);
}
SHAPE_READY(look, look_ready);

static const struct member notice_field[] = {CHARS(notice, text)};
SHAPE(notice);

static const struct member meta_field[] = {
    ONE(meta, id, FIELD_UNSIGNED),
    COUNT(meta, rows),
    NEURONS(meta, neurons),
    LAYERS(meta, layers),
    OWNED(meta, prompt, FIELD_TEXT, rows),
    LIST(meta, target, word_shape, rows),
    RANGE(meta, order_count, 0, MOST_LAYERS),
    OWNED(meta, order, FIELD_INT, order_count),
};
SHAPE(meta);

static const struct member attribution_field[] = {
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
    FLOATS(attribution, key, keys, AT(attribution, neurons), EXACT, false),
};

static bool attribution_ready(void *what, struct err *err)
{
    struct attribution *a = what;

    atomic_init(&a->refs, 1);
    return attribution_sound(a, err) && a->rows > 0 && a->neurons > 0 && a->layer < a->layers;
}
SHAPE_READY(attribution, attribution_ready);

static const struct member layer_report_field[] = {
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
    REAL(layer_report, residual),
    REAL(layer_report, delta_norm),
    REAL(layer_report, weight_norm),
    BOOL(layer_report, stale),
};
SHAPE(layer_report);

static const struct member applied_field[] = {
    INT(applied, edit),
    COUNT(applied, layers),
    PARTS_OF(applied, layer, layer_report_shape, layers),
    REAL(applied, z_error),
    ONE(applied, moment_tokens, FIELD_LONG),
    BOOL(applied, draft),
    CHARS(applied, checksum),
    REAL(applied, p_before),
    REAL(applied, p_after),
    FIXED(applied, p_target, FIELD_DOUBLE),
    COUNT(applied, facts),
    COUNT(applied, held),
    CHARS(applied, generated),
};
SHAPE(applied);

static const struct member target_step_field[] = {
    INT(target_step, step),        REAL(target_step, loss), REAL(target_step, nll),
    REAL(target_step, kl),         REAL(target_step, wd),   REAL(target_step, p_target),
    REAL(target_step, delta_norm),
};
SHAPE(target_step);

static const struct member edited_field[] = {
    INT(edited, edit),
    INT(edited, fact),
    BOOL(edited, success),
    BOOL(edited, unmasked_unchanged),
    FIXED(edited, p_target, FIELD_DOUBLE),
    FIXED(edited, p_first, FIELD_DOUBLE),
    FIXED(edited, log_odds, FIELD_DOUBLE),
    FIXED(edited, argmax, FIELD_CHARS),
    FIXED(edited, generated, FIELD_CHARS),
    REAL(edited, rewrite_acc),
    REAL(edited, seconds_target),
    REAL(edited, seconds_attribution),
    REAL(edited, seconds_solve),
    REAL(edited, seconds_verify),
    REAL(edited, seconds_total),
    CHARS(edited, checksum),
};
SHAPE(edited);

static const struct member answer_field[] = {
    ONE(answer, state, FIELD_UNSIGNED),
    INT(answer, edit),
    BOOL(answer, partial),
    BOOL(answer, chat),
    INT(answer, changed),
    TEXT(answer, prompt),
    TEXT(answer, completion),
    TEXT_OR_NULL(answer, plain),
    COUNT(answer, count),
    OR_NULL(answer, ids, FIELD_INT, count, NO_COUNT),
    COUNT(answer, nexts),
    LIST(answer, next, word_shape, nexts),
};
SHAPE(answer);

static const struct member context_field[] = {
    CHARS(context, text),
    ONE(context, coefficient, FIELD_FLOAT),
};
SHAPE(context);

static const struct member neuron_info_field[] = {
    LAYER(neuron_info, layer),
    NEURON(neuron_info, neuron),
    RANGE(neuron_info, count, 0, 12),
    PARTS_OF(neuron_info, promotes, word_shape, count),
    PARTS_OF(neuron_info, suppresses, word_shape, count),
    RANGE(neuron_info, contexts, 0, 5),
    PARTS_OF(neuron_info, context, context_shape, contexts),
};
SHAPE(neuron_info);

static const struct member history_fact_field[] = {
    TEXT(history_fact, subject),
    TEXT(history_fact, prompt),
    TEXT(history_fact, target),
    TEXT_OR_NULL(history_fact, old),
    FIXED(history_fact, p_target, FIELD_DOUBLE),
    FIXED(history_fact, p_first, FIELD_DOUBLE),
    {NAMED(history_fact, outcome, FIELD_INT, STORE_ONE), .size = sizeof(int),
     .most = OUTCOME_FAILED, .count = NONE},
};
SHAPE(history_fact);

static const struct member history_entry_field[] = {
    INT(history_entry, edit),         BOOL(history_entry, active),
    REAL(history_entry, when),        TEXT(history_entry, subject),
    TEXT(history_entry, prompt),      TEXT(history_entry, target),
    TEXT_OR_NULL(history_entry, old), CHARS(history_entry, checksum),
    REAL(history_entry, p_before),    REAL(history_entry, p_after),
    INT(history_entry, kept),         BOOL(history_entry, success),
    BOOL(history_entry, draft),       TEXT_OR_NULL(history_entry, note),
    COUNT(history_entry, facts),      LIST(history_entry, fact, history_fact_shape, facts),
};

/* Entries of a recording of 0.1.0, which has no list of facts, get one of their first fact. */
static bool history_entry_ready(void *what, struct err *err)
{
    static const double YEAR_10000 = 253402300800; /* seconds since 1970 */
    struct history_entry *x = what;

    (void)err;
    if (!x->facts) {
        x->facts = 1;
        free(x->fact); /* "facts":0,"fact":[] */
        x->fact = xcalloc(1, sizeof(*x->fact));
        *x->fact = (struct history_fact){.subject = xstrdup(x->subject),
                                         .prompt = xstrdup(x->prompt),
                                         .target = xstrdup(x->target),
                                         .old = xstrdup(x->old),
                                         .p_target = {(double)NAN, (double)NAN},
                                         .p_first = {x->p_before, x->p_after},
                                         .outcome = x->success ? OUTCOME_HELD : OUTCOME_FAILED};
    }
    return x->when >= 0 && x->when < YEAR_10000;
}
SHAPE_READY(history_entry, history_entry_ready);

static const struct member history_field[] = {
    COUNT(history, count),
    LIST(history, entry, history_entry_shape, count),
};
SHAPE(history);

static const struct member moments_info_field[] = {
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
SHAPE(moments_info);

static const struct member lens_grid_field[] = {
    ONE(lens_grid, state, FIELD_UNSIGNED),
    COUNT(lens_grid, tokens),
    LAYERS(lens_grid, layers),
    LIST(lens_grid, token, word_shape, tokens),
    LIST_2(lens_grid, top, word_shape, layers, tokens),
    OR_NULL(lens_grid, rank_old, FIELD_INT, layers, AT(lens_grid, tokens)),
    OR_NULL(lens_grid, rank_new, FIELD_INT, layers, AT(lens_grid, tokens)),
};
SHAPE(lens_grid);

static const struct member trace_field[] = {
    COUNT(trace, tokens),
    LAYERS(trace, layers),
    COUNT(trace, done),
    LIST(trace, token, word_shape, tokens),
    PART(trace, answer, word_shape),
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
SHAPE_READY(trace, trace_ready);

static const struct member probe_result_field[] = {
    {NAMED(probe_result, kind, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = PROBE_FACT,
     .count = NONE},
    TEXT(probe_result, prompt),
    TEXT(probe_result, expected),
    FIXED(probe_result, said, FIELD_TEXT),
    FIXED(probe_result, p, FIELD_DOUBLE),
    FIXED(probe_result, p_target, FIELD_DOUBLE),
    FIXED(probe_result, ok, FIELD_BOOL),
    BOOL(probe_result, known),
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
SHAPE_READY(probe_result, probe_result_ready);

static const struct member probed_field[] = {
    INT(probed, fact),
    TEXT(probed, subject),
    COUNT(probed, probes),
    LIST(probed, probe, probe_result_shape, probes),
};
SHAPE(probed);

static const struct member tried_field[] = {
    COUNT(tried, variant),
    COUNT(tried, variants),
    ONE(tried, params, FIELD_PARAMS),
    PART(tried, applied, applied_shape),
    FIXED(tried, p_first, FIELD_DOUBLE),
    CHARS(tried, why),
    CHARS(tried, said),
    ONE(tried, metric, FIELD_METRICS),
};
SHAPE_READY(tried, tried_ready);

static const struct member diff_layer_field[] = {
    LAYER(diff_layer, layer),      INT(diff_layer, columns),  REAL(diff_layer, norm),
    REAL(diff_layer, weight_norm), CHARS(diff_layer, matrix),
};
SHAPE(diff_layer);

static const struct member diff_field[] = {
    INT(diff, from),
    INT(diff, to),
    RANGE(diff, layers, 0, DIFF_MATRICES),
    PARTS_OF(diff, layer, diff_layer_shape, layers),
    COUNT(diff, probes),
    LIST(diff, probe, probe_result_shape, probes),
};
SHAPE(diff);

static const struct member bisect_step_field[] = {
    INT(bisect_step, edit),
    BOOL(bisect_step, holds),
    CHARS(bisect_step, said),
};
SHAPE(bisect_step);

static const struct member bisected_field[] = {
    TEXT(bisected, prompt),        TEXT(bisected, expect),
    INT(bisected, edit),           BOOL(bisected, exact),
    BOOL(bisected, over),          COUNT(bisected, states),
    RANGE(bisected, steps, 0, 32), PARTS_OF(bisected, step, bisect_step_shape, steps),
};
SHAPE(bisected);

static const struct member drift_point_field[] = {
    INT(drift_point, edit),   INT(drift_point, asked),  INT(drift_point, held),
    INT(drift_point, others), INT(drift_point, stayed),
};
SHAPE(drift_point);

static const struct member drift_field[] = {
    COUNT(drift, points),
    COUNT(drift, of),
    COUNT(drift, states),
    LIST(drift, point, drift_point_shape, points),
};
SHAPE(drift);

static const struct member exported_file_field[] = {
    TEXT(exported_file, name),
    REAL(exported_file, bytes),
    CHARS(exported_file, sha256),
};
SHAPE(exported_file);

static const struct member exported_field[] = {
    PATH(exported, path, FIELD_TEXT),
    CHARS(exported, as),
    CHARS(exported, type),
    COUNT(exported, files),
    LIST(exported, file, exported_file_shape, files),
    INT(exported, tensors),
    REAL(exported, loss),
    INT(exported, rank),
    REAL(exported, truncated),
    INT(exported, prompts),
    INT(exported, same),
    REAL(exported, max_logit_diff),
    INT(exported, facts),
    FIXED(exported, held, FIELD_INT),
    INT(exported, facts_all),
    REAL(exported, seconds),
};
SHAPE(exported);

static const struct member tape_field[] = {
    {NAMED(tape, what, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = TAPE_END, .count = NONE},
    REAL(tape, at),
    REAL(tape, length),
    BOOL(tape, hurry),
    INT(tape, code),
    INT(tape, y),
    INT(tape, x),
    CHARS(tape, paste),
    CHARS(tape, damage),
};
SHAPE(tape);

static const struct {
    const char *name;
    const struct shape *shape;
} kinds[] = {
#define OWN(id, name, type, member) [EV_##id] = {name, &type##_shape},
#define ALSO(id, name, type)        [EV_##id] = {name, &type##_shape},
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

const struct shape *event_shape(enum event_kind kind)
{
    return kinds[kind].shape;
}

void event_free(struct event *ev)
{
    const struct shape *shape = event_shape(ev->kind);
    /* one pointer, whatever it is; a receiver that keeps it makes the event EV_NONE */
    void *payload = ev->kind == EV_NONE ? NULL : ev->progress;

    if (ev->kind == EV_LAYER) { /* shared */
        attribution_unref(ev->attribution);
    } else if (payload) {
        if (shape)
            shape_free(shape, payload);
        free(payload);
    }
    memset(ev, 0, sizeof(*ev));
}
