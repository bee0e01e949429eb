/* Draws the strip of sentence and keys (caption.h), and keeps the last keys for it. */
#include "views/shell/caption.h"

#include <stdio.h>
#include <string.h>

#include "core/base/utf8.h"
#include "tui/key.h"
#include "tui/text.h"

void key_cast_add(struct key_cast *c, int32_t code, bool typed, enum action action)
{
    char name[32], letter[8];
    bool text = typed && code >= ' ' && code < K_UP;

    c->action = action;
    if (text && c->text && c->count) { /* the end of a long text is kept */
        char *last = c->shown[c->count - 1], joined[40];
        const char *from = joined;

        letter[utf8_put(letter, code)] = '\0';
        snprintf(joined, sizeof(joined), "%s%s", last, letter);
        while (strlen(from) >= sizeof(c->shown[0]))
            utf8_next(&from, joined + strlen(joined));
        utf8_copy(last, sizeof(c->shown[0]), from);
        return;
    }
    c->text = text;
    if (c->count == CAST_KEYS)
        memmove(c->shown[0], c->shown[1], sizeof(c->shown[0]) * (size_t)--c->count);
    utf8_copy(c->shown[c->count++], sizeof(c->shown[0]), key_show(name, code));
}

int caption_rows(int h, int w)
{
    return h < 18 ? 0 : h < 24 ? 2 : w < 76 ? 4 : 3;
}

/* The keys at the right end of the rule, the last one marked; as many as half the row takes. */
static void draw_keys(const struct key_cast *c, struct surface *s, struct rect line)
{
    int x = line.w - 2, least = line.w / 2;

    for (int i = c->count - 1; i >= 0; i--) {
        int wide = text_width(c->shown[i]) + 2;

        x -= wide;
        if (x < least)
            return;
        surface_text(s, line, 0, x, i == c->count - 1 ? ROLE_BUTTON_ACTIVE : ROLE_BUTTON, " ");
        surface_text(s, line, 0, x + 1, i == c->count - 1 ? ROLE_BUTTON_ACTIVE : ROLE_BUTTON,
                     c->shown[i]);
        surface_text(s, line, 0, x + wide - 1, i == c->count - 1 ? ROLE_BUTTON_ACTIVE : ROLE_BUTTON,
                     " ");
        x--;
    }
}

void caption_draw(const struct caption *caption, struct surface *s, struct rect area)
{
    struct pen p = pen_at(s, area, 0, 0);
    const char *at = caption->sentence;
    int press = text_width(caption->press);

    for (int x = 0; x < area.w; x++)
        surface_text(s, area, 0, x, ROLE_BORDER_FOCUS, "─");
    p.x = 2;
    pen_printf(&p, ROLE_ACCENT, " %s ", caption->title);
    if (caption->keys)
        draw_keys(caption->keys, s, (struct rect){area.y, area.x, 1, area.w});
    for (int y = 1; y < area.h; y++) {
        bool last = y == area.h - 1;
        int room = last && press ? area.w - press - 5 : area.w - 3;
        size_t n = text_line(at, room);
        char row[400];

        p = pen_at(s, area, y, 1);
        snprintf(row, sizeof(row), "%.*s", (int)n - (n && at[n - 1] == ' '), at);
        pen_fit(&p, ROLE_STRONG, room, last ? at : row);
        at += n;
        p = pen_at(s, area, y, area.w - press - 2);
        if (last)
            pen_text(&p, ROLE_KEY, caption->press);
    }
}
