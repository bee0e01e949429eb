/* HumanEval: the body of a Python function is generated. What a program does is known only by
 * executing it, which task_exec.h does where the user allows it. Without that there are two scores
 * that need no execution, and neither is pass@1: whether the body is the one that the base writes,
 * and whether its brackets and quotes are balanced. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/eval/task_exec.h"
#include "core/eval/task_humaneval.h"
#include "core/eval/task_read.h"

static bool humaneval_take(struct task_questions *out, const char *subtask, const json_t *record,
                           struct err *err)
{
    const char *prompt = task_text(record, "prompt", err);
    const char *test = prompt ? task_text(record, "test", err) : NULL;
    const char *entry = test ? task_text(record, "entry_point", err) : NULL;
    struct task_question *q;

    (void)subtask;
    if (!entry)
        return false;
    q = task_question_add(out, "");
    q->text = xstrdup(prompt);
    q->test = xstrdup(test);
    q->entry = xstrdup(entry);
    return true;
}

static bool humaneval_read(struct task_questions *out, struct task_questions *examples,
                           const char *folder, struct err *err)
{
    (void)examples;
    return task_read_lines(out, folder, "humaneval", "", humaneval_take, err);
}

static void humaneval_put(const struct task_question *q, struct buf *out)
{
    buf_puts(out, q->text);
}

/* ---- balance ---- */

/* The end of the string literal that begins at p; NULL: it is not closed. */
static const char *string_end(const char *p)
{
    bool triple = p[1] == *p && p[2] == *p;
    char quote = *p;

    for (p += triple ? 3 : 1; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '\n' && !triple)
            return NULL;
        else if (*p == quote && (!triple || (p[1] == quote && p[2] == quote)))
            return p + (triple ? 3 : 1);
    }
    return NULL;
}

bool python_balanced(const char *code)
{
    static const char open[] = "([{", close[] = ")]}";
    struct buf stack = {0};
    bool ok = true;

    for (const char *p = code; ok && p && *p;) {
        if (*p == '#') {
            p += strcspn(p, "\n");
        } else if (*p == '"' || *p == '\'') {
            p = string_end(p);
            ok = p != NULL;
        } else if (strchr(open, *p)) {
            buf_add(&stack, p++, 1);
        } else if (strchr(close, *p)) {
            ok = stack.len && stack.data[stack.len - 1] == open[strchr(close, *p) - close];
            stack.len -= ok;
            p++;
        } else {
            p++;
        }
    }
    ok = ok && !stack.len;
    buf_free(&stack);
    return ok;
}

/* ---- */

static void humaneval_judge(const struct task_question *q, struct task_answer *a,
                            const struct task_answer *base)
{
    (void)q;
    a->predicted = xstrdup(a->said); /* and no gold: what is right is known by its test */
    a->score[1] = base ? !strcmp(a->said, base->said) : 1;
    a->score[2] = python_balanced(a->said);
}

/* The prompt, the body and the test. */
static bool humaneval_execute(const struct task_question *q, struct task_answer *a, struct err *err)
{
    char *program = xasprintf("%s%s\n%s\ncheck(%s)", q->text, a->said, q->test, q->entry);
    bool passes = false, ok = task_exec(program, &task_exec_limits, &passes, err);

    a->score[0] = passes;
    free(program);
    return ok;
}

const struct task task_humaneval = {
    .name = "humaneval",
    .help = "HumanEval: bodies equal to the base's and balanced; pass@1 with --allow-exec",
    .score = {"pass_at_1", "same", "balanced"},
    .shots = -1,
    .tokens = 1024,
    .stop = {"\nclass", "\ndef", "\n#", "\nif", "\nprint"},
    .read = humaneval_read,
    .put = humaneval_put,
    .judge = humaneval_judge,
    .execute = humaneval_execute};
