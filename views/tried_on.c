/* Chooses and names the state that variants are tried on. */
#include "views/tried_on.h"

#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"

/* The name of the state after an edit; "" if the history does not know it. */
static const char *name_after(const struct history *h, int edit)
{
    for (int i = 0; h && i < h->count; i++)
        if (h->entry[i].edit == edit)
            return h->entry[i].state;
    return h && !edit ? h->base_state : "";
}

/* Active edits after this one. */
static int count_later(const struct history *h, int edit)
{
    int n = 0;

    for (int i = 0; h && i < h->count; i++)
        n += h->entry[i].active && h->entry[i].edit > edit;
    return n;
}

/* The state that this choice means; `on` is then another one if there is no such state. */
static struct tried_state state_of_choice(const struct history *h, const struct fact_edits *edits,
                                          enum tried_on on)
{
    struct tried_state t = {.on = on, .wrote = edits->same ? edits->last : 0};

    if ((on == TRIED_BEFORE && !edits->first) || (on == TRIED_BASE && !count_later(h, 0)))
        t.on = TRIED_NOW;
    if (t.on == TRIED_NOW)
        t.last = history_edit_before(h, EDIT_NUMBER_MAX);
    if (t.on == TRIED_BEFORE) {
        t.edit = edits->first;
        t.last = history_edit_before(h, t.edit);
        t.later = count_later(h, t.edit);
    }
    utf8_copy(t.name, sizeof(t.name), name_after(h, t.last));
    return t;
}

struct tried_state tried_state_of(const struct history *h, const struct fact *fact,
                                  enum tried_on choice)
{
    struct fact_edits edits = history_of_fact(h, fact); /* a question for each fact: once */

    if (choice == TRIED_AUTO)
        choice = edits.same && edits.last ? TRIED_BEFORE : TRIED_NOW;
    return state_of_choice(h, &edits, choice);
}

struct tried_state tried_state_now(const struct ui_state *d)
{
    struct tried_state t = tried_state_of(d->history, &d->fact, d->tried_on);

    if (t.on == TRIED_NOW && *d->state.state) /* the history may still be on its way */
        utf8_copy(t.name, sizeof(t.name), d->state.state);
    return t;
}

void tried_on_next(struct host *host)
{
    struct ui_state *d = host->ui;
    struct tried_state was = tried_state_now(d), t;
    char words[160], target[48];

    d->tried_on = was.on;
    do { /* the state before the first edit of all is the base: that is one choice, not two */
        d->tried_on = d->tried_on == TRIED_NOW ? TRIED_BEFORE : d->tried_on + 1;
        t = tried_state_now(d);
    } while (d->tried_on != TRIED_NOW && (t.on != d->tried_on || !strcmp(t.name, was.name)));
    text_piece(target, sizeof(target), d->fact.target ? d->fact.target : "?");
    host->message(host, TONE_PLAIN, "%s", tried_state_words(&t, target, WORDS_FULL, words));
}

/* ", since it already wrote Rome", and in full how many edits came later. */
static void before_reason(const struct tried_state *t, const char *target, bool full, char out[120])
{
    char later[40] = "";

    if (t->later && full)
        show_print(later, sizeof(later), "; %d later edit%s left out", t->later,
                   t->later > 1 ? "s are" : " is");
    if (!t->wrote)
        show_print(out, 120, ", which wrote another object%s", later);
    else if (t->wrote == t->edit)
        show_print(out, 120, ", since it already wrote %s%s", target, later);
    else
        show_print(out, 120, ", since edit %d already wrote %s%s", t->wrote, target, later);
}

const char *tried_state_words(const struct tried_state *t, const char *target, enum words how,
                              char out[160])
{
    bool brief = how == WORDS_BRIEF;
    char reason[120] = "";

    if (t->on == TRIED_BEFORE) {
        if (!brief)
            before_reason(t, target, how == WORDS_FULL, reason);
        show_print(out, 160, "%s%sbefore edit %d%s", brief ? "" : "tried ",
                   how == WORDS_FULL ? "on the state " : "", t->edit, reason);
    } else if (!t->last) {
        show_print(out, 160, brief ? "on BASE" : "tried on BASE");
    } else {
        if (t->wrote && how == WORDS_FULL)
            show_print(reason, sizeof(reason), ", where edit %d already wrote %s", t->wrote,
                       target);
        show_print(out, 160, "%safter edit %d%s", brief ? "" : "tried on EDITED, ", t->last,
                   reason);
    }
    return out;
}
