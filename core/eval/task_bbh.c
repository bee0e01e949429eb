/* BIG-Bench Hard without examples: a description, a question, and a filter for each subtask. The
 * harness calls what is scored here flexible-extract, and its group score is of that one. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/eval/task_filters.h"
#include "core/eval/task_read.h"

static const struct filter_word booleans[] = {{"True", "True"}, {"False", "False"}, {0}};
static const struct filter_word yes_no[] = {
    {"Yes", "Yes"}, {"No", "No"}, {"yes", "yes"}, {"no", "no"}, {0}};
static const struct filter_word validities[] = {{"valid", "valid"}, {"invalid", "invalid"}, {0}};
static const struct filter_word sports[] = {
    {"no", "no"}, {"not plausible", "no"}, {"yes", "yes"}, {"plausible", "yes"}, {0}};
static const struct filter_word lies[] = {{"no", "no"},
                                          {"does not tell the truth", "no"},
                                          {"is not telling the truth", "no"},
                                          {"yes", "yes"},
                                          {"tells the truth", "yes"},
                                          {"is telling the truth", "yes"},
                                          {0}};

#define DEDUCTION \
    "A logical deduction task which requires deducing the order of a sequence of objects."
#define SWAPS                                                                                   \
    "A task requiring determining the final positions of a set of objects given their initial " \
    "positions and a description of a sequence of swaps."

static const struct subtask {
    const char *name, *description;
    /* One of the three takes the answer. */
    const struct filter_word *words;
    char *(*of_question)(const char *said, const char *question);
    char *(*of_text)(const char *said);
    bool fold; /* words without case */
} subtasks[] = {
    {"boolean_expressions", "Evaluate the result of a random Boolean expression.",
     .words = booleans},
    {"causal_judgement", "Answer questions about causal attribution.", .words = yes_no},
    {"date_understanding", "Infer the date from context.", .of_question = filter_option},
    {"disambiguation_qa", "Clarify the meaning of sentences with ambiguous pronouns.",
     .of_question = filter_option},
    {"dyck_languages", "Correctly close a Dyck-n word.", .of_text = filter_brackets},
    {"formal_fallacies", "Distinguish deductively valid arguments from formal fallacies.",
     .words = validities},
    {"geometric_shapes", "Name geometric shapes from their SVG paths.",
     .of_question = filter_option},
    {"hyperbaton", "Order adjectives correctly in English sentences.",
     .of_question = filter_option},
    {"logical_deduction_five_objects", DEDUCTION, .of_question = filter_option},
    {"logical_deduction_seven_objects", DEDUCTION, .of_question = filter_option},
    {"logical_deduction_three_objects", DEDUCTION, .of_question = filter_option},
    {"movie_recommendation", "Recommend movies similar to the given list of movies.",
     .of_question = filter_option},
    {"multistep_arithmetic_two", "Solve multi-step arithmetic problems.", .of_text = filter_number},
    {"navigate",
     "Given a series of navigation instructions, determine whether one would end up back at the "
     "starting point.",
     .words = yes_no},
    {"object_counting",
     "Questions that involve enumerating objects and asking the model to count them.",
     .of_text = filter_number},
    {"penguins_in_a_table", "Answer questions about a table of penguins and their attributes.",
     .of_question = filter_option},
    {"reasoning_about_colored_objects",
     "Answer extremely simple questions about the colors of objects on a surface.",
     .of_question = filter_option},
    {"ruin_names", "Select the humorous edit that 'ruins' the input movie or musical artist name.",
     .of_question = filter_option},
    {"salient_translation_error_detection",
     "Detect the type of error in an English translation of a German source sentence.",
     .of_question = filter_option},
    {"snarks",
     "Determine which of two sentences is sarcastic.\n\nAccording to Cambridge University "
     "Dictionary, sarcasm is \"the use of remarks that clearly mean the opposite of what they say, "
     "made in order to hurt someone's feelings or to criticize something in a humorous way.\" "
     "Sarcastic sentences often contain satirical or ironic utterances, hyperboles, ambivalent or "
     "witty remarks.",
     .of_question = filter_option},
    {"sports_understanding",
     "Determine whether an artificially constructed sentence relating to sports is plausible or "
     "not.",
     .words = sports, .fold = true},
    {"temporal_sequences",
     "Task description: Answer questions about which times certain events could have occurred.",
     .of_question = filter_option},
    {"tracking_shuffled_objects_five_objects", SWAPS, .of_question = filter_option},
    {"tracking_shuffled_objects_seven_objects", SWAPS, .of_question = filter_option},
    {"tracking_shuffled_objects_three_objects", SWAPS, .of_question = filter_option},
    {"web_of_lies", "Evaluate a random boolean function expressed as a word problem.",
     .words = lies, .fold = true},
    {"word_sorting", "Sort a list of words.", .of_question = filter_sorted},
};

static const struct subtask *subtask_find(const char *name)
{
    for (size_t i = 0; i < sizeof(subtasks) / sizeof(*subtasks); i++)
        if (!strcmp(subtasks[i].name, name))
            return &subtasks[i];
    return NULL;
}

static bool bbh_take(struct task_questions *out, const char *subtask, const json_t *record,
                     struct err *err)
{
    const char *input = task_text(record, "input", err);
    const char *target = input ? task_text(record, "target", err) : NULL;
    struct task_question *q;

    if (!target)
        return false;
    if (!subtask_find(subtask))
        return err_set(err, ERR_FORMAT, "'%.60s' is none of the 27 subtasks", subtask);
    q = task_question_add(out, subtask);
    q->text = xstrdup(input);
    q->answer = xstrdup(target);
    return true;
}

static bool bbh_read(struct task_questions *out, struct task_questions *examples,
                     const char *folder, struct err *err)
{
    int count;
    char **path = task_files(folder, "bbh", ".json", &count);
    bool ok = true;

    (void)examples;
    for (int i = 0; i < count; i++) {
        ok = ok && task_read_json(out, path[i], bbh_take, err);
        free(path[i]);
    }
    free(path);
    return ok;
}

static void bbh_describe(const struct task_question *q, struct buf *out)
{
    buf_printf(out, "%s\n\n", subtask_find(q->subtask)->description);
}

static void bbh_put(const struct task_question *q, struct buf *out)
{
    buf_printf(out, "Q: %s\nA:", q->text);
}

/* What the subtask's filter finds. Caller frees. */
static char *taken_of(const struct task_question *q, const char *said)
{
    const struct subtask *s = subtask_find(q->subtask);

    return s->words         ? filter_words(said, s->words, s->fold)
           : s->of_question ? s->of_question(said, q->text)
                            : s->of_text(said);
}

static void bbh_judge(const struct task_question *q, struct task_answer *a,
                      const struct task_answer *base)
{
    (void)base;
    a->predicted = taken_of(q, a->said);
    a->gold = xstrdup(q->answer);
    a->score[0] = filtered_texts_equal(a->predicted, a->gold);
}

const struct task task_bbh_zeroshot = {.name = "bbh_zeroshot",
                                       .help = "BIG-Bench Hard, 27 subtasks, by generation",
                                       .score = {"flexible"},
                                       .shots = -1,
                                       .tokens = 256,
                                       .stop = {"</s>", "Q:", "<|im_end|>"},
                                       .read = bbh_read,
                                       .describe = bbh_describe,
                                       .put = bbh_put,
                                       .judge = bbh_judge};
