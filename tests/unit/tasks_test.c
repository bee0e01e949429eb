/* Ability tasks against lm-evaluation-harness's rules, restated in Python and run on the same cases
 * (tests/reference/tasks.py): what is taken from an answer, prompts, ids, scores. */
#include <jansson.h>
#include <stdlib.h>

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/eval/task_ask.h"
#include "core/eval/task_humaneval.h"
#include "tests/folder.h"
#include "tests/test.h"

#define SAMPLES "samples/data"

static json_t *data; /* tests/data/tasks.json */
static char folder[64];

static const char *text_at(const json_t *o, const char *name)
{
    const char *text = json_string_value(json_object_get(o, name));

    return text ? text : "";
}

static bool is_true(const json_t *o, const char *name)
{
    return json_is_true(json_object_get(o, name));
}

/* ---- filters ---- */

/* The question that a case is about; its texts are borrowed. */
static struct task_question question_of(const json_t *c, char *option[2])
{
    return (struct task_question){.subtask = (char *)text_at(c, "subtask"),
                                  .text = (char *)text_at(c, "question"),
                                  .answer = (char *)text_at(c, "gold"),
                                  .option = option,
                                  .options = 2,
                                  .gold = 1};
}

static void answers_are_filtered(void)
{
    json_t *all = json_object_get(data, "filters"), *c;
    char no[] = "no", yes[] = "yes", *option[2] = {no, yes};
    int rights = 0;
    size_t at;

    CHECK(json_array_size(all) == 11 * 50);
    json_array_foreach(all, at, c)
    {
        const struct task *task = task_find(text_at(c, "task"));
        struct task_question q = question_of(c, option);
        struct task_answer a = {.said = xstrdup(text_at(c, "said"))};

        CHECK(task != NULL);
        task->judge(&q, &a, NULL);
        if (strcmp(a.predicted, text_at(c, "predicted")) != 0)
            printf("%s: of '%s'\n", text_at(c, "subtask"), a.said);
        CHECK_STR(a.predicted, text_at(c, "predicted"));
        CHECK((a.score[0] > 0) == is_true(c, "right"));
        if (json_object_get(c, "strict"))
            CHECK((a.score[1] > 0) == is_true(c, "strict"));
        rights += a.score[0] > 0;
        task_answer_free(&a);
    }
    CHECK(rights > 100 && rights < 450);
}

static void programs_are_cut(void)
{
    json_t *all = json_object_get(data, "programs"), *c;
    int balanced = 0;
    size_t at;

    CHECK(json_array_size(all) == 50);
    json_array_foreach(all, at, c)
    {
        char *body = xstrdup(text_at(c, "raw"));

        task_cut(&task_humaneval, body);
        CHECK_STR(body, text_at(c, "body"));
        CHECK(python_balanced(body) == is_true(c, "balanced"));
        balanced += is_true(c, "balanced");
        free(body);
    }
    CHECK(balanced > 5 && balanced < 45);
}

/* ---- prompts ---- */

/* The question of a case; NULL: the samples have none. */
static const struct task_question *question_find(const struct task_set *set, const json_t *c)
{
    for (int i = 0; i < set->ask.count; i++)
        if (!strcmp(set->ask.question[i].subtask, text_at(c, "subtask")) &&
            set->ask.question[i].index == json_integer_value(json_object_get(c, "index")))
            return &set->ask.question[i];
    return NULL;
}

/* The first 16 digits of the hash of the context and, of a choice, of what continues it. */
static void digest_of(const struct task_set *set, const struct task_question *q, char name[17])
{
    struct buf text = {0};

    task_put_context(set, q, &text);
    for (int i = 0; !set->task->tokens && i < q->options; i++) {
        buf_add(&text, "", 1);
        buf_puts(&text, " ");
        set->task->put_option(q, i, &text);
    }
    sha256_name(text.data, text.len, name);
    buf_free(&text);
}

static void prompts_of(const struct task *task)
{
    const struct task_wish wish = {.task = task, .folder = (char *)SAMPLES, .shots = -1};
    json_t *all = json_object_get(data, "prompts"), *c;
    struct task_set set;
    struct err err = {0};
    char name[17];
    int seen = 0;
    size_t at;

    CHECK(task_set_load(&set, &wish, &err));
    CHECK_STR(err.text, "");
    json_array_foreach(all, at, c)
    {
        const struct task_question *q;

        if (strcmp(text_at(c, "task"), task->name) != 0)
            continue;
        q = question_find(&set, c);
        CHECK(q != NULL);
        if (q)
            digest_of(&set, q, name);
        CHECK_STR(q ? name : "", text_at(c, "digest"));
        seen++;
    }
    CHECK(seen == set.ask.count || task == &task_mmlu_generative);
    task_set_free(&set);
}

static void prompts_are_the_harness_s(void)
{
    for (int i = 0; task_at(i); i++)
        prompts_of(task_at(i));
}

/* The generated form asks what the choice by letters asks, and examples come before both. */
static void examples_come_first(void)
{
    static const char csv[] = "\"Which, \"\"then\"\"?\n\",a,b,\"c,d\",e,C\n";
    static const char want[] =
        "The following are multiple choice questions (with answers) about high art.\n\n"
        "Which, \"then\"?\nA. a\nB. b\nC. c,d\nD. e\nAnswer: C\n\n"
        "Which, \"then\"?\nA. a\nB. b\nC. c,d\nD. e\nAnswer:";
    char *test = xasprintf("%s/mmlu/test/high_art_test.csv", folder);
    char *dev = xasprintf("%s/mmlu/dev/high_art_dev.csv", folder);
    const struct task *task[] = {&task_mmlu, &task_mmlu_generative};
    struct err err = {0};

    CHECK(file_make_parents(test, NULL) && file_make_parents(dev, NULL));
    CHECK(file_write(test, csv, sizeof(csv) - 1, NULL));
    CHECK(file_write(dev, csv, sizeof(csv) - 1, NULL));
    for (int i = 0; i < 2; i++) {
        struct task_wish wish = {.task = task[i], .folder = folder, .shots = 1};
        struct task_set set;
        struct buf text = {0};

        CHECK(task_set_load(&set, &wish, &err) && set.ask.count == 1);
        task_put_context(&set, &set.ask.question[0], &text);
        CHECK_STR(text.data, want);
        buf_free(&text);
        task_set_free(&set);
        wish.shots = 2;
        CHECK(!task_set_load(&set, &wish, &err) && err.kind == ERR_USAGE);
        CHECK(strstr(err.text, "fewer than 2 worked examples"));
        err = (struct err){0};
    }
    free(test);
    free(dev);
}

/* ---- ids ---- */

static bool same_ids(const int *id, int count, const json_t *list)
{
    bool same = (size_t)count == json_array_size(list);

    for (int i = 0; same && i < count; i++)
        same = id[i] == json_integer_value(json_array_get(list, (size_t)i));
    return same;
}

static void continuations_are_split(void)
{
    json_t *all = json_object_get(data, "continuations"), *c;
    size_t at;
    int with_bos = 0;

    CHECK(json_array_size(all) == 50);
    json_array_foreach(all, at, c)
    {
        char *path = xasprintf("tests/data/tokenizer/%s.json", text_at(c, "tokenizer"));
        struct tokenizer *t = tokenizer_from_json(path, NULL);
        struct continuation k;
        int bos, count;

        CHECK(t && task_tokens(&k, t, text_at(c, "context"), text_at(c, "option"), true, NULL));
        CHECK(same_ids(k.prompt, k.prompt_count, json_object_get(c, "prompt")));
        CHECK(same_ids(k.token, k.count, json_object_get(c, "ids")));
        bos = tokenizer_adds_bos(t);
        with_bos += bos;
        count = k.prompt_count;
        continuation_free(&k);
        CHECK(task_tokens(&k, t, text_at(c, "context"), text_at(c, "option"), false, NULL));
        CHECK(k.prompt_count == count - bos);
        CHECK(same_ids(k.token, k.count, json_object_get(c, "ids")));
        continuation_free(&k);
        tokenizer_free(t);
        free(path);
    }
    CHECK(with_bos > 0);
}

/* ---- scores and sets ---- */

static void errors_are_pooled(void)
{
    json_t *all = json_object_get(data, "errors"), *c;
    size_t at;

    json_array_foreach(all, at, c)
    {
        json_t *groups = json_object_get(c, "groups");
        struct task_answer a[64] = {{0}};
        static char name[][2] = {"a", "b", "c", "d", "e"};
        struct task_score s;
        int n = 0;

        for (size_t g = 0; g < json_array_size(groups); g++)
            for (size_t i = 0; i < json_array_size(json_array_get(groups, g)); i++) {
                a[n].subtask = name[g];
                a[n++].score[1] = json_number_value(json_array_get(json_array_get(groups, g), i));
            }
        a[n].subtask = name[0];
        a[n].score[1] = (double)NAN; /* does not count */
        s = task_score_of(a, n + 1, 1);
        CHECK(s.n == n);
        CHECK_NEAR(s.value, json_number_value(json_object_get(c, "value")), 1e-12);
        CHECK_NEAR(s.error, json_number_value(json_object_get(c, "error")), 1e-12);
    }
    CHECK(json_array_size(all) == 10);
}

/* So many questions are of all subtasks. */
static void a_part_is_of_all_subtasks(void)
{
    const struct task_wish wish = {
        .task = &task_bbh_zeroshot, .folder = (char *)SAMPLES, .records = 30};
    struct task_set set;

    CHECK(task_set_load(&set, &wish, NULL) && set.ask.count == 30);
    for (int i = 0; i < set.ask.count; i++) {
        CHECK(set.ask.question[i].index == 1 + i / 27);
        CHECK(!i || i == 27 ||
              strcmp(set.ask.question[i - 1].subtask, set.ask.question[i].subtask) < 0);
    }
    task_set_free(&set);
}

static void put_file(const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);

    CHECK(file_make_parents(path, NULL) && file_write(path, text, strlen(text), NULL));
    free(path);
}

static void refused(const struct task *task, enum err_kind kind, const char *words)
{
    const struct task_wish wish = {.task = task, .folder = folder, .shots = -1};
    struct task_set set;
    struct err err = {0};

    CHECK(!task_set_load(&set, &wish, &err));
    if (!strstr(err.text, words))
        printf("%s\n", err.text);
    CHECK(err.kind == kind && strstr(err.text, words));
}

static void damaged_data_is_refused(void)
{
    refused(&task_humaneval, ERR_USAGE, "no questions of humaneval");
    put_file("humaneval/a.jsonl", "{\"prompt\":\"x\",\"test\":\"y\"}\n");
    refused(&task_humaneval, ERR_FORMAT, "a.jsonl, record 1: no text \"entry_point\"");
    put_file("bbh/nothing.json", "{\"examples\":[{\"input\":\"x\",\"target\":\"y\"}]}");
    refused(&task_bbh_zeroshot, ERR_FORMAT, "none of the 27 subtasks");
    put_file("gsm8k/test.jsonl", "{\"question\":\"a\",\"answer\":\"b\"}\n\n{oh\n");
    refused(&task_gsm8k, ERR_FORMAT, "test.jsonl, record 3: not JSON");
    put_file("gsm8k/test.jsonl", "{\"question\":\"a\",\"question\":\"b\",\"answer\":\"c\"}");
    refused(&task_gsm8k, ERR_FORMAT, "not JSON");
    put_file("commonsense_qa/a.jsonl",
             "{\"question\":\"a\",\"choices\":[\"b\",\"c\"],\"answer\":2}\n");
    refused(&task_commonsense_qa, ERR_FORMAT, "names none of 2 choices");
    put_file("mmlu/test/z.csv", "question,a,b,c,d,answer\nq,1,2,3,4,E\n");
    refused(&task_mmlu, ERR_FORMAT, "z.csv, record 2: the answer 'E'");
    put_file("mmlu/test/z.csv", "\"q,1,2,3,4,A\n");
    refused(&task_mmlu, ERR_FORMAT, "an open quote");
    put_file("mmlu/test/z.csv", "q,1,2,3,4\n");
    refused(&task_mmlu, ERR_FORMAT, "5 cells");
}

/* The method page names every task and score. */
static void the_manual_names_all(void)
{
    char *page = file_read("man/editscope-method.7", 1 << 24, NULL, NULL);
    const char *section = page ? strstr(page, ".Ss 14.7") : NULL;

    CHECK(section != NULL);
    for (int i = 0; section && task_at(i); i++) {
        CHECK(strstr(section, task_at(i)->name) && *task_at(i)->help);
        for (int k = 0; k < TASK_SCORES && task_at(i)->score[k]; k++)
            CHECK(strstr(section, task_at(i)->score[k]));
    }
    free(page);
}

static const struct test tests[] = {
    {"answers are filtered as by the harness", answers_are_filtered},
    {"programs are cut, brackets counted", programs_are_cut},
    {"prompts are the harness's", prompts_are_the_harness_s},
    {"examples come before the question", examples_come_first},
    {"continuations are split", continuations_are_split},
    {"errors are pooled", errors_are_pooled},
    {"a part is of all subtasks", a_part_is_of_all_subtasks},
    {"damaged data is refused", damaged_data_is_refused},
    {"the manual names all tasks", the_manual_names_all}};

int main(void)
{
    int failed;

    if (!folder_make(folder, sizeof(folder)))
        return 1;
    data = json_load_file("tests/data/tasks.json", 0, NULL);
    failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    json_decref(data);
    folder_remove(folder);
    return failed;
}
