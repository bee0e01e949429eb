/* The probes of a fact, before and after an edit, as rows of the verdict card:
 *
 *   rephrase    ✓ Where is the Eiffel Tower? It is in → Paris → Rome
 *                 passes if it says: Rome
 *                 before: Paris, France   p of "Rome" 0.010 */
#include "views/panes/pane_scoreboard.h"

#include <stdio.h>

#include "views/panes/pane_verdict.h"
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

void scoreboard_move(struct scoreboard *w, const struct probe_report *board, int by)
{
    int last = board && board->probes ? board->probes - 1 : 0;

    w->at += by;
    w->at = w->at > last ? last : w->at < 0 ? 0 : w->at;
}

int scoreboard_row_at(const struct scoreboard *w, const struct probe_report *board, struct rect in,
                      int y)
{
    struct card c = card_of_probes(board);
    int top = card_top(&c, w->at, w->opened - 1, in.h, in.w);
    int row = card_row_at(&c, w->opened - 1, top, y, in.w);

    card_free(&c);
    return row;
}

int scoreboard_draw(const struct scoreboard *w, const struct probe_report *board, bool focus,
                    struct surface *s, struct rect in)
{
    struct card c = card_of_probes(board);
    int top = card_top(&c, w->at, w->opened - 1, in.h, in.w);
    int below = card_height(&c, w->opened - 1, in.w) - top - in.h;

    card_draw(&c, focus ? w->at : -1, w->opened - 1, top, s, in);
    card_free(&c);
    return below > 0 ? below : 0;
}
