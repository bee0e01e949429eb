/* The ability tasks of a run (editscope-method(7) 14.7): asks the base and the present state the
 * questions of a task, and writes the answers into the session, one transaction each. What is there
 * already is not asked again, so a run that was stopped goes on to the same numbers. When all of a
 * state is answered, its scores are written as numbers of the run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/internal.h"
#include "core/eval/task_ask.h"
#include "core/session/measures.h"
#include "core/session/tasks.h"

/* The answers of one state. */
struct answers {
    const struct model_state *state;
    int sequence, edits;
    struct task_answer *answer; /* [count] */
    int count;
};

static bool answers_read(struct engine *e, const struct task *task, struct answers *all,
                         struct err *err)
{
    const struct task_answer like = {
        .sequence = all->sequence, .edits = all->edits, .task = (char *)task->name};

    return session_task_answers(e->open->journal, &like, &all->answer, &all->count, err);
}

static const struct task_answer *answer_find(const struct answers *all,
                                             const struct task_question *q)
{
    for (int i = 0; i < all->count; i++)
        if (all->answer[i].index == q->index && !strcmp(all->answer[i].subtask, q->subtask))
            return &all->answer[i];
    return NULL;
}

static void emit_answer(struct engine *e, const struct task_answer *a)
{
    struct measures *m = xcalloc(1, sizeof(*m));

    m->answers = 1;
    m->answer = xcalloc(1, sizeof(*m->answer));
    *m->answer = *a;
    m->answer->task = xstrdup(a->task);
    m->answer->subtask = xstrdup(a->subtask);
    m->answer->said = xstrdup(a->said);
    m->answer->predicted = xstrdup(a->predicted);
    m->answer->gold = xstrdup(a->gold);
    if (a->logp) {
        m->answer->logp = xcalloc((size_t)a->logps + 1, sizeof(*a->logp));
        memcpy(m->answer->logp, a->logp, (size_t)a->logps * sizeof(*a->logp));
    }
    engine_emit(e, EV_MEASURES, m);
}

/* Asks the question, unless it was answered. `base`: the base's answers; NULL: these are they. */
static bool question_ask(struct engine *e, const struct task_set *set,
                         const struct task_question *q, struct answers *all,
                         const struct answers *base, bool run, struct err *err)
{
    struct task_answer *a;

    if (answer_find(all, q))
        return true;
    all->answer = xrealloc(all->answer, (size_t)(all->count + 1) * sizeof(*all->answer));
    a = &all->answer[all->count];
    if (!task_ask(a, all->state, set, q, base ? answer_find(base, q) : NULL, run, &e->job, err))
        return false;
    all->count++;
    a->sequence = all->sequence;
    a->edits = all->edits;
    if (!session_add_task_answers(e->open->journal, a, 1, err))
        return false;
    emit_answer(e, a);
    return true;
}

/* The scores of a state that is answered now; numbers that are there stay as they are. */
static bool scores_write(struct engine *e, const struct task *task, const struct answers *all,
                         struct err *err)
{
    struct measures *m = xcalloc(1, sizeof(*m));

    m->number = xcalloc(TASK_NUMBERS * TASK_SCORES, sizeof(*m->number));
    for (int i = 0; i < TASK_SCORES && task->score[i]; i++) {
        const struct task_score s = task_score_of(all->answer, all->count, i);
        const double value[TASK_NUMBERS] = {s.value, s.error, s.n};

        for (int k = 0; s.n && k < TASK_NUMBERS; k++) {
            struct run_number *n = &m->number[m->numbers++];

            *n = (struct run_number){all->sequence, all->edits, "", -1, value[k]};
            task_number_name(task, i, k, n->name, sizeof(n->name));
        }
    }
    if (!session_add_measures(e->open->journal, NULL, 0, m->number, m->numbers, err)) {
        free(m->number);
        free(m);
        return false;
    }
    engine_emit(e, EV_MEASURES, m);
    return true;
}

/* Whether the run has a number of one of them. */
static bool scores_there(struct engine *e, const struct task *task, const struct answers *all,
                         bool *there, struct err *err)
{
    *there = false;
    for (int i = 0; !*there && i < TASK_SCORES && task->score[i]; i++) {
        struct run_number like = {.sequence = all->sequence, .edits = all->edits};

        task_number_name(task, i, TASK_VALUE, like.name, sizeof(like.name));
        if (!session_has_number(e->open->journal, &like, there, err))
            return false;
    }
    return true;
}

/* Writes the scores, unless they are there. */
static bool scores_of(struct engine *e, const struct task *task, const struct answers *all,
                      struct err *err)
{
    bool there;

    return scores_there(e, task, all, &there, err) && (there || scores_write(e, task, all, err));
}

static bool task_run(struct engine *e, const struct task_wish *w, const struct task_set *set,
                     struct answers *base, struct answers *now, struct err *err)
{
    bool ok = answers_read(e, set->task, base, err) && answers_read(e, set->task, now, err);

    for (int i = 0; ok && i < set->ask.count; i++) {
        const struct task_question *q = &set->ask.question[i];

        emit_progress(e, e->job_id, set->task->name, i, set->ask.count);
        ok = question_ask(e, set, q, base, NULL, w->run, err) &&
             question_ask(e, set, q, now, base, w->run, err);
    }
    return ok && scores_of(e, set->task, base, err) && scores_of(e, set->task, now, err);
}

bool job_tasks(struct engine *e, struct command *cmd, struct err *err)
{
    const struct task_wish *w = cmd->tasks;
    struct answers base = {.state = e->base};
    struct answers now = {.state = e->open->edited, .sequence = w->sequence, .edits = w->edits};
    struct task_set set;
    bool ok;

    if (!task_set_load(&set, w, err))
        return false;
    ok = task_run(e, w, &set, &base, &now, err);
    task_answers_free(base.answer, base.count);
    task_answers_free(now.answer, now.count);
    task_set_free(&set);
    return ok;
}
