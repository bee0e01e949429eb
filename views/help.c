/* Every key, from the table of actions; Enter does what the line says. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/view.h"

struct help {
    struct list list;
    char filter[48];
};

enum { PAGE = 15 };

static bool matches(const struct help *h, const struct action_info *a)
{
    return !h->filter[0] || strcasestr(a->help, h->filter) || strcasestr(a->name, h->filter) ||
           !strcmp(a->keys, h->filter);
}

/* The n-th action that is listed; ACTION_NONE past the end. */
static enum action listed(const struct help *h, int n)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        if (matches(h, &action_infos[a]) && n-- == 0)
            return (enum action)a;
    return ACTION_NONE;
}

static int count(const struct help *h)
{
    int n = 0;

    for (int a = 1; a < ACTION_COUNT; a++)
        n += matches(h, &action_infos[a]);
    return n;
}

static bool help_action(struct view *v, enum action action)
{
    struct help *h = v->state;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_FIRST:
    case ACTION_LAST:
        break;
    case ACTION_ENTER:
        action = listed(h, h->list.at);
        v->host->run(v->host, ACTION_BACK);
        if (action != ACTION_NONE && action != ACTION_HELP)
            v->host->run(v->host, action);
        return true;
    default:
        return false;
    }
    list_move(&h->list, action_steps(action, PAGE, ACTION_COUNT), count(h), PAGE);
    return true;
}

static void help_find(struct view *v, const char *text)
{
    struct help *h = v->state;

    snprintf(h->filter, sizeof(h->filter), "%s", text);
    h->list = (struct list){0, 0};
}

static void help_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct help *h = v->state;
    int n = count(h), top;
    struct rect in;
    char title[80];

    snprintf(title, sizeof(title), h->filter[0] ? "Keys: %s" : "Keys", h->filter);
    in = box_draw(s, area, title, "/ finds  Enter runs  Esc closes", true);
    top = list_top(&h->list, n, in.h);
    for (int i = top; i < n && i - top < in.h; i++) {
        const struct action_info *a = &action_infos[listed(h, i)];
        struct pen p = pen_at(s, in, i - top, 0);
        bool here = i == h->list.at;

        if (here) {
            surface_fill(s, (struct rect){in.y + p.y, in.x, 1, in.w}, ROLE_SELECTED);
            surface_cursor(s, in, p.y, 0);
        }
        pen_fit(&p, ROLE_KEY, 15, a->keys);
        if (in.w >= 90)
            pen_fit(&p, ROLE_DIM, 12, a->group);
        pen_fit(&p, here ? ROLE_STRONG : ROLE_TEXT, in.w - p.x - 16, a->help);
        pen_right(&p, ROLE_DIM, 16, a->name);
    }
}

const struct view_ops view_help = {
    .name = "help",
    .title = "Keys",
    .footer = "enter:run search back",
    .size = sizeof(struct help),
    .action = help_action,
    .find = help_find,
    .draw = help_draw,
};
