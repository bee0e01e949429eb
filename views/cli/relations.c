/* editscope relations: the relations that a triple can name. With a NAME: all prompts, other names,
 * the question form, and examples. */
#include <stdio.h>

#include "core/base/std.h"
#include "core/edit/relations.h"
#include "views/cli/cli.h"

static json_t *texts_json(char *const *text, int count)
{
    json_t *array = json_array();

    for (int i = 0; i < count; i++)
        json_array_append_new(array, cli_text(text[i]));
    return array;
}

static void print_relation(struct cli *c, const struct relation *r, bool all)
{
    json_t *o;

    if (cli_json(c)) {
        o = cli_event("relation");
        json_object_set_new(o, "id", cli_text(r->id));
        json_object_set_new(o, "name", cli_text(r->name));
        json_object_set_new(o, "also", texts_json(r->also, r->alsos));
        json_object_set_new(o, "question", r->question ? cli_text(r->question) : json_null());
        json_object_set_new(o, "prompts", texts_json(r->prompt, r->prompts));
        json_object_set_new(o, "facts", json_integer(r->facts));
        cli_print(o);
        return;
    }
    std_print("%-6s %-40.40s %s\n", r->id, r->name, r->prompt[0]);
    for (int i = 1; all && i < r->prompts; i++)
        std_print("%-47s %s\n", "", r->prompt[i]);
    for (int i = 0; all && i < r->alsos; i++)
        std_print("%7salso called %s\n", "", r->also[i]);
    if (all && r->question)
        std_print("%7sasked as    %s\n", "", r->question);
    for (int i = 0; all && i < 3 && i < r->facts; i++)
        std_print("%7sfor example %s: %s\n", "", r->subject[i], r->object[i]);
}

static bool relations_run(struct cli *c, struct err *err)
{
    const struct relation *one;
    struct relations r;
    bool ok = cli_relations(&r, err);

    for (int i = 0; ok && !c->rest_count && i < r.count; i++)
        print_relation(c, &r.relation[i], false);
    for (int i = 0; ok && i < c->rest_count; i++) {
        one = relations_find(&r, c->rest[i], err);
        ok = one != NULL;
        if (ok)
            print_relation(c, one, true);
    }
    relations_free(&r);
    return ok;
}

const struct cli_ops cli_relations_list = {
    "relations", "[NAME...]", "List the relations that a triple can name", 0, relations_run};
