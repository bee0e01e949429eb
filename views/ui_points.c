/* The points of Sweep's plane: every variant, preview and estimate leaves one. */
#include <math.h>
#include <string.h>

#include "core/base/utf8.h"
#include "views/ui_state_internal.h"

static double value_of(const struct variant_result *t, const char *metric)
{
    return measured_value(&t->metric[metric_find(metric)]);
}

static struct ui_point point_of_variant(const struct ui_state *d, const struct event *ev)
{
    const struct variant_result *t = ev->variant;
    struct ui_point p = {.of = origin_of_event(d, ev).stamp,
                         .p = value_of(t, "p(target)"),
                         .gain = value_of(t, "gain"),
                         .leak = value_of(t, "leak/gain²"),
                         .kept = value_of(t, "neurons kept")};

    p.kind = params_choice(&t->params, P_MASK_MODE) == MODE_RANDOM ? POINT_RANDOM : POINT_VARIANT;
    if (*t->state)
        utf8_copy(p.of.state, sizeof(p.of.state), t->state);
    return p;
}

/* An estimate has no p; ui_take_point() keeps that of a preview of the same parameters. */
static struct ui_point point_of_report(const struct ui_state *d, const struct event *ev)
{
    const struct edit_report *a = ev->edit_report;
    struct ui_point p = {.kind = POINT_KNOBS,
                         .of = origin_of_event(d, ev).stamp,
                         .p = ev->kind == EV_PREVIEW && a->facts ? a->p_target[1] : (double)NAN};

    for (int i = 0; i < a->layers; i++) {
        p.gain += a->layer[i].gain_mask / a->layers;
        p.leak += a->layer[i].leak_ratio / a->layers;
        p.kept += (double)a->layer[i].kept / (a->layers * fmax(d->model.neurons, 1));
    }
    return p;
}

static bool same_number(double a, double b)
{
    return !(a < b) && !(a > b);
}

/* A preview and its estimate, or one of them twice. */
static bool same_point(const struct ui_point *a, const struct ui_point *b)
{
    return a->kind == POINT_KNOBS && b->kind == POINT_KNOBS &&
           !stamp_differs(&a->of, &b->of, STAMP_ALL) && same_number(a->gain, b->gain) &&
           same_number(a->leak, b->leak);
}

void ui_take_point(struct ui_state *d, const struct event *ev)
{
    struct ui_point p;

    if (ev->kind == EV_VARIANT && !*ev->variant->why)
        p = point_of_variant(d, ev);
    else if ((ev->kind == EV_PREVIEW || ev->kind == EV_ESTIMATE) && ev->edit_report->layers > 0)
        p = point_of_report(d, ev);
    else
        return;
    if (!isfinite(p.gain) || !isfinite(p.leak))
        return;
    for (int i = 0; i < UI_POINTS; i++)
        if (same_point(&d->point[i], &p)) { /* a preview adds p to its estimate */
            p.p = isnan(p.p) ? d->point[i].p : p.p;
            d->point[i].kind = POINT_NONE;
        }
    d->point[d->points++ % UI_POINTS] = p;
}

const struct ui_point *ui_point_now(const struct ui_state *d, const char *state)
{
    for (int n = d->points - 1; n >= 0 && n >= d->points - UI_POINTS; n--) {
        const struct ui_point *p = &d->point[n % UI_POINTS];

        if (p->kind == POINT_KNOBS && !strcmp(p->of.state, state) &&
            !stamp_differs(&p->of, &d->now.stamp, STAMP_FACT | STAMP_OBJECT | STAMP_EDIT))
            return p;
    }
    return NULL;
}

bool ui_point_shown(const struct ui_state *d, const struct ui_point *p, const char *state)
{
    return p->kind != POINT_NONE && !strcmp(p->of.state, state) &&
           !stamp_differs(&p->of, &d->now.stamp, STAMP_FACT | STAMP_OBJECT);
}
