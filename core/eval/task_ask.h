/* Asks a state the questions of a task (editscope-method(7) 14.7). Engine thread; a cancel ends it
 * with false. */
#ifndef CORE_EVAL_TASK_ASK_H
#define CORE_EVAL_TASK_ASK_H

#include "core/eval/answer.h"
#include "core/eval/task.h"

/* The prompt and what continues it as tokens, with BOS if `bos` and the tokenizer adds one: spaces
 * at the end of the prompt belong to what follows, and the continuation is what both together have
 * more than the prompt alone. Free with continuation_free(). */
bool task_tokens(struct continuation *c, const struct tokenizer *t, const char *prompt,
                 const char *answer, bool bos, struct err *err);

/* Asks the question; the answer is judged. Of a prompt that is longer than the model's context its
 * end is read. `base`: what the base said to it; NULL: `state` is the base. `run`: as in struct
 * task_wish. sequence and edits of the answer are the caller's; free it with task_answer_free(). */
bool task_ask(struct task_answer *out, const struct model_state *state, const struct task_set *set,
              const struct task_question *q, const struct task_answer *base, bool run,
              struct job *job, struct err *err);

#endif
