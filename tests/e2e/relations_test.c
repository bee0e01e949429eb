/* Triples: relations by name, a fact made of one, and the scoreboard an edit ends with.
 * Model: the small one. The program: $EDITSCOPE, else build/editscope. */
#include "core/edit/fact.h"
#include "tests/e2e/command.h"

static void listed(void)
{
    struct buf out = {0};
    json_t *o;
    int lines = 0;

    CHECK(run(&out, "relations") == 0);
    for (size_t i = 0; i < out.len; i++)
        lines += out.data[i] == '\n';
    CHECK(lines == 39);
    CHECK(run(&out, "relations --json P36") == 0);
    o = event(&out, "relation", 0);
    CHECK_STR(text_of(o, "id"), "P36");
    CHECK(json_array_size(json_object_get(o, "prompts")) > 1);
    CHECK(json_integer_value(json_object_get(o, "facts")) > 10);
    json_decref(o);
    CHECK(run(&out, "relations --json capital") == 0); /* by name, the same one */
    o = event(&out, "relation", 0);
    CHECK_STR(text_of(o, "id"), "P36");
    json_decref(o);
    buf_free(&out);
}

static void triples_refused(void)
{
    struct buf out = {0};

    CHECK(run(&out, "relations no-such-relation") == 2);
    CHECK(run(&out, "edit -s %s/x.es --triple 'Eiffel Tower | locatoin | Rome'", folder) == 2);
    CHECK(run(&out, "edit -s %s/x.es --triple 'Eiffel Tower | location'", folder) == 2);
    CHECK(run(&out, "edit -s %s/x.es --triple 'A | location | B' --subject A", folder) == 2);
    buf_free(&out);
}

/* The facts that come with the program are whole, and each can be judged. */
static void samples(void)
{
    struct fact *facts = NULL;
    int count = 0;

    CHECK(facts_load("samples/facts.jsonl", &facts, &count, NULL) && count >= 3);
    for (int i = 0; i < count; i++) {
        CHECK(facts[i].rephrase && facts[i].question && facts[i].old);
        CHECK(facts[i].localities >= 3 && facts[i].paraphrases >= 2);
        for (int k = 0; k < facts[i].localities; k++)
            CHECK(facts[i].localities && facts[i].locality[k].answer);
        fact_free(&facts[i]);
    }
    free(facts);
}

static void scoreboard(void)
{
    static const char *const kinds[] = {"rephrase", "question", "locality"};
    bool seen[3] = {false, false, false};
    struct buf out = {0};
    int status;
    json_t *o;

    status = run(&out,
                 "edit --json -s %s/t.es " SMALL
                 "--set attr.rows=paraphrases --triple 'Eiffel Tower | location | Rome'",
                 folder);
    CHECK(status == 0 || status == 3); /* made; whether it is accepted is not the point here */
    o = event(&out, "done", 0);
    CHECK(o != NULL);
    json_decref(o);
    for (int i = 0; (o = event(&out, "probe", i)); i++) {
        for (int k = 0; k < 3; k++)
            seen[k] |= !strcmp(text_of(o, "kind"), kinds[k]);
        CHECK(*text_of(o, "prompt") && *text_of(o, "expected"));
        CHECK(json_is_boolean(json_object_get(json_object_get(o, "ok"), "after")));
        CHECK(json_is_boolean(json_object_get(o, "known")));
        /* a neighbour is another subject */
        CHECK(strcmp(text_of(o, "kind"), "locality") || !strstr(text_of(o, "prompt"), "Eiffel"));
        json_decref(o);
    }
    for (int k = 0; k < 3; k++)
        CHECK(seen[k]);
    CHECK(run(&out, "edit --json -s %s/u.es " SMALL "--set attr.rows=paraphrases " EIFFEL,
              folder) == 2); /* no paraphrases to take rows from */
    buf_free(&out);
}

int main(void)
{
    static const struct test tests[] = {
        {"listed", listed},
        {"triples_refused", triples_refused},
        {"samples", samples},
        {"scoreboard", scoreboard},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
