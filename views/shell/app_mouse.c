/* The mouse. A click selects; a second click on the same cell does what Enter does. The wheel
 * scrolls or steps. */
#include <math.h>

#include "tui/layout.h"
#include "views/shell/app_internal.h"

static const double DOUBLE_CLICK = 0.4; /* seconds between the clicks of a double click */

/* True if this click and the one before are a double click. */
static bool second_click(struct app *app, const struct key *key)
{
    double now = app_seconds(app);
    bool twice = app->click_time > 0 && fabs(now - app->click_time) < DOUBLE_CLICK &&
                 key->y == app->click_y && key->x == app->click_x;

    app->click_time = twice ? 0 : now;
    app->click_y = key->y;
    app->click_x = key->x;
    return twice;
}

/* The view may use the wheel (the Edit view steps the knob under it); otherwise it moves the
 * selection. */
static void wheel_turned(struct app *app, const struct key *key, struct rect body)
{
    struct view *v = app->view[app->shown];
    int by = key->code == K_WHEEL_UP ? -1 : 1;

    if (!rect_has(body, key->y, key->x) || !v->ops->wheel ||
        !v->ops->wheel(v, body, key->y, key->x, by))
        app_action(app, by < 0 ? ACTION_UP : ACTION_DOWN);
}

/* A click: on a button of the dialog, else on the footer or a tab, else in the view. */
void app_mouse(struct app *app, const struct key *key)
{
    struct view *v = app->view[app->shown];
    int h = app->surface->h, w = app->surface->w;
    struct screen screen = app_screen(app);
    struct rect body = screen_view(&screen, h, w);
    struct screen_click click;
    int button;

    if (app->asking) {
        button = key->code == K_CLICK ? screen_button(&screen, h, w, key->y, key->x) : -1;
        click = screen_click(&screen, h, w, key->y, key->x);
        if (button >= 0)
            app_answer(app, button == 1);
        else if (key->code == K_CLICK && click.key >= 0)
            app_key(app, &(struct key){.code = click.key, .at = key->at});
        return;
    }
    if (key->code != K_CLICK) {
        wheel_turned(app, key, body);
        return;
    }
    click = screen_click(&screen, h, w, key->y, key->x);
    if (click.key >= 0) {
        app_key(app, &(struct key){.code = click.key, .at = key->at});
        return;
    }
    app_line_close(app); /* as Esc does */
    if (click.action != ACTION_NONE)
        app_do(app, click.action);
    else if (rect_has(body, key->y, key->x) && v->ops->click &&
             v->ops->click(v, body, key->y, key->x) && second_click(app, key))
        app_action(app, ACTION_ENTER);
}
