/* editscope sweep: one fact, or many, under every combination of a few parameters' values.
 * Nothing is written. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/grid.h"
#include "core/base/mem.h"
#include "core/base/ranks.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "views/cli/cli.h"

/* Sums over the facts that were tried in one cell. */
struct cell {
    int tried, failed; /* failed: its parameters cannot make the edit */
    int success, rephrase_ok, rephrases, locality_kept, localities;
    double p[2], kept, gain, leak_ratio, norm, seconds;
    char said[80], why[160]; /* of the last one */
};

struct sweep {
    struct grid grid;
    struct cell *cell;
    int facts;
    const struct fact *fact; /* [facts] */
    int at, done;            /* the one being tried; how many every cell was tried on */
    int *mine, count;        /* the cells this process of mpirun tries: every n-th */
};

static double mean_gain(const struct applied *a)
{
    double sum = 0;

    for (int i = 0; i < a->layers; i++)
        sum += a->layer[i].gain_mask / a->layers;
    return sum;
}

static void add(struct cell *c, const struct tried *t)
{
    if (*t->why) {
        c->failed++;
        utf8_copy(c->why, sizeof(c->why), t->why);
        return;
    }
    c->tried++;
    c->success += t->success;
    c->rephrase_ok += t->rephrase_ok;
    c->rephrases += t->rephrases;
    c->locality_kept += t->locality_kept;
    c->localities += t->localities;
    for (int k = 0; k < 2; k++)
        c->p[k] += t->p_target[k];
    c->kept += t->share_kept;
    c->gain += mean_gain(&t->applied);
    c->leak_ratio += t->leak_ratio;
    c->norm += t->relative_norm;
    c->seconds += t->seconds;
    utf8_copy(c->said, sizeof(c->said), t->said);
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : (double)NAN;
}

/* Values of a cell are numbers where the grid's are. */
static json_t *value_of(const char *text)
{
    char *end;
    double v = strtod(text, &end);

    return end != text && !*end && isfinite(v) ? json_real(v) : json_string(text);
}

/* A cell over the facts so far, or with `one` what was tried on the present one of many. */
static void as_json(const struct cli *cli, const struct sweep *s, int at, const struct cell *c,
                    bool one)
{
    json_t *o = cli_event(one ? "tried" : "result"), *grid = json_object();
    struct params p = cli->params;

    grid_set(&s->grid, at, &p, NULL);
    for (int i = 0; i < s->grid.axes; i++)
        json_object_set_new(grid, s->grid.axis[i].name,
                            value_of(s->grid.axis[i].value[grid_at(&s->grid, at, i)]));
    if (one) {
        json_object_set_new(o, "fact", json_integer(s->at + 1));
        json_object_set_new(o, "subject", cli_text(s->fact[s->at].subject));
    }
    json_object_set_new(o, "facts", json_integer(s->facts));
    json_object_set_new(o, "cell", json_integer(at));
    json_object_set_new(o, "of", json_integer(s->grid.cells));
    json_object_set_new(o, "grid", grid);
    json_object_set_new(o, "method", json_string(params_word(&p, P_EDIT_METHOD)));
    json_object_set_new(o, "edits", json_integer(c->tried));
    json_object_set_new(o, "rel", cli_real(share(c->success, c->tried)));
    json_object_set_new(o, "gen", cli_real(share(c->rephrase_ok, c->rephrases)));
    json_object_set_new(o, "loc", cli_real(share(c->locality_kept, c->localities)));
    json_object_set_new(o, "p_target",
                        cli_pair(share(c->p[0], c->tried), share(c->p[1], c->tried)));
    json_object_set_new(o, "kept", cli_real(share(c->kept, c->tried)));
    json_object_set_new(o, "gain_mask", cli_real(share(c->gain, c->tried)));
    json_object_set_new(o, "leak_ratio", cli_real(share(c->leak_ratio, c->tried)));
    json_object_set_new(o, "relative_norm", cli_real(share(c->norm, c->tried)));
    json_object_set_new(o, "seconds_per_edit", cli_real(share(c->seconds, c->tried)));
    json_object_set_new(o, "seed", json_integer((json_int_t)p.value[P_SEED]));
    if ((one || s->facts == 1) && c->tried)
        json_object_set_new(o, "said", cli_text(c->said));
    if (c->failed) {
        json_object_set_new(o, "failed", json_integer(c->failed));
        json_object_set_new(o, "why", cli_text(c->why));
    }
    cli_print(o);
}

/* The grid's values, then what came of them; of one fact with what the model says. */
static struct table text_table(const struct sweep *s, bool one)
{
    struct table t = {.name = "sweep"};
    struct buf axes = {0};

    for (int i = 0; i < s->grid.axes; i++)
        buf_printf(&axes, "%s%s%%-14s", i ? "  " : "", s->grid.axis[i].name);
    table_layout(&t, axes.data);
    table_layout(&t, "    success%9.1p  p(target)%9.4f  kept%9.1p  gain%8.4f  leak/g^2%9.2f  "
                     "rephrase%9.1p  locality%9.1p  |dW|/|W|%8.5f  s%6.2f");
    table_layout(&t, one || s->facts == 1 ? "  says%s" : "  %s");
    buf_free(&axes);
    return t;
}

static void heading(const struct sweep *s, bool one)
{
    struct table t = text_table(s, one);

    cli_titles(&t);
    table_free(&t);
}

static void as_text(const struct sweep *s, int at, const struct cell *c, bool one)
{
    struct table t = text_table(s, one);

    if (!c->tried) { /* the values, and why they cannot be tried */
        for (int i = 0; i < s->grid.axes; i++)
            std_print("%-14s  ", s->grid.axis[i].value[grid_at(&s->grid, at, i)]);
        if (one)
            std_print("fact %d: ", s->at + 1);
        std_print("%s\n", c->why);
        table_free(&t);
        return;
    }
    for (int i = 0; i < s->grid.axes; i++)
        table_text(&t, s->grid.axis[i].value[grid_at(&s->grid, at, i)]);
    table_real(&t, share(c->success, c->tried));
    table_real(&t, c->p[1] / c->tried);
    table_real(&t, c->kept / c->tried);
    table_real(&t, c->gain / c->tried);
    table_real(&t, c->leak_ratio / c->tried);
    table_real(&t, share(c->rephrase_ok, c->rephrases));
    table_real(&t, share(c->locality_kept, c->localities));
    table_real(&t, c->norm / c->tried);
    table_real(&t, c->seconds / c->tried);
    if (one)
        table_format(&t, "fact %d: %s", s->at + 1, c->said);
    else
        table_text(&t, s->facts == 1 ? c->said : "");
    cli_row(&t);
    table_free(&t);
}

static void tell(const struct cli *c, const struct sweep *s, int at, const struct cell *cell,
                 bool one)
{
    if (cli_json(c))
        as_json(c, s, at, cell, one);
    else
        as_text(s, at, cell, one);
    std_flush();
}

static void hear(struct cli *c, struct event *ev, void *ctx)
{
    struct sweep *s = ctx;
    struct cell now = {0};

    if (ev->kind != EV_TRIED)
        return;
    add(&s->cell[s->mine[ev->tried->variant]], ev->tried);
    add(&now, ev->tried);
    if (ranks_all() == 1) /* as it comes; of many facts the means follow at the end */
        tell(c, s, s->mine[ev->tried->variant], &now, s->facts > 1);
}

static bool on_fact(struct cli *c, struct sweep *s, const struct fact *fact, struct err *err)
{
    struct command cmd = {.kind = CMD_TRY, .params = c->params, .draft = cli_has(c, OPT_DRAFT)};

    cmd.facts = xcalloc(1, sizeof(*cmd.facts));
    cmd.facts[0] = fact_copy(fact);
    cmd.count = 1;
    cmd.variant_count = s->count;
    cmd.variants = xcalloc((size_t)s->count, sizeof(*cmd.variants));
    for (int i = 0; i < s->count; i++) {
        cmd.variants[i] = c->params;
        grid_set(&s->grid, s->mine[i], &cmd.variants[i], NULL); /* checked when it was parsed */
    }
    return cli_job(c, &cmd, hear, s, err) || err_in(err, "%s", fact->subject);
}

/* The second moments once for all processes, before each goes its own way. */
static bool together(struct cli *c, struct err *err)
{
    struct command cmd = {
        .kind = CMD_MOMENTS, .params = c->params, .draft = cli_has(c, OPT_DRAFT), .share = true};

    return ranks_all() == 1 || cli_job(c, &cmd, NULL, NULL, err);
}

/* The cells of all processes on rank 0. */
static bool collect(struct sweep *s, struct err *err)
{
    size_t row = (size_t)s->grid.cells * sizeof(*s->cell);
    struct cell *of = xcalloc((size_t)ranks_all(), row + 1);
    bool ok = ranks_gather(s->cell, of, row, err);

    for (int i = 0; ok && !ranks_me() && i < s->grid.cells; i++)
        s->cell[i] = of[(size_t)(i % ranks_all()) * (size_t)s->grid.cells + (size_t)i];
    free(of);
    return ok;
}

/* The cells over all facts, or over those that an interruption or a fault has left. */
static void means(const struct cli *c, const struct sweep *s)
{
    int ahead = 0; /* cells that the fact at work was tried in */

    for (int i = 0; i < s->grid.cells; i++)
        ahead += s->cell[i].tried + s->cell[i].failed > s->done;
    if (!cli_json(c) && s->facts > 1 && s->done + ahead) {
        std_print("\nover %d of %d facts", s->done, s->facts);
        if (ahead)
            std_print(", %d of %d cells over %d", ahead, s->grid.cells, s->done + 1);
        std_print(":\n");
        heading(s, false);
    }
    for (int i = 0; i < s->grid.cells; i++)
        if (s->cell[i].tried || s->cell[i].failed)
            tell(c, s, i, &s->cell[i], false);
}

static bool all(struct cli *c, struct sweep *s, struct err *err)
{
    bool at_end = s->facts > 1 || ranks_all() > 1, ok = true;

    if (!cli_start(c, cli_has(c, OPT_SESSION) ? NEED_SESSION | READS : 0, err) ||
        !cli_wait_open(c, err) || !together(c, err))
        return false;
    if (!cli_json(c) && ranks_all() == 1)
        heading(s, s->facts > 1);
    for (s->at = 0; ok && s->at < s->facts; s->at++) {
        if (s->facts > 1)
            cli_say(c, "fact %d of %d: %s", s->at + 1, s->facts, s->fact[s->at].subject);
        ok = on_fact(c, s, &s->fact[s->at], err);
        s->done += ok;
    }
    if (ranks_all() > 1) { /* all of them go on, or none */
        if (!ok || !collect(s, err))
            return false;
        if (!cli_json(c) && s->facts == 1)
            heading(s, false);
    }
    if (at_end)
        means(c, s);
    return ok;
}

static bool run(struct cli *c, struct err *err)
{
    struct sweep *s = xcalloc(1, sizeof(*s));
    struct fact *facts = NULL;
    bool ok = cli_has(c, OPT_GRID) ||
              err_set(err, ERR_USAGE, "sweep needs --grid, such as alpha_ge=.05,.1;beta_sp=.2,.3");

    if (cli_has(c, OPT_DATA))
        c->value[OPT_FACTS] = c->value[OPT_DATA];
    ok =
        ok && grid_parse(&s->grid, c->value[OPT_GRID], err) && cli_facts(c, &facts, &s->facts, err);
    s->cell = xcalloc((size_t)s->grid.cells + 1, sizeof(*s->cell));
    s->mine = xcalloc((size_t)s->grid.cells + 1, sizeof(*s->mine));
    for (int i = ranks_me(); i < s->grid.cells; i += ranks_all())
        s->mine[s->count++] = i;
    if (ok && ranks_all() > s->grid.cells)
        ok = err_set(err, ERR_USAGE, "mpirun has started %d processes for %d cells", ranks_all(),
                     s->grid.cells);
    s->fact = facts;
    ok = ok && all(c, s, err);
    cli_facts_free(facts, s->facts);
    free(s->cell);
    free(s->mine);
    free(s);
    return ok;
}

const struct cli_ops cli_sweep = {
    "sweep", "", "One fact, or many, under a grid of parameters; nothing is written",
    FOR_FACT | FOR_SWEEP | FOR_SESSION | FOR_TEXT | FOR_MODEL | FOR_PARAMS, run};
