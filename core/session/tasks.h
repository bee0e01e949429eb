/* What states of a run said to ability tasks, in its session file (editscope-session(5), table
 * task_answers). As in measures.h, a session belongs to one thread, and what a function has written
 * when it returns true is on the disk. The table is made with those of the measures. */
#ifndef CORE_SESSION_TASKS_H
#define CORE_SESSION_TASKS_H

#include "core/eval/task.h"
#include "core/session/session.h"

/* Writes answers in one transaction. What is there already stays as it is. */
bool session_add_task_answers(struct session *s, const struct task_answer *a, int count,
                              struct err *err);
/* The answers of one state to one task (sequence, edits and task of `like`), or of the whole run
 * (NULL), in the order they were written. The caller frees them with task_answers_free(). */
bool session_task_answers(struct session *s, const struct task_answer *like, struct task_answer **a,
                          int *count, struct err *err);

#endif
