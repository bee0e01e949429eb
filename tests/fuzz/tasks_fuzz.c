/* Data files of ability tasks, and answers: what is read can be asked, and whatever a model says is
 * judged right or wrong. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/eval/task.h"
#include "core/eval/task_humaneval.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/editscope-fuzz-XXXXXX";

static void folder_remove(void)
{
    static const char *const name[] = {
        "mmlu/test/x.csv",      "mmlu/test", "mmlu", "commonsense_qa/x.jsonl", "commonsense_qa",
        "bbh/web_of_lies.json", "bbh",       "."};

    for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
        char *path = xasprintf("%s/%s", folder, name[i]);

        remove(i + 1 < sizeof(name) / sizeof(*name) ? path : folder);
        free(path);
    }
}

static void read_as(const struct task *task, const char *name, const char *text, size_t size)
{
    const struct task_wish wish = {.task = task, .folder = folder};
    char *path = xasprintf("%s/%s", folder, name);
    struct task_set set;
    struct err err = {0};
    bool ok;

    if (!file_make_parents(path, NULL) || !file_write(path, text, size, NULL))
        abort();
    ok = task_set_load(&set, &wish, &err);
    if (ok != (err.kind == ERR_NONE))
        abort();
    for (int i = 0; ok && i < set.ask.count; i++) {
        const struct task_question *q = &set.ask.question[i];
        struct buf out = {0};

        task_put_context(&set, q, &out);
        if (!out.len || q->index < 1 || q->gold < 0 || (q->options && q->gold >= q->options))
            abort();
        buf_free(&out);
    }
    if (ok)
        task_set_free(&set);
    free(path);
}

static void judge_as(const struct task *task, const char *subtask, const char *said)
{
    char *option[] = {(char *)"no", (char *)"yes"};
    const struct task_question q = {.subtask = (char *)subtask,
                                    .text = (char *)"(A) no\n(B) it's, yes List: b can't a",
                                    .option = option,
                                    .options = 2,
                                    .answer = (char *)"#### 5"};
    struct task_answer a = {.said = xstrdup(said)};

    task->judge(&q, &a, NULL);
    if (!a.predicted || (a.score[0] != 0 && a.score[0] != 1))
        abort();
    task_answer_free(&a);
}

static void judge_all(const char *said)
{
    static const char *const subtask[] = {"snarks",         "web_of_lies",     "word_sorting",
                                          "dyck_languages", "navigate",        "object_counting",
                                          "ruin_names",     "formal_fallacies"};
    char *cut = xstrdup(said);

    for (size_t i = 0; i < sizeof(subtask) / sizeof(*subtask); i++)
        judge_as(&task_bbh_zeroshot, subtask[i], said);
    judge_as(&task_gsm8k, "", said);
    judge_as(&task_mmlu_generative, "", said);
    task_cut(&task_humaneval, cut);
    python_balanced(cut);
    free(cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xcalloc(size + 1, 1);
    static bool made;

    if (!made && (!mkdtemp(folder) || atexit(folder_remove)))
        abort();
    made = true;
    if (size)
        memcpy(text, data, size);
    read_as(&task_mmlu, "mmlu/test/x.csv", text, size);
    read_as(&task_commonsense_qa, "commonsense_qa/x.jsonl", text, size);
    read_as(&task_bbh_zeroshot, "bbh/web_of_lies.json", text, size);
    judge_all(text);
    free(text);
    return 0;
}
