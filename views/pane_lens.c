/* Ranks of the old and the new object by layer, and the loss of an optimisation by step. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/chart.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/panes.h"

enum { LEFT = 6, RIGHT = 7 };

static double *ranks(const int *rank, int n)
{
    double *y = xcalloc((size_t)n + 1, sizeof(*y));

    for (int i = 0; i < n; i++)
        y[i] = rank && rank[i] > 0 ? rank[i] : (double)NAN;
    return y;
}

static void short_number(char out[16], double n)
{
    snprintf(out, 16, n >= 10000 ? "%.0fk" : "%.0f", n >= 10000 ? n / 1000 : n);
}

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

void pane_lens(const struct desk *d, struct surface *s, struct rect area, bool focus)
{
    struct rect in = box_draw(s, area, "Lens: rank by layer", "log", focus);
    struct rect plot = {in.y, in.x + LEFT, in.h - 1, in.w - LEFT - RIGHT};
    const struct look *look = d->look;
    struct series series[2];
    struct chart c = {series, 2, 0, d->model.vocab > 1 ? d->model.vocab : 2, 1, true};
    double *new_rank, *old_rank;
    char old[48];
    int taken = -1;

    if (rect_empty(plot) || !look || look->layers < 1) {
        struct pen p = pen_at(s, in, 0, 0);

        if (!rect_empty(in))
            pen_text(&p, ROLE_DIM, "ranks appear with the fact");
        return;
    }
    new_rank = ranks(look->rank_new, look->layers);
    old_rank = ranks(look->rank_old, look->layers);
    series[0] = (struct series){new_rank, look->layers, ROLE_NEW};
    series[1] = (struct series){old_rank, look->layers, ROLE_OLD};
    chart_draw(&c, s, plot);
    rank_axis(&c, s, in, plot);
    layer_axis(s, in, plot, look->layers);
    text_piece(old, sizeof(old), look->old.text[0] == ' ' ? look->old.text + 1 : look->old.text);
    curve_name(s, in, plot, chart_row(&c, series[1].y[look->layers - 1], plot.h), &taken, ROLE_OLD,
               old);
    curve_name(s, in, plot, chart_row(&c, series[0].y[look->layers - 1], plot.h), &taken, ROLE_NEW,
               d->fact.target ? d->fact.target : "");
    free(new_rank);
    free(old_rank);
}

static void step_words(const struct desk *d, struct surface *s, struct rect in)
{
    const struct step *last = &d->step[d->steps - 1];
    struct pen p = pen_at(s, in, in.h - 1, 0);
    char number[16];

    pen_printf(&p, ROLE_DIM, "step %d  ", last->step);
    pen_printf(&p, ROLE_STRONG, "loss %.3f", last->loss);
    pen_printf(&p, ROLE_DIM, "  nll %.3f  kl %.3f  ", last->nll, last->kl);
    pen_printf(&p, ROLE_NEW, "p %s", text_probability(number, last->p_target));
}

void pane_steps(const struct desk *d, struct surface *s, struct rect area, bool focus)
{
    struct rect in = box_draw(s, area, "Target: loss by step", "Esc stops", focus);
    struct rect plot = {in.y, in.x + LEFT, in.h - 1, in.w - LEFT};
    double high = 0, *y = xcalloc((size_t)d->steps + 1, sizeof(*y));
    struct series series = {y, d->steps, ROLE_CURVE};
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
        step_words(d, s, in);
    }
    free(y);
}
