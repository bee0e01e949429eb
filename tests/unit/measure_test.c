/* Metrics of measures, generated answers compared as SQuAD does (tests/reference/answers.py), and
 * questions with several right answers (tests/reference/aliases.py). */
#include "core/eval/measure.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/test.h"

static const char *text_at(const json_t *o, const char *name)
{
    return json_string_value(json_object_get(o, name));
}

static void answers_are_compared(void)
{
    json_t *all = json_load_file("tests/data/answers.json", 0, NULL), *c;
    size_t at;

    CHECK(json_array_size(all) == 60);
    json_array_foreach(all, at, c)
    {
        const char *said = text_at(c, "said"), *wanted = text_at(c, "wanted");
        char *normal = answer_normalised(said);

        CHECK_STR(normal, text_at(c, "normalised"));
        CHECK(answers_equal(said, wanted) == json_is_true(json_object_get(c, "equal")));
        CHECK(answer_contains(said, wanted) == json_is_true(json_object_get(c, "contains")));
        free(normal);
    }
    json_decref(all);
}

static double rule(const char *json, const struct measure *m)
{
    for (int i = 0; i < record_metric_count; i++)
        if (!strcmp(record_metrics[i].json, json))
            return record_metrics[i].rule(m);
    CHECK(!"no such metric");
    return 0;
}

static void metrics_of_a_measure(void)
{
    int predicted[] = {1, 2, 3}, label[] = {1, 5, 3};
    struct measure m = {.predicted = predicted,
                        .predicteds = 3,
                        .label = label,
                        .labels = 3,
                        .logp = -1.5,
                        .answers = 3,
                        .rival = -2,
                        .rivals = 2};
    struct measure none = {.logp = (double)NAN, .rival = (double)NAN};
    char said[] = "The Rome", wanted[] = "rome.";

    CHECK_NEAR(rule("rel", &m), 2.0 / 3, 1e-12);
    CHECK_NEAR(rule("rel_whole", &m), 0, 0);
    CHECK_NEAR(rule("logp", &m), -0.5, 1e-12);
    CHECK_NEAR(rule("es", &m), 1, 0);
    CHECK_NEAR(rule("em", &m), exp(-0.5) - exp(-1), 1e-12);
    m.rival = -1;
    CHECK_NEAR(rule("es", &m), 0, 0); /* as probable a token: no success */
    label[1] = 2;
    CHECK_NEAR(rule("rel_whole", &m), 1, 0);
    for (int i = 0; i < record_metric_count; i++)
        CHECK(isnan(record_metrics[i].rule(&none)));
    m.said = said;
    m.wanted = wanted;
    CHECK_NEAR(rule("rel_em", &m), 1, 0);
}

static int *ids_of(const json_t *list, int *count)
{
    int *id = xcalloc(json_array_size(list) + 1, sizeof(*id));

    *count = (int)json_array_size(list);
    for (int i = 0; i < *count; i++)
        id[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return id;
}

/* Appends the measures of a question: teacher-forced and generated ones, one an answer. */
static void add_question(struct measure *m, int *count, const json_t *question, int place)
{
    json_t *answers = json_object_get(question, "answers"), *fed;
    int n = (int)json_array_size(answers);

    for (int i = 0; i < 2 * n; i++) {
        struct measure *one = &m[(*count)++];

        *one = (struct measure){.probe = MEASURE_PORT, .place = place, .alias = i % n};
        one->protocol = i < n ? PROTOCOL_TEACHER : PROTOCOL_GENERATED;
        if (i < n) {
            fed = json_array_get(json_object_get(question, "teacher"), (size_t)i);
            one->predicted = ids_of(json_object_get(fed, "predicted"), &one->predicteds);
            one->label = ids_of(json_object_get(fed, "labels"), &one->labels);
        } else {
            one->said = xstrdup(text_at(question, "said"));
            one->wanted = xstrdup(json_string_value(json_array_get(answers, (size_t)(i - n))));
        }
    }
}

static void check_matched(const struct measure *m, int count, const json_t *question, int place)
{
    json_t *matched = json_object_get(question, "matched");

    for (int i = 0; i < count; i++) {
        json_t *best = json_object_get(matched, measure_protocol_name(m[i].protocol));

        if (m[i].place == place)
            CHECK(measure_matched(m, count, i) ==
                  (json_is_integer(best) && json_integer_value(best) == m[i].alias));
    }
}

/* Right if any answer is; the best one counts, and for one metric their mean. */
static void any_right_answer_counts(void)
{
    json_t *all = json_load_file("tests/data/aliases.json", 0, NULL), *r, *q;
    size_t at, place;
    int several = 0;

    CHECK(json_array_size(all) == 4);
    json_array_foreach(all, at, r)
    {
        json_t *metrics = json_object_get(r, "metrics"),
               *questions = json_object_get(r, "questions");
        struct measure m[32];
        int count = 0;

        json_array_foreach(questions, place, q) add_question(m, &count, q, (int)place);
        json_array_foreach(questions, place, q) check_matched(m, count, q, (int)place);
        for (int i = 0; i < record_metric_count; i++) {
            json_t *want = json_object_get(metrics, record_metrics[i].json);
            double got = record_metric_value(&record_metrics[i], m, count);

            CHECK(isnan(got) == !want);
            if (want)
                CHECK_NEAR(got, json_number_value(want), 1e-12);
            several += want != NULL;
        }
        for (int i = 0; i < count; i++)
            measure_free(&m[i]);
    }
    CHECK(several == 4 * 4);
    json_decref(all);
}

static void names_are_found(void)
{
    CHECK(measure_name_find(measure_when_name, "final") == WHEN_FINAL);
    CHECK(measure_name_find(measure_protocol_name, "chat") == PROTOCOL_CHAT);
    CHECK(measure_name_find(measure_probe_name, "nothing") == -1);
    for (int i = 0; i < record_metric_count; i++) {
        CHECK(record_metrics[i].table >= 0 && record_metrics[i].table <= RECORD_TABLES);
        for (int k = 0; k < i; k++)
            CHECK(strcmp(record_metrics[i].json, record_metrics[k].json) != 0);
    }
}

static const struct test tests[] = {{"generated answers are compared", answers_are_compared},
                                    {"metrics of a measure", metrics_of_a_measure},
                                    {"any right answer counts", any_right_answer_counts},
                                    {"names", names_are_found}};

int main(void)
{
    return test_main(tests, sizeof(tests) / sizeof(*tests));
}
