/* Executes a Python program that a model wrote, shut in: python3 in user, network, process and
 * mount namespaces of its own, so without network, with every file read-only but those of an empty
 * folder in memory, without input and environment, and with limits of time, memory, processes and
 * files. Where the system does not give these namespaces nothing is ever executed. Any thread. */
#ifndef CORE_EVAL_TASK_EXEC_H
#define CORE_EVAL_TASK_EXEC_H

#include <stdbool.h>

#include "core/base/err.h"

struct exec_limits {
    int seconds;   /* of the clock, and of CPU time */
    int megabytes; /* of memory */
};
extern const struct exec_limits task_exec_limits; /* of tasks */

/* Whether programs can be executed here. ERR_STATE says what is missing. */
bool task_exec_possible(struct err *err);
/* Executes the program. *passes: it came to its end, without an exception and not before it,
 * within the limits. False: it could not be shut in or begun. */
bool task_exec(const char *program, const struct exec_limits *limits, bool *passes,
               struct err *err);

#endif
