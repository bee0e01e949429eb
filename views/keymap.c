/* Binds keys by name, over the table of actions. */
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

/* The n-th word of a list of keys; false past the end. */
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

static struct binding *find(const struct keymap *m, const char *view, int32_t code)
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
    const struct binding *b = view ? find(m, view, code) : NULL;

    b = b ? b : find(m, NULL, code);
    return b ? b->action : ACTION_NONE;
}

static void add(char out[KEYMAP_TEXT], const char *before, int32_t code)
{
    char key[16];
    size_t n = strlen(out);

    key_show(key, code);
    if (n + strlen(before) + strlen(key) + 3 < KEYMAP_TEXT)
        show_print(out + n, KEYMAP_TEXT - n, "%s%s%s%s", n ? " " : "", before, *before ? ":" : "",
                   key);
}

const char *keymap_keys(const struct keymap *m, const char *view, enum action action,
                        char out[KEYMAP_TEXT])
{
    *out = '\0';
    for (int pass = 0; pass < 3; pass++) /* a view's own, the user's, the table's */
        for (int i = 0; i < m->count; i++) {
            const struct binding *b = &m->of[i];
            bool own = view && b->view && !strcmp(b->view, view);

            if (b->action != action || (b->view && !own))
                continue;
            if (pass == (own       ? 0
                         : b->user ? 1
                                   : 2) &&
                (own || keymap_action(m, view, b->code) == action))
                add(out, "", b->code);
        }
    for (int i = 0; !view && i < m->count; i++)
        if (m->of[i].action == action && m->of[i].view)
            add(out, m->of[i].view, m->of[i].code);
    return out;
}

const char *keymap_key(const struct keymap *m, const char *view, enum action action, char out[16])
{
    char all[KEYMAP_TEXT];

    keymap_keys(m, view ? view : "", action, all);
    snprintf(out, 16, "%.*s", (int)strcspn(all, " "), all);
    return out;
}

static enum action known_action(const char *name, struct err *err)
{
    enum action action = action_of_name(name);
    struct closest_name near = {name, "", INT_MAX};

    for (int a = 1; a < ACTION_COUNT; a++)
        closest_name_try(&near, action_infos[a].name);
    if (action == ACTION_NONE)
        err_set(err, ERR_USAGE,
                "no action is called '%s'; did you mean %s? `editscope keys` lists "
                "them, none takes a key away",
                name, near.name);
    return action;
}

static void tell(struct buf *notes, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct buf *notes, int line, const char *fmt, ...)
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

static void tell_keyless(const struct keymap *m, enum action action, struct buf *notes)
{
    char left[KEYMAP_TEXT];

    if (!*keymap_keys(m, NULL, action, left))
        tell(notes, 0, "%s has no key now; :%s does it", action_infos[action].name,
             action_infos[action].name);
}

static void put(struct keymap *m, const struct binding *b, struct buf *notes)
{
    struct binding *at = find(m, b->view, b->code);
    enum action before = at ? at->action : ACTION_NONE;
    char key[16];

    key_show(key, b->code);
    if (at && at->user && before != b->action && at->line)
        tell(notes, b->line, "%s was bound to %s by line %d; the last one counts", key,
             before ? action_infos[before].name : "nothing", at->line);
    if (at)
        *at = *b;
    else
        m->of[m->count++] = *b;
    if (before && !b->line)
        tell_keyless(m, before, notes);
}

bool keymap_bind(struct keymap *m, const char *view, const char *key, const char *action, int line,
                 struct buf *notes, struct err *err)
{
    struct binding b = {.code = key_parse(key), .line = line, .user = true};
    const char *name = view && *view ? view_named(view) : NULL;
    char nearest[32];

    if (view && *view && !name)
        return err_set(err, ERR_USAGE, "no view is called '%s'; did you mean %s?", view,
                       view_nearest(view));
    if (b.code < 0)
        return err_set(err, ERR_USAGE,
                       "'%s' is no key; did you mean %s? Keys are a character, C-x, F1 to F12, %s",
                       key, key_nearest(key, nearest), key_names());
    if (strcmp(action, "none") != 0 && !(b.action = known_action(action, err)))
        return false;
    if (m->count == KEYMAP_MAX)
        return err_set(err, ERR_LIMIT, "more than %d keys are bound", KEYMAP_MAX);
    b.view = name;
    put(m, &b, notes);
    return true;
}

/* The next word of *text, at most 63 bytes of it. */
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
                       taken ? "[VIEW] KEY"
                             : "[VIEW] KEY ACTION, such as C-p "
                               "preview");
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
        tell_keyless(&reading->map, (enum action)a, reading->notes);
    *m = reading->map;
}
