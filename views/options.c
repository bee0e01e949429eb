/* Every parameter: its value, where that came from, and one line of help. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/knobs.h"
#include "views/view.h"

struct options {
    struct list list;
};

enum { PAGE = 15 };

static void step(struct params *p, enum param id, int by)
{
    const struct param_info *info = param_info(id);
    double v = p->value[id];

    if (info->kind == PARAM_CHOICE) {
        choice_next(p, id);
        return;
    }
    if (info->kind == PARAM_LAYERS)
        return;
    if (info->kind == PARAM_INTEGER)
        v += by;
    else if (info->high <= 1 && info->low >= -1)
        v = round((v + by * 0.01) * 100) / 100;
    else
        v *= pow(1.1, by);
    p->value[id] = v < info->low ? info->low : v > info->high ? info->high : v;
    p->source[id] = FROM_COMMAND_LINE;
}

static bool options_action(struct view *v, enum action action)
{
    struct options *o = v->state;
    struct params *p = &v->host->desk->params;
    enum param id = (enum param)o->list.at;
    struct buf command = {0};
    int by = 0;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
        by = action == ACTION_UP ? -1 : 1;
        break;
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
        by = action == ACTION_PAGE_UP ? -PAGE : PAGE;
        break;
    case ACTION_FIRST:
    case ACTION_LAST:
        by = action == ACTION_FIRST ? -PARAM_COUNT : PARAM_COUNT;
        break;
    case ACTION_LEFT:
    case ACTION_LESS:
        step(p, id, -1);
        v->host->knobs_moved(v->host);
        return true;
    case ACTION_RIGHT:
    case ACTION_MORE:
        step(p, id, 1);
        v->host->knobs_moved(v->host);
        return true;
    case ACTION_RESET:
        p->value[id] = param_info(id)->def;
        v->host->knobs_moved(v->host);
        return true;
    case ACTION_EXACT:
    case ACTION_ENTER:
        buf_printf(&command, ":set %s=", param_info(id)->name);
        params_show(p, id, &command);
        v->host->prompt(v->host, command.data);
        buf_free(&command);
        return true;
    default:
        return false;
    }
    list_move(&o->list, by, PARAM_COUNT, PAGE);
    return true;
}

static void options_find(struct view *v, const char *text)
{
    struct options *o = v->state;

    for (int i = 1; i <= PARAM_COUNT; i++) {
        int id = (o->list.at + i) % PARAM_COUNT;

        if (strcasestr(param_info((enum param)id)->name, text) ||
            strcasestr(param_info((enum param)id)->help, text)) {
            o->list.at = id;
            return;
        }
    }
    v->host->say(v->host, TONE_WARN, "no parameter matches '%s'", text);
}

static void row(const struct params *p, enum param id, struct surface *s, struct rect in, int y,
                bool here)
{
    static const char *const source[] = {"", "preset", "config", "session", "set"};
    const struct param_info *info = param_info(id);
    struct pen pen = pen_at(s, in, y, 0);
    struct buf value = {0};

    if (here) {
        surface_fill(s, (struct rect){in.y + y, in.x, 1, in.w}, ROLE_SELECTED);
        surface_cursor(s, in, y, 20);
    }
    params_show(p, id, &value);
    pen_fit(&pen, here ? ROLE_ACCENT : ROLE_TEXT, 20, info->name);
    pen_fit(&pen, ROLE_STRONG, 12, value.data ? value.data : "");
    pen_fit(&pen, ROLE_DIM, 8, source[p->source[id] % 5]);
    if (in.w >= 100)
        pen_fit(&pen, ROLE_ACCENT, 6, info->symbol);
    pen_fit(&pen, ROLE_DIM, in.w - pen.x, info->help);
    buf_free(&value);
}

static void options_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct options *o = v->state;
    const struct params *p = &v->host->desk->params;
    struct rect in = box_draw(s, area, "Parameters", "h l step  = types  r default", true);
    const struct param_info *info = param_info((enum param)o->list.at);
    int rows = in.h - 2, top = list_top(&o->list, PARAM_COUNT, rows);
    struct pen pen = pen_at(s, in, in.h - 1, 0);

    if (rows < 1)
        return;
    for (int i = top; i < PARAM_COUNT && i - top < rows; i++)
        row(p, (enum param)i, s, in, i - top, i == o->list.at);
    pen_fit(&pen, ROLE_TEXT, in.w, info->help);
    pen = pen_at(s, in, in.h - 2, 0);
    if (info->kind == PARAM_CHOICE)
        pen_printf(&pen, ROLE_DIM, "one of: %s", info->words);
    else if (info->kind != PARAM_LAYERS)
        pen_printf(&pen, ROLE_DIM, "%g to %g %s, default %g", info->low, info->high, info->unit,
                   info->def);
}

const struct view_ops view_options = {
    .name = "options",
    .title = "Parameters",
    .footer = "exact:type reset more:up less:down search back help:keys",
    .size = sizeof(struct options),
    .action = options_action,
    .find = options_find,
    .draw = options_draw,
};
