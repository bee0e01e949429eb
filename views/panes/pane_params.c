/* The live parameters as sliders.
 *
 *   α_ge  scaler gen.  ━━━━━━━●────────    0.140
 *   6     13           what is left        9       columns; labels only in panes of 32 or more */
#include <math.h>
#include <stdio.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

/* One knob: symbol, label, slider, value. */
static void knob_row(const struct ui_state *d, enum knob knob, struct surface *s, struct rect in,
                     int y, bool focus)
{
    const struct knob_info *k = knob_info(knob);
    int label = in.w >= 32 ? 13 : 0, slider = in.w - 6 - label - 9;
    struct pen p = pen_at(s, in, y, 0);
    char value[16];

    pen_fit(&p, focus ? ROLE_ACCENT : ROLE_STRONG, 6, k->symbol);
    if (label) {
        pen_fit(&p, ROLE_DIM, label - 1, k->label);
        p.x++;
    }
    if (slider >= 4)
        slider_draw(s, in, y, p.x, slider, knob_position(&d->params, knob), focus);
    p.x = in.w - 8;
    knob_text(&d->params, knob, value);
    pen_right(&p, focus ? ROLE_ACCENT : ROLE_STRONG, 8, value);
    if (focus)
        surface_cursor(s, in, y, in.w - text_width(value));
}

enum {
    ALL_WORDS = 44,
    RULE_ONLY = 34
}; /* from, below: columns for the foot in full, with the rule */

/* Mask, rule and edited layers; with the quantile rule, the ratio at which the mask changes next.
 * Of a method without masks, its title: the knobs do not touch it. */
static void params_foot(const struct ui_state *d, struct surface *s, struct rect area)
{
    const char *rule = params_word(&d->params, P_SELECT_RULE);
    char range[48], text[160], how[80];
    int like = params_choice(&d->params, P_UPDATE_LIKE);
    bool equal = !like && params_choice(&d->params, P_MASK_COMPENSATE);
    const struct mask *m = d->at_layer < d->layers ? d->layer[d->at_layer].mask : NULL;

    if (!editor_takes_mask(&d->params)) {
        show_print(text, sizeof(text), "%s has no mask · %s", editor_of(&d->params)->title,
                   *ui_edited_range(d, range) ? range : "layers auto");
        box_foot(s, area, text);
        return;
    }
    if (area.w < RULE_ONLY)
        utf8_copy(how, sizeof(how), rule);
    else
        show_print(how, sizeof(how), equal && area.w < ALL_WORDS ? "%s, %s" : "mask %s by %s",
                   params_word(&d->params, P_MASK_MODE), rule);
    if (params_choice(&d->params, P_SELECT_RULE) == RULE_QUANTILE_GE && m &&
        isfinite(m->general.next_up))
        snprintf(text, sizeof(text), "quantile: next change at ρ_ge %.3f", m->general.next_up);
    else
        show_print(text, sizeof(text), "%s · %s%s", how,
                   *ui_edited_range(d, range) ? range : "layers auto",
                   like == LIKE_GAIN   ? " · its gain alone"
                   : like == LIKE_NORM ? " · its norm alone"
                   : equal             ? " · equal gain"
                                       : "");
    box_foot(s, area, text);
}

void pane_params(const struct ui_state *d, enum knob at, struct surface *s, struct rect area,
                 bool focus)
{
    struct rect in =
        hint_box(d, s, area, "Parameters", focus ? knob_info(at)->equation : "{next-pane}", focus);
    int top = (int)at >= in.h ? (int)at - in.h + 1 : 0;

    for (int i = top; i < KNOB_COUNT && i - top < in.h; i++)
        knob_row(d, (enum knob)i, s, in, i - top, focus && i == (int)at);
    params_foot(d, s, area);
}
