/* The tables of a run (eval_numbers.c has the numbers). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/std.h"
#include "views/cli/eval.h"

void eval_interval_cell(struct table *t, const struct interval *i)
{
    if (!i->n)
        table_missing(t);
    else if (isnan(i->low))
        table_format(t, "%.3f", i->value);
    else
        table_format(t, "%.3f [%.3f, %.3f]", i->value, i->low, i->high);
}

/* The metrics of a text table for which the base or an arm has a number; returns how many. */
static int table_metrics(const struct eval *v, int table, int out[RECORD_METRICS_MOST])
{
    int n = 0;

    for (int m = 0; m < record_metric_count; m++) {
        bool any = false;

        for (int i = 0; i < v->facts; i++)
            any = any || !isnan(v->base[(size_t)m * (size_t)v->facts + (size_t)i]);
        if (any && record_metrics[m].table == table)
            out[n++] = m;
    }
    return n;
}

/* Arm -1: the base on the records of the checkpoint. */
static void arm_row(const struct eval *v, struct table *t, const int *metric, int metrics, int arm,
                    enum measure_when when, int checkpoint)
{
    table_text(t, arm < 0 ? "(base)" : v->arm[arm].name);
    table_integer(t, arm < 0 ? 0 : v->checkpoint[checkpoint]);
    table_integer(t, v->checkpoint[checkpoint]);
    for (int i = 0; i < metrics; i++) {
        struct interval of =
            eval_interval(v, metric[i], arm, (int)when, checkpoint, STATISTICS_RESAMPLES);

        eval_interval_cell(t, &of);
    }
    if (record_metrics[metric[0]].table == RECORD_TABLES)
        table_real(t, eval_rome_score(v, arm, (int)when, checkpoint));
}

static void print_table(const struct eval *v, int table, enum measure_when when)
{
    int metric[RECORD_METRICS_MOST], metrics = table_metrics(v, table, metric);
    struct table t = {.name = "eval"};

    if (!metrics)
        return;
    std_print("%s, %s\n", measure_when_name((int)when), eval_table_title(table));
    table_layout(&t, "arm%-16s  edits%5d  records%7d");
    for (int i = 0; i < metrics; i++) {
        char column[64];

        snprintf(column, sizeof(column), "  %s%%-20s", record_metrics[metric[i]].name);
        table_layout(&t, column);
    }
    if (table == RECORD_TABLES)
        table_layout(&t, "  score%6.3f");
    for (int a = -1; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++)
            arm_row(v, &t, metric, metrics, a, when, k);
    cli_table(&t);
    table_free(&t);
    std_puts("");
}

static void print_comparisons(const struct eval *v)
{
    struct table t = {.name = "comparisons"};

    table_layout(&t, "arm%-16s  metric%-10s  difference%-24s  p%8.4f  p (Holm)%8.4f  records%7d");
    for (int m = 0; m < record_metric_count; m++) {
        struct comparison *c = record_metrics[m].table ? eval_compare(v, m) : NULL;

        for (int i = 0; c && i + 1 < v->arms; i++) {
            table_text(&t, v->arm[c[i].arm].name);
            table_text(&t, record_metrics[m].name);
            eval_interval_cell(&t, &c[i].difference);
            table_real(&t, c[i].p);
            table_real(&t, c[i].p_holm);
            table_integer(&t, c[i].difference.n);
        }
        free(c);
    }
    if (table_row_count(&t)) {
        std_print("final, after %d facts: each arm less %s\n", v->facts, v->arm[0].name);
        cli_table(&t);
        std_puts("");
    }
    table_free(&t);
}

/* At the last checkpoint: what was lost, and what is left by age. */
static void print_forgetting(const struct eval *v)
{
    static const char *const name[] = {"rel", "gen", "rel_em"};
    struct table t = {.name = "forgetting"};
    int last = v->checkpoints - 1, edits = v->checkpoint[last];

    table_layout(&t, "arm%-16s  Rel%-24s  Gen%-24s  Rel em%-24s");
    for (int part = 0; part < eval_ages(v, last); part++) {
        char column[64];
        int from, to, n;

        eval_retention(v, eval_metric("rel"), 0, last, part, &from, &to, &n);
        snprintf(column, sizeof(column), "  age %d-%d%%9.3f", from, to - 1);
        table_layout(&t, column);
    }
    for (int a = 0; a < v->arms; a++) {
        table_text(&t, v->arm[a].name);
        for (int i = 0; i < 3; i++) {
            struct interval lost = eval_interval(v, eval_metric(name[i]), a, WHEN_FORGOTTEN, last,
                                                 STATISTICS_RESAMPLES);

            eval_interval_cell(&t, &lost);
        }
        for (int part = 0; part < eval_ages(v, last); part++) {
            int from, to, n;

            table_real(&t, eval_retention(v, eval_metric("rel"), a, last, part, &from, &to, &n));
        }
    }
    std_print("forgotten after %d facts: immediate less final; and final Rel by age, edits since\n",
              edits);
    cli_table(&t);
    table_free(&t);
    std_puts("");
}

static void state_row(const struct eval *v, struct table *t, int arm, int edits)
{
    table_text(t, arm < 0 ? "(base)" : v->arm[arm].name);
    table_integer(t, edits);
    table_real(t, eval_state_number(v, arm, edits, "delta_norm", true));
    table_real(t, eval_state_number(v, arm, edits, "norm_ratio", true));
    table_real(t, eval_state_number(v, arm, edits, "sigma", true));
    table_real(t, eval_state_number(v, arm, edits, "stable_rank", false));
    table_real(t, eval_state_number(v, arm, edits, "leak", true));
    table_real(t, eval_state_number(v, arm, edits, "energy_change", true));
    table_real(t, eval_state_number(v, arm, edits, "kl", false));
    table_real(t, eval_state_number(v, arm, edits, "perplexity", false));
    table_real(t, eval_state_number(v, arm, edits, "fluency", false));
}

/* How far the states went from the base: of layers the largest number, of the stable rank the mean.
 */
static void print_states(const struct eval *v)
{
    struct table t = {.name = "states"};

    if (isnan(eval_state_number(v, -1, 0, "perplexity", false))) /* left out, or no text */
        return;
    table_layout(&t,
                 "arm%-16s  edits%5d  |dW|%8.3f  |W|/|W0|%9.4f  sigma(dW)%9.3f  stable "
                 "rank%11.2f  leak%10.3g  dHE/HE%+10.2e  KL%9.4f  perplexity%10.3f  fluency%7.3f");
    state_row(v, &t, -1, 0);
    for (int a = 0; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++)
            state_row(v, &t, a, v->checkpoint[k]);
    std_puts("the states: largest layer, mean stable rank");
    cli_table(&t);
    table_free(&t);
    std_puts("");
}

static void print_cost(const struct eval *v)
{
    struct table t = {.name = "cost"};

    table_layout(&t, "arm%-16s  method%-12s  s an edit%9.2f  gain%6.3f  not written%11d");
    for (int a = 0; a < v->arms; a++) {
        double failed = 0;

        for (int i = 0; i < v->numbers; i++)
            if (!strcmp(v->number[i].name, "failed") &&
                (v->number[i].sequence - 1) / v->orders == a)
                failed += v->number[i].value;
        table_text(&t, v->arm[a].name);
        table_text(&t, params_word(&v->arm[a].params, P_EDIT_METHOD));
        table_real(&t, eval_number_mean(v, a, "seconds"));
        table_real(&t, eval_number_mean(v, a, "gain"));
        table_integer(&t, (long long)failed);
    }
    cli_table(&t);
    table_free(&t);
}

static void print_text(const struct eval *v)
{
    std_print("%d facts in batches of %d, %d order%s; means with 95 %% intervals over records%s, "
              "none of fewer than %d records\n"
              "Rel: the fact's prompt, Gen: its rephrases, Loc: neighbours say what the base said, "
              "Port: what follows from it; ES, PS, NS: new before old on the prompt and rephrases, "
              "old before new on neighbours; (base): before any edit, on the same records\n\n",
              v->facts, v->batch, v->orders, v->orders == 1 ? "" : "s",
              v->orders == 1 ? "" : " and orders", EVAL_RECORDS_LEAST);
    for (int table = 1; table <= RECORD_TABLES; table++)
        print_table(v, table, WHEN_FINAL);
    for (int table = 1; table <= RECORD_TABLES; table++)
        print_table(v, table, WHEN_IMMEDIATE);
    print_comparisons(v);
    print_forgetting(v);
    print_states(v);
    eval_print_tasks(v);
    print_cost(v);
}

void eval_report(const struct cli *c, const struct eval *v)
{
    if (cli_json(c))
        eval_print_json(v);
    else
        print_text(v);
}
