/* What actions do where the shown view does not handle them: one function do_NAME() for each row X
 * or W of views/actions.h, found by a table. */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "views/hint.h"
#include "views/interventions.h"
#include "views/job_rules.h"
#include "views/knobs.h"
#include "views/requests.h"
#include "views/screens/facts_list.h"
#include "views/shell/app_internal.h"

/* ---- the edit ---- */

static void do_attribute(struct app *app)
{
    request_attribute(&app->host);
}

static void do_preview(struct app *app)
{
    request_preview(&app->host);
}

static void do_commit(struct app *app)
{
    confirm_commit(&app->host);
}

/* Drops the previewed edit; the session was never touched. */
static void do_discard(struct app *app)
{
    if (app->ui.state.preview) {
        request_simple(&app->host, CMD_DISCARD, 0);
        app_say(app, TONE_PLAIN, "preview discarded; nothing was written");
    } else {
        app_say(app, TONE_WARN, "there is no preview to discard");
    }
}

static void do_undo(struct app *app)
{
    confirm_undo(&app->host, 0);
}

static void do_redo(struct app *app)
{
    char *refused;

    if (app->ui.state.can_redo) {
        request_toggle(&app->host, CMD_REDO, 0);
        return;
    }
    refused = history_redo_refused(app->ui.history);
    app_say(app, TONE_WARN, refused);
    free(refused);
}

static void do_verify(struct app *app)
{
    request_simple(&app->host, CMD_VERIFY, 0);
}

/* Stops the first job, or else a download. The map of a fact whose scores are stopped goes with
 * them: one key has asked for both. Never quits: Ctrl-C must be safe to press. */
static void do_cancel(struct app *app)
{
    const struct ui_job *cards[UI_JOBS];
    int n = ui_cards(&app->ui, cards), at = 0;
    struct ui_job *card;
    char words[200], more[64] = "";

    while (at < n && cards[at]->stopping)
        at++;
    card = ui_job_card(&app->ui, at < n ? cards[at]->job : app->ui.pull_job);
    if (!card) {
        if (n || !background_say(&app->host))
            app_say(app, TONE_WARN, n ? "stopping" : "nothing is running; :q quits");
        return;
    }
    engine_cancel(app->engine, card->job);
    card->stopping = true;
    for (int i = 0; i < n && card->kind == CMD_ATTRIBUTE && card->rank < RANK_IDLE; i++)
        if (cards[i]->rank == RANK_IDLE)
            job_drop(&app->host, ui_job_card(&app->ui, cards[i]->job));
    for (int i = at + 1, left = 0; i < n; i++)
        if (!cards[i]->stopping)
            snprintf(more, sizeof(more), "; %d more: again stops the next", ++left);
    app->host.message(&app->host, TONE_WARN, "stopping: %s%s",
                      ui_job_words(&app->ui, card, words, sizeof(words)), more);
}

/* Only History has edits to select; there the view handles this action. */
static void do_note(struct app *app)
{
    app->host.message(&app->host, TONE_WARN,
                      "note: select an edit in History ({view-history}), then {note}");
}

static void do_silence(struct app *app)
{
    ui_silence_neuron(&app->host, app->ui.at_layer, app->ui.at_neuron);
}

static void do_force(struct app *app)
{
    ui_force_neuron(&app->host, app->ui.at_layer, app->ui.at_neuron);
}

static void do_release(struct app *app)
{
    ui_release_neurons(&app->host);
}

static void do_pull(struct app *app)
{
    app_open(app, "models");
    app_line_open(app, ":pull ", "");
}

/* ---- parameters ---- */

/* The next value of a parameter that is a choice, or the previous one, and what it means. Those
 * that do not change scores are of masks. */
static void step_choice(struct app *app, enum param param, const char *what, int by)
{
    const struct params *p = &app->ui.params;
    bool idle = !(param_info(param)->affects & AFFECTS_SCORES) && !editor_takes_mask(p);

    choice_step(&app->ui.params, param, by);
    app->host.params_changed(&app->host);
    app->host.message(&app->host, TONE_PLAIN, "%s %s: %s (%d of %d)%s%s", what,
                      params_word(p, param), choice_meaning(p, param), params_choice(p, param) + 1,
                      (int)param_info(param)->high + 1, idle ? "; no effect: no mask in " : "",
                      idle ? editor_of(p)->title : "");
}

static void next_choice(struct app *app, enum param param, const char *what)
{
    step_choice(app, param, what, 1);
}

static void do_mask_mode(struct app *app)
{
    step_choice(app, P_MASK_MODE, "mask", 1);
}

static void do_mask_mode_back(struct app *app)
{
    step_choice(app, P_MASK_MODE, "mask", -1);
}

static void do_select_rule(struct app *app)
{
    next_choice(app, P_SELECT_RULE, "selection");
}

static void do_compensate(struct app *app)
{
    next_choice(app, P_MASK_COMPENSATE, "compensation");
}

/* Which object the attribution explains: the predicted, the old or the new one. Existing scores
 * are of another question then, so they are computed again. */
static void do_target(struct app *app)
{
    next_choice(app, P_ATTR_TARGET, "explained object");
    if (app->ui.scored_layers)
        request_scores_again(&app->host);
}

/* What the Parameters pane of the Edit view shows: the sliders, mask, rule and compensation. */
void app_reset_knobs(struct app *app, const struct params *from)
{
    static const enum param reset[] = {P_RATIO_GE_A, P_RATIO_SP_A,     P_RATIO_GE_B,
                                       P_RATIO_SP_B, P_RATIO_INV_TEMP, P_ATTR_AMPLIFY,
                                       P_MASK_MODE,  P_SELECT_RULE,    P_MASK_COMPENSATE};

    for (size_t i = 0; i < sizeof(reset) / sizeof(*reset); i++)
        param_reset(&app->ui.params, from, reset[i]);
    app->host.params_changed(&app->host);
}

static void do_reset_all(struct app *app)
{
    app_reset_knobs(app, &app->ui.first);
    app->host.message(&app->host, TONE_PLAIN,
                      "parameters as at the start; {untune} undoes, :reset! all: built-in values");
}

/* Undoes the last parameter change. Edits are undone by do_undo(). */
static void do_untune(struct app *app)
{
    char what[160];

    if (!param_undo_back(&app->param_undo, &app->ui.params, what)) {
        app_say(app, TONE_WARN, "no parameter was changed: there is nothing to undo");
        return;
    }
    app->host.params_changed(&app->host);
    app->host.message(&app->host, TONE_PLAIN, "taken back: %s", what);
}

/* ---- what every view shows ---- */

static void do_scale(struct app *app)
{
    struct ui_state *d = &app->ui;

    d->scale = (enum heat_scale)((d->scale + 1) % SCALE_COUNT);
    app->host.message(&app->host, TONE_PLAIN, "scale: %s", heat_scale_name(d->scale));
}

static void do_pool(struct app *app)
{
    struct ui_state *d = &app->ui;

    d->pool = (enum heat_pool)((d->pool + 1) % POOL_COUNT);
    app->host.message(&app->host, TONE_PLAIN,
                      d->pool == POOL_ABOVE ? "each bin shows how many neurons the mask keeps (%s)"
                                            : "each bin shows its %s",
                      heat_pool_name(d->pool));
}

static void do_ramp(struct app *app)
{
    struct ui_state *d = &app->ui;

    d->ramp = d->ramp == RAMP_HEAT ? RAMP_GREY : d->ramp == RAMP_GREY ? RAMP_DIVERGE : RAMP_HEAT;
    app->host.message(&app->host, TONE_PLAIN, "colours: %s%s", ramp_name(d->ramp),
                      d->ramp == RAMP_DIVERGE ? ", positive against negative" : "");
}

static void do_per_layer(struct app *app)
{
    app->ui.per_layer = !app->ui.per_layer;
    app_say(app, TONE_PLAIN,
            app->ui.per_layer ? "each layer has its own scale" : "all layers share one scale");
}

static void do_order(struct app *app)
{
    static const char *const order[] = {"index", "score", "class"};
    struct ui_state *d = &app->ui;

    d->order = (enum neuron_order)((d->order + 1) % ORDER_COUNT);
    app->host.message(&app->host, TONE_PLAIN, "neurons sorted by %s", order[d->order]);
}

static void do_flip(struct app *app)
{
    static const char *const side[] = {"after", "before", "both"};
    struct ui_state *d = &app->ui;

    d->side = (enum neuron_side)((d->side + 1) % SIDE_COUNT);
    app->host.message(&app->host, TONE_PLAIN,
                      ui_shown_side(d) || d->lens[1] || d->lens[2] ? "showing %s"
                      : ui_verdict(d) && d->verdict.recalled
                          ? "showing %s as far as the session keeps it: {probe} asks now"
                          : "showing %s, once {preview} has previewed the edit or {commit} has "
                            "committed it",
                      side[d->side]);
}

static void do_pause(struct app *app)
{
    if (!app_replay_pause(app))
        app->paused = !app->paused;
}

static void do_layer_back(struct app *app)
{
    ui_move_layer(&app->ui, -1);
}

static void do_layer_next(struct app *app)
{
    ui_move_layer(&app->ui, 1);
}

/* Copies the address of the neuron under the cursor, such as L5N912. */
static void do_copy(struct app *app)
{
    char text[64];

    snprintf(text, sizeof(text), "L%dN%d", app->ui.at_layer,
             app->ui.at_neuron < 0 ? 0 : app->ui.at_neuron);
    if (term_copy(text))
        app->host.message(&app->host, TONE_PLAIN, "copied %s", text);
}

/* The terms of the pane with the focus, in a box. */
static void do_details(struct app *app)
{
    if (terms_count(view_place(app->view[app->shown])))
        app->terms = (struct terms){.open = true};
    else
        app_say(app, TONE_WARN, "no word here needs explaining; :terms lists all");
}

/* ---- the line at the bottom ---- */

static void do_find(struct app *app)
{
    app_line_open(app, "/", "");
}

static void do_search_next(struct app *app)
{
    app_find_next(app, 1);
}

static void do_search_back(struct app *app)
{
    app_find_next(app, -1);
}

static void do_filter(struct app *app)
{
    app_line_open(app, "\\", "");
}

static void do_command(struct app *app)
{
    app_line_open(app, ":", "");
}

static void do_save(struct app *app)
{
    app_line_open(app, ":save ", "");
}

static void do_export(struct app *app)
{
    app_export(app, "", false);
}

/* ---- the program ---- */

static void quit_confirmed(struct host *host, const struct question *question)
{
    (void)question;
    ((struct app *)host)->quit = true;
}

void app_lost(const struct ui_state *d, struct buf *out)
{
    int waiting = facts_waiting(d);
    char words[200];

    if (d->state.edits && !*d->state.session)
        buf_printf(out, "%d edit%s: no session file was named.\n", d->state.edits,
                   d->state.edits == 1 ? "" : "s");
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && d->job[i].kind == CMD_COMMIT)
            buf_printf(out, "The %.150s%s%s: it is not written yet.\n",
                       ui_job_words(d, &d->job[i], words, sizeof(words)),
                       *d->job[i].note ? ", " : "", d->job[i].note);
    if (waiting)
        buf_printf(out, "%d fact%s of the list that wait%s: a list is not saved.\n", waiting,
                   waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
    if (d->state.preview)
        buf_puts(out, "The preview. It is no edit: nothing of it is in the session.\n");
    if (d->pull_job)
        buf_printf(out, "The download of %.100s: its part is kept, :pull resumes it.\n",
                   d->pull_name);
}

/* Quits, after a question if something would be lost. */
static void ask_quit(struct app *app)
{
    struct question q = {
        .title = "Quit? This is lost:", .yes = "Quit", .confirmed = quit_confirmed};
    struct buf lost = {0};

    app_lost(&app->ui, &lost);
    if (lost.len) {
        utf8_copy(q.text, sizeof(q.text), lost.data);
        app->host.confirm(&app->host, &q);
    } else {
        app->quit = true;
    }
    buf_free(&lost);
}

/* Esc closes an overlay or goes back to the view that this one was opened from. It stops no job and
 * drops no preview. */
static void do_back(struct app *app)
{
    if (app_go_back(app))
        return;
    if (app->tour.on && app->shown)
        app_open(app, views[0]->name);
    else if (app->tour.on)
        app_tour_end(app);
    else
        app_say(app, TONE_PLAIN, "nothing to close here");
}

static void do_quit(struct app *app)
{
    if (views[app->shown]->overlay)
        do_back(app);
    else
        ask_quit(app);
}

static void do_redraw(struct app *app)
{
    (void)app;
    term_redraw();
}

static void do_suspend(struct app *app)
{
    (void)app;
    term_suspend();
}

/* Built from the rows of views/actions.h. */
static const struct {
    void (*run)(struct app *app); /* NULL: opens `view`; both NULL: views alone handle it */
    const struct view_ops *view;
} handlers[ACTION_COUNT] = {
#define V(id, ...)
#define O(id, name, keys, group, help, view) [ACTION_##id] = {NULL, &view_##view},
#define X(id, name, keys, group, help, run)  [ACTION_##id] = {do_##run, NULL},
    ACTIONS(V, O, X, X)
#undef V
#undef O
#undef X
};

/* Offers the action to the shown view. */
static bool view_takes_action(struct app *app, enum action action)
{
    struct view *v = app->view[app->shown];

    return v->ops->action && v->ops->action(v, action);
}

/* Runs an action: the shown view first, then the function of the table, then the view that the
 * table opens, which is offered the action unless that only opens it. False: nothing handles it. */
bool app_action(struct app *app, enum action action)
{
    app->dirty = true;
    if (action_infos[action].writes && app->ui.recorded && !app->replaying) {
        app->host.message(&app->host, TONE_WARN, "a recording cannot %s; open a model",
                          action_infos[action].name);
    } else if (action_infos[action].writes && app->ui.state.readonly) { /* before any question */
        app->host.message(&app->host, TONE_WARN, "%s: the session is open read-only",
                          action_infos[action].name);
    } else if (view_takes_action(app, action)) {
        return true;
    } else if (handlers[action].run) {
        handlers[action].run(app);
    } else if (handlers[action].view) {
        app_open(app, handlers[action].view->name);
        if (action != action_of_view(handlers[action].view->name))
            view_takes_action(app, action);
    } else {
        return false;
    }
    return true;
}

/* "Neurons (3) and History (8)": views by their names, with the keys that open them. */
static void list_places(const struct ui_state *d, const char *names, struct buf *out)
{
    char name[32], key[HINT_MAX];

    for (const char *p = names; *p;) {
        size_t n = strcspn(p, " ");
        bool last = !p[n];

        snprintf(name, sizeof(name), "%.*s", (int)n, p);
        buf_printf(out, "%s%s (%s)",
                   p == names ? ""
                   : last     ? " and "
                              : ", ",
                   view_find(name)->title, hint_key(d, key, action_of_view(name)));
        p += n + !last;
    }
}

void app_do(struct app *app, enum action action)
{
    const struct action_info *info = &action_infos[action];
    char key[HINT_MAX];
    struct buf places = {0};

    if (app_action(app, action))
        return;
    hint_key(&app->ui, key, action);
    if (info->where && *info->where) {
        list_places(&app->ui, info->where, &places);
        app->host.message(&app->host, TONE_WARN, "%s works in %s", key, places.data);
    } else {
        app->host.message(&app->host, TONE_WARN, "%s: nothing here to use it on", key);
    }
    buf_free(&places);
}
