/* The list of ability tasks, their sets of questions, and the mean of their scores. */
#include "core/eval/task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/eval/task_exec.h"
#include "core/eval/task_read.h"

static const struct task *const tasks[] = {
#define X(name) &task_##name,
    TASKS(X)
#undef X
};

const struct task *task_at(int i)
{
    return i < (int)(sizeof(tasks) / sizeof(*tasks)) ? tasks[i] : NULL;
}

const struct task *task_find(const char *name)
{
    for (int i = 0; task_at(i); i++)
        if (!strcmp(task_at(i)->name, name))
            return task_at(i);
    return NULL;
}

static void question_free(struct task_question *q)
{
    free(q->subtask);
    free(q->text);
    texts_free(q->option, q->options);
    free(q->answer);
    free(q->test);
    free(q->entry);
}

void task_questions_free(struct task_questions *all)
{
    for (int i = 0; i < all->count; i++)
        question_free(&all->question[i]);
    free(all->question);
    *all = (struct task_questions){0};
}

void task_answer_free(struct task_answer *a)
{
    free(a->task);
    free(a->subtask);
    free(a->said);
    free(a->predicted);
    free(a->gold);
    free(a->logp);
    *a = (struct task_answer){0};
}

void task_answers_free(struct task_answer *a, int count)
{
    for (int i = 0; i < count; i++)
        task_answer_free(&a[i]);
    free(a);
}

/* ---- sets ---- */

/* The first questions of all subtasks, then the second ones. */
static int compare_questions(const void *a, const void *b)
{
    const struct task_question *x = a, *y = b;

    return x->index != y->index ? (x->index > y->index) - (x->index < y->index)
                                : strcmp(x->subtask, y->subtask);
}

/* The i-th example of the question's subtask; NULL: it has fewer. */
static const struct task_question *example_of(const struct task_set *set,
                                              const struct task_question *q, int i)
{
    for (int k = 0; k < set->examples.count; k++)
        if (!strcmp(set->examples.question[k].subtask, q->subtask) && !i--)
            return &set->examples.question[k];
    return NULL;
}

static bool has_examples(const struct task_set *set, struct err *err)
{
    for (int i = 0; set->shots && i < set->ask.count; i++) {
        const struct task_question *q = &set->ask.question[i];

        if (!example_of(set, q, set->shots - 1))
            return err_set(err, ERR_USAGE,
                           "%s%s%s: the data has fewer than %d worked examples; give "
                           "--task-shots a smaller number, or --task-data another folder",
                           set->task->name, *q->subtask ? " " : "", q->subtask, set->shots);
    }
    return true;
}

bool task_set_load(struct task_set *set, const struct task_wish *wish, struct err *err)
{
    const struct task *t = wish->task;
    struct task_questions *ask = &set->ask;

    *set = (struct task_set){
        .task = t, .shots = wish->shots >= 0 ? wish->shots : t->shots, .no_bos = wish->no_bos};
    if (t->shots < 0)
        set->shots = 0;
    if (wish->run && t->execute && !task_exec_possible(err))
        return false;
    if (!t->read(ask, &set->examples, wish->folder, err) ||
        (!ask->count && !err_set(err, ERR_USAGE,
                                 "%.300s: no questions of %s; editscope(1) says "
                                 "what --task-data holds",
                                 wish->folder, t->name))) {
        task_set_free(set);
        return false;
    }
    qsort(ask->question, (size_t)ask->count, sizeof(*ask->question), compare_questions);
    for (; wish->records && ask->count > wish->records; ask->count--)
        question_free(&ask->question[ask->count - 1]);
    if (has_examples(set, err))
        return true;
    task_set_free(set);
    return false;
}

void task_set_free(struct task_set *set)
{
    task_questions_free(&set->ask);
    task_questions_free(&set->examples);
    *set = (struct task_set){0};
}

void task_put_context(const struct task_set *set, const struct task_question *q, struct buf *out)
{
    const struct task *t = set->task;

    if (t->describe)
        t->describe(q, out);
    for (int i = 0; i < set->shots; i++) {
        const struct task_question *example = example_of(set, q, i);

        t->put(example, out);
        buf_puts(out, " ");
        t->put_option(example, example->options ? example->gold : 0, out);
        buf_puts(out, "\n\n");
    }
    t->put(q, out);
}

void task_cut(const struct task *task, char *said)
{
    for (int i = 0; task->stop[i]; i++) {
        char *at = strstr(said, task->stop[i]);

        if (at)
            *at = '\0';
    }
}

/* ---- scores ---- */

static bool has_score(const struct task_answer *a, int score)
{
    return !isnan(a->score[score]);
}

/* Whether the i-th answer has the score, and is of this subtask (NULL: of any). */
static bool counts(const struct task_answer *a, int score, const char *subtask)
{
    return has_score(a, score) && (!subtask || !strcmp(a->subtask, subtask));
}

/* The mean of the scores of a subtask (NULL: of all), and the sum of their squared deviations. */
static double mean_of(const struct task_answer *a, int count, int score, const char *subtask,
                      int *n, double *squares)
{
    double mean = 0;

    *n = 0;
    *squares = 0;
    for (int i = 0; i < count; i++) {
        mean += counts(&a[i], score, subtask) ? a[i].score[score] : 0;
        *n += counts(&a[i], score, subtask);
    }
    mean /= *n;
    for (int i = 0; i < count; i++)
        if (counts(&a[i], score, subtask))
            *squares += (a[i].score[score] - mean) * (a[i].score[score] - mean);
    return mean;
}

/* Whether no answer before the i-th one is of its subtask and has the score. */
static bool is_first_of_subtask(const struct task_answer *a, int i, int score)
{
    for (int k = 0; k < i; k++)
        if (counts(&a[k], score, a[i].subtask))
            return false;
    return true;
}

struct task_score task_score_of(const struct task_answer *a, int count, int score)
{
    struct task_score s = {.error = (double)NAN};
    double all, squares, within = 0;
    int subtasks = 0, n;
    bool pairs = true;

    s.value = mean_of(a, count, score, NULL, &s.n, &all);
    for (int i = 0; i < count; i++) {
        if (!has_score(&a[i], score) || !is_first_of_subtask(a, i, score))
            continue;
        mean_of(a, count, score, a[i].subtask, &n, &squares);
        within += squares;
        subtasks++;
        pairs = pairs && n > 1;
    }
    if (s.n > 1)
        s.error = sqrt((pairs ? within / (s.n - subtasks) : all / (s.n - 1)) / s.n);
    return s;
}

const char *const task_number_ending[TASK_NUMBERS] = {"", ".error", ".n"};

void task_number_name(const struct task *task, int score, enum task_number number, char *out,
                      size_t size)
{
    snprintf(out, size, "%s.%s%s", task->name, task->score[score], task_number_ending[number]);
}

bool task_number_is_score(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot && !strchr(dot + 1, '.');
}

bool task_number_is_share(const char *name)
{
    for (int t = 0; task_at(t); t++)
        for (int i = 0; i < TASK_SCORES && task_at(t)->score[i]; i++) {
            char own[64];

            task_number_name(task_at(t), i, TASK_VALUE, own, sizeof(own));
            if (!strcmp(own, name))
                return !task_at(t)->is_log[i];
        }
    return false;
}
