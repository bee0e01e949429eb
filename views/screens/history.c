/* The History view: the session's journal of edits, and what can be asked of the states between
 * them.
 *
 *   +- Journal -------------------- 1 of 2 active -++- details of the edit ----------+
 *   |  ●   0 the base                              || prompt, p before and after,    |
 *   | +●   1 08:53 ✓ Eiffel Tower → Rome .006→.890 || layers, neurons, note          |
 *   |  ○   2 08:53 ✗ Mount Fuji → Peru     undone  ||                                |
 *   +----------------------------------------------++--------------------------------+
 *   +- drift over the edits -------++- difference of two states, or bisection --------+
 *
 * A state is named by the edit it comes after; 0 is the base. Undone edits have no state. Space
 * tags a state (+); v compares the tagged one with that of the row, Enter asks the edit's own
 * question of the state right after it, d measures how facts and neighbours hold over all edits,
 * and :bisect finds the edit that changed an answer, asking states by halves. Screens under WIDE
 * columns have one box below the journal; Tab changes what it shows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/pane_history.h"
#include "views/requests.h"
#include "views/view.h"
#include "views/view_tables.h"

enum { PAGE = 15, WIDE = 110 };
enum { SHOW_DRIFT, SHOW_DIFF, SHOW_BISECT, SHOW_DETAILS, SHOWS };

/* Row 0 is the base, the others are the edits that match the filter. */
struct history_view {
    struct list list;
    int known;    /* edits at the last look: a new one gets the cursor */
    int tag;      /* the tagged edit, 0: the base, -1: none */
    int show;     /* which box is below, where there is room for one */
    bool diffed;  /* difference and bisection share a box: the newer is the difference */
    char *filter; /* or NULL */
};

/* The journal, or an empty one before it has come. */
static const struct history *journal_of(const struct view *v)
{
    static const struct history none;
    const struct history *h = v->host->ui->history;

    return h ? h : &none;
}

static bool text_contains(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

/* True if a fact or the note of the edit contains the text. */
static bool entry_matches(const struct history_entry *e, const char *part)
{
    for (int i = 0; i < e->facts; i++)
        if (text_contains(e->fact[i].subject, part) || text_contains(e->fact[i].target, part) ||
            text_contains(e->fact[i].prompt, part))
            return true;
    return text_contains(e->note, part);
}

/* The edit of row n, NULL for the base; *count gets the number of rows. */
static const struct history_entry *row_entry(const struct view *v, int n, int *count)
{
    const struct history_view *w = v->state;
    const struct history *h = journal_of(v);
    const struct history_entry *found = NULL;
    int rows = 1;

    for (int i = 0; i < h->count; i++) {
        if (w->filter && !entry_matches(&h->entry[i], w->filter))
            continue;
        if (rows++ == n)
            found = &h->entry[i];
    }
    *count = rows;
    return found;
}

static const struct history_entry *selected_entry(const struct view *v)
{
    const struct history_view *w = v->state;
    int count;

    return row_entry(v, w->list.at, &count);
}

static int row_count(const struct view *v)
{
    int count;

    row_entry(v, 0, &count);
    return count;
}

/* After new edits the cursor goes to the newest. */
static void follow_journal(struct view *v)
{
    struct history_view *w = v->state;
    const struct history *h = journal_of(v);

    if (h->count != w->known)
        list_move(&w->list, row_count(v), row_count(v), PAGE);
    else
        list_move(&w->list, 0, row_count(v), PAGE);
    w->known = h->count;
}

static void history_open(struct view *v)
{
    struct history_view *w = v->state;

    if (!w->known)
        w->tag = -1;
    request_simple(v->host, CMD_HISTORY, 0);
    follow_journal(v);
}

static void history_close(struct view *v)
{
    free(((struct history_view *)v->state)->filter);
}

/* A result that has come is shown. */
static void history_event(struct view *v, const struct event *ev)
{
    struct history_view *w = v->state;

    if (ev->kind == EV_HISTORY) {
        follow_journal(v);
    } else if (ev->kind == EV_DRIFT) {
        w->show = SHOW_DRIFT;
    } else if (ev->kind == EV_DIFF || ev->kind == EV_BISECT) {
        w->show = ev->kind == EV_DIFF ? SHOW_DIFF : SHOW_BISECT;
        w->diffed = ev->kind == EV_DIFF;
    }
}

/* Posts with the user's parameters, and says what runs until it ends. */
static void post_command(struct view *v, struct command *cmd, const char *what)
{
    char text[HINT_MAX];
    unsigned job;

    cmd->params = v->host->ui->params;
    job = v->host->post(v->host, cmd);
    if (job)
        v->host->message_of_job(v->host, job, "%s", hint_text(v->host->ui, text, what));
}

/* Asks the edit's own prompt of the state right after it, in the Query view. */
static void ask_state_after(struct view *v, const struct history_entry *e)
{
    struct fact fact = {.subject = e->subject, .prompt = e->prompt, .target = e->target};
    char *text;

    if (!e->active) {
        v->host->message(v->host, TONE_WARN, "edit %d is undone: there is no state after it",
                         e->edit);
        return;
    }
    text = fact_text(&fact);
    request_query(v->host, text, e->edit);
    free(text);
    v->host->open(v->host, "query");
}

/* Requests the difference of two states. */
static void compare_states(struct view *v, int from, int to)
{
    struct command cmd = {.kind = CMD_DIFF, .from = from, .edit = to};

    if (from == to)
        v->host->message(v->host, TONE_WARN,
                         "choose two states: {tag} tags one, {flip} on another compares");
    else
        post_command(v, &cmd, "comparing two states");
}

/* Compares the tagged state with that of the row. Without a tag: what this edit changed, that is,
 * the state after the active edit before it. */
static void compare_here(struct view *v)
{
    const struct history_view *w = v->state;
    const struct history *h = journal_of(v);
    const struct history_entry *e = selected_entry(v);
    int from = w->tag, to = e ? e->edit : 0;

    if (e && !e->active) {
        v->host->message(v->host, TONE_WARN, "edit %d is undone: there is no state after it",
                         e->edit);
        return;
    }
    for (int i = h->count - 1; from < 0 && i >= 0; i--)
        if (h->entry[i].active && h->entry[i].edit < to)
            from = h->entry[i].edit;
    from = from < 0 ? 0 : from;
    compare_states(v, from < to ? from : to, from < to ? to : from);
}

/* Tags the state of the row or removes the tag, and moves on. */
static void toggle_tag(struct view *v)
{
    struct history_view *w = v->state;
    const struct history_entry *e = selected_entry(v);
    int edit = e ? e->edit : 0;

    w->tag = w->tag == edit ? -1 : edit;
    if (w->tag >= 0)
        v->host->message(v->host, TONE_PLAIN,
                         "tagged: {flip} on another row compares the two states");
    list_move(&w->list, 1, row_count(v), PAGE);
}

/* Opens the command line on the edit's note. */
static void prompt_note(struct view *v)
{
    const struct history_entry *e = selected_entry(v);

    if (e)
        v->host->prompt(v->host, ":note ", e->note ? e->note : "");
    else
        v->host->message(v->host, TONE_WARN, "select an edit to write a note for");
}

/* Requests drift over this many states; 0: as many as make sense. */
static void measure_drift(struct view *v, int states)
{
    struct command cmd = {.kind = CMD_DRIFT, .tokens = states};

    post_command(v, &cmd, "asking the states: {cancel} stops and keeps what is done");
}

/* Actions other than moving the cursor. */
static bool own_action(struct view *v, enum action action)
{
    struct history_view *w = v->state;
    const struct history_entry *e = selected_entry(v);

    switch (action) {
    case ACTION_UNDO:
        if (!e)
            return false;
        confirm_undo(v->host, e->edit);
        return true;
    case ACTION_ENTER:
        if (e)
            ask_state_after(v, e);
        else
            v->host->message(v->host, TONE_PLAIN,
                             "the base: {tag} tags it, {flip} on an edit compares");
        return true;
    case ACTION_TAG:
        toggle_tag(v);
        return true;
    case ACTION_UNTAG:
        w->tag = -1;
        return true;
    case ACTION_FLIP:
        compare_here(v);
        return true;
    case ACTION_NOTE:
        prompt_note(v);
        return true;
    case ACTION_MODE:
        measure_drift(v, 0);
        return true;
    case ACTION_DETAILS:
    case ACTION_NEXT_PANE:
        w->show = (w->show + 1) % SHOWS;
        w->diffed = w->show == SHOW_DIFF || (w->show != SHOW_BISECT && w->diffed);
        return true;
    case ACTION_PREVIOUS_PANE:
        w->show = (w->show + SHOWS - 1) % SHOWS;
        w->diffed = w->show == SHOW_DIFF || (w->show != SHOW_BISECT && w->diffed);
        return true;
    default:
        return false;
    }
}

static bool history_action(struct view *v, enum action action)
{
    struct history_view *w = v->state;
    int rows = row_count(v), steps = action_steps(action, PAGE, rows);

    if (!steps)
        return own_action(v, action);
    list_move(&w->list, steps, rows, PAGE);
    return true;
}

/* :note TEXT, for the selected edit. */
static bool set_note(struct view *v, const char *text)
{
    const struct history_entry *e = selected_entry(v);
    struct command cmd = {.kind = CMD_NOTE, .edit = e ? e->edit : 0, .text = xstrdup(text)};

    if (!e) {
        free(cmd.text);
        v->host->message(v->host, TONE_WARN, "select an edit in History to write a note for");
        return true;
    }
    post_command(v, &cmd, "saving the note");
    return true;
}

/* :bisect PROMPT => ANSWER, from the tagged state on if one is tagged. */
static bool start_bisect(struct view *v, const char *text)
{
    const struct history_view *w = v->state;
    const char *arrow = strstr(text, "=>");
    struct command cmd = {.kind = CMD_BISECT, .from = w->tag > 0 ? w->tag : 0};

    if (!arrow || arrow == text || !arrow[2 + strspn(arrow + 2, " ")]) {
        v->host->message(v->host, TONE_ERROR,
                         "bisect: write PROMPT => ANSWER, such as :bisect Big Ben is in => London");
        return true;
    }
    cmd.text = xtrimmed(text, (size_t)(arrow - text));
    cmd.expect = xtrimmed(arrow + 2, strlen(arrow + 2));
    post_command(v, &cmd, "searching for the edit by bisection");
    return true;
}

/* :note, :bisect, :drift [STATES], :diff FROM TO */
static bool history_command(struct view *v, const char *word, const char *rest)
{
    char *end = NULL;
    long a, b;

    if (!strcmp(word, "note"))
        return set_note(v, rest);
    if (!strcmp(word, "bisect"))
        return start_bisect(v, rest);
    a = strtol(rest, &end, 10);
    if (!strcmp(word, "drift")) {
        if (*end || a < 0 || a > 10000)
            v->host->message(v->host, TONE_ERROR, "drift: '%s' is not a number of states", rest);
        else
            measure_drift(v, (int)a);
        return true;
    }
    if (strcmp(word, "diff") != 0)
        return false;
    rest = end;
    b = strtol(rest, &end, 10);
    if (end == rest || *end || a < 0 || b < 0 || a > EDIT_NUMBER_MAX || b > EDIT_NUMBER_MAX)
        v->host->message(v->host, TONE_ERROR,
                         "diff: expected the numbers of two edits; 0 is the base");
    else
        compare_states(v, (int)a, (int)b);
    return true;
}

static bool history_find_next(struct view *v, const char *text, int by)
{
    struct history_view *w = v->state;
    int rows = row_count(v), count;

    for (int k = 1; k <= rows; k++) {
        int at = ((w->list.at + by * k) % rows + rows) % rows;
        const struct history_entry *e = row_entry(v, at, &count);

        if (e && entry_matches(e, text)) {
            list_move(&w->list, at - w->list.at, rows, PAGE);
            return true;
        }
    }
    return false;
}

static void history_filter(struct view *v, const char *text)
{
    struct history_view *w = v->state;

    free(w->filter);
    w->filter = *text ? xstrdup(text) : NULL;
    list_move(&w->list, 0, row_count(v), PAGE);
}

/* --- drawing ------------------------------------------------------------------------------ */

/* Row 0. */
static void base_row(const struct view *v, struct pen *p, bool tagged)
{
    char text[HINT_MAX];

    pen_text(p, ROLE_KEY, tagged ? "+" : " ");
    pen_text(p, ROLE_BASE, "●   0 ");
    pen_text(p, ROLE_TEXT, "the base");
    if (!journal_of(v)->count)
        pen_text(p, ROLE_DIM,
                 p->area.w >= 62 && !v->host->ui->viewed
                     ? hint_text(v->host->ui, text,
                                 "   no edits yet: {preview} previews one, {commit} commits it")
                     : "   no edits yet");
}

/* How many facts of the edit a later one rewrote, and for a single fact which. */
static void put_rewritten(const struct history_entry *e, struct pen *p, int wide, int rewritten)
{
    if (e->facts > 1)
        pen_printf(p, ROLE_DIM, " %d rewritten", rewritten);
    else
        pen_text(p, ROLE_DIM, " rewritten");
    if (e->facts == 1 && wide - p->x >= 10)
        pen_printf(p, ROLE_DIM, " by edit %d", e->fact[0].rewritten);
}

/* Columns: tag, active ● or undone ○, number, time, ✓ holds, ✗ weak or → rewritten, subject →
 * object, p before→after (of several facts: how many hold), neurons of its mask (80 columns or
 * more), method (100), note. */
static void entry_row(const struct history_entry *e, struct pen *p, int wide, bool tagged)
{
    char clock[32], number[32], others[32] = "";
    enum role role = e->active ? ROLE_TEXT : ROLE_NONE;
    struct p_change chance = history_p_change(&e->fact[0]);
    int held = history_held(e), rewritten = 0;

    for (int i = 0; i < e->facts; i++)
        rewritten += e->fact[i].rewritten != 0;
    pen_text(p, ROLE_KEY, tagged ? "+" : " ");
    pen_text(p, e->active ? ROLE_GOOD : ROLE_NONE, e->active ? "●" : "○");
    pen_printf(p, ROLE_STRONG, "%4d ", e->edit);
    pen_printf(p, ROLE_DIM, "%s ", format_clock(e->when, wide >= 100, clock));
    if (rewritten == e->facts)
        pen_text(p, ROLE_DIM, "→ ");
    else
        pen_text(p, e->success ? ROLE_GOOD : ROLE_WARN, e->success ? "✓ " : "✗ ");
    pen_fit(p, role, wide / 5, e->subject ? e->subject : "");
    pen_text(p, ROLE_DIM, " → ");
    pen_fit(p, e->active ? ROLE_NEW : ROLE_NONE, wide / 7, e->target ? e->target : "");
    if (e->facts > 1) { /* p of each is in the details */
        snprintf(others, sizeof(others), held < 0 ? " +%d" : " +%d  %d/%d", e->facts - 1, held,
                 e->facts);
        pen_fit(p, e->success ? ROLE_GOOD : ROLE_WARN, 14, others);
    } else {
        pen_right(p, ROLE_DIM, 7, text_probability(number, chance.before));
        pen_text(p, ROLE_DIM, "→");
        pen_fit(p, ROLE_BAR, 6, text_probability(number, chance.after));
    }
    if (wide >= 80)
        pen_right(p, ROLE_DIM, 7, history_kept_shown(e) ? text_thousands(number, e->kept) : "");
    if (wide >= 100 && *e->method) {
        pen_text(p, ROLE_DIM, "  ");
        pen_fit(p, ROLE_DIM, 10, e->method);
    }
    if (!e->active)
        pen_text(p, ROLE_NONE, " undone");
    if (rewritten)
        put_rewritten(e, p, wide, rewritten);
    if (e->draft)
        pen_text(p, ROLE_WARN, " draft");
    if (e->note) {
        pen_text(p, ROLE_DIM, "  ");
        if (wide - p->x > 3)
            pen_fit(p, ROLE_ACCENT, wide - p->x, e->note);
    }
}

static void draw_rows(const struct view *v, struct surface *s, struct rect area)
{
    const struct history_view *w = v->state;
    int count = row_count(v), top;
    char hint[96];
    struct rect in;

    show_print(hint, sizeof(hint), "%d of %d active%s%.40s", v->host->ui->state.edits,
               journal_of(v)->count, w->filter ? ", with " : "", w->filter ? w->filter : "");
    in = box_draw(s, area, "Journal", hint, true);
    top = list_top(&w->list, count, in.h);
    for (int i = top; i < count && i - top < in.h; i++) {
        const struct history_entry *e = row_entry(v, i, &count);
        struct pen p = list_row(s, in, i - top, i == w->list.at, 0);
        bool tagged = w->tag == (e ? e->edit : 0);

        if (e)
            entry_row(e, &p, in.w, tagged);
        else
            base_row(v, &p, tagged);
    }
}

/* Rectangles of journal, details, and the two boxes below; a size of zero: not shown. */
static void history_areas(struct rect area, struct rect r[4])
{
    static const struct slice halves[2] = {{5, 9, 1, 0}, {5, 9, 1, 1}};
    static const struct slice beside[2] = {{60, 70, 2, 0}, {36, 40, 1, 1}};
    struct rect row[2], c[2];

    layout_rows(area, halves, 2, row);
    r[0] = row[0];
    r[1] = (struct rect){0, 0, 0, 0};
    r[2] = row[1];
    r[3] = (struct rect){0, 0, 0, 0};
    if (area.w < WIDE)
        return;
    layout_columns(row[0], beside, 2, c);
    r[0] = c[0];
    r[1] = c[1];
    if (rect_empty(row[1]))
        return;
    layout_columns(row[1], (struct slice[2]){{40, 50, 1, 0}, {40, 50, 1, 0}}, 2, c);
    r[2] = c[0];
    r[3] = c[1];
}

static bool history_click(struct view *v, struct rect area, int y, int x)
{
    struct history_view *w = v->state;
    int rows = row_count(v), top;
    struct rect r[4];

    history_areas(area, r);
    top = list_top(&w->list, rows, r[0].h - 2);
    y -= r[0].y + 1;
    if (y < 0 || y >= r[0].h - 2 || x >= r[0].x + r[0].w || top + y >= rows)
        return false;
    w->list.at = top + y;
    return true;
}

static void history_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct history_view *w = v->state;
    const struct ui_state *d = v->host->ui;
    struct rect r[4];
    int show = w->show;

    history_areas(area, r);
    draw_rows(v, s, r[0]);
    if (!rect_empty(r[1]))
        pane_details(v->host->ui, selected_entry(v), s, r[1]);
    if (!rect_empty(r[3])) { /* drift is left; the newer of difference and bisection is right */
        show = SHOW_DRIFT;
        if (w->diffed || !d->bisection)
            pane_diff(d, s, r[3]);
        else
            pane_bisect(d, s, r[3]);
    }
    if (rect_empty(r[2]))
        return;
    if (show == SHOW_DRIFT)
        pane_drift(d, s, r[2]);
    else if (show == SHOW_DIFF)
        pane_diff(d, s, r[2]);
    else if (show == SHOW_BISECT)
        pane_bisect(d, s, r[2]);
    else
        pane_details(v->host->ui, selected_entry(v), s, r[2]);
}

const struct view_ops view_history = {
    .name = "history",
    .title = "History",
    .tab = "Hist",
    .footer =
        "*enter:ask-then undo redo note *tag *flip:compare *mode:drift next-pane:results verify "
        "help:keys",
    .size = sizeof(struct history_view),
    .open = history_open,
    .close = history_close,
    .event = history_event,
    .action = history_action,
    .click = history_click,
    .find_next = history_find_next,
    .filter = history_filter,
    .command = history_command,
    .draw = history_draw,
    .table = table_of_history,
};
