/* Relations, triples, and lists of facts as people paste them. */
#include <stdlib.h>

#include "core/edit/relations.h"
#include "tests/test.h"

#define FILE_OF "samples/pararel/relations.jsonl"

static struct relations all;

static void loads(void)
{
    struct err err = {0};

    CHECK(relations_load(&all, FILE_OF, &err));
    CHECK_STR(err.text, "");
    CHECK(all.count == 39);
    for (int i = 0; i < all.count; i++) {
        CHECK(all.relation[i].question && all.relation[i].prompts > 0);
        CHECK(all.relation[i].facts >= 10);
    }
}

static void found_by_what_is_typed(void)
{
    struct err err = {0};
    const struct relation *r;
    int index[50];

    CHECK_STR(relations_find(&all, "P36", &err)->name, "capital");
    CHECK_STR(relations_find(&all, "capital", &err)->id, "P36"); /* and not "capital of" */
    CHECK_STR(relations_find(&all, "Capital Of", &err)->id, "P1376");
    CHECK_STR(relations_find(&all, "location", &err)->id, "P276");
    CHECK_STR(relations_find(&all, "mother tongue", &err)->id, "P103");
    CHECK_STR(relations_find(&all, "birthplace", &err)->id, "P19");
    r = relations_find(&all, "langage", &err);
    CHECK(!r && err.kind == ERR_USAGE && strstr(err.text, "language"));
    CHECK(!relations_find(&all, "", &err));
    CHECK(relations_match(&all, "", index, 50) == 39);
    CHECK(relations_match(&all, "lang", index, 50) >= 4);
    CHECK(relations_match(&all, "zzz", index, 50) == 0);
}

static void a_triple_is_a_fact(void)
{
    struct err err = {0};
    struct fact f;

    CHECK(fact_from_triple(&f, &all, " Eiffel Tower | location|Rome ", 0, &err));
    CHECK_STR(err.text, "");
    CHECK_STR(f.subject, "Eiffel Tower");
    CHECK_STR(f.target, "Rome");
    CHECK_STR(f.prompt, "{} is located in");
    CHECK_STR(f.rephrase, "Eiffel Tower is in");
    CHECK_STR(f.question, "Where is Eiffel Tower?");
    CHECK_STR(f.old, "Paris");
    CHECK_STR(f.relation, "location");
    CHECK(f.localities == 10);
    for (int i = 0; i < f.localities; i++) {
        CHECK(!strstr(f.locality[i].prompt, "Eiffel") && f.locality[i].answer);
        CHECK(strcmp(f.locality[i].answer, "Rome") != 0);
    }
    fact_free(&f);
    CHECK(fact_from_triple(&f, &all, "France | capital | Rome", 3, &err));
    CHECK_STR(f.prompt, "The capital of {} is");
    CHECK(f.paraphrases == 5 && strstr(f.paraphrase[0], "{}"));
    fact_free(&f);
    CHECK(!fact_from_triple(&f, &all, "France | capital", 0, &err));
    CHECK(strstr(err.text, "two bars"));
    err = (struct err){0};
    CHECK(!fact_from_triple(&f, &all, "France | | Rome", 0, &err));
    CHECK(strstr(err.text, "no relation"));
    err = (struct err){0};
    CHECK(!fact_from_triple(&f, &all, "France | shines like | Rome", 0, &err));
    CHECK(strstr(err.text, "no relation 'shines like'") && strstr(err.text, "{} for the subject"));
    err = (struct err){0};
    CHECK(!fact_from_triple(&f, &all, " | capital | Rome", 0, &err));
    CHECK(strstr(err.text, "no subject"));
}

static void a_fact_keeps_what_a_relation_gave(void)
{
    struct err err = {0};
    struct fact f, g;
    char *text, *again;

    CHECK(fact_from_triple(&f, &all, "France | capital | Rome", 0, &err));
    text = fact_to_json(&f);
    CHECK(fact_from_json(&g, text, strlen(text), &err));
    again = fact_to_json(&g);
    CHECK_STR(again, text);
    free(text);
    free(again);
    fact_free(&f);
    fact_free(&g);
    CHECK(!fact_from_json(&g,
                          "{\"subject\":\"a\",\"prompt\":\"{} is\",\"target_new\":\"b\","
                          "\"paraphrases\":[\"no place\"]}",
                          78, &err));
    CHECK(strstr(err.text, "one {}") || err.kind == ERR_FORMAT);
}

static void placeholders_are_those_of_a_fact(void)
{
    static const char taken[] =
        "{\"id\":\"P1\",\"name\":\"birth\",\"question\":\"Where is {0} from?\","
        "\"prompts\":[\"[X] was born in [Y] .\",\"{ } is from\"],"
        "\"facts\":[[\"{}\",\"Rome\"],[\"Ann\",\"{0}\"],[\" \",\"Rome\"],"
        "[\"Ann\",\"\"],[\"Ann\",\"Rome\"]]}";
    static const char refused[] =
        "{\"id\":\"P1\",\"name\":\"birth\",\"prompts\":[\"{ } is from {}\"]}";
    struct relations r;
    struct err err = {0};
    struct fact f;

    CHECK(relations_parse(&r, taken, sizeof(taken) - 1, &err));
    CHECK_STR(err.text, "");
    CHECK(r.count == 1 && r.relation[0].facts == 1);
    CHECK(fact_from_triple(&f, &r, "Eve | birth | Oslo", 0, &err));
    CHECK_STR(f.prompt, "{} was born in");
    CHECK_STR(f.rephrase, "Eve is from");
    CHECK_STR(f.question, "Where is Eve from?");
    CHECK(f.localities == 1);
    CHECK_STR(f.locality[0].prompt, "Ann was born in");
    fact_free(&f);
    relations_free(&r);
    CHECK(!relations_parse(&r, refused, sizeof(refused) - 1, &err) && err.kind == ERR_FORMAT);
    CHECK(strstr(err.text, "relation P1: the prompt '{} is from {}' needs one {}"));
    relations_free(&r);
}

/* One reader, so that a line means the same wherever it is written. */
static void a_line_is_read_in_every_form(void)
{
    static const char *const form[] = {"Eiffel Tower | The {} is located in | Rome",
                                       "Eiffel Tower|The Eiffel Tower is located in|Rome",
                                       "  Eiffel Tower; The {} is located in ; Rome",
                                       "Eiffel Tower\tThe { } is located in\tRome",
                                       ("{\"subject\":\"Eiffel Tower\",\"prompt\":\"The {} is "
                                        "located in\",\"target_new\":\"Rome\"}")};
    struct err err = {0};
    struct fact f;

    for (size_t i = 0; i < sizeof(form) / sizeof(*form); i++)
        for (int known = 0; known < 2; known++) {
            CHECK(is_fact_line(form[i]));
            CHECK(fact_from_line(&f, form[i], known ? &all : NULL, 0, &err));
            if (!f.subject)
                continue;
            CHECK_STR(f.subject, "Eiffel Tower");
            CHECK_STR(f.prompt, "The {} is located in");
            CHECK_STR(f.target, "Rome");
            fact_free(&f);
        }
    CHECK(!fact_from_line(&f, "a | {} is in | b | c | d", &all, 0, NULL));
    CHECK(!is_fact_line("a | {} is in | b | c | d"));
    for (int i = 0; i < 3; i++) {
        static const char *const line[] = {"Eiffel Tower | location | Rome | Lutetia",
                                           "Eiffel Tower | The {} is located in | Rome| Lutetia ",
                                           "Eiffel Tower | The {} is located in | Rome |"};

        CHECK(is_fact_line(line[i]) && fact_from_line(&f, line[i], &all, 0, &err));
        CHECK_STR(f.target, "Rome");
        CHECK(i == 2 ? !f.old : f.old && !strcmp(f.old, "Lutetia"));
        fact_free(&f);
    }
    CHECK(!is_fact_line("Eiffel Tower") && !is_fact_line("The {} is; in") &&
          !is_fact_line("a | b"));
    CHECK(!fact_from_line(&f, "Eiffel Tower | locatoin | Rome", &all, 0, &err));
    CHECK(strstr(err.text, "locatoin") && strstr(err.text, "'location'"));
    err = (struct err){0};
    CHECK(!fact_from_line(&f, "Eiffel Tower | | Rome", &all, 0, &err));
    CHECK(strstr(err.text, "no relation or prompt") != NULL);
}

static void pasted_lines(void)
{
    static const char text[] = "# mine\n"
                               "Eiffel Tower | location | Rome\n"
                               "\n"
                               "  Mount Fuji; {} is in ; Peru\r\n"
                               "Big Ben\tBig Ben stands in\tOslo\n"
                               "{\"subject\":\"Japan\",\"prompt\":\"The currency of {} is the\","
                               "\"target_new\":\"peso\"}\n"
                               "Big Ben | Big Ben stands in | Oslo\n"
                               "this is no fact\n"
                               "France | nonsense | Rome\n";
    struct buf left = {0};
    struct fact *facts;
    int n = facts_from_lines(text, sizeof(text) - 1, &all, 0, &facts, &left);

    CHECK(n == 5);
    if (n == 5) {
        CHECK_STR(facts[1].target, "Peru");
        CHECK_STR(facts[1].prompt, "{} is in");
        CHECK_STR(facts[2].prompt, "{} stands in");
        CHECK_STR(facts[3].subject, "Japan");
    }
    CHECK(strstr(left.data, "line 8:") && strstr(left.data, "line 9:"));
    for (int i = 0; i < n; i++)
        fact_free(&facts[i]);
    free(facts);
    buf_free(&left);
    CHECK(facts_from_lines("", 0, &all, 0, &facts, NULL) == 0 && !facts);
    CHECK(facts_from_lines("{\"bad\"", 6, NULL, 0, &facts, NULL) == 0);
    relations_free(&all);
}

static bool same_neighbours(const struct fact *a, const struct fact *b)
{
    bool same = a->localities == b->localities;

    for (int i = 0; same && i < a->localities; i++)
        same = !strcmp(a->locality[i].prompt, b->locality[i].prompt);
    return same;
}

/* The seed chooses the neighbours of a pasted fact as it does those of one that is typed. */
static void the_seed_chooses_neighbours(void)
{
    static const char line[] = "Eiffel Tower | location | Rome\n";
    struct fact typed[2], *pasted[2];

    CHECK(relations_load(&all, FILE_OF, NULL));
    for (int i = 0; i < 2; i++) {
        unsigned long seed = i ? 7 : 0;

        CHECK(fact_from_line(&typed[i], "Eiffel Tower | location | Rome", &all, seed, NULL));
        CHECK(facts_from_lines(line, sizeof(line) - 1, &all, seed, &pasted[i], NULL) == 1);
        CHECK(same_neighbours(&typed[i], pasted[i]));
    }
    CHECK(!same_neighbours(pasted[0], pasted[1]));
    for (int i = 0; i < 2; i++) {
        fact_free(&typed[i]);
        fact_free(pasted[i]);
        free(pasted[i]);
    }
    relations_free(&all);
}

static const struct test tests[] = {
    {"the shipped relations load", loads},
    {"a relation is found by what is typed", found_by_what_is_typed},
    {"a triple is a fact with probes", a_triple_is_a_fact},
    {"a fact keeps what a relation gave", a_fact_keeps_what_a_relation_gave},
    {"a line is read in every form", a_line_is_read_in_every_form},
    {"pasted lines are facts", pasted_lines},
    {"placeholders of a relation are those of a fact", placeholders_are_those_of_a_fact},
    {"the seed chooses neighbours", the_seed_chooses_neighbours},
};
TEST_MAIN(tests)
