/* Turns an event into one line for the status bar and the log. The text is made from ui_state,
 * which has stored the event already. Screen and plain mode use the same lines. */
#include "views/shell/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/show.h"
#include "core/base/utf8.h"
#include "tui/text.h"
#include "views/hint.h"
#include "views/panes/pane_scoreboard.h"
#include "views/screens/facts_list.h"
#include "views/view_tables.h"

/* "32 to 48 % of neurons in L4–8", the share of kept neurons as a range over the edited layers; or
 * what stands beside the weights. */
static void put_previewed(const struct ui_state *d, const struct edit_report *a, struct buf *out)
{
    int low = 101, high = -1;
    char range[48];

    for (int i = 0; i < a->layers; i++) {
        int share = d->model.neurons
                        ? (100 * a->layer[i].kept + d->model.neurons / 2) / d->model.neurons
                        : 0;

        low = share < low ? share : low;
        high = share > high ? share : high;
    }
    if (a->layers)
        buf_printf(out, "%d%s%.0d %% of neurons in %s", low, high > low ? " to " : "",
                   high > low ? high : 0, report_range(a, range));
    else
        buf_printf(out, "%.*s", (int)strcspn(a->beside, ";:,"),
                   *a->beside ? a->beside : "no change");
}

/* "would hold: p(target) 0.006 → 0.891 · says Rome · preview of 32 to 48 % of neurons in L4–8":
 * what decides comes first, for a line is cut at its end. */
static void preview_message(const struct ui_state *d, char *out, size_t n)
{
    const struct edit_report *a = d->preview;
    struct p_change p = report_p_change(a);
    char before[16], after[16], answer[80];
    struct buf what = {0};

    put_previewed(d, a, &what);
    text_said(answer, sizeof(answer), a->generated);
    show_print(out, n, "%s%s %s → %s · says %s · preview%s of %s%s",
               !a->facts             ? "" /* recordings of 0.1.0 lack it */
               : a->held == a->facts ? "would hold: "
                                     : "would NOT hold: ",
               p.name, text_probability(before, p.before), text_probability(after, p.after), answer,
               a->draft ? " (draft moments)" : "", what.data, edit_of_base(&d->verdict.params));
    buf_free(&what);
}

/* What a RUN file shows. False: the event does not say yet. */
static bool run_message(const struct ui_state *d, enum tone *tone, char *out, size_t n)
{
    char prompt[160], explained[64];

    if (!d->header || d->header->rows < 1)
        return false;
    *tone = TONE_PLAIN;
    show_print(out, n, "view only: a run of %.60s on \"%s\", explains \"%s\"; no model is loaded",
               d->model.name, text_piece(prompt, sizeof(prompt), d->header->prompt[0]),
               ui_explained_token(d, explained));
    return true;
}

/* The new object of the fact a job is about: a fact of the list, or the present one. */
static const char *object_of(const struct ui_state *d, unsigned job)
{
    const struct queued_fact *q = ui_queue_at(d, job);
    const char *target = q ? q->fact.target : d->fact.target;

    return target ? target : "";
}

/* Path, size, the largest difference of logits after reopening, and what the format lost of the
 * edit. Yellow if fewer facts hold in the export than before. */
static void export_message(const struct export_report *x, enum tone *tone, char *out, size_t n)
{
    char differs[64] = "", loss[64] = "", size[16];
    double bytes = 0;

    for (int i = 0; i < x->files; i++)
        bytes += x->file[i].bytes;
    if (x->prompts)
        snprintf(differs, sizeof(differs), " · opened again: logits differ by %.2g",
                 x->max_logit_diff);
    if (x->loss > 0 || x->truncated > 0)
        snprintf(loss, sizeof(loss), " · %.3g %% of the edit lost",
                 100 * (x->loss > 0 ? x->loss : x->truncated));
    if (x->held[1] < x->held[0])
        *tone = TONE_WARN;
    show_print(out, n, "wrote %.120s as %s, %s%s%s%s", x->path, x->as, show_bytes(bytes, size),
               export_is_unedited(x) ? " · no edit is in it: the model as it was" : "", loss,
               differs);
}

/* Whether the committed edit holds, and whether the columns outside the mask are bit-identical, as
 * they must be. */
static void commit_message(const struct ui_state *d, unsigned job, enum tone *tone, char *out,
                           size_t n)
{
    const struct commit_report *e = d->commit_report;
    char before[16], after[16], answer[80], weak[HINT_MAX];

    *tone = e->success ? TONE_GOOD : TONE_WARN;
    text_said(answer, sizeof(answer), e->generated[1]);
    show_print(out, n, "edit %d %s%s: %.20s, p(target) %s → %s%s · says %s%s · %.1f s", e->edit,
               e->success ? "holds" : "does not hold",
               e->unmasked_unchanged ? "" : ", OTHER COLUMNS CHANGED, undo and report this",
               object_of(d, job), text_probability(before, e->p_target[0]),
               text_probability(after, e->p_target[1]),
               e->success ? "" : hint_text(d, weak, " · {undo} undoes it"), answer,
               e->unmasked_unchanged ? " · other columns bit-identical" : "", e->seconds_total);
}

/* "overwrote 2 facts of earlier edits, B shows them: edit 3 (Mount Fuji → Peru) and others". False:
 * none. */
static bool overwritten_message(const struct ui_state *d, const struct overwritten *o, char *out,
                                size_t n)
{
    const struct overwritten_fact *f = o && o->lost ? &o->fact[0] : NULL;

    if (f)
        hint_print(d, out, n,
                   "%s %d fact%s of earlier edits, {probe} shows %s: edit %d (%.60s → %.60s)%s",
                   o->state == STATE_PREVIEW ? "would overwrite" : "overwrote", o->lost,
                   o->lost == 1 ? "" : "s", o->lost == 1 ? "it" : "them", f->edit, f->subject,
                   f->target, o->lost > 1 ? " and others" : "");
    return f;
}

/* At the end of a list: "overwritten by a later edit: 1 of 9 that held: edit 2 (Mount Fuji →
 * Peru)". False: nothing was asked. */
static bool rechecked_message(const struct ui_state *d, enum tone *tone, char *out, size_t n)
{
    const struct overwritten *o = d->rechecked;
    const struct overwritten_fact *f = o && o->lost ? &o->fact[0] : NULL;
    const struct facts_tally t = facts_tally(d);
    char words[80];

    if (!o || !o->asked)
        return false;
    *tone = f || t.hold + t.rewritten < t.done ? TONE_WARN : TONE_GOOD;
    if (f)
        show_print(
            out, n, "overwritten by a later edit: %d of %d that held: edit %d (%.60s → %.60s)%s",
            o->lost, o->asked, f->edit, f->subject, f->target, o->lost > 1 ? " and others" : "");
    else
        show_print(out, n, "the list is done: %s%s", facts_tally_words(&t, "", words),
                   t.rewritten ? "" : ", as when made");
    return true;
}

/* Which edit was undone or redone (or what was applied), what became of a preview, and the state
 * now: "undone, the preview is dropped: edit 2, Mount Fuji → Peru; now 1 edit, checksum 3f9a01bc".
 */
static void undo_message(const struct ui_state *d, unsigned job, const char *done, char *out,
                         size_t n)
{
    const struct ui_job *card = ui_ended_card(d, job);
    const char *note = card ? card->note : "";
    char what[160] = "", words[120];

    for (int i = 0; d->history && d->toggled_edit && i < d->history->count; i++) {
        const struct history_entry *e = &d->history->entry[i];
        char *raw;

        if (e->edit != d->toggled_edit)
            continue;
        raw = history_words(e, " → ");
        show_print(what, sizeof(what), ": edit %d, %s", e->edit,
                   text_piece(words, sizeof(words), raw));
        free(raw);
    }
    show_print(out, n, "%s%s%s%s; now %d edit%s, checksum %.8s", done, *note ? ", " : "", note,
               what, d->state.edits, d->state.edits == 1 ? "" : "s", d->state.checksum);
}

/* Whether the program ended the job itself: whoever dropped it has said so, and nobody but the
 * program stops what no row shows. */
static bool is_dropped(const struct ui_state *d, const struct event *ev)
{
    const struct ui_job *card = ui_ended_card(d, ev->job), *unseen = &d->unseen_ended;

    if (card)
        return card->dropped;
    return ev->job && unseen->job == ev->job && (unseen->dropped || ev->err.kind == ERR_CANCELLED);
}

/* How a cancelled job ended. */
static void stopped_message(const struct ui_state *d, unsigned job, enum command_kind kind,
                            char *out, size_t n)
{
    const struct ui_job *card = ui_ended_card(d, job);
    char words[200];

    if (kind == CMD_ATTRIBUTE && d->scored_layers)
        hint_print(d, out, n, "stopped: %d of %d layers scored, {attribute} continues",
                   d->scored_layers, d->layers);
    else if (kind == CMD_PULL)
        show_print(out, n, "stopped, :pull resumes it: what has come of %.100s is kept",
                   d->pull_name);
    else
        show_print(out, n, "stopped%s%s", card ? ": " : "",
                   card ? ui_job_words(d, card, words, sizeof(words)) : "");
}

/* What a job does that no row and no board shows. */
static const char *unseen_name(enum command_kind kind)
{
    return kind == CMD_INSPECT    ? "reading the prompt of"
           : kind == CMD_NEURON   ? "inspecting neuron"
           : kind == CMD_ESTIMATE ? "gain and leak of"
           : kind == CMD_DISCARD  ? "discarding the preview"
                                  : command_traits[kind].name;
}

/* What failed, and why. A recording names what it lacks by itself. */
static void failed_message(const struct ui_state *d, const struct event *ev, char *out, size_t n)
{
    const struct ui_job *card = ui_ended_card(d, ev->job), *unseen = &d->unseen_ended;
    char words[200] = "in the background";

    if (card)
        ui_job_words(d, card, words, sizeof(words));
    else if (ev->job && unseen->job == ev->job)
        show_print(words, sizeof(words), "%s%s%s", unseen_name(unseen->kind),
                   *unseen->about ? " " : "", unseen->about);
    if (d->recorded || (card && *card->about && strstr(ev->err.text, card->about)))
        utf8_copy(out, n, ev->err.text);
    else
        show_print(out, n, "%.100s: %.200s", words, ev->err.text);
}

/* How a job was stopped or failed. False: it is not worth a word. */
static bool end_message(const struct ui_state *d, const struct event *ev, enum command_kind kind,
                        enum tone *tone, char *out, size_t n)
{
    if (d->recorded && d->verdict.probes_follow && ev->job == d->verdict.probe_job)
        return false; /* nobody asked for them, and there is no model to ask */
    if (is_dropped(d, ev))
        return false;
    *tone = ev->err.kind == ERR_CANCELLED ? TONE_WARN : TONE_ERROR;
    if (ev->err.kind == ERR_CANCELLED)
        stopped_message(d, ev->job, kind, out, n);
    else
        failed_message(d, ev, out, n);
    return true;
}

/* The end of a map that nobody waited for: it must not cover what was said meanwhile. */
static bool is_idle_end(const struct ui_state *d, unsigned job)
{
    const struct ui_job *card = ui_ended_card(d, job);

    return card && card->rank == RANK_IDLE;
}

/* What a user waits for while the second moments of a model are summed for the first time. False:
 * said already. */
static bool moments_message(const struct ui_state *d, unsigned job, char *out, size_t n)
{
    const struct ui_job *card = ui_job_card(d, job);
    char tokens[32];

    if (!card || !card->explains)
        return false;
    show_print(out, n,
               "first the second moments of %s tokens: how neurons usually fire, summed once and "
               "kept",
               text_thousands(tokens, (long)card->progress.total));
    return true;
}

/* The end of a job whose events say nothing by themselves. False: no line. */
static bool done_message(const struct ui_state *d, unsigned job, enum command_kind kind, char *out,
                         size_t n)
{
    switch (kind) {
    case CMD_ATTRIBUTE:
        hint_print(d, out, n,
                   ui_waits_for(d, CMD_PREVIEW) || ui_waits_for(d, CMD_COMMIT)
                       ? "%d layers scored; strongest L%dN%d, %.2f"
                       : "%d layers scored; strongest L%dN%d, %.2f. {preview} previews the edit",
                   d->scored_layers, d->peak_layer,
                   d->layers ? d->layer[d->peak_layer].strongest : 0, d->peak);
        return true;
    case CMD_UNDO:
        undo_message(d, job, "undone", out, n);
        return true;
    case CMD_REDO:
        undo_message(d, job, "redone", out, n);
        return true;
    case CMD_VERIFY:
        utf8_copy(out, n,
                  d->state.verified ? "verified: weights rebuilt from the journal are bit-identical"
                                    : "verify ended without a comparison");
        return true;
    case CMD_APPLY:
        undo_message(d, job, "applied as one edit", out, n);
        return true;
    case CMD_SAVE:
        show_print(out, n, "saved; the session continues in %.250s", d->state.session);
        return true;
    case CMD_NOTE:
        snprintf(out, n, "note saved");
        return true;
    case CMD_PULL:
        hint_print(d, out, n,
                   "downloaded and verified, {enter} in Models ({models}) opens it: %.100s",
                   d->pull_name);
        return true;
    case CMD_MOMENTS:
        snprintf(out, n, "second moments are ready");
        return true;
    default:
        return false;
    }
}

/* The model is ready, or only the results of a file are. A notice of the loader (an unusual
 * tokenizer, say) replaces both. */
static void model_message(const struct ui_state *d, enum tone *tone, char out[320])
{
    bool follow = param_is_auto(&d->first, P_EDIT_V_LR) &&
                  param_is_auto(&d->first, P_EDIT_V_CLAMP) &&
                  param_is_auto(&d->first, P_EDIT_LAMBDA);

    *tone = TONE_PLAIN;
    if (d->viewed) {
        hint_print(d, out, 320,
                   "data of %.60s: {view-edit} to {view-history} show it, {export} saves it; no "
                   "model is open",
                   file_name(d->viewed));
        return;
    }
    if (d->model.load_seconds > 0)
        hint_print(d, out, 320,
                   "%s is ready (%.1f s%s): {fact} edits the fact, {attribute} scores its neurons",
                   d->model.name, d->model.load_seconds, follow ? ", numbers auto" : "");
    else /* a recorded run */
        show_print(out, 320, "view only: the recorded results of %s; no model is loaded",
                   d->model.name);
    if (*d->model.notice) {
        utf8_copy(out, 320, d->model.notice);
        *tone = TONE_WARN;
    }
}

bool message_is_for_log(const struct ui_state *d, const struct event *ev)
{
    const struct ui_verdict *v = &d->verdict;

    return ev->kind == EV_FAILED && ev->err.kind != ERR_CANCELLED && ev->job &&
           ((v->probes_follow && ev->job == v->probe_job) || is_idle_end(d, ev->job));
}

bool message_of_event(const struct ui_state *d, const struct event *ev, enum command_kind kind,
                      enum tone *tone, char out[320])
{
    unsigned flags = command_traits[kind].flags;
    const struct queued_fact *of_list;
    char words[160];

    *tone = TONE_GOOD;
    switch (ev->kind) {
    case EV_MODEL:
        model_message(d, tone, out);
        return true;
    case EV_HEADER: /* only for a recorded run */
        return d->model.load_seconds <= 0 && run_message(d, tone, out, 320);
    case EV_PREVIEW:
        if (d->preview && d->preview->held < d->preview->facts)
            *tone = TONE_WARN;
        preview_message(d, out, 320);
        return d->preview != NULL;
    case EV_PROBES:
        if ((of_list = ui_queue_at(d, ev->job)) && of_list->probes) {
            show_print(out, 320, "probes of %.80s: %s", of_list->fact.subject,
                       scoreboard_summary(of_list->probes, words));
            return true;
        }
        if (!ui_scoreboard(d) || ev->job == d->verdict.probe_job) /* the verdict shows them */
            return false;
        hint_print(d, out, 320, "probes: %s ({probe} shows the verdict)",
                   scoreboard_summary(ui_scoreboard(d), words));
        return true;
    case EV_OVERWRITTEN:
        *tone = TONE_WARN;
        return overwritten_message(d, d->verdict.overwritten, out, 320);
    case EV_RECHECKED:
        return rechecked_message(d, tone, out, 320);
    case EV_COMMITTED:
        commit_message(d, ev->job, tone, out, 320);
        return true;
    case EV_EXPORT:
        if (d->export_report)
            export_message(d->export_report, tone, out, 320);
        return d->export_report != NULL;
    case EV_MOMENTS:
        *tone = TONE_WARN;
        utf8_copy(out, 320, d->moments ? d->moments->unkept : "");
        return *out;
    case EV_NOTICE:
        *tone = TONE_WARN;
        utf8_copy(out, 320, d->notice ? d->notice->text : "");
        return *out;
    case EV_FAILED:
        return !(flags & UNASKED) && end_message(d, ev, kind, tone, out, 320);
    case EV_STOPPED:
        *tone = TONE_ERROR;
        show_print(out, 320, "the engine has stopped, :q quits%s%.250s", *ev->err.text ? ": " : "",
                   ev->err.text);
        return true;
    case EV_PROGRESS:
        *tone = TONE_PLAIN;
        return moments_message(d, ev->job, out, 320);
    case EV_DONE:
        return !is_idle_end(d, ev->job) && done_message(d, ev->job, kind, out, 320);
    default:
        return false;
    }
}
