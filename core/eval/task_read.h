/* Reads the data files of ability tasks: tables of comma-separated values, and JSON objects, one a
 * line. Files of benchmarks are read as their publishers write them. Any thread. */
#ifndef CORE_EVAL_TASK_READ_H
#define CORE_EVAL_TASK_READ_H

#include <jansson.h>

#include "core/eval/task.h"

/* A new question of the list, all of it zero but the subtask. */
struct task_question *task_question_add(struct task_questions *all, const char *subtask);
void task_questions_free(struct task_questions *all);
/* Appends an option to the question. */
void task_option_add(struct task_question *q, const char *text);

/* The files of FOLDER/NAME that end in `ending`, as paths in the order of their names; none where
 * the folder is not there. Caller frees each and the array. */
char **task_files(const char *folder, const char *name, const char *ending, int *count);
/* The file's name without folder and ending, without "_test" or "_dev". Caller frees. */
char *task_subtask_of(const char *path);

/* Calls `take` for each record of the file; it returns false with err on one that is damaged, which
 * then names file and record. A record of comma-separated values has `cells` cells. */
typedef bool task_take_cells(struct task_questions *out, const char *subtask, char *const *cell,
                             int cells, struct err *err);
bool task_read_csv(struct task_questions *out, const char *path, task_take_cells *take,
                   struct err *err);
typedef bool task_take_json(struct task_questions *out, const char *subtask, const json_t *record,
                            struct err *err);
/* Objects one a line, or an object whose "examples" are a list of them. */
bool task_read_json(struct task_questions *out, const char *path, task_take_json *take,
                    struct err *err);
/* The same of the first file FOLDER/NAME/BEGINNING*.jsonl by its name, if there is one. */
bool task_read_lines(struct task_questions *out, const char *folder, const char *name,
                     const char *beginning, task_take_json *take, struct err *err);
/* A text of a record, borrowed; NULL with err: it has none of this name. */
const char *task_text(const json_t *record, const char *name, struct err *err);

/* The text without white space at both ends, as Python's strip() has it. Caller frees. */
char *task_stripped(const char *text);

#endif
