/* Fills the screen's state from events.
 *
 * An event carries one pointer. ui_event() looks the kind up in the table `event_slots` below:
 * which member of struct ui_state holds it, what such a result depends on, and a function for what
 * else it means. Kinds that are not in the table are freed.
 *
 * A slot shows the result that matches what is at hand, or if there is none the newest, and keeps a
 * few that were made from something else (ui_match()). */
#include "views/ui_state_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/ui_run.h"

void ui_init(struct ui_state *d, const struct params *params)
{
    memset(d, 0, sizeof(*d));
    d->params = d->first = *params;
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

static void free_slots(struct ui_state *d, bool all);
static int slot_of_member(const struct ui_state *d, const void *member);
static void slot_store(struct ui_state *d, int slot, void *what, const struct ui_origin *from);
static void name_made_state(struct ui_state *d, unsigned job, const char *state);

void ui_free(struct ui_state *d)
{
    ui_forget_layers(d);
    ui_forget_intervention_answers(d);
    ui_forget_verdict_aside(d);
    free(d->layer);
    free_slots(d, true);
    for (int i = 0; i < UI_ANSWERS; i++)
        ui_free_payload(EV_ANSWER, d->answer[i]);
    for (int i = 0; i < UI_NEURON_INFO; i++)
        ui_free_payload(EV_NEURON, d->neuron_info[i]);
    for (int i = 0; i < UI_BEGUN; i++)
        ui_free_payload(EV_BEGUN, d->begun[i].what);
    ui_forget_variants(d);
    ui_forget_queue(d);
    ui_run_free(d->run);
    free(d->query.prompt);
    ui_forget_general_sets(d);
    fact_free(&d->fact);
    free(d->log);
    memset(d, 0, sizeof(*d));
}

void ui_log(struct ui_state *d, int tone, const char *text)
{
    struct log_line *line = &d->log[d->log_count % UI_LOG_LINES];

    line->tone = tone;
    line->when = (double)time(NULL);
    utf8_copy(line->text, sizeof(line->text), text);
    d->log_count++;
}

/* Another model: nothing that was known is about it. */
static bool take_model(struct ui_state *d, struct event *ev)
{
    struct model_info *model = ev->model;

    ui_forget_layers(d);
    ui_forget_intervention_answers(d);
    ui_forget_verdict_aside(d);
    free_slots(d, false);
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

/* Into the ring; the oldest goes. */
static bool take_neuron_info(struct ui_state *d, struct event *ev)
{
    ui_replace(EV_NEURON, (void **)&d->neuron_info[d->neuron_info_next], ev->neuron);
    memcpy(d->neuron_info_state[d->neuron_info_next], d->state.state, sizeof(d->state.state));
    d->neuron_info_next = (d->neuron_info_next + 1) % UI_NEURON_INFO;
    return true;
}

/* Scores no longer arrive; a download has no bar. */
static void job_ended(struct ui_state *d, unsigned job)
{
    d->attributing &= ui_job_kind(d, job) != CMD_ATTRIBUTE && job != d->attributing_job;
    for (int i = 0; i < UI_BEGUN; i++)
        d->begun[i].over |= d->begun[i].job == job;
    if (job && job == d->pull_job) {
        d->pull = (struct progress){0};
        d->pull_job = 0;
    }
}

/* Finds the edit whose state differs from the history before: it was undone or redone. */
static bool take_history(struct ui_state *d, struct event *ev)
{
    const struct history *was = d->history, *h = ev->history;

    history_find_rewritten(ev->history);
    d->toggled_edit = 0;
    for (int i = 0; was && i < was->count && i < h->count; i++) /* edits are never deleted */
        if (was->entry[i].edit == h->entry[i].edit && was->entry[i].active != h->entry[i].active)
            d->toggled_edit = h->entry[i].edit;
    return false;
}

/* The engine keeps one preview: without it, its results go. What a job says about the state that it
 * made gets that state's name. */
static bool take_state(struct ui_state *d, struct event *ev)
{
    struct state_info *state = ev->state;

    if (!state->preview) {
        ui_replace(EV_LENS, (void **)&d->lens[2], NULL);
        ui_replace(EV_PREVIEW, (void **)&d->preview, NULL);
    }
    name_made_state(d, ev->job, state->state);
    ui_verdict_at_state(d, ev->job, state);
    if (strcmp(d->state.session, state->session) != 0)
        d->session_is_run = *state->session && engine_is_run(state->session);
    d->state = *state;
    free(state);
    if (d->at_neuron < 0 && d->state.edited_count) /* nothing chosen yet: where edits go */
        d->at_layer = d->state.edited_layers[0];
    return true;
}

/* A job sums the second moments on that the background has begun, at the rate that was known. */
static void background_moments(struct ui_state *d, double tokens)
{
    struct progress *g = &d->background;

    if (strcmp(g->what, PROGRESS_MOMENTS) != 0 || tokens <= g->done)
        return;
    if (tokens >= g->total) {
        *g = (struct progress){0};
        return;
    }
    g->seconds_left *= g->seconds_left > 0 ? (g->total - tokens) / (g->total - g->done) : 1;
    g->done = tokens;
}

/* Progress of a job is on its card; here are a download and work that nobody posted. */
static bool take_progress(struct ui_state *d, struct event *ev)
{
    if (!ev->job)
        d->background =
            ev->progress->done < ev->progress->total ? *ev->progress : (struct progress){0};
    else if (ev->job == d->pull_job)
        d->pull = *ev->progress;
    else if (!strcmp(ev->progress->what, PROGRESS_MOMENTS))
        background_moments(d, ev->progress->done);
    free(ev->progress);
    return true;
}

static bool take_moments(struct ui_state *d, struct event *ev)
{
    background_moments(d, (double)ev->moments->tokens);
    return false;
}

/* Steps of one optimisation count up; a smaller number starts the next one. */
static bool take_step(struct ui_state *d, struct event *ev)
{
    struct target_step *step = ev->step;

    if (step->step <= 0 || d->steps >= UI_STEPS ||
        (d->steps && step->step <= d->step[d->steps - 1].step))
        d->steps = 0;
    d->step[d->steps++] = *step;
    d->step_from = origin_of_event(d, ev);
    free(step);
    return true;
}

/* What a preview measured is exact, so it replaces the estimate until a knob moves. */
static bool take_preview(struct ui_state *d, struct event *ev)
{
    struct edit_report *copy = xmalloc(sizeof(*copy));
    struct ui_origin from = origin_of_event(d, ev);

    *copy = *ev->edit_report;
    slot_store(d, slot_of_member(d, &d->estimate), copy, &from);
    ui_replace(EV_LENS, (void **)&d->lens[2], NULL);
    ui_verdict_begin(d, ev);
    return false;
}

/* An estimate that comes late, of exactly what was previewed: the preview stays. */
static bool take_estimate(struct ui_state *d, struct event *ev)
{
    unsigned parts;
    const struct ui_origin *of = d->preview ? ui_origin(d, d->preview, &parts) : NULL;
    struct edit_report *copy;
    struct ui_origin from;

    if (!of || ui_differs(d, d->preview))
        return false;
    from = *of;
    copy = xmalloc(sizeof(*copy));
    *copy = *d->preview;
    slot_store(d, slot_of_member(d, &d->estimate), copy, &from);
    ui_free_payload(EV_ESTIMATE, ev->edit_report);
    return true;
}

static bool take_commit(struct ui_state *d, struct event *ev)
{
    ui_verdict_begin(d, ev);
    return false;
}

/* Into the ring; the oldest goes whose job is over. A job that was put back and begins again takes
 * its place once more. */
static bool take_begun(struct ui_state *d, struct event *ev)
{
    int at = d->begun_next, same = 0;

    for (int i = 0; i < UI_BEGUN && d->begun[at].job && !d->begun[at].over; i++)
        at = (at + 1) % UI_BEGUN;
    while (same < UI_BEGUN && d->begun[same].job != ev->job)
        same++;
    if (same < UI_BEGUN)
        at = same;
    else
        d->begun_next = (at + 1) % UI_BEGUN;
    ui_replace(EV_BEGUN, (void **)&d->begun[at].what, ev->begun);
    d->begun[at].job = ev->job;
    d->begun[at].over = false;
    return true;
}

static bool take_header(struct ui_state *d, struct event *ev)
{
    d->attributing = true;
    d->attributing_job = ev->job;
    return false;
}

static bool take_lens(struct ui_state *d, struct event *ev);

/* One row per kind of event. See the opening comment. */
static const struct event_slot {
    enum event_kind kind;
    size_t at;      /* offset of a pointer in struct ui_state; 0: `store` puts it elsewhere */
    unsigned parts; /* what such a result depends on: bits of enum stamp_part; 0: on the model */
    enum slot_keep {
        NEWEST, /* one result is kept */
        OTHERS, /* and those of a few other facts, parameters and states */
        MADE,   /* one; it is about the state that its job makes */
    } keep;
    /* Optional: what else the event means. true: it stored or freed the payload. */
    bool (*store)(struct ui_state *d, struct event *ev);
} event_slots[] = {
#define AT(field) offsetof(struct ui_state, field)
#define FACT      STAMP_FACT | STAMP_OBJECT
#define RANKS     FACT | STAMP_OLD /* of both objects */
    {EV_PROGRESS, 0, 0, NEWEST, take_progress},
    {EV_BEGUN, 0, 0, NEWEST, take_begun},
    {EV_MODEL, 0, 0, NEWEST, take_model},
    {EV_STATE, 0, 0, NEWEST, take_state},
    {EV_PROMPT, AT(prompt_info), RANKS | STAMP_STATE, OTHERS, NULL},
    {EV_HEADER, AT(header), STAMP_FACT | STAMP_SCORES | STAMP_STATE, OTHERS, take_header},
    {EV_LAYER, 0, 0, NEWEST, ui_take_layer}, /* ROW_PARTS */
    {EV_ESTIMATE, AT(estimate), FACT | STAMP_EDIT | STAMP_STATE, OTHERS, take_estimate},
    {EV_STEP, 0, 0, NEWEST, take_step},
    {EV_PREVIEW, AT(preview), FACT | STAMP_EDIT | STAMP_STATE, NEWEST, take_preview},
    {EV_COMMIT, AT(estimate), FACT | STAMP_EDIT | STAMP_STATE, OTHERS, take_commit},
    {EV_COMMIT, AT(verdict.report), FACT, NEWEST, NULL},
    {EV_COMMITTED, AT(commit_report), FACT | STAMP_STATE, MADE, NULL},
    {EV_ANSWER, 0, 0, NEWEST, ui_take_answer}, /* answer_parts() of ui_results.c */
    {EV_NEURON, 0, 0, NEWEST, take_neuron_info},
    {EV_HISTORY, AT(history), 0, NEWEST, take_history},
    {EV_MOMENTS, AT(moments), 0, NEWEST, take_moments},
    {EV_LENS, AT(lens[0]), RANKS, OTHERS, take_lens},
    {EV_LENS, AT(lens[1]), RANKS | STAMP_STATE, OTHERS, NULL},
    {EV_LENS, AT(lens[2]), RANKS | STAMP_EDIT | STAMP_STATE, NEWEST, NULL},
    {EV_TRACE, AT(trace), FACT | STAMP_STATE, OTHERS, NULL},
    {EV_PROBES, AT(probes), RANKS | STAMP_STATE, OTHERS, ui_take_scoreboard},
    {EV_PROBES, AT(verdict.probes), FACT, NEWEST, NULL},
    {EV_SIDES, AT(verdict.sides), FACT, NEWEST, ui_take_sides},
    {EV_OVERWRITTEN, AT(verdict.overwritten), FACT, NEWEST, ui_take_overwritten},
    {EV_RECHECKED, AT(rechecked), STAMP_STATE, NEWEST, NULL},
    {EV_RECALLED, AT(verdict.recalled), FACT, NEWEST, ui_take_recalled},
    {EV_RUN, 0, 0, NEWEST, ui_take_run},
    {EV_MEASURES, 0, 0, NEWEST, ui_take_run_measures},
    {EV_VARIANT, 0, 0, NEWEST, ui_take_variant},
    {EV_DRIFT, AT(drift), STAMP_STATE, NEWEST, NULL},
    {EV_DIFF, AT(diff), STAMP_STATE, NEWEST, NULL},
    {EV_BISECT, AT(bisection), STAMP_STATE, NEWEST, NULL},
    {EV_EXPORT, AT(export_report), 0, NEWEST, NULL},
    {EV_NOTICE, AT(notice), 0, NEWEST, NULL},
#undef AT
#undef FACT
#undef RANKS
};
enum { SLOTS = sizeof(event_slots) / sizeof(*event_slots) };
_Static_assert(SLOTS <= (int)UI_SLOTS, "struct ui_state keeps the origin of each slot");

/* The member of struct ui_state that a row of the table names. */
static void **slot_of(const struct ui_state *d, int slot)
{
    return (void **)(void *)((char *)(uintptr_t)d + event_slots[slot].at);
}

/* The first row of the table that names this member. */
static int slot_of_member(const struct ui_state *d, const void *member)
{
    int slot = 0;

    while (!event_slots[slot].at || (const void *)slot_of(d, slot) != member)
        slot++;
    return slot;
}

/* Frees what the table keeps: all of it, or what is not of the model alone. */
static void free_slots(struct ui_state *d, bool all)
{
    for (int i = 0; i < SLOTS; i++) {
        if (!event_slots[i].at || (!all && !event_slots[i].parts))
            continue;
        ui_replace(event_slots[i].kind, slot_of(d, i), NULL);
        for (int k = 0; k < UI_KEPT; k++)
            ui_replace(event_slots[i].kind, &d->kept[i][k].what, NULL);
    }
}

/* Puts what matches into view. */
static void slot_match(struct ui_state *d, int slot)
{
    const unsigned parts = event_slots[slot].parts;
    void **shown = slot_of(d, slot);

    if (*shown && !origin_differs(d, &d->origin[slot], parts))
        return;
    for (int k = 0; k < UI_KEPT; k++) {
        struct ui_kept *other = &d->kept[slot][k], old = {*shown, d->origin[slot]};

        if (!other->what || origin_differs(d, &other->from, parts))
            continue;
        *shown = other->what;
        d->origin[slot] = other->from;
        *other = old;
        return;
    }
}

const struct prompt_info *ui_prompt_of(const struct ui_state *d, const struct fact *fact,
                                       unsigned *differs)
{
    int slot = slot_of_member(d, &d->prompt_info);
    unsigned parts = event_slots[slot].parts;
    struct stamp now = ui_stamp_with(d, fact);

    *differs = d->prompt_info ? stamp_differs(&d->origin[slot].stamp, &now, parts) : 0;
    for (int k = 0; k < UI_KEPT && *differs; k++) {
        const struct ui_kept *other = &d->kept[slot][k];

        if (other->what && !stamp_differs(&other->from.stamp, &now, parts)) {
            *differs = 0;
            return other->what;
        }
    }
    return d->prompt_info;
}

/* A new result. The one shown before is kept if it was made from something else. */
static void slot_store(struct ui_state *d, int slot, void *what, const struct ui_origin *from)
{
    const struct event_slot *k = &event_slots[slot];
    struct ui_kept *kept = d->kept[slot];
    void **shown = slot_of(d, slot);
    int at = 0;

    if (k->keep == OTHERS && *shown &&
        stamp_differs(&d->origin[slot].stamp, &from->stamp, k->parts)) {
        while (at < UI_KEPT - 1 && kept[at].what &&
               stamp_differs(&kept[at].from.stamp, &from->stamp, k->parts))
            at++;
        ui_replace(k->kind, &kept[at].what, NULL); /* made from the same, or the oldest */
        memmove(&kept[1], &kept[0], (size_t)at * sizeof(*kept));
        kept[0] = (struct ui_kept){*shown, d->origin[slot]};
        *shown = NULL;
    }
    ui_replace(k->kind, shown, what);
    d->origin[slot] = *from;
    slot_match(d, slot);
}

static void name_made_state(struct ui_state *d, unsigned job, const char *state)
{
    for (int i = 0; i < SLOTS; i++)
        if (event_slots[i].keep == MADE && job && d->origin[i].job == job)
            memcpy(d->origin[i].stamp.state, state, sizeof(d->origin[i].stamp.state));
}

void ui_set_origin(struct ui_state *d, const void *member, const struct ui_origin *from)
{
    d->origin[slot_of_member(d, member)] = *from;
}

struct ui_origin origin_of_preview(const struct ui_state *d)
{
    return d->preview ? d->origin[slot_of_member(d, &d->preview)] : (struct ui_origin){0};
}

/* A grid goes to the slot of its state. That of the preview is about what the preview is about. */
static bool take_lens(struct ui_state *d, struct event *ev)
{
    unsigned state = ev->lens->state;
    int i = state == STATE_BASE ? 0 : state == STATE_EDITED ? 1 : 2;
    struct ui_origin from = i == 2 ? origin_of_preview(d) : origin_of_event(d, ev);

    slot_store(d, slot_of_member(d, &d->lens[i]), ev->lens, &from);
    return true;
}

const struct ui_origin *ui_origin(const struct ui_state *d, const void *result, unsigned *parts)
{
    for (int i = 0; result && i < SLOTS; i++)
        if (event_slots[i].at && *slot_of(d, i) == result) {
            int slot = slot_of_member(d, slot_of(d, i));

            *parts = event_slots[slot].parts;
            return &d->origin[slot];
        }
    return ui_origin_of_result(d, result, parts);
}

void ui_match_slots(struct ui_state *d)
{
    for (int i = 0; i < SLOTS; i++)
        if (event_slots[i].at)
            slot_match(d, i);
}

void ui_match(struct ui_state *d)
{
    struct stamp now = ui_stamp_now(d);
    bool rows = stamp_differs(&now, &d->now.stamp, ROW_PARTS);

    if (!stamp_differs(&now, &d->now.stamp, STAMP_ALL))
        return;
    if (rows)
        ui_remember_general_set(d);
    d->now = origin_at_hand(d, &now);
    ui_match_slots(d);
    if (rows)
        ui_match_layers(d);
}

/* Every payload is one pointer, whatever its type; `progress` stands for any of them. */
static void store_payload(struct ui_state *d, struct event *ev)
{
    struct ui_origin from;

    for (int i = 0; i < SLOTS; i++)
        if (event_slots[i].kind == ev->kind) {
            if (event_slots[i].store && event_slots[i].store(d, ev))
                return;
            from = origin_of_event(d, ev);
            slot_store(d, slot_of_member(d, slot_of(d, i)), ev->progress, &from);
            return;
        }
    ui_free_payload(ev->kind, ev->progress);
}

void ui_event(struct ui_state *d, struct event *ev)
{
    ui_match(d);
    if (ev->kind == EV_DONE || ev->kind == EV_FAILED)
        job_ended(d, ev->job);
    ui_job_event(d, ev);
    if (ev->progress) { /* one pointer, whatever it is */
        ui_take_point(d, ev);
        store_payload(d, ev);
    }
    ev->progress = NULL;
    switch (ev->kind) {
    case EV_STATE:
    case EV_MODEL:
        ui_match(d);
        break;
    case EV_ATTRIBUTED:
        d->attributing = false;
        break;
    case EV_PAUSED:
        d->attributing &= ui_job_kind(d, ev->job) != CMD_ATTRIBUTE;
        break;
    case EV_STOPPED:
        d->stopped = true;
        break;
    default:
        break;
    }
}
