/* editscope tune: which parameters fit a model, measured.
 *
 * One edit alone and many in a row want different numbers: what makes each edit certain makes
 * updates larger, and larger updates overwrite each other. So every arm is measured on both: each
 * fact alone on the base, and all facts one after the other, asked at the end. A causal trace of a
 * few facts says which layers carry them; an arm edits there.
 *
 *     trace of some facts  ->  layers  \
 *     the arms below, those of --arm    >  alone, in a row  ->  a preset for each use
 *
 * The best arm of a use has the largest product of two shares: facts that hold and known neighbours
 * kept. Among equals it is the one with the larger mean p(target). Each preset file holds the
 * tables it was chosen from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/engine/model_shape.h"
#include "views/cli/trial.h"

enum { ARMS_MOST = 24, TRACED = 3, BAR = 20, LAYERS_MOST = 512 };

/* Everything that an arm below differs in. */
#define LAYERS_OF_DEPTH "edit.layers=auto "
#define OWN_NUMBERS     "edit.v_lr=auto edit.v_clamp=auto edit.lambda=auto "
#define NARROW          "beta_ge=0.3 beta_sp=0.2 "

static const struct {
    const char *text;
    bool traced; /* only where the trace says other layers than the depth */
    bool other;  /* another editor, to compare with: never chosen */
} arms[] = {
    {"published: " LAYERS_OF_DEPTH NARROW
     "mask.compensate=none edit.v_lr=0.5 edit.v_clamp=0.75 edit.lambda=1",
     false, false},
    {"own numbers: " LAYERS_OF_DEPTH NARROW OWN_NUMBERS "mask.compensate=none", false, false},
    {"compensated: " LAYERS_OF_DEPTH NARROW OWN_NUMBERS "mask.compensate=auto", false, false},
    {"wide mask: " LAYERS_OF_DEPTH OWN_NUMBERS "mask.compensate=auto beta_ge=0.6 beta_sp=0.5",
     false, false},
    {"traced layers: " NARROW OWN_NUMBERS "mask.compensate=auto", true, false},
    {"AlphaEdit: " LAYERS_OF_DEPTH OWN_NUMBERS "edit.method=alphaedit", false, true},
};

enum use { USE_ONE, USE_MANY, USES };
static const char *const use_word[USES] = {"one", "many"};
static const char *const use_title[USES] = {"each fact alone", "all facts in a row"};

struct tune {
    struct fact *fact;
    int facts;
    struct arm arm[ARMS_MOST];
    bool other[ARMS_MOST];
    int arms;
    struct trial trial[USES][ARMS_MOST];
    int best[USES];             /* index of the arm; -1: under none a fact holds */
    int depth[64], depths;      /* layers by the rule of depth */
    long tokens;                /* of the second moments */
    double effect[LAYERS_MOST]; /* [layers] of the trace, mean over the facts */
    int layers, traced;         /* traced: how many facts were */
    int peak;                   /* the last layer with half of the largest effect; -1: no trace */
};

/* ---- the layers ---- */

static void moments_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct tune *t = ctx;

    (void)c;
    if (ev->kind != EV_MOMENTS)
        return;
    t->depths = ev->moments->layers;
    t->tokens = ev->moments->tokens;
    memcpy(t->depth, ev->moments->layer, sizeof(t->depth));
}

/* Adds the effect of each layer at the subject's last token. */
static void trace_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct tune *t = ctx;
    const struct trace *r = ev->trace;
    int at = -1;

    (void)c;
    if (ev->kind != EV_TRACE || r->done < r->layers || r->layers > LAYERS_MOST)
        return;
    for (int i = 0; i < r->tokens; i++)
        at = r->token[i].subject ? i : at;
    if (at < 0)
        return;
    t->layers = r->layers;
    t->traced++;
    for (int l = 0; l < r->layers; l++)
        t->effect[l] += (double)r->effect[(size_t)l * (size_t)r->tokens + (size_t)at];
}

/* Means over the facts, and the peak. */
static void trace_read(struct tune *t)
{
    double most = 0;

    t->peak = -1;
    for (int l = 0; t->traced && l < t->layers; l++) {
        t->effect[l] /= t->traced;
        most = fmax(most, t->effect[l]);
    }
    for (int l = 0; most > 0 && l + 1 < t->layers; l++)
        if (t->effect[l] >= most / 2)
            t->peak = l;
}

static bool find_layers(struct cli *c, struct tune *t, struct err *err)
{
    struct command cmd = {.kind = CMD_MOMENTS, .params = c->params, .draft = cli_has(c, OPT_DRAFT)};

    if (!cli_job(c, &cmd, moments_on_event, t, err))
        return false;
    for (int i = 0; i < t->facts && i < TRACED; i++) {
        cmd = trial_command(CMD_TRACE, c, &t->fact[i], &c->params);
        cmd.states = STATE_BASE;
        cli_say(c, "causal trace %d of %d: %s", i + 1, TRACED, t->fact[i].subject);
        if (!cli_job(c, &cmd, trace_on_event, t, err))
            return err_in(err, "%s", t->fact[i].subject);
    }
    trace_read(t);
    return true;
}

/* As many layers as the rule of depth takes, that end at the peak: "3-7", or "" if they are the
 * same ones or there are none. */
static void traced_layers(const struct tune *t, char out[32])
{
    int first = t->peak - t->depths + 1;

    *out = '\0';
    if (t->peak < 0 || !t->depths || first < 0 || first == t->depth[0])
        return;
    if (t->depths == 1)
        snprintf(out, 32, "%d", t->peak);
    else
        snprintf(out, 32, "%d-%d", first, t->peak);
}

/* ---- the arms ---- */

/* An arm with the parameters of an earlier one is left out: it would say the same. */
static bool add_arm(struct cli *c, struct tune *t, const char *text, bool other, struct err *err)
{
    struct arm *arm = &t->arm[t->arms];

    if (t->arms == ARMS_MOST)
        return err_set(err, ERR_USAGE, "--arm: at most %d arms beside the program's own",
                       ARMS_MOST - (int)(sizeof(arms) / sizeof(*arms)));
    if (!arm_parse(arm, "--arm", text, &c->params, err))
        return false;
    for (int i = 0; i < t->arms; i++)
        if (params_same(&t->arm[i].params, &arm->params, AFFECTS_EDIT)) {
            cli_say(c, "arm %s: the parameters of %s; left out", arm->name, t->arm[i].name);
            return true;
        }
    t->other[t->arms++] = other;
    return true;
}

/* The program's arms, what the model's own preset gives, and those of the command line. */
static bool make_arms(struct cli *c, struct tune *t, struct err *err)
{
    char layers[32];

    traced_layers(t, layers);
    if (c->preset && !add_arm(c, t, "present preset:", false, err))
        return false;
    for (size_t i = 0; i < sizeof(arms) / sizeof(*arms); i++) {
        char *text = arms[i].traced ? xasprintf("%s edit.layers=%s", arms[i].text, layers)
                                    : xstrdup(arms[i].text);
        bool ok = (arms[i].traced && !*layers) || add_arm(c, t, text, arms[i].other, err);

        free(text);
        if (!ok)
            return false;
    }
    for (int i = 0; i < c->arm_count; i++)
        if (!add_arm(c, t, c->arms[i], false, err))
            return false;
    return true;
}

static void variant_on_event(struct cli *c, struct event *ev, void *ctx)
{
    struct tune *t = ctx;

    (void)c;
    if (ev->kind == EV_VARIANT)
        trial_add(&t->trial[USE_ONE][ev->variant->variant], ev->variant);
}

static bool try_alone(struct cli *c, struct tune *t, struct err *err)
{
    for (int i = 0; i < t->facts; i++) {
        struct command cmd = trial_command(CMD_VARIANTS, c, &t->fact[i], &c->params);

        cmd.states = STATE_BASE;
        cmd.variant_count = t->arms;
        cmd.variants = xcalloc((size_t)t->arms, sizeof(*cmd.variants));
        for (int k = 0; k < t->arms; k++)
            cmd.variants[k] = t->arm[k].params;
        cli_say(c, "alone, fact %d of %d: %s", i + 1, t->facts, t->fact[i].subject);
        if (!cli_job(c, &cmd, variant_on_event, t, err))
            return err_in(err, "%s", t->fact[i].subject);
    }
    return true;
}

static bool try_in_a_row(struct cli *c, struct tune *t, struct err *err)
{
    for (int k = 0; k < t->arms; k++) {
        cli_say(c, "in a row, arm %d of %d: %s", k + 1, t->arms, t->arm[k].name);
        if (!trial_in_a_row(c, t->fact, t->facts, &t->arm[k].params, &t->trial[USE_MANY][k], NULL,
                            NULL, err))
            return false;
    }
    return true;
}

/* ---- the choice ---- */

static double metric_of(const struct trial *t, const char *name)
{
    return measured_value(&t->metric[metric_find(name)]);
}

/* Facts that hold times known neighbours kept; where no neighbour is known, the first alone. An arm
 * with no fact that holds has 0. */
static double trial_score(const struct trial *t)
{
    double kept = metric_of(t, "neighbours");

    return metric_of(t, "holds") * (isnan(kept) ? 1 : kept);
}

static bool better(const struct trial *a, const struct trial *b)
{
    double of_a = trial_score(a), of_b = trial_score(b);

    return of_a > of_b || (of_a >= of_b && metric_of(a, "p(target)") > metric_of(b, "p(target)"));
}

static void choose(struct tune *t)
{
    for (int u = 0; u < USES; u++) {
        t->best[u] = -1;
        for (int k = 0; k < t->arms; k++) {
            const struct trial *trial = t->trial[u];

            if (!t->other[k] && trial[k].tried && trial_score(&trial[k]) > 0 &&
                (t->best[u] < 0 || better(&trial[k], &trial[t->best[u]])))
                t->best[u] = k;
        }
    }
}

/* ---- the report ---- */

static void bar(double share, char out[BAR + 1])
{
    int full = isfinite(share) ? (int)lround(fmin(fmax(share, 0), 1) * BAR) : 0;

    memset(out, '#', (size_t)full);
    memset(out + full, '.', (size_t)(BAR - full));
    out[BAR] = '\0';
}

/* The effect of each layer, as a share of the largest. */
static void trace_text(const struct tune *t, struct buf *out)
{
    double most = 0;

    if (t->peak < 0) {
        buf_printf(out, "causal trace: no layer carries these facts\n");
        return;
    }
    for (int l = 0; l < t->layers; l++)
        most = fmax(most, t->effect[l]);
    buf_printf(out,
               "causal trace at the subject's last token, mean over %d facts: how much of\n"
               "p(answer) a restored layer gives back\n",
               t->traced);
    for (int l = 0; l < t->layers; l++) {
        char share[BAR + 1];

        bar(t->effect[l] / most, share);
        buf_printf(out, "  L%-3d %s %7.4f%s\n", l, share, t->effect[l],
                   l == t->peak ? "  last with half of the largest" : "");
    }
}

/* The row of an arm; the share that holds is drawn as a bar, too. */
static void arm_row(const struct tune *t, enum use use, int k, struct table *rows)
{
    const struct trial *r = &t->trial[use][k];
    double share = r->tried ? metric_of(r, "holds") : (double)NAN;
    char line[BAR + 1];

    bar(share, line);
    table_format(rows, "%c %s", k == t->best[use] ? '*' : ' ', t->arm[k].name);
    table_text(rows, line);
    table_real(rows, share);
    if (use == USE_MANY)
        table_real(rows, r->tried ? (double)r->held_then / r->tried : (double)NAN);
    table_real(rows, metric_of(r, "p(target)"));
    table_real(rows, metric_of(r, "rephrase"));
    table_real(rows, metric_of(r, "neighbours"));
    table_real(rows, metric_of(r, "‖ΔW‖/‖W‖"));
    table_text(rows, !r->tried ? r->why : t->other[k] ? "to compare with" : "");
}

static void use_text(const struct tune *t, enum use use, struct buf *out)
{
    struct table rows = {.name = "arms"};

    table_layout(&rows, "arm%-18s holds%-20s share%5.2f");
    if (use == USE_MANY)
        table_layout(&rows, "  then%5.2f");
    table_layout(&rows, "  p(target)%9.2f  rephrase%8.2f  neighbours%10.2f  |dW|/|W|%8.4f  note%s");
    for (int k = 0; k < t->arms; k++)
        arm_row(t, use, k, &rows);
    buf_printf(out, "%s (%d facts)\n", use_title[use], t->facts);
    table_to_text(&rows, out);
    table_free(&rows);
}

static void print_json(const struct tune *t)
{
    for (int u = 0; u < USES; u++)
        for (int k = 0; k < t->arms; k++) {
            const struct trial *r = &t->trial[u][k];
            json_t *o = cli_event("result");

            json_object_set_new(o, "for", json_string(use_word[u]));
            json_object_set_new(o, "arm", cli_text(t->arm[k].name));
            json_object_set_new(o, "facts", json_integer(t->facts));
            trial_metrics(o, r);
            if (u == USE_MANY)
                json_object_set_new(o, "held_then", json_integer(r->held_then));
            if (r->failed)
                json_object_set_new(o, "why", cli_text(r->why));
            json_object_set_new(o, "best", json_boolean(k == t->best[u]));
            cli_print(o);
        }
}

/* ---- the presets ---- */

/* Appends the text as comments. */
static void comment(struct buf *out, const char *text)
{
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");

        buf_printf(out, "#%s%.*s\n", n ? " " : "", (int)n, at);
        at += n + (at[n] == '\n');
    }
}

/* The parameters of an arm that are not at their default, a line each. How much text is read for
 * the statistics is not of it. */
static void arm_lines(const struct arm *arm, struct buf *out)
{
    struct buf text = {0};

    params_show_changed(&arm->params, AFFECTS_EDIT, &text);
    for (const char *at = text.data ? text.data : ""; *at;) {
        size_t n = strcspn(at, ";"), equals = strcspn(at, "=");

        if (strncmp(at, "stats.", 6) != 0)
            buf_printf(out, "%.*s = %.*s\n", (int)equals, at, (int)(n - equals - 1),
                       at + equals + 1);
        at += n + (at[n] == ';');
    }
    buf_free(&text);
}

/* The command, with all that changes its numbers. */
static void command_text(const struct cli *c, struct buf *out)
{
    buf_printf(out, "editscope tune -m %s", c->info.name);
    if (c->value[OPT_DATA])
        buf_printf(out, " --data %s", file_name(c->value[OPT_DATA]));
    if (c->value[OPT_PRESET])
        buf_printf(out, " --preset %s", file_name(c->value[OPT_PRESET]));
    if (cli_has(c, OPT_DRAFT))
        buf_puts(out, " --draft");
    for (int i = 0; i < c->set_count; i++)
        buf_printf(out, " --set %s", c->sets[i]);
    for (int i = 0; i < c->arm_count; i++)
        buf_printf(out, " --arm '%s'", c->arms[i]);
}

static void preset_text(const struct cli *c, const struct tune *t, enum use use, const char *shape,
                        struct buf *out)
{
    struct buf tables = {0};

    buf_printf(out, "# %s: the numbers that %s, chosen by\n#\n#   ", c->info.name,
               use == USE_ONE ? "one edit alone wants" : "many edits in a row want");
    command_text(c, out);
    buf_printf(out, "\n#\n# Second moments of %ld tokens of %s.\n#\n", t->tokens,
               file_name(c->text));
    for (int u = 0; u < USES; u++) {
        use_text(t, (enum use)u, &tables);
        buf_puts(&tables, "\n");
    }
    trace_text(t, &tables);
    comment(out, tables.data);
    buf_printf(out, "\n[preset]\nmodel = %s\nfor = %s\n\n[parameters]\n", shape, use_word[use]);
    arm_lines(&t->arm[t->best[use]], out);
    buf_free(&tables);
}

/* Writes FOLDER/SHAPE-one.conf and -many.conf. */
static bool write_presets(struct cli *c, const struct tune *t, struct err *err)
{
    char shape[MODEL_SHAPE];
    char *folder = cli_has(c, OPT_PRESET_FOLDER) ? xstrdup(c->value[OPT_PRESET_FOLDER])
                                                 : file_config_path("presets");
    bool ok = model_shape_read(c->model, shape, err);

    for (int u = 0; ok && u < USES; u++) {
        char *path = xasprintf("%s/%s-%s.conf", folder, shape, use_word[u]);
        struct buf text = {0};

        if (t->best[u] < 0)
            cli_say(c, "--preset %s: no fact holds under any arm; no preset is written",
                    use_word[u]);
        else {
            preset_text(c, t, (enum use)u, shape, &text);
            ok = file_make_parents(path, err) && file_write(path, text.data, text.len, err);
            if (ok)
                cli_say(c, "--preset %s: %s, written to %s", use_word[u], t->arm[t->best[u]].name,
                        path);
        }
        buf_free(&text);
        free(path);
    }
    free(folder);
    return ok;
}

static bool tune_facts(struct cli *c, struct tune *t, struct err *err)
{
    struct buf text = {0};
    double began = clock_seconds();

    if (!cli_start(c, 0, err) || !cli_wait_open(c, err) || !find_layers(c, t, err) ||
        !make_arms(c, t, err) || !try_alone(c, t, err) || !try_in_a_row(c, t, err))
        return false;
    choose(t);
    if (cli_json(c)) {
        print_json(t);
    } else {
        trace_text(t, &text);
        for (int u = 0; u < USES; u++)
            use_text(t, (enum use)u, &text);
        buf_printf(&text, "*: the most of holds x neighbours; %.0f s\n", clock_seconds() - began);
        std_text(text.data);
        buf_free(&text);
    }
    return write_presets(c, t, err);
}

static bool tune_run(struct cli *c, struct err *err)
{
    struct tune *t = xcalloc(1, sizeof(*t));
    char *own = NULL;
    bool ok;

    if (!cli_has(c, OPT_DATA) && !(own = cli_sample("tune.txt"))) {
        free(t);
        return err_set(err, ERR_IO,
                       "samples/tune.txt is not installed with the program; give "
                       "facts with --data FILE");
    }
    c->value[OPT_FACTS] = own ? own : c->value[OPT_DATA];
    ok = cli_facts(c, &t->fact, &t->facts, err) && tune_facts(c, t, err);
    cli_facts_free(t->fact, t->facts);
    free(own);
    free(t);
    return ok;
}

const struct cli_ops cli_tune = {"tune", "",
                                 "Find the parameters that fit a model, and write presets",
                                 FOR_TUNE | FOR_TEXT | FOR_MODEL | FOR_PARAMS, tune_run};
