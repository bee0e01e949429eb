/* What HumanEval's task says of a program without executing it. Any thread. */
#ifndef CORE_EVAL_TASK_HUMANEVAL_H
#define CORE_EVAL_TASK_HUMANEVAL_H

#include <stdbool.h>

/* Whether the brackets and quotes of a piece of Python are balanced, comments left out. */
bool python_balanced(const char *code);

#endif
