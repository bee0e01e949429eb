#include <stdlib.h>

#include "core/edit/fact.h"
#include "tests/test.h"

static struct fact read_one(const char *json)
{
    struct fact fact;
    struct err err = {0};

    CHECK(fact_from_json(&fact, json, strlen(json), &err));
    CHECK_STR(err.text, "");
    return fact;
}

static const char *refusal(const char *json, enum err_kind kind)
{
    static struct err err;
    struct fact fact;

    memset(&err, 0, sizeof(err));
    CHECK(!fact_from_json(&fact, json, strlen(json), &err));
    CHECK(err.kind == kind);
    CHECK(!strchr(err.text, '\n'));
    CHECK(!fact.subject && !fact.localities);
    return err.text;
}

static void our_shape(void)
{
    struct fact fact = read_one("{\"subject\": \"Eiffel Tower\", \"prompt\": \"The {} is in\","
                                " \"target_new\": \"  Rome\", \"ground_truth\": \"Paris\","
                                " \"rephrase\": \"Where is it?\", \"locality\":"
                                " [{\"prompt\": \"Big Ben is in\", \"answer\": \"London\"},"
                                "  {\"prompt\": \"The Louvre is in\"}]}");
    char *text = fact_text(&fact);

    CHECK_STR(fact.target, "Rome");
    CHECK_STR(fact.old, "Paris");
    CHECK_STR(fact.rephrase, "Where is it?");
    CHECK(fact.localities == 2);
    CHECK_STR(fact.locality[0].answer, "London");
    CHECK(!fact.locality[1].answer);
    CHECK_STR(text, "The Eiffel Tower is in");
    free(text);
    fact_free(&fact);
    CHECK(!fact.subject && !fact.locality);
    fact_free(&fact);
}

static void literal_subject(void)
{
    struct fact fact = read_one("{\"subject\": \"Japan\", \"prompt\": \"The currency of Japan is\","
                                " \"object\": \"peso\"}");
    char *text = fact_text(&fact);

    CHECK_STR(fact.prompt, "The currency of {} is");
    CHECK_STR(text, "The currency of Japan is");
    CHECK(!fact.old && !fact.rephrase && !fact.localities);
    free(text);
    fact_free(&fact);
}

static void refusals_name_the_field(void)
{
    CHECK(strstr(refusal("{\"subject\": \"\", \"prompt\": \"{}\", \"object\": \"b\"}", ERR_USAGE),
                 "subject"));
    CHECK(strstr(refusal("{\"subject\": \"a\", \"object\": \"b\"}", ERR_USAGE), "prompt"));
    CHECK(strstr(refusal("{\"subject\": \"a\", \"prompt\": \"{}\", \"object\": \"  \"}", ERR_USAGE),
                 "new object"));
    CHECK(
        strstr(refusal("{\"subject\": \"a\", \"prompt\": \"{} {}\", \"object\": \"b\"}", ERR_USAGE),
               "2 places"));
    CHECK(strstr(
        refusal("{\"subject\": \"Rome\", \"prompt\": \"it is\", \"object\": \"b\"}", ERR_USAGE),
        "0 places"));
    CHECK(
        strstr(refusal("{\"subject\": \"aa\", \"prompt\": \"aaa\", \"object\": \"b\"}", ERR_USAGE),
               "2 places"));
    CHECK(strstr(refusal("{\"a\": 1}", ERR_FORMAT), "known shape"));
    CHECK(strstr(refusal("[1]", ERR_FORMAT), "one JSON object"));
    CHECK(strstr(refusal("{\"subject\": ", ERR_FORMAT), "not JSON"));
    refusal("{\"subject\": [], \"prompt\": {}, \"object\": 3}", ERR_FORMAT);
}

static void invalid_utf8(void)
{
    struct fact fact = {.subject = strdup("a"),
                        .prompt = strdup("{} is"),
                        .target = strdup("b"),
                        .old = strdup("x\xc3")};
    struct err err = {0};

    CHECK(!fact_normalise(&fact, &err));
    CHECK(err.kind == ERR_USAGE);
    CHECK_STR(err.text, "the old object is not UTF-8 from byte 2 on");
    fact_free(&fact);
}

static struct fact *load(const char *path, int want)
{
    struct fact *facts;
    struct err err = {0};
    int count;

    CHECK(facts_load(path, &facts, &count, &err));
    CHECK_STR(err.text, "");
    CHECK(count == want);
    return count == want ? facts : NULL;
}

static void drop(struct fact *facts, int count)
{
    for (int i = 0; i < count; i++)
        fact_free(&facts[i]);
    free(facts);
}

static void mend_shape(void)
{
    struct fact *f = load("tests/data/facts/mend_zsre.json", 2);

    if (!f)
        return;
    CHECK_STR(f->subject, "UniFirst");
    CHECK_STR(f->prompt, "What is the product made by {}?");
    CHECK_STR(f->target, "unmanned aircraft");
    CHECK_STR(f->old, "uniform");
    CHECK_STR(f->rephrase, "What will be the product of UniFirst?");
    CHECK(f->localities == 1);
    CHECK_STR(f->locality[0].prompt, "nq question: john goodman's character in the big lebowski");
    CHECK_STR(f->locality[0].answer, "Walter Sobchak");
    drop(f, 2);
    f = load("tests/data/facts/mend_portability.json", 1);
    if (!f)
        return;
    CHECK(f->portabilities == 1);
    CHECK_STR(f->portability[0].answer, "Athletics");
    drop(f, 1);
}

static void knowedit_shape(void)
{
    struct fact *f = load("tests/data/facts/knowedit_zsre.json", 2);

    if (!f)
        return;
    CHECK_STR(f->prompt, "Which family does {} belong to?");
    CHECK_STR(f->target, "Noctuidae");
    CHECK_STR(f->old, "Aspidoceratidae");
    CHECK_STR(f->rephrase, "What family are Epaspidoceras?");
    CHECK(f->localities == 2);
    CHECK_STR(f->locality[1].prompt, "Epaspidoceras taxon rank");
    CHECK_STR(f->locality[1].answer, "genus");
    CHECK(f->portabilities == 1);
    CHECK_STR(f->portability[0].answer, "Owlet moths");
    drop(f, 2);
}

static void rome_shape(void)
{
    struct fact *f = load("tests/data/facts/rome_counterfact.json", 1);

    if (!f)
        return;
    CHECK_STR(f->subject, "Angola");
    CHECK_STR(f->prompt, "{} is located in");
    CHECK_STR(f->target, "Antarctica");
    CHECK_STR(f->old, "Africa");
    CHECK(f->rephrase && strstr(f->rephrase, "Angola belongs to the continent of"));
    CHECK(f->localities == 10);
    CHECK_STR(f->locality[1].prompt, "Ghana is in");
    CHECK_STR(f->locality[9].answer, "Africa");
    drop(f, 1);
}

static void easyedit_shape_by_line(void)
{
    struct fact *f = load("tests/data/facts/easyedit_counterfact.jsonl", 2);

    if (!f)
        return;
    CHECK_STR(f[0].prompt, "{}, the");
    CHECK_STR(f[0].old, "guitar");
    CHECK_STR(f[0].rephrase, "Toko Yasuda is incredible at");
    CHECK(f[0].localities == 1);
    CHECK_STR(f[0].locality[0].answer, "guitar");
    CHECK_STR(f[1].target, "Sweden");
    drop(f, 2);
}

static void a_bad_record_is_named(void)
{
    static const char path[] = "/tmp/editscope-fact-test.jsonl";
    struct fact *facts;
    struct err err = {0};
    struct buf left_out = {0};
    int count;
    FILE *file = fopen(path, "w");

    CHECK(file != NULL);
    if (!file)
        return;
    fputs("{\"subject\": \"a\", \"prompt\": \"{} is\", \"target_new\": \"b\"}\n\n"
          "{\"subject\": \"a\", \"prompt\": \"is\", \"target_new\": \"b\"}\n",
          file);
    fclose(file);
    CHECK(!facts_load(path, &facts, &count, &err));
    CHECK(strstr(err.text, "fact-test.jsonl: record 2: the prompt 'is'"));
    CHECK(!facts && !count);
    CHECK(facts_load_usable(path, &facts, &count, &left_out, NULL));
    CHECK(count == 1);
    CHECK(left_out.data && !strncmp(left_out.data, "record 2: the prompt 'is'", 25));
    drop(facts, count);
    buf_free(&left_out);
    remove(path);
}

static void round_trip(void)
{
    struct fact *f = load("tests/data/facts/knowedit_zsre.json", 2), back, copy;
    char *json, *again;

    if (!f)
        return;
    json = fact_to_json(f);
    back = read_one(json);
    copy = fact_copy(&back);
    again = fact_to_json(&copy);
    CHECK_STR(again, json);
    free(json);
    free(again);
    fact_free(&back);
    fact_free(&copy);
    drop(f, 2);
}

/* What `export --as json` wrote: the active edits' facts in order. */
static void a_session_s_journal(void)
{
    static const char text[] =
        "{\"schema\":1,\"kind\":\"editscope-session\",\"edits\":["
        "{\"edit\":1,\"active\":true,\"facts\":[{\"subject\":\"A\",\"prompt\":\"{} is\","
        "\"target_new\":\"x\",\"unknown\":[1]}]},"
        "{\"edit\":2,\"active\":false,\"facts\":[{\"subject\":\"B\",\"prompt\":\"{} is\","
        "\"target_new\":\"y\"}]},"
        "{\"edit\":3,\"active\":true,\"facts\":[{\"subject\":\"C\",\"prompt\":\"{} is\","
        "\"target_new\":\"z\"},{\"subject\":\"D\",\"prompt\":\"{} is\",\"target_new\":\"w\"}]}"
        "]}";
    struct err err = {0};
    struct fact *facts;
    int count;

    CHECK(facts_from_text(text, strlen(text), &facts, &count, NULL, &err));
    CHECK(count == 3);
    if (count == 3) {
        CHECK_STR(facts[0].subject, "A");
        CHECK_STR(facts[2].target, "w");
    }
    for (int i = 0; i < count; i++)
        fact_free(&facts[i]);
    free(facts);
}

static const struct test all[] = {
    {"our shape", our_shape},
    {"a literal subject", literal_subject},
    {"refusals name the field", refusals_name_the_field},
    {"invalid UTF-8", invalid_utf8},
    {"MEND's shape", mend_shape},
    {"KnowEdit's shape", knowedit_shape},
    {"ROME's shape", rome_shape},
    {"EasyEdit's shape, an object a line", easyedit_shape_by_line},
    {"a bad record is named", a_bad_record_is_named},
    {"round trip", round_trip},
    {"a session's journal", a_session_s_journal},
};

TEST_MAIN(all)
