/* The help view: actions with their keys, : commands and parameters in one list, filtered as you
 * type.
 *
 *   +- Keys and commands ---------------------------------- Enter runs  Esc closes -+
 *   | type to find prev                                                   3 in all  |
 *   | P                     Try the edit; nothing is written                preview |
 *   | v                     …                                                  flip |
 *   +-------------------------------------------------------------------------------+
 *
 * Enter runs the selected row, so a key needs to be learned only for the next time. The rows come
 * from the tables of actions, commands and parameters; nothing is listed here by hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/field.h"
#include "tui/text.h"
#include "views/commands.h"
#include "views/hint.h"
#include "views/keymap.h"
#include "views/view.h"

struct help {
    struct list list; /* over what is listed, without headings */
    struct field filter;
};

enum { PAGE = 15, ITEMS_MAX = 320 };
enum item_kind { ITEM_ACTION, ITEM_COMMAND, ITEM_PARAM };

struct item {
    enum item_kind kind;
    int at;   /* in the kind's own table */
    int rank; /* sorts the matches: 0 is best */
    const char *group, *name, *help;
};

/* True if every word of the filter occurs in one of the four texts. */
static bool matches_filter(const char *filter, const char *const text[4])
{
    while (*filter) {
        size_t n = strcspn(filter, " ");
        char word[64];
        bool found = !n;

        snprintf(word, sizeof(word), "%.*s", (int)n, filter);
        for (int i = 0; i < 4; i++)
            found = found || strcasestr(text[i], word);
        if (!found)
            return false;
        filter += n + (filter[n] == ' ');
    }
    return true;
}

/* True if one of the words, separated by blanks, is this one. */
static bool has_word(const char *words, const char *word)
{
    size_t n = strlen(word);

    for (const char *p = words; n && (p = strstr(p, word)); p++)
        if ((p == words || p[-1] == ' ') && (!p[n] || p[n] == ' '))
            return true;
    return false;
}

/* Adds an item if it matches. Its rank: exact key or name, then name begins with the filter, then
 * name contains it, then only the help does. */
static void add_item(struct item *item, int *n, struct item one, const char *filter,
                     const char *keys)
{
    const char *const text[4] = {one.name, one.help, one.group, keys};
    size_t len = strlen(filter);

    one.rank = *n; /* among equals: the order of the tables */
    if (len) {
        if (has_word(keys, filter) || !strcasecmp(one.name, filter))
            one.rank += 0;
        else if (!strncasecmp(one.name, filter, len))
            one.rank += 1000;
        else if (strcasestr(one.name, filter))
            one.rank += 2000;
        else
            one.rank += 3000;
    }
    if (*n < ITEMS_MAX && matches_filter(filter, text))
        item[(*n)++] = one;
}

static int by_rank(const void *a, const void *b)
{
    return ((const struct item *)a)->rank - ((const struct item *)b)->rank;
}

/* What is listed, best first; unfiltered in the order of the tables. Returns how many. */
static int items_of(const struct help *h, struct item item[ITEMS_MAX])
{
    const char *filter = field_text(&h->filter);
    char keys[KEYMAP_TEXT];
    int n = 0;

    for (int a = 1; a < ACTION_COUNT; a++) {
        const struct action_info *i = &action_infos[a];

        keymap_keys(keymap_current(), NULL, (enum action)a, keys);
        add_item(item, &n, (struct item){ITEM_ACTION, a, 0, i->group, i->name, i->help}, filter,
                 keys);
    }
    for (int c = 0; command_infos[c].name; c++)
        add_item(item, &n,
                 (struct item){ITEM_COMMAND, c, 0, "Commands", command_infos[c].name,
                               command_infos[c].help},
                 filter, command_infos[c].argument);
    for (int p = 0; p < PARAM_COUNT; p++) {
        const struct param_info *i = param_info((enum param)p);

        add_item(item, &n, (struct item){ITEM_PARAM, p, 0, "Parameters by name", i->name, i->help},
                 filter, i->alias);
    }
    if (*filter)
        qsort(item, (size_t)n, sizeof(*item), by_rank);
    return n;
}

static void help_find(struct view *v, const char *text)
{
    struct help *h = v->state;

    field_set(&h->filter, text);
    h->list = (struct list){0, 0};
}

/* Closes the view and runs the action, or opens the command line on the command or parameter. */
static void run_item(struct view *v, const struct item *item)
{
    char sign[96];

    help_find(v, ""); /* else Esc would only empty the filter, and the list stay open */
    v->host->run(v->host, ACTION_BACK);
    if (item->kind == ITEM_ACTION) {
        if (item->at != ACTION_HELP)
            v->host->run(v->host, (enum action)item->at);
        return;
    }
    if (item->kind == ITEM_PARAM)
        snprintf(sign, sizeof(sign), ":set %s=", item->name);
    else
        snprintf(sign, sizeof(sign), ":%s%s", item->name,
                 *command_infos[item->at].argument ? " " : "");
    v->host->prompt(v->host, sign, "");
}

static bool help_action(struct view *v, enum action action)
{
    struct help *h = v->state;
    struct item item[ITEMS_MAX];
    int n = items_of(h, item);

    if (action == ACTION_ENTER) {
        if (n)
            run_item(v, &item[h->list.at < n ? h->list.at : n - 1]);
        return true;
    }
    if (action == ACTION_BACK && *field_text(&h->filter)) {
        field_set(&h->filter, "");
        h->list = (struct list){0, 0};
        return true;
    }
    if (!action_steps(action, PAGE, ITEMS_MAX))
        return false;
    list_move(&h->list, action_steps(action, PAGE, ITEMS_MAX), n, PAGE);
    return true;
}

/* Characters are for the filter, even those that are keys elsewhere. */
static bool help_key(struct view *v, const struct key *key)
{
    struct help *h = v->state;
    bool empty = !*field_text(&h->filter);

    if (key->code == key_ctrl('n') || key->code == key_ctrl('p'))
        return help_action(v, key->code == key_ctrl('n') ? ACTION_DOWN : ACTION_UP);
    if (key->code == K_ERASE && empty) /* as Esc */
        return false;
    if (key->code == '?' && empty) /* the key that opened it closes it */
        return v->host->run(v->host, ACTION_BACK);
    if (key->code != K_PASTE && key->code != K_ERASE && key->code != key_ctrl('u') &&
        key->code != key_ctrl('w') && (key->code < 0x20 || key->code >= 0x110000))
        return false;
    field_key(&h->filter, key);
    h->list = (struct list){0, 0};
    return true;
}

static const struct field *help_field(const struct view *v)
{
    const struct help *h = v->state;

    return &h->filter;
}

static void help_open(struct view *v)
{
    help_find(v, "");
}

static void help_close(struct view *v)
{
    struct help *h = v->state;

    field_free(&h->filter);
}

/* The rows of the screen: the number of an item, or -1 - i for the heading above item i. Returns
 * how many. */
static int rows_of(const struct item *item, int n, bool headings, int row[2 * ITEMS_MAX])
{
    int rows = 0;

    for (int i = 0; i < n; i++) {
        if (headings && (!i || strcmp(item[i].group, item[i - 1].group) != 0))
            row[rows++] = -1 - i;
        row[rows++] = i;
    }
    return rows;
}

/* Columns: keys or command, help, and at the right the name or the parameter's value. */
static void draw_item(const struct ui_state *d, struct surface *s, struct rect in, int y,
                      const struct item *item, bool here)
{
    struct pen p = list_row(s, in, y, here, 0);
    char keys[KEYMAP_TEXT] = "";
    int left = in.w >= 70 ? 22 : 14, right = in.w >= 60 ? 20 : 0;
    struct buf value = {0};

    if (item->kind == ITEM_ACTION)
        keymap_keys(keymap_current(), NULL, (enum action)item->at, keys);
    else if (item->kind == ITEM_COMMAND)
        show_print(keys, sizeof(keys), ":%s %s", item->name, command_infos[item->at].argument);
    else
        utf8_copy(keys, sizeof(keys), item->name);
    pen_fit(&p, ROLE_KEY, left - 1, keys);
    p.x = left;
    pen_fit(&p, here ? ROLE_STRONG : ROLE_TEXT, in.w - left - right - 1, item->help);
    if (right && item->kind == ITEM_PARAM) {
        params_show(&d->params, (enum param)item->at, &value);
        p.x = in.w - right;
        pen_right(&p, ROLE_DIM, right, value.data);
        buf_free(&value);
    } else if (right) {
        p.x = in.w - right;
        pen_right(&p, ROLE_DIM, right, item->name);
    }
}

static void help_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct help *h = v->state;
    struct item item[ITEMS_MAX];
    int row[2 * ITEMS_MAX], n = items_of(h, item), at, rows, top = 0;
    const char *filter = field_text(&h->filter);
    struct rect in =
        hint_box(v->host->ui, s, area, "Keys and commands", "{enter} runs  {back} closes", true);
    struct pen p = pen_at(s, in, 0, 0);

    rows = rows_of(item, n, !*filter, row);
    at = h->list.at < n ? h->list.at : n - 1;
    pen_text(&p, ROLE_DIM, "type to find ");
    field_draw(&h->filter, s, in, 0, p.x, in.w - p.x - 16, true);
    p.x = in.w - 15;
    pen_printf(&p, ROLE_DIM, "%*d in all ", 6, n);
    in = (struct rect){in.y + 1, in.x, in.h - 1, in.w};
    for (int r = 0; r < rows; r++) /* scroll so that the selected row is visible */
        if (row[r] == at && r >= in.h)
            top = r - in.h + 1;
    for (int r = top; r < rows && r - top < in.h; r++) {
        if (row[r] < 0) {
            p = pen_at(s, in, r - top, 0);
            pen_text(&p, ROLE_ACCENT, item[-1 - row[r]].group);
        } else {
            draw_item(v->host->ui, s, in, r - top, &item[row[r]], row[r] == at);
        }
    }
    if (!n) {
        hint_draw(v->host->ui, s, in, 0, 0, ROLE_WARN, "nothing matches; {back} shows all again");
    }
}

const struct view_ops view_help = {
    .name = "help",
    .title = "Keys",
    .tab = "",
    .footer = "enter:run back:close",
    .size = sizeof(struct help),
    .overlay = true,
    .open = help_open,
    .close = help_close,
    .key = help_key,
    .field = help_field,
    .field_keys = "enter:run down:row pgdn:page esc:close",
    .action = help_action,
    .find = help_find,
    .draw = help_draw,
};
