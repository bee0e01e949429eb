/* What results were made from, and whether that is what is at hand.
 *
 * The engine says at the beginning of a job what its results are about (EV_BEGUN). Each result that
 * ui_state keeps is kept with this origin; `d->now` is the origin of a result that would be made
 * now. A recording that is older than EV_BEGUN says nothing: then a result gets the origin that was
 * at hand when it came. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/knobs.h"
#include "views/ui_state_internal.h"

static void origin_name_fact(struct ui_origin *o, const char *subject, const char *target,
                             const char *old)
{
    char text[2][64];

    if (subject)
        show_print(o->fact, sizeof(o->fact), "%s → %s", text_piece(text[0], 64, subject),
                   target ? text_piece(text[1], 64, target) : "?");
    if (subject && old)
        text_piece(o->old, sizeof(o->old), old);
}

struct ui_origin origin_at_hand(const struct ui_state *d, const struct stamp *now)
{
    struct ui_origin o = {.stamp = *now};
    struct buf changed = {0};

    origin_name_fact(&o, d->fact.subject, d->fact.target, d->fact.old);
    params_show_changed(&d->params, AFFECTS_EDIT, &changed);
    utf8_copy(o.changed, sizeof(o.changed), changed.data ? changed.data : "");
    buf_free(&changed);
    return o;
}

struct ui_origin origin_of_event(const struct ui_state *d, const struct event *ev)
{
    const struct job_begun *begun = ui_job_begun(d, ev->job);
    struct ui_origin o = d->now;

    if (begun) {
        o = (struct ui_origin){.stamp = begun->stamp};
        if (begun->facts > 1)
            snprintf(o.fact, sizeof(o.fact), "%d facts", begun->facts);
        else
            origin_name_fact(&o, begun->subject, begun->target, begun->old);
        utf8_copy(o.changed, sizeof(o.changed), begun->changed ? begun->changed : "");
    }
    o.job = ev->job;
    return o;
}

unsigned origin_differs(const struct ui_state *d, const struct ui_origin *from, unsigned parts)
{
    return stamp_differs(&from->stamp, &d->now.stamp, parts);
}

void ui_about(const struct ui_state *d, struct buf *out)
{
    buf_printf(out, "%s, ", *d->now.fact ? d->now.fact : "no fact");
    if (d->state.edits)
        buf_printf(out, "EDITED +%d %.8s; ", d->state.edits, d->state.state);
    else
        buf_printf(out, "BASE %.8s; ", d->state.state);
    if (*d->now.changed)
        buf_printf(out, "parameters: %.*s; ", (int)strlen(d->now.changed) - 1, d->now.changed);
    else
        buf_puts(out, "parameters at their defaults; ");
    if (ui_scored_words(d))
        buf_printf(out, "scores of %d of %d layers are there, over %d words that stand for all",
                   d->scored_layers, d->layers, ui_scored_words(d));
    else
        buf_printf(out, "scores of %d of %d layers are exact", d->scored_layers, d->layers);
    if (d->approximate)
        buf_puts(out, " up to the amplification, to which they are extrapolated");
    if (d->stale_layers)
        buf_printf(out, ", those of %d are of something else", d->stale_layers);
    if (d->intervention_count || d->mask_override_count)
        buf_printf(out, "; %d neurons changed, %d forced", d->intervention_count,
                   d->mask_override_count);
}

void ui_put_state(const struct ui_state *d, const char *state, struct buf *out)
{
    const struct history *h = d->history;

    for (int i = h ? h->count - 1 : -1; i >= 0; i--)
        if (*state && !strcmp(h->entry[i].state, state)) {
            buf_printf(out, "after edit %d", h->entry[i].edit);
            return;
        }
    buf_puts(out, h && *state && !strcmp(h->base_state, state) ? "on BASE" : "on other weights");
}

/* The parameters of "name=value;name=value;", the others at their default. */
struct params params_of_changed(const char *changed)
{
    struct params p;

    params_default(&p);
    for (const char *at = changed; *at; at += strcspn(at, ";"), at += *at == ';') {
        char *pair = xasprintf("%.*s", (int)strcspn(at, ";"), at);

        params_assign(&p, pair, FROM_COMMAND_LINE, NULL);
        free(pair);
    }
    return p;
}

/* "of old Paris, now Berlin". */
static void old_words(const struct ui_state *d, const struct ui_origin *from, struct buf *out)
{
    buf_printf(out, "of %s%.30s, now %s", *from->old ? "old " : "no old object", from->old,
               *d->now.old ? d->now.old : "none");
}

/* What differs where no parameter does: an object, or else the neurons that are forced. */
static void no_params_words(const struct ui_state *d, const struct ui_origin *from,
                            unsigned affects, struct buf *out)
{
    unsigned differs = origin_differs(d, from, STAMP_OBJECT | STAMP_OLD);

    if (differs & STAMP_OBJECT)
        buf_printf(out, "of %s", from->fact);
    else if (differs)
        old_words(d, from, out);
    else
        buf_puts(out, affects == AFFECTS_EDIT ? "made with other neurons forced"
                                              : "made with other parameters");
}

/* "made with β_ge 0.3, now 0.4", of the first parameter that has another value. */
static void params_words(const struct ui_state *d, const struct ui_origin *from, unsigned affects,
                         struct buf *out)
{
    bool cut = strlen(from->changed) >= sizeof(from->changed) - 4; /* then it does not say all */
    struct params was = params_of_changed(from->changed);
    char words[2][48];
    int others = 0;

    for (int i = 0; i < PARAM_COUNT && !cut; i++) {
        const struct param_info *info = param_info((enum param)i);

        if (!(info->affects & affects) || param_same(&was, &d->params, (enum param)i) || others++)
            continue;
        buf_printf(out, "made with %s %s, now %s", param_symbol((enum param)i),
                   param_value_words(&was, (enum param)i, words[0]),
                   param_value_words(&d->params, (enum param)i, words[1]));
    }
    if (others > 1)
        buf_printf(out, " and %d more", others - 1);
    else if (!others && cut)
        buf_puts(out, "made with other parameters");
    else if (!others)
        no_params_words(d, from, affects, out);
}

const char *origin_words(const struct ui_state *d, const struct ui_origin *from, unsigned differs,
                         char out[UI_WORDS])
{
    struct buf text = {0};

    if (differs & (STAMP_FACT | STAMP_OBJECT))
        buf_printf(&text, *from->fact ? "of %s" : "of no fact", from->fact);
    if (differs & STAMP_STATE) {
        buf_puts(&text, text.len ? ", " : "");
        ui_put_state(d, from->stamp.state, &text);
        buf_puts(&text, ", before the last change");
    }
    /* a differing object differs in the scores' key too: the fact says it already */
    if (differs & (STAMP_SCORES | STAMP_EDIT) && !(differs & (STAMP_FACT | STAMP_OBJECT))) {
        buf_puts(&text, text.len ? ", " : "");
        params_words(d, from, differs & STAMP_EDIT ? AFFECTS_EDIT : AFFECTS_SCORES, &text);
    }
    if (differs & STAMP_OLD && !text.len)
        old_words(d, from, &text);
    utf8_copy(out, UI_WORDS, text.data ? text.data : "");
    buf_free(&text);
    return out;
}
