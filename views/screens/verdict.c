/* The Verdict view: what a preview or a commit would do or did, on one card.
 *
 *   ╭ Eiffel Tower: Paris → Rome ────────────────────── Enter opens  v before/after  E saves ╮
 *   │ asked         The Eiffel Tower is located in the city of                               │
 *   │ before        Paris, France.                                             p(target) 0.0057 │
 *   │ after       ▸ Rome, Italy. It's a historic Roman                          p(target) 0.991 │
 *   │ verdict     ✓ would hold: "Rome" is the most probable token                            │
 *   ╰ PREVIEW, nothing is written ──────────────────────────────────────────── 12 more below ╯
 *
 * views/verdict_card.c writes the rows. Up and down move through them, Enter opens the
 * row under the cursor. What is missing is asked for when the view opens; of an edit that was read
 * back from the session, when its key is pressed again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/pane_verdict.h"
#include "views/requests.h"
#include "views/view.h"
#include "views/view_tables.h"

enum { PAGE = 10 };

struct verdict_view {
    int at;     /* the row under the cursor */
    int opened; /* the row that is open, from 1; 0: none */
};

/* What an edit of an earlier run answered is stored; the states are asked again by a key. */
static void verdict_open(struct view *v)
{
    if (!v->host->ui->verdict.recalled)
        request_verdict(v->host);
}

static void move_row(struct view *v, int by)
{
    struct verdict_view *w = v->state;
    struct card c = card_of(v->host->ui, v->host->ui->side);

    w->at += by;
    w->at = w->at >= c.rows ? c.rows - 1 : w->at;
    w->at = w->at < 0 ? 0 : w->at;
    card_free(&c);
}

static bool verdict_action(struct view *v, enum action action)
{
    struct verdict_view *w = v->state;
    int by = action_steps(action, PAGE, 1 << 20);

    if (by) {
        move_row(v, by);
        return true;
    }
    switch (action) {
    case ACTION_ENTER:
        w->opened = w->opened == w->at + 1 ? 0 : w->at + 1;
        return true;
    case ACTION_PROBE:
        request_verdict(v->host);
        return true;
    default:
        return false;
    }
}

/* Where the rows are, within the frame. */
static struct rect rows_area(struct rect area)
{
    return (struct rect){area.y + 1, area.x + 2, area.h - 2, area.w - 4};
}

static bool verdict_click(struct view *v, struct rect area, int y, int x)
{
    struct verdict_view *w = v->state;
    struct card c = card_of(v->host->ui, v->host->ui->side);
    struct rect in = rows_area(area);
    int row = -1;

    if (rect_has(in, y, x))
        row = card_row_at(&c, w->opened - 1, card_top(&c, w->at, w->opened - 1, in.h, in.w),
                          y - in.y, in.w);
    card_free(&c);
    if (row >= 0)
        w->at = row;
    return row >= 0;
}

/* Which edit gave the fact its object, if one did whose verdict is not to be had: it is undone, or
 * it wrote several facts. Appends. */
static void put_edit_of_fact(const struct ui_state *d, struct buf *out)
{
    struct fact_edits edits = history_of_fact(d->history, &d->fact);
    const struct history *h = d->history;

    for (int i = h ? h->count - 1 : -1; i >= 0; i--) {
        const struct history_entry *e = &h->entry[i];

        if (edits.same && e->edit == edits.last && e->facts > 1) {
            buf_printf(
                out, "Edit %d wrote this fact with %d others: {view-history} has their outcomes. ",
                e->edit, e->facts - 1);
            return;
        }
        if (!edits.same && !e->active && e->facts == 1 && !strcmp(e->subject, d->fact.subject) &&
            !strcmp(e->prompt, d->fact.prompt) && !strcmp(e->target, d->fact.target)) {
            buf_printf(out, "Edit %d, which gave the fact this object, is undone%s. ", e->edit,
                       e->redoable && !d->state.readonly ? ": its verdict comes back with {redo}"
                                                         : "");
            return;
        }
    }
}

/* There is no verdict. */
static void draw_nothing(const struct ui_state *d, struct surface *s, struct rect area)
{
    struct rect in = box_draw(s, area, "Verdict", "", true);
    struct buf text = {0};

    if (d->fact.subject && d->fact.prompt && d->fact.target)
        put_edit_of_fact(d, &text);
    buf_puts(&text, d->viewed ? HINT_NOT_THERE
                    : d->state.readonly && d->fact.subject
                        ? "{preview} previews the edit and ends here: answers before and after, "
                          "whether it holds, what else changed, what would be written."
                    : d->fact.subject
                        ? "{preview} previews the edit and {commit} commits it; either ends here: "
                          "answers before and after, whether it holds, what else changed, what is "
                          "written."
                        : "No fact yet: {fact} types one.");
    hint_lines(d, s, in, 0, ROLE_DIM, text.data);
    buf_free(&text);
}

static void verdict_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct verdict_view *w = v->state;
    const struct ui_state *d = v->host->ui;
    struct card c = card_of(d, d->side);
    char foot[160];
    struct rect in;
    int top, below;

    if (!c.rows) {
        draw_nothing(d, s, area);
        return;
    }
    in = box_draw(s, area, c.title,
                  d->side == SIDE_BOTH     ? "v: both are shown"
                  : d->side == SIDE_BEFORE ? "v: before is shown"
                                           : "v: after is shown",
                  true);
    if (!rect_empty(in)) {
        top = card_top(&c, w->at, w->opened - 1, in.h, in.w);
        below = card_height(&c, w->opened - 1, in.w) - top - in.h;
        card_draw(&c, w->at, w->opened - 1, top, s, in);
        show_print(foot, sizeof(foot), below > 0 ? "%s · %d more below" : "%s", c.state, below);
        box_foot(s, area, foot);
    }
    card_free(&c);
}

/* All rows as they are, opened or not, in this many columns: for a figure. */
static int verdict_height(const struct view *v, int cols)
{
    const struct verdict_view *w = v->state;
    struct card c = card_of(v->host->ui, v->host->ui->side);
    int h = card_height(&c, w->opened - 1, cols - 4) + 2;

    card_free(&c);
    return h;
}

static bool table_of_verdict(struct table *t, const struct ui_state *d)
{
    struct card c = card_of(d, SIDE_BOTH);

    table_columns(t, "what mark text number more");
    for (int i = 0; i < c.rows; i++) {
        const struct card_row *r = &c.row[i];

        table_text(t, r->label);
        table_text(t, *r->mark ? r->mark : NULL);
        table_text(t, r->text);
        table_text(t, *r->right ? r->right : NULL);
        table_text(t, r->more);
    }
    card_free(&c);
    return t->cells > 0;
}

const struct view_ops view_verdict = {
    .name = "verdict",
    .title = "Verdict",
    .footer =
        "?commit *?discard:forget flip:before/after enter:open export:save undo view-edit:edit "
        "help",
    .size = sizeof(struct verdict_view),
    .overlay = true,
    .open = verdict_open,
    .click = verdict_click,
    .action = verdict_action,
    .draw = verdict_draw,
    .height = verdict_height,
    .table = table_of_verdict,
};
