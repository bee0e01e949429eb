/* The Neurons view: one row a neuron, with score, mask, coefficient and the tokens it promotes.
 *
 *   +- Neurons of layer 4 ------------------------ by score  [ ] layer  \ filter -+
 *   |     neuron      score▾  mask    coeff  promotes          suppresses         |
 *   |   ◆ L4N101        1.30  kept     1.97  ·Paris ·France    ·the               |
 *   | ✓ ● L4N256        0.30  in!      0.06                                       |
 *   +-----------------------------------------------------------------------------+
 *   details of the neuron (K) are beside the table, or below it on narrow screens; the list of
 *   interventions, if there are any, is at the bottom
 *
 * Rows: by default the neurons of the layer at the cursor. A filter may ask for other layers,
 * classes, tags, scores, or words ("Paris", "-the", "general", "L4-8", ">0.5");
 * panes/neurons_table.c parses it, filters and sorts. The rows are made again for every key and
 * every frame, so there is no second list that could disagree with ui_state: one layer whole, or
 * the TABLE_EACH strongest of each of several.
 *
 * Words: the tokens a neuron promotes and suppresses are known only for neurons that the engine
 * was asked about (CMD_NEURON). neurons_wants() names one neuron whose words would help most, and
 * the app asks for it while nothing else runs, so the words fill in around the cursor. A filter by
 * word can only find neurons whose words are known, and the title says how many that are.
 *
 * What one does to a neuron comes in two kinds. An intervention (X silences it, = sets or scales
 * its coefficient) changes the forward pass of every query until F releases it, but no weights. A
 * mask override (f) forces the neuron into or out of the mask of the next edit. Tagged neurons
 * (space) get either all at once. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/interventions.h"
#include "views/panes/neurons_table.h"
#include "views/panes/panes.h"
#include "views/requests.h"
#include "views/view.h"
#include "views/view_tables.h"

struct neurons {
    struct list list;
    struct neurons_table table;
    struct field field; /* the filter while it is typed */
    bool typing;
    bool details, details_known; /* known: the user has chosen whether they are shown */
};

enum { PAGE = 20, DETAILS_FROM = 150 };

static const struct neurons *state_of(const struct view *v)
{
    return v->state;
}

/* Puts the list's cursor on the neuron that all views have under theirs, if it is in the table. */
static void find_cursor(struct view *v)
{
    struct neurons *s = v->state;
    struct ui_state *d = v->host->ui;
    int n;
    struct ranked_neuron *row = table_rows(d, &s->table, &n, NULL);

    s->list.at = s->list.at < n ? s->list.at : n > 0 ? n - 1 : 0;
    for (int i = 0; i < n; i++)
        if (row[i].neuron == d->at_neuron && row[i].layer == d->at_layer)
            s->list.at = i;
    free(row);
}

/* Moves the list's cursor by rows, and that of all views with it. A table of one layer stays with
 * that layer. */
static void go_to(struct view *v, int by)
{
    struct neurons *s = v->state;
    struct ui_state *d = v->host->ui;
    int n;
    struct ranked_neuron *row = table_rows(d, &s->table, &n, NULL);

    list_move(&s->list, by, n, PAGE);
    if (n) {
        d->at_layer = row[s->list.at].layer;
        d->at_neuron = row[s->list.at].neuron;
    }
    free(row);
}

/* A neuron whose words are not known: near the cursor, or among all candidates while a word
 * filters. */
static bool neurons_wants(const struct view *v, struct neuron_place *out)
{
    const struct neurons *s = state_of(v);
    const struct ui_state *d = v->host->ui;
    bool words = false, found = false;
    int n, from;
    struct ranked_neuron *row = table_rows(d, &s->table, &n, &words);

    if (words) {
        free(row);
        row = table_candidates(d, &s->table, &n);
    }
    from = words || s->list.at < PAGE ? 0 : s->list.at - PAGE;
    for (int i = from; i < n && !found && (words || i < from + 3 * PAGE); i++) {
        found = !ui_neuron_info(d, row[i].layer, row[i].neuron);
        *out = (struct neuron_place){row[i].layer, row[i].neuron};
    }
    free(row);
    return found;
}

static void neurons_close(struct view *v)
{
    field_free(&((struct neurons *)v->state)->field);
}

/* New scores may move the neuron under the cursor to another row. After a change of interventions,
 * the answers with and without them are asked for. */
static void neurons_event(struct view *v, const struct event *ev)
{
    if (ev->kind == EV_ATTRIBUTED)
        find_cursor(v);
    if (ev->kind == EV_STATE && v->host->ui->intervention_count &&
        v->host->ui->at_view == v->ops->name)
        request_intervention_answers(v->host);
}

static void set_filter(struct view *v, const char *text)
{
    struct neurons *s = v->state;

    utf8_copy(s->table.filter, sizeof(s->table.filter), text);
    s->list = (struct list){0, 0};
    find_cursor(v);
}

/* Keys of the filter line while it is open; the table follows each of them. */
static bool neurons_key(struct view *v, const struct key *key)
{
    struct neurons *s = v->state;

    if (!s->typing)
        return false;
    if (key->code == K_ENTER) {
        s->typing = false;
        go_to(v, 0);
    } else if (key->code == K_ESCAPE) {
        s->typing = false;
        set_filter(v, "");
    } else if (key->code == K_UP || key->code == K_DOWN) {
        go_to(v, key->code == K_UP ? -1 : 1);
    } else if (field_key(&s->field, key)) {
        set_filter(v, field_text(&s->field));
    } else {
        return false;
    }
    return true;
}

static const struct field *neurons_field(const struct view *v)
{
    const struct neurons *s = v->state;

    return s->typing ? &s->field : NULL;
}

/* X and f act on all tagged neurons, else on the one under the cursor. */
static void for_tagged(struct view *v, void (*change)(struct host *, int, int))
{
    const struct neurons *s = state_of(v);
    struct ui_state *d = v->host->ui;

    if (!s->table.tags.count) {
        change(v->host, d->at_layer, d->at_neuron);
        return;
    }
    for (int i = 0; i < s->table.tags.count; i++)
        change(v->host, s->table.tags.at[i].layer, s->table.tags.at[i].neuron);
}

/* Tags or untags the neuron and moves on to the next row. */
static void toggle_tag(struct view *v)
{
    struct neurons *s = v->state;
    const struct ui_state *d = v->host->ui;

    if (d->at_neuron < 0)
        return;
    if (!tag_toggle(&s->table.tags, d->at_layer, d->at_neuron))
        v->host->message(v->host, TONE_WARN,
                         "%d neurons are tagged, that is the limit: {untag} untags all", TAGS_MAX);
    else
        go_to(v, 1);
}

/* Opens the command line on ":neuron L5N912=". */
static void prompt_change(struct view *v)
{
    const struct ui_state *d = v->host->ui;
    char text[64];

    if (d->at_neuron < 0) {
        v->host->message(v->host, TONE_WARN, "no neuron under the cursor: {attribute} scores them");
        return;
    }
    snprintf(text, sizeof(text), ":neuron L%dN%d=", d->at_layer, d->at_neuron);
    v->host->prompt(v->host, text, "");
}

/* The next row in this direction whose words contain the text. */
static bool neurons_find_next(struct view *v, const char *text, int by)
{
    struct neurons *s = v->state;
    struct ui_state *d = v->host->ui;
    int n, at = -1;
    struct ranked_neuron *row = table_rows(d, &s->table, &n, NULL);

    for (int i = 1; i <= n && at < 0; i++) {
        int k = ((s->list.at + by * i) % n + n) % n;

        if (neuron_has_token(ui_neuron_info(d, row[k].layer, row[k].neuron), text, true))
            at = k;
    }
    free(row);
    if (at >= 0)
        go_to(v, at - s->list.at);
    return at >= 0;
}

/* /: an address goes to that neuron, anything else searches the words. */
static void neurons_find(struct view *v, const char *text)
{
    struct neurons *s = v->state;

    if (ui_go_to_neuron(v->host->ui, text)) {
        s->table.filter[0] = '\0';
        find_cursor(v);
    } else if (!neurons_find_next(v, text, 1)) {
        v->host->message(v->host, TONE_WARN,
                         "no neuron with known words promotes '%s'; L5N912 goes to a neuron", text);
    }
}

/* Actions that change which rows there are, or their order. */
static bool order_action(struct view *v, enum action action)
{
    struct neurons *s = v->state;

    switch (action) {
    case ACTION_ORDER:
        s->table.sort = (enum table_sort)((s->table.sort + 1) % SORT_COUNT);
        v->host->message(v->host, TONE_PLAIN, "neurons sorted by %s", sort_name(s->table.sort));
        break;
    case ACTION_INVERT:
        s->table.inverted = !s->table.inverted;
        break;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        ui_move_layer(v->host->ui, action == ACTION_LAYER_BACK ? -1 : 1);
        s->list = (struct list){0, 0};
        go_to(v, 0);
        return true;
    case ACTION_FILTER:
        s->typing = true;
        field_set(&s->field, s->table.filter);
        return true;
    default:
        return false;
    }
    find_cursor(v);
    return true;
}

/* Actions on the neuron under the cursor or on the tagged ones. */
static bool neuron_action(struct view *v, enum action action)
{
    struct neurons *s = v->state;

    switch (action) {
    case ACTION_TAG:
        toggle_tag(v);
        return true;
    case ACTION_UNTAG:
        s->table.tags.count = 0;
        return true;
    case ACTION_SILENCE:
        for_tagged(v, ui_silence_neuron);
        return true;
    case ACTION_FORCE:
        for_tagged(v, ui_force_neuron);
        return true;
    case ACTION_EXACT:
        prompt_change(v);
        return true;
    case ACTION_DETAILS:
        s->details = !s->details;
        s->details_known = true;
        return true;
    case ACTION_ENTER:
        v->host->open(v->host, "heatmap");
        return true;
    case ACTION_BACK:
        if (!*s->table.filter)
            return false;
        set_filter(v, "");
        return true;
    default:
        return false;
    }
}

static bool neurons_action(struct view *v, enum action action)
{
    int steps = action_steps(action, PAGE, 1 << 24);

    if (!steps)
        return order_action(v, action) || neuron_action(v, action);
    go_to(v, steps);
    return true;
}

/* Rectangles of table, details and interventions. Details open by themselves on screens of
 * DETAILS_FROM columns; a size of zero: not shown. */
static void neurons_areas(const struct view *v, struct rect area, struct rect *table,
                          struct rect *details, struct rect *changes)
{
    const struct neurons *s = state_of(v);
    int rows = pane_interventions_rows(v->host->ui, area.h);
    bool show = s->details_known ? s->details : area.w >= DETAILS_FROM;

    *changes = (struct rect){area.y + area.h - rows, area.x, rows, area.w};
    area.h -= rows;
    *table = area;
    *details = (struct rect){area.y, area.x + area.w, area.h, 0};
    if (show && area.w >= 110) {
        details->w = area.w >= DETAILS_FROM ? 58 : 46;
        details->x -= details->w;
        table->w -= details->w;
    } else if (show && area.h >= 12) { /* below, where there is no room beside */
        details->h = area.h * 3 / 5;
        *details = (struct rect){area.y + area.h - details->h, area.x, details->h, area.w};
        table->h -= details->h;
    }
}

static bool neurons_click(struct view *v, struct rect area, int y, int x)
{
    struct neurons *s = v->state;
    struct rect table, details, changes;
    int n, top;
    struct ranked_neuron *row;

    neurons_areas(v, area, &table, &details, &changes);
    if (!rect_has(table, y, x) || y < table.y + 2 || y >= table.y + table.h - 1)
        return false;
    row = table_rows(v->host->ui, &s->table, &n, NULL);
    free(row);
    top = list_top(&s->list, n, table.h - 3);
    go_to(v, top + y - table.y - 2 - s->list.at);
    return true;
}

/* "Neurons of layer 4", or with a filter how many match it. */
static void table_title(const struct view *v, int n, bool words, char *title, size_t size)
{
    const struct neurons *s = state_of(v);
    const struct ui_state *d = v->host->ui;
    int known = 0;

    if (!*s->table.filter) {
        snprintf(title, size, "Neurons of layer %d", d->at_layer);
        return;
    }
    for (int i = 0; i < UI_NEURON_INFO && words; i++)
        known += d->neuron_info[i] && !strcmp(d->neuron_info_state[i], d->state.state);
    show_print(title, size, "%d neuron%s: %.40s", n, n == 1 ? "" : "s", s->table.filter);
    if (words)
        snprintf(title + strlen(title), size - strlen(title), "   of %d whose words are known",
                 known);
}

/* The last row of the table while a filter is typed. */
static void draw_filter_line(const struct neurons *s, struct surface *surface, struct rect in)
{
    struct pen p = pen_at(surface, in, in.h - 1, 0);

    surface_fill(surface, (struct rect){in.y + in.h - 1, in.x, 1, in.w}, ROLE_FIELD);
    pen_text(&p, ROLE_KEY, "\\ ");
    field_draw(&s->field, surface, in, in.h - 1, 2, in.w - 2, true);
    if (!s->field.text.len)
        surface_text(surface, in, in.h - 1, 4, ROLE_DIM,
                     "a word it promotes, -word, general, kept, L5, L4-8, all, >0.5, tagged");
}

/* Heading, then the rows around the cursor. */
static void draw_table(const struct view *v, struct surface *s, struct rect area)
{
    const struct neurons *state = state_of(v);
    const struct ui_state *d = v->host->ui;
    bool words = false, line = state->typing;
    int n, top, shown;
    struct ranked_neuron *row = table_rows(d, &state->table, &n, &words);
    char title[160 + UI_WORDS], hint[64];
    struct rect in;

    table_title(v, n, words, title, sizeof(title));
    if (n)
        pane_scores_title(d, d->layer[row[0].layer].score, title, sizeof(title));
    show_print(hint, sizeof(hint), "by %s%s  [ ] layer  \\ filter", sort_name(state->table.sort),
               state->table.inverted ? ", reversed" : "");
    in = box_draw(s, area, title, hint, true);
    shown = in.h - 1 - line;
    if (shown > 0) {
        table_head(d, &state->table, s, in);
        top = list_top(&state->list, n, shown);
        for (int i = top; i < n && i - top < shown; i++)
            table_row(d, &state->table, &row[i], s, in, i - top + 1, i == state->list.at);
        if (!n)
            hint_draw(d, s, in, 1, 2, ROLE_DIM,
                      !d->scored_layers
                          ? "not computed yet: {attribute} scores every neuron for this fact"
                      : !words ? "no neuron matches: {back} shows all"
                               : "none so far: words are still loading, {back} shows all");
        if (line)
            draw_filter_line(state, s, in);
    }
    free(row);
}

static void neurons_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct ui_state *d = v->host->ui;
    struct rect table, details, changes;
    char text[HINT_MAX];

    neurons_areas(v, area, &table, &details, &changes);
    draw_table(v, s, table);
    if (!rect_empty(details))
        pane_neuron(d, d->at_layer, d->at_neuron, s, details,
                    hint_text(d, text, "{details} closes"));
    if (!rect_empty(changes))
        pane_interventions(d, s, changes);
}

const struct view_ops view_neurons = {
    .name = "neurons",
    .title = "Neurons",
    .tab = "Neur",
    .footer = "silence force:in/out exact:set release details filter order tag search attribute "
              "copy enter:map help:keys",
    .size = sizeof(struct neurons),
    .open = find_cursor,
    .close = neurons_close,
    .event = neurons_event,
    .key = neurons_key,
    .field = neurons_field,
    .field_keys = "enter:keep up:row esc:show-all",
    .click = neurons_click,
    .action = neurons_action,
    .find = neurons_find,
    .find_next = neurons_find_next,
    .filter = set_filter,
    .draw = neurons_draw,
    .wants = neurons_wants,
    .table = table_of_neurons,
};
