/* Builds the program around the views: desk, host, recording, start and end. */
#include "views/shell/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/engine/bus.h"
#include "views/requests.h"
#include "views/shell/app_internal.h"
#include "views/shell/messages.h"

static const double REST = 0.3; /* seconds a knob must rest before its consequence is asked for */

void app_say(struct app *app, enum tone tone, const char *text)
{
    utf8_copy(app->said, sizeof(app->said), text);
    app->tone = tone;
    app->dirty = true;
    ui_log(&app->ui, (int)tone, text);
}

static bool in_list(const struct ui_state *d, unsigned job)
{
    for (int i = 0; i < d->queue_count; i++)
        if (d->queue[i].job == job)
            return true;
    return false;
}

/* What was asked for unbidden makes way for whatever the user wants that does not overtake it. */
static void make_way(struct app *app, enum command_kind kind)
{
    const struct ui_state *d = &app->ui;

    if (command_traits[kind].flags & (OVERTAKES | MAKES_WAY))
        return;
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && (command_traits[d->job[i].kind].flags & MAKES_WAY) &&
            !in_list(d, d->job[i].job))
            engine_cancel(app->engine, d->job[i].job);
}

static unsigned host_post(struct host *host, struct command *cmd)
{
    struct app *app = (struct app *)host;
    enum command_kind kind = cmd->kind;
    unsigned flags = command_traits[kind].flags;
    char *about;
    unsigned job = 0;

    if ((flags & WRITES) && app->ui.state.readonly) {
        command_free(cmd);
        app_say(app, TONE_WARN, "the session is open read-only: nothing is written");
        return 0;
    }
    if ((kind == CMD_ATTRIBUTE || kind == CMD_PREVIEW) && app->tone >= TONE_WARN)
        app->said[0] = '\0'; /* "stopped", or what went wrong, is over */
    make_way(app, kind);
    about = recorder_command_key(app->options->recorder, cmd);
    if (ui_has_job_room(&app->ui))
        job = engine_post(app->engine, cmd);
    else
        command_free(cmd); /* a job that is not known to run could not be stopped */
    recorder_post(app->options->recorder, job, kind, about);
    free(about);
    ui_add_job(&app->ui, job, kind);
    if (!job && !(flags & ASIDE))
        app_say(app, TONE_WARN, "too much is waiting already: Ctrl-C stops what runs");
    app->dirty = true;
    return job;
}

static void host_open(struct host *host, const char *view)
{
    app_open((struct app *)host, view);
}

static void host_message(struct host *host, enum tone tone, const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    show_vprint(text, sizeof(text), fmt, ap);
    va_end(ap);
    app_say((struct app *)host, tone, text);
}

static void host_confirm(struct host *host, const struct question *question)
{
    struct app *app = (struct app *)host;

    app->question = *question;
    app->asking = true;
    app->confirm_selected = false;
    app->dirty = true;
}

static void host_prompt(struct host *host, const char *text)
{
    app_line_open((struct app *)host, text);
}

static void host_knobs_moved(struct host *host)
{
    struct app *app = (struct app *)host;

    param_undo_note(&app->tuning, &app->ui.params, clock_seconds());
    app->params_changed = true; /* many steps between two frames are one re-mask */
    app->weigh_at = clock_seconds() + REST;
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

static bool host_run(struct host *host, enum action action)
{
    return app_action((struct app *)host, action);
}

void app_open(struct app *app, const char *name)
{
    for (int i = 0; views[i] && i < VIEWS_MAX; i++) {
        if (strcmp(views[i]->name, name) != 0)
            continue;
        if (!app->view[i])
            app->view[i] = view_open(views[i], &app->host);
        if (i != app->at)
            app->before = app->at;
        app->at = i;
        app->ui.at_view = views[i]->name;
        if (views[i]->open)
            views[i]->open(app->view[i]);
        app->dirty = true;
        return;
    }
}

struct screen app_screen(const struct app *app)
{
    return (struct screen){
        .ui = &app->ui,
        .view = app->view[app->at],
        .question = app->asking ? &app->question : NULL,
        .confirm_selected = app->confirm_selected,
        .line = app->typing ? &app->line : NULL,
        .candidates = &app->candidates,
        .offered = app->offered,
        .tone = app->tone,
        .said = app->said,
        .paused = app->paused,
        .tape = app_replay_words(app),
    };
}

static void use_cpu(struct host *host, const struct question *question)
{
    (void)question;
    request_simple(host, CMD_DEVICE, 0);
}

/* A GPU that is lost takes nothing along: its owner is asked once. */
static void offer_cpu(struct app *app)
{
    struct question q = {.title = "The GPU is lost", .yes = "Use the CPU", .confirmed = use_cpu};

    show_print(q.text, sizeof(q.text),
               "It no longer answers this program. The session is safe: %d edit%s in its journal.\n"
               "Go on with the CPU? The weights are rebuilt there, to the same bits.\n"
               "(:device cpu does it later.)",
               app->ui.state.edits, app->ui.state.edits == 1 ? "" : "s");
    app->host.confirm(&app->host, &q);
}

/* What the screen asks for by itself when something has become known or has changed. */
static void follow_up(struct app *app, const struct event *ev)
{
    struct ui_state *d = &app->ui;

    if (ev->kind == EV_STATE && d->state.lost) {
        offer_cpu(app);
        return;
    }
    if (ev->kind == EV_STATE && d->ready && strcmp(d->state.state, app->known_state) != 0) {
        utf8_copy(app->known_state, sizeof(app->known_state), d->state.state);
        request_simple(&app->host, CMD_HISTORY, 0);
        if (d->fact.subject)
            request_prompt_info(&app->host, &d->fact);
    } else if (ev->kind == EV_MODEL && d->fact.subject) {
        request_prompt_info(&app->host, &d->fact);
    } else if (ev->kind == EV_ATTRIBUTED) {
        app->weigh_at = clock_seconds();
    } else if (ev->kind == EV_COMMITTED && !in_list(d, ev->job) && d->fact.subject) {
        request_probe(&app->host, &d->fact, NULL);
    }
}

static void app_event(struct app *app, struct event *ev)
{
    enum command_kind kind = ui_job_kind(&app->ui, ev->job);
    enum tone tone;
    char text[320];

    ui_event(&app->ui, ev);
    if (message_of_event(&app->ui, ev, kind, &tone, text))
        app_say(app, tone, text);
    for (int i = 0; i < VIEWS_MAX; i++)
        if (app->view[i] && app->view[i]->ops->event)
            app->view[i]->ops->event(app->view[i], ev);
    follow_up(app, ev);
    if (ev->kind == EV_STATE)
        app_reopen_done(app);
    if (ev->kind == EV_STOPPED && app_reopen_back(app, ev))
        return;
    app->quit |= app->ui.stopped; /* the caller says why: engine_ended() */
    app->dirty |= !app->paused;
}

void app_apply_theme(struct app *app, const struct theme *theme)
{
    app->theme = *theme;
    palette_build(&app->palette, &app->theme,
                  app->offscreen ? (struct caps){.tier = TIER_DIRECT} : term_caps());
    app->dirty = true;
}

bool app_theme(struct app *app, const char *name, struct err *err)
{
    struct theme theme;

    if (!name) {
        enum tier tier = app->offscreen ? TIER_DIRECT : term_caps().tier;

        name = tier == TIER_MONO ? "mono" : tier <= TIER_16 ? "16" : app->light ? "light" : "dark";
    }
    if (!theme_load(&theme, name, app->theme_folder, err))
        return false;
    app_apply_theme(app, &theme);
    return true;
}

void app_paint(struct app *app, int h, int w)
{
    struct screen screen;

    if (app->params_changed) {
        ui_remask(&app->ui);
        app->params_changed = false;
    }
    if (h != app->surface->h || w != app->surface->w) {
        surface_resize(app->surface, h, w);
        recorder_size(app->options->recorder, h, w);
    }
    screen = app_screen(app);
    screen_draw(&screen, app->surface);
    app->dirty = false;
    app->next_frame = clock_seconds() + app->frame;
}

/* Once a knob rests: exact scores if the amplification moved, then the mask's consequence. */
static void weigh(struct app *app)
{
    if (ui_busy(&app->ui))
        return; /* asked again when that is over */
    if (app->params_changed)
        ui_remask(&app->ui);
    app->params_changed = false;
    app->weigh_at = 0;
    if (app->ui.approximate && app->ui.scored_layers)
        request_attribute(&app->host);
    else
        request_estimate(&app->host);
}

static bool want(struct app *app, int layer, int neuron)
{
    struct command cmd = {.kind = CMD_NEURON, .layer = layer, .neuron = neuron, .top = 12};

    if (layer < 0 || neuron < 0 || ui_neuron_info(&app->ui, layer, neuron))
        return false;
    cmd.params = app->ui.params;
    host_post(&app->host, &cmd);
    return true;
}

/* Words come one neuron at a time: of those the view shows, of the one under the cursor, of the
 * strongest of the edited layers, then of the layer at hand. No view asks for any itself. */
static void want_words(struct app *app)
{
    const struct ui_state *d = &app->ui;
    const struct view *v = app->view[app->at];
    struct ranked_neuron top[24];
    struct neuron_place place;
    int n;

    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && d->job[i].kind != CMD_ESTIMATE && d->job[i].kind != CMD_HISTORY &&
            d->job[i].kind != CMD_ATTRIBUTE && d->job[i].kind != CMD_PULL)
            return; /* words wait for what the user asked for, and for each other */
    if (!d->ready || !d->scored_layers)
        return;
    if ((v->ops->wants && v->ops->wants(v, &place) && want(app, place.layer, place.neuron)) ||
        want(app, d->at_layer, d->at_neuron))
        return;
    for (int k = 0; k < 2; k++) {
        n = ui_top_neurons(d, k ? d->at_layer : -1, ORDER_SCORE, top, 24);
        for (int i = 0; i < n; i++)
            if (want(app, top[i].layer, top[i].neuron))
                return;
    }
}

void app_work(struct app *app)
{
    const char *trouble;
    struct event ev;

    while (engine_next(app->engine, &ev)) {
        recorder_event(app->options->recorder, &ev);
        app->seen[ev.kind]++;
        if (ev.kind == EV_REPLAY)
            app_replay(app, &ev);
        else
            app_event(app, &ev);
    }
    if (app->rewind)
        app_replay_rewind(app);
    if (app->other.wanted && app->other.confirmed && !app->quit)
        app_reopen(app);
    if (app->quit)
        return;
    if (app->weigh_at > 0 && clock_seconds() >= app->weigh_at)
        weigh(app);
    want_words(app);
    trouble = recorder_failure(app->options->recorder);
    if (trouble)
        app_say(app, TONE_WARN, trouble);
}

static void begin(struct app *app, struct engine *engine)
{
    struct fact first = {.subject = (char[]){"Eiffel Tower"},
                         .prompt = (char[]){"The {} is located in the city of"},
                         .target = (char[]){"Rome"}};
    const struct app_options *options = app->options;

    app->engine = engine;
    ui_init(&app->ui, &app->other.params);
    param_undo_start(&app->tuning, &app->other.params);
    app->ui.relations = options->relations;
    app->ui.fact = fact_copy(options->fact ? options->fact : &first);
    app->at = 0;
    app_open(app, "edit");
    app->before = app->at;
}

struct app *app_start(struct engine *engine, const struct app_options *options)
{
    struct app *app = xcalloc(1, sizeof(*app));

    app->options = options;
    app->theme_folder = options->themes;
    app->host = (struct host){.ui = &app->ui,
                              .post = host_post,
                              .open = host_open,
                              .message = host_message,
                              .confirm = host_confirm,
                              .prompt = host_prompt,
                              .params_changed = host_knobs_moved,
                              .run = host_run,
                              .copy = host_copy,
                              .reopen = options->reopen ? host_reopen : NULL};
    app->frame = options->refresh           ? 1.0 / options->refresh
                 : getenv("SSH_CONNECTION") ? 0.1
                                            : 1.0 / 30;
    app->surface = surface_new(1, 1);
    app->other.params = options->params;
    app_line_start(app);
    begin(app, engine);
    return app;
}

static void end(struct app *app)
{
    for (int i = 0; i < VIEWS_MAX; i++) {
        view_close(app->view[i]);
        app->view[i] = NULL;
    }
    ui_free(&app->ui);
}

void app_restart(struct app *app, struct engine *engine)
{
    end(app);
    app_line_leave(app);
    app->asking = app->paused = app->params_changed = false;
    app->weigh_at = 0;
    app->known_state[0] = app->said[0] = '\0';
    begin(app, engine);
}

void app_finish(struct app *app)
{
    end(app);
    app_line_finish(app);
    app_reopen_done(app);
    free(app->other.wanted);
    free(app->other.wanted_session);
    surface_free(app->surface);
    free(app);
}
