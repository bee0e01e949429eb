/* Keeps the job cards (ui_jobs.h). */
#include "views/ui_jobs.h"

#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "views/ui_state.h"

/* ---- a card of a command ---- */

/* "Eiffel Tower → Rome", of several facts "12 facts". */
static void about_facts(const struct command *cmd, char *out, size_t n)
{
    const struct fact *f = cmd->facts;
    bool arrow = f->target && *f->target && cmd->kind != CMD_TRACE && cmd->kind != CMD_LENS;

    if (cmd->count > 1)
        snprintf(out, n, "%d facts", cmd->count);
    else
        snprintf(out, n, "%.60s%s%.40s", f->subject ? f->subject : "", arrow ? " → " : "",
                 arrow ? f->target : "");
}

struct ui_job ui_card_of(const struct ui_state *d, const struct command *cmd)
{
    struct stamp_source from = {.facts = cmd->facts,
                                .count = cmd->count,
                                .params = &cmd->params,
                                .mask_overrides = cmd->mask_overrides,
                                .mask_override_count = cmd->mask_override_count,
                                .state = d->state.state};
    struct ui_job card = {.kind = cmd->kind, .rank = command_rank(cmd)};

    if (cmd->count)
        about_facts(cmd, card.about, sizeof(card.about));
    else if (cmd->text)
        snprintf(card.about, sizeof(card.about), "%.110s", cmd->text);
    else if (cmd->edit)
        snprintf(card.about, sizeof(card.about), "edit %d", cmd->edit);
    else if (cmd->kind == CMD_NEURON)
        snprintf(card.about, sizeof(card.about), "L%dN%d", cmd->layer, cmd->neuron);
    if (cmd->variant_count)
        snprintf(card.note, sizeof(card.note), "%d ways", cmd->variant_count);
    card.stamp = stamp_of(&from);
    return card;
}

/* ---- the table ---- */

bool ui_has_job_room(const struct ui_state *d)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (!d->job[i].job)
            return true;
    return false;
}

void ui_add_job(struct ui_state *d, unsigned job, struct ui_job card)
{
    for (int i = 0; job && i < UI_JOBS; i++)
        if (!d->job[i].job) {
            d->job[i] = card;
            d->job[i].job = job;
            return;
        }
}

struct ui_job *ui_job_card(const struct ui_state *d, unsigned job)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (job && d->job[i].job == job)
            return (struct ui_job *)&d->job[i];
    return NULL;
}

enum command_kind ui_job_kind(const struct ui_state *d, unsigned job)
{
    const struct ui_job *card = ui_job_card(d, job);

    return card ? card->kind : CMD_NONE;
}

const struct ui_job *ui_ended_card(const struct ui_state *d, unsigned job)
{
    for (int i = 0; i < d->ended_count; i++)
        if (job && d->ended[i].job == job)
            return &d->ended[i];
    return NULL;
}

static bool is_statistics(const char *what)
{
    return !strcmp(what, PROGRESS_MOMENTS) || !strcmp(what, PROGRESS_NULL_SPACE) ||
           !strcmp(what, PROGRESS_CURVATURE);
}

static bool card_has_name(const struct ui_job *card)
{
    return card->job && *command_traits[card->kind].busy;
}

/* Jobs of the screen itself, and those that are over at once, are not shown, unless they make
 * statistics, which takes long; a download has a place of its own. */
static bool card_is_seen(const struct ui_job *card)
{
    return card_has_name(card) || (card->job && is_statistics(card->progress.what));
}

/* Whether a goes before b: running ones first, the innermost before all; then as the queue gives
 * them. */
static bool card_before(const struct ui_job *a, const struct ui_job *b)
{
    bool runs = a->state == CARD_RUNS;

    if (runs != (b->state == CARD_RUNS))
        return runs;
    if (runs)
        return a->begun > b->begun || (a->begun >= b->begun && a->job > b->job);
    if (a->rank != b->rank)
        return a->rank < b->rank;
    if ((a->state == CARD_PAUSED) != (b->state == CARD_PAUSED))
        return a->state == CARD_PAUSED;
    return a->job < b->job;
}

int ui_cards(const struct ui_state *d, const struct ui_job *out[UI_JOBS])
{
    int n = 0;

    for (int i = 0; i < UI_JOBS; i++) {
        int at = n;

        if (!card_is_seen(&d->job[i]))
            continue;
        for (; at > 0 && card_before(&d->job[i], out[at - 1]); at--)
            out[at] = out[at - 1];
        out[at] = &d->job[i];
        n++;
    }
    return n;
}

enum command_kind ui_busy(const struct ui_state *d)
{
    const struct ui_job *card[UI_JOBS];
    int n = ui_cards(d, card);

    for (int i = 0; i < n; i++)
        if (card[i]->rank < RANK_IDLE && card_has_name(card[i]))
            return card[i]->kind;
    return CMD_NONE;
}

bool ui_waits_for(const struct ui_state *d, enum command_kind kind)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && d->job[i].kind == kind)
            return true;
    return false;
}

bool ui_is_wanted(const struct ui_state *d)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (card_has_name(&d->job[i]) && !d->job[i].rank)
            return true;
    return false;
}

/* ---- events ---- */

/* The index of a stage whose time is known; d->stages: it is not. */
static int stage_find(const struct ui_state *d, const char *what)
{
    int i = 0;

    while (i < d->stages && strcmp(d->stage[i].what, what) != 0)
        i++;
    return i;
}

/* Where the time of a stage is kept; NULL: there is no room for another stage. */
static double *stage_seconds(struct ui_state *d, const char *what)
{
    int i = stage_find(d, what);

    if (i == UI_STAGES)
        return NULL;
    if (i == d->stages)
        utf8_copy(d->stage[d->stages++].what, sizeof(d->stage[i].what), what);
    return &d->stage[i].seconds;
}

/* Jobs whose stages count for the time left of the next edit. Variants have a stage "target", too,
 * which does not count steps. */
static bool times_stages(enum command_kind kind)
{
    return kind == CMD_PREVIEW || kind == CMD_COMMIT || kind == CMD_ATTRIBUTE;
}

/* A stage is over: how long it took counts for the next time. In a recorded run the clock is not
 * that of the work. */
static void stage_ended(struct ui_state *d, const struct ui_job *card, double now)
{
    const struct progress *g = &card->progress;
    double units = g->total > 0 ? g->done - card->stage_from : 1, *seconds;

    if (!*g->what || !d->model.threads || units <= 0 || !times_stages(card->kind))
        return;
    seconds = stage_seconds(d, g->what);
    if (seconds)
        *seconds = (now - card->stage_begun) / units;
}

static void card_progress(struct ui_state *d, struct ui_job *card, const struct progress *g)
{
    double now = clock_seconds();

    if (strcmp(card->progress.what, g->what) != 0) {
        stage_ended(d, card, now);
        card->stage_begun = now;
        card->stage_from = g->done;
    }
    card->progress = *g;
    card->explains = !card->explained && g->seconds_left >= 2 && !strcmp(g->what, PROGRESS_MOMENTS);
    card->explained |= card->explains;
}

/* The card leaves the table and becomes the newest of those that ended. */
static void card_ended(struct ui_state *d, struct ui_job *card, const struct event *ev)
{
    bool done = ev->kind == EV_DONE;

    card->ended = clock_seconds();
    if (done)
        stage_ended(d, card, card->ended);
    card->state = done ? CARD_DONE : ev->err.kind == ERR_CANCELLED ? CARD_STOPPED : CARD_FAILED;
    utf8_copy(card->why, sizeof(card->why), done ? "" : ev->err.text);
    if (card_is_seen(card) || card->kind == CMD_PULL) {
        d->ended_count += d->ended_count < UI_ENDED;
        memmove(&d->ended[1], &d->ended[0], (UI_ENDED - 1) * sizeof(d->ended[0]));
        d->ended[0] = *card;
    } else {
        d->unseen_ended = *card;
    }
    card->job = 0;
}

void ui_job_event(struct ui_state *d, const struct event *ev)
{
    struct ui_job *card = ui_job_card(d, ev->job);

    if (!card)
        return;
    card->explains = false;
    if (ev->kind == EV_DONE || ev->kind == EV_FAILED) {
        card_ended(d, card, ev);
        return;
    }
    if (ev->kind == EV_PAUSED) {
        card->state = CARD_PAUSED;
        card->progress.seconds_left = -1;
        return;
    }
    if (ev->kind == EV_BEGUN || card->state == CARD_WAITS)
        card->begun = card->stage_begun = clock_seconds();
    if (ev->kind == EV_BEGUN || card->state != CARD_PAUSED)
        card->state = CARD_RUNS;
    if (ev->kind == EV_BEGUN) { /* the stages begin again */
        card->progress.what[0] = '\0';
        card->stamp = ev->begun->stamp;
    }
    if (ev->kind == EV_PROGRESS)
        card_progress(d, card, ev->progress);
}

/* ---- words ---- */

const char *ui_job_name(const struct ui_job *card)
{
    return card->rank == RANK_IDLE      ? "map"
           : card_has_name(card)        ? command_traits[card->kind].busy
           : card->kind == CMD_ESTIMATE ? "gain and leak"
                                        : command_traits[card->kind].name;
}

const char *ui_job_words(const struct ui_state *d, const struct ui_job *card, char *out, size_t n)
{
    char of[32] = "";

    const struct queued_fact *q = ui_queue_at(d, card->job);

    if (q)
        snprintf(of, sizeof(of), " %d of %d", (int)(q - d->queue) + 1, d->queue_count);
    show_print(out, n, "%s%s%s%s", ui_job_name(card), of, *card->about ? " " : "", card->about);
    return out;
}

/* ---- the time left ---- */

/* The stages of an edit, in order, with what is known of each. */
static const char *const edit_stages[] = {PROGRESS_MOMENTS, PROGRESS_NULL_SPACE, "target",
                                          "attribution", "solve"};
enum { EDIT_STAGES = 5 };

/* Units that a stage of an edit has to do; < 0: not known. */
static double stage_units(const struct ui_state *d, const char *what)
{
    double missing = 0;

    if (!strcmp(what, PROGRESS_MOMENTS))
        return d->state.moment_tokens > 0 ? 0 : -1;
    if (!strcmp(what, PROGRESS_NULL_SPACE)) /* made once, then kept */
        return 0;
    if (!strcmp(what, "target"))
        return d->params.value[P_EDIT_V_STEPS];
    if (!strcmp(what, "solve"))
        return 1;
    for (int l = 0; l < d->layers; l++) /* attribution */
        missing += ui_edits_layer(d, l) && (!d->layer[l].score || d->layer[l].differs);
    return missing;
}

/* Seconds of the present stage: by the engine, or by the last time; < 0: not known. */
static double present_stage_left(const struct ui_state *d, const struct ui_job *card)
{
    const struct progress *g = &card->progress;
    int i = stage_find(d, g->what);
    double left;

    if (g->total > 0 && g->seconds_left >= 0)
        return g->seconds_left;
    if (i == d->stages)
        return -1;
    left = g->total > 0 ? d->stage[i].seconds * (g->total - g->done)
                        : d->stage[i].seconds - (d->clock - card->stage_begun);
    return left > 0 ? left : 0;
}

/* Adds what the stages after `from` will take. False: one is unknown. */
static bool later_stages_left(const struct ui_state *d, int from, double *left)
{
    bool known = true;

    for (int k = from; k < EDIT_STAGES; k++) {
        int i = stage_find(d, edit_stages[k]);
        double units = stage_units(d, edit_stages[k]);
        double seconds = i < d->stages ? d->stage[i].seconds : -1;

        if (units > 0 && seconds >= 0)
            *left += units * seconds;
        else
            known &= !(units < 0 || units > 0);
    }
    return known;
}

double ui_job_left(const struct ui_state *d, const struct ui_job *card, bool *more)
{
    bool edit = card->kind == CMD_PREVIEW || card->kind == CMD_COMMIT;
    double left = 0;
    int at = 0;

    *more = false;
    if (card->state == CARD_RUNS && *card->progress.what) {
        left = present_stage_left(d, card);
        while (at < EDIT_STAGES && strcmp(edit_stages[at], card->progress.what) != 0)
            at++;
        at = at < EDIT_STAGES ? at + 1 : 0;
        if (!edit || left < 0) {
            *more = left >= 0 && card->kind != CMD_MOMENTS && is_statistics(card->progress.what);
            return left;
        }
        *more = !later_stages_left(d, at, &left);
        return left;
    }
    if (edit && card->state == CARD_WAITS && later_stages_left(d, 0, &left))
        return left;
    return -1;
}
