/* editscope diff: what changed between two states of a session: each matrix (columns, norm of the
 * difference), and each fact that was edited up to either state (its answer in both). */
#include <stdio.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static const char *generated_text(const struct probe_result *p, int k)
{
    return p->said[k] ? p->said[k] : "";
}

static void diff_json(const struct diff *d)
{
    json_t *o;

    for (int i = 0; i < d->layers; i++) {
        o = cli_event("layer");
        cli_fields(o, &diff_layer_fields, &d->layer[i], "layer matrix columns norm weight_norm");
        cli_print(o);
    }
    for (int i = 0; i < d->besides; i++) {
        o = cli_event("beside");
        cli_fields(o, &diff_beside_fields, &d->beside[i], "kind layer count");
        cli_print(o);
    }
    for (int i = 0; i < d->probes; i++)
        cli_print(record_probe(&d->probe[i]));
    o = cli_event("done");
    cli_fields(o, &diff_fields, d, "from to layers probes");
    cli_print(o);
}

/* A row per changed matrix: |difference| and |W| are Frobenius norms. */
static void matrices_text(const struct diff *d)
{
    struct table t = {.name = "diff"};

    table_layout(&t, "layer%5d  columns%7d  |difference|%12.5f  |W|%8.3f  %s");
    for (int i = 0; i < d->layers; i++) {
        table_integer(&t, d->layer[i].layer);
        table_integer(&t, d->layer[i].columns);
        table_real(&t, d->layer[i].norm);
        table_real(&t, d->layer[i].weight_norm);
        table_text(&t, d->layer[i].matrix);
    }
    cli_table(&t);
    table_free(&t);
}

static void diff_text(const struct diff *d)
{
    std_print("from %d to %d\n", d->from, d->to);
    if (d->layers)
        matrices_text(d);
    else
        std_puts("no weight differs");
    for (int i = 0; i < d->besides; i++) {
        char words[80];

        std_print("%s\n", diff_beside_words(&d->beside[i], words));
    }
    for (int i = 0; i < d->probes; i++) {
        const struct probe_result *p = &d->probe[i];
        char change[40], why[80];

        if (p->context) {
            std_print("%-11s %s: %.128s\n", probe_label(p->kind), probe_not_asked(p, why),
                      p->prompt);
            continue;
        }
        std_print("%-11s %s %s  p(target) %s  %.128s\n    %.64s ->%.64s%s\n", probe_label(p->kind),
                  p->ok[0] ? "yes" : "no ", p->ok[1] ? "yes" : "no ",
                  cli_change(p->p_target, change), p->prompt, generated_text(p, 0),
                  generated_text(p, 1), p->known ? "" : "  (the base does not know it)");
    }
}

static void diff_on_event(struct cli *c, struct event *ev, void *ctx)
{
    (void)ctx;
    if (ev->kind != EV_DIFF)
        return;
    if (cli_json(c))
        diff_json(ev->diff);
    else
        diff_text(ev->diff);
}

static bool diff_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_DIFF, .params = c->params};
    long from, to;

    if (!cli_has(c, OPT_TO))
        return err_set(
            err, ERR_USAGE,
            "diff needs --to N; --from N is the earlier state (0, the default: the base)");
    if (!cli_number(c, OPT_FROM, 0, EDIT_NUMBER_MAX, 0, &from, err) ||
        !cli_number(c, OPT_TO, 0, EDIT_NUMBER_MAX, 0, &to, err) ||
        !cli_start(c, NEED_SESSION | READS, err))
        return false;
    cmd.from = (int)from;
    cmd.edit = (int)to;
    return cli_job(c, &cmd, diff_on_event, NULL, err);
}

const struct cli_ops cli_diff = {"diff", "", "Show what changed between two states of a session",
                                 FOR_DIFF | FOR_SESSION | FOR_MODEL, diff_run};
