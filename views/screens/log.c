/* The Log view: the last UI_LOG_LINES messages of the status line, the newest at the bottom. */
#include <stdio.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/view.h"

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

/* The messages are a ring: line i is at i % UI_LOG_LINES. */
static void log_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const enum role role[] = {ROLE_TEXT, ROLE_GOOD, ROLE_WARN, ROLE_ERROR};
    const struct ui_state *d = v->host->ui;
    const struct log *l = v->state;
    struct rect in = box_draw(s, area, "Messages", "", true);
    int lines = d->log_count < UI_LOG_LINES ? d->log_count : UI_LOG_LINES;
    int back = l->back > lines - in.h ? lines - in.h : l->back, last;

    back = back < 0 ? 0 : back;
    last = d->log_count - back;
    for (int i = 0; i < in.h && i < lines; i++) {
        int at = last - (in.h < lines ? in.h : lines) + i;
        const struct log_line *line = &d->log[at % UI_LOG_LINES];
        struct pen p = pen_at(s, in, i, 0);

        pen_fit(&p, role[line->tone & 3], in.w, line->text);
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
