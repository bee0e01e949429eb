/* Keys that come right after a text field or a dialog has closed, or after an action was refused
 * that asks in a dialog. Who types or pastes faster than the program closes a field would otherwise
 * press command keys with the rest of the text: "yes" typed at a dialog that takes "y", or at one
 * that never opened, would go on with the keys e and s.
 *
 * Esc leaves on purpose, so nothing is ignored after it. After any other end, keys that a text
 * consists of are ignored until none has come for BURST_GAP, at most for BURST_MOST. Arrows, Tab,
 * function keys, C-c and the mouse act at once. The times are those of the keys (struct key), so a
 * script decides itself how fast it types. The line says that a key was ignored, unless the key may
 * belong to the answer of a dialog. */
#include <string.h>

#include "views/shell/app_internal.h"

static const double BURST_GAP = 0.3, BURST_MOST = 1.5; /* seconds */

/* True if a text could hold this key, or end with it. */
static bool is_text_key(const struct key *key)
{
    return key->code == K_PASTE || key->code == K_ENTER || key->code == K_ESCAPE ||
           key->code == '\n' || key->code == K_ALT_ENTER || key->code == K_ERASE ||
           (key->code >= ' ' && key->code < K_UP);
}

/* What takes the keys as text or as an answer; TAKER_NONE: they are looked up in the keymap. */
enum taker app_taker(const struct app *app)
{
    const struct view *v = app->view[app->shown];

    if (app->typing)
        return TAKER_LINE;
    if (app->asking)
        return TAKER_DIALOG;
    return v->ops->field && v->ops->field(v) ? TAKER_FIELD : TAKER_NONE;
}

void app_burst_begin(struct app *app, double at, bool answered)
{
    app->burst.began = app->burst.last = at;
    app->burst.answered = answered;
}

bool app_burst_takes(struct app *app, const struct key *key)
{
    char name[16];

    if (!(app->burst.began > 0) || !is_text_key(key))
        return false;
    if (key->at - app->burst.last >= BURST_GAP || key->at - app->burst.began >= BURST_MOST) {
        app->burst.began = 0;
        return false;
    }
    app->burst.last = key->at;
    if (!app->burst.answered || key->code >= K_UP || !strchr("yesno\r\n\033", (char)key->code))
        app->host.message(&app->host, TONE_WARN,
                          "%s came too fast after the key before: it was ignored",
                          key->code == K_PASTE ? "a paste" : key_show(name, key->code));
    return true;
}

/* True if the key that was just handled was refused: a warning is all that came of it. */
static bool was_refused(const struct app *app, enum taker after)
{
    return after == TAKER_NONE && app->message.number != app->message_at_key &&
           app->message.tone >= TONE_WARN;
}

void app_burst_watch(struct app *app, const struct key *key, enum action action, enum taker before,
                     unsigned questions)
{
    enum taker after = app_taker(app);

    if (before == TAKER_NONE && action_infos[action].writes && was_refused(app, after))
        app_burst_begin(app, key->at, true);
    if (key->code == K_ESCAPE || before == TAKER_NONE || after == TAKER_LINE ||
        after == TAKER_FIELD || (before == after && questions == app->questions))
        return;
    app_burst_begin(app, key->at, before == TAKER_DIALOG);
}
