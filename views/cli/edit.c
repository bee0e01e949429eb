/* editscope edit: one fact or many.
 *
 * A list of facts is compared with the session first (core/edit/fact_status.h): facts that the
 * session already has are left out, so the same command continues after it was stopped. Then the
 * list is written in batches of edit.batch facts. Each batch is one CMD_COMMIT (or CMD_PREVIEW)
 * and, for a single fact or with --probe, one CMD_PROBE. A summary follows, and advice where facts
 * did not hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/edit/fact_status.h"
#include "core/record/run_file.h"
#include "tui/text.h"
#include "views/cli/cli.h"

/* The facts of the command: how each relates to the session, and its outcome. */
struct edit_list {
    struct fact *fact;                  /* all of them; borrowed */
    struct fact_status *status;         /* [count] */
    struct judged_fact *outcome;        /* [count] */
    int count, skipped;                 /* skipped: by --skip, the first ones */
    struct session_fact *session_fact;  /* of the session; their text is the history's */
    const struct history_fact **stored; /* the same, with what is stored of each */
    int session_facts;
    struct event history;                   /* what the session held before the first edit */
    int *at, facts_at;                      /* [facts_at] indices of the command at work */
    int judged, succeeded, edits, left_out; /* judged, succeeded: of a preview too, whose edits
                                              would hold */
    int layers;                             /* of the last commit's report */
    int rewritten, previews;  /* rewritten: by a later fact, and so not in succeeded */
    int first;                /* the first edit that was made; 0: none */
    struct event overwritten; /* EV_RECHECKED: what later edits of the list overwrote */
    double seconds;
};

static void print_layer_json(struct cli *c, const struct attribution *a)
{
    struct mask *m = mask_build(a, &c->params);

    cli_print(record_layer(a, m, NULL, NULL));
    mask_free(m);
}

/* A row per edited layer: neurons kept, gain and leak (editscope-method(7)), relative norm of the
 * update. */
static void layers_text(const struct edit_report *a)
{
    struct table t = {.name = "layers"};

    table_layout(
        &t,
        "layer%5d kept%6d gain%10.4g  unmasked gain%13.4g leak%9.3g leak/g^2%9.4g |dW|/|W|%12.4g");
    for (int i = 0; i < a->layers; i++) {
        const struct layer_report *l = &a->layer[i];

        table_integer(&t, l->layer);
        table_integer(&t, l->kept);
        table_real(&t, l->gain_mask);
        table_real(&t, l->gain);
        table_real(&t, l->leak);
        table_real(&t, l->leak_ratio);
        table_real(&t, l->weight_norm > 0 ? l->delta_norm / l->weight_norm : 0);
    }
    cli_table(&t);
    table_free(&t);
}

/* What an edit used where its parameters say auto; it reports its layers' own numbers in --json. A
 * method that optimises no target, or solves without lambda, has less to say. */
static void auto_text(const struct edit_report *a)
{
    const struct used_values u = report_used(a);

    if (a->moment_tokens)
        std_print("residual left %.3f, moments of %ld tokens%s\n", a->z_error, a->moment_tokens,
                  a->draft ? " (draft)" : "");
    if (!(a->v_clamp > 0))
        return;
    std_print("used: v_lr %.3g, v_clamp %.3g", a->v_lr, a->v_clamp);
    if (u.lambda[1] > 0)
        std_print(", lambda %.3g", u.lambda[0]);
    if (u.lambda[1] > u.lambda[0])
        std_print(" to %.3g", u.lambda[1]);
    std_print(", compensation in %d of %d layers\n", u.compensated, a->layers);
}

/* The layers, and for a preview the probabilities of the (first) fact and the verdict. */
static void report_text(const struct edit_report *a, bool preview)
{
    char target[40], first[40], said[200];

    if (preview)
        std_puts("preview: nothing is saved");
    if (a->layers)
        layers_text(a);
    if (*a->beside)
        std_print("%s%s\n", a->layers ? "" : "beside the weights: ", a->beside);
    auto_text(a);
    if (!report_writes(a))
        std_puts("no weight changes: the model says so already");
    if (preview && a->facts > 1)
        std_print("%d of %d facts would hold; the first:\n", a->held, a->facts);
    if (preview)
        std_print("p(target) %s, p(first) %s%s, says: %s\n", cli_change(a->p_target, target),
                  cli_change((const double[]){a->p_before, a->p_after}, first),
                  a->facts > 1 ? ""
                  : a->held    ? ": would hold"
                               : ": would NOT hold",
                  text_said(said, sizeof(said), a->generated));
    if (preview && a->held < a->facts)
        std_print("a commit would write %s and end with status 3\n", a->facts > 1 ? "them" : "it");
}

/* The verdict of one fact after a commit, its answers before and after, and the checksum. */
static void commit_text(const struct fact *f, const struct commit_report *e, int layers)
{
    char target[40], first[40], said[240];

    std_print("edit %d: %s -> %s: %s\n", e->edit, f->subject, f->target,
              e->success ? "holds" : "does NOT hold");
    std_print("  p(target) %s, p(first) %s\n", cli_change(e->p_target, target),
              cli_change(e->p_first, first));
    for (int i = 0; i < 2; i++)
        std_print("  %-7s %s\n", i ? "after" : "before",
                  text_said(said, sizeof(said), e->generated[i]));
    std_print("  %s %s, %.1f s\n  checksum %s\n", layers ? "all other weights" : "weights",
              e->unmasked_unchanged ? "unchanged" : "CHANGED", e->seconds_total, e->checksum);
}

/* The edit whose fact this one replaces; 0: none. */
static int rewritten_edit(const struct edit_list *w, int i)
{
    const struct fact_status *f = &w->status[i];

    if (f->rewrites_earlier != NO_FACT)
        return w->outcome[f->rewrites_earlier].edit;
    return f->rewrites != NO_FACT ? w->session_fact[f->rewrites].edit : 0;
}

/* Fact i is written: those of the list that it rewrites do not count as holding any more. */
static void count_rewritten(struct edit_list *w, int i)
{
    for (int e = w->status[i].rewrites_earlier; e != NO_FACT; e = w->status[e].repeats) {
        w->outcome[e].rewritten = w->outcome[i].edit;
        w->succeeded -= !w->outcome[e].failed;
        w->rewritten++;
    }
}

/* One fact of a commit: counts it and prints it. */
static void on_commit(struct cli *c, struct edit_list *w, const struct commit_report *e)
{
    int i = w->at[e->fact];
    const struct fact *f = &w->fact[i];
    json_t *o;

    w->judged++;
    w->succeeded += e->success;
    w->seconds += e->fact ? 0 : e->seconds_total;
    w->edits += !e->fact;
    w->first = w->first ? w->first : e->edit;
    w->outcome[i] = (struct judged_fact){f, e->edit, !e->success, 0};
    count_rewritten(w, i);
    if (!cli_json(c)) {
        commit_text(f, e, w->layers);
        return;
    }
    o = cli_event("verify");
    cli_fields(o, &commit_report_fields, e, "edit unmasked_unchanged checksum");
    cli_print(o);
    o = record_commit(e);
    json_object_set_new(o, "fact", json_integer(i + 1));
    json_object_set_new(o, "subject", cli_text(f->subject));
    json_object_set_new(o, "target", cli_text(f->target));
    if (rewritten_edit(w, i))
        json_object_set_new(o, "rewrites", json_integer(rewritten_edit(w, i)));
    cli_print(o);
}

/* The scoreboard: rephrases, neighbours, consequences, question, chat form. */
static void probes_text(const struct probe_report *b)
{
    for (int i = 0; i < b->probes; i++) {
        const struct probe_result *p = &b->probe[i];
        char why[80];

        if (p->context) {
            std_print("  %-9s %s: %.48s\n", probe_label(p->kind), probe_not_asked(p, why),
                      p->prompt);
            continue;
        }
        std_print("  %-9s %-7s %.48s:%.96s\n", probe_label(p->kind),
                  p->ok[1]   ? "ok"
                  : p->known ? "FAILS"
                             : "unknown", /* the base cannot do it either; a neighbour moved */
                  p->prompt, p->said[1]);
    }
}

static void on_preview(struct edit_list *w, const struct edit_report *a)
{
    w->previews++;
    w->judged += a->facts;
    w->succeeded += a->held;
}

static void edit_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct edit_list *w = ctx;
    bool json = cli_json(c);

    if (ev->kind == EV_PREVIEW)
        on_preview(w, ev->edit_report);
    if (ev->kind == EV_COMMIT)
        w->layers = ev->edit_report->layers;
    if (ev->kind == EV_HEADER && json)
        cli_print(record_header(c, ev->header, "edit"));
    else if (ev->kind == EV_LAYER && json && cli_scored(c, ev->attribution))
        print_layer_json(c, ev->attribution);
    else if (ev->kind == EV_STEP && json)
        cli_print(record_step(ev->step));
    else if (ev->kind == EV_COMMIT && json)
        cli_print(record_report("commit", ev->edit_report));
    else if (ev->kind == EV_PREVIEW && json)
        cli_print(record_report("preview", ev->edit_report));
    else if (ev->kind == EV_COMMIT || ev->kind == EV_PREVIEW)
        report_text(ev->edit_report, ev->kind == EV_PREVIEW);
    else if (ev->kind == EV_COMMITTED)
        on_commit(c, w, ev->commit_report);
    else if (ev->kind == EV_PROBES && !json)
        probes_text(ev->probes);
    else if (ev->kind == EV_OVERWRITTEN)
        cli_overwritten(c, ev->overwritten);
    if (ev->kind == EV_RECHECKED) { /* for the summary */
        event_free(&w->overwritten);
        w->overwritten = *ev;
        ev->overwritten = NULL;
    }
    for (int i = 0; ev->kind == EV_PROBES && json && i < ev->probes->probes; i++)
        cli_print(record_probe(&ev->probes->probe[i]));
    std_flush();
}

/* The totals of a list: facts, edits, how many hold, what was left out. */
static void print_summary(struct cli *c, const struct edit_list *w)
{
    json_t *o;
    bool preview = cli_has(c, OPT_PREVIEW);
    int weak = 0, rounds = preview ? w->previews : w->edits;

    for (int i = 0; i < w->count; i++)
        weak += w->outcome[i].failed && w->status[i].in != NO_FACT;
    if (!cli_json(c)) {
        std_print("%d fact%s in %d %s%s, %d ", w->judged, w->judged == 1 ? "" : "s", rounds,
                  preview ? "preview" : "edit", rounds == 1 ? "" : "s", w->succeeded);
        if (preview)
            std_puts("would hold");
        else if (w->rewritten)
            std_print("of %d hold, %d rewritten by a later fact, %.1f s\n", w->judged, w->rewritten,
                      w->seconds);
        else
            std_print("%s, %.1f s\n", w->succeeded == 1 ? "holds" : "hold", w->seconds);
        cli_rewritten_text(w->outcome, w->count);
        cli_rechecked_text(w->overwritten.overwritten);
        if (w->skipped)
            std_print("%d skipped by --skip\n", w->skipped);
        if (w->left_out)
            std_print("%d already in the session, left out%s\n", w->left_out,
                      weak ? "; not all of them hold" : "");
        std_print("checksum %s\n", c->state.checksum);
        return;
    }
    o = cli_event("summary");
    json_object_set_new(o, "facts", json_integer(w->judged));
    json_object_set_new(o, "edits", json_integer(w->edits));
    if (preview)
        json_object_set_new(o, "previews", json_integer(w->previews));
    json_object_set_new(o, "success", json_integer(w->succeeded));
    json_object_set_new(o, "skipped", json_integer(w->skipped));
    json_object_set_new(o, "left_out", json_integer(w->left_out));
    json_object_set_new(o, "failed", cli_failed_json(w->outcome, w->count));
    json_object_set_new(o, "rewritten", cli_rewritten_json(w->outcome, w->count));
    if (w->overwritten.overwritten)
        json_object_set_new(o, "overwritten", cli_rechecked_json(w->overwritten.overwritten));
    json_object_set_new(o, "seconds", cli_real(w->seconds));
    json_object_set_new(o, "checksum", json_string(c->state.checksum));
    cli_print(o);
}

/* Loads --z into the command and checks that it has the model's width d. */
static bool load_z(struct cli *c, struct command *cmd, struct err *err)
{
    int width = 0;

    if (!cli_has(c, OPT_Z))
        return true;
    cmd->z = z_file_load(c->value[OPT_Z], &width, err);
    if (!cmd->z)
        return false;
    return width == c->info.hidden ||
           err_set(err, ERR_USAGE, "%s: z has %d numbers; this model needs %d", c->value[OPT_Z],
                   width, c->info.hidden);
}

/* --- compare the list with the session ----------------------------------- */

/* The facts of the session's active edits, in order. */
static void list_session_facts(struct edit_list *w)
{
    struct history *h = w->history.history;
    int total = 0;

    history_find_rewritten(h);
    for (int i = 0; i < h->count; i++)
        total += h->entry[i].active ? h->entry[i].facts : 0;
    w->session_fact = xcalloc((size_t)total + 1, sizeof(*w->session_fact));
    w->stored = xcalloc((size_t)total + 1, sizeof(*w->stored));
    for (int i = 0; i < h->count; i++)
        for (int k = 0; h->entry[i].active && k < h->entry[i].facts; k++) {
            const struct history_fact *f = &h->entry[i].fact[k];

            w->stored[w->session_facts] = f;
            w->session_fact[w->session_facts++] =
                (struct session_fact){f->subject, f->prompt, f->target, h->entry[i].edit};
        }
}

static json_t *notice_json(const struct edit_list *w, const char *what, int i, int edit)
{
    json_t *o = cli_event(what);

    json_object_set_new(o, "fact", json_integer(i + 1));
    json_object_set_new(o, "subject", cli_text(w->fact[i].subject));
    json_object_set_new(o, "target", cli_text(w->fact[i].target));
    json_object_set_new(o, "edit", json_integer(edit));
    return o;
}

/* Reports a fact that the session already has. Its outcome is that of its edit. */
static void skip_present_fact(struct cli *c, struct edit_list *w, int i)
{
    int in = w->status[i].in, edit = w->session_fact[in].edit;
    const struct history_fact *f = w->stored[in];
    bool failed = f->outcome == OUTCOME_FAILED;
    char since[48] = "";
    json_t *o;

    w->left_out++;
    w->outcome[i] = (struct judged_fact){&w->fact[i], edit, failed, f->rewritten};
    if (cli_json(c)) {
        o = notice_json(w, "left_out", i, edit);
        json_object_set_new(o, "success", json_boolean(!failed));
        if (f->rewritten)
            json_object_set_new(o, "rewritten", json_integer(f->rewritten));
        cli_print(o);
        return;
    }
    if (f->rewritten)
        snprintf(since, sizeof(since), ", which edit %d rewrote", f->rewritten);
    cli_say(c, "fact %d (%.120s): already in the session as edit %d%s; left out", i + 1,
            w->fact[i].subject, edit,
            *since   ? since
            : failed ? ", where it did not hold"
                     : "");
}

static void print_repeat(struct cli *c, const struct edit_list *w, int i)
{
    int earlier = w->status[i].repeats;
    json_t *o;

    if (!cli_json(c)) {
        cli_say(c, "fact %d repeats fact %d (%.120s -> %.120s); both are written", i + 1,
                earlier + 1, w->fact[i].subject, w->fact[i].target);
        return;
    }
    o = notice_json(w, "repeats", i, 0);
    json_object_del(o, "edit"); /* not written yet */
    json_object_set_new(o, "earlier", json_integer(earlier + 1));
    cli_print(o);
}

static void print_rewrite(struct cli *c, const struct edit_list *w, int i)
{
    const struct fact_status *f = &w->status[i];
    const struct session_fact *s = f->rewrites != NO_FACT ? &w->session_fact[f->rewrites] : NULL;
    const struct fact *e = f->rewrites_earlier != NO_FACT ? &w->fact[f->rewrites_earlier] : NULL;
    int edit = rewritten_edit(w, i);
    const char *subject, *target;
    json_t *o;

    if (f->repeats != NO_FACT)
        print_repeat(c, w, i);
    if (!s && !e)
        return;
    subject = s ? s->subject : e->subject;
    target = s ? s->target : e->target;
    if (cli_json(c)) {
        o = notice_json(w, "rewrites", i, edit);
        json_object_set_new(o, "old", cli_text(target));
        cli_print(o);
    } else if (edit) {
        cli_say(c, "fact %d rewrites edit %d (%.120s -> %.120s)", i + 1, edit, subject, target);
    } else { /* a preview, which writes nothing */
        cli_say(c, "fact %d rewrites fact %d (%.120s -> %.120s)", i + 1, f->rewrites_earlier + 1,
                subject, target);
    }
}

/* One solve cannot write two objects for the same question. This is checked before anything is
 * computed. `batch` facts are written together. */
static bool check_contradictions(const struct edit_list *w, int batch, struct err *err)
{
    for (int i = w->skipped; i < w->count; i++) {
        int e = w->status[i].rewrites_earlier;

        if (e == NO_FACT || w->status[e].in != NO_FACT ||
            (i - w->skipped) / batch != (e - w->skipped) / batch)
            continue;
        return err_set(
            err, ERR_USAGE,
            "facts %d and %d give the same question two objects in one batch (%.60s -> %.60s and "
            "%.60s), and neither would hold; remove one, or use --batch 1 to write one after "
            "the other",
            e + 1, i + 1, w->fact[i].subject, w->fact[e].target, w->fact[i].target);
    }
    return true;
}

/* --- the edits ------------------------------------------------------------------------------ */

/* Copies of the facts of the current batch (w->at), for a command to own. */
static struct fact *copy_facts(const struct edit_list *w)
{
    struct fact *out = xcalloc((size_t)w->facts_at, sizeof(*out));

    for (int i = 0; i < w->facts_at; i++)
        out[i] = fact_copy(&w->fact[w->at[i]]);
    return out;
}

/* Writes (or previews) the facts of w->at as one edit, then asks the probes. */
static bool edit_batch(struct cli *c, struct edit_list *w, struct err *err)
{
    struct command cmd = {.kind = cli_has(c, OPT_PREVIEW) ? CMD_PREVIEW : CMD_COMMIT,
                          .params = c->params,
                          .draft = cli_has(c, OPT_DRAFT)};

    if (!load_z(c, &cmd, err)) {
        free(cmd.z);
        return false;
    }
    for (int i = 0; i < w->facts_at; i++)
        print_rewrite(c, w, w->at[i]);
    cmd.facts = copy_facts(w);
    cmd.count = w->facts_at;
    if (!cli_job(c, &cmd, edit_on_event, w, err))
        return false;
    if (w->count > 1 && !cli_has(c, OPT_PROBE))
        return true;
    cmd = (struct command){
        .kind = CMD_PROBE, .params = c->params, .facts = copy_facts(w), .count = w->facts_at};
    if (w->count == 1) /* of a list, the states before would be rebuilt each time */
        cmd.edit = w->outcome[w->at[0]].edit;
    return cli_job(c, &cmd, edit_on_event, w, err);
}

/* After a list: which facts that held when they were made a later edit has overwritten. */
static bool recheck_list(struct cli *c, struct edit_list *w, struct err *err)
{
    struct command cmd = {.kind = CMD_RECHECK, .params = c->params, .edit = w->first};

    return !w->first || cli_job(c, &cmd, edit_on_event, w, err);
}

/* Adds to the error where the list stopped, and that the same command continues there. */
static bool stopped_error(const struct cli *c, const struct edit_list *w, struct err *err)
{
    struct err why = *err;
    int done = w->judged + w->left_out;
    const char *subject = w->fact[w->at[0]].subject;

    if (!cli_has(c, OPT_FACTS) || w->count < 2 || cli_has(c, OPT_PREVIEW)) {
        if (why.kind != ERR_CANCELLED || w->judged)
            return err_in(err, "fact %d (%.80s)", w->at[0] + 1, subject);
        *err = (struct err){0};
        return err_set(err, why.kind, "fact %d (%.80s): %s; nothing was written", w->at[0] + 1,
                       subject, why.text);
    }
    *err = (struct err){0};
    return err_set(err, why.kind,
                   "fact %d of %d (%.80s): %.200s; %d %s written, run the same command to continue",
                   w->at[0] + 1, w->count, subject, why.text, done, done == 1 ? "is" : "are");
}

/* Writes the list in batches. Batches begin at the same facts whatever the session already has, so
 * that a run that was stopped continues with exactly the edits it would have made. */
static bool edit_batches(struct cli *c, struct edit_list *w, struct err *err)
{
    int batch = (int)c->params.value[P_EDIT_BATCH];
    bool list = cli_has(c, OPT_FACTS), ok;

    if (!check_contradictions(w, batch, err))
        return false;
    for (int from = w->skipped; from < w->count; from += batch) {
        w->facts_at = 0;
        for (int i = from; i < w->count && i < from + batch; i++)
            if (w->status[i].in != NO_FACT)
                skip_present_fact(c, w, i);
            else
                w->at[w->facts_at++] = i;
        if (w->facts_at && !edit_batch(c, w, err))
            return stopped_error(c, w, err);
    }
    if (!list)
        return true;
    ok = recheck_list(c, w, err);
    print_summary(c, w);
    return ok;
}

/* Facts that the session has are written again, so that those after them rewrite these, not it. */
static void write_all_again(struct cli *c, struct edit_list *w)
{
    struct fact_status *alone = xcalloc((size_t)w->count, sizeof(*alone));

    facts_status(w->fact, w->skipped, w->count, NULL, 0, alone);
    for (int i = 0; i < w->count; i++) {
        struct fact_status *f = &w->status[i];

        if (f->in != NO_FACT)
            cli_say(c, "fact %d is already in the session as edit %d; it is written again", i + 1,
                    w->session_fact[f->in].edit);
        if (alone[i].rewrites_earlier == NO_FACT && alone[i].repeats == NO_FACT)
            alone[i].rewrites = f->rewrites;
        *f = alone[i];
    }
    free(alone);
}

/* Finds for each fact whether the session has it and what it rewrites. A single fact, and --again,
 * are written even if the session has them. */
static bool compare_with_session(struct cli *c, struct edit_list *w, struct err *err)
{
    if (!cli_history(c, &w->history, err))
        return false;
    list_session_facts(w);
    facts_status(w->fact, w->skipped, w->count, w->session_fact, w->session_facts, w->status);
    if (cli_has(c, OPT_AGAIN) || !cli_has(c, OPT_FACTS))
        write_all_again(c, w);
    return true;
}

/* The line at the end that says which edits failed and how to undo them. */
static void set_advice(struct cli *c, const struct edit_list *w)
{
    struct judged_fact *written = xcalloc((size_t)w->count + 1, sizeof(*written));
    int n = 0;

    for (int i = 0; i < w->count; i++)
        if (w->outcome[i].edit)
            written[n++] = w->outcome[i];
    if (n)
        c->advice = advice_of(written, n, c->value[OPT_SESSION], &c->remedy);
    free(written);
}

static bool edit_facts(struct cli *c, struct fact *facts, int count, struct err *err)
{
    struct edit_list w = {.fact = facts, .count = count};
    long skip;
    bool ok;

    if (!cli_number(c, OPT_SKIP, 0, count, 0, &skip, err))
        return false;
    w.skipped = (int)skip;
    w.status = xcalloc((size_t)count, sizeof(*w.status));
    w.outcome = xcalloc((size_t)count, sizeof(*w.outcome));
    w.at = xcalloc((size_t)count, sizeof(*w.at));
    ok = compare_with_session(c, &w, err) && edit_batches(c, &w, err);
    set_advice(c, &w);
    event_free(&w.history);
    event_free(&w.overwritten);
    free(w.session_fact);
    free(w.stored);
    free(w.status);
    free(w.outcome);
    free(w.at);
    return ok;
}

static bool edit_run(struct cli *c, struct err *err)
{
    bool preview = cli_has(c, OPT_PREVIEW), ok;
    unsigned needs =
        preview ? (cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0) : NEED_SESSION | MAY_CREATE;
    struct fact *facts;
    int count;

    if (!cli_has(c, OPT_FACTS) && (cli_has(c, OPT_SKIP) || cli_has(c, OPT_AGAIN)))
        return err_set(err, ERR_USAGE, "--%s needs a list of facts: --facts FILE",
                       cli_has(c, OPT_SKIP) ? "skip" : "again");
    if (!cli_facts(c, &facts, &count, err))
        return false;
    ok =
        (!cli_has(c, OPT_Z) || count == 1 ||
         err_set(err, ERR_USAGE, "--z is the target of one fact, but there are %d facts", count)) &&
        cli_start(c, needs, err) && cli_wait_open(c, err) && edit_facts(c, facts, count, err);
    cli_facts_free(facts, count);
    return ok;
}

const struct cli_ops cli_edit = {
    "edit", "", "Edit one fact or many; --preview: without saving",
    FOR_FACT | FOR_EDIT | FOR_SESSION | FOR_TEXT | FOR_MODEL | FOR_PARAMS, edit_run};
