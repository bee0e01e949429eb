/* Line charts: the rank of the old and the new object by layer, and the loss of the target's
 * optimisation by step.
 *
 *   ╭ Lens: rank by layer ──────── Rome leads from L23 ╮
 *   │    1                               ⣀⣀⣀⣀⣀ Rome    │   columns 0-5: axis, the last 7: names
 *   │  100    ⠉⠉⠒⠒⠤⠤⣀⣀⣀     ⡠⠒⠉⠁          Paris   │
 *   │  49k                                             │
 *   │       L0        L10        L20   L29             │
 *   ╰──────────────────────────────────────────────────╯ */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/box.h"
#include "tui/chart.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { LEFT = 6, RIGHT = 7 };

/* n ranks that lie `step` apart in memory; NAN where there is none. Caller frees. */
static double *ranks_as_doubles(const int *rank, int n, int step)
{
    double *y = xcalloc((size_t)n + 1, sizeof(*y));

    for (int i = 0; i < n; i++)
        y[i] = rank && rank[i * step] > 0 ? rank[i * step] : (double)NAN;
    return y;
}

/* "312", or "49k" from 10000 on. */
static void short_number(char out[16], double n)
{
    snprintf(out, 16, n >= 10000 ? "%.0fk" : "%.0f", n >= 10000 ? n / 1000 : n);
}

/* Labels 1, 100, 10000 and the lowest rank, where they do not touch. */
static void rank_axis(const struct chart *c, struct surface *s, struct rect in, struct rect plot)
{
    for (double r = 1; r <= c->low; r *= 100) {
        struct pen p = pen_at(s, in, chart_row(c, r, plot.h), 0);
        char number[16];

        short_number(number, r);
        if (r == 1 || chart_row(c, r, plot.h) < plot.h - 2)
            pen_right(&p, ROLE_DIM, LEFT - 2, number);
    }
    if (plot.h > 1) {
        struct pen p = pen_at(s, in, plot.h - 1, 0);
        char number[16];

        short_number(number, c->low);
        pen_right(&p, ROLE_DIM, LEFT - 2, number);
    }
}

/* A label every 10 or 20 layers, and the last layer. */
static void layer_axis(struct surface *s, struct rect in, struct rect plot, int layers)
{
    int step = plot.w >= 30 ? 10 : 20;

    for (int l = 0; l < layers; l += step) {
        struct pen p =
            pen_at(s, in, plot.h, LEFT + l * (plot.w - 1) / (layers - 1 ? layers - 1 : 1));

        if (l + step / 2 > layers && l)
            break;
        pen_printf(&p, ROLE_DIM, "L%d", l);
    }
    if (layers > 1) {
        struct pen p = pen_at(s, in, plot.h, LEFT + plot.w - 2);

        pen_printf(&p, ROLE_DIM, "L%d", layers - 1);
    }
}

/* A name at the right end of a curve, one row lower if another name is there. */
static void curve_name(struct surface *s, struct rect in, struct rect plot, int y, int *taken,
                       enum role role, const char *name)
{
    struct pen p;

    if (y == *taken) /* two names on one line would hide each other */
        y += y + 1 < plot.h ? 1 : -1;
    *taken = y;
    p = pen_at(s, in, y, LEFT + plot.w + 1);
    pen_fit(&p, role, RIGHT - 1, name);
}

/* How the prompt is read: by the side of the verdict that is shown, else by the weights as they
 * are. */
static const struct prompt_info *shown_prompt(const struct ui_state *d)
{
    const struct edit_side *side = ui_shown_side(d);

    return side ? &side->prompt : d->prompt_info;
}

/* "Lens: rank by layer", of which side, and what the ranks were made from if they are stale, which
 * is returned. */
static bool lens_title(const struct ui_state *d, char title[32 + UI_WORDS])
{
    const struct edit_side *side = ui_shown_side(d);
    char words[UI_WORDS];

    snprintf(title, 32 + UI_WORDS, "Lens: rank by layer%s",
             !side                    ? ""
             : d->side == SIDE_BEFORE ? ", before"
                                      : ", after");
    return side ? pane_stale_words("", ui_verdict_words(d, words), title, 32 + UI_WORDS)
                : pane_stale_title(d, d->prompt_info, title, 32 + UI_WORDS);
}

/* "Rome leads from L23" for the frame's corner; "log", the axis, if it does not end ahead. */
static const char *lens_hint(const struct ui_state *d, char hint[64])
{
    const struct prompt_info *look = shown_prompt(d);
    int from = look && (look != d->prompt_info || !ui_differs(d, look))
                   ? lens_overtakes(look->rank_old, look->rank_new, look->layers, 1)
                   : -1;

    if (from >= 0 && d->fact.target)
        show_print(hint, 64, "%.12s leads from L%d", d->fact.target, from);
    else
        snprintf(hint, 64, "log");
    return hint;
}

/* Why there are no ranks. */
static const char *no_ranks(const struct ui_state *d)
{
    return d->viewed                                    ? HINT_NOT_THERE
           : d->prompt_info && *d->prompt_info->problem ? d->prompt_info->problem
                                                        : "ranks appear with the fact";
}

void pane_lens(const struct ui_state *d, struct surface *s, struct rect area, bool focus)
{
    const struct prompt_info *look = shown_prompt(d);
    char hint[64], title[32 + UI_WORDS];
    bool stale = lens_title(d, title);
    struct rect in = box_draw(s, area, title, lens_hint(d, hint), focus);
    struct rect plot = {in.y, in.x + LEFT, in.h - 1, in.w - LEFT - RIGHT};
    struct series series[2];
    struct chart c = {series, 2, 0, d->model.vocab > 1 ? d->model.vocab : 2, 1, true};
    double *new_rank, *old_rank;
    char old[48];
    int taken = -1;

    if (rect_empty(plot) || !look || look->layers < 1) {
        if (!rect_empty(in))
            surface_lines(s, in, 0, ROLE_DIM, no_ranks(d));
        return;
    }
    new_rank = ranks_as_doubles(look->rank_new, look->layers, 1);
    old_rank = ranks_as_doubles(look->rank_old, look->layers, 1);
    series[0] = (struct series){new_rank, look->layers, ROLE_NEW, NULL};
    series[1] = (struct series){old_rank, look->layers, ROLE_OLD, NULL};
    chart_draw(&c, s, plot);
    rank_axis(&c, s, in, plot);
    layer_axis(s, in, plot, look->layers);
    text_piece(old, sizeof(old), look->old.text[0] == ' ' ? look->old.text + 1 : look->old.text);
    curve_name(s, in, plot, chart_row(&c, series[1].y[look->layers - 1], plot.h), &taken, ROLE_OLD,
               old);
    curve_name(s, in, plot, chart_row(&c, series[0].y[look->layers - 1], plot.h), &taken, ROLE_NEW,
               ui_object_of(d, look));
    if (stale)
        surface_stale(s, in);
    free(new_rank);
    free(old_rank);
}

/* Both ranks in one state, and the layer from which the new object stays ahead. */
struct curves {
    const char *name;
    const void *from;  /* the result that they are of */
    int layers, leads; /* -1: the new object does not end ahead */
    double *old, *new;
};

/* Ranks at one position before or after: from the lens at every position if it is there, else from
 * the prompt's own lens, which belongs to the committed weights. false: not known. */
static bool curves_of(const struct ui_state *d, bool after, int token, struct curves *c)
{
    const struct lens_grid *g = after ? lens_shown(d, SIDE_AFTER) : ui_lens(d, STATE_BASE);
    const struct prompt_info *look = d->prompt_info;

    if (after && g == ui_lens(d, STATE_BASE)) {
        if (d->state.edits + d->state.preview == 0)
            return false; /* nothing was done yet: there is no after */
        g = NULL;         /* the lens after has not come */
    }
    c->name = after ? "after" : d->state.edits || d->state.preview ? "before" : "now";
    if (g && token < g->tokens && g->rank_old && g->rank_new) {
        c->from = g;
        c->layers = g->layers;
        c->old = ranks_as_doubles(g->rank_old + token, g->layers, g->tokens);
        c->new = ranks_as_doubles(g->rank_new + token, g->layers, g->tokens);
        c->leads = lens_overtakes(g->rank_old + token, g->rank_new + token, g->layers, g->tokens);
        return true;
    }
    /* the look is of the committed weights */
    if (look && look->layers && look->rank_old && look->rank_new && !d->state.preview &&
        after == (d->state.edits > 0)) {
        c->from = look;
        c->layers = look->layers;
        c->old = ranks_as_doubles(look->rank_old, look->layers, 1);
        c->new = ranks_as_doubles(look->rank_new, look->layers, 1);
        c->leads = lens_overtakes(look->rank_old, look->rank_new, look->layers, 1);
        return true;
    }
    return false;
}

/* Before the edit: a mark for each layer. After it: lines. The colour says which object. */
static const char *const before_mark[2] = {"o", "+"};

static void curves_free(struct curves c[2])
{
    for (int k = 0; k < 2; k++) {
        free(c[k].old);
        free(c[k].new);
    }
}

/* "before o Paris + Rome: Rome overtakes at L23"; narrow panes leave the first names out. */
static void overtaking_line(const struct ui_state *d, const struct curves *c, const char *old,
                            bool marks, struct surface *s, struct rect in, int y)
{
    const char *new = ui_object_of(d, c->from);
    const char *name[2] = {old, new};
    struct pen p = pen_at(s, in, y, 0);
    char short_name[2][40];

    pen_printf(&p, ROLE_DIM, "%-6s", c->name);
    for (int k = 0; k < 2; k++) {
        show_print(short_name[k], sizeof(short_name[k]), "%.12s", name[k]);
        pen_printf(&p, k ? ROLE_NEW : ROLE_OLD, " %s", marks ? before_mark[k] : "──");
        if (in.w >= 60)
            pen_printf(&p, k ? ROLE_NEW : ROLE_OLD, " %s", short_name[k]);
    }
    p.x = in.w >= 60 ? p.x + 2 : 13;
    pen_text(&p, c->leads >= 0 ? ROLE_NEW : ROLE_OLD, short_name[c->leads >= 0]);
    if (c->leads >= 0)
        pen_printf(&p, ROLE_TEXT, p.x + 17 <= in.w ? " overtakes at L%d" : " from L%d", c->leads);
    else
        pen_text(&p, ROLE_TEXT, " stays ahead");
}

/* Four curves at most: marks before, lines after. Where only one state is known, lines. */
static void curves_plot(const struct ui_state *d, const struct curves c[2], const char *old,
                        struct surface *s, struct rect in)
{
    struct rect plot = {in.y, in.x + LEFT, in.h - 4, in.w - LEFT - RIGHT};
    struct series series[4];
    struct chart chart = {series, 0, 0, d->model.vocab > 1 ? d->model.vocab : 2, 1, true};
    const struct curves *last = c[1].layers ? &c[1] : &c[0];
    int taken = -1;

    for (int k = 0; k < 2; k++) {
        bool marks = &c[k] != last;

        if (!c[k].layers)
            continue;
        series[chart.count++] =
            (struct series){c[k].new, c[k].layers, ROLE_NEW, marks ? before_mark[1] : NULL};
        series[chart.count++] =
            (struct series){c[k].old, c[k].layers, ROLE_OLD, marks ? before_mark[0] : NULL};
    }
    chart_draw(&chart, s, plot);
    rank_axis(&chart, s, in, plot);
    layer_axis(s, in, plot, last->layers);
    curve_name(s, in, plot, chart_row(&chart, last->old[last->layers - 1], plot.h), &taken,
               ROLE_OLD, old);
    curve_name(s, in, plot, chart_row(&chart, last->new[last->layers - 1], plot.h), &taken,
               ROLE_NEW, ui_object_of(d, last->from));
}

bool rank_curves_draw(const struct ui_state *d, int token, struct surface *s, struct rect in)
{
    struct curves c[2] = {{0}};
    char old[48] = "old";
    int known = 0, y = in.h - 2;
    bool drawn;

    for (int k = 0; k < 2; k++)
        known += curves_of(d, k, token, &c[k]);
    drawn = known && in.h >= 6 && in.w >= LEFT + RIGHT + 8;
    if (drawn) {
        if (d->prompt_info)
            text_piece(old, sizeof(old),
                       d->prompt_info->old.text + strspn(d->prompt_info->old.text, " "));
        curves_plot(d, c, old, s, in);
        for (int k = 0; k < 2; k++)
            if (c[k].layers)
                overtaking_line(d, &c[k], old, known == 2 && !k, s, in, y++);
    }
    curves_free(c);
    return drawn;
}

void pane_curves(const struct ui_state *d, int token, struct surface *s, struct rect area,
                 bool focus)
{
    struct curves c[2] = {{0}};
    char title[32 + UI_WORDS] = "Rank by layer";
    bool stale = false;
    struct rect in;

    for (int k = 0; k < 2; k++)
        if (curves_of(d, k, token, &c[k]))
            stale = stale || pane_stale_title(d, c[k].from, title, sizeof(title));
    curves_free(c);
    in = box_draw(s, area, title, "log", focus);
    if (!rank_curves_draw(d, token, s, in) && !rect_empty(in))
        surface_lines(s, in, 0, ROLE_DIM, no_ranks(d));
    else if (stale)
        surface_stale(s, in);
}

/* The last step's loss and p(target); where there is room its two terms, and which step it is. */
static void step_line(const struct ui_state *d, struct surface *s, struct rect in)
{
    const struct target_step *last = &d->step[d->steps - 1];
    struct pen p = pen_at(s, in, in.h - 1, 0);
    char step[32], loss[32], terms[64], target[40], number[16];

    snprintf(step, sizeof(step), "step %d  ", last->step);
    snprintf(loss, sizeof(loss), "loss %.3f  ", last->loss);
    snprintf(terms, sizeof(terms), "nll %.3f  kl %.3f  ", last->nll, last->kl);
    snprintf(target, sizeof(target), "p(target) %s", text_probability(number, last->p_target));
    if (text_width(loss) + text_width(target) + text_width(step) > in.w)
        *step = '\0';
    if (text_width(loss) + text_width(target) + text_width(step) + text_width(terms) > in.w)
        *terms = '\0';
    pen_text(&p, ROLE_DIM, step);
    pen_text(&p, ROLE_STRONG, loss);
    pen_text(&p, ROLE_DIM, terms);
    pen_text(&p, ROLE_NEW, target);
}

void pane_steps(const struct ui_state *d, struct surface *s, struct rect area, bool focus)
{
    char title[32 + UI_WORDS] = "Target: loss by step";
    bool stale = pane_stale_title(d, d->step, title, sizeof(title));
    struct rect in = hint_box(d, s, area, title, "{cancel} stops", focus);
    struct rect plot = {in.y, in.x + LEFT, in.h - 1, in.w - LEFT};
    double high = 0, *y = xcalloc((size_t)d->steps + 1, sizeof(*y));
    struct series series = {y, d->steps, ROLE_CURVE, NULL};
    struct chart c = {&series, 1, (int)d->params.value[P_EDIT_V_STEPS], 0, 1, false};
    char number[16];

    for (int i = 0; i < d->steps; i++) {
        y[i] = d->step[i].loss;
        high = y[i] > high ? y[i] : high;
    }
    c.high = high > 0 ? high : 1;
    c.points = c.points > d->steps ? c.points : d->steps;
    if (!rect_empty(plot) && d->steps) {
        struct pen p = pen_at(s, in, 0, 0);

        chart_draw(&c, s, plot);
        snprintf(number, sizeof(number), "%.3g", high);
        pen_right(&p, ROLE_DIM, LEFT - 1, number);
        p = pen_at(s, in, plot.h - 1, 0);
        pen_right(&p, ROLE_DIM, LEFT - 1, "0");
        step_line(d, s, in);
        if (stale)
            surface_stale(s, in);
    }
    free(y);
}
