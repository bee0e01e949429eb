/* Questions with options: MMLU and CommonsenseQA, by letters as lm-evaluation-harness asks them,
 * in the cloze form, and MMLU by generation.
 *
 *     by letters   "...\nA. Rome\nB. Oslo\nAnswer:"        log p of " A", " B"
 *     cloze        "Question: ...\nAnswer:"               log p of " Rome", " Oslo" a byte
 *
 * A small model does not know what letters are for and stays at chance; the cloze form is where it
 * is above chance, and where an edit can do damage. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/eval/task_filters.h"
#include "core/eval/task_read.h"

/* The option of a cell or a JSON value that names it, "B" or 1; -1: none. */
static int option_named(const char *text, int options)
{
    int at = text[0] >= 'A' && text[0] <= 'Z'   ? text[0] - 'A'
             : text[0] >= '0' && text[0] <= '9' ? text[0] - '0'
                                                : -1;

    return text[0] && !text[1] && at < options ? at : -1;
}

/* ---- MMLU: question, four options, the right one ---- */

static bool mmlu_take(struct task_questions *out, const char *subtask, char *const *cell, int cells,
                      struct err *err)
{
    struct task_question *q;

    if (cells != 6)
        return err_set(err, ERR_FORMAT, "%d cells; a question has 6", cells);
    if (!strcmp(cell[0], "question") && !strcmp(cell[5], "answer"))
        return true; /* a heading */
    if (option_named(cell[5], 4) < 0)
        return err_set(err, ERR_FORMAT, "the answer '%.20s' is none of A to D or 0 to 3", cell[5]);
    q = task_question_add(out, subtask);
    q->text = task_stripped(cell[0]);
    for (int i = 0; i < 4; i++)
        task_option_add(q, cell[1 + i]);
    q->gold = option_named(cell[5], 4);
    return true;
}

static bool mmlu_read_folder(struct task_questions *out, const char *folder, const char *name,
                             struct err *err)
{
    int count;
    char **path = task_files(folder, name, ".csv", &count);
    bool ok = true;

    for (int i = 0; i < count; i++) {
        ok = ok && task_read_csv(out, path[i], mmlu_take, err);
        free(path[i]);
    }
    free(path);
    return ok;
}

static bool mmlu_read(struct task_questions *out, struct task_questions *examples,
                      const char *folder, struct err *err)
{
    return mmlu_read_folder(out, folder, "mmlu/test", err) &&
           mmlu_read_folder(examples, folder, "mmlu/dev", err);
}

static void mmlu_describe(const struct task_question *q, struct buf *out)
{
    buf_puts(out, "The following are multiple choice questions (with answers) about ");
    for (const char *p = q->subtask; *p; p++)
        buf_add(out, *p == '_' ? " " : p, 1);
    buf_puts(out, ".\n\n");
}

/* ---- CommonsenseQA ---- */

/* The options and their labels, in any of the shapes in which the set is published. */
static bool commonsense_options(struct task_question *q, const json_t *record, struct err *err)
{
    const json_t *stem = json_object_get(record, "question");
    const json_t *list = json_object_get(json_is_object(stem) ? stem : record, "choices");
    const json_t *texts = json_is_object(list) ? json_object_get(list, "text") : list;

    for (size_t i = 0; i < json_array_size(texts) && i < TASK_OPTIONS_MOST; i++) {
        const json_t *o = json_array_get(texts, i);
        const char *text = json_string_value(json_is_object(o) ? json_object_get(o, "text") : o);

        if (text)
            task_option_add(q, text);
    }
    return q->options > 1 || err_set(err, ERR_FORMAT, "fewer than two \"choices\"");
}

static bool commonsense_take(struct task_questions *out, const char *subtask, const json_t *record,
                             struct err *err)
{
    const json_t *stem = json_object_get(record, "question"), *gold;
    const char *text =
        json_is_object(stem) ? task_text(stem, "stem", err) : task_text(record, "question", err);
    struct task_question *q;

    (void)subtask;
    if (!text)
        return false;
    q = task_question_add(out, "");
    q->text = task_stripped(text);
    gold = json_object_get(record, json_object_get(record, "answerKey") ? "answerKey" : "answer");
    if (!commonsense_options(q, record, err))
        return false;
    q->gold = json_is_integer(gold)  ? (int)json_integer_value(gold)
              : json_is_string(gold) ? option_named(json_string_value(gold), q->options)
                                     : -1;
    return (q->gold >= 0 && q->gold < q->options) ||
           err_set(err, ERR_FORMAT, "\"answerKey\" (or \"answer\") names none of %d choices",
                   q->options);
}

static bool commonsense_read(struct task_questions *out, struct task_questions *examples,
                             const char *folder, struct err *err)
{
    (void)examples;
    return task_read_lines(out, folder, "commonsense_qa", "", commonsense_take, err);
}

/* ---- how both are put ---- */

static void put_letters(const struct task_question *q, struct buf *out)
{
    for (int i = 0; i < q->options; i++)
        buf_printf(out, "\n%c. %s", 'A' + i, q->option[i]);
    buf_puts(out, "\nAnswer:");
}

static void put_plain(const struct task_question *q, struct buf *out)
{
    buf_puts(out, q->text);
    put_letters(q, out);
}

static void put_question(const struct task_question *q, struct buf *out)
{
    buf_printf(out, "Question: %s", q->text);
    put_letters(q, out);
}

static void put_cloze(const struct task_question *q, struct buf *out)
{
    buf_printf(out, "Question: %s\nAnswer:", q->text);
}

static void put_letter(const struct task_question *q, int i, struct buf *out)
{
    (void)q;
    buf_printf(out, "%c", 'A' + i);
}

static void put_text(const struct task_question *q, int i, struct buf *out)
{
    buf_puts(out, q->option[i]);
}

/* ---- who is right ---- */

static char *letter_of(int option)
{
    return option < 0 ? xstrdup("") : xasprintf("%c", 'A' + option);
}

/* log p of an option, or of each of its bytes. */
static double worth(const struct task_question *q, const struct task_answer *a, int i, bool a_byte)
{
    size_t n = strlen(q->option[i]);

    return a->logp[i] / (a_byte && n ? (double)n : 1);
}

/* The first of the largest; -1: one of them is not known. */
static int most_probable(const struct task_question *q, const struct task_answer *a, bool a_byte)
{
    int best = 0;

    for (int i = 0; i < q->options; i++) {
        if (i >= a->logps || isnan(a->logp[i]))
            return -1;
        if (worth(q, a, i, a_byte) > worth(q, a, best, a_byte))
            best = i;
    }
    return best;
}

static double is_gold(const struct task_question *q, int option)
{
    return option < 0 ? (double)NAN : option == q->gold;
}

static void choice_set(const struct task_question *q, struct task_answer *a, int chosen)
{
    a->said = xstrdup(chosen < 0 ? "" : q->option[chosen]);
    a->predicted = letter_of(chosen);
    a->gold = letter_of(q->gold);
}

static void judge_letter(const struct task_question *q, struct task_answer *a,
                         const struct task_answer *base)
{
    int chosen = most_probable(q, a, false);

    (void)base;
    choice_set(q, a, chosen);
    a->score[0] = is_gold(q, chosen);
}

static void judge_cloze(const struct task_question *q, struct task_answer *a,
                        const struct task_answer *base)
{
    int chosen = most_probable(q, a, true);

    (void)base;
    choice_set(q, a, chosen);
    a->score[0] = is_gold(q, chosen);
    a->score[1] = is_gold(q, most_probable(q, a, false));
    a->score[2] = q->gold < a->logps ? worth(q, a, q->gold, true) : (double)NAN;
}

static void judge_generated(const struct task_question *q, struct task_answer *a,
                            const struct task_answer *base)
{
    (void)base;
    a->predicted = filter_letter(a->said);
    a->gold = letter_of(q->gold);
    a->score[0] = filtered_letters_equal(a->predicted, a->gold);
}

const struct task task_mmlu = {.name = "mmlu",
                               .help = "MMLU by letters: the most probable of A to D",
                               .score = {"acc"},
                               .read = mmlu_read,
                               .describe = mmlu_describe,
                               .put = put_plain,
                               .put_option = put_letter,
                               .judge = judge_letter};

const struct task task_mmlu_cloze = {.name = "mmlu_cloze",
                                     .help = "MMLU by the text of the options, for small models",
                                     .score = {"acc_norm", "acc", "logp"},
                                     .is_log = {false, false, true},
                                     .shots = -1,
                                     .read = mmlu_read,
                                     .put = put_cloze,
                                     .put_option = put_text,
                                     .judge = judge_cloze};

const struct task task_mmlu_generative = {.name = "mmlu_generative",
                                          .help = "MMLU by generation: the letter is written",
                                          .score = {"exact_match"},
                                          .tokens = 256,
                                          .stop = {"</s>", "\n"},
                                          .read = mmlu_read,
                                          .describe = mmlu_describe,
                                          .put = put_plain,
                                          .put_option = put_letter,
                                          .judge = judge_generated};

const struct task task_commonsense_qa = {.name = "commonsense_qa",
                                         .help = "CommonsenseQA by letters, A to E",
                                         .score = {"acc"},
                                         .shots = -1,
                                         .read = commonsense_read,
                                         .put = put_question,
                                         .put_option = put_letter,
                                         .judge = judge_letter};

const struct task task_commonsense_qa_cloze = {
    .name = "commonsense_qa_cloze",
    .help = "CommonsenseQA by the text of the options, for small models",
    .score = {"acc_norm", "acc", "logp"},
    .is_log = {false, false, true},
    .shots = -1,
    .read = commonsense_read,
    .put = put_cloze,
    .put_option = put_text,
    .judge = judge_cloze};
