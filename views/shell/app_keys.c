/* Decides what a key means. The first of these that applies takes it: the command line, the mouse,
 * an open dialog, the view shown (its text fields), and last the keymap, which names an action. */
#include <string.h>
#include <strings.h>

#include "views/keymap.h"
#include "views/screens/facts_list.h"
#include "views/shell/app_internal.h"

/* Closes the dialog. Cancel is the safe answer and reports that nothing changed. */
void app_answer(struct app *app, bool yes)
{
    app->asking = false;
    if (yes)
        app->question.confirmed(&app->host, &app->question);
    else
        app_say(app, TONE_PLAIN, "cancelled; nothing was changed");
}

/* Keys of a dialog that wants "yes" in full: a text field. Enter on anything but "yes" confirms
 * nothing. */
static void reply_key(struct app *app, const struct key *key)
{
    const char *reply = field_text(&app->reply);

    if (key->code == K_ESCAPE || key->code == key_ctrl('c'))
        app_answer(app, false);
    else if (key->code != K_ENTER)
        field_key(&app->reply, key);
    else if (!strcasecmp(reply, "yes"))
        app_answer(app, true);
    else if (!*reply || !strcasecmp(reply, "no") || !strcasecmp(reply, "n"))
        app_answer(app, false);
    else
        app->host.message(&app->host, TONE_WARN, "'%s' is neither yes nor no: nothing is done",
                          reply);
}

/* Keys of a dialog: y and n answer, Tab and the arrows move between the two buttons, Enter presses
 * the selected one. */
static void dialog_key(struct app *app, const struct key *key)
{
    int32_t code = key->code;

    if (app->question.typed)
        reply_key(app, key);
    else if (code == 'y' || code == 'Y')
        app_answer(app, true);
    else if (code == 'n' || code == 'N' || code == K_ESCAPE || code == 'q' || code == key_ctrl('c'))
        app_answer(app, false);
    else if (code == K_ENTER || code == ' ')
        app_answer(app, app->confirm_selected);
    else if (code == K_TAB || code == K_BACK_TAB || code == K_LEFT || code == K_RIGHT ||
             code == 'h' || code == 'l')
        app->confirm_selected = !app->confirm_selected;
}

/* C-j and Alt-Enter break the line where a view edits several lines (Query). Elsewhere they act as
 * the keys they consist of, Enter or Esc and Enter, and this returns true. */
static bool split_line_break(struct app *app, const struct key *key)
{
    struct view *v = app->view[app->shown];
    struct key part = {.code = K_ESCAPE, .at = key->at};

    if ((key->code != '\n' && key->code != K_ALT_ENTER) ||
        (!app->typing && !app->asking && v->ops->field && v->ops->field(v) &&
         v->ops->field(v)->lines))
        return false;
    if (key->code == K_ALT_ENTER)
        app_key(app, &part);
    part.code = K_ENTER;
    app_key(app, &part);
    return true;
}

/* Gives the key to whoever takes it. A text pasted where no field takes it is read as facts. */
static void take_key(struct app *app, const struct key *key)
{
    struct view *v = app->view[app->shown];
    bool mouse = key->code == K_CLICK || key->code == K_WHEEL_UP || key->code == K_WHEEL_DOWN;
    enum taker taker = app_taker(app);
    enum action action = keymap_action(keymap_current(), v->ops->name, key->code);
    char name[16];

    if (!mouse && key->code != K_PASTE)
        key_cast_add(&app->cast, key->code, taker == TAKER_LINE || taker == TAKER_FIELD,
                     taker == TAKER_NONE ? action : ACTION_NONE);
    if (app->terms.open && taker == TAKER_NONE && terms_key(&app->terms, key->code, action)) {
        ;
    } else if (app->typing && key->code != K_CLICK) {
        app_line_key(app, key);
    } else if (mouse) {
        app_mouse(app, key);
    } else if (app->asking) {
        dialog_key(app, key);
    } else if (!v->ops->key || !v->ops->key(v, key)) {
        if (key->code == K_PASTE) {
            if (facts_take(&app->host, key->paste, strlen(key->paste)))
                app_open(app, "facts");
            return;
        }
        if (action == ACTION_NONE)
            app->host.message(&app->host, TONE_WARN, "%s does nothing here: {help} lists all keys",
                              key_show(name, key->code));
        else
            app_do(app, action);
    }
}

/* One key, from the user or from a recording. */
void app_key(struct app *app, const struct key *key)
{
    struct message_mark before = app_message_mark(app);
    enum taker taker = app_taker(app);
    unsigned questions = app->questions;
    enum action action =
        keymap_action(keymap_current(), app->view[app->shown]->ops->name, key->code);

    app->dirty = true;
    if (key->code == K_RESIZE || split_line_break(app, key))
        return;
    app->message_at_key = app->message.number;
    app->keys_handled++;
    take_key(app, key);
    app->keys_handled--;
    app_message_after_key(app, &before);
    if (key->at > 0)
        app_burst_watch(app, key, action, taker, questions);
}
