/* How the old and the new object rise through the layers. */
#include <stdio.h>

#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/panes.h"
#include "views/verbs.h"
#include "views/view.h"

static bool lens_action(struct view *v, enum action action)
{
    if (action != ACTION_UP && action != ACTION_DOWN)
        return false;
    verb_move_layer(v->host->desk, action == ACTION_UP ? -1 : 1);
    return true;
}

static void rank_cell(struct pen *p, enum role role, int rank)
{
    char number[32];

    pen_right(p, rank == 1 ? ROLE_GOOD : role, 9, text_thousands(number, rank));
}

static void table(const struct desk *d, struct surface *s, struct rect in)
{
    const struct look *look = d->look;
    struct list list = {d->at_layer, d->at_layer - in.h / 2};
    int top = list_top(&list, look->layers, in.h - 1);
    struct pen p = pen_at(s, in, 0, 0);
    char old[48];

    text_piece(old, sizeof(old), look->old.text);
    pen_text(&p, ROLE_DIM, "layer");
    pen_right(&p, ROLE_OLD, 9, old);
    pen_right(&p, ROLE_NEW, 9, d->fact.target ? d->fact.target : "");
    for (int l = top; l < look->layers && l - top < in.h - 1; l++) {
        p = pen_at(s, in, l - top + 1, 0);
        if (l == d->at_layer)
            surface_fill(s, (struct rect){in.y + p.y, in.x, 1, in.w}, ROLE_SELECTED);
        pen_printf(&p, desk_edits(d, l) ? ROLE_ACCENT : ROLE_TEXT, "L%-4d", l);
        rank_cell(&p, ROLE_TEXT, look->rank_old[l]);
        rank_cell(&p, ROLE_TEXT, look->rank_new[l]);
        if (look->rank_new[l] < look->rank_old[l])
            pen_text(&p, ROLE_NEW, "  ▲ new leads");
    }
}

static void lens_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice columns[2] = {{40, 60, 1, 0}, {34, 42, 0, 1}};
    const struct desk *d = v->host->desk;
    struct rect r[2], in;

    layout_columns(area, columns, 2, r);
    pane_lens(d, s, r[0], true);
    if (rect_empty(r[1]))
        return;
    in = box_draw(s, r[1], "Rank of each block's output", "log lens", false);
    if (d->look && d->look->layers && in.h > 2 && d->look->rank_old && d->look->rank_new)
        table(d, s, in);
}

const struct view_ops view_lens = {
    .name = "lens",
    .title = "Lens",
    .footer = "layer-back:layer layer-next:layer fact preview commit help:keys",
    .size = 0,
    .action = lens_action,
    .draw = lens_draw,
};
