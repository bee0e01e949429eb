/* The Jobs view, over the view before: one line for each job that runs or waits, in the order of
 * the engine, then a download, the background, and what ended last.
 *
 *   ▸ preview   Eiffel Tower → Rome   target 12 of 25 steps, 6 s, 2 wait behind it
 *   ○ commit    Eiffel Tower → Rome   when the preview is there; you said yes 12:04
 *   ○ map       Eiffel Tower → Rome   20 %, goes on when nothing else is asked
 *   ○ background                      second moments 12 %, 4 min; goes on when nothing is asked
 *   ✓ answer    The Eiffel Tower is   0.6 s, 4 s ago
 *
 * Enter or Del drops the job under the cursor. The cursor stays on its job while others end. */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/job_rules.h"
#include "views/panes/job_row.h"

enum { PAGE = 10, ROWS_MOST = UI_JOBS + UI_ENDED + 2 };

struct jobs {
    int at;
    unsigned job; /* under the cursor; 0: the line has none */
};

struct board {
    const struct ui_job *card[ROWS_MOST]; /* NULL: a line of work without a job */
    const struct progress *other[ROWS_MOST];
    int rows, cards;
    int about; /* columns of the widest `about` */
};

static void board_make(const struct ui_state *d, struct board *b)
{
    const struct ui_job *card[UI_JOBS];

    *b = (struct board){0};
    b->cards = ui_cards(d, card);
    for (int i = 0; i < b->cards; i++)
        b->card[b->rows++] = card[i];
    if (d->pull_job)
        b->other[b->rows++] = &d->pull;
    if (d->background.total > 0)
        b->other[b->rows++] = &d->background;
    for (int i = 0; i < d->ended_count; i++)
        b->card[b->rows++] = &d->ended[i];
    for (int i = 0; i < b->rows; i++) {
        int wide = b->card[i] ? text_width(b->card[i]->about) : text_width(d->pull_name);

        b->about = wide > b->about ? wide : b->about;
    }
}

/* The row of the cursor: that of its job, as long as it is there. */
static int board_cursor(const struct jobs *j, const struct board *b)
{
    for (int i = 0; i < b->rows; i++)
        if (j->job && b->card[i] && b->card[i]->job == j->job)
            return i;
    return j->at < b->rows ? j->at : b->rows ? b->rows - 1 : 0;
}

static void jobs_move(struct view *v, int by)
{
    struct jobs *j = v->state;
    struct board b;
    int at;

    board_make(v->host->ui, &b);
    at = board_cursor(j, &b) + by;
    j->at = at >= b.rows ? b.rows - 1 : at;
    j->at = j->at < 0 ? 0 : j->at;
    j->job = b.rows && b.card[j->at] ? b.card[j->at]->job : 0;
}

static void jobs_open(struct view *v)
{
    struct jobs *j = v->state;

    *j = (struct jobs){0};
    jobs_move(v, 0);
}

static void jobs_drop(struct view *v)
{
    struct jobs *j = v->state;
    struct ui_state *d = v->host->ui;
    struct ui_job *card;
    struct board b;
    char words[200];
    int at;

    board_make(d, &b);
    at = board_cursor(j, &b);
    card = !b.rows                      ? NULL
           : b.other[at] == &d->pull    ? ui_job_card(d, d->pull_job)
           : b.card[at] && at < b.cards ? ui_job_card(d, b.card[at]->job)
                                        : NULL;
    if (b.rows && b.other[at] == &d->background && background_say(v->host))
        return;
    if (!card || card->stopping) {
        v->host->message(v->host, TONE_WARN,
                         card ? "it is being stopped" : "only a job that runs or waits is dropped");
        return;
    }
    job_drop(v->host, card);
    v->host->message(v->host, TONE_WARN, "dropped: %s",
                     ui_job_words(d, card, words, sizeof(words)));
}

static bool jobs_action(struct view *v, enum action action)
{
    int by = action_steps(action, PAGE, ROWS_MOST);

    if (by) {
        jobs_move(v, by);
        return true;
    }
    if (action != ACTION_ENTER && action != ACTION_DROP)
        return false;
    jobs_drop(v);
    return true;
}

static bool jobs_click(struct view *v, struct rect area, int y, int x)
{
    struct jobs *j = v->state;
    struct board b;

    board_make(v->host->ui, &b);
    (void)x;
    if (y <= area.y || y - area.y - 1 >= b.rows)
        return false;
    j->job = 0;
    j->at = y - area.y - 1;
    jobs_move(v, 0);
    return true;
}

/* "layers 3 of 5", "target 12 of 25 steps", "second moments 20 %", "solve", "variants 3 of 39
 * (target)". */
static void stage_text(const struct progress *g, char *out, size_t n)
{
    char share[24];
    size_t at;

    if (g->total <= 0 || !*g->what)
        utf8_copy(out, n, g->what);
    else if (g->total > 1000)
        show_print(out, n, "%s %s", g->what, job_share_text(g, share));
    else
        show_print(out, n, "%s %.0f of %.0f%s",
                   strcmp(g->what, "attribution") != 0 ? g->what : "layers", g->done, g->total,
                   strcmp(g->what, "target") != 0 ? "" : " steps");
    at = strlen(out);
    if (*g->stage)
        show_print(out + at, n - at, " (%s)", g->stage);
}

/* The time left of what a job does, from its rate; "": it has no units, or ends at once. */
static const char *time_text(const struct ui_state *d, const struct ui_job *card, char out[24])
{
    bool more;
    double left = ui_job_left(d, card, &more);

    if (card->stopping)
        return memcpy(out, "stops", sizeof("stops"));
    if (left >= 0)
        return job_seconds_text(left, more, out);
    utf8_copy(out, 24, *card->progress.what ? "no rate yet" : "");
    return out;
}

/* How far a download or the background is, the time left, and whether an edit waits for it. */
static void other_text(const struct board *b, const struct progress *g, bool background, char *out,
                       size_t n)
{
    char stage[96], left[24], first[24], share[24];
    double rate = g->seconds_left > 0 ? (g->total - g->done) / g->seconds_left : 0;
    struct progress needed = {.done = g->needed, .total = g->total};
    size_t at;

    stage_text(g, stage, sizeof(stage));
    if (g->seconds_left < 0)
        snprintf(left, sizeof(left), "no rate yet");
    else
        job_seconds_text(g->seconds_left, false, left);
    show_print(out, n, "%s%s%s", stage, *left ? ", " : "", left);
    at = strlen(out);
    if (!background || strcmp(g->what, PROGRESS_MOMENTS) != 0)
        return;
    if (g->needed > g->done)
        job_seconds_text(rate > 0 ? (g->needed - g->done) / rate : -1, false, first);
    if (g->needed > g->done)
        show_print(out + at, n - at, "; edits wait for %s%s%s", job_share_text(&needed, share),
                   *first ? ", " : "", first);
    else
        show_print(out + at, n - at, "; %s",
                   b->cards ? "goes on when nothing is asked" : "no edit waits");
}

/* Whether a preview of the same edit comes before this commit. */
static bool waits_for_preview(const struct board *b, const struct ui_job *commit)
{
    for (int i = 0; i < b->cards && b->card[i] != commit; i++)
        if (b->card[i]->kind == CMD_PREVIEW &&
            !stamp_differs(&b->card[i]->stamp, &commit->stamp, STAMP_FACT | STAMP_EDIT))
            return true;
    return false;
}

static const char *waiting_text(const struct board *b, const struct ui_job *card)
{
    if (card->rank)
        return card->state == CARD_PAUSED ? "goes on when nothing else is asked"
                                          : "when nothing else is asked";
    return card->kind == CMD_COMMIT && waits_for_preview(b, card) ? "when the preview is there"
                                                                  : "waits its turn";
}

static const char *ago_text(const struct ui_state *d, const struct ui_job *card, char out[48])
{
    double took = card->begun > 0 ? card->ended - card->begun : 0, ago = d->clock - card->ended;

    snprintf(out, 48, "%.1f s, %.0f %s ago", took, ago < 90 ? ago : ago / 60,
             ago < 90 ? "s" : "min");
    return out;
}

/* What the card does, waits for, or how it ended. */
static void card_text(const struct ui_state *d, const struct board *b, int row, char *out, size_t n)
{
    const struct ui_job *card = b->card[row];
    char stage[96], left[24], ago[48];

    if (card->state == CARD_RUNS)
        time_text(d, card, left);
    else
        job_left_text(d, card, left);
    if (row && card->state == CARD_RUNS) { /* one job runs */
        show_print(out, n, "%s%swaits for the %s", left, *left ? ", " : "",
                   ui_job_name(b->card[0]));
        return;
    }
    switch (card->state) {
    case CARD_RUNS:
        stage_text(&card->progress, stage, sizeof(stage));
        show_print(out, n, "%s%s%s", *stage ? stage : "runs", *left ? ", " : "", left);
        if (!row && b->cards > 1)
            show_print(out + strlen(out), n - strlen(out), ", %d wait%s behind it", b->cards - 1,
                       b->cards > 2 ? "" : "s");
        break;
    case CARD_WAITS:
    case CARD_PAUSED:
        show_print(out, n, "%s%s%s", left, *left ? ", " : "", waiting_text(b, card));
        break;
    case CARD_DONE:
        utf8_copy(out, n, ago_text(d, card, ago));
        break;
    case CARD_FAILED:
        utf8_copy(out, n, card->why);
        break;
    case CARD_STOPPED:
        show_print(out, n, "%s, %s", card->dropped ? "dropped" : "stopped", ago_text(d, card, ago));
        break;
    }
    if (*card->note && card->state < CARD_DONE)
        show_print(out + strlen(out), n - strlen(out), "; %s", card->note);
}

static void row_draw(const struct ui_state *d, const struct board *b, int row, struct surface *s,
                     struct rect in, int y, bool at)
{
    static const enum role role[] = {ROLE_TEXT, ROLE_STRONG, ROLE_TEXT,
                                     ROLE_GOOD, ROLE_ERROR,  ROLE_DIM};
    const struct ui_job *card = b->card[row];
    bool behind = row && card && card->state == CARD_RUNS;
    bool background = b->other[row] == &d->background, waits = background && b->cards;
    struct pen p = list_row(s, in, y, at, 0);
    int about = b->about < in.w * 2 / 5 ? b->about : in.w * 2 / 5;
    char text[300], name[64];

    pen_text(&p, card && !behind ? role[card->state] : ROLE_TEXT,
             behind || waits ? "○"
             : card          ? job_glyph(card)
                             : "▸");
    p.x = 2;
    if (card)
        utf8_copy(name, sizeof(name), ui_job_name(card));
    else
        utf8_copy(name, sizeof(name), background ? "background" : "download");
    pen_fit(&p, card && !behind ? role[card->state] : ROLE_TEXT, 14, name);
    p.x = 17;
    pen_fit(&p, ROLE_TEXT, about, card ? card->about : background ? "" : d->pull_name);
    p.x = background ? 17 : 19 + about; /* it is about nothing */
    if (card)
        card_text(d, b, row, text, sizeof(text));
    else
        other_text(b, b->other[row], background, text, sizeof(text));
    pen_fit(&p, card && card->state == CARD_FAILED ? ROLE_ERROR : ROLE_DIM, in.w - p.x, text);
}

/* What second moments are, while something sums them. */
static bool sums_moments(const struct ui_state *d, const struct board *b)
{
    for (int i = 0; i < b->cards; i++)
        if (!strcmp(b->card[i]->progress.what, PROGRESS_MOMENTS))
            return true;
    return d->background.total > 0 && !strcmp(d->background.what, PROGRESS_MOMENTS);
}

static void jobs_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const char moments[] =
        "second moments: how the model's neurons usually fire, summed once "
        "per model and kept";
    const struct ui_state *d = v->host->ui;
    struct rect in =
        hint_box(d, s, area, "Jobs", "{cancel} stops the first, {drop} drops one", true);
    struct list list;
    struct board b;
    int top, rows = in.h;

    board_make(d, &b);
    list = (struct list){.at = board_cursor(v->state, &b)};
    if (!b.rows)
        surface_lines(s, in, 0, ROLE_DIM, "nothing runs, and nothing was asked yet");
    if (rows > 2 && sums_moments(d, &b)) {
        struct pen p = pen_at(s, in, --rows, 0);

        pen_fit(&p, ROLE_DIM, in.w, moments);
    }
    top = list_top(&list, b.rows, rows);
    for (int y = 0; y < rows && top + y < b.rows; y++)
        row_draw(d, &b, top + y, s, in, y, top + y == list.at);
}

const struct view_ops view_jobs = {
    .name = "jobs",
    .title = "Jobs",
    .tab = "",
    .footer = "up down drop ?cancel back help:keys",
    .size = sizeof(struct jobs),
    .overlay = true,
    .open = jobs_open,
    .click = jobs_click,
    .action = jobs_action,
    .draw = jobs_draw,
};
