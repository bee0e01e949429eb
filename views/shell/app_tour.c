/* What the strip above the status line says: the step of the tour, or in a recorded run and with
 * --present the key that was pressed and what it does. */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/hint.h"
#include "views/shell/app_internal.h"

void app_tour_begin(struct app *app)
{
    if (app->ui.recorded) {
        app->host.message(
            &app->host, TONE_WARN,
            "a recording cannot be edited; {pause} plays it with the tour's captions");
        return;
    }
    tour_begin(&app->tour, &app->ui);
    app_open(app, "edit");
}

void app_tour_end(struct app *app)
{
    app->tour.on = false;
    app_say(app, TONE_PLAIN, "the tour has ended; :tour begins it again");
}

void app_tour_offer(struct app *app)
{
    char *path = file_state_path("welcomed");

    if (!app->offscreen && !app->ui.recorded && !file_exists(path) &&
        file_make_parents(path, NULL) && file_write(path, "", 0, NULL))
        app_say(app, TONE_GOOD, "for the first time here? :tour walks one edit in seven steps");
    free(path);
}

/* "[ P ] preview": the key pressed last and its action. */
static void put_last_key(const struct app *app, struct caption *c)
{
    const struct key_cast *cast = &app->cast;
    char text[HINT_MAX];

    if (cast->count && cast->action != ACTION_NONE)
        snprintf(c->press, sizeof(c->press), "[ %s ] %s", cast->shown[cast->count - 1],
                 action_infos[cast->action].name);
    else if (app->replaying && !cast->count)
        utf8_copy(c->press, sizeof(c->press),
                  hint_text(&app->ui, text, "any key takes over, {pause} pauses"));
}

/* The step that is waited for, with its key. */
static void put_step(struct app *app, struct caption *c)
{
    const struct tour *t = &app->tour;
    const struct tour_step *step = &tour_steps[t->step];
    char key[HINT_MAX], back[HINT_MAX];

    hint_key(&app->ui, back, ACTION_BACK);
    if (t->step == tour_step_count) {
        snprintf(c->title, sizeof(c->title), "the end of the tour");
        c->sentence = hint_text(&app->ui, app->caption_text, tour_end_sentence);
        snprintf(c->press, sizeof(c->press), "[ %.20s ] ends it", back);
        return;
    }
    snprintf(c->title, sizeof(c->title), "%d of %d · %s", t->step + 1, tour_step_count, step->name);
    c->sentence = step->sentence;
    snprintf(c->press, sizeof(c->press), "[ %.20s ]%s%s  %.20s %s",
             hint_key(&app->ui, key, step->action), *step->press ? " " : "", step->press, back,
             app->shown ? "goes back" : "ends");
}

/* Whether a step of the tour waits for this action. A recorded run also shows what is not in the
 * tour; then the sentence is of that. */
static bool is_step(enum action action)
{
    for (int i = 0; i < tour_step_count; i++)
        if (tour_steps[i].action == action)
            return true;
    return action == ACTION_VIEW_EDIT || action == ACTION_BACK;
}

void app_caption(struct app *app)
{
    struct caption *c = &app->caption;
    bool shows_keys = app->replaying || app->options->present;
    const struct key_cast *cast = &app->cast;

    if (app->tour.on && tour_follow(&app->tour, &app->ui))
        app->dirty = true;
    app->captioned = app->tour.on || shows_keys;
    *c = (struct caption){.sentence = "", .keys = shows_keys ? cast : NULL};
    if (app->tour.on)
        put_step(app, c);
    else
        snprintf(c->title, sizeof(c->title), "%s", views[app->shown]->title);
    if (app->replaying || !app->tour.on) {
        *c->press = '\0';
        put_last_key(app, c);
    }
    if ((!app->tour.on || (app->replaying && !is_step(cast->action))) && cast->count &&
        cast->action != ACTION_NONE)
        c->sentence = action_infos[cast->action].help;
}
