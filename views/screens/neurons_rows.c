/* Draws a row of the Neurons view, and the pane with everything about one neuron.
 *
 * Columns of a row: tag and class in 0 to 3, address 4 to 14, score 15 to 22, mask 23 to 28,
 * coefficient 29 to 36; then, as far as the width allows, the norm of the value vector (84 columns
 * or more), the score of each row of the attribution (108 or more), and promoted and suppressed
 * words. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/interventions.h"
#include "views/panes/neurons_table.h"
#include "views/panes/panes.h"

static bool has_rows(struct rect in)
{
    return in.w >= 108;
}

static bool has_norm(struct rect in)
{
    return in.w >= 84;
}

/* How many rows of the attribution have a column: 7 columns each beyond the 84 of the others. */
static int rows_shown(const struct ui_state *d, struct rect in)
{
    int rows = d->header ? d->header->rows : 6, room = (in.w - 84) / 7;

    return !has_rows(in) ? 0 : rows < room ? rows : room;
}

/* A right-aligned heading, with an arrow if the table is sorted by it. */
static void head_column(struct pen *p, const struct neurons_table *t, enum table_sort sort,
                        int cols, const char *name)
{
    char text[32];
    bool here = t->sort == sort;

    show_print(text, sizeof(text), "%s%s", name, !here ? "" : t->inverted ? "▴" : "▾");
    pen_right(p, here ? ROLE_STRONG : ROLE_DIM, cols, text);
}

/* Promoted and suppressed tokens take 3/5 and 2/5 of the columns that are left; promoted ones all
 * of them where the others would lose their heading. */
static bool words_fit(const struct pen *p, struct rect in)
{
    return in.w - p->x > 12;
}

static int promoted_width(const struct pen *p, struct rect in)
{
    int left = in.w - p->x;

    return left * 2 / 5 > (int)strlen("suppresses") ? left * 3 / 5 : left + 1;
}

/* The heading. Its widths are those of table_row(). */
void table_head(const struct ui_state *d, const struct neurons_table *t, struct surface *s,
                struct rect in)
{
    struct pen p = pen_at(s, in, 0, 2);
    int rows = rows_shown(d, in);

    pen_text(&p, t->sort == BY_CLASS ? ROLE_STRONG : ROLE_DIM,
             t->sort == BY_CLASS ? t->inverted ? "▴ " : "▾ " : "  ");
    pen_fit(&p, t->sort == BY_INDEX ? ROLE_STRONG : ROLE_DIM, 10,
            t->sort != BY_INDEX ? "neuron"
            : t->inverted       ? "neuron▴"
                                : "neuron▾");
    head_column(&p, t, BY_SCORE, 8, "score");
    pen_text(&p, ROLE_DIM,
             editor_takes_mask(&d->params)    ? "  mask "
             : editor_of(&d->params)->chooses ? " chosen"
                                              : "no mask");
    head_column(&p, t, BY_ACTIVATION, 8, "coeff");
    if (has_norm(in))
        head_column(&p, t, BY_NORM, 8, "‖v‖");
    for (int r = 0; r < rows; r++)
        pen_printf(&p, ROLE_DIM, "%*s%d", r > 8 ? 5 : 6, "row", r + 1);
    p.x += 2;
    if (words_fit(&p, in)) {
        int half = promoted_width(&p, in);

        pen_fit(&p, ROLE_DIM, half - 1, "promotes");
        p.x++;
        if (p.x < in.w)
            pen_fit(&p, ROLE_DIM, in.w - p.x, "suppresses");
    }
}

/* The mask column: kept, or in! and out! where forced. If an intervention sets the coefficient,
 * its value stands in place of the measured one. */
static void draw_mask_state(struct pen *p, const struct ui_state *d, const struct ranked_neuron *n)
{
    int forced = mask_override_of(d, n->layer, n->neuron);
    const struct intervention *change = intervention_of(d, n->layer, n->neuron);

    if (forced) {
        pen_text(p, forced > 0 ? ROLE_GOOD : ROLE_WARN, forced > 0 ? "  in!  " : "  out! ");
    } else if (ui_neuron_chosen(d, n->layer, n->neuron)) {
        pen_text(p, ROLE_WARN, " × ");
        pen_fit(p, ROLE_WARN, 4, editor_of(&d->verdict.params)->name);
    } else {
        pen_text(p, n->kept ? ROLE_GOOD : ROLE_DIM, n->kept ? "  kept " : "       ");
    }
    if (change) {
        char word[24];
        int w = text_width(intervention_text(change, word));

        p->x += w < 8 ? 8 - w : 0; /* right-aligned, as the coefficients are */
        pen_fit(p, ROLE_WARN, 8, word);
    }
}

/* Two digits after the point, none from 1000 on, an exponent below 0.01; ! is not a number. */
static void pen_number(struct pen *p, enum role role, int cols, double x)
{
    char text[32];

    if (isnan(x))
        snprintf(text, sizeof(text), "!");
    else
        snprintf(text, sizeof(text),
                 fabs(x) >= 1000                       ? "%.0f"
                 : fabs(x) >= 0.0095 || !(fabs(x) > 0) ? "%.2f"
                                                       : "%.0e",
                 x);
    pen_right(p, role, cols, text);
}

/* The norm of a value vector; it is 0 where nobody has computed it. */
static void pen_norm(struct pen *p, enum role role, int cols, float norm)
{
    if (norm > 0)
        pen_number(p, role, cols, (double)norm);
    else
        pen_right(p, ROLE_DIM, cols, "·");
}

/* One row, in the columns given at the top of this file. */
void table_row(const struct ui_state *d, const struct neurons_table *t,
               const struct ranked_neuron *n, struct surface *s, struct rect in, int y, bool here)
{
    const struct neuron_info *words = ui_neuron_info(d, n->layer, n->neuron);
    const struct attribution *a = d->layer[n->layer].shown;
    struct pen p = list_row(s, in, y, here, 4);
    char text[24];

    pen_text(&p, ROLE_ACCENT, tag_has(&t->tags, n->layer, n->neuron) ? "✓ " : "  ");
    pen_text(&p, class_role(n->class_bits), class_glyph(n->class_bits));
    snprintf(text, sizeof(text), " L%dN%d", n->layer, n->neuron);
    pen_fit(&p, ROLE_STRONG, 11, text);
    if (a)
        pen_number(&p, ROLE_BAR, 8, n->score);
    else
        pen_right(&p, ROLE_DIM, 8, "·"); /* a method chose it; its layer has no scores */
    draw_mask_state(&p, d, n);
    if (p.x <= 29 && a) {
        p.x = 29;
        pen_number(&p, ROLE_TEXT, 8, (double)a->activation[n->neuron]);
    }
    p.x = 37;
    if (has_norm(in))
        pen_norm(&p, ROLE_DIM, 8, a ? a->value_norm[n->neuron] : 0);
    for (int r = 0; r < rows_shown(d, in); r++)
        if (!a)
            p.x += 7;
        else if (r < a->rows)
            pen_number(&p, ROLE_DIM, 7,
                       (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)n->neuron]);
    p.x += 2;
    if (words && words_fit(&p, in)) {
        int half = promoted_width(&p, in);

        pen_neuron_tokens(&p, words, true, half - 1);
        p.x++;
        if (p.x < in.w)
            pen_neuron_tokens(&p, words, false, in.w - p.x);
    }
    if (d->layer[n->layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, 1, in.w});
}

static void pen_class(struct pen *p, unsigned bits, bool brief)
{
    static const char *const name[4] = {"neither kind", "general", "specific",
                                        "general and specific"};

    pen_text(p, class_role(bits), class_glyph(bits));
    pen_printf(p, class_role(bits), " %s", brief && bits == 3 ? "both" : name[bits & 3]);
}

/* How much the method writes of the neuron. */
static void draw_weight(struct pen *p, const struct ui_state *d, int layer, int neuron)
{
    double weight = ui_weight(d, layer, neuron);
    bool masked = editor_takes_mask(&d->params);

    if (masked)
        pen_printf(p, ROLE_DIM, "   weight ");
    if (masked && isnan(weight))
        pen_printf(p, ROLE_DIM, "of the edit before");
    else if (masked)
        pen_printf(p, ROLE_STRONG, "%.2g", weight);
    else if (isnan(weight))
        pen_printf(p, ROLE_DIM, "   %s has no mask", editor_of(&d->params)->title);
    else
        pen_printf(p, ROLE_DIM, "   %s by %s", weight > 0 ? "chosen" : "not chosen",
                   editor_of(&d->params)->title);
}

/* Class, weight in the mask, overrides; norm of the value vector. Returns the next free row. */
static int draw_summary(const struct ui_state *d, int layer, int neuron, struct surface *s,
                        struct rect in)
{
    const struct ui_layer *l = &d->layer[layer];
    const struct intervention *change = intervention_of(d, layer, neuron);
    struct pen p = pen_at(s, in, 0, 0);
    int forced = mask_override_of(d, layer, neuron);
    char word[24];

    if (l->mask) {
        pen_class(&p, l->mask->class_bits[neuron], in.w < 46);
        draw_weight(&p, d, layer, neuron);
    }
    if (forced)
        pen_printf(&p, ROLE_WARN, "   forced %s", forced > 0 ? "in" : "out");
    if (change)
        pen_printf(&p, ROLE_WARN, "   %s", intervention_text(change, word));
    p = pen_at(s, in, 1, 0);
    if (l->shown) {
        pen_text(&p, ROLE_DIM, "value norm ");
        pen_norm(&p, ROLE_STRONG, 6, l->shown->value_norm[neuron]);
    }
    return 2;
}

/* A table over the rows of the attribution: score, coefficient, prompt. Returns the next free row.
 */
static int draw_scores(const struct ui_state *d, int layer, int neuron, struct surface *s,
                       struct rect in, int y)
{
    const struct attribution *a = d->layer[layer].shown;
    struct pen p = pen_at(s, in, y, 0);

    if (!a)
        return y;
    pen_text(&p, ROLE_DIM, "row   score   coeff  prompt");
    for (int r = 0; r < a->rows && y + (in.h > 24 || in.h < 14 ? 1 : 8) < in.h; r++) {
        size_t at = (size_t)r * (size_t)a->neurons + (size_t)neuron;

        p = pen_at(s, in, ++y, 0);
        pen_printf(&p, ROLE_DIM, "%3d", r + 1);
        pen_number(&p, ROLE_BAR, 8, (double)a->score[at]);
        pen_number(&p, ROLE_TEXT, 8, (double)a->activation[at]);
        p.x += 2;
        if (d->header && r < d->header->rows && d->header->prompt[r]) {
            struct buf text = {0};

            show_escape(&text, d->header->prompt[r], strlen(d->header->prompt[r]));
            pen_fit(&p, ROLE_DIM, in.w - p.x, text.data ? text.data : "");
            buf_free(&text);
        }
    }
    return y + 1;
}

/* Promoted or suppressed tokens with their logits, in up to three columns. Returns the next free
 * row. */
static int draw_words(const struct neuron_info *n, bool promotes, struct surface *s, struct rect in,
                      int y)
{
    struct pen p = pen_at(s, in, y, 0);
    int columns = in.w >= 48 ? 3 : in.w >= 30 ? 2 : 1, wide = in.w / columns;

    pen_text(&p, promotes ? ROLE_NEW : ROLE_OLD, promotes ? "promotes" : "suppresses");
    for (int i = 0; i < n->count; i++) {
        const struct shown_token *w = promotes ? &n->promotes[i] : &n->suppresses[i];
        char piece[64], logit[24];

        p = pen_at(s, in, y + 1 + i / columns, i % columns * wide);
        if (p.y >= in.h)
            break;
        snprintf(logit, sizeof(logit), "%+.2f", w->logit);
        pen_fit(&p, ROLE_TEXT, wide - 8, text_piece(piece, sizeof(piece), w->text));
        pen_right(&p, ROLE_DIM, 6, logit);
    }
    return y + 1 + (n->count + columns - 1) / columns;
}

/* Texts in which the neuron had its largest coefficients. */
static void draw_contexts(const struct neuron_info *n, struct surface *s, struct rect in, int y)
{
    struct pen p = pen_at(s, in, y, 0);

    if (n->contexts)
        pen_text(&p, ROLE_DIM, "largest coefficients in");
    for (int i = 0; i < n->contexts && i < 5 && y + 1 + i < in.h; i++) {
        struct buf text = {0};

        p = pen_at(s, in, y + 1 + i, 0);
        pen_number(&p, ROLE_BAR, 7, (double)n->context[i].coefficient);
        p.x++;
        show_escape(&text, n->context[i].text, strlen(n->context[i].text));
        pen_fit(&p, ROLE_TEXT, in.w - p.x, text.data ? text.data : "");
        buf_free(&text);
    }
}

/* Wide and low panes: scores at the left, the two lists of words beside them. */
static void draw_flat(const struct ui_state *d, int layer, int neuron, struct surface *s,
                      struct rect in, bool stale)
{
    const struct neuron_info *words = ui_neuron_info(d, layer, neuron);
    struct rect left = {in.y, in.x, in.h, in.w * 2 / 5};
    struct rect mid = {in.y, in.x + left.w + 1, in.h, (in.w - left.w) / 2 - 1};
    struct rect right = {in.y, mid.x + mid.w + 1, in.h, in.x + in.w - mid.x - mid.w - 1};

    draw_scores(d, layer, neuron, s, left, draw_summary(d, layer, neuron, s, left) - 1);
    if (stale)
        surface_stale(s, left);
    if (words) {
        draw_words(words, true, s, mid, 0);
        draw_words(words, false, s, right, 0);
    } else {
        surface_text(s, mid, 0, 0, ROLE_EMPTY, "· loading its words");
    }
}

/* All about one neuron. The blank rows between the parts appear only where there is room. */
void pane_neuron(const struct ui_state *d, int layer, int neuron, struct surface *s,
                 struct rect area, const char *hint)
{
    const struct neuron_info *words = ui_neuron_info(d, layer, neuron);
    char title[32 + UI_WORDS];
    bool stale;
    struct rect in;
    int y;

    if (layer < 0 || layer >= d->layers || neuron < 0 || neuron >= d->model.neurons)
        return;
    snprintf(title, sizeof(title), "L%dN%d", layer, neuron);
    stale = pane_scores_title(d, d->layer[layer].score, title, sizeof(title));
    in = box_draw(s, area, title, hint, false);
    if (rect_empty(in))
        return;
    if (in.h < 14 && in.w >= 70) {
        draw_flat(d, layer, neuron, s, in, stale);
        return;
    }
    y = draw_summary(d, layer, neuron, s, in);
    y = draw_scores(d, layer, neuron, s, in, y + (in.h > 16));
    if (stale)
        surface_stale(s, (struct rect){in.y, in.x, y, in.w});
    y += in.h > 20;
    if (!words) {
        surface_text(s, in, y, 0, ROLE_EMPTY, "· loading its words");
        return;
    }
    if (in.w >= 70) { /* beside each other */
        struct rect left = {in.y, in.x, in.h, in.w / 2 - 1};
        struct rect right = {in.y, in.x + in.w / 2 + 1, in.h, in.w - in.w / 2 - 1};

        draw_words(words, true, s, left, y);
        y = draw_words(words, false, s, right, y);
    } else {
        y = draw_words(words, true, s, in, y);
        y = draw_words(words, false, s, in, y + (in.h > 26));
    }
    draw_contexts(words, s, in, y + (in.h > 26));
}
