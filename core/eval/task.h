/* Ability tasks: questions of public benchmarks that a state is asked, so that a run of `editscope
 * eval` shows what edits did to the model at large (editscope-method(7) 14.7). Prompts, filters and
 * scores are those of lm-evaluation-harness.
 *
 *     set = mmlu, of a folder        question 1 of anatomy, question 1 of astronomy, ...
 *     task_ask(set, question)        -> an answer: what was said, what was taken from it, scores
 *     task_score_of(answers)         -> the mean of each score, with its standard error
 *
 * To add a task, add its name to TASKS and a file that ends in `const struct task task_NAME`. Help,
 * completion, tables and JSON follow from the row. Plain data; any thread. */
#ifndef CORE_EVAL_TASK_H
#define CORE_EVAL_TASK_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"

#define TASKS(X)            \
    X(mmlu)                 \
    X(mmlu_cloze)           \
    X(mmlu_generative)      \
    X(commonsense_qa)       \
    X(commonsense_qa_cloze) \
    X(gsm8k)                \
    X(bbh_zeroshot)         \
    X(humaneval)

enum { TASK_SCORES = 3, TASK_OPTIONS_MOST = 26, TASK_STOPS = 6 };

/* A question as its data file has it; texts are owned. */
struct task_question {
    char *subtask; /* "anatomy"; "": the task has none */
    int index;     /* in the file of its subtask, from 1 */
    char *text;
    char **option; /* [options] of a choice; NULL: none */
    int options, gold;
    char *answer; /* what is right, or the worked answer that an example shows; of a choice NULL */
    char *test, *entry; /* of a program: what tests it, and the function that is tested */
};

struct task_questions {
    struct task_question *question;
    int count;
};

/* What a state said to one question. */
struct task_answer {
    int sequence, edits; /* as in struct measure; sequence 0: the base */
    char *task, *subtask;
    int index;
    char *said;      /* what was generated; of a choice the option that is most probable */
    char *predicted; /* what was taken from it */
    char *gold;
    double score[TASK_SCORES]; /* by the task's row; NAN: not a number of this question */
    double *logp;              /* [logps] of each option; a generated answer has none */
    int logps;
};

struct task {
    const char *name;                 /* "mmlu", as --tasks takes it */
    const char *help;                 /* what it asks, part of a sentence */
    const char *score[TASK_SCORES];   /* "acc", ...; the first one says whether it is right */
    bool is_log[TASK_SCORES];         /* of a score: a log p; else 0 or 1 of each question */
    int shots;                        /* worked examples before a question; -1: it takes none */
    int tokens;                       /* generated at most; 0: a choice by log-likelihood */
    const char *stop[TASK_STOPS + 1]; /* what ends a generated answer; NULL ends the list */
    /* Appends the questions of the data folder, and what examples are made of. */
    bool (*read)(struct task_questions *out, struct task_questions *examples, const char *folder,
                 struct err *err);
    /* Appends what stands before examples and the question; NULL: nothing. */
    void (*describe)(const struct task_question *q, struct buf *out);
    /* Appends the question as it is put to the model, up to where the answer begins. */
    void (*put)(const struct task_question *q, struct buf *out);
    /* Appends the text of option i; of another task (i is 0) the answer of an example. A space is
     * put before it. */
    void (*put_option)(const struct task_question *q, int i, struct buf *out);
    /* Sets predicted, gold and scores from said or logp. `base`: what the base said; NULL: this is
     * the base. */
    void (*judge)(const struct task_question *q, struct task_answer *a,
                  const struct task_answer *base);
    /* Executes the program that was written, where that is allowed, and sets its score; NULL: there
     * is nothing to execute. */
    bool (*execute)(const struct task_question *q, struct task_answer *a, struct err *err);
};
#define X(name) extern const struct task task_##name;
TASKS(X)
#undef X

/* The i-th task; NULL past the last. By its name; NULL: there is none. */
const struct task *task_at(int i);
const struct task *task_find(const char *name);

/* What is asked of a state. */
struct task_wish {
    const struct task *task;
    char *folder;        /* of the data of all tasks, owned */
    int records;         /* so many questions at most; 0: all */
    int shots;           /* examples before each question; -1: as many as the task has */
    bool run;            /* execute programs (task_exec.h) */
    bool no_bos;         /* no BOS before a question, even if the tokenizer adds one */
    int sequence, edits; /* of the state, as in struct measure */
};

/* The questions of a task that are asked. Of several subtasks the first question of each comes
 * first, then the second of each, so that a part of a set is of all of them. */
struct task_set {
    const struct task *task;
    struct task_questions ask, examples;
    int shots;
    bool no_bos; /* of the wish */
};
/* ERR_IO, ERR_FORMAT: the data is damaged; ERR_USAGE: it is not there, or has too few examples;
 * ERR_STATE: programs shall be executed and cannot be. Free with task_set_free(). */
bool task_set_load(struct task_set *set, const struct task_wish *wish, struct err *err);
void task_set_free(struct task_set *set);
/* Appends all that is put to the model with a question, up to where the answer begins. */
void task_put_context(const struct task_set *set, const struct task_question *q, struct buf *out);
/* A generated text up to its first stop string. */
void task_cut(const struct task *task, char *said);

void task_answer_free(struct task_answer *a);             /* frees what it owns, zeroes it */
void task_answers_free(struct task_answer *a, int count); /* and the array */

/* The mean of a score over answers of one task, so that a subtask counts by its size; its standard
 * error; and of how many. The error is of deviations within subtasks, as the harness pools them;
 * where a subtask has one question only, of those from the mean of all. NAN: there are too few. */
struct task_score {
    double value, error;
    int n;
};
struct task_score task_score_of(const struct task_answer *a, int count, int score);

/* The numbers of a run that a score becomes, and how their names end: "mmlu.acc", "mmlu.acc.error",
 * "mmlu.acc.n". */
enum task_number { TASK_VALUE, TASK_ERROR, TASK_COUNT, TASK_NUMBERS };
extern const char *const task_number_ending[TASK_NUMBERS];
void task_number_name(const struct task *task, int score, enum task_number number, char *out,
                      size_t size);
/* Whether a number has the name of a value, of any task. */
bool task_number_is_score(const char *name);
/* Whether it is a share of questions, from 0 to 1. */
bool task_number_is_share(const char *name);

#endif
