/* The Log view: the last UI_LOG_LINES messages of the status line with their times, whole, the
 * newest at the bottom. */
#include <stdio.h>
#include <time.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/view.h"

enum { CLOCK = 10 }; /* columns of the time of day */

struct log {
    int back; /* how many lines it is scrolled back */
};

static bool log_action(struct view *v, enum action action)
{
    struct log *l = v->state;
    int steps = action_steps(action, 15, UI_LOG_LINES);

    if (!steps)
        return false;
    l->back -= steps;
    l->back = l->back < 0 ? 0 : l->back > UI_LOG_LINES ? UI_LOG_LINES : l->back;
    return true;
}

static const struct log_line *line_at(const struct ui_state *d, int at)
{
    return &d->log[at % UI_LOG_LINES]; /* a ring */
}

/* "12:04:31  " and the whole message, in as many rows as it takes from row y on; y may be negative.
 */
static void draw_message(const struct log_line *line, struct surface *s, struct rect in, int y)
{
    static const enum role role[] = {ROLE_TEXT, ROLE_GOOD, ROLE_WARN, ROLE_ERROR};
    const char *text = line->text, *row;
    time_t when = (time_t)line->when;
    struct tm tm;
    char clock[16] = "";
    size_t n;

    if (localtime_r(&when, &tm))
        strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
    for (int first = y; text_row(&text, in.w - CLOCK, &row, &n); y++) {
        struct pen p = pen_at(s, in, y, 0);

        if (y < 0)
            continue;
        if (y == first)
            pen_text(&p, ROLE_DIM, clock);
        p.x = CLOCK;
        pen_printf(&p, role[line->tone & 3], "%.*s", (int)n, row);
    }
}

/* The newest message that is shown ends in the last row, or in the row that the rest leaves. */
static void log_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct ui_state *d = v->host->ui;
    const struct log *l = v->state;
    struct rect in = hint_box(d, s, area, "Messages", "{jobs} jobs", true);
    int oldest = d->log_count < UI_LOG_LINES ? 0 : d->log_count - UI_LOG_LINES;
    int newest = d->log_count - l->back, first, y = 0;

    if (in.w <= CLOCK)
        return;
    newest = newest <= oldest && d->log_count ? oldest + 1 : newest;
    for (first = newest; first > oldest && y < in.h;)
        y += text_rows(line_at(d, --first)->text, in.w - CLOCK);
    while (y < in.h && newest < d->log_count) /* scrolled past the oldest */
        y += text_rows(line_at(d, newest++)->text, in.w - CLOCK);
    y = y > in.h && newest == d->log_count - l->back ? in.h - y : 0;
    for (int i = first; i < newest; i++) {
        draw_message(line_at(d, i), s, in, y);
        y += text_rows(line_at(d, i)->text, in.w - CLOCK);
    }
}

const struct view_ops view_log = {
    .name = "log",
    .title = "Log",
    .tab = "",
    .footer = "up down back help:keys",
    .size = sizeof(struct log),
    .overlay = true,
    .action = log_action,
    .draw = log_draw,
};
