/* Draws the Query view.
 *
 *   +- Question ----------------------------------- i types  Enter asks -+
 *   | › The Eiffel Tower is in                                           |
 *   +- plain text · up to 32 tokens · greedy ----------------------------+
 *   +- BASE -------------- 12 tokens, 8/s -++- PREVIEW ------------------+
 *   |  Paris, the capital of France.       ||  ▸Rome, Italy.             |
 *   | next token                           || next token     p  ↑ ↓ rank |
 *   | ·Paris            0.700 ████▎        || ·Rome      0.891 █████▍ ↑1 |
 *   +--------------------------------------++----------------------------+
 *
 * v changes what is shown: both answers, their difference, or one of them. In the difference, the
 * text from the first differing word on is marked with ▸ and coloured, and a table below compares
 * the next tokens of both states. Under BESIDE columns the answers are above each other. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"
#include "views/screens/query_internal.h"

enum { BESIDE = 70 }; /* columns from which on the answers are beside each other */
/* Seconds: tokens of a shorter time came from a recording at full speed, and have no speed. */
static const double MEASURABLE = 0.05;

void query_state_name(const struct ui_state *d, const struct answer_pair *pair, char *out,
                      size_t size)
{
    int n;

    if (pair->edit)
        n = snprintf(out, size, "After edit %d", pair->edit);
    else if (pair->state == STATE_PREVIEW)
        n = snprintf(out, size, "PREVIEW");
    else if (pair->state == STATE_EDITED)
        n = snprintf(out, size, "EDITED +%d", d->state.edits);
    else
        n = snprintf(out, size, "BASE");
    if (pair->changed && n > 0 && (size_t)n < size)
        show_print(out + n, size - (size_t)n, ", %d neuron%s changed", d->intervention_count,
                   d->intervention_count == 1 ? "" : "s");
}

bool query_first_difference(const char *a, const char *b, size_t *at)
{
    size_t i = 0;

    while (a[i] && a[i] == b[i])
        i++;
    *at = 0;
    if (a[i] == b[i])
        return false;
    while (i && a[i - 1] != ' ' && a[i - 1] != '\n')
        i--;
    *at = i;
    return true;
}

/* Appends the text with control characters escaped, except line breaks. */
static void escape_lines(struct buf *out, const char *text, size_t n)
{
    while (n) {
        const char *nl = memchr(text, '\n', n);
        size_t len = nl ? (size_t)(nl - text) : n;

        show_escape(out, text, len);
        if (nl)
            buf_puts(out, "\n");
        len += nl != NULL;
        text += len;
        n -= len;
    }
}

/* Draws an answer, wrapped, without its first `skip` rows. From byte difference_at on (SIZE_MAX:
 * never) it follows a ▸ and has `role`; a █ at the end: more is coming. Returns the rows used. */
static int draw_completion(const struct answer *a, size_t difference_at, enum role role, int skip,
                           struct surface *s, struct rect in, int rows)
{
    const char *answer = a->completion ? a->completion : "", *p, *row;
    size_t n = strlen(answer), mark, wide;
    struct buf text = {0};
    int y = -skip;

    difference_at = difference_at < n ? difference_at : n;
    escape_lines(&text, answer, difference_at);
    mark = difference_at < n ? text.len : SIZE_MAX;
    if (difference_at < n)
        buf_puts(&text, "▸");
    escape_lines(&text, answer + difference_at, n - difference_at);
    if (a->partial)
        buf_puts(&text, "█");
    else if (!n)
        buf_puts(&text, TEXT_SAID_NOTHING);
    p = text.data ? text.data : "";
    while (y < rows && text_row(&p, in.w, &row, &wide)) {
        size_t from = (size_t)(row - (text.data ? text.data : row));
        size_t head = mark <= from ? 0 : mark - from < wide ? mark - from : wide;
        struct pen pen = pen_at(s, in, y, 0);
        struct buf part = {0};

        if (y++ < 0)
            continue;
        buf_add(&part, row, head);
        pen_text(&pen, ROLE_STRONG, part.data ? part.data : "");
        buf_clear(&part);
        buf_add(&part, row + head, wide - head);
        pen_text(&pen, role, part.data ? part.data : "");
        buf_free(&part);
    }
    buf_free(&text);
    return y < 0 ? 0 : y;
}

/* Rank of a token among the most probable ones of an answer, from 0; -1: not among them. */
static int rank_of(const struct answer *a, int id)
{
    for (int i = 0; a && i < a->nexts; i++)
        if (a->next[i].id == id)
            return i;
    return -1;
}

/* How a token's rank moved: ↑3, ↓1, =, or new; nothing while the answer before has no tokens. */
static void pen_rank_move(struct pen *p, const struct answer *other, int id, int now)
{
    int before = rank_of(other, id);

    if (!other || !other->nexts)
        return;
    if (before < 0)
        pen_text(p, ROLE_NEW, "new");
    else if (before != now)
        pen_printf(p, before > now ? ROLE_GOOD : ROLE_WARN, "%s%d", before > now ? "↑" : "↓",
                   before > now ? before - now : now - before);
    else
        pen_text(p, ROLE_DIM, "=");
}

/* The most probable next tokens: text 16 columns, p 7, a bar of up to 24; with `other` (the answer
 * before) how the rank moved. */
static void draw_next_tokens(const struct answer *a, const struct answer *other, struct surface *s,
                             struct rect in, int y)
{
    struct pen p = pen_at(s, in, y++, 0);

    pen_fit(&p, ROLE_DIM, in.w,
            other && other->nexts ? "next token            p  ↑ ↓ of rank" : "next token");
    for (int i = 0; i < a->nexts && y < in.h; i++, y++) {
        int bar = in.w - 30 > 24 ? 24 : in.w - 30;
        char piece[48], number[16];

        p = pen_at(s, in, y, 0);
        pen_fit(&p, i ? ROLE_TEXT : ROLE_STRONG, 16,
                text_piece(piece, sizeof(piece), a->next[i].text));
        pen_right(&p, ROLE_BAR, 7, text_probability(number, a->next[i].p));
        p.x++;
        if (bar > 3)
            meter_draw(s, in, y, p.x, bar, a->next[i].p, ROLE_FILL);
        p.x += bar > 3 ? bar + 1 : 0;
        pen_rank_move(&p, other, a->next[i].id, i);
    }
}

/* The tokens of the answer after: rank, text, p before and after, bar, how the rank moved. A token
 * that was not among those before has at most the p of the least of them. */
static void draw_token_moves(const struct answer *before, const struct answer *after,
                             struct surface *s, struct rect in, int y)
{
    int bar = in.w - 52 > 24 ? 24 : in.w - 52;
    struct pen p = pen_at(s, in, y++, 0);

    pen_fit(&p, ROLE_DIM, in.w,
            "rank  next token        p before  → after   rank moved (↑ up, ↓ down)");
    for (int i = 0; i < after->nexts && y < in.h; i++, y++) {
        int was = rank_of(before, after->next[i].id);
        char piece[48], number[16], bound[20];

        p = pen_at(s, in, y, 0);
        pen_printf(&p, ROLE_DIM, "%4d  ", i + 1);
        pen_fit(&p, was ? ROLE_STRONG : ROLE_TEXT, 16,
                text_piece(piece, sizeof(piece), after->next[i].text));
        if (was >= 0)
            utf8_copy(bound, sizeof(bound), text_probability(number, before->next[was].p));
        else if (before->nexts) /* at most the least of those reported */
            show_print(bound, sizeof(bound), "<%s",
                       text_probability(number, before->next[before->nexts - 1].p));
        else
            snprintf(bound, sizeof(bound), "?");
        pen_right(&p, ROLE_OLD, 9, bound);
        pen_text(&p, ROLE_DIM, "  → ");
        pen_right(&p, ROLE_NEW, 7, text_probability(number, after->next[i].p));
        p.x += 2;
        if (bar > 3)
            meter_draw(s, in, y, p.x, bar, after->next[i].p, ROLE_FILL);
        p.x += bar > 3 ? bar + 1 : 0;
        pen_rank_move(&p, before, after->next[i].id, i);
    }
}

/* "12 tokens, 8.3/s", measured; of answers that came at once only the number of tokens. */
static void pace_text(const struct query *q, const struct ui_state *d, const struct answer *a,
                      char *out, size_t size)
{
    const struct query_pace *p = a ? query_pace(q, a) : NULL;
    double spent = p ? p->last - p->first : 0;

    if (!a)
        snprintf(out, size, "%s",
                 d->viewed                    ? HINT_NOT_THERE
                 : ui_waits_for(d, CMD_QUERY) ? "waits its turn"
                                              : "not asked yet");
    else if (p && p->tokens > 1 && spent > MEASURABLE)
        show_print(out, size, "%s%d tokens, %.*f/s", a->partial ? "answering " : "", p->tokens,
                   (p->tokens - 1) / spent < 9.95 ? 1 : 0, (p->tokens - 1) / spent);
    else if (a->partial)
        snprintf(out, size, "answering");
    else if (a->count)
        show_print(out, size, "%d token%s", a->count, a->count == 1 ? "" : "s");
    else
        *out = '\0';
}

/* What one column shows. */
struct shown {
    const struct answer *answer, *other; /* other: the answer that ranks are compared with */
    const char *title;
    size_t difference_at;
    enum role role;
    bool focus;
};

/* Above an answer: whether an edit that chooses prompts took this one. Returns the room below. */
static struct rect draw_route(const struct answer *a, struct surface *s, struct rect in)
{
    char words[160];
    int rows;

    if (!a || !*answer_route_words(a, words) || in.h < 2)
        return in;
    rows = surface_lines(s, in, 0, a->route.routed ? ROLE_GOOD : ROLE_DIM, words);
    rows = rows < in.h ? rows : in.h - 1;
    return (struct rect){in.y + rows, in.x, in.h - rows, in.w};
}

/* A box with an answer above and its next tokens below; the tokens get at most half of a high box.
 */
static void draw_column(const struct query *q, const struct ui_state *d, const struct shown *c,
                        struct surface *s, struct rect area)
{
    char again[HINT_MAX];
    char pace[48], title[96 + UI_WORDS];
    struct rect in, whole;
    int y, rows;
    bool stale;

    pace_text(q, d, c->answer, pace, sizeof(pace));
    utf8_copy(title, sizeof(title), c->title);
    stale = pane_stale_title(d, c->answer, title, sizeof(title));
    in = box_draw(s, area, title, stale ? hint_text(d, again, "{enter} asks again") : pace,
                  c->focus);
    if (!c->answer || rect_empty(in))
        return;
    whole = in;
    in = draw_route(c->answer, s, in);
    rows = in.h > 8 ? in.h - 2 - (c->answer->nexts < in.h / 2 ? c->answer->nexts : in.h / 2) : in.h;
    y = draw_completion(c->answer, c->difference_at, c->role, q->scroll, s, in, rows);
    if (y + 2 < in.h && c->answer->nexts)
        draw_next_tokens(c->answer, c->other, s, in, y + 1);
    if (stale)
        surface_stale(s, whole);
}

/* One line: at which word the answers differ first. */
static void draw_difference_words(const struct answer_pair *pair, bool differ, size_t at,
                                  struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);
    const char *text = pair->before->completion;
    int word = 1;

    for (size_t i = 1; i < at; i++)
        word += text[i] == ' ' && text[i - 1] != ' ';
    if (pair->before->partial || pair->after->partial)
        pen_text(&p, ROLE_DIM, "still answering");
    else if (differ)
        pen_printf(&p, ROLE_TEXT, "▸ the answers differ from word %d on", word);
    else
        pen_text(&p, ROLE_TEXT, "= the answers are identical");
}

/* Both answers with their differing ends coloured; below them, where there is room, the tokens of
 * both. */
static void draw_difference(const struct query *q, const struct ui_state *d,
                            const struct answer_pair *pair, const char *title, struct surface *s,
                            struct rect area)
{
    struct rect in, top, half[2];
    static const struct slice rows[2] = {{4, 6, 1, 0}, {4, 15, 0, 1}};
    static const struct slice halves[2] = {{20, 30, 1, 0}, {20, 30, 1, 0}};
    struct rect r[2];
    size_t at;
    bool stale = false,
         differ =
             query_first_difference(pair->before->completion ? pair->before->completion : "",
                                    pair->after->completion ? pair->after->completion : "", &at);
    struct shown c[2] = {{.answer = pair->before, .title = "BASE", .role = ROLE_OLD},
                         {.answer = pair->after, .title = title, .role = ROLE_NEW, .focus = true}};

    layout_rows(area, rows, 2, r);
    top = rect_empty(r[1]) ? area : r[0];
    layout_columns(top, halves, 2, half);
    for (int i = 0; i < 2; i++) {
        char pace[48], name[96 + UI_WORDS];
        struct rect whole;

        pace_text(q, d, c[i].answer, pace, sizeof(pace));
        utf8_copy(name, sizeof(name), c[i].title);
        stale |= pane_stale_title(d, c[i].answer, name, sizeof(name));
        whole = box_draw(s, half[i], name, pace, c[i].focus);
        in = draw_route(c[i].answer, s, whole);
        if (!rect_empty(in))
            draw_completion(c[i].answer, differ ? at : SIZE_MAX, c[i].role, q->scroll, s, in, in.h);
        if (ui_differs(d, c[i].answer))
            surface_stale(s, whole);
    }
    in = rect_empty(r[1]) ? r[1] : box_draw(s, r[1], "Difference", "before → after", false);
    if (rect_empty(in))
        return;
    draw_difference_words(pair, differ, at, s, in, 0);
    if (in.h > 2)
        draw_token_moves(pair->before, pair->after, s, in, 1);
    if (stale)
        surface_stale(s, in);
}

/* One or two columns, as v has chosen. */
static void draw_answers(const struct query *q, const struct ui_state *d, struct surface *s,
                         struct rect area)
{
    static const struct slice halves[2] = {{30, 30, 1, 0}, {30, 30, 1, 0}};
    static const struct slice rows[2] = {{3, 5, 1, 0}, {3, 5, 1, 0}};
    struct answer_pair pair = ui_answer_pair(d);
    char title[96];
    struct shown before = {pair.before, NULL, "BASE", SIZE_MAX, ROLE_STRONG, false};
    struct shown after = {pair.after, pair.before, title, SIZE_MAX, ROLE_STRONG, true};
    struct rect r[2];

    query_state_name(d, &pair, title, sizeof(title));
    if (!pair.two || q->side == SHOW_BEFORE) {
        before.focus = true;
        draw_column(q, d, &before, s, area);
    } else if (q->side == SHOW_AFTER) {
        draw_column(q, d, &after, s, area);
    } else if (q->side == SHOW_DIFFERENCE && pair.before && pair.after) {
        draw_difference(q, d, &pair, title, s, area);
    } else {
        if (area.w >= BESIDE)
            layout_columns(area, halves, 2, r);
        else
            layout_rows(area, rows, 2, r);
        draw_column(q, d, &before, s, r[0]);
        draw_column(q, d, &after, s, r[1]);
    }
}

/* "chat form · up to 32 tokens · greedy · changed: L5N912=0" */
static void options_text(const struct ui_state *d, struct buf *out)
{
    buf_printf(out, "%s · up to %d token%s · ", d->query.chat ? "chat form" : "plain text",
               d->query.tokens, d->query.tokens == 1 ? "" : "s");
    if (d->query.sample > 0)
        buf_printf(out, "sampled at %.3g", d->query.sample);
    else
        buf_puts(out, "greedy");
    for (int i = 0; i < d->intervention_count && i < 4; i++)
        buf_printf(out, "%sL%dN%d%s%.3g", i ? " " : " · changed: ", d->intervention[i].layer,
                   d->intervention[i].neuron, d->intervention[i].scale ? "×" : "=",
                   (double)d->intervention[i].value);
    if (d->intervention_count > 4)
        buf_printf(out, " and %d more", d->intervention_count - 4);
}

void query_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct query *q = v->state;
    int want = field_rows(&q->field, area.w - 6);
    struct slice rows[2] = {{3, 3, 0, 0}, {3, 3, 1, 0}};
    struct buf how = {0};
    struct rect r[2], in;

    want = want > QUERY_ROWS ? QUERY_ROWS : want;
    rows[0].want = want + 2 < area.h / 2 ? want + 2 : area.h / 2 > 3 ? area.h / 2 : 3;
    layout_rows(area, rows, 2, r);
    in = hint_box(v->host->ui, s, r[0], "Question",
                  q->typing ? "Enter asks  C-j new line  Up: earlier ones"
                            : "{ask} types  {enter} asks",
                  q->typing);
    options_text(v->host->ui, &how);
    box_foot(s, r[0], how.data);
    buf_free(&how);
    if (!rect_empty(in)) {
        surface_text(s, in, 0, 0, ROLE_KEY, "›");
        in.x += 2;
        in.w -= 2;
        field_draw_rows(&q->field, s, in, q->typing);
    }
    draw_answers(q, v->host->ui, s, r[1]);
}
