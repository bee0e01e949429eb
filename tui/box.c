/* Draws frames, sliders, meters and list rows, and keeps a list's cursor in sight. */
#include "tui/box.h"

#include <math.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/float_order.h"
#include "tui/text.h"

/* One horizontal edge of a frame: a corner, a line, a corner. */
static void box_edge(struct surface *s, struct rect r, int y, const char *left, const char *right,
                     enum role role)
{
    surface_text(s, r, y, 0, role, left);
    for (int x = 1; x < r.w - 1; x++)
        surface_text(s, r, y, x, role, "─");
    surface_text(s, r, y, r.w - 1, role, right);
}

/* Title from column 2 on; hint so that it ends three columns before the corner. The hint needs six
 * free columns after the title, else the two read as one: its last parts go first. */
static void box_heading(struct surface *s, struct rect r, const char *title, const char *hint)
{
    int room = r.w - 4, wide = text_width(title);
    struct pen p = pen_at(s, r, 0, 2);
    struct buf parts = {0};

    if (!*title || room < 5)
        return;
    wide = wide > room - 2 ? room - 2 : wide;
    pen_text(&p, ROLE_TITLE, " ");
    pen_fit(&p, ROLE_TITLE, wide, title);
    pen_text(&p, ROLE_TITLE, " ");
    text_parts(&parts, hint, room - 6 - wide);
    if (parts.len) {
        p.x = r.w - 2 - text_width(parts.data) - 1;
        pen_text(&p, ROLE_HINT, " ");
        pen_text(&p, ROLE_HINT, parts.data);
        pen_text(&p, ROLE_HINT, " ");
    }
    buf_free(&parts);
}

struct rect box_draw(struct surface *s, struct rect area, const char *title, const char *hint,
                     bool focus)
{
    enum role role = focus ? ROLE_BORDER_FOCUS : ROLE_BORDER;

    if (area.h < 3 || area.w < 6)
        return (struct rect){area.y, area.x, 0, 0};
    box_edge(s, area, 0, "╭", "╮", role);
    box_edge(s, area, area.h - 1, "╰", "╯", role);
    for (int y = 1; y < area.h - 1; y++) {
        surface_text(s, area, y, 0, role, "│");
        surface_text(s, area, y, area.w - 1, role, "│");
    }
    box_heading(s, area, title, hint);
    return (struct rect){area.y + 1, area.x + 2, area.h - 2, area.w - 4};
}

void box_foot(struct surface *s, struct rect area, const char *text)
{
    int wide = text_width(text), room = area.w - 6;
    struct pen p = pen_at(s, area, area.h - 1, 2);

    if (!*text || area.h < 3 || room < 3)
        return;
    pen_text(&p, ROLE_HINT, " ");
    pen_fit(&p, ROLE_HINT, wide < room ? wide : room, text);
    pen_text(&p, ROLE_HINT, " ");
}

void slider_draw(struct surface *s, struct rect area, int y, int x, int cols, double t, bool focus)
{
    int at = (int)lround(clamped(t, 0, 1) * (cols - 1));

    for (int i = 0; i < cols; i++)
        surface_text(s, area, y, x + i,
                     i == at  ? focus ? ROLE_ACCENT : ROLE_KNOB
                     : i < at ? focus ? ROLE_ACCENT : ROLE_FILL
                              : ROLE_TRACK,
                     i == at  ? "●"
                     : i < at ? "━"
                              : "─");
}

void meter_draw(struct surface *s, struct rect area, int y, int x, int cols, double t,
                enum role role)
{
    static const char *const part[] = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    int eighths = (int)lround(clamped(t, 0, 1) * cols * 8);

    for (int i = 0; i < cols; i++) {
        int here = eighths - i * 8;

        surface_text(s, area, y, x + i, role, part[here < 0 ? 0 : here > 8 ? 8 : here]);
    }
}

/* Rounds up, so that a small value above 0 is still seen. */
const char *bar_glyph(double t)
{
    static const char *const glyph[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

    return glyph[(int)ceil(clamped(t, 0, 1) * 8)];
}

/* Scrolls no further than needed, and leaves no blank rows below the last one. */
int list_top(const struct list *l, int count, int shown)
{
    int top = l->top;

    if (l->at < top)
        top = l->at;
    if (l->at >= top + shown)
        top = l->at - shown + 1;
    if (top > count - shown)
        top = count - shown;
    return top < 0 ? 0 : top;
}

struct pen list_row(struct surface *s, struct rect in, int y, bool here, int x)
{
    if (here)
        surface_fill(s, (struct rect){in.y + y, in.x, 1, in.w}, ROLE_SELECTED);
    if (here && x >= 0)
        surface_cursor(s, in, y, x);
    return pen_at(s, in, y, 0);
}

void list_move(struct list *l, int by, int count, int shown)
{
    l->at += by;
    if (l->at >= count)
        l->at = count - 1;
    if (l->at < 0)
        l->at = 0;
    l->top = list_top(l, count, shown);
}
