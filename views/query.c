/* Ask the model, before and after, side by side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/box.h"
#include "tui/field.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/verbs.h"
#include "views/view.h"

struct query {
    struct field field;
    bool typing;
    bool fresh; /* the text is a proposal: what is typed or pasted replaces it */
};

static void query_close(struct view *v)
{
    field_free(&((struct query *)v->state)->field);
}

static void query_open(struct view *v)
{
    struct query *q = v->state;
    const struct fact *fact = &v->host->desk->fact;

    if (!q->field.text.len && fact->subject) { /* the fact's own question is the likeliest */
        char *text = fact_text(fact);

        field_set(&q->field, text);
        free(text);
    }
}

static void ask(struct view *v)
{
    struct query *q = v->state;

    q->typing = false;
    if (!*field_text(&q->field))
        v->host->say(v->host, TONE_WARN, "nothing to ask: i types a question");
    else
        verb_query(v->host, field_text(&q->field), 0);
}

static bool type_key(struct query *q, const struct key *key)
{
    bool printable = key->code >= ' ' && key->code < K_UP && key->code != K_ERASE;

    if (q->fresh && (printable || key->code == K_PASTE))
        field_set(&q->field, "");
    q->fresh = false;
    return field_key(&q->field, key);
}

static bool query_key(struct view *v, const struct key *key)
{
    struct query *q = v->state;

    if (!q->typing)
        return false;
    if (key->code == K_ENTER)
        ask(v);
    else if (key->code == K_ESCAPE)
        q->typing = false;
    else
        return type_key(q, key);
    return true;
}

static bool query_action(struct view *v, enum action action)
{
    struct query *q = v->state;

    if (action == ACTION_ASK)
        q->typing = q->fresh = true;
    else if (action == ACTION_ENTER)
        ask(v);
    else
        return false;
    return true;
}

static const struct answer *answer_of(const struct desk *d, unsigned states)
{
    for (int i = 0; i < DESK_ANSWERS; i++)
        if (d->answer[i] && (d->answer[i]->state & states))
            return d->answer[i];
    return NULL;
}

/* The answer's text, wrapped. Returns the rows it took. */
static int completion(const struct answer *a, struct surface *s, struct rect in, int rows)
{
    struct buf text = {0};
    const char *p;
    int y = 0;

    text_escape(&text, a->completion ? a->completion : "",
                a->completion ? strlen(a->completion) : 0);
    if (a->partial)
        buf_puts(&text, "…");
    for (p = text.data ? text.data : ""; *p && y < rows; y++) {
        size_t n = text_line(p, in.w);
        struct pen pen = pen_at(s, in, y, 0);
        struct buf line = {0};

        buf_add(&line, p, n);
        pen_text(&pen, ROLE_STRONG, line.data);
        buf_free(&line);
        p += n;
    }
    buf_free(&text);
    return y;
}

static void next_table(const struct answer *a, const struct answer *other, struct surface *s,
                       struct rect in, int y)
{
    struct pen p = pen_at(s, in, y++, 0);

    pen_text(&p, ROLE_DIM, "next token");
    for (int i = 0; i < a->nexts && y < in.h; i++, y++) {
        int bar = in.w - 30 > 24 ? 24 : in.w - 30, before = -1;
        char piece[48], number[16];

        p = pen_at(s, in, y, 0);
        pen_fit(&p, i ? ROLE_TEXT : ROLE_STRONG, 16,
                text_piece(piece, sizeof(piece), a->next[i].text));
        pen_right(&p, ROLE_BAR, 7, text_probability(number, a->next[i].p));
        p.x++;
        if (bar > 3)
            meter_draw(s, in, y, p.x, bar, a->next[i].p, ROLE_FILL);
        p.x += bar > 3 ? bar + 1 : 0;
        for (int k = 0; other && k < other->nexts; k++)
            if (other->next[k].id == a->next[i].id)
                before = k;
        if (!other)
            continue;
        if (before < 0)
            pen_text(&p, ROLE_NEW, "new");
        else if (before != i)
            pen_printf(&p, before > i ? ROLE_GOOD : ROLE_WARN, "%s%d", before > i ? "↑" : "↓",
                       before > i ? before - i : i - before);
    }
}

static void column(const struct answer *a, const struct answer *other, const char *title,
                   struct surface *s, struct rect area, bool focus)
{
    struct rect in = box_draw(s, area, title, a && a->partial ? "answering" : "", focus);
    int y;

    if (!a || rect_empty(in))
        return;
    y = completion(a, s, in, in.h > 8 ? in.h / 2 : in.h);
    if (y + 2 < in.h)
        next_table(a, other, s, in, y + 1);
}

static void answers(const struct desk *d, struct surface *s, struct rect area)
{
    static const struct slice halves[2] = {{30, 30, 1, 0}, {30, 30, 1, 1}};
    unsigned after = d->state.preview ? STATE_PREVIEW : STATE_EDITED;
    const struct answer *base = answer_of(d, STATE_BASE), *now = answer_of(d, after);
    struct rect r[2];
    char title[48];

    if (now && now->edit)
        snprintf(title, sizeof(title), "After edit %d", now->edit);
    else
        snprintf(title, sizeof(title), d->state.preview ? "PREVIEW" : "EDITED +%d", d->state.edits);
    if (now && base && strcmp(now->prompt, base->prompt) != 0)
        now = NULL; /* an answer to another question says nothing here */
    if (!now || d->side == SIDE_BEFORE) {
        column(base, NULL, "BASE", s, area, true);
        return;
    }
    if (d->side == SIDE_AFTER && area.w < 70) {
        column(now, base, title, s, area, true);
        return;
    }
    layout_columns(area, halves, 2, r);
    column(base, NULL, "BASE", s, r[0], false);
    column(now, base, title, s, r[1], true);
}

static void query_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const struct slice rows[2] = {{3, 3, 0, 0}, {3, 3, 1, 0}};
    const struct query *q = v->state;
    struct rect r[2], in;

    layout_rows(area, rows, 2, r);
    in = box_draw(s, r[0], "Question", q->typing ? "Enter asks" : "i types  Enter asks", q->typing);
    if (!rect_empty(in)) {
        surface_text(s, in, 0, 0, ROLE_KEY, "›");
        field_draw(&q->field, s, in, 0, 2, in.w - 2, q->typing);
    }
    answers(v->host->desk, s, r[1]);
}

const struct view_ops view_query = {
    .name = "query",
    .title = "Query",
    .footer = "ask:type enter:ask flip:before/after preview commit undo help:keys",
    .size = sizeof(struct query),
    .open = query_open,
    .close = query_close,
    .key = query_key,
    .action = query_action,
    .draw = query_draw,
};
