/* The two rows at the bottom: the footer, which names the keys of the place where the user is, and
 * the tabs of all views.
 *
 *   in a view      actions of its footer, with the keys that are bound now; a read-only session
 *                  lacks those that write
 *   in a field     keys of the field and of what it belongs to
 *   in a dialog    its keys
 *
 * A row is drawn and clicked by the same function, so that a click always finds what is seen. */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/keymap.h"
#include "views/shell/frame.h"
#include "views/ui_jobs.h"

enum { TABS_MAX = 32 };

/* Draws or finds entries of a row, one after the other. */
struct row {
    struct surface *s; /* NULL: nothing is drawn, the entry at click_x is looked for */
    struct rect line;
    int x, click_x;
};

/* The next entry, "key label"; true: the click is on it. What does not fit is left out. */
static bool row_entry(struct row *row, const char *key, const char *label)
{
    int wide = text_width(key) + 1 + text_width(label), x = row->x;
    struct pen p;

    if (x + wide >= row->line.w)
        return false;
    row->x += wide + 2;
    if (row->s) {
        p = pen_at(row->s, row->line, 0, x);
        pen_text(&p, ROLE_KEY, key);
        p.x++;
        pen_text(&p, ROLE_TEXT, label);
    }
    return row->click_x >= x && row->click_x < x + wide;
}

/* Cuts the next "name:label" off *list; the label is the name where there is none. False: the list
 * is at its end. */
static bool next_entry(const char **list, char name[32], char label[40])
{
    size_t n = strcspn(*list, " "), word = strcspn(*list, ": ");

    if (!n)
        return false;
    snprintf(name, 32, "%.*s", (int)word, *list);
    utf8_copy(label, 40, name);
    if (word < n)
        snprintf(label, 40, "%.*s", (int)(n - word - 1), *list + word + 1);
    *list += n + ((*list)[n] == ' ');
    return true;
}

/* The keys of an open field or dialog, by their names; NULL: none is open. */
static const char *taker_keys(const struct screen *screen)
{
    const struct view *v = screen->view;

    if (screen->line)
        return screen->line_sign[0] == ':' ? "enter:run tab:complete up:earlier esc:leave"
                                           : "enter:find up:earlier esc:leave";
    if (screen->question)
        return screen->question->typed ? "enter:confirm esc:cancel"
                                       : "y:yes n:no tab:other enter:press esc:cancel";
    return v->ops->field && v->ops->field(v) ? v->ops->field_keys : NULL;
}

/* Fills the footer. Returns the code of the clicked key; -1: none. */
static int32_t taker_row(const struct screen *screen, struct row *row, const char *keys)
{
    static const char of_fields[] = "C-u:empty C-w:delete-word";
    bool field = !screen->question || screen->question->typed;
    char name[32], label[40];

    for (int i = 0; i < (field ? 2 : 1); i++)
        for (const char *list = i ? of_fields : keys; next_entry(&list, name, label);)
            if (row_entry(row, name, label))
                return key_parse(name);
    return -1;
}

/* Whether there is something to commit, discard or stop. */
static bool action_has_object(const struct ui_state *d, enum action action)
{
    const struct ui_job *card[UI_JOBS];

    switch (action) {
    case ACTION_COMMIT:
        return d->fact.subject && d->fact.prompt && d->fact.target;
    case ACTION_DISCARD:
        return d->state.preview;
    case ACTION_CANCEL:
        return ui_cards(d, card) > 0 || d->pull_job;
    default:
        return true;
    }
}

/* Whether it would be refused: what writes in a session that is read, what computes without a
 * model, what has nothing to act on. In a footer, a * before a name says that the action computes
 * in this view, a ? that it needs an object (action_has_object()). */
static bool action_refused(const struct screen *screen, enum action action, const char *marks)
{
    if (strchr(marks, '?') && !action_has_object(screen->ui, action))
        return true;
    return screen->view_only ? strchr(marks, '*') || action_needs_model(action)
                             : action_infos[action].writes && screen->ui->state.readonly;
}

/* The same for the actions of the view. */
static enum action action_row(const struct screen *screen, struct row *row)
{
    const struct view_ops *ops = screen->view->ops;
    char name[32], label[40], key[16], marks[3];

    for (const char *list = ops->footer ? ops->footer : ""; *list;) {
        size_t marked = strspn(list, "*?");
        enum action action;

        snprintf(marks, sizeof(marks), "%.*s", (int)marked, list);
        list += marked;
        next_entry(&list, name, label);
        action = action_of_name(name);
        keymap_key(keymap_current(), ops->name, action, key);
        if (action == ACTION_NONE || !*key || action_refused(screen, action, marks))
            continue;
        if (row_entry(row, key, label))
            return action;
    }
    return ACTION_NONE;
}

void footer_draw(const struct screen *screen, struct surface *s, struct rect line)
{
    struct row row = {s, line, 1, -1};
    const char *keys = taker_keys(screen);

    if (keys)
        taker_row(screen, &row, keys);
    else
        action_row(screen, &row);
}

/* ---- tabs ---- */

struct tab {
    const struct view_ops *view; /* NULL: an action that opens none */
    enum action action;
    const char *title, *brief;
    char key[16]; /* "": none */
    int part;     /* how it is shown: 0 key and title, 1 key and short title, 2 the key */
};

/* Columns of a tab. */
static int tab_width(const struct tab *tab, char text[48])
{
    const char *title = tab->part == 0 ? tab->title : tab->part == 1 ? tab->brief : "";

    if (!*tab->key)
        show_print(text, 48, "%s", tab->title);
    else
        show_print(text, 48, "%s%s%s", tab->key, *title ? " " : "", title);
    return text_width(text);
}

/* Every view that has a tab, in the order of VIEWS, and downloads; with the keys of the view that
 * is shown. */
static int list_tabs(struct tab tab[TABS_MAX], const struct screen *screen)
{
    const char *shown = screen->view->ops->name;
    int n = 0;

    for (int i = 0; views[i] && n < TABS_MAX - 1; i++) {
        if (views[i]->untabbed || (views[i]->has_tab && !views[i]->has_tab(screen->ui)))
            continue;
        tab[n++] = (struct tab){views[i],
                                action_of_view(views[i]->name),
                                views[i]->title,
                                views[i]->tab ? views[i]->tab : views[i]->title,
                                "",
                                0};
        if (!strcmp(views[i]->name, "models"))
            tab[n++] = (struct tab){NULL, ACTION_PULL, "Hub", "", "", 0};
    }
    for (int i = 0; i < n; i++)
        keymap_key(keymap_current(), shown, tab[i].action, tab[i].key);
    return n;
}

/* Shortens tabs from the right until all fit: first those that have no short title, then the titles
 * of the others, then these to their keys. The tab of the shown view keeps its title. */
static void fit_tabs(const struct screen *screen, struct tab *tab, int n, int w)
{
    const struct view_ops *shown = screen->view->ops;
    char text[48];
    int wide = 0;

    for (int i = 0; i < n; i++)
        wide += tab_width(&tab[i], text) + 2;
    for (int round = 0; round < 3; round++)
        for (int i = n - 1; i >= 0 && wide > w; i--)
            if (tab[i].view != shown && (round || !*tab[i].brief)) {
                wide -= tab_width(&tab[i], text);
                tab[i].part = round ? round : 1;
                wide += tab_width(&tab[i], text);
            }
}

/* Draws the tabs, or finds the one at column click_x. */
static enum action tab_row(const struct screen *screen, struct surface *s, struct rect line,
                           int click_x)
{
    struct tab tab[TABS_MAX];
    int n = list_tabs(tab, screen), x = 1;
    char text[48];

    fit_tabs(screen, tab, n, line.w);
    for (int i = 0; i < n; i++) {
        int wide = tab_width(&tab[i], text);

        if (x + wide > line.w)
            break;
        if (click_x >= x && click_x < x + wide)
            return tab[i].action;
        if (s)
            surface_text(s, line, 0, x,
                         tab[i].view == screen->view->ops ? ROLE_TAB_ACTIVE : ROLE_TAB, text);
        x += wide + 2;
    }
    return ACTION_NONE;
}

void tabs_draw(const struct screen *screen, struct surface *s, struct rect line)
{
    tab_row(screen, s, line, -1);
}

struct screen_click screen_click(const struct screen *screen, int h, int w, int y, int x)
{
    struct rect body = screen_body(h, w);
    int foot = body.y + body.h;
    struct row row = {NULL, {y, 0, 1, w}, 1, x};
    const char *keys = taker_keys(screen);
    struct screen_click click = {ACTION_NONE, -1};

    if (y == foot + 1 && keys)
        click.key = taker_row(screen, &row, keys);
    else if (y == foot + 1)
        click.action = action_row(screen, &row);
    else if (y == foot + 2)
        click.action = tab_row(screen, NULL, row.line, x);
    return click;
}
