/* The journal: every edit, what it did, and the way back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/chart.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/verbs.h"
#include "views/view.h"

struct history_view {
    struct list list;
};

enum { PAGE = 15 };

static void history_open(struct view *v)
{
    struct history_view *h = v->state;

    verb_simple(v->host, CMD_HISTORY, 0);
    if (v->host->desk->history)
        list_move(&h->list, v->host->desk->history->count, v->host->desk->history->count, PAGE);
}

static const struct history_entry *selected(const struct view *v)
{
    const struct history_view *h = v->state;
    const struct history *all = v->host->desk->history;

    return all && h->list.at < all->count ? &all->entry[h->list.at] : NULL;
}

/* Time travel: the edit's own question, asked of the state right after it. */
static void ask_then(struct view *v, const struct history_entry *e)
{
    struct fact fact = {.subject = e->subject, .prompt = e->prompt, .target = e->target};
    char *text = fact_text(&fact);

    verb_query(v->host, text, e->edit);
    free(text);
    v->host->open(v->host, "query");
}

static bool history_action(struct view *v, enum action action)
{
    struct history_view *h = v->state;
    const struct history_entry *e = selected(v);
    int n = v->host->desk->history ? v->host->desk->history->count : 0;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_FIRST:
    case ACTION_LAST:
        break;
    case ACTION_UNDO:
        if (!e || !e->active)
            return false;
        verb_ask_undo(v->host, e->edit);
        return true;
    case ACTION_ENTER:
        if (e)
            ask_then(v, e);
        return true;
    default:
        return false;
    }
    list_move(&h->list, action_steps(action, PAGE, n), n, PAGE);
    return true;
}

static void row(const struct history_entry *e, struct surface *s, struct rect in, int y, bool here)
{
    struct pen p = pen_at(s, in, y, 0);
    time_t when = (time_t)e->when;
    char clock[32] = "", number[16];
    struct tm tm;

    if (here) {
        surface_fill(s, (struct rect){in.y + y, in.x, 1, in.w}, ROLE_SELECTED);
        surface_cursor(s, in, y, 0);
    }
    if (localtime_r(&when, &tm))
        strftime(clock, sizeof(clock), in.w >= 90 ? "%Y-%m-%d %H:%M" : "%H:%M", &tm);
    pen_text(&p, e->active ? ROLE_GOOD : ROLE_NONE, e->active ? "●" : "○");
    pen_printf(&p, ROLE_STRONG, "%4d ", e->edit);
    pen_printf(&p, ROLE_DIM, "%s ", clock);
    pen_text(&p, e->success ? ROLE_GOOD : ROLE_WARN, e->success ? "✓ " : "✗ ");
    pen_fit(&p, e->active ? ROLE_TEXT : ROLE_NONE, in.w / 4, e->subject ? e->subject : "");
    pen_text(&p, ROLE_DIM, " → ");
    pen_fit(&p, ROLE_NEW, in.w / 6, e->target ? e->target : "");
    pen_right(&p, ROLE_DIM, 8, text_probability(number, e->p_before));
    pen_text(&p, ROLE_DIM, " → ");
    pen_text(&p, ROLE_BAR, text_probability(number, e->p_after));
    pen_printf(&p, ROLE_DIM, "  %d kept", e->kept);
    if (e->draft)
        pen_text(&p, ROLE_WARN, "  draft");
    if (*e->checksum)
        pen_printf(&p, ROLE_DIM, "  %.8s", e->checksum);
}

/* Probability of each edit's target right after it, in the order they were made. */
static void drift(const struct history *h, struct surface *s, struct rect area)
{
    struct rect in = box_draw(s, area, "p(new) after each edit", "0 to 1", false), plot = in;
    double *after = xcalloc((size_t)h->count + 1, sizeof(*after));
    struct series series = {after, h->count, ROLE_NEW};
    struct chart c = {&series, 1, 0, 0, 1, false};

    for (int i = 0; i < h->count; i++)
        after[i] = h->entry[i].active ? h->entry[i].p_after : (double)NAN;
    if (!rect_empty(plot))
        chart_draw(&c, s, plot);
    free(after);
}

static void history_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice rows[2] = {{5, 10, 1, 0}, {5, 7, 0, 1}};
    const struct history_view *state = v->state;
    const struct history *h = v->host->desk->history;
    int count = h ? h->count : 0, top;
    struct rect r[2], in;
    char hint[64];

    layout_rows(area, rows, 2, r);
    snprintf(hint, sizeof(hint), "%d of %d active", v->host->desk->state.edits, count);
    in = box_draw(s, r[0], "Journal", hint, true);
    if (!count && in.h) {
        struct pen p = pen_at(s, in, 0, 0);

        pen_text(&p, ROLE_DIM, "no edits yet: P previews one, C commits it");
    }
    top = list_top(&state->list, count, in.h);
    for (int i = top; i < count && i - top < in.h; i++)
        row(&h->entry[i], s, in, i - top, i == state->list.at);
    if (count && !rect_empty(r[1]))
        drift(h, s, r[1]);
}

const struct view_ops view_history = {
    .name = "history",
    .title = "History",
    .footer = "undo redo verify enter:ask-then commit help:keys",
    .size = sizeof(struct history_view),
    .open = history_open,
    .action = history_action,
    .draw = history_draw,
};
