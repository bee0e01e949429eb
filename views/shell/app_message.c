/* The last message: the left half of the status line.
 *
 * A message leaves with what it is about; the log keeps all of them.
 *
 *   it was said                      it leaves when
 *   while a key was handled          another view is shown ("scale: log", "B works in Facts (9)")
 *   while a text field was open      the field closes ("the prompt holds no {}")
 *   at any time                      the fact changes, or the user asks the engine for something
 *   by message_of_job()              the job ends ("comparing two states")
 *   of a preview                     a parameter moves: it is of others then
 *   of second moments                they are summed
 *
 * A message that was said by the same key stays. From MESSAGE_AGES on it is shown with its age,
 * which is drawn when something else is drawn: an idle screen stays idle. */
#include <string.h>

#include "core/base/utf8.h"
#include "views/shell/app_internal.h"

void app_say(struct app *app, enum tone tone, const char *text)
{
    utf8_copy(app->message.text, sizeof(app->message.text), text);
    app->message.tone = tone;
    app->message.at = clock_seconds();
    app->message.job = 0;
    app->message.of_preview = app->message.of_moments = false;
    app->message.number++;
    app->message.by_key = app->keys_handled > 0;
    app->message.in_field = app_taker(app) == TAKER_FIELD || app_taker(app) == TAKER_LINE;
    app->dirty = true;
    ui_log(&app->ui, (int)tone, text);
}

void app_say_of_event(struct app *app, enum event_kind kind, enum tone tone, const char *text)
{
    app_say(app, tone, text);
    app->message.of_preview = kind == EV_PREVIEW;
    app->message.of_moments = kind == EV_PROGRESS; /* the only line that progress says */
}

void app_message_drop(struct app *app)
{
    if (*app->message.text)
        app->dirty = true;
    app->message.text[0] = '\0';
}

void app_message_job_ends(struct app *app, const struct event *ev)
{
    if (app->message.job && ev->job == app->message.job &&
        (ev->kind == EV_DONE || ev->kind == EV_FAILED))
        app_message_drop(app);
}

/* Whether a job sums second moments now. */
static bool moments_run(const struct ui_state *d)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (d->job[i].job && !strcmp(d->job[i].progress.what, PROGRESS_MOMENTS))
            return true;
    return false;
}

void app_message_before_frame(struct app *app)
{
    if ((app->message.of_preview && ui_verdict_moved(&app->ui)) ||
        (app->message.of_moments && !moments_run(&app->ui)))
        app_message_drop(app);
}

/* A number that differs between facts. */
static unsigned long fact_number(const struct fact *fact)
{
    const char *const part[] = {fact->subject, fact->prompt, fact->target, fact->old};
    unsigned long n = 5381;

    for (int i = 0; i < 4; i++)
        for (const char *p = part[i] ? part[i] : ""; n = n * 33 + (unsigned char)*p, *p; p++)
            ;
    return n;
}

struct message_mark app_message_mark(const struct app *app)
{
    return (struct message_mark){app->message.number, app->shown, app_taker(app),
                                 fact_number(&app->ui.fact)};
}

void app_message_after_key(struct app *app, const struct message_mark *before)
{
    struct message_mark now = app_message_mark(app);

    if (now.number != before->number)
        return;
    if (now.fact != before->fact || (app->message.by_key && now.shown != before->shown) ||
        (app->message.in_field && now.taker == TAKER_NONE && before->taker != TAKER_NONE))
        app_message_drop(app);
}
