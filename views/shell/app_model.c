/* Opening another model. The engine is replaced; the screen stays.
 *
 * A request (:model, Enter in Models) goes through app_reopen_ask(), which asks the user if
 * something would be lost. app_work() then calls app_reopen() between two frames: the old engine
 * is stopped, a new one starts. If the new model fails to open, app_reopen_back() opens the
 * previous one with its session, and the message says why. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"
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

/* Checks the path and asks if edits, a job, a download or a preview would be lost. Without any of
 * these it is confirmed at once. */
void app_reopen_ask(struct app *app, const char *path)
{
    const struct ui_state *d = &app->ui;
    struct question q = {
        .title = "Open another model?", .yes = "Open", .confirmed = reopen_confirmed};
    struct err err = {0};
    char *here;
    int n = 0;

    if (!app->options->reopen) {
        app_say(app, TONE_WARN, "a recording has one model: no other can be opened");
        return;
    }
    here = model_path_of(path, &err);
    if (!here) {
        app->host.message(&app->host, TONE_ERROR, "model: %s", err.text);
        return;
    }
    free(app->reopen.path);
    free(app->reopen.session);
    app->reopen.path = here;
    path = here;
    app->reopen.session = NULL;
    app->reopen.confirmed = false;
    if (d->state.edits && !*d->state.session)
        n += snprintf(q.text, sizeof(q.text),
                      "%d edit%s will be lost: no session file was named (w saves).\n",
                      d->state.edits, d->state.edits == 1 ? "" : "s");
    if (ui_busy(d))
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n, "The running job is stopped.\n");
    if (d->pull_job)
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n,
                      "The download of %.100s is stopped; :pull resumes it.\n", d->pull_name);
    if (d->state.preview)
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n, "The preview is discarded.\n");
    if (!n) {
        app->reopen.confirmed = true;
        return;
    }
    utf8_copy(q.text + n, sizeof(q.text) - (size_t)n, path);
    app->host.confirm(&app->host, &q);
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
