/* Metrics of measures, and generated answers compared as SQuAD does (tests/reference/answers.py).
 */
#include "core/eval/measure.h"

#include <jansson.h>
#include <stdlib.h>

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
                                    {"names", names_are_found}};

int main(void)
{
    return test_main(tests, sizeof(tests) / sizeof(*tests));
}
