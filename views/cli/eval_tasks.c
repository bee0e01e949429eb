/* The ability tasks of `editscope eval`: which are asked, of what data, and what came of it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "views/cli/eval.h"

/* ---- the options ---- */

void eval_list_tasks(void)
{
    struct table t = {.name = "tasks"};

    table_layout(&t, "task%-20s  %s");
    for (int i = 0; task_at(i); i++) {
        table_text(&t, task_at(i)->name);
        table_text(&t, task_at(i)->help);
    }
    cli_table(&t);
    table_free(&t);
}

static bool tasks_named(const struct cli *c, struct eval_tasks *t, struct err *err)
{
    char *list = xstrdup(c->value[OPT_TASKS]), *rest = list, *word;
    bool ok = true;

    while (ok && (word = strsep(&rest, ","))) {
        const struct task *task = task_find(word);

        for (int i = 0; ok && i < t->tasks; i++)
            ok = t->task[i] != task || err_set(err, ERR_USAGE, "--tasks names %.40s twice", word);
        if (ok && (!task || t->tasks == EVAL_TASKS))
            ok = err_set(err, ERR_USAGE, "--tasks: '%.40s' is none of" TASKS(TASK_WORD), word);
        if (ok)
            t->task[t->tasks++] = task;
    }
    free(list);
    return ok;
}

/* Options that mean nothing without --tasks. */
static bool no_tasks(const struct cli *c, struct err *err)
{
    static const enum option others[] = {OPT_TASK_RECORDS, OPT_TASK_SHOTS, OPT_TASK_DATA,
                                         OPT_TASK_NO_BOS, OPT_ALLOW_EXEC};

    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (cli_has(c, others[i]))
            return err_set(err, ERR_USAGE, "--%s needs --tasks", option_infos[others[i]].name);
    return true;
}

static bool folder_find(const struct cli *c, struct eval_tasks *t, struct err *err)
{
    t->folder = cli_has(c, OPT_TASK_DATA) ? xstrdup(c->value[OPT_TASK_DATA]) : cli_sample("data");
    return t->folder || err_set(err, ERR_IO,
                                "samples/data is not installed with the program; --task-data "
                                "names another folder");
}

struct task_wish *eval_task_wish(const struct eval_tasks *t, int i, int sequence, int edits)
{
    struct task_wish *w = xcalloc(1, sizeof(*w));

    *w = (struct task_wish){.task = t->task[i],
                            .folder = xstrdup(t->folder),
                            .records = t->records,
                            .shots = t->shots,
                            .run = t->run,
                            .no_bos = t->no_bos,
                            .sequence = sequence,
                            .edits = edits};
    return w;
}

static void questions_digest(const struct task_set *set, struct digest *d)
{
    for (int i = 0; i < set->ask.count; i++) {
        const struct task_question *q = &set->ask.question[i];
        struct buf text = {0};

        task_put_context(set, q, &text);
        for (int k = 0; k < q->options; k++)
            buf_printf(&text, "\n%s", q->option[k]);
        buf_printf(&text, "\n%d%s%s", q->gold, q->answer ? q->answer : "", q->test ? q->test : "");
        digest_add(d, text.data, text.len + 1);
        buf_free(&text);
    }
}

/* Reads all data once: how many questions there are, and which. */
static bool questions_count(struct eval_tasks *t, struct err *err)
{
    struct digest *d = sha256_new();
    bool ok = true;

    for (int i = 0; ok && i < t->tasks; i++) {
        struct task_wish *w = eval_task_wish(t, i, 0, 0);
        struct task_set set;

        ok = task_set_load(&set, w, err);
        if (ok) {
            t->questions += set.ask.count;
            questions_digest(&set, d);
            task_set_free(&set);
        }
        free(w->folder);
        free(w);
    }
    digest_end_hex(d, t->hash);
    return ok;
}

bool eval_tasks_parse(struct cli *c, struct eval_tasks *t, struct err *err)
{
    long records, shots;

    if (!cli_has(c, OPT_TASKS))
        return no_tasks(c, err);
    if (!cli_number(c, OPT_TASK_RECORDS, 1, 1000000, 0, &records, err) ||
        !cli_number(c, OPT_TASK_SHOTS, 0, 100, -1, &shots, err))
        return false;
    t->records = (int)records;
    t->shots = (int)shots;
    t->run = cli_has(c, OPT_ALLOW_EXEC);
    t->no_bos = cli_has(c, OPT_TASK_NO_BOS);
    return tasks_named(c, t, err) && folder_find(c, t, err) && questions_count(t, err);
}

void eval_tasks_free(struct eval_tasks *t)
{
    free(t->folder);
    *t = (struct eval_tasks){0};
}

json_t *eval_tasks_json(const struct eval_tasks *t)
{
    json_t *o = json_object(), *names = json_array();

    for (int i = 0; i < t->tasks; i++)
        json_array_append_new(names, json_string(t->task[i]->name));
    json_object_set_new(o, "names", names);
    json_object_set_new(o, "questions", json_string(t->hash));
    json_object_set_new(o, "executed", json_boolean(t->run));
    if (t->no_bos) /* a run of an older version has no such key */
        json_object_set_new(o, "bos", json_false());
    return o;
}

/* ---- what was measured ---- */

static json_t *reals_json(const double *x, int count)
{
    json_t *list = json_array();

    for (int i = 0; i < count; i++)
        json_array_append_new(list, cli_real(x[i]));
    return list;
}

static json_t *text_or_null(const char *text)
{
    return text ? cli_text(text) : json_null();
}

void eval_print_answers(const struct eval *v, const struct measures *all)
{
    for (int i = 0; i < all->answers; i++) {
        const struct task_answer *a = &all->answer[i];
        const struct task *task = task_find(a->task);
        json_t *o = cli_event("task"), *scores = json_object();

        eval_put_sequence(o, v, a->sequence);
        json_object_set_new(o, "edits", json_integer(a->edits));
        json_object_set_new(o, "task", cli_text(a->task));
        json_object_set_new(o, "subtask", cli_text(a->subtask));
        json_object_set_new(o, "index", json_integer(a->index));
        json_object_set_new(o, "said", text_or_null(a->said));
        json_object_set_new(o, "predicted", text_or_null(a->predicted));
        json_object_set_new(o, "gold", text_or_null(a->gold));
        json_object_set_new(o, "right",
                            isnan(a->score[0]) ? json_null() : json_boolean(a->score[0] > 0));
        for (int k = 0; task && k < TASK_SCORES && task->score[k]; k++)
            json_object_set_new(scores, task->score[k], cli_real(a->score[k]));
        json_object_set_new(o, "scores", scores);
        if (a->logps)
            json_object_set_new(o, "logps", reals_json(a->logp, a->logps));
        cli_print(o);
    }
}

/* A score of an arm, or of the base (-1). */
static struct eval_score score_read(const struct eval *v, int arm, int edits,
                                    const struct task *task, int score)
{
    char name[64];

    task_number_name(task, score, TASK_VALUE, name, sizeof(name));
    return eval_task_score(v, arm, edits, name);
}

/* The same of each subtask. */
static json_t *subtasks_json(const struct eval *v, int arm, int edits, const struct task *task,
                             int score)
{
    json_t *list = json_array();
    const char *subtask;

    for (int i = 0; (subtask = eval_subtask(v, task, i)); i++) {
        struct interval s = eval_subtask_score(v, arm, edits, task, subtask, score);
        struct interval b = eval_subtask_score(v, -1, 0, task, subtask, score);

        if (s.n)
            json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:o, s:i, s:o}", "subtask",
                                                  cli_text(subtask), "value", cli_real(s.value),
                                                  "low", cli_real(s.low), "high", cli_real(s.high),
                                                  "n", s.n, "base", cli_real(b.value)));
    }
    return list;
}

json_t *eval_task_scores(const struct eval *v, int arm, int edits)
{
    json_t *list = json_array();

    for (int t = 0; task_at(t); t++)
        for (int i = 0; i < TASK_SCORES && task_at(t)->score[i]; i++) {
            struct eval_score s = score_read(v, arm, edits, task_at(t), i);
            struct eval_score b = score_read(v, -1, 0, task_at(t), i);

            if (s.of.n)
                json_array_append_new(
                    list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:i, s:o, s:o, s:o}", "task",
                                    task_at(t)->name, "score", task_at(t)->score[i], "value",
                                    cli_real(s.of.value), "low", cli_real(s.of.low), "high",
                                    cli_real(s.of.high), "error", cli_real(s.error), "n", s.of.n,
                                    "base", cli_real(b.of.value), "base_error", cli_real(b.error),
                                    "subtasks", subtasks_json(v, arm, edits, task_at(t), i)));
        }
    return list;
}

static void score_row(struct table *t, const char *arm, int edits, const struct task *task,
                      int score, const struct eval_score *s)
{
    table_text(t, task->name);
    table_text(t, task->score[score]);
    table_text(t, arm);
    table_integer(t, edits);
    eval_interval_cell(t, &s->of);
    table_real(t, s->error);
    table_integer(t, s->of.n);
}

static void score_rows(struct table *t, const struct eval *v, const struct task *task, int score)
{
    struct eval_score s = score_read(v, -1, 0, task, score);

    if (!s.of.n)
        return;
    score_row(t, "(base)", 0, task, score, &s);
    for (int a = 0; a < v->arms; a++)
        for (int k = 0; k < v->checkpoints; k++) {
            s = score_read(v, a, v->checkpoint[k], task, score);
            score_row(t, v->arm[a].name, v->checkpoint[k], task, score, &s);
        }
}

enum { SUBTASKS_SHOWN = 30, ARMS_SHOWN = 6 }; /* more of them are no table to read */

/* How many subtasks a task has, and the questions of the smallest one. */
static int subtasks_count(const struct eval *v, const struct task *task, int *least)
{
    const char *subtask;
    int n = 0;

    *least = 0;
    for (; (subtask = eval_subtask(v, task, n)); n++) {
        int questions = eval_subtask_score(v, -1, 0, task, subtask, 0).n;

        *least = n && *least < questions ? *least : questions;
    }
    return n;
}

/* A column of an arm: its name without the sign of a layout. */
static void arm_column(struct table *t, const char *arm)
{
    char name[40], column[80];

    show_print(name, sizeof(name), "%.16s", arm);
    for (char *p = name; (p = strchr(p, '%'));)
        *p = '_';
    snprintf(column, sizeof(column), "  %s%%16.3f", name);
    table_layout(t, column);
}

/* The first score of each subtask of a task, the base and each arm side by side. */
static void print_subtasks(const struct eval *v, const struct task *task)
{
    struct table t = {.name = "subtasks"};
    int least, n = subtasks_count(v, task, &least);
    const char *subtask;

    if (!n)
        return;
    if (n > SUBTASKS_SHOWN || v->arms > ARMS_SHOWN || least < EVAL_RECORDS_LEAST) {
        std_print("%s: --json has the scores of its %d subtasks\n\n", task->name, n);
        return;
    }
    table_layout(&t, "subtask%-36s  questions%9d  (base)%9.3f");
    for (int a = 0; a < v->arms; a++)
        arm_column(&t, v->arm[a].name);
    for (int i = 0; (subtask = eval_subtask(v, task, i)); i++) {
        struct interval s = eval_subtask_score(v, -1, 0, task, subtask, 0);

        table_text(&t, subtask);
        table_integer(&t, s.n);
        table_real(&t, s.value);
        for (int a = 0; a < v->arms; a++)
            table_real(&t, eval_subtask_score(v, a, v->facts, task, subtask, 0).value);
    }
    std_print("%s by subtask, %s after %d facts\n", task->name, task->score[0], v->facts);
    cli_table(&t);
    std_puts("");
    table_free(&t);
}

void eval_print_tasks(const struct eval *v)
{
    struct table t = {.name = "tasks"};

    table_layout(&t, "task%-20s  score%-11s  arm%-16s  edits%5d  value%-24s  error%8.4f  "
                     "questions%9d");
    for (int i = 0; task_at(i); i++)
        for (int k = 0; k < TASK_SCORES && task_at(i)->score[k]; k++)
            score_rows(&t, v, task_at(i), k);
    if (table_row_count(&t)) {
        std_print("ability tasks: the mean over questions with its 95 %% interval (none of fewer "
                  "than %d), and "
                  "its standard error\n",
                  EVAL_RECORDS_LEAST);
        cli_table(&t);
        std_puts("");
    }
    table_free(&t);
    for (int i = 0; task_at(i); i++)
        print_subtasks(v, task_at(i));
}
