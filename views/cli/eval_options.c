/* What a run of `editscope eval` is of: facts, arms, checkpoints and protocols of its options. */
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "views/cli/eval.h"

static void facts_hash(const struct eval *v, int facts, char hex[65])
{
    struct digest *d = sha256_new();

    for (int i = 0; i < facts; i++) {
        char *fact = fact_to_json(&v->fact[i]);

        digest_add(d, fact, strlen(fact));
        free(fact);
    }
    digest_end_hex(d, hex);
}

char *eval_run_text(const struct cli *c, const struct eval *v, const struct eval_tasks *t)
{
    json_t *o = json_object(), *arms = json_array(), *edits = json_array(),
           *protocols = json_array();
    json_t *data_at = json_array();
    char hex[65], *text;

    for (int i = 0; i < v->checkpoints; i++) {
        facts_hash(v, v->checkpoint[i], hex);
        json_array_append_new(data_at, json_string(hex));
    }
    for (int i = 0; i < v->arms; i++) {
        char *all = params_to_json(&v->arm[i].params);

        json_array_append_new(arms, json_pack("{s:s, s:o}", "name", v->arm[i].name, "parameters",
                                              json_loads(all, 0, NULL)));
        free(all);
    }
    for (int i = 0; i < v->checkpoints; i++)
        json_array_append_new(edits, json_integer(v->checkpoint[i]));
    for (int i = 0; i < MEASURE_PROTOCOLS; i++)
        if (v->protocols & 1U << i)
            json_array_append_new(protocols, json_string(measure_protocol_name(i)));
    json_object_set_new(o, "data", json_string(hex)); /* of all, which is the last one */
    json_object_set_new(o, "data_at", data_at);
    json_object_set_new(o, "edits", edits);
    json_object_set_new(o, "batch", json_integer(v->batch));
    json_object_set_new(o, "orders", json_integer(v->orders));
    json_object_set_new(o, "seed", json_integer((json_int_t)v->seed));
    json_object_set_new(o, "protocol", protocols);
    json_object_set_new(o, "state", json_boolean(!cli_has(c, OPT_NO_STATE)));
    json_object_set_new(o, "arms", arms);
    if (t->tasks) /* a run of an older version has no such key */
        json_object_set_new(o, "tasks", eval_tasks_json(t));
    text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    return text;
}

/* The next word of a list with commas, as a copy; NULL: none. */
static char *next_of_list(const char **at)
{
    size_t n = strcspn(*at, ",");
    char *word = **at ? xasprintf("%.*s", (int)n, *at) : NULL;

    *at += n + ((*at)[n] == ',');
    return word;
}

static bool parse_checkpoints(const struct cli *c, struct eval *v, struct err *err)
{
    const char *at = cli_has(c, OPT_CHECKPOINTS) ? c->value[OPT_CHECKPOINTS] : "10";
    char *word;
    bool ok = true;

    while (ok && (word = next_of_list(&at))) {
        char *end;
        long n = strtol(word, &end, 10);

        ok = end != word && !*end && n > (v->checkpoints ? v->checkpoint[v->checkpoints - 1] : 0) &&
             n <= 1000000 && v->checkpoints < EVAL_CHECKPOINTS;
        if (ok)
            v->checkpoint[v->checkpoints++] = (int)n;
        else
            err_set(err, ERR_USAGE,
                    "--edits %.60s: give at most %d numbers of facts from 1 on, each larger than "
                    "the one "
                    "before, such as 10,30,100",
                    c->value[OPT_CHECKPOINTS], EVAL_CHECKPOINTS);
        free(word);
    }
    for (int i = 0; ok && i + 1 < v->checkpoints; i++)
        if (v->checkpoint[i] % v->batch)
            ok = err_set(err, ERR_USAGE, "--edits: %d is no multiple of --batch %d",
                         v->checkpoint[i], v->batch);
    return ok && (v->checkpoints ||
                  err_set(err, ERR_USAGE, "--edits is empty; give numbers such as 10,30,100"));
}

static bool parse_protocols(const struct cli *c, struct eval *v, struct err *err)
{
    const char *at = cli_has(c, OPT_PROTOCOLS) ? c->value[OPT_PROTOCOLS] : "teacher,generated";
    char *word;
    bool ok = true;

    while (ok && (word = next_of_list(&at))) {
        int n = measure_name_find(measure_protocol_name, word);

        ok = n >= 0 ||
             err_set(err, ERR_USAGE,
                     "--protocol: '%.40s' is none of teacher, generated, chat, routed", word);
        v->protocols |= ok ? 1U << n : 0;
        free(word);
    }
    return ok && (v->protocols || err_set(err, ERR_USAGE, "--protocol is empty"));
}

static bool add_arm(struct eval *v, const char *option, const char *text, const struct cli *c,
                    struct err *err)
{
    struct arm *arm = &v->arm[v->arms];

    if (v->arms == EVAL_ARMS)
        return err_set(err, ERR_USAGE, "more than %d arms", EVAL_ARMS);
    if (!arm_parse(arm, option, text, &c->params, err))
        return false;
    if (!params_same(&arm->params, &c->params, AFFECTS_WORDING))
        return err_set(err, ERR_USAGE,
                       "%s %s: prompt.form, prompt.special and target.blank are the same for "
                       "all arms: set them with --set",
                       option, arm->name);
    arm->params.value[P_EDIT_BATCH] = v->batch;
    for (int i = 0; i < v->arms; i++)
        if (!strcmp(v->arm[i].name, arm->name))
            return err_set(err, ERR_USAGE, "two arms are called %s", arm->name);
    v->arms++;
    return true;
}

/* The lines of --arms that are not empty and no comments. */
static bool read_arms(const struct cli *c, struct eval *v, struct err *err)
{
    char *text, *rest, *line;
    bool ok = true;

    if (!cli_has(c, OPT_ARMS))
        return true;
    text = file_read_text(c->value[OPT_ARMS], 1 << 20, NULL, err);
    rest = text;
    while (ok && rest && (line = strsep(&rest, "\n"))) {
        line += strspn(line, " \t");
        ok = !*line || *line == '#' || add_arm(v, "arm", line, c, err);
    }
    free(text);
    return text && (ok || err_in(err, "%s", c->value[OPT_ARMS]));
}

/* Of --method, --arms and --arm; without them, the method of the parameters. */
static bool parse_arms(const struct cli *c, struct eval *v, struct err *err)
{
    const char *own = params_word(&c->params, P_EDIT_METHOD);
    const char *at = cli_has(c, OPT_METHODS)                ? c->value[OPT_METHODS]
                     : c->arm_count || cli_has(c, OPT_ARMS) ? ""
                                                            : own;
    char *word;
    bool ok = true;

    while (ok && (word = next_of_list(&at))) {
        char *text = xasprintf("%s: edit.method=%s", word, word);

        ok = add_arm(v, "--method", text, c, err);
        free(text);
        free(word);
    }
    ok = ok && read_arms(c, v, err);
    for (int i = 0; ok && i < c->arm_count; i++)
        ok = add_arm(v, "--arm", c->arms[i], c, err);
    return ok && (v->arms || err_set(err, ERR_USAGE, "there is no arm: give --method or --arm"));
}

/* The first facts of the data, as many as are written. */
static bool load_facts(struct cli *c, struct eval *v, struct err *err)
{
    struct buf left_out = {0};
    int wanted = v->checkpoint[v->checkpoints - 1], there;
    bool ok;

    if (!cli_has(c, OPT_DATA))
        return err_set(err, ERR_USAGE, "eval needs a data set: --data FILE");
    ok = facts_load_usable(c->value[OPT_DATA], &v->fact, &there, &left_out, err);
    for (char *rest, *line = left_out.len ? strtok_r(left_out.data, "\n", &rest) : NULL; ok && line;
         line = strtok_r(NULL, "\n", &rest))
        cli_say(c, "left out: %s", line);
    if (ok && there < wanted)
        ok = err_set(err, ERR_USAGE, "--edits %d: %s has %d usable facts", wanted,
                     c->value[OPT_DATA], there);
    v->facts = ok ? wanted : there;
    for (int i = v->facts; ok && i < there; i++)
        fact_free(&v->fact[i]);
    cli_say_trimmed(c, v->fact, ok ? v->facts : 0);
    for (int i = 0; i < v->facts; i++)
        v->fact[i].record = i + 1;
    buf_free(&left_out);
    return ok;
}

bool eval_parse(struct cli *c, struct eval *v, struct err *err)
{
    long orders;

    v->batch = (int)c->params.value[P_EDIT_BATCH];
    v->seed = (unsigned long long)c->params.value[P_SEED];
    if (cli_has(c, OPT_FIGURE) && !file_ends_in(c->value[OPT_FIGURE], ".svg"))
        return err_set(err, ERR_USAGE, "--figure %.200s: a figure is written as SVG; give FILE.svg",
                       c->value[OPT_FIGURE]);
    if (cli_has(c, OPT_FIGURE) && !file_writable(c->value[OPT_FIGURE], err))
        return false;
    if (!cli_number(c, OPT_ORDERS, 1, EVAL_ORDERS, 1, &orders, err) ||
        !parse_checkpoints(c, v, err) || !parse_protocols(c, v, err) || !parse_arms(c, v, err) ||
        !load_facts(c, v, err))
        return false;
    v->orders = (int)orders;
    eval_make(v);
    return true;
}
