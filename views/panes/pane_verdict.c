/* Draws the rows of a verdict card, wrapped and never cut.
 *
 *   before        Paris, France.                                       p(target) 0.0057
 *   after       ▸ Rome, Italy. It's a historic Roman                    p(target) 0.991
 *   rank after  ● Rome      ▁▁▁▁▂▂▂▃▃▄▅▅▆▇███████████                         rank 1
 *
 * Columns: label, mark, text; the number stands at the right end of the first line. Ranks are bars,
 * a layer each, that grow towards rank 1 on a logarithmic scale. */
#include "views/panes/pane_verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { LABEL = 12, MARK = 2, RIGHT_GAP = 2, NAME = 10, NARROWEST = 10 };

struct columns {
    int text, cols; /* where the text begins, and how wide it is */
    bool below;     /* the number stands on a line of its own */
};

/* In narrow panes labels are shorter; a text that would get too few columns leaves the number none.
 */
static struct columns columns_of(const struct card_row *r, int cols)
{
    int right = *r->right ? text_width(r->right) + RIGHT_GAP : 0;
    int text = LABEL + (cols < 50 ? 1 : MARK), room = cols - text - right;
    bool below = right && !r->rank && room < NARROWEST;

    return (struct columns){text, below ? cols - text : room, below};
}

static int row_height(const struct card *c, int i, int opened, int cols)
{
    const struct card_row *r = &c->row[i];
    struct columns at = columns_of(r, cols);
    int lines = r->rank ? 1 : text_rows(r->text, at.cols) + at.below;

    if (r->more && opened == i)
        lines += text_rows(r->more, cols - LABEL - MARK);
    return lines;
}

int card_height(const struct card *c, int opened, int cols)
{
    int lines = 0;

    for (int i = 0; i < c->rows; i++)
        lines += row_height(c, i, opened, cols);
    return lines;
}

int card_top(const struct card *c, int at, int opened, int h, int cols)
{
    int all = card_height(c, opened, cols), y = 0, top, own;

    for (int i = 0; i < at && i < c->rows; i++)
        y += row_height(c, i, opened, cols);
    own = at >= 0 && at < c->rows ? row_height(c, at, opened, cols) : 1;
    top = own >= h ? y : y + own / 2 - h / 2;
    top = top > all - h ? all - h : top;
    return top < 0 ? 0 : top;
}

int card_row_at(const struct card *c, int opened, int top, int y, int cols)
{
    int line = top + y;

    for (int i = 0; i < c->rows; i++) {
        line -= row_height(c, i, opened, cols);
        if (line < 0)
            return i;
    }
    return -1;
}

/* The lines of a text from row y on; rows outside the area are left out. On row `cut` (-1: none) it
 * ends in "…". Returns the row after it. */
static int draw_lines(struct surface *s, struct rect in, int y, int cut, struct columns at,
                      enum role role, const char *text)
{
    const char *p = text, *row;
    size_t n;

    while (text_row(&p, at.cols > 1 ? at.cols : 1, &row, &n)) {
        if (y >= 0 && y < in.h) {
            struct pen pen = pen_at(s, in, y, at.text);
            int last = at.text + at.cols - 1;

            pen_printf(&pen, role, "%.*s", (int)n, row);
            if (y == cut)
                surface_text(s, in, y, pen.x < last ? pen.x : last, ROLE_DIM, "…");
        }
        y++;
    }
    return y;
}

/* How high the bar of a rank is: 1 for rank 1, 0 for rank 50000. */
static double rank_height(int rank)
{
    double t = rank > 0 ? 1 - log((double)rank) / log(50000.0) : 0;

    return t < 0 ? 0 : t;
}

static void draw_ranks(const struct card_row *r, struct surface *s, struct rect in, int y,
                       struct columns at)
{
    struct pen p = pen_at(s, in, y, at.text);
    int room = at.cols - NAME, wide = r->ranks ? room / r->ranks : 0;

    pen_fit(&p, r->role, NAME - 1, r->text);
    wide = wide < 1 ? 1 : wide > 6 ? 6 : wide;
    for (int l = 0; l < r->ranks; l++)
        for (int k = 0; k < wide && l * wide + k < room; k++)
            surface_text(s, in, y, at.text + NAME + l * wide + k, r->role,
                         r->rank[l] > 0 ? bar_glyph(rank_height(r->rank[l])) : "·");
}

/* `h`: its lines; where it has more, the last one ends in "…". */
static void draw_row(const struct card *c, int i, bool here, bool opened, int h, struct surface *s,
                     struct rect in, int y)
{
    const struct card_row *r = &c->row[i];
    struct columns at = columns_of(r, in.w);
    int cut = row_height(c, i, opened ? i : -1, in.w) > h ? y + h - 1 : -1;
    struct pen p;

    in.h = in.h < y + h ? in.h : y + h;
    if (y >= 0 && y < in.h) {
        p = list_row(s, in, y, here, 0);
        pen_text(&p, r->detail ? ROLE_DIM : ROLE_STRONG, r->label);
        if (at.text > LABEL + 1 || !r->rank) {
            p.x = at.text - MARK;
            pen_text(&p, r->role, r->mark);
        }
        p.x = in.w - text_width(r->right);
        if (!at.below)
            pen_text(&p, ROLE_BAR, r->right);
        if (r->rank)
            draw_ranks(r, s, in, y, at);
    }
    y = r->rank ? y + 1 : draw_lines(s, in, y, cut, at, r->detail ? ROLE_TEXT : r->role, r->text);
    if (at.below)
        surface_text(s, in, y, in.w - text_width(r->right), ROLE_BAR, r->right);
    if (opened && r->more)
        draw_lines(s, in, y + at.below, -1,
                   (struct columns){.text = LABEL + MARK, .cols = in.w - LABEL - MARK}, ROLE_DIM,
                   r->more);
}

void card_draw(const struct card *c, int at, int opened, int top, struct surface *s, struct rect in)
{
    int y = -top;

    for (int i = 0; i < c->rows && y < in.h; i++) {
        int h = row_height(c, i, opened, in.w);

        draw_row(c, i, i == at, opened == i, h, s, in, y);
        y += h;
    }
}

/* "Verdict ✓ would hold": what there is always room for. */
static void pane_title(const struct ui_state *d, char out[48])
{
    const struct ui_verdict *v = ui_verdict(d);
    bool holds = v && v->report->held == v->report->facts;

    snprintf(out, 48,
             !v                    ? "Verdict"
             : ui_verdict_moved(d) ? "Verdict " STALE_HATCH " other parameters"
             : v->recalled && !v->sides
                 ? holds ? "Verdict ✓ held at its commit" : "Verdict ✗ did NOT hold at its commit"
             : v->committed ? holds ? "Verdict ✓ holds" : "Verdict ✗ does NOT hold"
             : holds        ? "Verdict ✓ would hold"
                            : "Verdict ✗ would NOT hold");
}

/* The rows of the pane: the answer that is shown, the other one, and the other main rows. The
 * question and p(target) are in the pane of the fact. */
static int pane_row(const struct card *c, bool before, int i)
{
    if (i < 2)
        return (i == 0) == before ? 1 : 2;
    return i + 1 < c->rows && !c->row[i + 1].detail ? i + 1 : -1;
}

/* How many lines the ith row of the pane gets: answers leave room for why the fact holds or not. */
static int pane_lines(const struct card *c, bool before, int i, struct rect in, int y)
{
    int own = row_height(c, pane_row(c, before, i), -1, in.w), room = in.h - y;
    int after = i < 2 ? 1 - i + row_height(c, pane_row(c, before, 2), -1, in.w) : 0;

    room = room - after > 1 ? room - after : 1;
    return own < room ? own : room;
}

void pane_verdict(const struct ui_state *d, struct surface *s, struct rect area, bool focus)
{
    struct card c = card_of(d, d->side);
    bool before = d->side == SIDE_BEFORE;
    char title[48];
    struct rect in;
    int row, h;

    pane_title(d, title);
    in = hint_box(d, s, area, title, "{enter} opens it", focus);
    for (int i = 1; i < 3 && i < c.rows; i++) /* the answers */
        *c.row[i].right = '\0';
    for (int i = 0, y = 0; c.rows && y < in.h && (row = pane_row(&c, before, i)) > 0; i++, y += h) {
        h = pane_lines(&c, before, i, in, y);
        draw_row(&c, row, false, false, h, s, in, y);
    }
    if (focus && !rect_empty(in))
        surface_cursor(s, in, 0, 0);
    if (!rect_empty(in))
        box_foot(s, area, c.state);
    card_free(&c);
}
