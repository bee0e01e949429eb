/* Runs a set of variants, and says what its results are about and how far it is. */
#include "views/variants_run.h"

#include <string.h>

#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/keymap.h"
#include "views/requests.h"

/* "Eiffel Tower → Rome", and the object alone. */
static void fact_words(const struct ui_state *d, char out[120], char target[48])
{
    char subject[64];

    text_piece(subject, sizeof(subject), d->fact.subject ? d->fact.subject : "no fact");
    text_piece(target, 48, d->fact.target ? d->fact.target : "?");
    show_print(out, 120, "%s → %s", subject, target);
}

/* Results that have arrived, also of those that could not be made. */
static int count_arrived(const struct variant *variant, int count)
{
    int n = 0;

    for (int i = 0; i < count; i++)
        n += variant[i].has;
    return n;
}

/* How many could be made, and the words for those that could not: ", 3 failed" or "". */
static int count_done(const struct variant *variant, int count, char failed[24])
{
    int done = 0, arrived = count_arrived(variant, count);

    for (int i = 0; i < count; i++)
        done += variant_has_numbers(&variant[i]);
    *failed = '\0';
    if (arrived > done)
        show_print(failed, 24, ", %d failed", arrived - done);
    return done;
}

/* Whether the parameters are those at hand, apart from the ones that the variants set. */
static bool same_params(const struct variants_run *r, const struct params *now)
{
    struct params then = r->params;

    for (int i = 0; i < r->own_count; i++)
        then.value[r->own[i]] = now->value[r->own[i]];
    return params_same(&then, now, AFFECTS_EDIT);
}

const char *variants_run_stale(const struct variants_run *r, const struct ui_state *d)
{
    struct tried_state on;
    struct stamp stamp;

    if (!r->job)
        return "";
    stamp = ui_stamp_now(d);
    if (stamp_differs(&r->stamp, &stamp, STAMP_FACT | STAMP_OBJECT | STAMP_OLD))
        return "of another fact";
    on = tried_state_now(d);
    if (*r->on.name && *on.name && strcmp(r->on.name, on.name) != 0)
        return "of another state";
    return same_params(r, &d->params) ? "" : "of other parameters";
}

void variants_run_mark(const char *stale, struct surface *s, struct rect area)
{
    if (*stale && area.h > 2 && area.w > 4)
        surface_stale(s, (struct rect){area.y + 1, area.x + 2, area.h - 2, area.w - 4});
}

void variants_run_forget(struct variants_run *r)
{
    r->job = 0;
    r->running = r->stopped = false;
    r->count = 0;
}

bool variants_run_start(struct host *host, struct variants_run *r, const struct params *all,
                        int count, struct variant *variant)
{
    struct ui_state *d = host->ui;
    bool go_on =
        r->stopped && r->count == count && d->variant_job == r->job && !*variants_run_stale(r, d);
    int done = go_on ? count_arrived(variant, count) : 0;
    struct tried_state on = tried_state_now(d);
    unsigned job;
    char target[48];

    if (go_on && !*on.name)
        memcpy(on.name, r->on.name, sizeof(on.name));
    job = request_variants(host, all, count, &on, done);
    if (!job)
        return false;
    if (go_on)
        d->variant_job = job; /* so that the results that are there stay */
    else
        memset(variant, 0, (size_t)count * sizeof(*variant));
    r->job = job;
    r->running = r->waits = true;
    r->stopped = false;
    r->count = count;
    r->stamp = ui_stamp_now(d);
    r->on = on;
    r->params = d->params;
    fact_words(d, r->fact, target);
    for (int how = 0; how < WORDS; how++)
        tried_state_words(&on, target, (enum words)how, r->on_words[how]);
    if (on.on == TRIED_BEFORE)
        host->message(host, TONE_PLAIN, "%s", r->on_words[WORDS_FULL]);
    return true;
}

/* The engine says which state it took. It is another one if the session was not open yet when the
 * command was posted, or if the history has changed since. */
static void take_state(struct variants_run *r, const struct variant_result *t)
{
    bool same = !*r->on.name || !strcmp(r->on.name, t->state);

    if (!*t->state || (same && *r->on.name && r->on.last == t->edit))
        return;
    if (!same || r->on.last != t->edit)
        r->on = (struct tried_state){.on = t->edit ? TRIED_NOW : TRIED_BASE, .last = t->edit};
    utf8_copy(r->on.name, sizeof(r->on.name), t->state);
    for (int how = 0; how < WORDS; how++)
        tried_state_words(&r->on, "", (enum words)how, r->on_words[how]);
}

bool variants_run_event(struct host *host, struct variants_run *r, const struct event *ev)
{
    const struct ui_state *d = host->ui;

    if (!r->job || ev->job != r->job)
        return false;
    r->waits = ev->kind == EV_PAUSED || (r->waits && ev->kind == EV_PROGRESS);
    if (ev->kind == EV_VARIANT) {
        for (int i = 0; i < d->variant_count && d->variant_job == r->job; i++)
            if (d->variant[i])
                take_state(r, d->variant[i]);
        return d->variant_job == r->job;
    }
    if (ev->kind == EV_FAILED && ev->err.kind != ERR_CANCELLED && d->recorded) {
        variants_run_forget(r); /* a recording that lacks them: nothing could go on */
        return false;
    }
    if (ev->kind == EV_DONE || ev->kind == EV_FAILED) {
        r->running = false;
        r->stopped = ev->kind == EV_FAILED;
    }
    if (ev->kind == EV_DONE) {
        int failed = 0;

        for (int i = 0; i < d->variant_count && d->variant_job == r->job; i++)
            failed += d->variant[i] && *d->variant[i]->why;
        if (failed)
            host->message(host, TONE_WARN, "%d variants tried %s, %d failed; nothing was written",
                          r->count - failed, r->on_words[WORDS_BRIEF], failed);
        else
            host->message(host, TONE_GOOD, "%d variants tried %s; nothing was written", r->count,
                          r->on_words[WORDS_BRIEF]);
    }
    return false;
}

void variants_run_keep(const struct variants_run *r, struct variant *variant)
{
    for (int i = 0; i < r->count; i++)
        if (*variant[i].state && *r->on.name && strcmp(variant[i].state, r->on.name) != 0)
            variant[i] = (struct variant){0};
}

const char *variants_run_title(const struct variants_run *r, const struct ui_state *d,
                               const char *word, int cols, char out[320])
{
    char fact[120], words[160], target[48];
    struct tried_state on = {0};
    struct buf cut = {0};
    int over = 0;

    fact_words(d, fact, target);
    if (r->job)
        utf8_copy(fact, sizeof(fact), r->fact);
    else
        on = tried_state_now(d);
    for (int how = 0; how < WORDS; how++) {
        utf8_copy(words, sizeof(words), r->on_words[how]);
        if (!r->job)
            tried_state_words(&on, target, (enum words)how, words);
        show_print(out, 320, "%s: %s, %s", word, fact, words);
        over = text_width(out) - cols;
        if (over <= 0)
            return out;
    }
    text_fit(&cut, fact, text_width(fact) > over + 8 ? text_width(fact) - over : 8);
    show_print(out, 320, "%s: %s, %s", word, cut.data, words); /* the last, WORDS_BRIEF */
    buf_free(&cut);
    return out;
}

const char *variants_run_hint(const struct variants_run *r, const struct ui_state *d,
                              const char *stale, const struct variant *variant, int count,
                              const char *next, char out[96])
{
    char failed[24];
    int done = count_done(variant, r->count, failed);

    if (d->viewed && !r->job)
        utf8_copy(out, 96, HINT_NOT_THERE);
    else if (!r->job)
        hint_print(d, out, 96,
                   d->recorded ? "{attribute} shows those that were recorded"
                               : "{attribute} runs %d",
                   count);
    else if (r->running)
        show_print(out, 96, "%d of %d done%s%s", done, r->count, failed, r->waits ? ", waits" : "");
    else if (*stale && done)
        hint_print(d, out, 96, "%s: {attribute} runs again", stale);
    else if (r->stopped)
        hint_print(d, out, 96, "%d of %d%s, stopped: {attribute} goes on", done, r->count, failed);
    else
        hint_print(d, out, 96, "%d done%s, {enter} %s", done, failed, next);
    return out;
}
