/* Explains the mask of one layer in text: the chain from entropy to ratio to threshold (Eq. 6 to
 * 8, editscope-method(7) 4.4 to 4.6) with its numbers, the classes, what a step of each knob would
 * change, gain and leak, the past edits it changes most, and neurons shared with other facts.
 * Lines are written one below the other by a struct writer, which also draws the ones above the
 * area: scrolling is a negative start row. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/panes/panes.h"
#include "views/screens/ratios_internal.h"

enum { HITS = 3, SHARED = 4 };

/* A copy of the parameters with one knob moved. */
static struct params step_knob(const struct params *p, enum knob knob, int by)
{
    struct params out = *p;

    knob_step(&out, knob, by);
    return out;
}

/* Builds the mask with each knob one step down and up and counts the neurons that change sides. */
void knob_effect_of(struct knob_effect *e, const struct ui_state *d, int layer)
{
    const struct ui_layer *l = &d->layer[layer];

    if (e->score == l->shown && e->layer == layer && e->overrides == d->mask_override_count &&
        e->selected == l->mask->selected && !memcmp(&e->params, &d->params, sizeof(d->params)))
        return;
    *e = (struct knob_effect){.score = l->shown,
                              .layer = layer,
                              .selected = l->mask->selected,
                              .overrides = d->mask_override_count};
    memcpy(&e->params, &d->params, sizeof(d->params));
    for (int k = 0; k < KNOB_AMPLIFY; k++)
        for (int up = 0; up < 2; up++) {
            struct params p = step_knob(&d->params, (enum knob)k, up ? 1 : -1);
            struct mask *m = mask_build(l->shown, &p);

            mask_apply_overrides(m, d->mask_override, d->mask_override_count);
            for (int i = 0; i < m->neurons; i++) {
                e->of[k].enter[up] += m->weight[i] > 0 && !(l->mask->weight[i] > 0);
                e->of[k].leave[up] += !(m->weight[i] > 0) && l->mask->weight[i] > 0;
            }
            mask_free(m);
        }
}

struct writer {
    struct surface *s;
    struct rect in;
    int y; /* the next row of `in`; negative: scrolled out of sight */
};

static struct pen next_line(struct writer *w)
{
    struct pen p = pen_at(w->s, w->in, w->y, 0);

    w->y++;
    return p;
}

static void write_title(struct writer *w, const char *text)
{
    struct pen p;

    if (w->in.h >= 24) /* blank rows only on high screens */
        w->y++;
    p = next_line(w);
    pen_text(&p, ROLE_TITLE, text);
}

/* The text, wrapped. */
static void write_wrapped(struct writer *w, enum role role, const char *text)
{
    const char *row;
    size_t n;

    while (text_row(&text, w->in.w, &row, &n)) {
        struct pen p = next_line(w);

        pen_printf(&p, role, "%.*s", (int)n, row);
    }
}

/* One of the two kinds of neurons: general (ge) or specific (sp), with its parameters. */
struct kind {
    const struct mask_side *side;
    const char *name, *glyph;
    enum role role;
    double a, b;
};

static struct kind kind_of(const struct ui_state *d, const struct mask *m, bool general)
{
    const double *v = d->params.value;

    if (general)
        return (struct kind){&m->general,     "ge",           "▲", ROLE_GENERAL,
                             v[P_RATIO_GE_A], v[P_RATIO_GE_B]};
    return (struct kind){&m->specific, "sp", "●", ROLE_SPECIFIC, v[P_RATIO_SP_A], v[P_RATIO_SP_B]};
}

/* Two lines with the numbers of this layer, such as
 *
 *   ▲ H_ge 0.107 → ρ_ge = 0.100 × 0.107 + 0.300 = 0.311
 *     → k = round(0.311 × 640) = 199 → cut at r_ge 4, 23% have it
 *
 * ρ = a H^γ + b is the share of neurons; the k highest scores are chosen, and the cut is the
 * lowest of them. "23% have it": this share of all neurons has exactly that score. */
static void write_chain(struct writer *w, const struct ui_state *d, const struct mask *m,
                        bool general)
{
    struct kind k = kind_of(d, m, general);
    bool quantile = params_choice(&d->params, P_SELECT_RULE) == RULE_QUANTILE_GE;
    struct pen p = next_line(w);
    char h[16];

    pen_printf(&p, k.role, "%s ", k.glyph);
    pen_printf(&p, ROLE_STRONG, "H_%s %s", k.name, text_probability(h, k.side->H));
    pen_printf(&p, ROLE_DIM, " → ρ_%s ", k.name);
    pen_ratio(&p, d, m, general);
    p = next_line(w);
    if (quantile)
        pen_printf(&p, ROLE_DIM, "  → r_%s ≥ its %.3f quantile: ", k.name, 1 - k.side->rho);
    else
        pen_printf(&p, ROLE_DIM, "  → k = round(%.3f × %d) = ", k.side->rho, m->neurons);
    pen_printf(&p, k.role, "%d", k.side->chosen);
    pen_printf(&p, ROLE_DIM, " → cut at r_%s ", k.name);
    pen_printf(&p, ROLE_STRONG, "%.4g", k.side->tau);
    if (k.side->ties > 0)
        pen_printf(&p, ROLE_WARN, ", %.0f%% have it", k.side->ties * 100);
}

/* The entropy in words: how the score is spread over neurons, and what that does to the ratio. */
static void write_entropy(struct writer *w, const struct ui_state *d, const struct mask *m,
                          bool general)
{
    struct kind k = kind_of(d, m, general);
    double h = k.side->H;
    char text[320], at[16];
    const char *spread = h < 0.1   ? "a few neurons hold nearly all of the score"
                         : h < 0.5 ? "some neurons hold most of the score"
                         : h < 0.9 ? "the scores are spread over many neurons"
                                   : "the scores are spread over nearly all neurons";

    if (mask_mode_sets_ratio(&d->params, general))
        show_print(text, sizeof(text), "entropy %s of 1: %s; this mask mode does not use it",
                   text_probability(at, h), spread);
    else
        show_print(text, sizeof(text),
                   "entropy %s of 1: %s, so ρ_%s is %.3f, between %.3f (entropy 0) and %.3f "
                   "(entropy 1)",
                   text_probability(at, h), spread, k.name, k.side->rho, fmin(fmax(k.b, 0), 1),
                   fmin(fmax(k.a + k.b, 0), 1));
    write_wrapped(w, ROLE_TEXT, text);
}

/* How many neurons are general, specific, both, neither: number, share, bar. */
static void write_classes(struct writer *w, const struct mask *m)
{
    const struct {
        const char *name;
        int n;
        unsigned bits;
    } of[] = {
        {"general alone", m->general.chosen - m->both, CLASS_GENERAL},
        {"specific alone", m->specific.chosen - m->both, CLASS_SPECIFIC},
        {"both", m->both, CLASS_GENERAL | CLASS_SPECIFIC},
        {"neither", m->neurons - m->general.chosen - m->specific.chosen + m->both, 0},
    };

    for (int i = 0; i < 4; i++) {
        int y = w->y;
        struct pen p = next_line(w);

        pen_printf(&p, class_role(of[i].bits), "%s ", class_glyph(of[i].bits));
        pen_fit(&p, ROLE_TEXT, 15, of[i].name);
        pen_printf(&p, ROLE_STRONG, "%6d %3.0f%% ", of[i].n,
                   m->neurons ? 100.0 * of[i].n / m->neurons : 0);
        if (y >= 0 && y < w->in.h && w->in.w - p.x > 4)
            meter_draw(w->s, w->in, y, p.x, w->in.w - p.x > 30 ? 30 : w->in.w - p.x,
                       m->neurons ? (double)of[i].n / m->neurons : 0, class_role(of[i].bits));
    }
}

/* Where a step of a ratio changes nothing: the ratio at which something changes. */
static void pen_next_change(struct pen *p, const struct ui_state *d, const struct mask *m,
                            enum knob knob, const struct knob_effect *e)
{
    bool general = knob == KNOB_BETA_GE;
    struct kind k = kind_of(d, m, general);
    int still = e->of[knob].enter[1] + e->of[knob].leave[1] == 0;

    if ((knob != KNOB_BETA_GE && knob != KNOB_BETA_SP) || !still || !isfinite(k.side->next_up) ||
        mask_mode_sets_ratio(&d->params, general))
        return;
    pen_printf(p, ROLE_DIM, " next at %.3f", k.b + k.side->next_up - k.side->rho);
}

/* A row for each knob: value, and what enters (+) and leaves (−) the mask one step down and up. */
static void write_effects(struct writer *w, const struct ui_state *d, const struct mask *m,
                          const struct knob_effect *e)
{
    write_title(w, "neurons that enter + and leave − the mask");
    write_wrapped(w, ROLE_DIM, "parameter now     a step down     a step up");
    for (int k = 0; k < KNOB_AMPLIFY; k++) {
        struct pen p = next_line(w);
        char value[16], moved[2][24];

        for (int up = 0; up < 2; up++)
            if (e->of[k].enter[up] + e->of[k].leave[up])
                snprintf(moved[up], sizeof(moved[up]), "+%d −%d", e->of[k].enter[up],
                         e->of[k].leave[up]);
            else
                snprintf(moved[up], sizeof(moved[up]), "none");
        pen_fit(&p, ROLE_ACCENT, 6, knob_info((enum knob)k)->symbol);
        pen_right(&p, ROLE_STRONG, 7, knob_text(&d->params, (enum knob)k, value));
        pen_right(&p, ROLE_TEXT, 16, moved[0]);
        pen_right(&p, ROLE_TEXT, 14, moved[1]);
        pen_next_change(&p, d, m, (enum knob)k, e);
    }
}

static const char *subject_of(const struct ui_state *d, int edit)
{
    for (int i = 0; d->history && i < d->history->count; i++)
        if (d->history->entry[i].edit == edit)
            return d->history->entry[i].subject;
    return "";
}

/* The past edits whose keys this update changes most: relative to the norm of the residual, and by
 * how much the answer moved if that was measured. */
static void write_hits(struct writer *w, const struct ui_state *d, const struct layer_report *x)
{
    char h[16], text[64];

    write_title(w, "past edits that this one changes most");
    if (!x->hits)
        write_wrapped(w, ROLE_DIM, "none: no active edit has a key in this layer");
    for (int i = 0; i < x->hits && i < HITS; i++) {
        struct pen p = next_line(w);

        pen_printf(&p, ROLE_STRONG, "edit %-4d ", x->hit[i].edit);
        pen_fit(&p, ROLE_TEXT, w->in.w > 56 ? 22 : 14,
                text_piece(text, sizeof(text), subject_of(d, x->hit[i].edit)));
        pen_printf(&p, ROLE_DIM, " %s‖R‖", text_probability(h, x->hit[i].hit));
        if (isfinite(x->hit[i].moved))
            pen_printf(&p, ROLE_WARN, "  moved %s", text_probability(h, x->hit[i].moved));
    }
}

/* What the mask does to the update of this layer (editscope-method(7) 7.10), and where it lies
 * among 200 random masks of its size. */
static void write_gain_and_leak(struct writer *w, const struct ui_state *d)
{
    const struct layer_report *x = ui_layer_report(d, d->at_layer);
    unsigned differs = ui_report_differs(d);
    const char *about = x && (x->stale || differs & ~(unsigned)STAMP_STATE) ? "≈" : "";
    char a[16], b[16], title[40 + UI_WORDS] = "gain and leak";
    struct pen p;
    int from;

    pane_stale_title(d, d->estimate ? (const void *)d->estimate : d->preview, title, sizeof(title));
    if (!differs && x && x->stale)
        snprintf(title, sizeof(title), "gain and leak (≈ without the change of earlier layers)");
    write_title(w, title);
    from = w->y;
    if (!x) {
        write_wrapped(w, ROLE_DIM,
                      ui_edits_layer(d, d->at_layer)
                          ? "not estimated yet: the second moments are missing"
                          : "the edit does not write this layer");
        return;
    }
    if (isnan(x->gain_mask)) {
        write_wrapped(w, ROLE_DIM, "this method has no key: neither gain nor leak");
        return;
    }
    p = next_line(w);
    pen_printf(&p, ROLE_DIM, "gain %s", about);
    pen_printf(&p, ROLE_STRONG, "%s", text_probability(a, x->gain_mask));
    pen_printf(&p, ROLE_DIM, " of %s unmasked   leak %s", text_probability(b, x->gain), about);
    pen_printf(&p, ROLE_STRONG, "%s", text_probability(a, x->leak));
    p = next_line(w);
    pen_printf(&p, ROLE_DIM, "leak/gain² %s", about);
    pen_printf(&p, x->leak_ratio > 1 ? ROLE_WARN : ROLE_GOOD, "%.3g×", x->leak_ratio);
    pen_text(&p, ROLE_DIM, " that of the unmasked update");
    if (x->percentile_gain >= 0) {
        char text[160];

        snprintf(text, sizeof(text),
                 "of 200 random masks of this size %.0f%% have less gain, %.0f%% less leak/gain²",
                 x->percentile_gain, x->percentile_leak);
        write_wrapped(w, ROLE_TEXT, text);
    }
    write_hits(w, d, x);
    if (differs && w->y > from)
        surface_stale(w->s, (struct rect){w->in.y + (from > 0 ? from : 0), w->in.x,
                                          w->y - (from > 0 ? from : 0), w->in.w});
}

/* How many general neurons this fact shares with facts scored earlier, and how many chance would
 * give. */
static void write_shared(struct writer *w, const struct ui_state *d)
{
    int n = 0;

    for (int i = 0; i < UI_GENERAL_SETS && n < SHARED; i++) {
        struct shared_neurons x;
        char text[100];
        struct pen p;

        if (!ui_shared_neurons(d, i, d->at_layer, &x))
            continue;
        if (!n++)
            write_title(w, "general neurons shared with facts scored before");
        p = next_line(w);
        pen_printf(&p, ROLE_STRONG, "%5d", x.shared);
        pen_printf(&p, ROLE_DIM, ", %.1f by chance", x.chance);
        if (x.chance > 0)
            pen_printf(&p, x.shared > x.chance ? ROLE_GOOD : ROLE_DIM, " (%.2f×)  ",
                       x.shared / x.chance);
        pen_fit(&p, ROLE_TEXT, w->in.w - p.x, text_piece(text, sizeof(text), x.prompt));
    }
}

int ratios_explain(const struct ui_state *d, const struct knob_effect *e, int scroll,
                   struct surface *s, struct rect in)
{
    const struct mask *m = d->layer[d->at_layer].mask;
    struct writer w = {s, in, -scroll};

    write_chain(&w, d, m, true);
    write_chain(&w, d, m, false);
    write_entropy(&w, d, m, true);
    write_entropy(&w, d, m, false);
    write_title(&w, "classes");
    write_classes(&w, m);
    write_effects(&w, d, m, e);
    write_gain_and_leak(&w, d);
    write_shared(&w, d);
    return w.y + scroll;
}
