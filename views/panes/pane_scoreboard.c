/* Draws the probes of a fact, before and after an edit.
 *
 *   ✓ rephrase  Where is the Eiffel Tower? It is in    Paris → Rome */
#include "views/panes/pane_scoreboard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "tui/text.h"
#include "views/verdict_card.h"

const char *scoreboard_summary(const struct probe_report *board, char out[160])
{
    static const enum probe_kind order[] = {PROBE_REPHRASE, PROBE_QUESTION, PROBE_CHAT,
                                            PROBE_PORTABILITY, PROBE_LOCALITY};
    int unknown = 0, unasked = 0, used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
        struct tally c = tally_of(board, order[i]);
        bool near = order[i] == PROBE_LOCALITY;

        unknown += c.unknown;
        unasked += c.unasked;
        if (c.of && used < 110)
            used += snprintf(out + used, (size_t)(160 - used), "%s%s %d/%d%s", used ? " · " : "",
                             near ? "neighbours" : probe_label(order[i]), c.ok, c.of,
                             near ? " kept" : "");
    }
    if (unknown && used < 130)
        used += snprintf(out + used, (size_t)(160 - used), "%sbase fails %d", used ? " · " : "",
                         unknown);
    if (unasked && used < 140)
        snprintf(out + used, (size_t)(160 - used), "%snot asked %d", used ? " · " : "", unasked);
    return out;
}

/* One probe: mark, kind, prompt, answer before and after. Narrow panes drop the answer before,
 * then the prompt. */
static void probe_row(const struct probe_result *p, struct surface *s, struct rect in, int y)
{
    struct pen pen = pen_at(s, in, y, 0);
    enum role role = !p->known ? ROLE_DIM : p->ok[1] ? ROLE_GOOD : ROLE_ERROR;
    int rest = in.w - 12, said = rest * (rest >= 48 ? 1 : 2) / 4, ask = rest - said * 2 - 4;
    char prompt[400], before[120], after[120], why[80];

    text_piece(prompt, sizeof(prompt), p->prompt);
    text_said(before, sizeof(before), p->said[0]);
    text_said(after, sizeof(after), p->said[1]);
    pen_text(&pen, role, !p->known ? "·" : p->ok[1] ? "✓" : "✗");
    pen.x = 2;
    pen_fit(&pen, ROLE_DIM, 10, probe_label(p->kind));
    if (p->context) {
        pen_printf(&pen, ROLE_DIM, "%s: %s", probe_not_asked(p, why), prompt);
        return;
    }
    if (rest < 12) {
        pen_fit(&pen, role, in.w - pen.x, after);
        return;
    }
    if (rest < 48) /* no room for what was said before */
        ask = rest - said - 1;
    pen_fit(&pen, p->known ? ROLE_TEXT : ROLE_DIM, ask, prompt);
    pen.x += 1;
    if (rest >= 48) {
        pen_fit(&pen, ROLE_DIM, said, before);
        pen_text(&pen, ROLE_DIM, " → ");
    }
    pen_fit(&pen, role, in.w - pen.x, after);
}

void scoreboard_draw(const struct probe_report *board, struct surface *s, struct rect in, int top)
{
    for (int y = 0; y < in.h && top + y < board->probes; y++)
        probe_row(&board->probe[top + y], s, in, y);
}
