/* The Compare view: one fact edited in every way there is and with random masks, all judged by the
 * same metrics. It answers whether the choice of neurons matters or only their number.
 * compare_draw.c has its picture.
 *
 * Columns: every editing method (EDITORS), then NMKE with two control masks. Each control keeps as
 * many neurons as the user's mask does in that layer: "random" draws them by the seed, "key size"
 * takes those with the largest coefficients. A mask makes the update weaker, so the right part
 * repeats NMKE and the controls with mask.compensate=gain: scaled up to the gain of the unmasked
 * update (editscope-method(7) 7.6). There only the direction differs, not the strength.
 *
 * More random masks, with the seeds seed + 1 and on, are points over two metrics. + and - say how
 * many.
 *
 * All sets of parameters go to the engine as one command, CMD_VARIANTS, which makes each edit in
 * scratch weights: nothing is written. Results come one by one, as EV_VARIANT. Enter copies the
 * parameters of a column to the user's own. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"
#include "views/screens/compare_internal.h"
#include "views/view_tables.h"

enum { MASKS_AT_FIRST = 32 };

static const struct column {
    int method;
    int mode; /* mask.mode; -1: the user's */
    bool equal;
    const char *name, *what; /* NULL: from the editor's table */
} columns[COLUMNS] = {
#define COLUMN(id, ...) [id] = {METHOD_##id, -1, false, NULL, NULL},
    EDITORS(COLUMN)
#undef COLUMN
        [RANDOM] = {METHOD_NMKE, MODE_RANDOM, false, "random",
                    "as many neurons, drawn by the seed"},
    [KEYMAG] = {METHOD_NMKE, MODE_KEYMAG, false, "key size",
                "as many neurons, those with the largest coefficients"},
    [NMKE_EQ] = {METHOD_NMKE, -1, true, NULL, "your neurons, scaled up to the unmasked gain"},
    [RANDOM_EQ] = {METHOD_NMKE, MODE_RANDOM, true, "random",
                   "random neurons, scaled up to the unmasked gain"},
    [KEYMAG_EQ] = {METHOD_NMKE, MODE_KEYMAG, true, "key size",
                   "the largest coefficients, scaled up to the unmasked gain"},
};

/* The parameters that params_of_variant() sets. */
static const enum param own_params[] = {P_EDIT_METHOD,  P_MASK_MODE, P_MASK_COMPENSATE,
                                        P_MASK_DENSITY, P_MASK_MASS, P_SEED};

static const struct editor_ops *editor_at(int column)
{
    return editor_by_method(columns[column].method);
}

const char *compare_column_name(int column)
{
    return columns[column].name ? columns[column].name : editor_at(column)->title;
}

int compare_rows(void)
{
    return metric_count + 1;
}

static void set_param(struct params *p, enum param id, double value)
{
    p->value[id] = value;
    p->source[id] = FROM_COMMAND_LINE;
}

/* The user's parameters, changed for a column (which < COLUMNS) or for a random mask. A control
 * keeps as many neurons as the user's mask: mask.density 0 and mask.mass 0 mean "the same number".
 * Where the user has chosen a control as mask mode, other columns use the union. */
static struct params params_of_variant(const struct params *now, int which)
{
    const struct column *c = &columns[which < COLUMNS ? which : RANDOM];
    int mode = params_choice(now, P_MASK_MODE);
    struct params p = *now;

    set_param(&p, P_EDIT_METHOD, c->method);
    set_param(&p, P_MASK_COMPENSATE, c->equal ? COMPENSATE_GAIN : COMPENSATE_NONE);
    if (c->mode >= 0 || mode == MODE_RANDOM || mode >= MODE_KEYMAG)
        set_param(&p, P_MASK_MODE, c->mode >= 0 ? c->mode : MODE_UNION);
    if (c->mode >= 0)
        set_param(&p, c->mode == MODE_KEYMAG ? P_MASK_MASS : P_MASK_DENSITY, 0);
    if (which >= COLUMNS)
        set_param(&p, P_SEED, now->value[P_SEED] + 1 + which - COLUMNS);
    return p;
}

const char *compare_column_what(int column, const struct params *now, char out[96])
{
    const struct editor_ops *e = editor_at(column);
    const struct params p = params_of_variant(now, column);

    snprintf(out, 96, "%s (%s)",
             editor_has_mask(&p) ? "the neurons your parameters choose"
             : e->solve          ? "no mask: every neuron of the edited layers"
                                 : "no mask",
             e->paper);
    return columns[column].what ? columns[column].what : out;
}

/* Whether a variant would choose the same neurons now. What it does not choose by does not count.
 */
static bool same_choice(const struct params *a, const struct params *b)
{
    int mode = params_choice(a, P_MASK_MODE);
    bool user = mode != MODE_UNION && mode != MODE_RANDOM && mode != MODE_KEYMAG;

    return param_same(a, b, P_MASK_MODE) && (mode != MODE_RANDOM || param_same(a, b, P_SEED)) &&
           ((mode != MODE_RANDOM && !user) || param_same(a, b, P_MASK_DENSITY)) &&
           ((mode != MODE_KEYMAG && !user) || param_same(a, b, P_MASK_MASS));
}

const char *compare_stale(const struct compare *c, const struct ui_state *d)
{
    const char *stale = variants_run_stale(&c->run, d);

    for (int i = 0; c->run.job && i < c->run.count && !*stale; i++) {
        const struct params now = params_of_variant(&d->params, i);

        if (!same_choice(&now, &c->params[i]))
            stale = "of other parameters";
    }
    return stale;
}

static void compare_open(struct view *v)
{
    struct compare *c = v->state;

    if (!c->set_up)
        c->masks = MASKS_AT_FIRST;
    c->set_up = true;
    c->run.own = own_params;
    c->run.own_count = (int)(sizeof(own_params) / sizeof(*own_params));
}

/* Posts all variants as one command. */
static void run_variants(struct view *v)
{
    struct compare *c = v->state;

    if (c->run.running) {
        v->host->message_of_job(v->host, c->run.job,
                                "the variants are running: {cancel} stops them");
        return;
    }
    if (*compare_stale(c, v->host->ui)) /* then a stopped run does not go on */
        c->run.stopped = false;
    for (int i = 0; i < COLUMNS + c->masks; i++)
        c->params[i] = params_of_variant(&v->host->ui->params, i);
    variants_run_start(v->host, &c->run, c->params, COLUMNS + c->masks, c->variant);
}

/* Stores a result in every variant with these parameters that has none. Compared are parameters
 * and not positions, because a recording may hold fewer editors than this program has. */
static void take_result(struct compare *c, const struct variant_result *t)
{
    static const enum param of[] = {P_EDIT_METHOD, P_MASK_MODE, P_MASK_COMPENSATE, P_SEED};

    for (int i = 0; i < c->run.count; i++) {
        bool same = !c->variant[i].has;

        for (size_t k = 0; k < sizeof(of) / sizeof(*of); k++)
            same = same && param_same(&c->params[i], &t->params, of[k]);
        if (same)
            variant_take(&c->variant[i], t);
    }
}

/* Takes results of its own job; another view may have variants running. */
static void compare_event(struct view *v, const struct event *ev)
{
    struct compare *c = v->state;
    const struct ui_state *d = v->host->ui;

    if (!variants_run_event(v->host, &c->run, ev))
        return;
    variants_run_keep(&c->run, c->variant);
    for (int i = 0; i < d->variant_count; i++)
        if (d->variant[i])
            take_result(c, d->variant[i]);
}

/* Confirmed: the column's parameters become the user's. */
static void use_params(struct host *host, const struct question *q)
{
    const struct compare *c = q->view->state;

    host->ui->params = c->params[q->number];
    host->params_changed(host);
    host->message(host, TONE_GOOD, "parameters of %s%s: {preview} previews with them",
                  compare_column_name(q->number), columns[q->number].equal ? " at equal gain" : "");
}

static void ask_use_params(struct view *v)
{
    struct compare *c = v->state;
    struct question q = {.title = "Use these parameters?",
                         .yes = "Use",
                         .confirmed = use_params,
                         .view = v,
                         .number = c->at};
    char what[96];

    show_print(q.text, sizeof(q.text), "%s%s: %s.\nThe next preview or commit will use them.",
               compare_column_name(c->at), columns[c->at].equal ? " at equal gain" : "",
               compare_column_what(c->at, &v->host->ui->params, what));
    v->host->confirm(v->host, &q);
}

/* --- how many random masks ---------------------------------------------------------------- */

static void set_masks(struct view *v, int masks)
{
    struct compare *c = v->state;

    c->masks = masks;
    v->host->message(v->host, TONE_PLAIN, "the next run tries %d columns and %d random masks",
                     COLUMNS, masks);
}

/* 0, 4, 8, 16 and so on. */
static void step_masks(struct view *v, bool more)
{
    const struct compare *c = v->state;
    int now = c->masks, next = 4;

    if (more) {
        while (next <= now && next < MASKS_MOST)
            next *= 2;
    } else {
        while (next * 2 < now)
            next *= 2;
        next = now <= 4 ? 0 : next;
    }
    set_masks(v, next);
}

static bool compare_command(struct view *v, const char *word, const char *rest)
{
    char *end;
    long n;

    if (strcmp(word, "masks") != 0)
        return false;
    errno = 0;
    n = strtol(rest, &end, 10);
    if (end == rest || *end || errno || n < 0 || n > MASKS_MOST)
        v->host->message(v->host, TONE_ERROR, "masks: '%s' is not a number from 0 to %d", rest,
                         MASKS_MOST);
    else
        set_masks(v, (int)n);
    return true;
}

static void prompt_masks(struct view *v)
{
    const struct compare *c = v->state;
    char text[32];

    snprintf(text, sizeof(text), "%d", c->masks);
    v->host->prompt(v->host, ":masks ", text);
}

/* Moves the cursor to another column or scrolls the rows. */
static bool move_cursor(struct compare *c, enum action action)
{
    int across = action_across(action, COLUMNS), down = action_steps(action, 5, compare_rows());

    c->at += across;
    c->at = c->at < 0 ? 0 : c->at >= COLUMNS ? COLUMNS - 1 : c->at;
    c->row += down;
    c->row = c->row < 0 ? 0 : c->row >= compare_rows() ? compare_rows() - 1 : c->row;
    return across || down;
}

static bool compare_action(struct view *v, enum action action)
{
    struct compare *c = v->state;

    switch (action) {
    case ACTION_ATTRIBUTE:
        run_variants(v);
        return true;
    case ACTION_ENTER:
        if (variant_has_numbers(&c->variant[c->at]))
            ask_use_params(v);
        else
            run_variants(v);
        return true;
    case ACTION_MODE:
        c->picture = (c->picture + 1) % PICTURES;
        return true;
    case ACTION_TRIED_ON:
        tried_on_next(v->host);
        return true;
    case ACTION_MORE:
    case ACTION_LESS:
        step_masks(v, action == ACTION_MORE);
        return true;
    case ACTION_EXACT:
        prompt_masks(v);
        return true;
    default:
        return move_cursor(c, action);
    }
}

const struct view_ops view_compare = {
    .name = "compare",
    .title = "Compare",
    .tab = "Comp",
    .footer = "attribute:run *enter:use *tried-on:state *more:masks right:column mode:axes ?cancel "
              "sweep help:keys",
    .size = sizeof(struct compare),
    .open = compare_open,
    .event = compare_event,
    .action = compare_action,
    .command = compare_command,
    .draw = compare_draw,
    .table = table_of_variants,
};
