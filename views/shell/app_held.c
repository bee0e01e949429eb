/* Holds what a preview or a commit says until the state that it has led to is said too.
 *
 * The engine emits EV_COMMIT, EV_COMMITTED, EV_SIDES and then EV_STATE. A frame in between would
 * say "edit 3 holds" beside PREVIEW. So these events wait, and are taken with the state, or with
 * the end of the job if there is no state: before it, in their order. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/shell/app_internal.h"

static bool job_makes_state(const struct ui_state *d, unsigned job)
{
    const struct job_begun *begun = ui_job_begun(d, job);
    enum command_kind kind = begun ? command_of_name(begun->command) : ui_job_kind(d, job);

    return kind == CMD_COMMIT || kind == CMD_PREVIEW;
}

bool app_hold(struct app *app, struct event *ev)
{
    switch (ev->kind) {
    case EV_PREVIEW:
    case EV_COMMIT:
    case EV_COMMITTED:
    case EV_SIDES:
        break;
    default:
        return false;
    }
    if (!job_makes_state(&app->ui, ev->job))
        return false;
    app->held = xrealloc(app->held, (size_t)(app->held_count + 1) * sizeof(*app->held));
    app->held[app->held_count++] = *ev;
    *ev = (struct event){0};
    return true;
}

bool app_hold_next(struct app *app, const struct event *before, struct event *out)
{
    bool ends = before->kind == EV_STATE || before->kind == EV_DONE || before->kind == EV_FAILED;

    if (!app->held_count ||
        (before->kind != EV_STOPPED && !(ends && before->job == app->held->job)))
        return false;
    *out = *app->held;
    memmove(app->held, app->held + 1, (size_t)--app->held_count * sizeof(*app->held));
    return true;
}

void app_hold_end(struct app *app)
{
    for (int i = 0; i < app->held_count; i++)
        event_free(&app->held[i]);
    free(app->held);
    app->held = NULL;
    app->held_count = 0;
}
