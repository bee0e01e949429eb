/* What keys and actions do, whichever view is shown. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/changes.h"
#include "views/keymap.h"
#include "views/knobs.h"
#include "views/screens/facts_list.h"
#include "views/shell/app_inside.h"
#include "views/verbs.h"

static bool overlay(const struct app *app)
{
    const char *name = views[app->at]->name;

    return !strcmp(name, "help") || !strcmp(name, "log") || !strcmp(name, "options") ||
           !strcmp(name, "models");
}

static void leave(struct host *host, const struct question *question)
{
    (void)question;
    ((struct app *)host)->quit = true;
}

static void ask_quit(struct app *app)
{
    const struct desk *d = &app->desk;
    struct question q = {.title = "Leave?", .yes = "Leave", .confirmed = leave};

    if (d->state.edits && !*d->state.session)
        show_print(q.text, sizeof(q.text), "%d edit%s will be lost: no session file was named.",
                   d->state.edits, d->state.edits == 1 ? "" : "s");
    else if (d->pull_job)
        show_print(q.text, sizeof(q.text),
                   "%.100s is being fetched; what has come is kept, and :pull goes on there.",
                   d->pull_name);
    else if (desk_busy(d) == CMD_COMMIT)
        snprintf(q.text, sizeof(q.text), "An edit is being made; it would be stopped.");
    if (*q.text)
        app->host.ask(&app->host, &q);
    else
        app->quit = true;
}

static void forget_preview(struct app *app)
{
    if (app->desk.state.preview) {
        verb_simple(&app->host, CMD_DISCARD, 0);
        app_say(app, TONE_PLAIN, "preview forgotten; nothing was written");
    } else {
        app_say(app, TONE_WARN, "there is no preview to forget");
    }
}

static void back(struct app *app)
{
    int before = app->before;

    if (overlay(app) || (app->at && !desk_busy(&app->desk))) {
        app_open(app, views[overlay(app) ? before : 0]->name);
        app->before = 0;
    } else if (desk_busy(&app->desk)) {
        app_action(app, ACTION_CANCEL);
    } else if (app->desk.state.preview) {
        forget_preview(app);
    }
}

static void copy(struct app *app)
{
    char text[64];

    snprintf(text, sizeof(text), "L%dN%d", app->desk.at_layer,
             app->desk.at_neuron < 0 ? 0 : app->desk.at_neuron);
    if (term_copy(text))
        app->host.say(&app->host, TONE_PLAIN, "copied %s", text);
}

/* Choices that every view shows. */
static bool show_action(struct app *app, enum action action)
{
    static const char *const order[] = {"index", "score", "class"};
    static const char *const side[] = {"after", "before", "both"};
    struct desk *d = &app->desk;

    switch (action) {
    case ACTION_SCALE:
        d->scale = (enum heat_scale)((d->scale + 1) % SCALE_COUNT);
        app->host.say(&app->host, TONE_PLAIN, "scale: %s", heat_scale_name(d->scale));
        return true;
    case ACTION_POOL:
        d->pool = (enum heat_pool)((d->pool + 1) % POOL_COUNT);
        app->host.say(&app->host, TONE_PLAIN,
                      d->pool == POOL_ABOVE ? "a bin shows how many the mask keeps (%s)"
                                            : "a bin shows its %s",
                      heat_pool_name(d->pool));
        return true;
    case ACTION_RAMP:
        d->ramp = d->ramp == RAMP_HEAT   ? RAMP_GREY
                  : d->ramp == RAMP_GREY ? RAMP_DIVERGE
                                         : RAMP_HEAT;
        app->host.say(&app->host, TONE_PLAIN, "colours: %s%s", ramp_name(d->ramp),
                      d->ramp == RAMP_DIVERGE ? ", what raises and what lowers" : "");
        return true;
    case ACTION_PER_LAYER:
        d->per_layer = !d->per_layer;
        app->host.say(&app->host, TONE_PLAIN,
                      d->per_layer ? "each layer has its own scale" : "one scale for all layers");
        return true;
    case ACTION_ORDER:
        d->order = (enum desk_order)((d->order + 1) % ORDER_COUNT);
        app->host.say(&app->host, TONE_PLAIN, "neurons by %s", order[d->order]);
        return true;
    case ACTION_FLIP:
        d->side = (enum desk_side)((d->side + 1) % SIDE_COUNT);
        app->host.say(&app->host, TONE_PLAIN, "showing %s", side[d->side]);
        return true;
    case ACTION_PAUSE:
        if (app_tape_pause(app))
            return true;
        app->paused = !app->paused;
        return true;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        verb_move_layer(d, action == ACTION_LAYER_BACK ? -1 : 1);
        return true;
    default:
        return false;
    }
}

static void choose(struct app *app, enum param param, const char *what)
{
    choice_next(&app->desk.params, param);
    app->host.knobs_moved(&app->host);
    app->host.say(&app->host, TONE_PLAIN, "%s: %s", what, params_word(&app->desk.params, param));
}

static void untune(struct app *app)
{
    char what[160];

    if (!tuning_back(&app->tuning, &app->desk.params, what)) {
        app_say(app, TONE_WARN, "no parameter was changed: there is nothing to take back");
        return;
    }
    app->host.knobs_moved(&app->host);
    app->host.say(&app->host, TONE_PLAIN, "took back %s", what);
}

static bool parameter_action(struct app *app, enum action action)
{
    static const enum param reset[] = {P_RATIO_GE_A, P_RATIO_SP_A,     P_RATIO_GE_B,
                                       P_RATIO_SP_B, P_RATIO_INV_TEMP, P_ATTR_AMPLIFY};

    switch (action) {
    case ACTION_MASK_MODE:
        choose(app, P_MASK_MODE, "mask");
        return true;
    case ACTION_SELECT_RULE:
        choose(app, P_SELECT_RULE, "selection");
        return true;
    case ACTION_COMPENSATE:
        choose(app, P_MASK_COMPENSATE, "compensation");
        return true;
    case ACTION_TARGET:
        choose(app, P_ATTR_TARGET, "explained object");
        if (app->desk.done)
            verb_attribute(&app->host);
        return true;
    case ACTION_RESET_ALL:
        for (size_t i = 0; i < sizeof(reset) / sizeof(*reset); i++)
            param_reset(&app->desk.params, reset[i]);
        app->host.knobs_moved(&app->host);
        app->host.say(&app->host, TONE_PLAIN, "every knob has its default; Z takes that back");
        return true;
    case ACTION_UNTUNE:
        untune(app);
        return true;
    case ACTION_ALPHA:
    case ACTION_BETA:
    case ACTION_TEMPERATURE:
    case ACTION_EDIT_FACT: /* these live on the main screen */
        if (!app->at)
            return false;
        app_open(app, "edit");
        return app_action(app, action);
    default:
        return false;
    }
}

static bool engine_action(struct app *app, enum action action)
{
    struct desk *d = &app->desk;

    switch (action) {
    case ACTION_ATTRIBUTE:
        verb_attribute(&app->host);
        return true;
    case ACTION_PREVIEW:
        verb_preview(&app->host, &d->params);
        return true;
    case ACTION_COMMIT:
        verb_ask_commit(&app->host);
        return true;
    case ACTION_DISCARD:
        forget_preview(app);
        return true;
    case ACTION_UNDO:
        verb_ask_undo(&app->host, 0);
        return true;
    case ACTION_REDO:
        if (d->state.can_redo)
            verb_simple(&app->host, CMD_REDO, 0);
        else
            app_say(app, TONE_WARN, "there is nothing to redo");
        return true;
    case ACTION_SILENCE:
        verb_silence(&app->host, d->at_layer, d->at_neuron);
        return true;
    case ACTION_FORCE:
        verb_force(&app->host, d->at_layer, d->at_neuron);
        return true;
    case ACTION_RELEASE:
        verb_release(&app->host);
        return true;
    case ACTION_PULL:
        app_open(app, "models");
        app_line_open(app, ":pull ");
        return true;
    case ACTION_VERIFY:
        verb_simple(&app->host, CMD_VERIFY, 0);
        return true;
    case ACTION_CANCEL:
        if (desk_busy(d) || d->pull_job)
            engine_cancel(app->engine, 0);
        app_say(app, TONE_WARN,
                desk_busy(d) || d->pull_job ? "stopping" : "nothing runs; :q leaves");
        return true;
    default:
        return false;
    }
}

/* The line at the bottom. */
static bool line_action(struct app *app, enum action action)
{
    switch (action) {
    case ACTION_SEARCH:
        app_line_open(app, "/");
        return true;
    case ACTION_SEARCH_NEXT:
    case ACTION_SEARCH_BACK:
        app_find_next(app, action == ACTION_SEARCH_NEXT ? 1 : -1);
        return true;
    case ACTION_FILTER:
        app_line_open(app, "\\");
        return true;
    case ACTION_COMMAND:
        app_line_open(app, ":");
        return true;
    case ACTION_SAVE:
        app_line_open(app, ":write ");
        return true;
    case ACTION_EXPORT:
        app_export(app, "", false);
        return true;
    default:
        return false;
    }
}

/* Views that have no number. */
static bool view_action(struct app *app, enum action action)
{
    static const struct {
        enum action action;
        const char *view;
    } of[] = {{ACTION_HELP, "help"},      {ACTION_LOG, "log"},       {ACTION_FACTS, "facts"},
              {ACTION_SWEEP, "sweep"},    {ACTION_MODELS, "models"}, {ACTION_RELATION, "relations"},
              {ACTION_OPTIONS, "options"}};

    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
        if (of[i].action == action) {
            app_open(app, of[i].view);
            return true;
        }
    return false;
}

static bool program_action(struct app *app, enum action action)
{
    switch (action) {
    case ACTION_BACK:
        back(app);
        return true;
    case ACTION_ASK:
        app_open(app, "query");
        return app->view[app->at]->ops->action(app->view[app->at], action);
    case ACTION_COPY:
        copy(app);
        return true;
    case ACTION_REDRAW:
        term_redraw();
        return true;
    case ACTION_SUSPEND:
        term_suspend();
        return true;
    case ACTION_QUIT:
        if (overlay(app))
            back(app);
        else
            ask_quit(app);
        return true;
    default:
        return false;
    }
}

/* In a session that is only looked at, what would write says so before it asks anything. */
static bool refused(struct app *app, enum action action)
{
    static const enum action writes[] = {ACTION_COMMIT, ACTION_UNDO, ACTION_REDO, ACTION_NOTE,
                                         ACTION_SAVE};

    for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++)
        if (app->desk.state.readonly && action == writes[i]) {
            app->host.say(&app->host, TONE_WARN, "%s: the session is open read-only",
                          action_infos[action].name);
            return true;
        }
    return false;
}

bool app_action(struct app *app, enum action action)
{
    struct view *v = app->view[app->at];

    app->dirty = true;
    if (refused(app, action))
        return true;
    if (action >= ACTION_VIEW_EDIT && action <= ACTION_VIEW_HISTORY) {
        app_open(app, views[action - ACTION_VIEW_EDIT]->name);
        return true;
    }
    return (v->ops->action && v->ops->action(v, action)) || show_action(app, action) ||
           parameter_action(app, action) || engine_action(app, action) ||
           line_action(app, action) || view_action(app, action) || program_action(app, action);
}

void app_do(struct app *app, enum action action)
{
    if (!app_action(app, action))
        app->host.say(&app->host, TONE_WARN, "%s: nothing to do it to here (%s)",
                      action_infos[action].name, action_infos[action].help);
}

void app_answer(struct app *app, bool yes)
{
    app->asking = false;
    if (yes)
        app->question.confirmed(&app->host, &app->question);
    else
        app_say(app, TONE_PLAIN, "cancelled; nothing was changed");
}

static void dialog_key(struct app *app, int32_t code)
{
    if (code == 'y')
        app_answer(app, true);
    else if (code == 'n' || code == K_ESCAPE || code == 'q' || code == key_ctrl('c'))
        app_answer(app, false);
    else if (code == K_ENTER || code == ' ')
        app_answer(app, app->confirm_selected);
    else if (code == K_TAB || code == K_BACK_TAB || code == K_LEFT || code == K_RIGHT ||
             code == 'h' || code == 'l')
        app->confirm_selected = !app->confirm_selected;
}

/* C-j and Alt-Enter break a line where one is typed; elsewhere they are the keys they are made of.
 */
static bool line_break(struct app *app, const struct key *key)
{
    struct view *v = app->view[app->at];
    struct key part = {.code = K_ESCAPE};

    if ((key->code != '\n' && key->code != K_ALT_ENTER) ||
        (!app->typing && !app->asking && v->ops->takes_lines && v->ops->takes_lines(v)))
        return false;
    if (key->code == K_ALT_ENTER)
        app_key(app, &part);
    part.code = K_ENTER;
    app_key(app, &part);
    return true;
}

void app_key(struct app *app, const struct key *key)
{
    struct view *v = app->view[app->at];
    enum action action;
    char name[16];

    app->dirty = true;
    if (key->code == K_RESIZE || line_break(app, key))
        return;
    if (app->typing && key->code != K_CLICK) {
        app_line_key(app, key);
    } else if (key->code == K_CLICK || key->code == K_WHEEL_UP || key->code == K_WHEEL_DOWN) {
        app_mouse(app, key);
    } else if (app->asking) {
        dialog_key(app, key->code);
    } else if (!v->ops->key || !v->ops->key(v, key)) {
        if (key->code == K_PASTE) {
            if (facts_take(&app->host, key->paste, strlen(key->paste)))
                app_open(app, "facts");
            return;
        }
        action = keymap_action(keymap_used(), v->ops->name, key->code);
        if (action == ACTION_NONE)
            app->host.say(&app->host, TONE_WARN, "%s does nothing here: ? lists all keys",
                          key_show(name, key->code));
        else
            app_do(app, action);
    }
}
