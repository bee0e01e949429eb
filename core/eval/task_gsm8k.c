/* GSM8K: arithmetic in words, with worked examples before each question. The harness draws other
 * examples for every question by Python's generator; here they are the first of the training file,
 * so that they are the same everywhere. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/eval/task_filters.h"
#include "core/eval/task_read.h"

static bool gsm8k_take(struct task_questions *out, const char *subtask, const json_t *record,
                       struct err *err)
{
    const char *question = task_text(record, "question", err);
    const char *answer = question ? task_text(record, "answer", err) : NULL;
    struct task_question *q;

    (void)subtask;
    if (!answer)
        return false;
    q = task_question_add(out, "");
    q->text = xstrdup(question);
    q->answer = xstrdup(answer);
    return true;
}

static bool gsm8k_read(struct task_questions *out, struct task_questions *examples,
                       const char *folder, struct err *err)
{
    return task_read_lines(out, folder, "gsm8k", "test", gsm8k_take, err) &&
           task_read_lines(examples, folder, "gsm8k", "train", gsm8k_take, err);
}

static void gsm8k_put(const struct task_question *q, struct buf *out)
{
    buf_printf(out, "Question: %s\nAnswer:", q->text);
}

static void gsm8k_put_answer(const struct task_question *q, int i, struct buf *out)
{
    (void)i;
    buf_puts(out, q->answer);
}

static void gsm8k_judge(const struct task_question *q, struct task_answer *a,
                        const struct task_answer *base)
{
    const char *mark = strstr(q->answer, "#### ");
    char *strict = filter_strict_number(a->said);

    (void)base;
    a->predicted = filter_last_number(a->said);
    a->gold = xstrdup(mark ? mark + 5 : q->answer);
    a->score[0] = filtered_numbers_equal(a->predicted, q->answer);
    a->score[1] = filtered_numbers_equal(strict, q->answer);
    free(strict);
}

const struct task task_gsm8k = {.name = "gsm8k",
                                .help = "GSM8K: the last number of a generated solution",
                                .score = {"flexible", "strict"},
                                .shots = 5,
                                .tokens = 256,
                                .stop = {"Question:", "</s>", "<|im_end|>"},
                                .read = gsm8k_read,
                                .put = gsm8k_put,
                                .put_option = gsm8k_put_answer,
                                .judge = gsm8k_judge};
