/* Measures: what a state answers to one question of a record, and the metrics made of such answers
 * (editscope-method(7) 14). A run keeps every measure; each number of its tables follows from them.
 *
 *     record 3, after 10 facts   rel  teacher    predicted 32774 6995   labels 32774 6995
 *                                     generated  said "Philadelphia"    wanted "Philadelphia"
 *                                loc  teacher    predicted 314 322      labels 314 494
 *
 * A question that has several right answers has a measure for each of them (`alias`).
 *
 * A metric is a row of record_metrics: the probe and the protocol whose measures it is of, and a
 * rule that makes a number of one of them. Of several right answers the best one counts; several
 * questions of a record (neighbours) are averaged, then records. Plain data; any thread. */
#ifndef CORE_EVAL_MEASURE_H
#define CORE_EVAL_MEASURE_H

#include <stdbool.h>

enum measure_probe {
    MEASURE_REL,  /* the fact's own prompt, the new object */
    MEASURE_GEN,  /* its rephrase */
    MEASURE_LOC,  /* a neighbour: what the base says */
    MEASURE_PORT, /* what follows from the fact, each with its own answer */
    MEASURE_PROBES
};
enum measure_protocol {
    PROTOCOL_TEACHER,   /* the answer is fed: the argmax at each of its tokens */
    PROTOCOL_GENERATED, /* greedy, from the prompt alone, to the end of the sentence */
    PROTOCOL_CHAT,      /* the same, the prompt in the model's chat form */
    PROTOCOL_ROUTED, /* not asked: whether the state sends the prompt to what its edits keep beside
                        the weights (core/model/route.h): predicted 1 or 0, label 1 */
    MEASURE_PROTOCOLS
};
enum measure_when {
    WHEN_BASE,      /* of the base, before any edit */
    WHEN_IMMEDIATE, /* right after the edit of the record itself */
    WHEN_FINAL,     /* of all records so far, at a checkpoint */
    MEASURE_WHENS
};

/* As in JSON and in the run's file: "rel", "teacher", "immediate". NULL past the last. */
const char *measure_probe_name(int probe);
const char *measure_protocol_name(int protocol);
const char *measure_when_name(int when);
/* The number of a name in such a list, -1: it is none of them. */
int measure_name_find(const char *(*name_of)(int), const char *name);

struct measure {
    int sequence;               /* of a run, from 1: an arm in an order; 0: the base */
    int edits;                  /* facts that were written before it */
    int when;                   /* enum measure_when */
    int record;                 /* in the data file, from 1 */
    int probe, place;           /* enum measure_probe; which of several, from 0 */
    int alias;                  /* which of the question's right answers, from 0 */
    int protocol;               /* enum measure_protocol */
    int *predicted, predicteds; /* token ids: the argmax at each place, or what was generated */
    int *label, labels;         /* what counts as right at each place; generated: none */
    double logp;                /* log p of the answer that was fed, the sum over its tokens */
    int answers;                /* how many tokens it has; 0: none was fed, logp is NAN */
    double rival;               /* the same of the other object, where there is one */
    int rivals;                 /* how many tokens that has; 0: there is none, rival is NAN */
    bool rival_right;           /* all of them are the argmax */
    bool merged;                /* a token joins the prompt and the answer */
    char *said, *wanted;        /* generated: the text up to its first . or new line, and what it is
                                   compared with; fed: predicted and label as text; NULL: not kept */
};
void measure_free(struct measure *m);             /* frees what it owns, zeroes it */
void measures_free(struct measure *m, int count); /* and the array */

/* Whether both are of one question: they differ in the answer that counts as right. */
bool measure_same_question(const struct measure *a, const struct measure *b);
/* Whether measure `at` is of the answer of its question that was matched best, the first of equals.
 * None is matched where no token is right; generated: where no answer is said or contained. */
bool measure_matched(const struct measure *m, int count, int at);
/* How well it matches: the share of tokens that are right; generated: 2 the same text, 1 contained,
 * 0 neither. */
double measure_match(const struct measure *m);

/* A number of a whole state, or of one of its layers. */
struct run_number {
    int sequence, edits; /* as in struct measure */
    char name[40];       /* "perplexity", "mmlu.acc"; [a-z0-9_.] */
    int layer;           /* -1: of none */
    double value;        /* NAN: could not be measured */
};

struct record_metric {
    const char *name, *json;                 /* "Rel", "rel" */
    int probe, protocol;                     /* of the measures it is made of */
    double (*rule)(const struct measure *m); /* NAN: not a number of this measure */
    int table;                               /* the text table it is a column of; 0: of none */
    bool mean; /* of several right answers their mean counts, as in EasyEdit, and not the best */
};
extern const struct record_metric record_metrics[];
/* Its value for a record: the mean over questions. NAN: none of the measures [count] has one. */
double record_metric_value(const struct record_metric *metric, const struct measure *m, int count);
/* Whether it compares with what the base said: of the base itself it says nothing. */
bool record_metric_is_of_change(const struct record_metric *m);
extern const int record_metric_count; /* at most RECORD_METRICS_MOST */
enum { RECORD_METRICS_MOST = 32, RECORD_TABLES = 5 };

/* A text as the generated protocols compare it: lower case, without ASCII punctuation and the
 * articles a, an, the, single blanks. Caller frees. */
char *answer_normalised(const char *text);
bool answers_equal(const char *said, const char *wanted);
/* Whether the wanted words stand in what was said, as whole words, side by side. */
bool answer_contains(const char *said, const char *wanted);

#endif
