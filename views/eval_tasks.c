/* Scores of a run in ability tasks (editscope-method(7) 14.7): of a task from the numbers that the
 * file keeps, of a subtask from the answers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/eval.h"

/* The mean of a score with its interval, if it is of enough questions. */
static struct interval score_interval(const char *name, double value, double error, int n)
{
    struct interval i =
        task_number_is_share(name) ? wilson_interval(value, n) : normal_interval(value, error, n);

    if (n < EVAL_RECORDS_LEAST)
        i.low = i.high = (double)NAN;
    return i;
}

/* ---- tasks ---- */

/* The number that stands beside the value of a score. */
static double beside_score(const struct eval *v, int arm, int edits, const char *score,
                           enum task_number number)
{
    char name[64];

    snprintf(name, sizeof(name), "%.50s%s", score, task_number_ending[number]);
    return eval_state_number(v, arm, edits, name, false);
}

struct eval_score eval_task_score(const struct eval *v, int arm, int edits, const char *name)
{
    double value = beside_score(v, arm, edits, name, TASK_VALUE);
    double n = beside_score(v, arm, edits, name, TASK_COUNT);
    struct eval_score s = {.error = beside_score(v, arm, edits, name, TASK_ERROR)};

    s.of = score_interval(name, value, s.error, isnan(n) ? 0 : (int)n);
    return s;
}

/* ---- subtasks ---- */

/* The part of an answer; the last ones are of the state that is asked now. */
static struct eval_part *part_of(struct eval *v, const struct task_answer *a)
{
    struct eval_part *p;

    for (int i = v->parts - 1; i >= 0; i--) {
        p = &v->part[i];
        if (p->sequence == a->sequence && p->edits == a->edits && !strcmp(p->task, a->task) &&
            !strcmp(p->subtask, a->subtask))
            return p;
    }
    v->part = xrealloc(v->part, (size_t)(v->parts + 1) * sizeof(*v->part));
    p = &v->part[v->parts++];
    *p = (struct eval_part){.sequence = a->sequence,
                            .edits = a->edits,
                            .task = xstrdup(a->task),
                            .subtask = xstrdup(a->subtask)};
    return p;
}

void eval_take_answers(struct eval *v, const struct task_answer *a, int count)
{
    for (int i = 0; i < count; i++) {
        struct eval_part *p = part_of(v, &a[i]);

        for (int k = 0; k < TASK_SCORES; k++)
            if (!isnan(a[i].score[k])) {
                p->sum[k] += a[i].score[k];
                p->n[k]++;
            }
    }
}

const char *eval_subtask(const struct eval *v, const struct task *task, int i)
{
    for (int k = 0; k < v->parts; k++) {
        const struct eval_part *p = &v->part[k];

        if (!p->sequence && *p->subtask && !strcmp(p->task, task->name) && !i--)
            return p->subtask;
    }
    return NULL;
}

struct interval eval_subtask_score(const struct eval *v, int arm, int edits,
                                   const struct task *task, const char *subtask, int score)
{
    double sum = 0;
    int n = 0, orders = 0;
    char name[64];

    for (int i = 0; i < v->parts; i++) {
        const struct eval_part *p = &v->part[i];
        bool ours = arm < 0 ? !p->sequence : p->sequence && (p->sequence - 1) / v->orders == arm;

        if (!ours || p->edits != edits || strcmp(p->task, task->name) != 0 ||
            strcmp(p->subtask, subtask) != 0)
            continue;
        sum += p->sum[score];
        n += p->n[score];
        orders++;
    }
    task_number_name(task, score, TASK_VALUE, name, sizeof(name));
    return score_interval(name, n ? sum / n : (double)NAN, (double)NAN, n ? n / orders : 0);
}
