#include "views/desk_inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

void desk_init(struct desk *d, const struct params *params)
{
    memset(d, 0, sizeof(*d));
    d->params = *params;
    d->at_neuron = -1;
    d->scale = SCALE_SQRT;
    d->ask.tokens = 32;
    d->news = xcalloc(DESK_NEWS, sizeof(*d->news));
}

void desk_drop(enum event_kind kind, void *what)
{
    struct event ev = {.kind = kind, .progress = what};

    if (what)
        event_free(&ev);
}

void desk_keep(enum event_kind kind, void **slot, void *what)
{
    desk_drop(kind, *slot);
    *slot = what;
}

static void forget_shown(struct desk_layer *l)
{
    if (l->shown != l->score)
        attribution_unref(l->shown);
    l->shown = NULL;
    mask_free(l->mask);
    l->mask = NULL;
    free(l->strength);
    l->strength = NULL;
}

void desk_forget_scores(struct desk *d)
{
    desk_keep_set(d);
    for (int l = 0; l < d->layers; l++) {
        forget_shown(&d->layer[l]);
        attribution_unref(d->layer[l].score);
        attribution_unref(d->layer[l].rough);
        d->layer[l] = (struct desk_layer){0};
    }
    desk_drop(EV_META, d->meta);
    desk_drop(EV_WEIGHED, d->weighed);
    d->meta = NULL;
    d->weighed = NULL;
    desk_forget_looks(d);
    d->run = 0;
    d->done = 0;
    d->peak = 0;
    d->approximate = d->stale = false;
}

void desk_free(struct desk *d)
{
    desk_forget_scores(d);
    free(d->layer);
    desk_drop(EV_LOOK, d->look);
    desk_drop(EV_PREVIEW, d->preview);
    desk_drop(EV_EDITED, d->proof);
    desk_drop(EV_HISTORY, d->history);
    desk_drop(EV_MOMENTS, d->moments);
    for (int i = 0; i < DESK_ANSWERS; i++)
        desk_drop(EV_ANSWER, d->answer[i]);
    for (int i = 0; i < DESK_WORDS; i++)
        desk_drop(EV_NEURON, d->words[i]);
    desk_free_looks(d);
    free(d->ask.prompt);
    desk_forget_sets(d);
    fact_free(&d->fact);
    fact_free(&d->look_fact);
    free(d->news);
    memset(d, 0, sizeof(*d));
}

void desk_log(struct desk *d, int tone, const char *text)
{
    struct desk_line *line = &d->news[d->news_count % DESK_NEWS];

    line->tone = tone;
    utf8_copy(line->text, sizeof(line->text), text);
    d->news_count++;
}

/* The largest score over the rows (Eq. 5), of each neuron. */
static void measure(struct desk_layer *l)
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

/* Scores about the amplification they were computed with: s + s' dc + s'' dc^2 / 2 (Eq. 2, 3). */
static struct attribution *nearby(const struct attribution *a, double amplify)
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
    memcpy(b->target, a->target, (size_t)a->rows * sizeof(int));
    memcpy(b->base_logp, a->base_logp, (size_t)a->rows * sizeof(double));
    for (size_t i = 0; i < n; i++)
        b->score[i] = a->score[i] + a->slope[i] * dc + (a->curve ? a->curve[i] * dc * dc / 2 : 0);
    return b;
}

static struct mask *build_mask(const struct desk *d, const struct desk_layer *l)
{
    struct mask *mask = mask_build(l->shown, NULL, &d->params);

    mask_apply_forces(mask, d->force, d->forces);
    return mask;
}

static void show_layer(struct desk *d, struct desk_layer *l)
{
    double amplify = d->params.value[P_ATTR_AMPLIFY];
    bool moved = l->score->strategy == STRATEGY_LPS && fabs(amplify - l->score->amplify) > 1e-9;

    forget_shown(l);
    if (moved && l->score->slope)
        l->shown = nearby(l->score, amplify);
    else
        l->shown = l->score;
    d->approximate |= moved;
    measure(l);
    l->mask = build_mask(d, l);
}

/* The score that one neuron in 5000 exceeds, one bin in 200: a few giants must not darken all
 * others. */
static double clip_of(const struct desk *d)
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

static void find_peak(struct desk *d)
{
    d->peak = 0;
    for (int l = 0; l < d->layers; l++)
        if (d->layer[l].shown && d->layer[l].peak > d->peak) {
            d->peak = d->layer[l].peak;
            d->peak_layer = l;
        }
    d->clip = d->peak > 0 ? clip_of(d) : 0;
}

void desk_remask(struct desk *d)
{
    double amplify = d->params.value[P_ATTR_AMPLIFY];

    d->approximate = false;
    for (int l = 0; l < d->layers; l++) {
        struct desk_layer *layer = &d->layer[l];

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
    for (int i = 0; d->weighed && i < d->weighed->layers; i++)
        d->weighed->layer[i].stale = true;
}

static void take_layer(struct desk *d, struct attribution *a)
{
    struct desk_layer *l;

    if (a->layer < 0 || a->layer >= d->layers) {
        attribution_unref(a);
        return;
    }
    l = &d->layer[a->layer];
    if (a->strategy != (enum strategy)params_choice(&d->params, P_ATTR_STRATEGY)) {
        if (a->strategy == STRATEGY_MPC) { /* the free picture; kept, for it can be looked at */
            attribution_unref(l->rough);
            l->rough = a;
        } else {
            attribution_unref(a); /* what was asked before the strategy changed */
        }
        return;
    }
    d->done += !l->score;
    forget_shown(l);
    attribution_unref(l->score);
    l->score = a;
    d->amplify = a->amplify;
    show_layer(d, l);
    find_peak(d);
    if (d->at_neuron < 0) { /* the first to come is one that is edited */
        d->at_layer = a->layer;
        d->at_neuron = l->strongest;
    }
}

static void take_model(struct desk *d, struct model_info *model)
{
    desk_forget_scores(d);
    desk_forget_sets(d);
    d->model = *model;
    d->changes = d->forces = d->wants = 0;
    d->ready = true;
    free(d->layer);
    d->layers = model->layers;
    d->layer = xcalloc((size_t)d->layers, sizeof(*d->layer));
    free(model);
}

static void take_answer(struct desk *d, unsigned job, struct answer *a)
{
    int at = DESK_ANSWERS - 1;

    for (int k = 0; k < 2; k++)
        if (job && job == d->trial_job[k]) {
            desk_keep(EV_ANSWER, (void **)&d->trial[k], a);
            return;
        }
    for (int k = 0; k < 8; k++)
        if (job && job == d->trial_old[k]) {
            desk_drop(EV_ANSWER, a);
            return;
        }

    for (int i = 0; i < DESK_ANSWERS; i++) {
        const struct answer *old = d->answer[i];

        if (!old ||
            (old->state == a->state && old->edit == a->edit && old->chat == a->chat &&
             !old->changed == !a->changed && (old->partial || !strcmp(old->prompt, a->prompt)))) {
            at = i;
            break;
        }
    }
    desk_drop(EV_ANSWER, d->answer[at]);
    memmove(&d->answer[1], &d->answer[0], (size_t)at * sizeof(d->answer[0]));
    d->answer[0] = a;
}

static void take_words(struct desk *d, struct neuron_info *n)
{
    desk_drop(EV_NEURON, d->words[d->word_next]);
    d->words[d->word_next] = n;
    d->word_next = (d->word_next + 1) % DESK_WORDS;
}

static void ended(struct desk *d, unsigned job)
{
    for (int i = 0; i < DESK_JOBS; i++)
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

static void take_history(struct desk *d, struct history *h)
{
    const struct history *was = d->history;

    d->stepped = 0;
    for (int i = 0; was && i < was->count && i < h->count; i++) /* edits are never deleted */
        if (was->entry[i].edit == h->entry[i].edit && was->entry[i].active != h->entry[i].active)
            d->stepped = h->entry[i].edit;
    desk_keep(EV_HISTORY, (void **)&d->history, h);
}

static void take_state(struct desk *d, struct state_info *state)
{
    if (strcmp(d->state.state, state->state) != 0) {
        d->run = 0;
        desk_drop(EV_LENS, d->lens[1]); /* of weights that are others now */
        d->lens[1] = NULL;
    }
    if (!state->preview) {
        desk_drop(EV_LENS, d->lens[2]);
        d->lens[2] = NULL;
    }
    d->stale = d->done && strcmp(d->scored_state, state->state) != 0;
    if (strcmp(d->state.state, state->state) != 0) { /* the lens of other weights */
        desk_drop(EV_LENS, d->lens[1]);
        d->lens[1] = NULL;
    }
    d->state = *state;
    free(state);
    if (d->at_neuron < 0 && d->state.edited_count) /* nothing chosen yet: where edits go */
        d->at_layer = d->state.edited_layers[0];
    if (!d->state.preview) {
        desk_drop(EV_PREVIEW, d->preview);
        d->preview = NULL;
    }
}

static void take_progress(struct desk *d, unsigned job, struct progress *p)
{
    *(!job ? &d->background : job == d->pull_job ? &d->pull : &d->progress) = *p;
    if (job && job == d->pull_job) {
        free(p);
        return;
    }
    if (job)
        d->progress_job = job;
    else if (p->done >= p->total)
        d->background = (struct progress){0};
    free(p);
}

static void take_step(struct desk *d, struct step *step)
{
    if (step->step <= 0 || d->steps >= DESK_STEPS ||
        (d->steps && step->step <= d->step[d->steps - 1].step))
        d->steps = 0;
    d->step[d->steps++] = *step;
    free(step);
}

/* What a preview measured is exact, also for later layers, until a knob moves. */
static void weigh_as(struct desk *d, const struct applied *a)
{
    struct applied *copy = xmalloc(sizeof(*copy));

    *copy = *a;
    desk_keep(EV_WEIGHED, (void **)&d->weighed, copy);
}

/* What comes with an attribution or an edit. */
static bool take_result(struct desk *d, struct event *ev)
{
    switch (ev->kind) {
    case EV_META:
        desk_keep(EV_META, (void **)&d->meta, ev->meta);
        d->attributing = true;
        d->stale = false;
        memcpy(d->scored_state, d->state.state, sizeof(d->scored_state));
        break;
    case EV_LAYER:
        take_layer(d, ev->attribution);
        break;
    case EV_WEIGHED:
        desk_keep(EV_WEIGHED, (void **)&d->weighed, ev->applied);
        break;
    case EV_STEP:
        take_step(d, ev->step);
        break;
    case EV_PREVIEW:
        desk_drop(EV_LENS, d->lens[2]);
        d->lens[2] = NULL;
        desk_keep(EV_PREVIEW, (void **)&d->preview, ev->applied);
        weigh_as(d, ev->applied);
        break;
    case EV_COMMIT:
        desk_drop(EV_PREVIEW, d->preview);
        d->preview = NULL;
        desk_keep(EV_WEIGHED, (void **)&d->weighed, ev->applied);
        break;
    case EV_EDITED:
        desk_keep(EV_EDITED, (void **)&d->proof, ev->edited);
        break;
    default:
        return false;
    }
    ev->progress = NULL;
    return true;
}

static bool take_knowledge(struct desk *d, struct event *ev)
{
    switch (ev->kind) {
    case EV_PROGRESS:
        take_progress(d, ev->job, ev->progress);
        break;
    case EV_MODEL:
        take_model(d, ev->model);
        break;
    case EV_STATE:
        take_state(d, ev->state);
        break;
    case EV_LOOK:
        desk_keep(EV_LOOK, (void **)&d->look, ev->look);
        break;
    case EV_ANSWER:
        take_answer(d, ev->job, ev->answer);
        break;
    case EV_NEURON:
        take_words(d, ev->neuron);
        break;
    case EV_HISTORY:
        take_history(d, ev->history);
        break;
    case EV_MOMENTS:
        desk_keep(EV_MOMENTS, (void **)&d->moments, ev->moments);
        break;
    default:
        return false;
    }
    ev->progress = NULL;
    return true;
}

void desk_event(struct desk *d, struct event *ev)
{
    if (ev->progress && (take_result(d, ev) || take_knowledge(d, ev) || desk_take_look(d, ev)))
        return;
    switch (ev->kind) {
    case EV_ATTRIBUTED:
        d->run = ev->id;
        d->attributing = false;
        break;
    case EV_DONE:
    case EV_FAILED:
        ended(d, ev->job);
        break;
    case EV_STOPPED:
        d->stopped = true;
        break;
    default:
        break;
    }
    ev->progress = NULL;
}

bool desk_room(const struct desk *d)
{
    for (int i = 0; i < DESK_JOBS; i++)
        if (!d->job[i].job)
            return true;
    return false;
}

void desk_posted(struct desk *d, unsigned job, enum command_kind kind)
{
    for (int i = 0; job && i < DESK_JOBS; i++)
        if (!d->job[i].job) {
            d->job[i] = (struct desk_job){job, kind};
            return;
        }
}
