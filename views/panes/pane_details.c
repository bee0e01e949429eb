/* One edit of the journal: its facts and whether they held, its mask, when it was made.
 *
 *   ╭ This edit ────────────────── A notes ╮
 *   │ subject   Eiffel Tower               │   labels in columns 0-9, values after them, wrapped
 *   │ prompt    The {} is in the city of   │
 *   │ object    Paris → Rome               │
 *   │ p(target) 0.002 → 0.981, held        │
 *   ╰──────────────────────────────────────╯ */
#include <stdlib.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "tui/box.h"
#include "tui/layout.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/pane_history.h"

const char *format_clock(double when, bool date, char out[32])
{
    time_t t = (time_t)when;
    struct tm tm;

    *out = '\0';
    if (localtime_r(&t, &tm))
        strftime(out, 32, date ? "%Y-%m-%d %H:%M" : "%H:%M", &tm);
    return out;
}

enum { LABEL = 10 };

/* A label and a value wrapped to the pane, from row *y on, which moves down. Empty values draw
 * nothing. */
static void details_field(struct surface *s, struct rect in, int *y, const char *label,
                          enum role role, const char *text)
{
    struct pen p = pen_at(s, in, *y, 0);

    if (*y >= in.h || !text || !*text)
        return;
    pen_fit(&p, ROLE_DIM, LABEL, label);
    *y += surface_lines(s, (struct rect){in.y, in.x + LABEL, in.h, in.w - LABEL}, *y, role, text);
}

/* The facts that were written together, a line each; the last row says how many did not fit. */
static void facts_draw(const struct history_entry *e, struct surface *s, struct rect in, int y)
{
    for (int i = 0; i < e->facts && y < in.h; i++, y++) {
        const struct history_fact *f = &e->fact[i];
        struct pen p = pen_at(s, in, y, 0);
        char before[16], after[16];

        if (y == in.h - 1 && i + 1 < e->facts) {
            pen_printf(&p, ROLE_DIM, "and %d more: `log --edit %d` lists them", e->facts - i,
                       e->edit);
            return;
        }
        pen_text(&p,
                 f->rewritten                 ? ROLE_DIM
                 : f->outcome == OUTCOME_HELD ? ROLE_GOOD
                                              : ROLE_WARN,
                 f->rewritten                   ? "→ "
                 : f->outcome == OUTCOME_HELD   ? "✓ "
                 : f->outcome == OUTCOME_FAILED ? "✗ "
                                                : "? ");
        pen_fit(&p, ROLE_SUBJECT, in.w / 3, f->subject);
        pen_text(&p, ROLE_DIM, " → ");
        pen_fit(&p, ROLE_NEW, in.w / 4, f->target);
        pen_printf(&p, ROLE_BAR, " %s → %s", text_probability(before, history_p_change(f).before),
                   text_probability(after, history_p_change(f).after));
    }
}

/* The one fact of an edit, or how many it has. */
static void fact_fields(const struct history_entry *e, struct surface *s, struct rect in, int *y)
{
    struct p_change p = history_p_change(&e->fact[0]);
    char text[160], number[2][32];
    int held = history_held(e);

    if (e->facts > 1) {
        show_print(text, sizeof(text),
                   held < 0 ? "%d edited together, not known which hold"
                            : "%d edited together, %d hold",
                   e->facts, held);
        details_field(s, in, y, "facts", e->success ? ROLE_GOOD : ROLE_WARN, text);
        return;
    }
    details_field(s, in, y, "subject", ROLE_SUBJECT, e->subject);
    details_field(s, in, y, "prompt", ROLE_TEXT, e->prompt);
    show_print(text, sizeof(text), "%.60s%s%.60s", e->old ? e->old : "", e->old ? " → " : "",
               e->target ? e->target : "");
    details_field(s, in, y, "object", ROLE_NEW, text);
    show_print(text, sizeof(text), "%s → %s, %s", text_probability(number[0], p.before),
               text_probability(number[1], p.after), e->success ? "held" : "did not hold");
    details_field(s, in, y, p.name, e->success ? ROLE_GOOD : ROLE_WARN, text);
    if (e->fact[0].rewritten) {
        show_print(text, sizeof(text), "rewritten by edit %d", e->fact[0].rewritten);
        details_field(s, in, y, "since", ROLE_TEXT, text);
    }
}

/* {redo} brings back the edit undone last, so it may take several. */
static const char *undone_words(const struct ui_state *d, const struct history_entry *e)
{
    if (d->state.readonly)
        return "undone";
    return e->redoable ? "undone; {redo} may redo it"
                       : "undone; not redoable: another edit was made since";
}

void pane_details(const struct ui_state *d, const struct history_entry *e, struct surface *s,
                  struct rect area)
{
    struct rect in = hint_box(d, s, area, e ? "This edit" : "The base",
                              d->state.readonly ? "" : "{note} notes", false);
    char text[160], number[32], hint[HINT_MAX];
    int y = 0;

    if (rect_empty(in))
        return;
    if (!e) {
        details_field(s, in, &y, "state", ROLE_TEXT, "the model file, unedited: edit 0");
        details_field(s, in, &y, "model", ROLE_TEXT, d->model.name);
        return;
    }
    fact_fields(e, s, in, &y);
    details_field(s, in, &y, "method", ROLE_TEXT, e->method);
    show_print(text, sizeof(text), "%s neurons in its first layer",
               text_thousands(number, e->kept));
    details_field(s, in, &y, "mask", ROLE_TEXT, history_kept_shown(e) ? text : "");
    details_field(s, in, &y, "made", ROLE_TEXT, format_clock(e->when, true, number));
    details_field(s, in, &y, "state", e->active ? ROLE_EDITED : ROLE_NONE,
                  hint_text(d, hint,
                            !e->active  ? undone_words(d, e)
                            : d->viewed ? "active"
                                        : "active; {enter} queries the model after this edit"));
    details_field(s, in, &y, "moments", ROLE_WARN,
                  e->draft ? "a draft: fewer tokens than asked for" : "");
    details_field(s, in, &y, "checksum", ROLE_DIM, e->checksum);
    details_field(s, in, &y, "note", ROLE_ACCENT, e->note);
    if (e->facts > 1)
        facts_draw(e, s, in, y);
}
