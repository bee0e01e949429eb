/* editscope sweep: tries facts under every combination of values of a few parameters (a grid), or
 * under named sets of them (arms). Nothing is written to a session.
 *
 * Each fact is one CMD_VARIANTS with all cells of the grid as variants. With many facts, each cell
 * shows means over the facts. With --in-a-row each cell writes all facts one after the other and
 * asks them at the end (trial.h). Under mpirun every process tries each n-th cell, and rank 0
 * prints. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/mpi.h"
#include "core/base/param_grid.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "views/cli/trial.h"
#include "views/tried_on.h"

struct sweep {
    struct param_grid grid; /* of arms: one axis, whose values are their names */
    struct arm *arm;        /* [cells], or NULL */
    bool in_a_row;
    struct trial *cell; /* [cells] */
    int facts;
    const struct fact *fact; /* [facts] */
    struct event history;    /* of the session, or EV_NONE */
    int at, done;            /* the one being tried; how many every cell was tried on */
    int *mine, count;        /* the cells this process of mpirun tries: every n-th */
};

static struct params cell_params(const struct cli *c, const struct sweep *s, int at)
{
    struct params p = c->params;

    if (s->arm)
        return s->arm[at].params;
    param_grid_set(&s->grid, at, &p, NULL); /* checked when it was parsed */
    return p;
}

/* A value of the grid: a number where it is one. */
static json_t *value_of(const char *text)
{
    char *end;
    double v = strtod(text, &end);

    return end != text && !*end && isfinite(v) ? json_real(v) : json_string(text);
}

/* The state after an edit, as `query` names it. */
static json_t *state_json(int edit)
{
    char name[32];

    snprintf(name, sizeof(name), "edit:%d", edit);
    return json_string(edit ? name : "base");
}

/* A cell over the facts so far; with `one`, the result of the current fact of many. */
static void cell_json(const struct cli *cli, const struct sweep *s, int at, const struct trial *c,
                      bool one)
{
    json_t *o = cli_event(one ? "tried" : "result"), *grid = json_object();
    const struct params p = cell_params(cli, s, at);

    for (int i = 0; i < s->grid.axes; i++)
        json_object_set_new(grid, s->grid.axis[i].name,
                            value_of(s->grid.axis[i].value[param_grid_at(&s->grid, at, i)]));
    if (one) {
        json_object_set_new(o, "fact", json_integer(s->at + 1));
        json_object_set_new(o, "subject", cli_text(s->fact[s->at].subject));
    }
    json_object_set_new(o, "facts", json_integer(s->facts));
    json_object_set_new(o, "cell", json_integer(at));
    json_object_set_new(o, "of", json_integer(s->grid.cells));
    json_object_set_new(o, "grid", grid);
    json_object_set_new(o, "method", json_string(params_word(&p, P_EDIT_METHOD)));
    trial_metrics(o, c);
    json_object_set_new(o, "seed", json_integer((json_int_t)p.value[P_SEED]));
    if ((one || s->facts == 1) && c->tried)
        json_object_set_new(o, "said", cli_text(c->said));
    if (one || s->facts == 1)
        json_object_set_new(o, "state", state_json(c->edit));
    if (s->in_a_row && !one)
        json_object_set_new(o, "held_then", json_integer(c->held_then));
    if (c->failed) {
        json_object_set_new(o, "failed", json_integer(c->failed));
        json_object_set_new(o, "why", cli_text(c->why));
    }
    cli_print(o);
}

/* Columns: the values of the grid, the metrics, and what the model says where there is one fact. */
static struct table cell_table(const struct sweep *s, bool one)
{
    struct table t = {.name = "sweep"};
    struct buf axes = {0};

    for (int i = 0; i < s->grid.axes; i++)
        buf_printf(&axes, "%s%s%%-14s", i ? "  " : "", s->grid.axis[i].name);
    table_layout(&t, axes.data);
    if (s->in_a_row && !one)
        table_layout(&t, "  held then%9.1p");
    for (int m = 0; m < metric_count; m++)
        if (metric_table[m].column)
            table_layout(&t, metric_table[m].column);
    table_layout(&t, one || s->facts == 1 ? "  says%s" : "  %s");
    buf_free(&axes);
    return t;
}

static void print_titles(const struct sweep *s, bool one)
{
    struct table t = cell_table(s, one);

    cli_titles(&t);
    table_free(&t);
}

static void cell_text(const struct sweep *s, int at, const struct trial *c, bool one)
{
    struct table t = cell_table(s, one);

    if (!c->tried) { /* the values, and why the edit cannot be made */
        for (int i = 0; i < s->grid.axes; i++)
            std_print("%-14s  ", s->grid.axis[i].value[param_grid_at(&s->grid, at, i)]);
        if (one)
            std_print("fact %d: ", s->at + 1);
        std_print("%s\n", c->why);
        table_free(&t);
        return;
    }
    for (int i = 0; i < s->grid.axes; i++)
        table_text(&t, s->grid.axis[i].value[param_grid_at(&s->grid, at, i)]);
    if (s->in_a_row && !one)
        table_real(&t, (double)c->held_then / c->tried);
    for (int m = 0; m < metric_count; m++)
        if (metric_table[m].column)
            table_real(&t, measured_value(&c->metric[m]));
    if (one)
        table_format(&t, "fact %d: %s", s->at + 1, c->said);
    else
        table_text(&t, s->facts == 1 ? c->said : "");
    cli_row(&t);
    table_free(&t);
}

static void print_cell(const struct cli *c, const struct sweep *s, int at, const struct trial *cell,
                       bool one)
{
    if (cli_json(c))
        cell_json(c, s, at, cell, one);
    else
        cell_text(s, at, cell, one);
    std_flush();
}

static void sweep_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct sweep *s = ctx;
    struct trial now = {0};

    if (ev->kind != EV_VARIANT)
        return;
    trial_add(&s->cell[s->mine[ev->variant->variant]], ev->variant);
    trial_add(&now, ev->variant);
    if (mpi_size() == 1) /* at once; means over many facts follow at the end */
        print_cell(c, s, s->mine[ev->variant->variant], &now, s->facts > 1);
}

/* The state that a fact is tried on: --state, or the state before the edit that wrote it already.
 * A line says so where that is not all edits. */
static bool start_state(struct cli *c, const struct sweep *s, const struct fact *fact,
                        struct command *cmd, struct err *err)
{
    const struct history *h = s->history.kind == EV_HISTORY ? s->history.history : NULL;
    struct tried_state t;
    char words[160];

    if (cli_has(c, OPT_ONE_STATE))
        return cli_one_state(c, cmd, err);
    t = tried_state_of(h, fact, TRIED_AUTO);
    if (t.on != TRIED_BEFORE)
        return true;
    cmd->edit = t.last;
    cmd->states = t.last ? 0 : STATE_BASE;
    if (!mpi_rank())
        cli_say(c, "%.120s: %s (--state edited: on all edits)", fact->subject,
                tried_state_words(&t, fact->target, WORDS_FULL, words));
    return true;
}

static bool try_fact(struct cli *c, struct sweep *s, const struct fact *fact, struct err *err)
{
    struct command on = {0}, cmd;

    if (!start_state(c, s, fact, &on, err))
        return false;
    cmd = trial_command(CMD_VARIANTS, c, fact, &c->params);
    cmd.edit = on.edit;
    cmd.states = on.states;
    cmd.variant_count = s->count;
    cmd.variants = xcalloc((size_t)s->count, sizeof(*cmd.variants));
    for (int i = 0; i < s->count; i++)
        cmd.variants[i] = cell_params(c, s, s->mine[i]);
    return cli_job(c, &cmd, sweep_on_event, s, err) || err_in(err, "%s", fact->subject);
}

/* Computes the second moments once for all processes. */
static bool share_moments(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_MOMENTS,
                          .params = c->params,
                          .draft = cli_has(c, OPT_DRAFT),
                          .on_all_ranks = true};

    return mpi_size() == 1 || cli_job(c, &cmd, NULL, NULL, err);
}

/* Collects the cells of all processes on rank 0. */
static bool gather_cells(struct sweep *s, struct err *err)
{
    size_t row = (size_t)s->grid.cells * sizeof(*s->cell);
    struct trial *of = xcalloc((size_t)mpi_size(), row + 1);
    bool ok = mpi_gather(s->cell, of, row, err);

    for (int i = 0; ok && !mpi_rank() && i < s->grid.cells; i++)
        s->cell[i] = of[(size_t)(i % mpi_size()) * (size_t)s->grid.cells + (size_t)i];
    free(of);
    return ok;
}

/* Each cell over all facts, or over those that were tried before an interruption. */
static void print_means(const struct cli *c, const struct sweep *s)
{
    int ahead = 0; /* cells in which the current fact was already tried */

    for (int i = 0; i < s->grid.cells; i++)
        ahead += s->cell[i].tried + s->cell[i].failed > s->done;
    if (!cli_json(c) && s->facts > 1 && s->done + ahead) {
        std_print("\nover %d of %d facts", s->done, s->facts);
        if (ahead)
            std_print(", %d of %d cells over %d", ahead, s->grid.cells, s->done + 1);
        std_print(":\n");
        print_titles(s, false);
    }
    for (int i = 0; i < s->grid.cells; i++)
        if (s->cell[i].tried || s->cell[i].failed)
            print_cell(c, s, i, &s->cell[i], false);
}

static void row_on_fact(struct cli *c, int fact, const struct trial *of_it, void *ctx)
{
    struct sweep *s = ctx;

    s->at = fact;
    if (mpi_size() == 1 && cli_json(c)) /* the text has no row for each */
        print_cell(c, s, s->done, of_it, true);
}

/* Each cell in a row. */
static bool sweep_rows(struct cli *c, struct sweep *s, struct err *err)
{
    for (int i = 0; i < s->count; i++) {
        const struct params p = cell_params(c, s, s->mine[i]);
        struct trial *cell = &s->cell[s->mine[i]];

        s->done = s->mine[i];
        if (s->count > 1)
            cli_say(c, "cell %d of %d", i + 1, s->count);
        if (!trial_in_a_row(c, s->fact, s->facts, &p, cell, row_on_fact, s, err))
            return false;
        if (mpi_size() == 1)
            print_cell(c, s, s->mine[i], cell, false);
    }
    return true;
}

/* Each fact alone, under every cell at once. */
static bool sweep_alone(struct cli *c, struct sweep *s, struct err *err)
{
    bool ok = true;

    for (s->at = 0; ok && s->at < s->facts; s->at++) {
        if (s->facts > 1)
            cli_say(c, "fact %d of %d: %s", s->at + 1, s->facts, s->fact[s->at].subject);
        ok = try_fact(c, s, &s->fact[s->at], err);
        s->done += ok;
    }
    return ok;
}

static bool sweep_facts(struct cli *c, struct sweep *s, struct err *err)
{
    bool at_end = (s->facts > 1 && !s->in_a_row) || mpi_size() > 1, ok = true;

    if (!cli_start(c, cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0, err) ||
        !cli_wait_open(c, err) || !share_moments(c, err) ||
        (cli_has(c, OPT_SESSION) && !cli_history(c, &s->history, err)))
        return false;
    if (!cli_json(c) && mpi_size() == 1)
        print_titles(s, s->facts > 1 && !s->in_a_row);
    ok = s->in_a_row ? sweep_rows(c, s, err) : sweep_alone(c, s, err);
    if (mpi_size() > 1) { /* collective: every process or none */
        if (!ok || !gather_cells(s, err))
            return false;
        if (!cli_json(c) && s->facts == 1)
            print_titles(s, false);
    }
    if (at_end)
        print_means(c, s);
    return ok;
}

/* --arm: a grid of one axis, whose values are the names. */
static bool arms_parse(const struct cli *c, struct sweep *s, struct err *err)
{
    struct param_grid_axis *axis = &s->grid.axis[0];

    if (c->arm_count > PARAM_GRID_VALUES)
        return err_set(err, ERR_USAGE, "%d arms; at most %d", c->arm_count, PARAM_GRID_VALUES);
    s->grid = (struct param_grid){.axes = 1, .cells = c->arm_count};
    snprintf(axis->name, sizeof(axis->name), "arm");
    axis->count = c->arm_count;
    s->arm = xcalloc((size_t)c->arm_count, sizeof(*s->arm));
    for (int i = 0; i < c->arm_count; i++) {
        if (!arm_parse(&s->arm[i], "--arm", c->arms[i], &c->params, err))
            return false;
        utf8_copy(axis->value[i], sizeof(axis->value[i]), s->arm[i].name);
    }
    return true;
}

static bool cells_parse(struct cli *c, struct sweep *s, struct err *err)
{
    if (c->arm_count && cli_has(c, OPT_GRID))
        return err_set(err, ERR_USAGE, "give --grid or --arm, not both");
    if (c->arm_count)
        return arms_parse(c, s, err);
    if (cli_has(c, OPT_GRID))
        return param_grid_parse(&s->grid, c->value[OPT_GRID], err);
    return err_set(err, ERR_USAGE,
                   "sweep needs --grid, such as alpha_ge=.05,.1;beta_sp=.2,.3, or "
                   "--arm");
}

static bool sweep_check(const struct cli *c, const struct sweep *s, struct err *err)
{
    if (mpi_size() > s->grid.cells)
        return err_set(err, ERR_USAGE,
                       "mpirun started %d processes for %d cells; start at most one per cell",
                       mpi_size(), s->grid.cells);
    if (s->in_a_row && (cli_has(c, OPT_SESSION) || cli_has(c, OPT_ONE_STATE)))
        return err_set(err, ERR_USAGE, "--in-a-row begins with the base: leave out -s and --state");
    return true;
}

static bool sweep_run(struct cli *c, struct err *err)
{
    struct sweep *s = xcalloc(1, sizeof(*s));
    struct fact *facts = NULL;
    bool ok;

    s->in_a_row = cli_has(c, OPT_IN_A_ROW);
    if (cli_has(c, OPT_DATA))
        c->value[OPT_FACTS] = c->value[OPT_DATA];
    ok = cells_parse(c, s, err) && cli_facts(c, &facts, &s->facts, err);
    s->cell = xcalloc((size_t)s->grid.cells + 1, sizeof(*s->cell));
    s->mine = xcalloc((size_t)s->grid.cells + 1, sizeof(*s->mine));
    for (int i = mpi_rank(); i < s->grid.cells; i += mpi_size())
        s->mine[s->count++] = i;
    s->fact = facts;
    ok = ok && sweep_check(c, s, err) && sweep_facts(c, s, err);
    cli_facts_free(facts, s->facts);
    event_free(&s->history);
    free(s->arm);
    free(s->cell);
    free(s->mine);
    free(s);
    return ok;
}

const struct cli_ops cli_sweep = {
    "sweep", "", "Try facts under a grid of parameters, without saving",
    FOR_FACT | FOR_SWEEP | FOR_SESSION | FOR_TEXT | FOR_MODEL | FOR_PARAMS, sweep_run};
