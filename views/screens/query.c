/* The Query view: a question to the base and to another state, side by side. This file has its
 * keys, commands and events; query_draw.c draws it.
 *
 * The question is edited in the box at the top (i). Enter asks it of two states: the base, and the
 * one chosen with [ and ] (an earlier edit, the edited model, the preview). The answers and the
 * options (d->query: tokens, temperature, chat form) are in ui_state, so that other views can ask
 * too.
 *
 * Answers arrive token by token as partial EV_ANSWER events. Their times are noted in q->pace, and
 * the speed in the corner is measured from them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "tui/layout.h"
#include "views/requests.h"
#include "views/screens/query_internal.h"
#include "views/view_tables.h"

enum { PAGE = 10, TOKENS_MOST = 4096 };

static void query_close(struct view *v)
{
    struct query *q = v->state;

    for (int i = 0; i < QUERY_PAST; i++)
        free(q->past[i]);
    free(q->draft);
    free(q->asked);
    field_free(&q->field);
}

/* The box shows a question that was asked elsewhere (:query, History), unless one is being typed.
 */
static void follow_question(struct view *v)
{
    struct query *q = v->state;
    const char *prompt = v->host->ui->query.prompt;

    if (q->typing || !prompt || (q->asked && !strcmp(q->asked, prompt)))
        return;
    free(q->asked);
    q->asked = xstrdup(prompt);
    field_set(&q->field, prompt);
}

/* The box shows the last question, else the prompt of the fact. */
static void query_open(struct view *v)
{
    struct query *q = v->state;
    const struct ui_state *d = v->host->ui;

    q->field.lines = true;
    follow_question(v);
    if (!q->field.text.len && d->fact.subject) { /* propose the prompt of the fact */
        char *text = fact_text(&d->fact);

        field_set(&q->field, text);
        free(text);
    }
}

/* Puts the question first among those asked before; a repeated one moves there. */
static void remember_question(struct query *q, const char *text)
{
    int at = 0;

    while (at < QUERY_PAST - 1 && q->past[at] && strcmp(q->past[at], text) != 0)
        at++;
    free(q->past[at]);
    memmove(&q->past[1], &q->past[0], (size_t)at * sizeof(q->past[0]));
    q->past[0] = xstrdup(text);
    q->recalled = -1;
}

/* Enter: remembers the question and asks it. */
static void ask_question(struct view *v)
{
    struct query *q = v->state;

    q->typing = false;
    if (!field_text(&q->field)[strspn(field_text(&q->field), " \n")]) {
        v->host->message(v->host, TONE_WARN, "no question: {ask} types one");
        return;
    }
    remember_question(q, field_text(&q->field));
    q->scroll = 0;
    request_query(v->host, field_text(&q->field), 0);
}

static void begin_typing(struct query *q, bool fresh)
{
    q->typing = true;
    q->fresh = fresh;
    q->recalled = -1;
}

/* Up and Down in the box: questions asked before; past the newest comes back the user's own text.
 */
static bool recall_question(struct query *q, int by)
{
    int at = q->recalled + by;

    if (at < -1 || at >= QUERY_PAST || (at >= 0 && !q->past[at]))
        return true;
    if (q->recalled < 0) {
        free(q->draft);
        q->draft = xstrdup(field_text(&q->field));
    }
    q->recalled = at;
    field_set(&q->field, at < 0 ? q->draft : q->past[at]);
    return true;
}

/* A key in the box. The first character typed replaces a proposed text; an editing key keeps it. */
static bool type_key(struct query *q, const struct key *key)
{
    bool printable = key->code >= ' ' && key->code < K_UP && key->code != K_ERASE;

    if (q->fresh && (printable || key->code == K_PASTE))
        field_set(&q->field, "");
    q->fresh = false;
    if (field_key(&q->field, key))
        return true;
    return (key->code == K_UP || key->code == K_DOWN) &&
           recall_question(q, key->code == K_UP ? 1 : -1);
}

static bool query_key(struct view *v, const struct key *key)
{
    struct query *q = v->state;

    if (!q->typing)
        return false;
    if (key->code == K_ENTER)
        ask_question(v);
    else if (key->code == K_ESCAPE)
        q->typing = false;
    else
        return type_key(q, key);
    return true;
}

static const struct field *query_field(const struct view *v)
{
    const struct query *q = v->state;

    return q->typing ? &q->field : NULL;
}

/* The state before or after `at` in this order: base, after each active edit, now. After the last
 * edit is the same as now, so it is left out unless there is a preview. */
static int state_beside(const struct ui_state *d, int at, int by)
{
    int state[514], n = 0, here = -1;

    state[n++] = QUERY_BASE;
    for (int i = 0; d->history && i < d->history->count && n < 512; i++)
        if (d->history->entry[i].active)
            state[n++] = d->history->entry[i].edit;
    if (n > 1 && !d->state.preview)
        n--;
    state[n++] = QUERY_NOW;
    for (int i = 0; i < n; i++)
        if (state[i] == at)
            here = i;
    here = here < 0 ? n - 1 : here + by;
    return state[here < 0 ? 0 : here >= n ? n - 1 : here];
}

/* Chooses the state that is compared with the base, and asks for answers it lacks. */
static void select_state(struct view *v, int state)
{
    struct ui_state *d = v->host->ui;
    struct answer_pair pair;
    char name[96];

    d->query.state = state;
    pair = ui_answer_pair(d);
    query_state_name(d, &pair, name, sizeof(name));
    if (pair.two)
        v->host->message(v->host, TONE_PLAIN, "beside the base: %s", name);
    else
        v->host->message(v->host, TONE_PLAIN, "%s alone", name);
    if (!ui_busy(d))
        request_missing_answers(v->host);
}

/* Copies the shown answer to the clipboard. */
static void copy_answer(struct view *v)
{
    struct answer_pair pair = ui_answer_pair(v->host->ui);
    const struct query *q = v->state;
    const struct answer *a = pair.after && q->side != SHOW_BEFORE ? pair.after : pair.before;

    if (!a || !a->completion)
        v->host->message(v->host, TONE_WARN, "no answer yet: {enter} asks");
    else if (!v->host->copy || !v->host->copy(v->host, a->completion))
        v->host->message(v->host, TONE_WARN, "the answer is too long to be copied");
    else
        v->host->message(v->host, TONE_PLAIN, "copied the answer, %zu bytes",
                         strlen(a->completion));
}

static void next_side(struct view *v)
{
    static const char *const name[] = {"before and after", "the difference", "before", "after"};
    struct query *q = v->state;

    q->side = (enum query_side)((q->side + 1) % SHOW_COUNT);
    q->scroll = 0;
    v->host->message(v->host, TONE_PLAIN, "showing %s", name[q->side]);
}

static bool query_action(struct view *v, enum action action)
{
    struct query *q = v->state;
    struct ui_state *d = v->host->ui;

    switch (action) {
    case ACTION_ASK:
        begin_typing(q, true);
        return true;
    case ACTION_ENTER:
        ask_question(v);
        return true;
    case ACTION_FLIP:
        next_side(v);
        return true;
    case ACTION_MODE:
        d->query.chat = !d->query.chat;
        v->host->message(v->host, TONE_PLAIN, "{enter} asks %s",
                         d->query.chat ? "in the model's chat form"
                                       : "for a continuation of the text");
        return true;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        select_state(v, state_beside(d, d->query.state, action == ACTION_LAYER_BACK ? -1 : 1));
        return true;
    case ACTION_COPY:
        copy_answer(v);
        return true;
    default:
        if (!action_steps(action, PAGE, 100000))
            return false;
        q->scroll += action_steps(action, PAGE, 100000);
        q->scroll = q->scroll < 0 ? 0 : q->scroll > 4000 ? 4000 : q->scroll;
        return true;
    }
}

static bool query_click(struct view *v, struct rect area, int y, int x)
{
    struct query *q = v->state;

    (void)x;
    if (y >= area.y + 3)
        return false;
    begin_typing(q, false);
    return true;
}

/* Reads a number in [low, high]; false: the text is something else. */
static bool number_of(const char *text, double low, double high, double *out)
{
    char *end;

    errno = 0;
    *out = strtod(text, &end);
    return end != text && !*end && !errno && isfinite(*out) && *out >= low && *out <= high;
}

/* :state base, edited, preview, both or edit:N */
static void set_state(struct view *v, const char *which)
{
    const struct ui_state *d = v->host->ui;
    const char *digits = strncmp(which, "edit:", 5) ? which : which + 5;
    double edit;

    if (!strcmp(which, "base")) {
        select_state(v, QUERY_BASE);
    } else if (!strcmp(which, "edited") || !strcmp(which, "preview") || !strcmp(which, "both")) {
        select_state(v, QUERY_NOW);
    } else if (number_of(digits, 1, 1e6, &edit)) {
        for (int i = 0; d->history && i < d->history->count; i++)
            if (d->history->entry[i].edit == (int)edit && d->history->entry[i].active) {
                select_state(v, (int)edit);
                return;
            }
        v->host->message(v->host, TONE_ERROR,
                         "state: there is no active edit %.0f ({view-history} lists them)", edit);
    } else {
        v->host->message(v->host, TONE_ERROR,
                         "state: expected base, edited, preview or edit:N, not '%s'", which);
    }
}

/* :state, :tokens N, :sample TEMPERATURE */
static bool query_command(struct view *v, const char *word, const char *rest)
{
    struct ui_state *d = v->host->ui;
    double value;

    if (!strcmp(word, "state")) {
        set_state(v, rest);
    } else if (!strcmp(word, "tokens")) {
        if (number_of(rest, 1, TOKENS_MOST, &value) && value >= floor(value) &&
            value <= floor(value)) {
            d->query.tokens = (int)value;
            v->host->message(v->host, TONE_PLAIN, "answers have up to %d tokens", d->query.tokens);
        } else {
            v->host->message(v->host, TONE_ERROR, "tokens: '%s' is not a whole number from 1 to %d",
                             rest, TOKENS_MOST);
        }
    } else if (!strcmp(word, "sample")) {
        if (number_of(rest, 0, 10, &value)) {
            d->query.sample = value;
            v->host->message(v->host, TONE_PLAIN, value > 0 ? "sampling at %.3g" : "greedy answers",
                             value);
        } else {
            v->host->message(v->host, TONE_ERROR, "sample: '%s' is not a temperature from 0 to 10",
                             rest);
        }
    } else {
        return false;
    }
    return true;
}

/* True if the pace is of an answer to the same state in the same form. */
static bool same_answer(const struct query_pace *p, const struct answer *a)
{
    return p->state == a->state && p->edit == a->edit && p->chat == a->chat &&
           p->changed == (a->changed > 0);
}

const struct query_pace *query_pace(const struct query *q, const struct answer *a)
{
    for (int i = q->paces - 1; i >= 0 && i >= q->paces - QUERY_PACES; i--)
        if (same_answer(&q->pace[i % QUERY_PACES], a))
            return &q->pace[i % QUERY_PACES];
    return NULL;
}

/* Notes when tokens come. A new answer takes the next place of the ring. */
static void query_event(struct view *v, const struct event *ev)
{
    struct query *q = v->state;
    const struct answer *a = ev->kind == EV_ANSWER ? v->host->ui->answer[0] : NULL;
    struct query_pace *p;

    follow_question(v);
    if (!a)
        return;
    p = (struct query_pace *)(size_t)query_pace(q, a);
    if (!p || p->over) {
        p = &q->pace[q->paces++ % QUERY_PACES];
        *p = (struct query_pace){.state = a->state,
                                 .edit = a->edit,
                                 .chat = a->chat,
                                 .changed = a->changed > 0,
                                 .first = clock_seconds()};
    }
    p->last = a->partial ? clock_seconds() : p->last;
    p->tokens += a->partial;
    p->over = !a->partial;
    if (a->plain && !a->partial)
        v->host->message(v->host, TONE_WARN, "asked as plain text: %s", a->plain);
}

const struct view_ops view_query = {
    .name = "query",
    .title = "Query",
    .footer = "ask:type *enter:ask flip:before/after *mode:chat layer-back:state layer-next:state "
              "copy preview commit undo help:keys",
    .size = sizeof(struct query),
    .open = query_open,
    .close = query_close,
    .event = query_event,
    .key = query_key,
    .field = query_field,
    .field_keys = "enter:ask C-j:new-line up:earlier esc:leave",
    .click = query_click,
    .action = query_action,
    .command = query_command,
    .draw = query_draw,
    .table = table_of_answers,
};
