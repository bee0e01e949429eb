/* Another model: the engine is exchanged, the screen stays. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/hub/hub.h"
#include "views/shell/app_internal.h"

/* A path, or a name on the Hub of what is in its cache. Caller frees. */
static char *find(const char *path, struct err *err)
{
    struct hub_name name;

    if (file_exists(path))
        return xstrdup(path);
    if (hub_name_like(path) && hub_name_parse(&name, path, err))
        return hub_find(&name, err);
    err_set(err, ERR_MODEL, "there is no %.300s", path);
    return NULL;
}

static void open_wanted(struct host *host, const struct question *question)
{
    struct app *app = (struct app *)host;

    (void)question;
    app->other.confirmed = true;
    app_say(app, TONE_PLAIN, "opening the model");
}

void app_reopen_ask(struct app *app, const char *path)
{
    const struct ui_state *d = &app->ui;
    struct question q = {.title = "Open another model?", .yes = "Open", .confirmed = open_wanted};
    struct err err = {0};
    char *here;
    int n = 0;

    if (!app->options->reopen) {
        app_say(app, TONE_WARN, "a recorded run has one model: no other can be opened here");
        return;
    }
    here = find(path, &err);
    if (!here) {
        app->host.message(&app->host, TONE_ERROR, "model: %s", err.text);
        return;
    }
    free(app->other.wanted);
    free(app->other.wanted_session);
    app->other.wanted = here;
    path = here;
    app->other.wanted_session = NULL;
    app->other.confirmed = false;
    if (d->state.edits && !*d->state.session)
        n += snprintf(q.text, sizeof(q.text),
                      "%d edit%s will be lost: no session file was named (w saves).\n",
                      d->state.edits, d->state.edits == 1 ? "" : "s");
    if (ui_busy(d))
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n,
                      "What is being computed is stopped.\n");
    if (d->pull_job)
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n,
                      "Fetching %.100s is stopped; :pull goes on there.\n", d->pull_name);
    if (d->state.preview)
        n += snprintf(q.text + n, sizeof(q.text) - (size_t)n, "The preview is forgotten.\n");
    if (!n) {
        app->other.confirmed = true;
        return;
    }
    utf8_copy(q.text + n, sizeof(q.text) - (size_t)n, path);
    app->host.confirm(&app->host, &q);
}

void app_reopen_done(struct app *app)
{
    if (app->other.later[0] && app->ui.ready && *app->ui.state.base)
        app_say(app, TONE_ERROR, app->other.later);
    if (*app->ui.state.base)
        app->other.later[0] = '\0';
    free(app->other.model);
    free(app->other.session);
    app->other.model = app->other.session = NULL;
}

void app_reopen(struct app *app)
{
    char *path = app->other.wanted, *session = app->other.wanted_session;
    struct params params = app->other.params;
    struct engine *engine;
    struct err err = {0};
    bool back = app->other.why[0] != '\0';

    app->other.wanted = app->other.wanted_session = NULL;
    app->other.confirmed = false;
    app_reopen_done(app);
    if (!back && app->ui.ready) { /* what to go back to when the new one does not open */
        app->other.model = xstrdup(app->ui.model.path);
        app->other.session = *app->ui.state.session ? xstrdup(app->ui.state.session) : NULL;
    }
    engine = app->options->reopen(app->options->ctx, path, session, &params, &err);
    if (!engine && app->other.model) { /* not even begun: the one before, at once */
        utf8_copy(app->other.why, sizeof(app->other.why), err.text);
        free(path);
        path = app->other.model;
        app->other.model = NULL;
        engine = app->options->reopen(app->options->ctx, path, app->other.session, &params, &err);
    }
    if (!engine) {
        app->engine = NULL;
        app->quit = true;
    } else {
        app->other.params = params;
        app_restart(app, engine);
        if (app->other.why[0])
            app_say(app, TONE_ERROR, app->other.why);
        else
            app->host.message(&app->host, TONE_PLAIN, "opening %s", path);
        memcpy(app->other.later, app->other.why, sizeof(app->other.later));
        app->other.why[0] = '\0';
    }
    free(path);
    free(session);
}

bool app_reopen_back(struct app *app, const struct event *ev)
{
    if (!app->other.model)
        return false;
    show_print(app->other.why, sizeof(app->other.why), "%.250s; the model before is back",
               *ev->err.text ? ev->err.text : "the model did not open");
    app->other.wanted = app->other.model;
    app->other.wanted_session = app->other.session;
    app->other.model = app->other.session = NULL;
    app->other.confirmed = true;
    app->ui.stopped = false;
    return true;
}
