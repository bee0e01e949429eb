/* editscope edit: one fact or many into the model, as the session's journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/engine/run_file.h"
#include "views/cli/cli.h"

struct watch {
    struct fact *facts; /* all of them; borrowed */
    int done;           /* facts of earlier commands */
    int heard, succeeded, edits;
    double seconds;
};

static void tell_layer(struct cli *c, const struct attribution *a)
{
    struct mask *m = mask_build(a, NULL, &c->params);

    cli_print(record_layer(a, m, NULL, NULL));
    mask_free(m);
}

static void applied_text(const struct applied *a, bool preview)
{
    if (preview)
        std_puts("preview: nothing is kept");
    std_print("layer   kept       gain  gain_mask      leak  leak_ratio  |delta|/|W|\n");
    for (int i = 0; i < a->layers; i++) {
        const struct weighed_layer *l = &a->layer[i];

        std_print("%5d %6d %10.4g %10.4g %9.3g %11.4g %12.4g\n", l->layer, l->kept, l->gain,
                  l->gain_mask, l->leak, l->leak_ratio,
                  l->weight_norm > 0 ? l->delta_norm / l->weight_norm : 0);
    }
    std_print("z error %.3f, moments of %ld tokens%s\n", a->z_error, a->moment_tokens,
              a->draft ? " (draft)" : "");
    if (preview)
        std_print("p(first) %.4f -> %.4f, says:%s\n", a->p_before, a->p_after, a->generated);
}

static void edited_text(const struct fact *f, const struct edited *e)
{
    std_print("edit %d: %s -> %s: %s\n", e->edit, f->subject, f->target,
              e->success ? "accepted" : "NOT accepted (undo takes it back)");
    std_print("  p(target) %.4f -> %.4f, p(first) %.4f -> %.4f\n", e->p_target[0], e->p_target[1],
              e->p_first[0], e->p_first[1]);
    for (int i = 0; i < 2; i++)
        std_print("  %-7s%s\n", i ? "after" : "before", e->generated[i]);
    std_print("  weights outside the mask %s, %.1f s\n  checksum %s\n",
              e->unmasked_unchanged ? "unchanged" : "CHANGED", e->seconds_total, e->checksum);
}

static void hear_edited(struct cli *c, struct watch *w, const struct edited *e)
{
    const struct fact *f = &w->facts[w->done + e->fact];
    json_t *o;

    w->heard++;
    w->succeeded += e->success;
    w->seconds += e->fact ? 0 : e->seconds_total;
    w->edits += !e->fact;
    c->rejected = c->rejected || !e->success;
    if (!cli_json(c)) {
        edited_text(f, e);
        return;
    }
    o = cli_event("verify");
    json_object_set_new(o, "edit", json_integer(e->edit));
    json_object_set_new(o, "unmasked_unchanged", json_boolean(e->unmasked_unchanged));
    json_object_set_new(o, "checksum", json_string(e->checksum));
    cli_print(o);
    o = record_edited(e);
    json_object_set_new(o, "subject", cli_text(f->subject));
    json_object_set_new(o, "target", cli_text(f->target));
    cli_print(o);
}

static void board_text(const struct probed *b)
{
    static const char *const kinds[] = {"rephrase", "locality", "follows", "question", "chat"};

    for (int i = 0; i < b->probes; i++) {
        const struct probe_result *p = &b->probe[i];

        std_print("  %-9s %-7s %.48s:%.40s\n", kinds[p->kind],
                  p->ok[1]   ? "ok"
                  : p->known ? "FAILS"
                             : "unknown", /* the base could not do it either */
                  p->prompt, p->said[1]);
    }
}

static void hear(struct cli *c, struct event *ev, void *ctx)
{
    struct watch *w = ctx;
    bool json = cli_json(c);

    if (ev->kind == EV_META && json)
        cli_print(record_meta(c, ev->meta, "edit"));
    else if (ev->kind == EV_LAYER && json && cli_scored(c, ev->attribution))
        tell_layer(c, ev->attribution);
    else if (ev->kind == EV_STEP && json)
        cli_print(record_step(ev->step));
    else if (ev->kind == EV_COMMIT && json)
        cli_print(record_applied("commit", ev->applied));
    else if (ev->kind == EV_PREVIEW && json)
        cli_print(record_applied("preview", ev->applied));
    else if (ev->kind == EV_COMMIT || ev->kind == EV_PREVIEW)
        applied_text(ev->applied, ev->kind == EV_PREVIEW);
    else if (ev->kind == EV_EDITED)
        hear_edited(c, w, ev->edited);
    else if (ev->kind == EV_PROBED && !json)
        board_text(ev->probed);
    for (int i = 0; ev->kind == EV_PROBED && json && i < ev->probed->probes; i++)
        cli_print(record_probe(&ev->probed->probe[i]));
    std_flush();
}

static void summary(struct cli *c, const struct watch *w)
{
    json_t *o;

    if (!cli_json(c)) {
        std_print("%d fact%s in %d edit%s, %d accepted, %.1f s\nchecksum %s\n", w->heard,
                  w->heard == 1 ? "" : "s", w->edits, w->edits == 1 ? "" : "s", w->succeeded,
                  w->seconds, c->state.checksum);
        return;
    }
    o = cli_event("summary");
    json_object_set_new(o, "facts", json_integer(w->heard));
    json_object_set_new(o, "edits", json_integer(w->edits));
    json_object_set_new(o, "success", json_integer(w->succeeded));
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

static struct fact *copies(const struct fact *facts, int count)
{
    struct fact *out = xcalloc((size_t)count, sizeof(*out));

    for (int i = 0; i < count; i++)
        out[i] = fact_copy(&facts[i]);
    return out;
}

static bool all(struct cli *c, struct fact *facts, int count, struct err *err)
{
    int batch = (int)c->params.value[P_EDIT_BATCH];
    struct watch w = {.facts = facts};

    for (; w.done < count; w.done += batch) {
        struct command cmd = {.kind = cli_has(c, OPT_PREVIEW) ? CMD_PREVIEW : CMD_COMMIT,
                              .params = c->params,
                              .draft = cli_has(c, OPT_DRAFT)};
        int n = count - w.done < batch ? count - w.done : batch;

        if (!give_z(c, &cmd, err)) {
            free(cmd.z);
            return false;
        }
        cmd.facts = copies(&facts[w.done], n);
        cmd.count = n;
        if (!cli_job(c, &cmd, hear, &w, err))
            return err_in(err, "fact %d (%s)", w.done + 1, facts[w.done].subject);
        if (count > 1 && !cli_has(c, OPT_PROBE))
            continue;
        cmd = (struct command){
            .kind = CMD_PROBE, .params = c->params, .facts = copies(&facts[w.done], n), .count = n};
        if (!cli_job(c, &cmd, hear, &w, err))
            return false;
    }
    if (cli_has(c, OPT_FACTS))
        summary(c, &w);
    return true;
}

static bool run(struct cli *c, struct err *err)
{
    bool preview = cli_has(c, OPT_PREVIEW), ok;
    unsigned needs =
        preview ? (cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0) : NEED_SESSION | MAY_CREATE;
    struct fact *facts;
    int count;

    if (!cli_facts(c, &facts, &count, err))
        return false;
    ok = (!cli_has(c, OPT_Z) || count == 1 ||
          err_set(err, ERR_USAGE, "--z gives the target of one fact, not of %d", count)) &&
         cli_start(c, needs, err) && cli_wait_open(c, err) && all(c, facts, count, err);
    cli_facts_free(facts, count);
    return ok;
}

const struct cli_ops cli_edit = {
    "edit", "", "Write a fact, or many, into the model",
    FOR_FACT | FOR_EDIT | FOR_SESSION | FOR_TEXT | FOR_MODEL | FOR_PARAMS, run};
