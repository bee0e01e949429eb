/* The Edit view, the first screen: fact, knobs, map, ratios, lens and strongest neurons, all of
 * one fact.
 *
 * Each pane is drawn by a function of views/panes/ from ui_state alone. This file says where the
 * panes go (edit_layout.c), which one has the focus, and what keys do in it:
 *
 *   pane      keys
 *   fact      Enter or e opens the form: subject, prompt, new and old object
 *   params    up and down select a knob, left and right step it, = types a value
 *   map       the arrows move the cursor by layers and by bins of neurons
 *   ratios    Enter opens the Ratios view
 *   verdict   after a preview or commit; Enter opens the Verdict view
 *   lens      (drawn only)
 *   neurons   up and down select one of the strongest, Enter opens the Neurons view
 *
 * A key that the focused pane does not use goes on to edit_action(): Tab, the keys a b t that jump
 * to a knob from anywhere, and + - that step it.
 *
 * A moved knob costs no engine command: host->params_changed() makes the app build the masks again
 * before the next frame, from the scores that ui_state holds, and map, ratios and neurons show the
 * new mask at once.
 *
 * While the form is typed in, request_typed_info() asks for the tokens and the present answer of
 * what has been typed so far, one request at a time: if keys come while one runs, another follows
 * when it is done. During a preview or commit, the optimiser's steps are drawn in place of the
 * lens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/relations.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "views/hint.h"
#include "views/panes/pane_verdict.h"
#include "views/panes/panes.h"
#include "views/param_undo.h"
#include "views/requests.h"
#include "views/screens/edit_layout.h"
#include "views/view.h"
#include "views/view_tables.h"

struct edit {
    struct fact_form form;
    int pane;          /* enum edit_pane: which has the focus */
    enum knob knob;    /* selected in the parameters */
    int neuron;        /* selected among the strongest */
    unsigned info_job; /* the request for tokens and answer of the typed fact, 0: none */
    bool info_wanted;  /* the fact has changed since that request */
};

/* --present: the lens takes the rows of the neurons below it. */
static void enlarge_lens(struct edit_layout *l)
{
    struct rect *lens = &l->pane[PANE_LENS], *neurons = &l->pane[PANE_NEURONS];

    if (lens->h > 0 && neurons->h > 0 && lens->x == neurons->x) {
        lens->h += neurons->h;
        *neurons = (struct rect){0};
    }
}

/* A pane with the focus is seen: where there is no room for it, it takes the place of another. */
static void show_focused(struct edit_layout *l, int focus)
{
    static const enum edit_pane gives_way[] = {PANE_LENS,   PANE_VERDICT, PANE_NEURONS,
                                               PANE_RATIOS, PANE_MAP,     PANE_PARAMS};

    for (size_t i = 0; focus && i < sizeof(gives_way) / sizeof(*gives_way); i++)
        if (rect_empty(l->pane[focus]) && !rect_empty(l->pane[gives_way[i]])) {
            l->pane[focus] = l->pane[gives_way[i]];
            l->pane[gives_way[i]] = (struct rect){0};
        }
}

/* The map's window beside the parameters: the edited layers, and all of them if there are none. */
static struct map_window window_of(const struct ui_state *d, const struct edit_layout *l)
{
    struct map_window w = {.compact = l->beside};

    for (int i = 0; l->beside && i < d->layers && i < PARAM_MAX_LAYERS; i++)
        w.some |= w.layer[i] = ui_edits_layer(d, i);
    return w;
}

static struct edit_layout layout_of(const struct view *v, struct rect area)
{
    const struct ui_state *d = v->host->ui;
    int edited = 0, focus = ((const struct edit *)v->state)->pane;
    struct edit_layout out;

    for (int l = 0; l < d->layers; l++)
        edited += ui_edits_layer(d, l);
    out = edit_layout(area, d->layers, edited, ui_verdict(d) != NULL,
                      ((const struct edit *)v->state)->form.open);
    if (d->present)
        enlarge_lens(&out);
    if (focus != PANE_VERDICT || ui_verdict(d))
        show_focused(&out, focus);
    if (d->ready)
        edit_layout_share(&out);
    return out;
}

static void edit_open(struct view *v)
{
    struct edit *e = v->state;

    if (!e->pane)
        e->pane = PANE_PARAMS;
}

static void edit_close(struct view *v)
{
    struct edit *e = v->state;

    for (int i = 0; i < FORM_FIELDS; i++)
        field_free(&e->form.field[i]);
}

/* Requests tokens and present answer of the typed fact, unless it is incomplete or a request is
 * under way. */
static void request_typed_info(struct view *v)
{
    struct edit *e = v->state;
    struct fact fact;

    e->info_wanted = false;
    if (!form_fact(v->host->ui, &e->form, &fact, NULL) || e->info_job)
        e->info_wanted = e->info_job != 0;
    else
        e->info_job = request_prompt_info(v->host, &fact);
    fact_free(&fact);
}

/* The request is done: another one if the text has changed since. */
static void edit_event(struct view *v, const struct event *ev)
{
    struct edit *e = v->state;

    if (!e->info_job || ev->job != e->info_job || (ev->kind != EV_DONE && ev->kind != EV_FAILED))
        return;
    e->info_job = 0;
    if (e->info_wanted && e->form.open)
        request_typed_info(v);
}

/* Opens the form on the present fact. */
static void form_open(struct view *v)
{
    struct edit *e = v->state;
    const struct fact *fact = &v->host->ui->fact;

    field_set(&e->form.field[FORM_SUBJECT], fact->subject ? fact->subject : "");
    field_set(&e->form.field[FORM_PROMPT], fact->prompt ? fact->prompt : "");
    field_set(&e->form.field[FORM_TARGET], fact->target ? fact->target : "");
    field_set(&e->form.field[FORM_OLD], fact->old ? fact->old : "");
    e->form.old_typed = false;
    e->form.at = FORM_SUBJECT;
    e->form.open = true;
    e->pane = PANE_FACT;
}

/* After a key in a field: the old object is one of the present fact's question, and goes with it
 * unless it was typed. */
static void form_typed(struct view *v)
{
    struct fact_form *form = &((struct edit *)v->state)->form;
    const struct fact *fact = &v->host->ui->fact;
    bool same = fact->subject && !strcmp(field_text(&form->field[FORM_SUBJECT]), fact->subject) &&
                !strcmp(field_text(&form->field[FORM_PROMPT]), fact->prompt);

    form->old_typed |= form->at == FORM_OLD;
    if (!form->old_typed)
        field_set(&form->field[FORM_OLD], same && fact->old ? fact->old : "");
    request_typed_info(v);
}

/* Enter: the fact is used if it is valid, else the form stays open and the error is shown. */
static void form_accept(struct view *v)
{
    struct edit *e = v->state;
    struct err err = {0};
    struct fact fact;

    if (!form_fact(v->host->ui, &e->form, &fact, &err)) {
        v->host->message(v->host, TONE_ERROR, "%s", err.text);
        return;
    }
    e->form.open = false;
    e->pane = PANE_PARAMS;
    ui_set_fact(v->host, &fact);
    fact_free(&fact);
}

/* Esc: the old fact stays. The answers on the screen are of the typed text, so they are requested
 * again. */
static void form_cancel(struct view *v)
{
    struct edit *e = v->state;

    e->form.open = false;
    e->pane = PANE_PARAMS;
    if (v->host->ui->fact.subject)
        request_prompt_info(v->host, &v->host->ui->fact);
}

static bool edit_key(struct view *v, const struct key *key)
{
    struct edit *e = v->state;

    if (!e->form.open)
        return false;
    if (key->code == K_ENTER) {
        form_accept(v);
    } else if (key->code == K_ESCAPE) {
        form_cancel(v);
    } else if (key->code == K_TAB || key->code == K_DOWN) {
        e->form.at = (e->form.at + 1) % FORM_FIELDS;
    } else if (key->code == K_BACK_TAB || key->code == K_UP) {
        e->form.at = (e->form.at + FORM_FIELDS - 1) % FORM_FIELDS;
    } else if (key->code == K_PASTE &&
               is_fact_line(key->paste)) { /* a whole fact, Enter takes it */
        e->form.at = FORM_SUBJECT;
        field_set(&e->form.field[FORM_SUBJECT], "");
        field_key(&e->form.field[FORM_SUBJECT], key);
    } else if (field_key(&e->form.field[e->form.at], key)) {
        form_typed(v);
    } else {
        return false; /* Ctrl-C, function keys */
    }
    return true;
}

static const struct field *edit_field(const struct view *v)
{
    const struct edit *e = v->state;

    return e->form.open ? &e->form.field[e->form.at] : NULL;
}

/* Tab and Shift-Tab; PANE_NONE, and a verdict that is not there, are skipped. */
static void next_pane(struct view *v, int by)
{
    struct edit *e = v->state;

    do
        e->pane = (e->pane + by + PANE_COUNT) % PANE_COUNT;
    while (e->pane == PANE_NONE || (e->pane == PANE_VERDICT && !ui_verdict(v->host->ui)));
}

/* Selects, steps, resets a knob, or opens the command line on its value. */
static bool knob_action(struct view *v, enum action action)
{
    struct edit *e = v->state;
    struct params *p = &v->host->ui->params;
    char text[16], sign[64];

    switch (action) {
    case ACTION_UP:
        e->knob = e->knob ? e->knob - 1 : 0;
        return true;
    case ACTION_DOWN:
        e->knob = e->knob + 1 < KNOB_COUNT ? e->knob + 1 : e->knob;
        return true;
    case ACTION_RESET:
        param_reset(p, &v->host->ui->first, knob_info(e->knob)->param);
        break;
    case ACTION_EXACT:
        snprintf(sign, sizeof(sign), ":set %s=", param_info(knob_info(e->knob)->param)->alias);
        v->host->prompt(v->host, sign, knob_text(p, e->knob, text));
        return true;
    default:
        if (!action_change(action))
            return false;
        knob_step(p, e->knob, action_change(action));
    }
    v->host->params_changed(v->host);
    return true;
}

/* Moves through the strongest neurons of the edited layers; the cursor of all views follows. */
static bool neuron_action(struct view *v, enum action action)
{
    struct edit *e = v->state;
    struct ui_state *d = v->host->ui;
    struct ranked_neuron top[64];
    int n = ui_top_neurons(d, -1, ORDER_SCORE, top, 64);

    if (action == ACTION_UP)
        e->neuron -= e->neuron > 0;
    else if (action == ACTION_DOWN)
        e->neuron += e->neuron + 1 < n;
    else if (action != ACTION_ENTER)
        return false;
    if (n) {
        e->neuron = e->neuron < n ? e->neuron : n - 1;
        d->at_layer = top[e->neuron].layer;
        d->at_neuron = top[e->neuron].neuron;
    }
    if (action == ACTION_ENTER)
        v->host->open(v->host, "neurons");
    return true;
}

/* Moves the cursor of all views by a 64th of the layer, about one cell of the small map. */
static bool map_action(struct view *v, enum action action)
{
    struct ui_state *d = v->host->ui;
    int bin = d->model.neurons / 64 > 0 ? d->model.neurons / 64 : 1;

    if (action == ACTION_ENTER) {
        v->host->open(v->host, "heatmap");
        return true;
    }
    if (action == ACTION_LEFT)
        ui_move_neuron(d, -bin);
    else if (action == ACTION_RIGHT)
        ui_move_neuron(d, bin);
    else if (action == ACTION_UP || action == ACTION_DOWN)
        ui_move_layer(d, action == ACTION_UP ? -1 : 1);
    else
        return false;
    return true;
}

/* The action in the pane with the focus; false: the pane does not use it. */
static bool pane_action(struct view *v, enum action action)
{
    struct edit *e = v->state;

    switch (e->pane) {
    case PANE_FACT:
        if (action == ACTION_ENTER)
            form_open(v);
        return action == ACTION_ENTER;
    case PANE_PARAMS:
        return knob_action(v, action);
    case PANE_MAP:
        return map_action(v, action);
    case PANE_NEURONS:
        return neuron_action(v, action);
    case PANE_RATIOS:
    case PANE_VERDICT:
        if (action == ACTION_ENTER)
            v->host->open(v->host, e->pane == PANE_RATIOS ? "ratios" : "verdict");
        return action == ACTION_ENTER;
    default:
        return false;
    }
}

static bool edit_action(struct view *v, enum action action)
{
    struct edit *e = v->state;

    if (pane_action(v, action))
        return true;
    switch (action) {
    case ACTION_EDIT_FACT:
        form_open(v);
        return true;
    case ACTION_NEXT_PANE:
        next_pane(v, 1);
        return true;
    case ACTION_PREVIOUS_PANE:
        next_pane(v, -1);
        return true;
    case ACTION_ALPHA:
        e->knob =
            e->pane == PANE_PARAMS && e->knob == KNOB_ALPHA_GE ? KNOB_ALPHA_SP : KNOB_ALPHA_GE;
        break;
    case ACTION_BETA:
        e->knob = e->pane == PANE_PARAMS && e->knob == KNOB_BETA_GE ? KNOB_BETA_SP : KNOB_BETA_GE;
        break;
    case ACTION_TEMPERATURE:
        e->knob = KNOB_TAU;
        break;
    case ACTION_UP:
    case ACTION_DOWN:
        ui_move_layer(v->host->ui, action == ACTION_UP ? -1 : 1);
        return true;
    case ACTION_MORE:
    case ACTION_LESS:
    case ACTION_MUCH_MORE:
    case ACTION_MUCH_LESS:
    case ACTION_EXACT:
    case ACTION_RESET: /* and shows which knob it was */
        knob_action(v, action);
        break;
    default:
        return false;
    }
    e->pane = PANE_PARAMS;
    return true;
}

/* Focuses the pane under the mouse; in the parameters it selects the knob, in the map the neuron.
 */
static bool edit_click(struct view *v, struct rect area, int y, int x)
{
    struct edit *e = v->state;
    struct ui_state *d = v->host->ui;
    struct edit_layout l = layout_of(v, area);
    const struct map_window window = window_of(d, &l);
    struct neuron_place at;

    for (int i = PANE_FACT; i < PANE_COUNT; i++)
        if (rect_has(l.pane[i], y, x)) {
            int shown = l.pane[i].h - 2, top = (int)e->knob >= shown ? (int)e->knob - shown + 1 : 0;
            int knob = y - l.pane[i].y - 1 + top; /* as pane_params() scrolls */

            e->pane = i;
            if (i == PANE_PARAMS && knob >= 0 && knob < KNOB_COUNT)
                e->knob = (enum knob)knob;
            if (i == PANE_MAP && map_neuron_at(d, &window, l.pane[i], y, x, &at)) {
                d->at_layer = at.layer;
                d->at_neuron = at.neuron;
            }
            return true;
        }
    return false;
}

/* Over a knob the wheel steps it, elsewhere it moves in the pane it is over. */
static bool edit_wheel(struct view *v, struct rect area, int y, int x, int by)
{
    struct edit *e = v->state;
    struct rect params = layout_of(v, area).pane[PANE_PARAMS];
    enum action action = by < 0 ? ACTION_UP : ACTION_DOWN;

    if (!edit_click(v, area, y, x))
        return false;
    if (e->pane == PANE_PARAMS && rect_has(params, y, x))
        action = by < 0 ? ACTION_RIGHT : ACTION_LEFT;
    return edit_action(v, action);
}

static const char *edit_place(const struct view *v)
{
    static const char *const place[PANE_COUNT] = {
        [PANE_NONE] = "edit.fact",       [PANE_FACT] = "edit.fact",
        [PANE_PARAMS] = "edit.params",   [PANE_MAP] = "edit.map",
        [PANE_RATIOS] = "edit.ratios",   [PANE_LENS] = "edit.lens",
        [PANE_NEURONS] = "edit.neurons", [PANE_VERDICT] = "edit.verdict"};

    return place[((const struct edit *)v->state)->pane];
}

/* Which keys show what there is no room for: the ratios, and the map or its other layers. */
static void draw_dropped(const struct ui_state *d, const struct edit_layout *l, struct surface *s)
{
    char text[HINT_MAX];

    if (!rect_empty(l->pane[PANE_RATIOS]))
        return;
    if (l->beside)
        box_foot(s, l->pane[PANE_MAP],
                 hint_text(d, text, "all: {view-heatmap}, ratios: {view-ratios}"));
    else if (rect_empty(l->pane[PANE_MAP]))
        box_foot(s, l->pane[PANE_FACT],
                 hint_text(d, text, "map in {view-heatmap}, ratios in {view-ratios}"));
}

/* Draws all panes; see edit_layout.c for where they go. */
static void edit_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct edit *e = v->state;
    const struct ui_state *d = v->host->ui;
    struct edit_layout l = layout_of(v, area);
    const struct map_window window = window_of(d, &l);
    enum command_kind busy = ui_busy(d);
    bool solving = (busy == CMD_PREVIEW || busy == CMD_COMMIT) && d->steps;
    struct rect steps = l.pane[PANE_LENS];

    if (rect_empty(steps))
        steps = l.pane[PANE_NEURONS];
    if (!rect_empty(l.pane[e->pane])) /* a pane with rows moves it to its own */
        surface_cursor(s, l.pane[e->pane], 1, 2);
    pane_fact(d, &e->form, s, l.pane[PANE_FACT], e->pane == PANE_FACT);
    pane_params(d, e->knob, s, l.pane[PANE_PARAMS], e->pane == PANE_PARAMS);
    pane_map(d, &window, s, l.pane[PANE_MAP], e->pane == PANE_MAP);
    pane_ratios(d, "{view-ratios} shows all", s, l.pane[PANE_RATIOS], e->pane == PANE_RATIOS);
    pane_verdict(d, s, l.pane[PANE_VERDICT], e->pane == PANE_VERDICT);
    if (!solving || steps.y != l.pane[PANE_LENS].y || rect_empty(l.pane[PANE_LENS]))
        pane_lens(d, s, l.pane[PANE_LENS], e->pane == PANE_LENS);
    if (!solving || steps.y != l.pane[PANE_NEURONS].y)
        pane_neurons(d, e->neuron, s, l.pane[PANE_NEURONS], e->pane == PANE_NEURONS);
    if (solving)
        pane_steps(d, s, steps, false);
    draw_dropped(d, &l, s);
}

const struct view_ops view_edit = {
    .name = "edit",
    .title = "Edit",
    .footer = "attribute preview commit undo help:keys flip:before/after view-compare:compare "
              "search command quit",
    .size = sizeof(struct edit),
    .open = edit_open,
    .close = edit_close,
    .event = edit_event,
    .key = edit_key,
    .field = edit_field,
    .field_keys = "enter:accept tab:next S-tab:previous esc:leave",
    .click = edit_click,
    .wheel = edit_wheel,
    .action = edit_action,
    .place = edit_place,
    .draw = edit_draw,
    .table = table_of_neurons,
};
