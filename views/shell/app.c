/* The app without a terminal: everything the screen program does except reading keys from a
 * terminal and showing cells on it.
 *
 *   engine --events--> app_work() --> ui_state --> views --> app_paint() --> surface (cells)
 *     ^                                              |
 *     +----commands---- host_post() <- struct host <-+
 *
 * app_start() makes the app. app_work() takes what the engine has sent and runs the timers,
 * app_user_key() handles one key, app_paint() draws a frame, app_finish() frees everything.
 * Whoever calls them decides what the program is: app_loop.c takes keys from a terminal and shows
 * the surface there; app_script.c takes keys from a file and keeps the surface in memory. The
 * golden-screen tests need no app at all: they fill a ui_state by hand and call screen_draw().
 *
 * An event passes through app_event() in a fixed order: ui_state stores it, messages.c turns it
 * into a status line, every open view is told (so a view can rely on ui_state being current),
 * follow_up() posts the commands that follow from it, and the frame is marked dirty. Nothing is
 * drawn there: a hundred events between two frames cost one frame.
 *
 * The app asks for three things by itself: gain and leak of the mask, REST_SECONDS after the last
 * parameter change; promoted and suppressed words, one neuron at a time, while nothing else runs;
 * the probes of a preview or commit. Their commands are short or make way for those of the user
 * (YIELDS, core/engine/engine.h).
 *
 * All of it runs on the UI thread. */
#include "views/shell/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/engine/bus.h"
#include "views/hint.h"
#include "views/requests.h"
#include "views/screens/session_list.h"
#include "views/shell/app_internal.h"
#include "views/shell/messages.h"

static const double REST_SECONDS = 0.3; /* a knob must rest this long before an estimate */

/* host->post: records the command, queues it and notes the job in ui_state. Returns the job, or 0
 * after a message says why it was refused. */
static unsigned host_post(struct host *host, struct command *cmd)
{
    struct app *app = (struct app *)host;
    enum command_kind kind = cmd->kind;
    unsigned flags = command_traits[kind].flags;
    struct ui_job card = ui_card_of(&app->ui, cmd);
    char *key;
    unsigned job = 0;

    if ((flags & WRITES) && app->ui.state.readonly) {
        command_free(cmd);
        app_say(app, TONE_WARN, "the session is open read-only: nothing is written");
        return 0;
    }
    if (app->keys_handled && app->message.number == app->message_at_key &&
        *command_traits[kind].busy && !(flags & UNASKED))
        app_message_drop(app); /* the user asks for something new */
    key = recorder_command_key(app->options->recorder, cmd);
    if (ui_has_job_room(&app->ui))
        job = engine_post(app->engine, cmd);
    else
        command_free(cmd); /* ui_state has no slot: a job it does not know could not be cancelled */
    recorder_post(app->options->recorder, job, kind, key);
    free(key);
    ui_add_job(&app->ui, job, card);
    if (!job && !(flags & UNASKED))
        app->host.message(&app->host, TONE_WARN, "too many jobs are waiting: {jobs} lists them");
    app->dirty = true;
    return job;
}

static void host_cancel(struct host *host, unsigned job)
{
    engine_cancel(((struct app *)host)->engine, job);
}

/* host->open: a view opens another one, to look closer; Esc comes back. */
static void host_open(struct host *host, const char *view)
{
    struct app *app = (struct app *)host;
    int from = app->shown;

    app_open(app, view);
    if (app->shown != from && !views[from]->overlay)
        app->came_from[app->shown] = from;
}

static void show_hint(struct app *app, enum tone tone, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void show_hint(struct app *app, enum tone tone, const char *fmt, va_list ap)
{
    char text[400];

    hint_vprint(&app->ui, text, sizeof(text), fmt, ap);
    app_say(app, tone, text);
}

static void host_message(struct host *host, enum tone tone, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    show_hint((struct app *)host, tone, fmt, ap);
    va_end(ap);
}

static void host_message_of_job(struct host *host, unsigned job, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    show_hint((struct app *)host, TONE_PLAIN, fmt, ap);
    va_end(ap);
    ((struct app *)host)->message.job = job;
}

static void host_confirm(struct host *host, const struct question *question)
{
    struct app *app = (struct app *)host;

    app->question = *question;
    app->questions++;
    field_set(&app->reply, "");
    app->asking = true;
    app->confirm_selected = false;
    app->dirty = true;
}

static void host_prompt(struct host *host, const char *sign, const char *text)
{
    app_line_open((struct app *)host, sign, text);
}

/* host->knobs_moved: remembers the values for undo; the masks follow at the next frame, the
 * estimate of gain and leak once the knob rests. */
static void host_knobs_moved(struct host *host)
{
    struct app *app = (struct app *)host;

    param_undo_note(&app->param_undo, &app->ui.params, app_seconds(app));
    app->params_changed = true; /* however many steps: one re-mask a frame */
    app->estimate_at = clock_seconds() + REST_SECONDS;
    app->dirty = true;
}

static bool host_copy(struct host *host, const char *text)
{
    (void)host;
    return term_copy(text);
}

static void host_reopen(struct host *host, const char *path)
{
    app_reopen_ask((struct app *)host, path);
}

static void host_visit(struct host *host, enum visit what, const char *path)
{
    app_visit((struct app *)host, what, path);
}

static bool host_run(struct host *host, enum action action)
{
    return app_action((struct app *)host, action);
}

/* Shows the view with this index, and makes it if it is opened for the first time. */
static void app_show(struct app *app, int i)
{
    if (!app->view[i])
        app->view[i] = view_open(views[i], &app->host);
    app->shown = i;
    app->ui.at_view = views[i]->name;
    if (views[i]->open)
        views[i]->open(app->view[i]);
    app->dirty = true;
}

/* Shows the view of this name. From an overlay, Esc goes back to the view it lies over. */
void app_open(struct app *app, const char *name)
{
    for (int i = 0; views[i] && i < VIEWS_MAX; i++) {
        if (strcmp(views[i]->name, name) != 0)
            continue;
        if (i != app->shown)
            app->came_from[i] = views[i]->overlay ? app->shown : -1;
        app_show(app, i);
        return;
    }
}

bool app_go_back(struct app *app)
{
    int here = app->shown, to = app->came_from[here];

    if (to < 0)
        return false;
    app->came_from[here] = -1;
    app_show(app, to);
    return true;
}

/* Everything frame.c needs for one frame; it borrows from the app. */
struct screen app_screen(const struct app *app)
{
    return (struct screen){
        .ui = &app->ui,
        .view = app->view[app->shown],
        .question = app->asking ? &app->question : NULL,
        .confirm_selected = app->confirm_selected,
        .reply = &app->reply,
        .line = app->typing ? &app->line : NULL,
        .line_sign = app->line_sign,
        .completions = &app->completions,
        .offered = app->offered,
        .tone = app->message.tone,
        .message = app->message.text,
        .message_age = clock_seconds() - app->message.at,
        .paused = app->paused,
        .view_only = (app->ui.recorded || app->ui.viewed) && !app->replaying,
        .recorded = app_replay_text(app),
        .terms = app->terms.open ? &app->terms : NULL,
        .caption = app->captioned ? &app->caption : NULL,
    };
}

static void switch_to_cpu(struct host *host, const struct question *question)
{
    (void)question;
    request_replacing(host, &(struct command){.kind = CMD_DEVICE, .params = host->ui->params});
}

/* After the GPU has failed. No edit is lost, because every edit was journalled first; the
 * user is asked once. */
static void ask_switch_to_cpu(struct app *app)
{
    struct question q = {
        .title = "The GPU failed", .yes = "Use the CPU", .confirmed = switch_to_cpu};

    show_print(q.text, sizeof(q.text),
               "The GPU no longer responds. The session is safe: its journal has %d edit%s.\n"
               "Continue on the CPU? The weights are rebuilt there, with the same bits.\n"
               "(To do it later, type :device cpu.)",
               app->ui.state.edits, app->ui.state.edits == 1 ? "" : "s");
    app->host.confirm(&app->host, &q);
    app_burst_begin(app, clock_seconds(), false); /* keys on their way are no answer */
}

/* The fact of a recorded run that has named none so far. */
static void show_recorded_fact(struct app *app, const struct job_begun *begun)
{
    const struct fact fact = {.subject = begun->subject,
                              .prompt = begun->prompt,
                              .target = begun->target,
                              .old = begun->old};

    if (app->ui.recorded && !app->ui.fact.subject && fact.subject && fact.prompt && fact.target)
        app->ui.fact = fact_copy(&fact);
}

/* Posts the commands that follow from an event by themselves:
 *
 *   a new state    history and, with a fact, prompt tokens and present answer
 *   a new history  the verdict of the fact's edit, as the session has it
 *   a new model    prompt tokens and present answer
 *   attributed     estimate of gain and leak
 *   previewed,     probes of the verdict (facts of the list ask for their scoreboard themselves)
 *   committed */
static void follow_up(struct app *app, const struct event *ev)
{
    struct ui_state *d = &app->ui;

    if (ev->kind == EV_STATE && d->state.lost) {
        ask_switch_to_cpu(app);
        return;
    }
    if (ev->kind == EV_STATE && d->ready && strcmp(d->state.state, app->known_state) != 0) {
        utf8_copy(app->known_state, sizeof(app->known_state), d->state.state);
        request_simple(&app->host, CMD_HISTORY, 0);
        if (d->fact.subject)
            request_prompt_info(&app->host, &d->fact);
    } else if (ev->kind == EV_HISTORY || ev->kind == EV_STATE) {
        request_recall(&app->host);
    } else if (ev->kind == EV_MODEL) {
        if (d->fact.subject)
            request_prompt_info(&app->host, &d->fact);
        app_tour_offer(app);
    } else if (ev->kind == EV_BEGUN && ui_job_begun(d, ev->job)) {
        show_recorded_fact(app, ui_job_begun(d, ev->job));
    } else if (ev->kind == EV_ATTRIBUTED) {
        app->estimate_at = clock_seconds();
    } else if (((ev->kind == EV_PREVIEW && !app->replaying) || ev->kind == EV_COMMITTED) &&
               ev->job == d->verdict.from.job) { /* a recording brings the probes of its previews */
        request_verdict(&app->host);
        d->verdict.probes_follow = true;
    }
}

/* Takes one event of the engine, in the order the comment at the top gives. */
static void app_event(struct app *app, struct event *ev)
{
    enum command_kind kind = ui_job_kind(&app->ui, ev->job);
    enum tone tone;
    char text[320];

    app->event_count[ev->kind]++;
    if (ev->kind == EV_REPLAY) {
        app_replay(app, ev);
        return;
    }
    ui_event(&app->ui, ev);
    app_message_job_ends(app, ev);
    if (!message_of_event(&app->ui, ev, kind, &tone, text))
        ;
    else if (message_is_for_log(&app->ui, ev))
        ui_log(&app->ui, (int)tone, text);
    else
        app_say_of_event(app, ev->kind, tone, text);
    for (int i = 0; i < VIEWS_MAX; i++)
        if (app->view[i] && app->view[i]->ops->event)
            app->view[i]->ops->event(app->view[i], ev);
    follow_up(app, ev);
    if (app->heard)
        app->heard(app->listener, ev, kind);
    if (ev->kind == EV_STATE)
        app_reopen_done(app);
    if (ev->kind == EV_STOPPED && app_reopen_back(app, ev))
        return;
    app->quit |= app->ui.stopped; /* the caller reports why, by engine_ended() */
    app->dirty |= !app->paused;
}

void app_apply_theme(struct app *app, const struct theme *theme)
{
    app->theme = *theme;
    palette_build(&app->palette, &app->theme,
                  app->offscreen ? (struct caps){.tier = TIER_DIRECT} : term_caps());
    app->dirty = true;
}

/* Loads a theme by name and uses it. NULL picks one that suits the number of colours and the
 * background. */
bool app_theme(struct app *app, const char *name, struct err *err)
{
    struct theme theme;

    if (!name) {
        enum tier tier = app->offscreen ? TIER_DIRECT : term_caps().tier;

        name = tier == TIER_MONO       ? "mono"
               : tier <= TIER_16       ? "16"
               : app->light_background ? "light"
                                       : "dark";
    }
    if (!theme_load(&theme, name, app->theme_folder, err))
        return false;
    app_apply_theme(app, &theme);
    return true;
}

/* Draws one frame of h rows and w columns. A moved knob takes effect here: the masks are built
 * again from the stored scores, which takes milliseconds and needs no engine. */
void app_paint(struct app *app, int h, int w)
{
    struct screen screen;

    if (app->params_changed)
        ui_remask(&app->ui);
    else
        ui_match(&app->ui);
    app->params_changed = false;
    app_message_before_frame(app);
    if (h != app->surface->h || w != app->surface->w) {
        surface_resize(app->surface, h, w);
        recorder_size(app->options->recorder, h, w);
    }
    app->ui.clock = clock_seconds();
    app_caption(app);
    screen = app_screen(app);
    if (app->terms.open)
        terms_fit(&app->terms, view_place(screen.view), screen_view(&screen, h, w));
    screen_draw(&screen, app->surface);
    app->dirty = false;
    app->next_frame = clock_seconds() + app->frame;
}

/* A knob has rested. If the amplification moved, its scores are only extrapolated: the exact ones
 * are requested. Otherwise gain and leak of the new mask are estimated. */
static void request_due_estimate(struct app *app)
{
    if (ui_is_wanted(&app->ui))
        return; /* estimate_at stays: tried again when the job is over */
    if (app->params_changed)
        ui_remask(&app->ui);
    app->params_changed = false;
    app->estimate_at = 0;
    if (app->ui.approximate && app->ui.scored_layers)
        request_scores_again(&app->host);
    else
        request_estimate(&app->host);
}

/* Requests the tokens that this neuron promotes and suppresses (12 of each). False: they are known
 * already, or there is no such neuron. */
static bool request_words(struct app *app, int layer, int neuron)
{
    struct command cmd = {.kind = CMD_NEURON, .layer = layer, .neuron = neuron, .top = 12};

    if (layer < 0 || neuron < 0 || ui_neuron_info(&app->ui, layer, neuron))
        return false;
    cmd.params = app->ui.params;
    host_post(&app->host, &cmd);
    return true;
}

/* Requests the words of one neuron, in this order: what the shown view needs, the neuron under the
 * cursor, the 24 strongest of the edited layers, the 24 strongest of the layer at the cursor. Runs
 * only while the user has nothing in the queue. */
static void request_missing_words(struct app *app)
{
    const struct ui_state *d = &app->ui;
    const struct view *v = app->view[app->shown];
    struct ranked_neuron top[24];
    struct neuron_place place;
    int n;

    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && !d->job[i].rank && d->job[i].kind != CMD_ESTIMATE &&
            d->job[i].kind != CMD_HISTORY && d->job[i].kind != CMD_ATTRIBUTE &&
            d->job[i].kind != CMD_PULL)
            return; /* one request at a time, after what the user asked for */
    if (!d->ready || !d->scored_layers)
        return;
    if ((v->ops->wants && v->ops->wants(v, &place) &&
         request_words(app, place.layer, place.neuron)) ||
        request_words(app, d->at_layer, d->at_neuron))
        return;
    for (int k = 0; k < 2; k++) {
        n = ui_top_neurons(d, k ? d->at_layer : -1, ORDER_SCORE, top, 24);
        for (int i = 0; i < n; i++)
            if (request_words(app, top[i].layer, top[i].neuron))
                return;
    }
}

/* Lets the view that is shown go on with what takes time. */
static void work_of_view(struct app *app)
{
    struct view *v = app->view[app->shown];
    double again = -1;

    if (v && v->ops->work && v->ops->work(v, &again))
        app->dirty = true;
    app->working = again >= 0 && again <= 0;
    app->work_at = again < 0 ? 0 : clock_seconds() + again;
}

/* One turn without waiting: takes all events, then does what is due (restart of a recording,
 * another model, estimate, words). */
void app_work(struct app *app)
{
    const char *trouble;
    struct event ev, held;

    app->more_events = false;
    while (!app->more_events && engine_next(app->engine, &ev)) {
        recorder_event(app->options->recorder, &ev);
        if (!app_hold(app, &ev)) {
            while (app_hold_next(app, &ev, &held))
                app_event(app, &held);
            app_event(app, &ev);
        }
        app->more_events = app->one_event;
    }
    if (app->replay_again)
        app_replay_restart(app);
    if (app->reopen.path && app->reopen.confirmed && !app->quit)
        app_reopen(app);
    if (app->quit)
        return;
    if (app->estimate_at > 0 && clock_seconds() >= app->estimate_at)
        request_due_estimate(app);
    request_missing_words(app);
    work_of_view(app);
    trouble = recorder_failure(app->options->recorder);
    if (trouble)
        app_say(app, TONE_WARN, trouble);
}

/* A fresh ui_state on this engine, with the first fact, in the Edit view. */
static void app_begin(struct app *app, struct engine *engine)
{
    struct fact first = {.subject = (char[]){"Eiffel Tower"},
                         .prompt = (char[]){"The {} is located in the city of"},
                         .target = (char[]){"Rome"}};
    const struct app_options *options = app->options;

    app->engine = engine;
    ui_init(&app->ui, &app->reopen.params);
    app->ui.without_keys = app->heard != NULL;
    param_undo_start(&app->param_undo, &app->reopen.params);
    app->ui.relations = options->relations;
    app->ui.recorded = options->recorded;
    app->ui.viewed = options->viewed;
    app->ui.present = options->present;
    app->ui.fact = fact_copy(options->fact ? options->fact : &first);
    for (int i = 0; i < VIEWS_MAX; i++)
        app->came_from[i] = -1;
    app->shown = 0;
    app_open(app, "edit");
}

struct app *app_start(struct engine *engine, const struct app_options *options)
{
    struct app *app = xcalloc(1, sizeof(*app));

    app->options = options;
    app->theme_folder = options->themes;
    app->host = (struct host){.ui = &app->ui,
                              .post = host_post,
                              .cancel = host_cancel,
                              .open = host_open,
                              .message = host_message,
                              .message_of_job = host_message_of_job,
                              .confirm = host_confirm,
                              .prompt = host_prompt,
                              .params_changed = host_knobs_moved,
                              .run = host_run,
                              .copy = host_copy,
                              .reopen = options->reopen ? host_reopen : NULL,
                              .visit = options->reopen ? host_visit : NULL};
    app->frame = options->refresh           ? 1.0 / options->refresh
                 : getenv("SSH_CONNECTION") ? 0.1
                                            : 1.0 / 30;
    app->surface = surface_new(1, 1);
    app->reopen.params = options->params;
    app_line_start(app);
    app_begin(app, engine);
    if (options->start)
        app_open(app, options->start);
    return app;
}

/* Frees the views and the ui_state; app_begin() may follow. */
static void app_end(struct app *app)
{
    for (int i = 0; i < VIEWS_MAX; i++) {
        view_close(app->view[i]);
        app->view[i] = NULL;
    }
    app_hold_end(app);
    ui_free(&app->ui);
}

void app_restart(struct app *app, struct engine *engine)
{
    app_end(app);
    app->restarts++;
    app_line_close(app);
    app->asking = app->paused = app->params_changed = false;
    app->estimate_at = 0;
    app->known_state[0] = app->message.text[0] = '\0';
    app_begin(app, engine);
}

void app_kept_words(const struct ui_state *d, struct buf *out)
{
    int active = d->state.edits, all = d->history ? d->history->count : 0; /* it may come late */

    if (d->recorded || d->state.readonly || !*d->state.session || (active < 1 && all < 1))
        return;
    if (active > 0)
        buf_printf(out, "%d edit%s %s", active, active == 1 ? "" : "s", active == 1 ? "is" : "are");
    else if (all > 1)
        buf_printf(out, "no edit is active: %d that were undone are", all);
    else
        buf_puts(out, "no edit is active: the one that was undone is");
    buf_printf(out, " kept in %s: `editscope --last` opens it again", d->state.session);
}

/* Where the edits are and how to come back to them. Printed at once, also after a signal, before
 * the engine stops: its job may take a while to end. A session without edits is not worth a line.
 */
void app_print_kept(const struct ui_state *d)
{
    struct buf words = {0};

    app_kept_words(d, &words);
    if (words.len) {
        session_list_note(d->state.session);
        std_puts(words.data);
        std_flush();
    }
    buf_free(&words);
}

void app_finish(struct app *app)
{
    app_end(app);
    app_line_finish(app);
    field_free(&app->reply);
    app_reopen_done(app);
    free(app->reopen.path);
    free(app->reopen.session);
    free(app->next.path);
    surface_free(app->surface);
    free(app);
}
