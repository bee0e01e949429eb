/* Questions of tasks put to a state: log-likelihoods of options against those of transformers on
 * the same weights (tests/reference/tasks.py), and where a generated answer ends. */
#include "core/eval/task_ask.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/test.h"

#define FOLDER "tests/data/architectures/llama3"

static struct device *dev;
static struct model_state *base;

/* Asks a question of the cloze form, and compares. */
static void compare_options(const json_t *c)
{
    const json_t *options = json_object_get(c, "options"), *logps = json_object_get(c, "logps");
    struct task_set set = {.task = &task_mmlu_cloze};
    char none[] = "", *option[4];
    struct task_question q = {.subtask = none,
                              .text = (char *)json_string_value(json_object_get(c, "question")),
                              .option = option,
                              .options = (int)json_array_size(options)};
    struct task_answer a;
    struct err err = {0};
    int best = 0;

    for (int i = 0; i < q.options; i++)
        option[i] = (char *)json_string_value(json_array_get(options, (size_t)i));
    CHECK(task_ask(&a, base, &set, &q, NULL, false, NULL, &err));
    CHECK_STR(err.text, "");
    CHECK(a.logps == q.options);
    for (int i = 0; i < a.logps; i++) {
        double want = json_number_value(json_array_get(logps, (size_t)i));

        CHECK(want < -1);
        CHECK_NEAR(a.logp[i], want, 2e-5);
        best = a.logp[i] > a.logp[best] ? i : best;
    }
    CHECK_NEAR(a.score[1], best == 0, 0);
    task_answer_free(&a);
}

static void options_are_transformers(void)
{
    json_t *data = json_load_file("tests/data/tasks.json", 0, NULL), *c;
    size_t at;

    CHECK(json_array_size(json_object_get(data, "logps")) == 5);
    json_array_foreach(json_object_get(data, "logps"), at, c)
    {
        compare_options(c);
    }
    json_decref(data);
}

/* What a task with so many tokens and these stop strings lets the state say. Caller frees. */
static char *said(int tokens, const char *stop, const char *other)
{
    struct task task = task_gsm8k;
    const struct task_set set = {.task = &task};
    char none[] = "", text[] = "How many?", gold[] = "#### 5";
    const struct task_question q = {.subtask = none, .text = text, .answer = gold};
    struct task_answer a;
    char *out;

    task.tokens = tokens;
    task.stop[0] = stop;
    task.stop[1] = other;
    task.stop[2] = NULL;
    CHECK(task_ask(&a, base, &set, &q, NULL, false, NULL, NULL));
    out = a.said;
    a.said = NULL;
    task_answer_free(&a);
    return out;
}

static void answers_end(void)
{
    char *all = said(12, NULL, NULL), *most = said(1000, NULL, NULL), *stop, *cut;

    CHECK(strlen(all) >= 12 && strlen(all) < strlen(most) && !strncmp(most, all, strlen(all)));
    stop = xasprintf("%.2s", all + 5);
    cut = said(12, "no such text", stop);
    CHECK(strlen(cut) <= 5 && !strncmp(all, cut, strlen(cut)) && !strstr(cut, stop));
    CHECK(!strncmp(strstr(all, stop) - strlen(cut), cut, strlen(cut)));
    free(cut);
    free(stop);
    free(most);
    free(all);
}

/* The job stops an answer. */
static void a_cancel_stops(void)
{
    struct job job = {0};
    struct task_set set = {.task = &task_gsm8k};
    char none[] = "", text[] = "How many?";
    const struct task_question q = {.subtask = none, .text = text};
    struct task_answer a;
    struct err err = {0};

    atomic_store(&job.cancel, true);
    CHECK(!task_ask(&a, base, &set, &q, NULL, false, &job, &err) && err.kind == ERR_CANCELLED);
}

static const struct test tests[] = {
    {"options are as probable as transformers has it", options_are_transformers},
    {"a generated answer ends", answers_end},
    {"a cancel stops", a_cancel_stops}};

int main(void)
{
    struct err err = {0};
    struct model *model;
    int failed;

    dev = device_open(&device_cpu, 0, 1, &err);
    model = dev ? model_open(FOLDER, dev, 0, NULL, &err) : NULL;
    if (!model) {
        printf("%s\n", err.text);
        return 1;
    }
    base = state_new(model, 1);
    failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    state_free(base);
    model_close(model);
    device_close(dev);
    return failed;
}
