/* Lists what the user did to single neurons, and shows what the model answers without it and with
 * it.
 *
 *   │ L5N102     silenced     without: ·Paris, the capital.      with: ·Rome, the city.       │
 *   │ L6N1       forced in    ·Paris        0.700   ███████▉     ·Rome    0.500 +0.494 █████  │ */
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/interventions.h"
#include "views/panes/panes.h"

int pane_interventions_rows(const struct ui_state *d, int room)
{
    int rows = d->intervention_count + d->mask_override_count + 2,
        least = d->intervention_count ? 7 : 3;

    if (!d->intervention_count && !d->mask_override_count)
        return 0;
    rows = rows < least ? least : rows > 10 ? 10 : rows;
    return rows < room / 2 ? rows : room / 2;
}

/* One neuron per row; the last row says how many did not fit. */
static void interventions_list(const struct ui_state *d, struct surface *s, struct rect in)
{
    int n = d->intervention_count + d->mask_override_count;

    for (int i = 0; i < n && i < in.h; i++) {
        struct pen p = pen_at(s, in, i, 0);
        char address[24], word[24];
        bool change = i < d->intervention_count;
        const struct mask_override *force =
            change ? NULL : &d->mask_override[i - d->intervention_count];

        if (i == in.h - 1 && n > in.h) {
            pen_printf(&p, ROLE_DIM, "and %d more", n - i);
            break;
        }
        snprintf(address, sizeof(address), "L%dN%d",
                 change ? d->intervention[i].layer : force->layer,
                 change ? d->intervention[i].neuron : force->neuron);
        pen_fit(&p, ROLE_STRONG, 11, address);
        if (change)
            pen_text(&p, ROLE_WARN, intervention_text(&d->intervention[i], word));
        else
            pen_text(&p, force->in ? ROLE_GOOD : ROLE_WARN, force->in ? "forced in" : "forced out");
    }
}

/* The probability of a token in an answer's list of likely next tokens; -1: not in the list. */
static double answer_p(const struct answer *a, int id)
{
    for (int i = 0; a && i < a->nexts; i++)
        if (a->next[i].id == id)
            return a->next[i].p;
    return -1;
}

/* An answer: its text, then one row per likely next token with p, the change against the other
 * answer, and a bar. */
static void answer_column(const struct answer *a, const struct answer *other, const char *title,
                          struct surface *s, struct rect in)
{
    struct pen p = pen_at(s, in, 0, 0);
    char said[80], number[16], piece[64];

    pen_text(&p, ROLE_DIM, title);
    if (!a) {
        pen_text(&p, ROLE_EMPTY, "·");
        return;
    }
    pen_fit(&p, ROLE_STRONG, in.w - p.x,
            a->partial ? text_piece(said, sizeof(said), a->completion)
                       : text_said(said, sizeof(said), a->completion));
    for (int i = 0; i < a->nexts && i + 1 < in.h; i++) {
        double before = answer_p(other, a->next[i].id);

        p = pen_at(s, in, i + 1, 0);
        pen_fit(&p, i ? ROLE_TEXT : ROLE_STRONG, 12,
                text_piece(piece, sizeof(piece), a->next[i].text));
        pen_right(&p, ROLE_BAR, 7, text_probability(number, a->next[i].p));
        p.x++;
        if (other && before >= 0)
            pen_printf(&p, a->next[i].p > before ? ROLE_GOOD : ROLE_WARN, "%+.3f",
                       a->next[i].p - before);
        else if (other)
            pen_text(&p, ROLE_NEW, "new");
        if (in.w - p.x > 8)
            meter_draw(s, in, i + 1, 27, in.w - 28 > 20 ? 20 : in.w - 28, a->next[i].p, ROLE_FILL);
    }
}

void pane_interventions(const struct ui_state *d, struct surface *s, struct rect area)
{
    static const struct slice part[3] = {{22, 24, 0, 0}, {24, 30, 1, 1}, {24, 30, 1, 0}};
    char title[96 + UI_WORDS], word[48];
    struct rect in, r[3];

    show_print(title, sizeof(title), "Interventions: %s%s", interventions_text(d, word),
               !d->intervention_answer[0]                          ? ""
               : d->intervention_answer[0]->state == STATE_PREVIEW ? ", asked of the preview"
               : d->intervention_answer[0]->state == STATE_EDITED  ? ", asked of the edited model"
                                                                   : ", asked of the base");
    pane_stale_title(d, d->intervention_answer[0], title, sizeof(title));
    in = hint_box(d, s, area, title, "nothing is written   {release} releases", false);
    if (rect_empty(in))
        return;
    if (!d->intervention_count) {
        interventions_list(d, s, in);
        return;
    }
    layout_columns(in, part, 3, r);
    interventions_list(d, s, r[0]);
    r[1].w -= r[1].w > 2;
    if (!rect_empty(r[1]))
        answer_column(d->intervention_answer[0], NULL, "without: ", s, r[1]);
    if (!rect_empty(r[2]))
        answer_column(d->intervention_answer[1], d->intervention_answer[0], "with: ", s, r[2]);
    for (int k = 0; k < 2; k++)
        if (ui_differs(d, d->intervention_answer[k]))
            surface_stale(s, r[k + 1]);
}
