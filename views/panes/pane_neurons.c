/* The strongest neurons of the edited layers, a row each, with the tokens that each promotes.
 *
 *   ▲ L5N912     4.2  Paris France Seine     columns: class, address (9), score (6), tokens */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/panes.h"

enum { SHOWN_MAX = 64 };

/* As many tokens as fit `cols` columns; the last one may be cut. */
void pen_neuron_tokens(struct pen *p, const struct neuron_info *n, bool promotes, int cols)
{
    int end = p->x + cols;

    for (int i = 0; i < n->count; i++) {
        const struct shown_token *w = promotes ? &n->promotes[i] : &n->suppresses[i];
        const char *text = w->text[0] == ' ' && w->text[1] ? w->text + 1 : w->text;
        char piece[64];
        int width = text_width(text_piece(piece, sizeof(piece), text));

        if (p->x >= end)
            break;
        if (p->x + width > end) {
            pen_fit(p, ROLE_DIM, end - p->x, piece);
            break;
        }
        pen_text(p, ROLE_DIM, piece);
        p->x++;
    }
    p->x = end;
}

static void strongest_neuron_row(const struct ui_state *d, const struct ranked_neuron *n,
                                 struct surface *s, struct rect in, int y, bool here)
{
    const struct neuron_info *words = ui_neuron_info(d, n->layer, n->neuron);
    struct pen p = list_row(s, in, y, here, 2);
    char address[24], score[16];

    pen_text(&p, class_role(n->class_bits), class_glyph(n->class_bits));
    p.x++;
    snprintf(address, sizeof(address), "L%dN%d", n->layer, n->neuron);
    pen_fit(&p, ROLE_STRONG, 9, address);
    snprintf(score, sizeof(score), fabs(n->score) < 0.05 ? "%.0e" : "%.1f", n->score);
    pen_right(&p, ROLE_BAR, 6, score);
    p.x += 2;
    if (words)
        pen_neuron_tokens(&p, words, true, in.w - p.x);
    else
        pen_text(&p, ROLE_EMPTY, "·");
    if (d->layer[n->layer].differs)
        surface_stale(s, (struct rect){in.y + y, in.x, 1, in.w});
}

void pane_neurons(const struct ui_state *d, int at, struct surface *s, struct rect area, bool focus)
{
    struct ranked_neuron top[SHOWN_MAX];
    int n = ui_top_neurons(d, -1, ORDER_SCORE, top, SHOWN_MAX), first;
    char title[40 + UI_WORDS] = "Strongest neurons";
    bool stale = n && pane_scores_title(d, d->layer[top[0].layer].score, title, sizeof(title));
    struct rect in;

    in = hint_box(d, s, area, title, stale ? "{attribute} scores them" : "{view-neurons} all",
                  focus);
    first = at >= in.h ? at - in.h + 1 : 0;

    if (!n && in.h)
        hint_draw(d, s, in, 0, 0, ROLE_DIM, "{attribute} scores them");
    for (int i = first; i < n && i - first < in.h; i++)
        strongest_neuron_row(d, &top[i], s, in, i - first, focus && i == at);
}
