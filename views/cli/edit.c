/* editscope edit: one fact or many into the model, as the session's journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/edit/fact_status.h"
#include "core/record/run_file.h"
#include "views/cli/cli.h"

/* The facts of the command, what each is to the session, and what has become of it. */
struct watch {
    struct fact *fact;             /* all of them; borrowed */
    struct fact_status *fate;      /* [count] */
    struct told_fact *told;        /* [count] */
    int count, skipped;            /* skipped: by --skip, the first ones */
    struct session_fact *standing; /* of the session; their text is the history's */
    bool *stood;                   /* whether each held when it was written */
    int standings;
    struct event history;                  /* what the session held before the first edit */
    int *at, facts_at;                     /* [facts_at] indices of the command at work */
    int heard, succeeded, edits, left_out; /* heard, succeeded: of a preview too, whose edits
                                              would hold */
    int previews;
    double seconds;
};

static void tell_layer(struct cli *c, const struct attribution *a)
{
    struct mask *m = mask_build(a, &c->params);

    cli_print(record_layer(a, m, NULL, NULL));
    mask_free(m);
}

static void layers_text(const struct edit_report *a)
{
    struct table t = {.name = "layers"};

    table_layout(
        &t,
        "layer%5d kept%6d gain%10.4g gain_mask%10.4g leak%9.3g leak_ratio%11.4g |delta|/|W|%12.4g");
    for (int i = 0; i < a->layers; i++) {
        const struct layer_report *l = &a->layer[i];

        table_integer(&t, l->layer);
        table_integer(&t, l->kept);
        table_real(&t, l->gain);
        table_real(&t, l->gain_mask);
        table_real(&t, l->leak);
        table_real(&t, l->leak_ratio);
        table_real(&t, l->weight_norm > 0 ? l->delta_norm / l->weight_norm : 0);
    }
    cli_table(&t);
    table_free(&t);
}

static void applied_text(const struct edit_report *a, bool preview)
{
    char target[40], first[40];

    if (preview)
        std_puts("preview: nothing is kept");
    layers_text(a);
    std_print("z error %.3f, moments of %ld tokens%s\n", a->z_error, a->moment_tokens,
              a->draft ? " (draft)" : "");
    if (preview && a->facts > 1)
        std_print("%d of %d facts would hold; the first:\n", a->held, a->facts);
    if (preview)
        std_print("p(target) %s, p(first) %s%s, says:%s\n", cli_change(a->p_target, target),
                  cli_change((const double[]){a->p_before, a->p_after}, first),
                  a->facts > 1 ? ""
                  : a->held    ? ": would hold"
                               : ": would NOT hold",
                  a->generated);
}

static void edited_text(const struct fact *f, const struct commit_report *e)
{
    char target[40], first[40];

    std_print("edit %d: %s -> %s: %s\n", e->edit, f->subject, f->target,
              e->success ? "accepted" : "NOT accepted");
    std_print("  p(target) %s, p(first) %s\n", cli_change(e->p_target, target),
              cli_change(e->p_first, first));
    for (int i = 0; i < 2; i++)
        std_print("  %-7s%s\n", i ? "after" : "before", e->generated[i]);
    std_print("  weights outside the mask %s, %.1f s\n  checksum %s\n",
              e->unmasked_unchanged ? "unchanged" : "CHANGED", e->seconds_total, e->checksum);
}

/* The edit whose fact this one takes the place of; 0: none. */
static int rewritten(const struct watch *w, int i)
{
    const struct fact_status *f = &w->fate[i];

    if (f->rewrites_earlier != NO_FACT)
        return w->told[f->rewrites_earlier].edit;
    return f->rewrites != NO_FACT ? w->standing[f->rewrites].edit : 0;
}

static void hear_edited(struct cli *c, struct watch *w, const struct commit_report *e)
{
    int i = w->at[e->fact];
    const struct fact *f = &w->fact[i];
    json_t *o;

    w->heard++;
    w->succeeded += e->success;
    w->seconds += e->fact ? 0 : e->seconds_total;
    w->edits += !e->fact;
    w->told[i] = (struct told_fact){f, e->edit, !e->success};
    if (!cli_json(c)) {
        edited_text(f, e);
        return;
    }
    o = cli_event("verify");
    cli_fields(o, &commit_report_fields, e, "edit unmasked_unchanged checksum");
    cli_print(o);
    o = record_commit(e);
    json_object_set_new(o, "fact", json_integer(i + 1));
    json_object_set_new(o, "subject", cli_text(f->subject));
    json_object_set_new(o, "target", cli_text(f->target));
    if (rewritten(w, i))
        json_object_set_new(o, "rewrites", json_integer(rewritten(w, i)));
    cli_print(o);
}

static void board_text(const struct probe_report *b)
{
    static const char *const kinds[] = {"rephrase", "locality", "follows", "question", "chat"};

    for (int i = 0; i < b->probes; i++) {
        const struct probe_result *p = &b->probe[i];

        std_print("  %-9s %-7s %.48s:%.96s\n", kinds[p->kind],
                  p->ok[1]   ? "ok"
                  : p->known ? "FAILS"
                             : "unknown", /* the base could not do it either */
                  p->prompt, p->said[1]);
    }
}

static void hear_preview(struct watch *w, const struct edit_report *a)
{
    w->previews++;
    w->heard += a->facts;
    w->succeeded += a->held;
}

static void edit_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct watch *w = ctx;
    bool json = cli_json(c);

    if (ev->kind == EV_PREVIEW)
        hear_preview(w, ev->edit_report);
    if (ev->kind == EV_HEADER && json)
        cli_print(record_header(c, ev->header, "edit"));
    else if (ev->kind == EV_LAYER && json && cli_scored(c, ev->attribution))
        tell_layer(c, ev->attribution);
    else if (ev->kind == EV_STEP && json)
        cli_print(record_step(ev->step));
    else if (ev->kind == EV_COMMIT && json)
        cli_print(record_report("commit", ev->edit_report));
    else if (ev->kind == EV_PREVIEW && json)
        cli_print(record_report("preview", ev->edit_report));
    else if (ev->kind == EV_COMMIT || ev->kind == EV_PREVIEW)
        applied_text(ev->edit_report, ev->kind == EV_PREVIEW);
    else if (ev->kind == EV_COMMITTED)
        hear_edited(c, w, ev->commit_report);
    else if (ev->kind == EV_PROBES && !json)
        board_text(ev->probes);
    for (int i = 0; ev->kind == EV_PROBES && json && i < ev->probes->probes; i++)
        cli_print(record_probe(&ev->probes->probe[i]));
    std_flush();
}

static void summary(struct cli *c, const struct watch *w)
{
    json_t *o, *failed = json_array();
    bool preview = cli_has(c, OPT_PREVIEW);
    int weak = 0, rounds = preview ? w->previews : w->edits;

    for (int i = 0; i < w->count; i++)
        if (w->told[i].failed) {
            json_array_append_new(failed, json_pack("{s:i, s:i, s:o}", "fact", i + 1, "edit",
                                                    w->told[i].edit, "subject",
                                                    cli_text(w->fact[i].subject)));
            weak += w->fate[i].in != NO_FACT;
        }
    if (!cli_json(c)) {
        json_decref(failed);
        std_print("%d fact%s in %d %s%s, %d ", w->heard, w->heard == 1 ? "" : "s", rounds,
                  preview ? "preview" : "edit", rounds == 1 ? "" : "s", w->succeeded);
        if (preview)
            std_puts("would hold");
        else
            std_print("accepted, %.1f s\n", w->seconds);
        if (w->skipped)
            std_print("%d left out by --skip\n", w->skipped);
        if (w->left_out)
            std_print("%d in already, left out%s\n", w->left_out,
                      weak ? "; not all of them hold" : "");
        std_print("checksum %s\n", c->state.checksum);
        return;
    }
    o = cli_event("summary");
    json_object_set_new(o, "facts", json_integer(w->heard));
    json_object_set_new(o, "edits", json_integer(w->edits));
    if (preview)
        json_object_set_new(o, "previews", json_integer(w->previews));
    json_object_set_new(o, "success", json_integer(w->succeeded));
    json_object_set_new(o, "skipped", json_integer(w->skipped));
    json_object_set_new(o, "left_out", json_integer(w->left_out));
    json_object_set_new(o, "failed", failed);
    json_object_set_new(o, "seconds", cli_real(w->seconds));
    json_object_set_new(o, "checksum", json_string(c->state.checksum));
    cli_print(o);
}

/* The value of z for a command, checked against the model's width. */
static bool give_z(struct cli *c, struct command *cmd, struct err *err)
{
    int width = 0;

    if (!cli_has(c, OPT_Z))
        return true;
    cmd->z = z_file_load(c->value[OPT_Z], &width, err);
    if (!cmd->z)
        return false;
    return width == c->info.hidden ||
           err_set(err, ERR_USAGE, "%s: z has %d numbers, this model's are %d", c->value[OPT_Z],
                   width, c->info.hidden);
}

/* --- what the session holds, and what the list does to it ----------------------------------- */

/* The facts of the session's active edits, in order. */
static void list_standing(struct watch *w)
{
    const struct history *h = w->history.history;
    int total = 0;

    for (int i = 0; i < h->count; i++)
        total += h->entry[i].active ? h->entry[i].facts : 0;
    w->standing = xcalloc((size_t)total + 1, sizeof(*w->standing));
    w->stood = xcalloc((size_t)total + 1, sizeof(*w->stood));
    for (int i = 0; i < h->count; i++)
        for (int k = 0; h->entry[i].active && k < h->entry[i].facts; k++) {
            const struct history_fact *f = &h->entry[i].fact[k];

            w->stood[w->standings] = f->outcome != OUTCOME_FAILED;
            w->standing[w->standings++] =
                (struct session_fact){f->subject, f->prompt, f->target, h->entry[i].edit};
        }
}

static json_t *notice(const struct watch *w, const char *what, int i, int edit)
{
    json_t *o = cli_event(what);

    json_object_set_new(o, "fact", json_integer(i + 1));
    json_object_set_new(o, "subject", cli_text(w->fact[i].subject));
    json_object_set_new(o, "target", cli_text(w->fact[i].target));
    json_object_set_new(o, "edit", json_integer(edit));
    return o;
}

/* A fact that the session holds already is told, and counts as what became of it then. */
static void leave_out(struct cli *c, struct watch *w, int i)
{
    int in = w->fate[i].in, edit = w->standing[in].edit;
    json_t *o;

    w->left_out++;
    w->told[i] = (struct told_fact){&w->fact[i], edit, !w->stood[in]};
    if (cli_json(c)) {
        o = notice(w, "left_out", i, edit);
        json_object_set_new(o, "success", json_boolean(w->stood[in]));
        cli_print(o);
        return;
    }
    cli_say(c, "fact %d (%.120s): in already as edit %d%s; left out", i + 1, w->fact[i].subject,
            edit, w->stood[in] ? "" : ", where it did not hold");
}

static void tell_repeat(struct cli *c, const struct watch *w, int i)
{
    int earlier = w->fate[i].repeats;
    json_t *o;

    if (!cli_json(c)) {
        cli_say(c, "fact %d says again what fact %d says (%.120s -> %.120s); both are written",
                i + 1, earlier + 1, w->fact[i].subject, w->fact[i].target);
        return;
    }
    o = notice(w, "repeats", i, 0);
    json_object_del(o, "edit"); /* there is none yet */
    json_object_set_new(o, "earlier", json_integer(earlier + 1));
    cli_print(o);
}

static void tell_rewrite(struct cli *c, const struct watch *w, int i)
{
    const struct fact_status *f = &w->fate[i];
    const struct session_fact *s = f->rewrites != NO_FACT ? &w->standing[f->rewrites] : NULL;
    const struct fact *e = f->rewrites_earlier != NO_FACT ? &w->fact[f->rewrites_earlier] : NULL;
    int edit = rewritten(w, i);
    const char *subject, *target;
    json_t *o;

    if (f->repeats != NO_FACT)
        tell_repeat(c, w, i);
    if (!s && !e)
        return;
    subject = s ? s->subject : e->subject;
    target = s ? s->target : e->target;
    if (cli_json(c)) {
        o = notice(w, "rewrites", i, edit);
        json_object_set_new(o, "old", cli_text(target));
        cli_print(o);
    } else if (edit) {
        cli_say(c, "fact %d rewrites edit %d (%.120s -> %.120s)", i + 1, edit, subject, target);
    } else { /* a preview, after which nothing is in */
        cli_say(c, "fact %d rewrites fact %d (%.120s -> %.120s)", i + 1, f->rewrites_earlier + 1,
                subject, target);
    }
}

/* A solve that is given two objects for one question can write neither: that is found before
 * anything is computed. `batch` facts are written together. */
static bool contradicts(const struct watch *w, int batch, struct err *err)
{
    for (int i = w->skipped; i < w->count; i++) {
        int e = w->fate[i].rewrites_earlier;

        if (e == NO_FACT || w->fate[e].in != NO_FACT ||
            (i - w->skipped) / batch != (e - w->skipped) / batch)
            continue;
        return err_set(
            err, ERR_USAGE,
            "facts %d and %d give one question two objects in one batch (%.60s -> %.60s and "
            "%.60s), and neither would hold; take one out, or --batch 1 writes one after "
            "the other",
            e + 1, i + 1, w->fact[i].subject, w->fact[e].target, w->fact[i].target);
    }
    return true;
}

/* --- the edits ------------------------------------------------------------------------------ */

/* The facts of w->at. Caller gives them away. */
static struct fact *copies(const struct watch *w)
{
    struct fact *out = xcalloc((size_t)w->facts_at, sizeof(*out));

    for (int i = 0; i < w->facts_at; i++)
        out[i] = fact_copy(&w->fact[w->at[i]]);
    return out;
}

static bool one_edit(struct cli *c, struct watch *w, struct err *err)
{
    struct command cmd = {.kind = cli_has(c, OPT_PREVIEW) ? CMD_PREVIEW : CMD_COMMIT,
                          .params = c->params,
                          .draft = cli_has(c, OPT_DRAFT)};

    if (!give_z(c, &cmd, err)) {
        free(cmd.z);
        return false;
    }
    for (int i = 0; i < w->facts_at; i++)
        tell_rewrite(c, w, w->at[i]);
    cmd.facts = copies(w);
    cmd.count = w->facts_at;
    if (!cli_job(c, &cmd, edit_on_event, w, err))
        return false;
    if (w->count > 1 && !cli_has(c, OPT_PROBE))
        return true;
    cmd = (struct command){
        .kind = CMD_PROBE, .params = c->params, .facts = copies(w), .count = w->facts_at};
    return cli_job(c, &cmd, edit_on_event, w, err);
}

/* Where a list stopped, and that the same command goes on there. */
static bool stopped(const struct cli *c, const struct watch *w, struct err *err)
{
    struct err why = *err;
    int done = w->heard + w->left_out;
    const char *subject = w->fact[w->at[0]].subject;

    if (!cli_has(c, OPT_FACTS) || w->count < 2 || cli_has(c, OPT_PREVIEW)) {
        if (why.kind != ERR_CANCELLED || w->heard)
            return err_in(err, "fact %d (%.80s)", w->at[0] + 1, subject);
        *err = (struct err){0};
        return err_set(err, why.kind, "fact %d (%.80s): %s; nothing was written", w->at[0] + 1,
                       subject, why.text);
    }
    *err = (struct err){0};
    return err_set(err, why.kind,
                   "fact %d of %d (%.80s): %.200s; %d %s in, the same command goes on there",
                   w->at[0] + 1, w->count, subject, why.text, done, done == 1 ? "is" : "are");
}

/* The list by batches, whose bounds are the same whatever is in already: so a run that stopped
 * goes on with the very edits it would have made. */
static bool all(struct cli *c, struct watch *w, struct err *err)
{
    int batch = (int)c->params.value[P_EDIT_BATCH];
    bool list = cli_has(c, OPT_FACTS);

    if (!contradicts(w, batch, err))
        return false;
    for (int from = w->skipped; from < w->count; from += batch) {
        w->facts_at = 0;
        for (int i = from; i < w->count && i < from + batch; i++)
            if (w->fate[i].in != NO_FACT)
                leave_out(c, w, i);
            else
                w->at[w->facts_at++] = i;
        if (w->facts_at && !one_edit(c, w, err))
            return stopped(c, w, err);
    }
    if (list)
        summary(c, w);
    return true;
}

static bool look_back(struct cli *c, struct watch *w, struct err *err)
{
    if (!cli_history(c, &w->history, err))
        return false;
    list_standing(w);
    facts_status(w->fact, w->skipped, w->count, w->standing, w->standings, w->fate);
    for (int i = 0; i < w->count && (cli_has(c, OPT_AGAIN) || !cli_has(c, OPT_FACTS)); i++) {
        if (w->fate[i].in != NO_FACT)
            cli_say(c, "fact %d is in already as edit %d, and is written again", i + 1,
                    w->standing[w->fate[i].in].edit);
        w->fate[i].in = NO_FACT;
    }
    return true;
}

static void advise(struct cli *c, const struct watch *w)
{
    struct told_fact *told = xcalloc((size_t)w->count + 1, sizeof(*told));
    int n = 0;

    for (int i = 0; i < w->count; i++)
        if (w->told[i].edit)
            told[n++] = w->told[i];
    if (n)
        c->advice = advice_of(told, n, c->value[OPT_SESSION], &c->remedy);
    free(told);
}

static bool many(struct cli *c, struct fact *facts, int count, struct err *err)
{
    struct watch w = {.fact = facts, .count = count};
    long skip;
    bool ok;

    if (!cli_number(c, OPT_SKIP, 0, count, 0, &skip, err))
        return false;
    w.skipped = (int)skip;
    w.fate = xcalloc((size_t)count, sizeof(*w.fate));
    w.told = xcalloc((size_t)count, sizeof(*w.told));
    w.at = xcalloc((size_t)count, sizeof(*w.at));
    ok = look_back(c, &w, err) && all(c, &w, err);
    advise(c, &w);
    event_free(&w.history);
    free(w.standing);
    free(w.stood);
    free(w.fate);
    free(w.told);
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
        return err_set(err, ERR_USAGE, "--%s is about a list of facts: --facts FILE",
                       cli_has(c, OPT_SKIP) ? "skip" : "again");
    if (!cli_facts(c, &facts, &count, err))
        return false;
    ok = (!cli_has(c, OPT_Z) || count == 1 ||
          err_set(err, ERR_USAGE, "--z gives the target of one fact, not of %d", count)) &&
         cli_start(c, needs, err) && cli_wait_open(c, err) && many(c, facts, count, err);
    cli_facts_free(facts, count);
    return ok;
}

const struct cli_ops cli_edit = {
    "edit", "", "Edit one fact or many; --preview: without saving",
    FOR_FACT | FOR_EDIT | FOR_SESSION | FOR_TEXT | FOR_MODEL | FOR_PARAMS, edit_run};
