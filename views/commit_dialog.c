/* The dialog before a commit: what will be written, what a preview of exactly this found, and where
 * the edit is kept.
 *
 *     Eiffel Tower → Rome
 *     Preview: p(target) 0.0057 → 0.991, would hold, says "Rome, Italy."
 *     Neighbours: 5 of 5 known ones stay. Earlier edits: 12 of 12 hold.
 *     Writes 2,610 of 7,680 columns in L4–8: ‖ΔW‖/‖W‖ 2.4–8.2 %, leak/gain² 4.1–19×.
 *     It is kept in paris.es. u takes it back, bit for bit. */
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "core/edit/editors/editors.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/job_rules.h"
#include "views/requests.h"
#include "views/verdict_card.h"

/* "It rewrites edit 1 (Eiffel Tower → Rome).\n" if an active edit gave the same question another
 * object, "It repeats ..." if the same one; else nothing. */
static void put_rewritten_edit(struct buf *out, const struct ui_state *d)
{
    const struct history_fact *last;
    int edit = ui_last_edit_of_fact(d, &d->fact, &last);

    if (edit)
        show_format(out, "It %s edit %d (%.60s → %.60s).\n",
                    d->fact.target && !strcmp(last->target, d->fact.target) ? "repeats"
                                                                            : "rewrites",
                    edit, last->subject, last->target);
}

/* What an edit will write that nothing was computed of: how many columns the masks at hand keep, or
 * what the method does without one. */
static void put_expected(struct buf *out, const struct ui_state *d)
{
    const struct editor_ops *editor = editor_of(&d->params);
    char some[32], all[32], range[48];
    long sum = 0, of = 0;

    for (int l = 0; l < d->layers; l++)
        if (ui_edits_layer(d, l)) {
            of += d->model.neurons;
            sum += d->layer[l].mask && !d->layer[l].differs ? d->layer[l].mask->selected : 0;
        }
    ui_edited_range(d, range);
    if (editor->keeps)
        buf_printf(out, "%s writes no weight: it keeps %s%s%s.\n", editor->title, editor->keeps,
                   editor->layer ? " at " : "", editor->layer ? range : "");
    else if (!editor_takes_mask(&d->params))
        buf_printf(out, "%s has no mask: it writes %s %s.\n", editor->title,
                   editor->chooses ? "the columns that it chooses in" : "columns of", range);
    else if (editor_has_mask(&d->params) && params_choice(&d->params, P_UPDATE_LIKE) != LIKE_NONE)
        buf_printf(out, "It writes all columns of %s, with the %s that the mask would leave.\n",
                   range, params_word(&d->params, P_UPDATE_LIKE));
    else if (sum)
        buf_printf(out, "It writes %s of %s columns in %s.\n", text_thousands(some, sum),
                   text_thousands(all, of), range);
    else if (params_choice(&d->params, P_MASK_MODE) == MODE_PREVIOUS && editor_has_mask(&d->params))
        buf_printf(out, "It writes columns of %s, those that the facts of the edit before have.\n",
                   range);
    else
        buf_printf(out, "It writes columns of %s; the neurons are not scored yet.\n", range);
}

/* What the preview found: the numbers of the commit, since it writes the same bits. */
static void put_preview(struct buf *out, const struct ui_state *d)
{
    const struct ui_verdict *v = &d->verdict;
    const struct edit_report *a = v->report;
    struct p_change p = report_p_change(a);
    char before[16], after[16];

    buf_printf(out, "Preview: %s %s → %s, %ssays \"", p.name, text_probability(before, p.before),
               text_probability(after, p.after),
               !a->facts             ? "" /* recordings of 0.1.0 lack it */
               : a->held == a->facts ? "would hold, "
                                     : "would NOT hold, ");
    put_said(out, v->sides ? v->sides->after.said : a->generated);
    buf_puts(out, "\".\n");
    if (v->probes) {
        buf_puts(out, "Neighbours: ");
        put_neighbours(out, d, v->probes);
        buf_puts(out, ".\n");
    } else {
        buf_puts(out, ui_job_kind(d, v->probe_job) ? "Neighbours are being asked.\n"
                                                   : "Neighbours were not asked yet.\n");
    }
    if (v->overwritten && v->overwritten->lost)
        show_format(out, "It overwrites %d fact%s of earlier edits, first %.40s → %.40s.\n",
                    v->overwritten->lost, v->overwritten->lost == 1 ? "" : "s",
                    v->overwritten->fact[0].subject, v->overwritten->fact[0].target);
    buf_puts(out, "It writes ");
    put_written(out, d, a);
    buf_puts(out, ".\n");
}

/* Why there is no preview of exactly this edit: it is of another, or is not made yet. */
static void put_no_preview(struct buf *out, const struct ui_state *d)
{
    const struct stamp now = ui_stamp_now(d);
    const struct ui_job *card = job_of_fact(d, CMD_PREVIEW, RANK_WANTED);
    char words[UI_WORDS], key[HINT_MAX];

    if (card && !stamp_differs(&card->stamp, &now, PREVIEW_PARTS | STAMP_STATE))
        buf_puts(out, "The preview of this edit is under way: the commit waits for it.\n");
    else if (ui_verdict_moved(d))
        show_format(out, "It is not the edit that was previewed: %s.\n",
                    ui_verdict_words(d, words));
    else
        buf_puts(out, hint_text(d, key,
                                "No preview of this fact with these parameters is at hand; "
                                "{preview} makes one.\n"));
}

/* Of how much text the second moments are, while that is less than asked for: of the preview, whose
 * weights are written as they are, or of an edit that is made now. */
static void put_draft(struct buf *out, const struct ui_state *d, bool previewed)
{
    const struct edit_report *a = d->verdict.report;
    long now = d->state.moment_tokens;
    char tokens[32], goal[32], key[HINT_MAX];

    if (previewed && a->draft) {
        buf_printf(out, "The preview's second moments are a draft of %s tokens; the edit notes it.",
                   text_thousands(tokens, a->moment_tokens));
        if (now > a->moment_tokens)
            show_format(out, " %s tokens are summed now: %s", text_thousands(tokens, now),
                        hint_text(d, key, "{preview} uses them."));
        buf_puts(out, "\n");
    } else if (!previewed && now < d->state.moment_goal &&
               editor_of(&d->params)->needs & NEEDS_MOMENTS) {
        buf_printf(out, "The second moments are a draft of %s tokens of %s; the edit notes it.\n",
                   text_thousands(tokens, now), text_thousands(goal, d->state.moment_goal));
    }
}

/* Where the edit is kept. */
static void put_place(struct buf *out, const struct ui_state *d)
{
    char key[HINT_MAX];

    if (*d->state.session)
        show_format(out, "It is kept in %.60s. %s", file_name(d->state.session),
                    hint_text(d, key, "{undo} takes it back, bit for bit."));
    else if (*d->state.state)
        buf_puts(out, hint_text(d, key,
                                "It is kept in memory only: no session file is open. {save} names "
                                "one."));
    else
        buf_puts(out, "It is kept in the session, which is still being opened.");
}

static void commit_confirmed(struct host *host, const struct question *question)
{
    (void)question;
    request_commit(host);
}

void confirm_commit(struct host *host)
{
    const struct ui_state *d = host->ui;
    struct question q = {
        .title = "Commit this edit?", .yes = "Commit", .confirmed = commit_confirmed};
    struct buf text = {0};
    bool previewed = ui_verdict(d) && !d->verdict.committed && !ui_verdict_moved(d);

    if (!request_has_usable_fact(host) || request_commits_already(host))
        return;
    if (d->state.readonly) {
        host->message(host, TONE_WARN, "read-only: nothing can be committed here");
        return;
    }
    show_format(&text, "%.60s → %.60s\n", d->fact.subject, d->fact.target);
    put_rewritten_edit(&text, d);
    if (previewed) {
        put_preview(&text, d);
    } else {
        put_no_preview(&text, d);
        put_expected(&text, d);
    }
    put_draft(&text, d, previewed);
    put_place(&text, d);
    utf8_copy(q.text, sizeof(q.text), text.data);
    buf_free(&text);
    host->confirm(host, &q);
}
