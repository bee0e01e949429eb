/* The facts of a subcommand: from --subject, --prompt, --target; from --triple with a relation;
 * from a JSON file (--fact); or a list (--facts). Blanks around texts are removed, and that is
 * reported. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/edit/relations.h"
#include "views/cli/cli.h"
#include "views/shell/app.h"

enum { FACT_MOST = 1 << 20 };

void cli_facts_free(struct fact *facts, int count)
{
    for (int i = 0; i < count; i++)
        fact_free(&facts[i]);
    free(facts);
}

/* Chooses the neighbours that a relation brings. */
static unsigned long seed_of(const struct cli *c)
{
    return (unsigned long)c->params.value[P_SEED];
}

static bool fact_from_file(const struct cli *c, struct fact *fact, struct err *err)
{
    const char *path = c->value[OPT_FACT];
    size_t len = 0;
    char *text = file_read_text(path, FACT_MOST, &len, err);
    const char *first = text ? text + strspn(text, " \t\r\n") : "";
    struct relations r = {0};
    bool ok = text;

    if (ok && strchr("[{", *first)) {
        ok = fact_from_json(fact, text, len, err) || err_in(err, "--fact %s", path);
    } else if (ok) {
        cli_relations(&r, NULL);
        ok = fact_from_line(fact, first, &r, seed_of(c), err) || err_in(err, "--fact %s", path);
        relations_free(&r);
    }

    free(text);
    return ok;
}

static bool fact_from_options(const struct cli *c, struct fact *fact, struct err *err)
{
    static const enum option needed[] = {OPT_SUBJECT, OPT_PROMPT, OPT_TARGET};

    for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
        if (!cli_has(c, needed[i]))
            return err_set(err, ERR_USAGE,
                           "--%s is missing; give --subject S --prompt P --target T, or "
                           "--triple \"S | relation | O\", or --fact FILE",
                           option_infos[needed[i]].name);
    *fact = (struct fact){.subject = xstrdup(c->value[OPT_SUBJECT]),
                          .prompt = xstrdup(c->value[OPT_PROMPT]),
                          .target = xstrdup(c->value[OPT_TARGET]),
                          .old = xstrdup(c->value[OPT_OLD])};
    if (fact_normalise(fact, err) && fact_old_is_other(fact, err))
        return true;
    fact_free(fact);
    return false;
}

bool cli_relations(struct relations *r, struct err *err)
{
    char *path = cli_sample("pararel/relations.jsonl");
    bool ok;

    *r = (struct relations){0};
    if (!path)
        return err_set(err, ERR_IO,
                       "samples/pararel/relations.jsonl is not installed with the program; "
                       "reinstall it, or give --subject, --prompt and --target");
    ok = relations_load(r, path, err);
    free(path);
    return ok;
}

void cli_first_facts(struct cli *c, struct app_options *o)
{
    if (!c->relations) {
        char *path = cli_sample("facts.jsonl");

        c->relations = xcalloc(1, sizeof(*c->relations));
        if (!cli_relations(c->relations, NULL))
            relations_free(c->relations);
        if (path)
            facts_load(path, &c->samples, &c->sample_count, NULL);
        free(path);
    }
    if (c->sample_count && !o->fact)
        o->fact = &c->samples[0];
    o->relations = c->relations;
}

void cli_session_fact(struct cli *c, struct app_options *o)
{
    const char *path = c->value[OPT_SESSION];
    struct session_summary s;

    fact_free(&c->last_fact);
    if (path && file_exists(path) && engine_session_summary(path, &s, NULL))
        c->last_fact = s.last;
    o->fact = c->last_fact.subject ? &c->last_fact : c->sample_count ? &c->samples[0] : NULL;
}

static bool fact_from_relation(const struct cli *c, struct fact *fact, struct err *err)
{
    struct relations r;
    bool ok =
        cli_relations(&r, err) && fact_from_line(fact, c->value[OPT_TRIPLE], &r, seed_of(c), err);

    if (ok && cli_has(c, OPT_OLD)) {
        free(fact->old);
        fact->old = xstrdup(c->value[OPT_OLD]);
        ok = fact_normalise(fact, err) && fact_old_is_other(fact, err);
        if (!ok)
            fact_free(fact);
    }
    relations_free(&r);
    return ok;
}

static bool facts_from_file(const struct cli *c, struct fact **facts, int *count, struct err *err)
{
    struct relations r;
    bool known = cli_relations(&r, NULL);
    bool ok =
        facts_load_typed(c->value[OPT_FACTS], known ? &r : NULL, seed_of(c), facts, count, err);

    relations_free(&r);
    return ok;
}

void cli_say_trimmed(struct cli *c, const struct fact *facts, int count)
{
    struct buf note = {0};

    fact_trimmed_say(facts, count, &note);
    if (note.len)
        cli_say(c, "%s", note.data);
    buf_free(&note);
}

bool cli_facts(struct cli *c, struct fact **facts, int *count, struct err *err)
{
    bool words = cli_has(c, OPT_SUBJECT) || cli_has(c, OPT_PROMPT) || cli_has(c, OPT_TARGET);
    bool ok;

    *facts = NULL;
    *count = 0;
    if (words + cli_has(c, OPT_FACT) + cli_has(c, OPT_FACTS) + cli_has(c, OPT_TRIPLE) > 1)
        return err_set(err, ERR_USAGE,
                       "give facts by one of --triple, --subject ..., --fact and --facts, "
                       "not by two of them");
    if (cli_has(c, OPT_FACTS)) {
        if (!facts_from_file(c, facts, count, err))
            return false;
    } else {
        *facts = xcalloc(1, sizeof(**facts));
        ok = cli_has(c, OPT_TRIPLE) ? fact_from_relation(c, *facts, err)
             : cli_has(c, OPT_FACT) ? fact_from_file(c, *facts, err)
                                    : fact_from_options(c, *facts, err);
        if (!ok) {
            free(*facts);
            *facts = NULL;
            return false;
        }
        *count = 1;
    }
    cli_say_trimmed(c, *facts, *count);
    return true;
}
