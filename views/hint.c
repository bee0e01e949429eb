/* Puts the names of keys into texts. */
#include "views/hint.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "views/keymap.h"

/* Adds the key of an action: "x", "Enter", "C-c"; ":attribute" where none is bound. In a format a %
 * is doubled. */
static void add_key(const struct ui_state *d, enum action action, bool format, struct buf *out)
{
    char key[16] = "";

    if (!d->without_keys)
        keymap_key(keymap_current(), d->at_view, action, key);
    if (!*key) {
        buf_printf(out, "%s%s", d->without_keys ? "" : ":", action_infos[action].name);
    } else if (format && !strcmp(key, "%")) {
        buf_puts(out, "%%");
    } else {
        if (islower((unsigned char)key[0]) && key[1] && (unsigned char)key[1] < 0x80)
            key[0] = (char)toupper((unsigned char)key[0]); /* Enter, Esc, Tab */
        buf_puts(out, key);
    }
}

/* The text with keys for all braces that hold the name of an action. */
static void expand_keys(const struct ui_state *d, const char *text, bool format, struct buf *out)
{
    while (*text) {
        size_t n = strcspn(text, "{"), word;
        char name[32];
        enum action action;

        buf_add(out, text, n);
        text += n;
        if (!*text)
            break;
        word = strcspn(text + 1, "{} ");
        snprintf(name, sizeof(name), "%.*s", (int)word, text + 1);
        action = text[1 + word] == '}' ? action_of_name(name) : ACTION_NONE;
        if (action != ACTION_NONE)
            add_key(d, action, format, out);
        else
            buf_add(out, text, 1 + word);
        text += action != ACTION_NONE ? word + 2 : word + 1;
    }
}

/* What is true of a text about what the engine can do. */
static const char *true_text(const struct ui_state *d, const char *text, const char *without_model)
{
    char name[32];

    for (const char *p = d->viewed ? text : ""; (p = strchr(p, '{')); p++) {
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(p + 1, "} "), p + 1);
        if (action_needs_model(action_of_name(name)))
            return without_model;
    }
    return text;
}

void hint_vprint(const struct ui_state *d, char *out, size_t n, const char *fmt, va_list ap)
{
    struct buf text = {0};

    expand_keys(d, fmt, true, &text);
    show_vprint(out, n, text.data ? text.data : "", ap);
    buf_free(&text);
}

void hint_print(const struct ui_state *d, char *out, size_t n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    hint_vprint(d, out, n, fmt, ap);
    va_end(ap);
}

const char *hint_text(const struct ui_state *d, char out[HINT_MAX], const char *text)
{
    struct buf all = {0};

    expand_keys(d, text, false, &all);
    utf8_copy(out, HINT_MAX, all.data ? all.data : "");
    buf_free(&all);
    return out;
}

const char *hint_key(const struct ui_state *d, char out[HINT_MAX], enum action action)
{
    struct buf key = {0};

    add_key(d, action, false, &key);
    utf8_copy(out, HINT_MAX, key.data);
    buf_free(&key);
    return out;
}

struct rect hint_box(const struct ui_state *d, struct surface *s, struct rect area,
                     const char *title, const char *hint, bool focus)
{
    char text[HINT_MAX];

    return box_draw(s, area, title, hint_text(d, text, true_text(d, hint, "")), focus);
}

void hint_draw(const struct ui_state *d, struct surface *s, struct rect area, int y, int x,
               enum role role, const char *text)
{
    char line[HINT_MAX];

    surface_text(s, area, y, x, role, hint_text(d, line, true_text(d, text, HINT_NOT_THERE)));
}

int hint_lines(const struct ui_state *d, struct surface *s, struct rect area, int y, enum role role,
               const char *text)
{
    char lines[HINT_MAX];

    return surface_lines(s, area, y, role, hint_text(d, lines, true_text(d, text, HINT_NOT_THERE)));
}
