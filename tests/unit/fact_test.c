/* Facts from every shape of record, table and line, and what is refused. */
#include <stddef.h>
#include <stdlib.h>

#include "core/base/mem.h"
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
        "has neither {} nor the subject 'Rome'"));
    CHECK(
        strstr(refusal("{\"subject\": \"aa\", \"prompt\": \"aaa\", \"object\": \"b\"}", ERR_USAGE),
               "2 places"));
    CHECK(strstr(refusal("{\"a\": 1}", ERR_FORMAT), "known shape"));
    CHECK(strstr(refusal("[1]", ERR_FORMAT), "one JSON object"));
    CHECK(strstr(refusal("{\"subject\": ", ERR_FORMAT), "not JSON"));
    CHECK_STR(refusal("{\"subject\": [], \"prompt\": {}, \"object\": 3}", ERR_USAGE),
              "subject is an empty list: a text is wanted");
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
    struct fact *f = load("tests/data/facts/rome_counterfact.json", 1), again;
    char *text;

    if (!f)
        return;
    CHECK_STR(f->subject, "Angola");
    CHECK_STR(f->prompt, "{} is located in");
    CHECK_STR(f->target, "Antarctica");
    CHECK_STR(f->old, "Africa");
    CHECK(f->rephrase && strstr(f->rephrase, "Angola belongs to the continent of"));
    CHECK(f->mores == 1); /* both paraphrases */
    CHECK(f->mores && strstr(f->more[0], " is a part of the continent of"));
    text = fact_to_json(f);
    CHECK(fact_from_json(&again, text, strlen(text), NULL) && again.mores == 1);
    CHECK_STR(again.more[0], f->more[0]);
    fact_free(&again);
    free(text);
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

/* One fact of the plain shape, whose `key` has `value` as it stands in JSON. */
static const char *with(const char *key, const char *value)
{
    static const char *const fields[][2] = {
        {"subject", "\"Rome\""}, {"prompt", "\"{} is in\""}, {"target_new", "\"Peru\""}};
    static char json[1000];
    bool there = false;
    int n = snprintf(json, sizeof(json), "{");

    for (size_t i = 0; i < 3; i++) {
        bool same = !strcmp(fields[i][0], key);

        there = there || same;
        n += snprintf(json + n, sizeof(json) - (size_t)n, "%s\"%s\": %s", i ? ", " : "",
                      fields[i][0], same ? value : fields[i][1]);
    }
    if (!there)
        n += snprintf(json + n, sizeof(json) - (size_t)n, ", \"%s\": %s", key, value);
    snprintf(json + n, sizeof(json) - (size_t)n, "}");
    return json;
}

/* What nobody sees at the ends of a text is not part of it, for every text and every such
 * character; what is inside stays. */
static void blanks_around_texts(void)
{
    static const char *const blanks[] = {
        " ",       "\\t",     "\\n",     "\\r\\n",  "\\u000b", "\\u0085", "\\u00a0",
        "\\u00ad", "\\u1680", "\\u2002", "\\u200b", "\\u200c", "\\u200d", "\\u200e",
        "\\u2028", "\\u202f", "\\u205f", "\\u2060", "\\u3000", "\\ufeff", " \\u00a0\\n "};
    static const struct {
        const char *key, *text, *settled;
        size_t at;
        unsigned bit;
    } of[] = {
        {"subject", "New  York", "New  York", offsetof(struct fact, subject), TRIMMED_SUBJECT},
        {"prompt", "The {}  is", "The {}  is", offsetof(struct fact, prompt), TRIMMED_PROMPT},
        {"prompt", "Rome is", "{} is", offsetof(struct fact, prompt), TRIMMED_PROMPT},
        {"target_new", "a  b", "a  b", offsetof(struct fact, target), TRIMMED_TARGET},
        {"ground_truth", "x", "x", offsetof(struct fact, old), TRIMMED_OLD},
        {"rephrase", "Is {} ?", "Is Rome ?", offsetof(struct fact, rephrase), TRIMMED_PROBES},
        {"question", "q", "q", offsetof(struct fact, question), TRIMMED_PROBES},
        {"relation", "r", "r", offsetof(struct fact, relation), 0},
    };

    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
        for (size_t b = 0; b < sizeof(blanks) / sizeof(*blanks); b++)
            for (int side = 1; side < 4; side++) {
                char value[100];
                struct fact fact;

                snprintf(value, sizeof(value), "\"%s%s%s\"", side & 1 ? blanks[b] : "", of[i].text,
                         side & 2 ? blanks[b] : "");
                fact = read_one(with(of[i].key, value));
                CHECK_STR(*(char **)(void *)((char *)&fact + of[i].at), of[i].settled);
                CHECK(fact.trimmed == of[i].bit);
                CHECK(fact_normalise(&fact, NULL) && fact.trimmed == of[i].bit);
                fact_free(&fact);
            }
    for (size_t b = 0; b < sizeof(blanks) / sizeof(*blanks); b++) {
        char value[40];

        snprintf(value, sizeof(value), "\"%s\"", blanks[b]);
        CHECK_STR(refusal(with("target_new", value), ERR_USAGE),
                  "the new object is empty: give one");
    }
}

static void blanks_around_probes(void)
{
    struct fact fact = read_one(
        with("locality", "[{\"prompt\": \" Big Ben is in \", \"answer\": \"\\u00a0London\\n\"}]"));
    struct fact none = {0};
    struct buf said = {0};

    CHECK_STR(fact.locality[0].prompt, "Big Ben is in");
    CHECK_STR(fact.locality[0].answer, "London");
    fact_trimmed_say(&fact, 1, &said);
    CHECK_STR(said.data, "blanks around probes were taken off");
    buf_clear(&said);
    fact.trimmed |= TRIMMED_SUBJECT | TRIMMED_TARGET;
    fact.record = 3;
    fact_trimmed_say(&fact, 1, &said);
    CHECK_STR(said.data,
              "record 3: blanks around the subject, the target and probes were taken off");
    buf_clear(&said);
    fact_trimmed_say((struct fact[]){none, fact, fact}, 3, &said);
    CHECK(!strncmp(said.data, "2 records, the first is record 3: blanks around the subject", 59));
    buf_clear(&said);
    fact_trimmed_say(&none, 1, &said);
    CHECK(!said.len);
    buf_free(&said);
    fact_free(&fact);
}

/* A subject in another Unicode form than the prompt's stays as it is where a placeholder, however
 * it is written, says where it goes. */
static void placeholders_before_forms(void)
{
    static const char *const prompts[] = {"{}", "{subject}", "[X]"};

    for (size_t i = 0; i < sizeof(prompts) / sizeof(*prompts); i++) {
        struct err err = {0};
        struct fact f = {.subject = xstrdup("Cafe\xcc\x81"),
                         .prompt = xasprintf("By the Caf\xc3\xa9, %s is", prompts[i]),
                         .target = xstrdup("Rome")};

        CHECK(fact_normalise(&f, &err));
        CHECK_STR(err.text, "");
        CHECK_STR(f.subject, "Cafe\xcc\x81");
        CHECK_STR(f.prompt, "By the Caf\xc3\xa9, {} is");
        fact_free(&f);
    }
}

static void placeholders(void)
{
    static const struct {
        const char *key, *value, *want;
        size_t at;
    } of[] = {
        {"prompt", "\"{ } is\"", "{} is", offsetof(struct fact, prompt)},
        {"prompt", "\"{subject} is\"", "{} is", offsetof(struct fact, prompt)},
        {"prompt", "\"{ Subject } is\"", "{} is", offsetof(struct fact, prompt)},
        {"prompt", "\"{0} is\"", "{} is", offsetof(struct fact, prompt)},
        {"prompt", "\"[X] is in [Y] .\"", "{} is in", offsetof(struct fact, prompt)},
        {"prompt", "\"{ {} is\"", "{ {} is", offsetof(struct fact, prompt)},
        {"prompt", "\"} {x} Rome {1}\"", "} {x} {} {1}", offsetof(struct fact, prompt)},
        {"prompt", "\"Romeo saw Rome\"", "Romeo saw {}", offsetof(struct fact, prompt)},
        {"prompt", "\"Romes port is\"", "{}s port is", offsetof(struct fact, prompt)},
        {"rephrase", "\"{}, or { }: where?\"", "Rome, or Rome: where?",
         offsetof(struct fact, rephrase)},
        {"rephrase", "\"Romeo saw {}\"", "Romeo saw Rome", offsetof(struct fact, rephrase)},
        {"question", "\"Where is [X]?\"", "Where is Rome?", offsetof(struct fact, question)},
        {"target_new", "\"{ [X] }\"", "{ [X] }", offsetof(struct fact, target)},
    };
    static const struct {
        const char *key, *value, *why;
    } not [] = {
        {"prompt", "\"Rome: {} is\"", "holds the subject 'Rome' and a {} for it: keep one"},
        {"prompt", "\"{} and [X]\"", "has {} in 2 places"},
        {"prompt", "\"[X] of [Y] is\"", "continues after [Y]"},
        {"rephrase", "\"Rome or {}\"",
         "the rephrase 'Rome or {}' holds the subject 'Rome' and a {}"},
        {"question", "\"Rome or {}\"", "the question 'Rome or {}' holds"},
        {"locality", "[\"Rome or {}\"]", "the locality probe 'Rome or {}' holds"},
        {"portability", "[\"Rome or {}\"]", "the portability probe 'Rome or {}' holds"},
        {"paraphrases", "[\"Rome or {}\"]", "the paraphrase 'Rome or {}' holds"},
        {"paraphrases", "[\"Romeo\"]", "the paraphrase 'Romeo' needs one {}"},
        {"rephrase", "\"{{}}\"", NULL},
        {"subject", "\"a {} b\"", "the subject 'a {} b' holds a placeholder"},
        {"target_new", "\"{}\"", "the new object '{}' holds {}"},
        {"ground_truth", "\"x{ }\"", "the old object 'x{ }' holds {}"},
    };

    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
        struct fact fact = read_one(with(of[i].key, of[i].value));

        CHECK_STR(*(char **)(void *)((char *)&fact + of[i].at), of[i].want);
        fact_free(&fact);
    }
    for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++) {
        const char *why = not [i].why ? refusal(with(not [i].key, not [i].value), ERR_USAGE) : "";

        if (not [i].why && !strstr(why, not [i].why))
            CHECK_STR(why, not [i].why);
    }
}

static void values_that_are_no_texts(void)
{
    static const char *const numbers[] = {"1999", "1.50", "-0", "1e5",
                                          "123456789012345678901234567890"};
    static const struct {
        const char *key, *value, *why;
    } not [] = {
        {"target_new", "null", "target_new is null: a text is wanted"},
        {"target_new", "true", "target_new is true: a text is wanted"},
        {"target_new", "[]", "target_new is an empty list: a text is wanted"},
        {"target_new", "[[]]", "target_new is an empty list: a text is wanted"},
        {"target_new", "{}", "target_new is an object without str: a text is wanted"},
        {"target_new", "{\"str\": null}", "target_new holds null: a text is wanted"},
        {"target_new", "[null, \"x\"]", "target_new holds null: a text is wanted"},
        {"target_new", "\"\"", "the new object is empty: give one"},
        {"target_new", "[\"\", \" \"]", "the new object is empty: give one"},
        {"target_new", "01", "not JSON"},
        {"subject", "false", "subject is false: a text is wanted"},
        {"prompt", "[\"{} a\", \"{} b\"]", "prompt is a list of 2: one text is wanted"},
        {"rephrase", "true", "rephrase is true: a text is wanted"},
        {"locality", "[true]", "locality is true: a text is wanted"},
        {"locality", "{\"prompt\": [\"a\", \"b\"], \"answer\": [\"c\"]}",
         "locality: 2 prompts, but 1 answers"},
    };
    struct fact fact;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        fact = read_one(with("target_new", numbers[i]));
        CHECK_STR(fact.target, numbers[i]);
        fact_free(&fact);
    }
    fact = read_one(with("target_new", "[[\" \", 12], \"y\"]"));
    CHECK_STR(fact.target, "12");
    fact_free(&fact);
    fact = read_one(with("rephrase", "null"));
    CHECK(!fact.rephrase);
    fact_free(&fact);
    for (size_t i = 0; i < sizeof(not ) / sizeof(*not ); i++) {
        enum err_kind kind = strncmp(not [i].why, "not JSON", 8) ? ERR_USAGE : ERR_FORMAT;
        const char *why = refusal(with(not [i].key, not [i].value), kind);

        if (!strstr(why, not [i].why))
            CHECK_STR(why, not [i].why);
    }
}

static struct fact *from_text(const char *text, int want)
{
    struct fact *facts;
    struct err err = {0};
    int count;

    CHECK(facts_from_text(text, strlen(text), &facts, &count, NULL, &err));
    CHECK_STR(err.text, "");
    CHECK(count == want);
    return count == want ? facts : NULL;
}

static const char *text_refusal(const char *text)
{
    static struct err err;
    struct fact *facts;
    int count;

    err = (struct err){0};
    CHECK(!facts_from_text(text, strlen(text), &facts, &count, NULL, &err));
    CHECK(!facts && !count);
    return err.text;
}

static void mquake_shape(void)
{
    struct fact *f = load("tests/data/field/mquake.json", 2);

    if (!f)
        return;
    CHECK_STR(f[0].subject, "Ann Poe");
    CHECK_STR(f[0].prompt, "{} was born in the city of");
    CHECK_STR(f[0].target, "Oslo");
    CHECK_STR(f[0].old, "Lima");
    CHECK_STR(f[0].question, "In which city was Ann Poe born?");
    CHECK(!f[0].portabilities && f[0].record == 1);
    CHECK_STR(f[1].subject, "Norway");
    CHECK(f[1].portabilities == 3 && f[1].record == 1);
    CHECK_STR(f[1].portability[1].prompt, "Who leads the country where Ann Poe was born?");
    CHECK_STR(f[1].portability[1].answer, "Jo Roe");
    CHECK(f[1].portability[1].alsos == 1);
    CHECK_STR(f[1].portability[1].also[0], "Joseph Roe");
    drop(f, 2);
}

/* As KnowEdit nests them, and RippleEdits writes aliases: equal and blank ones go. */
static void several_answers(void)
{
    static const char record[] =
        "{\"subject\":\"A\",\"prompt\":\"{} is\",\"target_new\":\"x\",\"portability\":{"
        "\"Reasoning\":[{\"prompt\":\"p\",\"ground_truth\":[[\" \",\"one\",\"two "
        "\"],[\"one\",\"two\"]]}],"
        "\"Aliasing\":[{\"prompt\":\"q\",\"answers\":[{\"value\":\"a\",\"aliases\":[\"b\",\"a\"]}]}"
        "]}}";
    struct fact f = read_one(record), back;
    char *json = fact_to_json(&f);

    back = read_one(json);
    for (int i = 0; i < 2; i++) {
        const struct fact *one = i ? &back : &f;

        CHECK(one->portabilities == 2 && one->portability[0].alsos == 1 &&
              one->portability[1].alsos == 1);
        CHECK_STR(one->portability[0].answer, "one");
        CHECK_STR(one->portability[0].also[0], "two");
        CHECK_STR(one->portability[1].also[0], "b");
    }
    CHECK(strstr(json, "[\"one\",\"two\"]") != NULL);
    free(json);
    fact_free(&f);
    fact_free(&back);
}

static void arguments_shape(void)
{
    struct fact *f = load("tests/data/field/easyedit_arguments.json", 2);

    if (!f)
        return;
    CHECK_STR(f[1].prompt, "{} is a mountain in");
    CHECK_STR(f[1].target, "Peru");
    CHECK_STR(f[1].old, "Japan");
    CHECK_STR(f[1].rephrase, "The country of Mount Fuji is");
    CHECK(f[0].localities == 1 && !f[1].localities);
    CHECK_STR(f[0].locality[0].answer, "London");
    CHECK(f[0].portabilities == 1 && f[1].portabilities == 2);
    CHECK_STR(f[1].portability[1].prompt, "Around Mount Fuji one pays with");
    CHECK_STR(f[1].portability[1].answer, "the sol");
    drop(f, 2);
    f = from_text("{\"prompts\": \"The {} is\", \"subject\": \"A\", \"target_new\": \"b\"}", 1);
    drop(f, 1);
    CHECK_STR(text_refusal("{\"prompts\": [\"A is\", \"B is\"], \"subject\": [\"A\", \"B\"], "
                           "\"target_new\": [\"x\"]}"),
              "record 1: entry 1: prompts has 2 entries and target_new has 1: both need as "
              "many (line 1)");
    CHECK_STR(text_refusal("{\"prompts\": [], \"subject\": [], \"target_new\": []}"),
              "record 1: prompts is an empty list (line 1)");
    CHECK_STR(text_refusal("{\"prompts\": [\"A is\"], \"target_new\": [\"x\"]}"),
              "record 1: there is no subject: subject (line 1)");
}

static void other_shapes(void)
{
    struct fact *f =
        from_text("{\"concept\": \"jo roe\", \"text\": \"This is a passage about jo roe.\","
                  "\"labels\": \"Jo Roe sang.\", \"locality\": {\"Relation_Specificity\":"
                  "[{\"prompt\": \"jo roe was born in\", \"ground_truth\": [[\"a\"]]}]}}",
                  1);

    if (f) {
        CHECK_STR(f->prompt, "This is a passage about {}.");
        CHECK_STR(f->locality[0].answer, "a");
        drop(f, 1);
    }
    CHECK(strstr(text_refusal("{\"template\": 1}"), "MQuAKE (requested_rewrite, a list)"));
    CHECK(strstr(text_refusal("{\"subject\": \"a\", \"prompt\": \"{} is\", \"attribute\": \"b\"}"),
                 "record 1: there is no new object: target_new, object, alt, target or labels"));
}

static void tables(void)
{
    struct fact *f = from_text("subject, prompt ,target_new,ground_truth\r\n"
                               "\"Rome, Italy\",\"The \"\"city\"\" {} is\",1.50,\n"
                               "\n"
                               "A,\"{}\nis\",b,c",
                               2);

    if (f) {
        CHECK_STR(f[0].subject, "Rome, Italy");
        CHECK_STR(f[0].prompt, "The \"city\" {} is");
        CHECK_STR(f[0].target, "1.50");
        CHECK(!f[0].old && f[0].record == 1 && f[1].record == 2);
        CHECK_STR(f[1].prompt, "{}\nis");
        CHECK_STR(f[1].old, "c");
        drop(f, 2);
    }
    f = from_text("src\tsubject\talt\nIs A?\tA\tb\n", 1);
    drop(f, 1);
    f = from_text("\"subject\";\"prompt\";\"target\"\nA;\"A; is\";b\n", 1);
    drop(f, 1);
    CHECK_STR(text_refusal("subject,prompt,target\nA,A is,b\nA,A is\n"),
              "line 3 has 2 cells, the first line names 3 columns (quotes go around a text with "
              "commas)");
    CHECK_STR(
        text_refusal("subject,prompt,target\nA,A is,\n"),
        "record 1: there is no new object: target_new, object, alt, target or labels (line 2)");
    CHECK(
        strstr(text_refusal("a,b,c\n1,2,3\n"),
               "line 1 begins neither a JSON record nor a table, whose first line names columns"));
}

/* A fault is in its record and on its line, however the records are laid out. */
static void faults_have_a_place(void)
{
    static const char good[] =
        "{\"subject\": \"a\", \"prompt\": \"{} is\",\n\"target_new\": \"b\"}";
    static const char bad[] = "{\"subject\": \"a\", \"prompt\": \"{} is\",\n\"target_new\": null}";
    char text[400];

    snprintf(text, sizeof(text), "%s\n%s\n", good, bad);
    CHECK_STR(text_refusal(text), "record 2: target_new is null: a text is wanted (line 3)");
    snprintf(text, sizeof(text), "[\n%s,\n\n%s]", good, bad);
    CHECK_STR(text_refusal(text), "record 2: target_new is null: a text is wanted (line 5)");
    snprintf(text, sizeof(text), "[%s,\n{\"subject\":\n]", good);
    CHECK(strstr(text_refusal(text), "record 2 is not JSON, line 4: "));
    snprintf(text, sizeof(text), "[%s\n%s]", good, good);
    CHECK_STR(text_refusal(text), "not JSON, line 3: , or ] expected after record 1");
    snprintf(text, sizeof(text), "[%s,\n", good);
    CHECK_STR(text_refusal(text), "the list ends without ], line 3");
    snprintf(text, sizeof(text), "[%s]\n%s", good, good);
    CHECK_STR(text_refusal(text), "not JSON, line 2: the list has ended before");
    CHECK_STR(text_refusal("[3]"),
              "record 1: a fact must be one JSON object, this is a text or a number (line 1)");
    CHECK_STR(text_refusal(" "), "holds no fact");
    CHECK_STR(text_refusal("[ ]"), "holds no fact");
}

static const struct test all[] = {
    {"our shape", our_shape},
    {"a literal subject", literal_subject},
    {"refusals name the field", refusals_name_the_field},
    {"invalid UTF-8", invalid_utf8},
    {"MEND's shape", mend_shape},
    {"KnowEdit's shape", knowedit_shape},
    {"several answers", several_answers},
    {"ROME's shape", rome_shape},
    {"EasyEdit's shape, an object a line", easyedit_shape_by_line},
    {"a bad record is named", a_bad_record_is_named},
    {"round trip", round_trip},
    {"a session's journal", a_session_s_journal},
    {"blanks around texts", blanks_around_texts},
    {"blanks around probes", blanks_around_probes},
    {"placeholders", placeholders},
    {"a placeholder says where the subject goes", placeholders_before_forms},
    {"values that are no texts", values_that_are_no_texts},
    {"MQuAKE's shape", mquake_shape},
    {"EasyEdit's arguments", arguments_shape},
    {"other shapes", other_shapes},
    {"tables", tables},
    {"faults have a place", faults_have_a_place},
};

TEST_MAIN(all)
