/* Opening another model. The engine is replaced; the screen stays.
 *
 * A request (:model, Enter in Models and Sessions) goes through app_reopen_ask() or app_visit(),
 * which ask the user if something would be lost. app_work() then calls app_reopen() between two
 * frames: the old engine is stopped, a new one starts. If the new model fails to open,
 * app_reopen_back() opens the previous one with its session, and the message says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"
#include "views/screens/session_list.h"
#include "views/shell/app_internal.h"

/* A path as it is, or a name on the Hub that is in its cache. Caller frees; NULL with *err. */
static char *model_path_of(const char *path, struct err *err)
{
    struct hub_name name;

    if (file_exists(path))
        return xstrdup(path);
    if (hub_name_like(path) && hub_name_parse(&name, path, err))
        return hub_find(&name, err);
    err_set(err, ERR_MODEL, "no such file or folder: %.300s", path);
    return NULL;
}

static void reopen_confirmed(struct host *host, const struct question *question)
{
    struct app *app = (struct app *)host;

    (void)question;
    app->reopen.confirmed = true;
    app_say(app, TONE_PLAIN, "opening the model");
}

/* The screen ends, and its caller goes on with what app->next says. */
static void next_confirmed(struct host *host, const struct question *question)
{
    struct app *app = (struct app *)host;

    (void)question;
    *app->options->next = app->next;
    app->next.path = NULL;
    app->quit = true;
}

/* Asks if something would be lost or a job stopped; else it goes on at once. `path`: what is
 * opened, for the question. */
static void ask_to_leave(struct app *app, struct question *q, const char *path)
{
    struct buf lost = {0}, text = {0};

    app_lost(&app->ui, &lost);
    if (ui_busy(&app->ui))
        buf_puts(&text, "The running job is stopped.\n");
    if (lost.len)
        buf_printf(&text, "This is lost:\n%s", lost.data);
    if (text.len) {
        buf_puts(&text, path);
        utf8_copy(q->text, sizeof(q->text), text.data);
        app->host.confirm(&app->host, q);
    } else {
        q->confirmed(&app->host, q);
    }
    buf_free(&lost);
    buf_free(&text);
}

/* Opens this model with this session, NULL: a new one. Takes both. */
static void ask_reopen(struct app *app, char *model, char *session)
{
    struct question q = {.yes = "Open", .confirmed = reopen_confirmed};

    snprintf(q.title, sizeof(q.title), "Open another %s?", session ? "session" : "model");
    free(app->reopen.path);
    free(app->reopen.session);
    app->reopen.path = model;
    app->reopen.session = session;
    app->reopen.confirmed = false;
    ask_to_leave(app, &q, session ? session : model);
}

void app_reopen_ask(struct app *app, const char *path)
{
    struct err err = {0};
    char *here;

    if (!app->options->reopen) {
        app_say(app, TONE_WARN, "a recording has one model: no other can be opened");
        return;
    }
    here = model_path_of(path, &err);
    if (here && app->ui.ready && !strcmp(here, app->ui.model.path)) {
        app_say(app, TONE_PLAIN, "this model is already open");
        free(here);
    } else if (here) {
        ask_reopen(app, here, NULL);
    } else {
        app->host.message(&app->host, TONE_ERROR, "model: %s", err.text);
    }
}

/* A session is opened on the model that it was made with. */
static void visit_session(struct app *app, const char *path)
{
    struct err gone = {0};
    char *model = engine_model_of(path, NULL, &gone);

    if (model || !gone.kind)
        ask_reopen(app, model ? model : xstrdup(app->ui.model.path), xstrdup(path));
    else
        app->host.message(&app->host, TONE_ERROR, "%s", gone.text);
}

void app_visit(struct app *app, enum visit what, const char *path)
{
    struct question q = {
        .title = "Leave this session?", .yes = "Leave", .confirmed = next_confirmed};

    if (what == VISIT_SESSION) {
        visit_session(app, path);
    } else if (what != VISIT_NEW && !app->options->next) {
        app_say(app, TONE_WARN, "recordings are played on the screen, not in plain mode");
    } else if (what != VISIT_NEW) {
        free(app->next.path);
        app->next = (struct app_next){what, path ? xstrdup(path) : NULL};
        ask_to_leave(app, &q, path ? path : "the recording that comes with the program");
    } else if (app->ui.history && app->ui.history->count) {
        ask_reopen(app, xstrdup(app->ui.model.path), NULL);
    } else { /* this one is new */
        app_open(app, "edit");
    }
}

/* The new model is open: the way back is forgotten. After a failed attempt its message is shown
 * again, because loading has overwritten it. */
void app_reopen_done(struct app *app)
{
    if (app->reopen.why_again[0] && app->ui.ready && *app->ui.state.base)
        app_say(app, TONE_ERROR, app->reopen.why_again);
    if (*app->ui.state.base)
        app->reopen.why_again[0] = '\0';
    free(app->reopen.old_path);
    free(app->reopen.old_session);
    app->reopen.old_path = app->reopen.old_session = NULL;
}

/* Replaces the engine. If the new one cannot even start, the previous model is started again at
 * once; a failure while loading comes later, through app_reopen_back(). */
void app_reopen(struct app *app)
{
    char *path = app->reopen.path, *session = app->reopen.session;
    struct params params = app->reopen.params;
    struct engine *engine;
    struct err err = {0};
    bool back = app->reopen.why[0] != '\0';

    app->reopen.path = app->reopen.session = NULL;
    app->reopen.confirmed = false;
    app_reopen_done(app);
    if (!app->ui.recorded && app->ui.history && app->ui.history->count)
        session_list_note(app->ui.state.session);
    if (!back && app->ui.ready) { /* the way back if the new one does not open */
        app->reopen.old_path = xstrdup(app->ui.model.path);
        app->reopen.old_session = *app->ui.state.session ? xstrdup(app->ui.state.session) : NULL;
    }
    engine = app->options->reopen(app->options->ctx, path, session, &params, &err);
    if (!engine && app->reopen.old_path) { /* could not start: back at once */
        utf8_copy(app->reopen.why, sizeof(app->reopen.why), err.text);
        free(path);
        path = app->reopen.old_path;
        app->reopen.old_path = NULL;
        engine =
            app->options->reopen(app->options->ctx, path, app->reopen.old_session, &params, &err);
    }
    if (!engine) {
        app->engine = NULL;
        app->quit = true;
    } else {
        app->reopen.params = params;
        app_restart(app, engine);
        if (app->reopen.why[0])
            app_say(app, TONE_ERROR, app->reopen.why);
        else
            app->host.message(&app->host, TONE_PLAIN, "opening %s", path);
        memcpy(app->reopen.why_again, app->reopen.why, sizeof(app->reopen.why_again));
        app->reopen.why[0] = '\0';
    }
    free(path);
    free(session);
}

/* The engine stopped while it loaded the new model: prepares to open the previous one. False:
 * there is none, the program ends. */
bool app_reopen_back(struct app *app, const struct event *ev)
{
    if (!app->reopen.old_path)
        return false;
    show_print(app->reopen.why, sizeof(app->reopen.why), "%.250s; the previous model is open again",
               *ev->err.text ? ev->err.text : "the model did not open");
    app->reopen.path = app->reopen.old_path;
    app->reopen.session = app->reopen.old_session;
    app->reopen.old_path = app->reopen.old_session = NULL;
    app->reopen.confirmed = true;
    app->ui.stopped = false;
    return true;
}
