/* Draws the rows of a verdict card, wrapped and never cut.
 *
 *   before        Paris, France.                                            p 0.0057
 *   after       ▸ Rome, Italy. It's a historic Roman                         p 0.991
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

enum { LABEL = 12, MARK = 2, RIGHT_GAP = 2, NAME = 10 };

struct columns {
    int text, cols; /* where the text begins, and how wide it is */
};

/* In narrow panes labels are shorter, and a number gets a line of its own. */
static struct columns columns_of(const struct card_row *r, int cols)
{
    int right = *r->right ? text_width(r->right) + RIGHT_GAP : 0;
    int text = LABEL + (cols < 50 ? 1 : MARK);

    return (struct columns){text, cols - text - right < 12 ? cols - text : cols - text - right};
}

static int row_height(const struct card *c, int i, int opened, int cols)
{
    const struct card_row *r = &c->row[i];
    int lines = r->rank ? 1 : text_rows(r->text, columns_of(r, cols).cols);

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

/* The lines of a text from row y on; rows above the area are left out. Returns the row after it. */
static int draw_lines(struct surface *s, struct rect in, int y, int x, int cols, enum role role,
                      const char *text)
{
    const char *p = text, *row;
    size_t n;

    while (text_row(&p, cols > 1 ? cols : 1, &row, &n)) {
        if (y >= 0 && y < in.h) {
            struct pen pen = pen_at(s, in, y, x);

            pen_printf(&pen, role, "%.*s", (int)n, row);
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

static void draw_row(const struct card *c, int i, bool here, bool opened, struct surface *s,
                     struct rect in, int y)
{
    const struct card_row *r = &c->row[i];
    struct columns at = columns_of(r, in.w);
    struct pen p;

    if (y >= 0 && y < in.h) {
        p = list_row(s, in, y, here, 0);
        pen_text(&p, r->detail ? ROLE_DIM : ROLE_STRONG, r->label);
        if (at.text > LABEL + 1 || !r->rank) {
            p.x = at.text - MARK;
            pen_text(&p, r->role, r->mark);
        }
        p.x = in.w - text_width(r->right);
        pen_text(&p, ROLE_BAR, r->right);
        if (r->rank)
            draw_ranks(r, s, in, y, at);
    }
    y = r->rank ? y + 1
                : draw_lines(s, in, y, at.text, at.cols, r->detail ? ROLE_TEXT : r->role, r->text);
    if (opened && r->more)
        draw_lines(s, in, y, LABEL + MARK, in.w - LABEL - MARK, ROLE_DIM, r->more);
}

void card_draw(const struct card *c, int at, int opened, int top, struct surface *s, struct rect in)
{
    int y = -top;

    for (int i = 0; i < c->rows && y < in.h; i++) {
        draw_row(c, i, i == at, opened == i, s, in, y);
        y += row_height(c, i, opened, in.w);
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
 * question is in the pane of the fact. */
static int pane_row(const struct card *c, bool before, int i)
{
    if (i < 2)
        return (i == 0) == before ? 1 : 2;
    return i + 1 < c->rows && !c->row[i + 1].detail ? i + 1 : -1;
}

void pane_verdict(const struct ui_state *d, struct surface *s, struct rect area, bool focus)
{
    struct card c = card_of(d, d->side);
    char title[48];
    struct rect in;
    int y = 0, row;

    pane_title(d, title);
    in = hint_box(d, s, area, title, "{enter} opens it", focus);
    for (int i = 0; c.rows && y < in.h && (row = pane_row(&c, d->side == SIDE_BEFORE, i)) > 0;
         i++) {
        draw_row(&c, row, false, false, s, in, y);
        y += row_height(&c, row, -1, in.w);
    }
    if (y > in.h && !rect_empty(in)) /* the last row goes on */
        surface_text(s, in, in.h - 1, in.w - 1, ROLE_DIM, "…");
    if (focus && !rect_empty(in))
        surface_cursor(s, in, 0, 0);
    if (!rect_empty(in))
        box_foot(s, area, c.state);
    card_free(&c);
}
