/* Fills the screen's state from events and builds masks from scores.
 *
 * An event carries one pointer. ui_event() looks the kind up in the table `event_slots` below:
 * which member of struct ui_state holds the newest of it, whether it goes when another fact is
 * chosen, and a function for what else it means. Kinds that are not in the table are freed. */
#include "views/ui_state_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

void ui_init(struct ui_state *d, const struct params *params)
{
    memset(d, 0, sizeof(*d));
    d->params = *params;
    d->at_neuron = -1;
    d->scale = SCALE_SQRT;
    d->query.tokens = 32;
    d->log = xcalloc(UI_LOG_LINES, sizeof(*d->log));
}

void ui_free_payload(enum event_kind kind, void *what)
{
    struct event ev = {.kind = kind, .progress = what};

    if (what)
        event_free(&ev);
}

void ui_replace(enum event_kind kind, void **slot, void *what)
{
    ui_free_payload(kind, *slot);
    *slot = what;
}

/* Drops what was computed from a layer's scores; the scores stay. */
static void layer_forget_shown(struct ui_layer *l)
{
    if (l->shown != l->score)
        attribution_unref(l->shown);
    l->shown = NULL;
    mask_free(l->mask);
    l->mask = NULL;
    free(l->strength);
    l->strength = NULL;
}

static void free_slots(struct ui_state *d, bool of_scores);

void ui_forget_scores(struct ui_state *d)
{
    ui_remember_general_set(d);
    for (int l = 0; l < d->layers; l++) {
        layer_forget_shown(&d->layer[l]);
        attribution_unref(d->layer[l].score);
        attribution_unref(d->layer[l].mpc);
        d->layer[l] = (struct ui_layer){0};
    }
    free_slots(d, true);
    ui_forget_intervention_answers(d);
    d->attribution_id = 0;
    d->scored_layers = 0;
    d->peak = 0;
    d->approximate = d->stale = false;
}

void ui_free(struct ui_state *d)
{
    ui_forget_scores(d);
    free(d->layer);
    free_slots(d, false);
    for (int i = 0; i < UI_ANSWERS; i++)
        ui_free_payload(EV_ANSWER, d->answer[i]);
    for (int i = 0; i < UI_NEURON_INFO; i++)
        ui_free_payload(EV_NEURON, d->neuron_info[i]);
    for (int i = 0; i < UI_BEGUN; i++)
        ui_free_payload(EV_BEGUN, d->begun[i].what);
    ui_forget_variants(d);
    ui_forget_queue(d);
    free(d->query.prompt);
    ui_forget_general_sets(d);
    fact_free(&d->fact);
    fact_free(&d->prompt_info_fact);
    free(d->log);
    memset(d, 0, sizeof(*d));
}

void ui_log(struct ui_state *d, int tone, const char *text)
{
    struct log_line *line = &d->log[d->log_count % UI_LOG_LINES];

    line->tone = tone;
    utf8_copy(line->text, sizeof(line->text), text);
    d->log_count++;
}

/* The largest score over the rows, of each neuron (Eq. 5), and the strongest neuron. Scores are
 * [rows][neurons]. */
static void layer_measure(struct ui_layer *l)
{
    const struct attribution *a = l->shown;

    l->strength = xcalloc((size_t)a->neurons, sizeof(*l->strength));
    l->strongest = 0;
    for (int r = 0; r < a->rows; r++)
        for (int i = 0; i < a->neurons; i++) {
            float x = a->score[(size_t)r * (size_t)a->neurons + (size_t)i];

            if (!r || x > l->strength[i])
                l->strength[i] = x;
        }
    for (int i = 1; i < a->neurons; i++)
        if (l->strength[i] > l->strength[l->strongest])
            l->strongest = i;
    l->peak = a->neurons && l->strength[l->strongest] > 0 ? (double)l->strength[l->strongest] : 0;
}

/* Scores at another amplification c, extrapolated from those at c0: s + s' (c - c0) + s'' (c -
 * c0)^2 / 2, with the slopes and curvatures that came with them (Eq. 2, 3). */
static struct attribution *attribution_at_amplification(const struct attribution *a, double amplify)
{
    struct attribution *b = attribution_new(a->layer, a->rows, a->neurons, false);
    size_t n = (size_t)a->rows * (size_t)a->neurons;
    float dc = (float)(amplify - a->amplify);

    b->id = a->id;
    b->generation = a->generation;
    b->strategy = a->strategy;
    b->layers = a->layers;
    b->amplify = amplify;
    b->seconds = a->seconds;
    memcpy(b->activation, a->activation, n * sizeof(float));
    memcpy(b->value_norm, a->value_norm, (size_t)a->neurons * sizeof(float));
    attribution_set_keys(b, a->key, a->keys);
    memcpy(b->target, a->target, (size_t)a->rows * sizeof(int));
    memcpy(b->base_logp, a->base_logp, (size_t)a->rows * sizeof(double));
    for (size_t i = 0; i < n; i++)
        b->score[i] = a->score[i] + a->slope[i] * dc + (a->curve ? a->curve[i] * dc * dc / 2 : 0);
    return b;
}

/* The mask of a layer with the parameters at hand and the user's overrides. */
static struct mask *build_mask(const struct ui_state *d, const struct ui_layer *l)
{
    struct mask *mask = mask_build(l->shown, &d->params);

    mask_apply_overrides(mask, d->mask_override, d->mask_override_count);
    return mask;
}

/* Decides what is shown of a layer: its scores, or if the amplification has moved since, scores
 * extrapolated to it. Then measures them and builds the mask. */
static void show_layer(struct ui_state *d, struct ui_layer *l)
{
    double amplify = d->params.value[P_ATTR_AMPLIFY];
    bool moved = l->score->strategy != STRATEGY_MPC && fabs(amplify - l->score->amplify) > 1e-9;

    layer_forget_shown(l);
    if (moved && l->score->slope && l->score->strategy == STRATEGY_LPS)
        l->shown = attribution_at_amplification(l->score, amplify);
    else
        l->shown = l->score;
    d->approximate |= moved;
    layer_measure(l);
    l->mask = build_mask(d, l);
}

/* End of the colour scale: the strength that one neuron in 5000 exceeds, which with bins of 25
 * neurons is one bin in 200. A few extreme neurons must not darken all others. Found by a
 * histogram of 2048 steps. */
static double colour_clip(const struct ui_state *d)
{
    enum { BINS = 2048 };
    long count[BINS] = {0}, total = 0, above = 0;

    for (int l = 0; l < d->layers; l++)
        for (int i = 0; d->layer[l].shown && i < d->layer[l].shown->neurons; i++) {
            double x = (double)d->layer[l].strength[i] / d->peak;

            count[x > 0 ? x >= 1 ? BINS - 1 : (int)(x * BINS) : 0]++;
            total++;
        }
    for (int b = BINS - 1; b > 0; b--)
        if ((above += count[b]) * 5000 > total)
            return d->peak * (b + 1) / BINS;
    return d->peak;
}

/* The largest strength of all layers, and the end of the colour scale. */
static void find_peak(struct ui_state *d)
{
    d->peak = 0;
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].shown && d->layer[l].peak > d->peak) {
            d->peak = d->layer[l].peak;
            d->peak_layer = l;
        }
    d->clip = d->peak > 0 ? colour_clip(d) : 0;
}

/* Only a moved amplification changes the scores themselves; else the masks alone are built again.
 * Estimates are marked stale until the engine has made new ones. */
void ui_remask(struct ui_state *d)
{
    double amplify = d->params.value[P_ATTR_AMPLIFY];

    d->approximate = false;
    for (int l = 0; l < d->layers; l++) {
        struct ui_layer *layer = &d->layer[l];

        if (!layer->score)
            continue;
        if (fabs(layer->shown->amplify - amplify) > 1e-9 || layer->shown != layer->score) {
            show_layer(d, layer); /* the scores themselves move */
        } else {
            mask_free(layer->mask);
            layer->mask = build_mask(d, layer);
        }
    }
    find_peak(d);
    for (int i = 0; d->estimate && i < d->estimate->layers; i++)
        d->estimate->layer[i].stale = true;
}

/* Scores of the strategy at hand are shown. MPC scores are kept as a preview of the map; scores of
 * another strategy were asked for before it was changed. */
static bool take_layer(struct ui_state *d, struct event *ev)
{
    struct attribution *a = ev->attribution;
    struct ui_layer *l;

    if (a->layer < 0 || a->layer >= d->layers) {
        attribution_unref(a);
        return true;
    }
    l = &d->layer[a->layer];
    if (a->strategy != (enum strategy)params_choice(&d->params, P_ATTR_STRATEGY)) {
        if (a->strategy == STRATEGY_MPC) {
            attribution_unref(l->mpc);
            l->mpc = a;
        } else {
            attribution_unref(a); /* what was asked before the strategy changed */
        }
        return true;
    }
    d->scored_layers += !l->score;
    layer_forget_shown(l);
    attribution_unref(l->score);
    l->score = a;
    d->amplify = a->amplify;
    show_layer(d, l);
    find_peak(d);
    if (d->at_neuron < 0) { /* the first to come is one that is edited */
        d->at_layer = a->layer;
        d->at_neuron = l->strongest;
    }
    return true;
}

/* Another model: nothing that was known is about it. */
static bool take_model(struct ui_state *d, struct event *ev)
{
    struct model_info *model = ev->model;

    ui_forget_scores(d);
    ui_forget_general_sets(d);
    d->model = *model;
    d->intervention_count = d->mask_override_count = 0;
    d->ready = true;
    free(d->layer);
    d->layers = model->layers;
    d->layer = xcalloc((size_t)d->layers, sizeof(*d->layer));
    free(model);
    return true;
}

/* Answers of intervention jobs go to their own places. Any other replaces an older answer of the
 * same state to the same prompt, or the oldest; the newest is first. */
static bool take_answer(struct ui_state *d, struct event *ev)
{
    struct answer *a = ev->answer;
    unsigned job = ev->job;
    int at = UI_ANSWERS - 1;

    for (int k = 0; k < 2; k++)
        if (job && job == d->intervention_job[k]) {
            ui_replace(EV_ANSWER, (void **)&d->intervention_answer[k], a);
            return true;
        }
    for (int k = 0; k < 8; k++)
        if (job && job == d->intervention_old_job[k]) {
            ui_free_payload(EV_ANSWER, a);
            return true;
        }
    for (int i = 0; i < UI_ANSWERS; i++) {
        const struct answer *old = d->answer[i];

        if (!old ||
            (old->state == a->state && old->edit == a->edit && old->chat == a->chat &&
             !old->changed == !a->changed && (old->partial || !strcmp(old->prompt, a->prompt)))) {
            at = i;
            break;
        }
    }
    ui_free_payload(EV_ANSWER, d->answer[at]);
    memmove(&d->answer[1], &d->answer[0], (size_t)at * sizeof(d->answer[0]));
    d->answer[0] = a;
    return true;
}

/* Into the ring; the oldest goes. */
static bool take_neuron_info(struct ui_state *d, struct event *ev)
{
    ui_replace(EV_NEURON, (void **)&d->neuron_info[d->neuron_info_next], ev->neuron);
    d->neuron_info_next = (d->neuron_info_next + 1) % UI_NEURON_INFO;
    return true;
}

/* Frees the job's slot and its progress. */
static void job_ended(struct ui_state *d, unsigned job)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job == job) {
            d->attributing &= d->job[i].kind != CMD_ATTRIBUTE;
            d->job[i].job = 0;
        }
    if (job && job == d->progress_job)
        d->progress = (struct progress){0};
    if (job && job == d->pull_job) {
        d->pull = (struct progress){0};
        d->pull_job = 0;
    }
}

/* Finds the edit whose state differs from the history before: it was undone or redone. */
static bool take_history(struct ui_state *d, struct event *ev)
{
    const struct history *was = d->history, *h = ev->history;

    d->toggled_edit = 0;
    for (int i = 0; was && i < was->count && i < h->count; i++) /* edits are never deleted */
        if (was->entry[i].edit == h->entry[i].edit && was->entry[i].active != h->entry[i].active)
            d->toggled_edit = h->entry[i].edit;
    return false;
}

/* The lens of the edited state, and the preview with its lens, belong to weights that are gone. */
static bool take_state(struct ui_state *d, struct event *ev)
{
    struct state_info *state = ev->state;

    if (strcmp(d->state.state, state->state) != 0) {
        d->attribution_id = 0;
        ui_replace(EV_LENS, (void **)&d->lens[1], NULL); /* of weights that are others now */
    }
    if (!state->preview) {
        ui_replace(EV_LENS, (void **)&d->lens[2], NULL);
        ui_replace(EV_PREVIEW, (void **)&d->preview, NULL);
    }
    d->stale = d->scored_layers && strcmp(d->scored_state, state->state) != 0;
    d->state = *state;
    free(state);
    if (d->at_neuron < 0 && d->state.edited_count) /* nothing chosen yet: where edits go */
        d->at_layer = d->state.edited_layers[0];
    return true;
}

/* Three bars: work without a job, a download, and any other job. */
static bool take_progress(struct ui_state *d, struct event *ev)
{
    bool pull = ev->job && ev->job == d->pull_job;

    *(!ev->job ? &d->background : pull ? &d->pull : &d->progress) = *ev->progress;
    if (!ev->job && ev->progress->done >= ev->progress->total)
        d->background = (struct progress){0};
    else if (ev->job && !pull)
        d->progress_job = ev->job;
    free(ev->progress);
    return true;
}

/* Steps of one optimisation count up; a smaller number starts the next one. */
static bool take_step(struct ui_state *d, struct event *ev)
{
    struct target_step *step = ev->step;

    if (step->step <= 0 || d->steps >= UI_STEPS ||
        (d->steps && step->step <= d->step[d->steps - 1].step))
        d->steps = 0;
    d->step[d->steps++] = *step;
    free(step);
    return true;
}

/* What a preview measured is exact, so it replaces the estimate until a knob moves. */
static bool take_preview(struct ui_state *d, struct event *ev)
{
    struct edit_report *copy = xmalloc(sizeof(*copy));

    *copy = *ev->edit_report;
    ui_replace(EV_ESTIMATE, (void **)&d->estimate, copy);
    ui_replace(EV_LENS, (void **)&d->lens[2], NULL);
    return false;
}

static bool take_commit(struct ui_state *d, struct event *ev)
{
    (void)ev;
    ui_replace(EV_PREVIEW, (void **)&d->preview, NULL);
    return false;
}

/* Into the ring; the oldest goes. */
static bool take_begun(struct ui_state *d, struct event *ev)
{
    struct ui_begun *slot = &d->begun[d->begun_next];

    ui_replace(EV_BEGUN, (void **)&slot->what, ev->begun);
    slot->job = ev->job;
    d->begun_next = (d->begun_next + 1) % UI_BEGUN;
    return true;
}

static bool take_meta(struct ui_state *d, struct event *ev)
{
    (void)ev;
    d->attributing = true;
    d->stale = false;
    memcpy(d->scored_state, d->state.state, sizeof(d->scored_state));
    return false;
}

/* One row per kind of event. See the opening comment. */
static const struct event_slot {
    enum event_kind kind;
    size_t at;      /* offset of a pointer in struct ui_state; 0: `store` puts it elsewhere */
    bool of_scores; /* is dropped with the scores, when another fact is chosen */
    /* Optional: what else the event means. true: it stored or freed the payload. */
    bool (*store)(struct ui_state *d, struct event *ev);
} event_slots[] = {
#define AT(field) offsetof(struct ui_state, field)
    {EV_PROGRESS, 0, false, take_progress},
    {EV_BEGUN, 0, false, take_begun},
    {EV_MODEL, 0, false, take_model},
    {EV_STATE, 0, false, take_state},
    {EV_PROMPT, AT(prompt_info), true, NULL},
    {EV_HEADER, AT(header), true, take_meta},
    {EV_LAYER, 0, false, take_layer},
    {EV_ESTIMATE, AT(estimate), true, NULL},
    {EV_STEP, 0, false, take_step},
    {EV_PREVIEW, AT(preview), false, take_preview},
    {EV_COMMIT, AT(estimate), true, take_commit},
    {EV_COMMITTED, AT(commit_report), false, NULL},
    {EV_ANSWER, 0, false, take_answer},
    {EV_NEURON, 0, false, take_neuron_info},
    {EV_HISTORY, AT(history), false, take_history},
    {EV_MOMENTS, AT(moments), false, NULL},
    {EV_LENS, AT(lens[0]), true, ui_take_lens},
    {EV_LENS, AT(lens[1]), true, NULL},
    {EV_LENS, AT(lens[2]), true, NULL},
    {EV_TRACE, AT(trace), true, NULL},
    {EV_PROBES, AT(probes), true, ui_take_scoreboard},
    {EV_VARIANT, 0, false, ui_take_variant},
    {EV_DRIFT, AT(drift), false, NULL},
    {EV_DIFF, AT(diff), false, NULL},
    {EV_BISECT, AT(bisection), false, NULL},
    {EV_EXPORT, AT(export_report), false, NULL},
    {EV_NOTICE, AT(notice), false, NULL},
#undef AT
};

/* The member of struct ui_state that an entry of the table names. */
static void **slot_of(struct ui_state *d, const struct event_slot *k)
{
    return (void **)(void *)((char *)d + k->at);
}

/* Frees what the table keeps: all of it, or what belongs to the scores. */
static void free_slots(struct ui_state *d, bool of_scores)
{
    for (size_t i = 0; i < sizeof(event_slots) / sizeof(*event_slots); i++)
        if (event_slots[i].at && (event_slots[i].of_scores || !of_scores))
            ui_replace(event_slots[i].kind, slot_of(d, &event_slots[i]), NULL);
}

/* Every payload is one pointer, whatever its type; `progress` stands for any of them. */
static void store_payload(struct ui_state *d, struct event *ev)
{
    for (size_t i = 0; i < sizeof(event_slots) / sizeof(*event_slots); i++)
        if (event_slots[i].kind == ev->kind) {
            if (!event_slots[i].store || !event_slots[i].store(d, ev))
                ui_replace(ev->kind, slot_of(d, &event_slots[i]), ev->progress);
            return;
        }
    ui_free_payload(ev->kind, ev->progress);
}

void ui_event(struct ui_state *d, struct event *ev)
{
    if (ev->progress) /* one pointer, whatever it is */
        store_payload(d, ev);
    ev->progress = NULL;
    switch (ev->kind) {
    case EV_ATTRIBUTED:
        d->attribution_id = ev->id;
        d->attributing = false;
        break;
    case EV_DONE:
    case EV_FAILED:
        job_ended(d, ev->job);
        break;
    case EV_STOPPED:
        d->stopped = true;
        break;
    default:
        break;
    }
}

bool ui_has_job_room(const struct ui_state *d)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (!d->job[i].job)
            return true;
    return false;
}

void ui_add_job(struct ui_state *d, unsigned job, enum command_kind kind)
{
    for (int i = 0; job && i < UI_JOBS; i++)
        if (!d->job[i].job) {
            d->job[i] = (struct ui_job){job, kind};
            return;
        }
}

enum command_kind ui_job_kind(const struct ui_state *d, unsigned job)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (job && d->job[i].job == job)
            return d->job[i].kind;
    return CMD_NONE;
}
