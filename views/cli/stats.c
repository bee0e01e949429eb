/* editscope stats: computes the second moments and null spaces that edits need. It continues where
 * an earlier run was stopped. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "views/cli/cli.h"

static void stats_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct moments_info *last = ctx;

    if (ev->kind == EV_PROGRESS && cli_json(c)) {
        json_t *o = cli_event("progress");

        cli_fields(o, &progress_fields, ev->progress, "what done total");
        cli_print(o);
    } else if (ev->kind == EV_MOMENTS) {
        *last = *ev->moments;
    }
}

static void moments_text(const struct moments_info *m)
{
    struct table t = {.name = "stats"};

    table_layout(&t, "layer%5d  null fraction%13.4f  trace lost%10.4g");
    for (int i = 0; i < m->layers; i++) {
        table_integer(&t, m->layer[i]);
        table_real(&t, m->null_fraction[i]);
        table_real(&t, m->trace_lost[i]);
    }
    std_print("%ld tokens\n", m->tokens);
    cli_table(&t);
    table_free(&t);
}

static bool stats_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_MOMENTS, .params = c->params};
    struct moments_info m = {0};
    const char *layers = c->value[OPT_LAYERS];

    cmd.all_layers = layers && !strcmp(layers, "all");
    c->params.layers_option |= cmd.all_layers;
    cmd.params.layers_option |= cmd.all_layers;
    if (!cli_start(c, 0, err))
        return false;
    if (c->value[OPT_STATS_IMPORT])
        cmd.text = xstrdup(c->value[OPT_STATS_IMPORT]);
    if (c->value[OPT_STATS_EXPORT])
        cmd.export = xstrdup(c->value[OPT_STATS_EXPORT]);
    if (!cli_job(c, &cmd, stats_on_event, &m, err))
        return false;
    if (cli_json(c))
        cli_print(record_moments(&m));
    else
        moments_text(&m);
    return !*m.unkept || err_set(err, ERR_IO, "%s", m.unkept);
}

const struct cli_ops cli_stats = {"stats", "",
                                  "Compute the second moments of a text and their null spaces",
                                  FOR_STATS | FOR_TEXT | FOR_MODEL | FOR_PARAMS, stats_run};
