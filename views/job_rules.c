/* Which jobs are dropped, replaced or refused (job_rules.h). */
#include "views/job_rules.h"

#include "core/base/buf.h"

void job_drop(struct host *host, struct ui_job *card)
{
    card->stopping = card->dropped = true;
    if (host->cancel)
        host->cancel(host, card->job);
}

/* Whether the user asked for it, and not the program because something else was there. */
static bool job_was_asked(const struct ui_state *d, const struct ui_job *card)
{
    return *command_traits[card->kind].busy &&
           !(d->verdict.probes_follow && card->job == d->verdict.probe_job);
}

/* Whether what the job makes is not of the fact at hand. */
static bool job_is_of_other_fact(const struct ui_job *card, const struct stamp *was,
                                 const struct stamp *now)
{
    unsigned objects = card->kind == CMD_PREVIEW     ? PREVIEW_PARTS
                       : card->kind == CMD_ATTRIBUTE ? STAMP_SCORES
                                                     : 0;

    return stamp_differs(&card->stamp, now, STAMP_FACT) || stamp_differs(was, now, objects);
}

bool jobs_drop_other_facts(struct host *host, const struct stamp *was)
{
    struct ui_state *d = host->ui;
    const struct stamp now = ui_stamp_now(d);
    struct buf what = {0};
    bool preview = false;

    for (int i = 0; i < UI_JOBS; i++) {
        struct ui_job *card = &d->job[i];
        char words[200];

        if (!card->job || card->dropped || !(command_traits[card->kind].flags & OF_FACT) ||
            !job_is_of_other_fact(card, was, &now) || ui_queue_at(d, card->job))
            continue;
        job_drop(host, card);
        preview |= card->kind == CMD_PREVIEW;
        if (job_was_asked(d, card))
            buf_printf(&what, "%s%s", what.len ? ", " : "",
                       ui_job_words(d, card, words, sizeof(words)));
    }
    if (what.len)
        host->message(host, TONE_PLAIN, "dropped with the other fact: %s", what.data);
    buf_free(&what);
    return preview;
}

bool jobs_drop_previews(struct host *host)
{
    struct ui_state *d = host->ui;
    bool any = d->state.preview;

    for (int i = 0; i < UI_JOBS; i++) {
        struct ui_job *card = &d->job[i];

        if (!card->job || card->kind != CMD_PREVIEW || card->dropped)
            continue;
        job_drop(host, card);
        any = true;
    }
    return any;
}

bool background_say(struct host *host)
{
    const struct ui_state *d = host->ui;
    const struct progress *g = &d->background;

    if (!d->ready && !d->stopped)
        host->message(host, TONE_WARN, "the model is being loaded; :q quits");
    else if (g->total > 0)
        host->message(host, TONE_WARN,
                      "only background work runs: %s · it makes way for what is asked · :q ends it "
                      "· {jobs} shows it",
                      g->what);
    return (!d->ready && !d->stopped) || g->total > 0;
}

struct ui_job *job_of_fact(const struct ui_state *d, enum command_kind kind, enum command_rank rank)
{
    const struct stamp now = ui_stamp_now(d);

    for (int i = 0; i < UI_JOBS; i++) {
        const struct ui_job *card = &d->job[i];

        if (card->job && !card->stopping && card->kind == kind && card->rank == rank &&
            !stamp_differs(&card->stamp, &now, STAMP_FACT))
            return ui_job_card(d, card->job);
    }
    return NULL;
}

bool job_is_under_way(struct host *host, enum command_kind kind, enum command_rank rank,
                      unsigned parts)
{
    const struct stamp now = ui_stamp_now(host->ui);
    struct ui_job *card = job_of_fact(host->ui, kind, rank);

    if (card && stamp_differs(&card->stamp, &now, parts)) {
        job_drop(host, card);
        card = NULL;
    }
    return card != NULL;
}

bool commit_will_ask(const struct ui_state *d)
{
    return !d->verdict.committed && job_of_fact(d, CMD_COMMIT, RANK_WANTED);
}
