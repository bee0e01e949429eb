/* Trials of parameters: the sums over facts, facts in a row, and arms of `--arm`.
 *
 * A row goes the way of `edit --facts`: a CMD_COMMIT a fact into a session in memory, so that each
 * edit has the keys of those before it to protect, and a CMD_PROBE a fact at the end. */
#include "views/cli/trial.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

void trial_add(struct trial *t, const struct variant_result *v)
{
    t->edit = v->edit;
    if (*v->why) {
        t->failed++;
        utf8_copy(t->why, sizeof(t->why), v->why);
        return;
    }
    t->tried++;
    for (int m = 0; m < metric_count; m++)
        measured_add(&t->metric[m], &v->metric[m]);
    utf8_copy(t->said, sizeof(t->said), v->said);
}

struct command trial_command_facts(enum command_kind kind, const struct cli *c,
                                   const struct fact *fact, int facts, const struct params *p)
{
    struct command cmd = {
        .kind = kind, .params = *p, .draft = cli_has(c, OPT_DRAFT), .count = facts};

    cmd.facts = xcalloc((size_t)facts + 1, sizeof(*cmd.facts));
    for (int i = 0; i < facts; i++)
        cmd.facts[i] = fact_copy(&fact[i]);
    return cmd;
}

struct command trial_command(enum command_kind kind, const struct cli *c, const struct fact *fact,
                             const struct params *p)
{
    return trial_command_facts(kind, c, fact, 1, p);
}

bool trial_write(struct cli *c, const struct fact *fact, int facts, const struct params *p,
                 cli_on_event *on_event, void *ctx, struct err *err)
{
    struct command cmd = trial_command_facts(CMD_COMMIT, c, fact, facts, p);

    return cli_job(c, &cmd, on_event, ctx, err);
}

bool trial_undo(struct cli *c, int first, int last, struct err *err)
{
    struct command undo = {.kind = CMD_UNDO};

    undo.text = xasprintf("%d-%d", first, last);
    return cli_job(c, &undo, NULL, NULL, err);
}

void trial_metrics(json_t *o, const struct trial *t)
{
    json_object_set_new(o, "edits", json_integer(t->tried));
    for (int m = 0; m < metric_count; m++) {
        double value = measured_value(&t->metric[m]);

        json_object_set_new(o, metric_table[m].json,
                            metric_table[m].has_before
                                ? cli_pair(measured_before(&t->metric[m]), value)
                                : cli_real(value));
    }
}

struct row {
    struct trial *sum, now; /* now: of the fact that is asked at the end */
    int first, last;        /* edits of the row */
};

static void row_metric(struct trial *t, const char *name, double before, double value)
{
    measured_add(&t->metric[metric_find(name)],
                 &(struct measured){.part = value, .whole = 1, .before = before});
}

static void row_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct row *r = ctx;

    if (ev->kind == EV_COMMIT) {
        const struct edit_report *a = ev->edit_report;

        metrics_add_layers(r->sum->metric, a->layer, a->layers, c->info.neurons);
        row_metric(r->sum, "residual left", 0, a->z_error);
    } else if (ev->kind == EV_COMMITTED) {
        const struct commit_report *e = ev->commit_report;

        r->first = r->first ? r->first : e->edit;
        r->last = e->edit;
        r->sum->held_then += e->success;
        row_metric(r->sum, "seconds", 0, e->seconds_total);
    } else if (ev->kind == EV_SIDES) {
        const struct edit_side *before = &ev->sides->before, *after = &ev->sides->after;

        r->now.tried = 1;
        row_metric(&r->now, "holds", 0, after->holds);
        row_metric(&r->now, "p(target)", before->prompt.p_target, after->prompt.p_target);
        utf8_copy(r->now.said, sizeof(r->now.said), after->said);
    } else if (ev->kind == EV_PROBES) {
        metrics_add_probes(r->now.metric, ev->probes->probe, ev->probes->probes);
    }
}

static void on_commit_only(struct cli *c, struct event *ev, void *ctx)
{
    if (ev->kind == EV_COMMIT || ev->kind == EV_COMMITTED)
        row_on_event(c, ev, ctx);
}

static bool row_write(struct cli *c, struct row *r, const struct fact *fact, int facts,
                      const struct params *p, struct err *err)
{
    for (int i = 0; i < facts; i++) {
        cli_say(c, "fact %d of %d: %s", i + 1, facts, fact[i].subject);
        if (!trial_write(c, &fact[i], 1, p, on_commit_only, r, err))
            return err_in(err, "%s", fact[i].subject);
    }
    return true;
}

static bool row_ask(struct cli *c, struct row *r, const struct fact *fact, int facts,
                    const struct params *p, trial_on_fact *on_fact, void *ctx, struct err *err)
{
    for (int i = 0; i < facts; i++) {
        struct command cmd = trial_command(CMD_PROBE, c, &fact[i], p);

        cmd.sides = cmd.without_words = true;
        r->now = (struct trial){0};
        if (!cli_job(c, &cmd, row_on_event, r, err))
            return err_in(err, "%s", fact[i].subject);
        r->sum->tried++;
        for (int m = 0; m < metric_count; m++)
            measured_add(&r->sum->metric[m], &r->now.metric[m]);
        utf8_copy(r->sum->said, sizeof(r->sum->said), r->now.said);
        if (on_fact)
            on_fact(c, i, &r->now, ctx);
    }
    return true;
}

bool trial_in_a_row(struct cli *c, const struct fact *fact, int facts, const struct params *p,
                    struct trial *out, trial_on_fact *on_fact, void *ctx, struct err *err)
{
    struct row r = {.sum = out};
    struct err why = {0};
    bool ok = row_write(c, &r, fact, facts, p, &why) &&
              row_ask(c, &r, fact, facts, p, on_fact, ctx, &why);

    if (!ok && why.kind != ERR_USAGE)
        return err_pass(err, &why);
    if (!ok) {
        *out = (struct trial){.failed = facts};
        utf8_copy(out->why, sizeof(out->why), why.text);
    }
    return !r.last || trial_undo(c, r.first, r.last, err);
}

/* The next word of *at, as a copy; NULL: none. */
static char *next_word(const char **at)
{
    size_t n;
    char *word;

    *at += strspn(*at, " \t");
    n = strcspn(*at, " \t");
    word = n ? xasprintf("%.*s", (int)n, *at) : NULL;
    *at += n;
    return word;
}

bool arm_parse(struct arm *arm, const char *option, const char *text, const struct params *from,
               struct err *err)
{
    const char *colon = strchr(text, ':'), *at = colon ? colon + 1 : text;
    int name = (int)(colon ? colon - text : (long)strlen(text));
    char *word;
    bool ok = true;

    *arm = (struct arm){.params = *from};
    snprintf(arm->name, sizeof(arm->name), "%.*s", name, text);
    if (!*arm->name)
        return err_set(err, ERR_USAGE, "%s '%.60s': no name; write NAME: PARAMETER=VALUE …", option,
                       text);
    while (ok && (word = next_word(&at))) {
        char *set = xasprintf("%s%s", strchr(word, '=') ? "" : "edit.method=", word);

        ok = params_assign(&arm->params, set, FROM_COMMAND_LINE, err);
        free(set);
        free(word);
    }
    return ok || err_in(err, "%s %s", option, arm->name);
}
