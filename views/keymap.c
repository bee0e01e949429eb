/* Looks up keys and binds them.
 *
 * A keymap is a list of (view or all views, key code, action). It starts as the keys of actions.h,
 * all of them for all views, some 110 entries. What the user binds, in the config file or by
 * `:bind`, replaces an entry with the same view and key, or is added:
 *
 *     [keys]                 all views       C-p = preview
 *     [keys.history]         one view        x = undo
 *
 * A key is looked up twice: first among the entries of the view that is shown, then among those
 * for all views. With the file above, x means "undo" in History and "attribute" everywhere else.
 * The action "none" is stored like any other (ACTION_NONE), so that a view can switch off a key
 * that all others have.
 *
 * The list is searched from the start, without a hash table: it is asked once per key press, and
 * once per action when footer or help are drawn.
 *
 * A binding that takes the last key away from an action, or that contradicts an earlier line of
 * the same file, is no error; a note tells the user, since both usually are mistakes. */
#include "views/keymap.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/closest_name.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/key.h"
#include "views/view.h"

/* The nth name in a list of keys separated by blanks; false past the end. */
static bool key_at(const char *keys, int n, char out[16])
{
    for (; *keys; n--) {
        size_t len = strcspn(keys, " ");

        if (!n) {
            snprintf(out, 16, "%.*s", (int)len, keys);
            return true;
        }
        keys += len + (keys[len] == ' ');
    }
    return false;
}

void keymap_default(struct keymap *m)
{
    char name[16];

    m->count = 0;
    for (int a = 1; a < ACTION_COUNT; a++)
        for (int k = 0; key_at(action_infos[a].keys, k, name) && m->count < KEYMAP_MAX; k++)
            m->of[m->count++] = (struct binding){.code = key_parse(name), .action = (enum action)a};
}

struct keymap *keymap_current(void)
{
    static struct keymap used;

    if (!used.count)
        keymap_default(&used);
    return &used;
}

/* The entry with exactly this view (NULL: all views) and key; NULL: none. */
static struct binding *keymap_find(const struct keymap *m, const char *view, int32_t code)
{
    for (int i = 0; i < m->count; i++) {
        const struct binding *b = &m->of[i];

        if (b->code == code && (view ? b->view && !strcmp(b->view, view) : !b->view))
            return (struct binding *)b;
    }
    return NULL;
}

enum action keymap_action(const struct keymap *m, const char *view, int32_t code)
{
    const struct binding *b = view ? keymap_find(m, view, code) : NULL;

    b = b ? b : keymap_find(m, NULL, code);
    return b ? b->action : ACTION_NONE;
}

/* Appends " KEY" or " VIEW:KEY" to the text if it fits. */
static void append_key(char out[KEYMAP_TEXT], const char *before, int32_t code)
{
    char key[16];
    size_t n = strlen(out);

    key_show(key, code);
    if (n + strlen(before) + strlen(key) + 3 < KEYMAP_TEXT)
        show_print(out + n, KEYMAP_TEXT - n, "%s%s%s%s", n ? " " : "", before, *before ? ":" : "",
                   key);
}

/* Three rounds give the order: the view's own bindings, the user's for all views, the defaults. A
 * key that means another thing in this view is left out. */
const char *keymap_keys(const struct keymap *m, const char *view, enum action action,
                        char out[KEYMAP_TEXT])
{
    *out = '\0';
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < m->count; i++) {
            const struct binding *b = &m->of[i];
            bool own = view && b->view && !strcmp(b->view, view);

            if (b->action != action || (b->view && !own))
                continue;
            if (pass == (own       ? 0
                         : b->user ? 1
                                   : 2) &&
                (own || keymap_action(m, view, b->code) == action))
                append_key(out, "", b->code);
        }
    for (int i = 0; !view && i < m->count; i++)
        if (m->of[i].action == action && m->of[i].view)
            append_key(out, m->of[i].view, m->of[i].code);
    return out;
}

const char *keymap_key(const struct keymap *m, const char *view, enum action action, char out[16])
{
    char all[KEYMAP_TEXT];

    keymap_keys(m, view ? view : "", action, all);
    snprintf(out, 16, "%.*s", (int)strcspn(all, " "), all);
    return out;
}

/* The action called so; else ERR_USAGE with the nearest name, and ACTION_NONE. */
static enum action known_action(const char *name, struct err *err)
{
    enum action action = action_of_name(name);
    struct closest_name near = {name, "", INT_MAX};

    for (int a = 1; a < ACTION_COUNT; a++)
        closest_name_try(&near, action_infos[a].name);
    if (action == ACTION_NONE)
        err_set(err, ERR_USAGE,
                "unknown action '%s'; did you mean %s? `editscope keys` lists "
                "actions, and the action none removes a key",
                name, near.name);
    return action;
}

static void add_note(struct buf *notes, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends a line to the notes, with the line of the config file if there is one. */
static void add_note(struct buf *notes, int line, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    if (!notes)
        return;
    va_start(ap, fmt);
    show_vprint(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (line)
        buf_printf(notes, "config line %d: ", line);
    buf_printf(notes, "%s\n", text);
}

/* Adds a note if the action has no key left. */
static void note_if_keyless(const struct keymap *m, enum action action, struct buf *notes)
{
    char left[KEYMAP_TEXT];

    if (!*keymap_keys(m, NULL, action, left))
        add_note(notes, 0, "%s has no key now; type :%s instead", action_infos[action].name,
                 action_infos[action].name);
}

/* Stores a binding. For keys typed at `:bind` (line 0) keyless actions are reported at once, for a
 * file when all of it is read (keymap_apply()). */
static void keymap_put(struct keymap *m, const struct binding *b, struct buf *notes)
{
    struct binding *at = keymap_find(m, b->view, b->code);
    enum action before = at ? at->action : ACTION_NONE;
    char key[16];

    key_show(key, b->code);
    if (at && at->user && before != b->action && at->line)
        add_note(notes, b->line, "%s was bound to %s by line %d; the last one counts", key,
                 before ? action_infos[before].name : "nothing", at->line);
    if (at)
        *at = *b;
    else
        m->of[m->count++] = *b;
    if (before && !b->line)
        note_if_keyless(m, before, notes);
}

bool keymap_bind(struct keymap *m, const char *view, const char *key, const char *action, int line,
                 struct buf *notes, struct err *err)
{
    struct binding b = {.code = key_parse(key), .line = line, .user = true};
    const char *name = view && *view ? view_named(view) : NULL;
    char nearest[32];

    if (view && *view && !name)
        return err_set(err, ERR_USAGE, "unknown view '%s'; did you mean %s?", view,
                       view_nearest(view));
    if (b.code < 0)
        return err_set(
            err, ERR_USAGE,
            "'%s' is not a key; did you mean %s? Keys are a character, C-x, F1 to F12, %s", key,
            key_nearest(key, nearest), key_names());
    if (strcmp(action, "none") != 0 && !(b.action = known_action(action, err)))
        return false;
    if (m->count == KEYMAP_MAX)
        return err_set(err, ERR_LIMIT, "more than %d keys are bound", KEYMAP_MAX);
    b.view = name;
    keymap_put(m, &b, notes);
    return true;
}

/* Cuts the next word off *text, at most 63 bytes of it; false: there is none. */
static bool next_word(const char **text, char out[64])
{
    size_t n;

    *text += strspn(*text, " \t");
    n = strcspn(*text, " \t");
    snprintf(out, 64, "%.*s", (int)n, *text);
    *text += n;
    return n > 0;
}

bool keymap_command(struct keymap *m, const char *rest, bool taken, struct buf *notes,
                    struct err *err)
{
    char word[4][64];
    int n = 0, want = taken ? 1 : 2;

    while (n < 4 && next_word(&rest, word[n]))
        n++;
    if (n != want && n != want + 1)
        return err_set(err, ERR_USAGE,
                       taken ? "write :unbind [VIEW] KEY, such as :unbind C-p"
                             : "write :bind [VIEW] KEY ACTION, such as :bind C-p preview");
    return keymap_bind(m, n > want ? word[0] : NULL, word[n - want], taken ? "none" : word[n - 1],
                       0, notes, err);
}

bool keymap_line(void *reading, const struct config_line *line, struct err *err)
{
    struct keymap_reading *r = reading;
    bool view = !strncmp(line->section, "keys.", 5);

    return keymap_bind(&r->map, view ? line->section + 5 : NULL, line->name, line->value,
                       line->number, r->notes, err);
}

void keymap_apply(struct keymap *m, struct keymap_reading *reading)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        note_if_keyless(&reading->map, (enum action)a, reading->notes);
    *m = reading->map;
}
