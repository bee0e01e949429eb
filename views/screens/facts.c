/* The Facts view: a list of facts that are edited one after the other, each with its probes.
 *
 *   +- Facts ------------------------- 1 wait -++- Probes ----------- before → after -+
 *   | ✓ holds         Eiffel Tower → Rome 0.890 || Eiffel Tower: Rome                  |
 *   | ▽ overwritten   Mount Fuji → Rome   0.210 || rephrase 1/1 · neighbours 1/1 kept  |
 *   | ✗ failed        Big Ben → Rome            || rephrase    ✓ The Eiffel Tower can  |
 *   | ○ waits         Louvre → Rome             ||               be found in → Paris → |
 *   +-------------------------------------------++- 7 more below ----------------------+
 *
 * The list itself is in ui_state (facts_list.c fills it). C commits the first fact that waits;
 * when its commit and its probes are done, facts_event() posts the next. Each is an edit of
 * its own in the session. After the last one all are asked once more whether they still hold: what
 * a later edit overwrote is marked. On screens under WIDE columns the two boxes are above each
 * other. */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/job_rules.h"
#include "views/panes/pane_scoreboard.h"
#include "views/panes/panes.h"
#include "views/requests.h"
#include "views/screens/facts_list.h"
#include "views/view_tables.h"

enum { PAGE = 15, WIDE = 100, STATE_WIDE = 13 };

struct facts {
    struct list list;
    struct scoreboard board; /* of the selected fact */
    bool in_board;           /* the probes have the focus */
    bool running;            /* when one fact is done, the next is committed */
};

/* The fact under the cursor; NULL in an empty list. */
static struct queued_fact *selected_fact(const struct view *v)
{
    const struct facts *f = v->state;
    struct ui_state *d = v->host->ui;

    return f->list.at < d->queue_count ? &d->queue[f->list.at] : NULL;
}

/* Confirmed: commits the first fact; facts_event() does the others. */
static void commit_all(struct host *host, const struct question *question)
{
    struct facts *f = question->view->state;

    f->running = facts_next(host);
}

/* Asks before the list is committed, and says how many of its facts an active edit has changed
 * already. */
static void ask_commit(struct view *v)
{
    struct ui_state *d = v->host->ui;
    struct question q = {
        .title = "Commit all waiting facts?", .yes = "Commit", .confirmed = commit_all, .view = v};
    const struct history_fact *in;
    int n = facts_waiting(d), again = 0;
    char known[80] = "";

    q.typed = n > 1;
    if (!n) {
        v->host->message(v->host, TONE_WARN,
                         "no fact waits: paste some, or load them with :facts FILE");
        return;
    }
    for (int i = 0; i < d->queue_count; i++)
        again +=
            d->queue[i].state == QUEUE_WAITS && ui_last_edit_of_fact(d, &d->queue[i].fact, &in);
    if (again)
        snprintf(known, sizeof(known), " An active edit has already changed %d of them.", again);
    show_print(
        q.text, sizeof(q.text),
        "%d fact%s, one edit each, in the order of the list.%s\nEach edit is in the session before "
        "the next begins.",
        n, n == 1 ? "" : "s", known);
    v->host->confirm(v->host, &q);
}

/* Goes on with the list when a fact is done. Ctrl-C ends it; the facts that wait stay. */
static void facts_event(struct view *v, const struct event *ev)
{
    struct facts *f = v->state;
    bool stopped, next = facts_on_event(v->host, ev, &stopped);
    struct facts_tally t;
    char words[80];

    if (stopped && f->running)
        v->host->message(v->host, TONE_WARN, "stopped: %d still wait%s ({commit} continues)",
                         facts_waiting(v->host->ui), facts_waiting(v->host->ui) == 1 ? "s" : "");
    f->running &= !stopped;
    if (next && f->running && !facts_next(v->host)) {
        f->running = false;
        t = facts_tally(v->host->ui);
        v->host->message(v->host, t.hold + t.rewritten < t.done ? TONE_WARN : TONE_GOOD,
                         "the list is done: %s", facts_tally_words(&t, " fact", words));
        facts_recheck(v->host);
    }
}

/* Probes of the selected fact, or of the present fact if the list is empty. */
static void probe_selected(struct view *v)
{
    struct queued_fact *q = selected_fact(v);

    if (q)
        request_probe(v->host, &q->fact, &q->job);
    else
        request_probe(v->host, &v->host->ui->fact, NULL);
}

/* Removes the selected fact unless it runs. An edit that was made for it stays. */
static void remove_selected(struct view *v)
{
    struct facts *f = v->state;
    struct ui_state *d = v->host->ui;
    struct queued_fact *q = selected_fact(v);

    if (!q || q->job)
        return;
    ui_queue_remove(d, f->list.at);
    list_move(&f->list, 0, d->queue_count, PAGE);
    f->board = (struct scoreboard){0};
}

/* The probes under the right box; NULL: none were asked. */
static const struct probe_report *shown_board(const struct view *v)
{
    const struct queued_fact *q = selected_fact(v);

    return q ? q->probes : ui_scoreboard(v->host->ui);
}

/* In the box that has the focus. */
static void move_cursor(struct view *v, int by)
{
    struct facts *f = v->state;

    if (f->in_board) {
        scoreboard_move(&f->board, shown_board(v), by);
        return;
    }
    list_move(&f->list, by, v->host->ui->queue_count, PAGE);
    f->board = (struct scoreboard){0};
}

/* Enter: a probe in full, or the fact in the Edit view. */
static void open_selected(struct view *v)
{
    struct facts *f = v->state;
    const struct queued_fact *q = selected_fact(v);

    if (f->in_board) {
        f->board.opened = f->board.opened == f->board.at + 1 ? 0 : f->board.at + 1;
    } else if (q) {
        ui_set_fact(v->host, &q->fact);
        v->host->open(v->host, "edit");
    }
}

static bool facts_action(struct view *v, enum action action)
{
    struct facts *f = v->state;
    int by = action_steps(action, PAGE, 1 << 20);

    if (by) {
        move_cursor(v, by);
        return true;
    }
    switch (action) {
    case ACTION_COMMIT:
        ask_commit(v);
        return true;
    case ACTION_PROBE:
        probe_selected(v);
        return true;
    case ACTION_DISCARD:
        remove_selected(v);
        return true;
    case ACTION_ENTER:
        open_selected(v);
        return true;
    case ACTION_NEXT_PANE:
    case ACTION_PREVIOUS_PANE:
        f->in_board = !f->in_board;
        return true;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        f->in_board = true;
        move_cursor(v, action == ACTION_LAYER_NEXT ? 1 : -1);
        return true;
    default:
        return false;
    }
}

/* A pasted text is read as facts. */
static bool facts_key(struct view *v, const struct key *key)
{
    if (key->code != K_PASTE)
        return false;
    facts_take(v->host, key->paste, strlen(key->paste));
    return true;
}

static bool facts_command(struct view *v, const char *word, const char *rest)
{
    if (strcmp(word, "facts") != 0)
        return false;
    if (*rest)
        facts_take_file(v->host, rest);
    return true;
}

/* How a state of a queued fact looks. */
static const struct {
    const char *word, *glyph;
    enum role role;
} queue_states[] = {
    [QUEUE_WAITS] = {"waits", "○", ROLE_DIM},     [QUEUE_RUNS] = {"runs", "▸", ROLE_ACCENT},
    [QUEUE_HOLDS] = {"holds", "✓", ROLE_GOOD},    [QUEUE_WEAK] = {"does not hold", "▽", ROLE_WARN},
    [QUEUE_FAILED] = {"failed", "✗", ROLE_ERROR},
};

/* How the row of a fact looks, from what became of its edit since, too. */
static struct row_state {
    const char *word, *glyph;
    enum role role;
} row_state_of(const struct ui_state *d, const struct queued_fact *q)
{
    if (fact_is_undone(d, q))
        return (struct row_state){"undone", "○", queue_states[q->state].role};
    if (ui_rewritten_since(d, q))
        return (struct row_state){"rewritten", "→", ROLE_DIM};
    if (ui_overwritten_since(d, q))
        return (struct row_state){"overwritten", "▽", ROLE_WARN};
    return (struct row_state){queue_states[q->state].word, queue_states[q->state].glyph,
                              queue_states[q->state].role};
}

/* Columns: state in 0 to STATE_WIDE + 2, "subject → object", and at the right p(object) after the
 * edit, or the edit that rewrote the fact. Hatched where the edit was undone. */
static void draw_row(const struct ui_state *d, const struct queued_fact *q, struct surface *s,
                     struct rect in, int y, bool at)
{
    const struct overwritten_fact *lost = ui_overwritten_since(d, q);
    struct row_state state = row_state_of(d, q);
    int by = fact_is_undone(d, q) ? 0 : ui_rewritten_since(d, q), words = in.w - STATE_WIDE - 3;
    struct pen p = list_row(s, in, y, at, 0);
    char text[300], number[32] = "";

    if (by)
        snprintf(number, sizeof(number), "by edit %d", by);
    else if (q->edit)
        text_probability(number, lost ? lost->p[1] : q->p[1]);
    words -= by ? (int)strlen(number) + 1 : q->edit ? 8 : 0;
    pen_text(&p, state.role, state.glyph);
    p.x = 2;
    pen_fit(&p, state.role, STATE_WIDE, state.word);
    p.x = STATE_WIDE + 3;
    show_print(text, sizeof(text), "%.120s → %.100s", q->fact.subject, q->fact.target);
    pen_fit(&p, ROLE_TEXT, words > 8 ? words : 8, text);
    p.x++;
    pen_text(&p, by ? ROLE_DIM : ROLE_STRONG, number);
    if (fact_is_undone(d, q))
        surface_stale(s, (struct rect){in.y + y, in.x, 1, in.w});
}

/* "2 of 4 hold · 1 rewritten · 1 overwritten · 3 wait, running" */
static void list_hint(const struct view *v, struct buf *out)
{
    const struct facts *f = v->state;
    const struct ui_state *d = v->host->ui;
    const struct facts_tally t = facts_tally(d);
    int wait = facts_waiting(d);

    if (t.done)
        buf_printf(out, "%d of %d hold%s", t.hold, t.done, t.hold == 1 ? "s" : "");
    if (t.rewritten)
        buf_printf(out, " · %d rewritten", t.rewritten);
    if (t.overwritten)
        buf_printf(out, " · %d overwritten", t.overwritten);
    if (wait)
        buf_printf(out, "%s%d wait%s", out->len ? " · " : "", wait, wait == 1 ? "s" : "");
    if (f->running)
        buf_puts(out, out->len ? ", running" : "running");
}

/* The left box; with an empty list it shows the forms a fact may have. */
static void draw_list(const struct view *v, struct surface *s, struct rect area)
{
    const struct facts *f = v->state;
    const struct ui_state *d = v->host->ui;
    struct buf hint = {0};
    struct rect in;
    int top;

    list_hint(v, &hint);
    in = box_draw(s, area, "Facts", hint.data ? hint.data : "", !f->in_board);
    buf_free(&hint);
    if (!d->queue_count && d->viewed) {
        surface_lines(s, in, 0, ROLE_DIM, HINT_NOT_THERE);
        return;
    }
    if (!d->queue_count) {
        static const char *const help[] = {
            "Paste facts here, or type :facts FILE. A line is one of",
            "  Eiffel Tower | location | Rome", "  Eiffel Tower | The {} is in the city of | Rome",
            "  {\"subject\": …, \"prompt\": …, \"target_new\": …}",
            "{relation} picks a relation; {probe} asks the probes of the present fact."};

        for (int i = 0, y = 0; i < 5; i++)
            y += hint_lines(d, s, in, y, i && i < 4 ? ROLE_TEXT : ROLE_DIM, help[i]);
        return;
    }
    top = list_top(&f->list, d->queue_count, in.h);
    for (int y = 0; y < in.h && top + y < d->queue_count; y++)
        draw_row(d, &d->queue[top + y], s, in, y, top + y == f->list.at);
}

/* Nothing that could be asked came with the fact: no probe but those that need none. */
static bool has_no_probes(const struct fact *fact)
{
    return !fact->rephrase && !fact->question && !fact->paraphrases && !fact->localities &&
           !fact->portabilities;
}

/* What the probes of the selected fact say, or why there are none, and what brings some. */
static const char *board_summary(const struct view *v, enum role *role, char out[HINT_MAX])
{
    const struct ui_state *d = v->host->ui;
    const struct queued_fact *q = selected_fact(v);
    const struct fact *fact = q ? &q->fact : &d->fact;
    const struct probe_report *board = shown_board(v);
    const struct overwritten_fact *lost = q ? ui_overwritten_since(d, q) : NULL;
    int by = q ? ui_rewritten_since(d, q) : 0;
    char words[160];

    *role = q && q->state == QUEUE_FAILED ? ROLE_ERROR : lost ? ROLE_WARN : ROLE_DIM;
    if (*role == ROLE_ERROR)
        utf8_copy(out, HINT_MAX, q->why);
    else if (by)
        show_print(out, HINT_MAX, "rewritten by edit %d, a later fact with another object", by);
    else if (lost)
        show_print(out, HINT_MAX, "held when made, overwritten since by a later edit: now says %s",
                   text_said(words, sizeof(words), lost->said[1]));
    else if (board && board->probes)
        utf8_copy(out, HINT_MAX, scoreboard_summary(board, words));
    else if (d->viewed)
        utf8_copy(out, HINT_MAX, HINT_NOT_THERE);
    else if (fact->subject && board)
        hint_text(d, out,
                  "this fact has no probes: no rephrase, question or neighbours; {relation} picks "
                  "a relation, which brings some");
    else if (fact->subject && has_no_probes(fact))
        hint_text(d, out,
                  "this fact came without a rephrase, question or neighbours: {relation} picks a "
                  "relation, which brings some; {probe} asks what can be asked without");
    else
        utf8_copy(out, HINT_MAX, "rephrases, question, chat form, neighbours: before and after");
    return out;
}

/* "Eiffel Tower: Rome" */
static const char *board_name(const struct view *v, char out[200])
{
    const struct queued_fact *q = selected_fact(v);
    const struct fact *fact = q ? &q->fact : &v->host->ui->fact;

    show_print(out, 200, "%.100s: %.60s", fact->subject ? fact->subject : "no fact",
               fact->target ? fact->target : "");
    return out;
}

/* Where the rows of the probes are in the area inside the right box. */
static struct rect board_rows(const struct view *v, struct rect in)
{
    char name[200], text[HINT_MAX];
    enum role role;
    int y = text_rows(board_name(v, name), in.w) + text_rows(board_summary(v, &role, text), in.w) +
            (in.h > 12); /* a blank row */

    return (struct rect){in.y + y, in.x, in.h > y ? in.h - y : 0, in.w};
}

/* What the frame of the right box says beside its title. */
static const char *board_hint(const struct view *v, bool stale)
{
    const struct facts *f = v->state;
    const struct ui_state *d = v->host->ui;
    const struct queued_fact *q = selected_fact(v);
    enum command_kind runs = q                                        ? ui_job_kind(d, q->job)
                             : job_of_fact(d, CMD_PROBE, RANK_YIELDS) ? CMD_PROBE
                                                                      : CMD_NONE;

    return runs == CMD_PROBE    ? "being asked"
           : runs == CMD_COMMIT ? "asked after the commit"
           : stale              ? "{probe} asks them again"
           : !shown_board(v)    ? "{probe} asks them"
           : f->in_board        ? "{enter} opens a row · before → after"
                                : "{next-pane} moves here · before → after";
}

/* The right box: the fact, a summary, and a row for each probe with its answers before and after.
 */
static void draw_board(const struct view *v, struct surface *s, struct rect area)
{
    const struct facts *f = v->state;
    const struct ui_state *d = v->host->ui;
    const struct probe_report *board = shown_board(v);
    char name[200], text[HINT_MAX], title[32 + UI_WORDS] = "Probes";
    bool stale = pane_stale_title(d, board, title, sizeof(title));
    struct rect in = hint_box(d, s, area, title, board_hint(v, stale), f->in_board);
    enum role role;
    int y, below, old = 1; /* the first row that is hatched */

    if (in.h < 1)
        return;
    y = surface_lines(s, in, 0, ROLE_STRONG, board_name(v, name));
    board_summary(v, &role, text);
    y += surface_lines(s, in, y, role, text);
    old = role == ROLE_WARN ? y : old; /* what became of the fact since is no old result */
    if (f->in_board)                   /* without rows there is nothing to put it on */
        surface_cursor(s, in, 0, 0);
    if (board) {
        below = scoreboard_draw(&f->board, board, f->in_board, s, board_rows(v, in));
        show_print(text, sizeof(text), "%d more below", below);
        if (below)
            box_foot(s, area, text);
    }
    if (stale)
        surface_stale(s, (struct rect){in.y + old, in.x, in.h > old ? in.h - old : 0, in.w});
}

/* The two boxes beside or above each other; there the list makes way for probes with the focus. */
static void facts_areas(const struct view *v, struct rect area, struct rect out[2])
{
    const struct facts *f = v->state;
    int count = v->host->ui->queue_count;
    struct slice rows[2] = {{5, f->in_board ? 5 : count ? count + 2 : 9, 0, 0}, {6, 12, 1, 0}};

    if (area.w >= WIDE)
        layout_columns(area, (struct slice[2]){{40, 40, 2, 0}, {60, 60, 3, 0}}, 2, out);
    else
        layout_rows(area, rows, 2, out);
}

static bool facts_click(struct view *v, struct rect area, int y, int x)
{
    struct facts *f = v->state;
    int count = v->host->ui->queue_count, row;
    struct rect box[2], in;

    facts_areas(v, area, box);
    f->in_board = rect_has(box[1], y, x);
    in = (struct rect){box[f->in_board].y + 1, box[f->in_board].x + 2, box[f->in_board].h - 2,
                       box[f->in_board].w - 4};
    if (!f->in_board) {
        row = list_top(&f->list, count, in.h) + y - in.y;
        if (rect_has(in, y, x) && row < count)
            move_cursor(v, row - f->list.at);
    } else if (shown_board(v) && rect_has(in = board_rows(v, in), y, x)) {
        row = scoreboard_row_at(&f->board, shown_board(v), in, y - in.y);
        f->board.at = row >= 0 ? row : f->board.at;
    }
    return true;
}

static void facts_draw(const struct view *v, struct surface *s, struct rect area)
{
    struct rect box[2];

    facts_areas(v, area, box);
    draw_list(v, s, box[0]);
    draw_board(v, s, box[1]);
}

const struct view_ops view_facts = {
    .name = "facts",
    .title = "Facts",
    .footer = "commit probe:ask enter:open next-pane:probes *discard:remove relation help:keys "
              "command",
    .size = sizeof(struct facts),
    .event = facts_event,
    .key = facts_key,
    .click = facts_click,
    .action = facts_action,
    .command = facts_command,
    .draw = facts_draw,
    .table = table_of_facts,
};
