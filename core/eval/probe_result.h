/* The result of a probe. Plain data; any thread. */
#ifndef CORE_EVAL_PROBE_RESULT_H
#define CORE_EVAL_PROBE_RESULT_H

#include <stdbool.h>

enum probe_kind {
    PROBE_REPHRASE,
    PROBE_LOCALITY,
    PROBE_PORTABILITY,
    PROBE_QUESTION,
    PROBE_CHAT,
    PROBE_FACT, /* the edited prompt itself */
};

const char *probe_word(enum probe_kind kind); /* "locality": as in JSON and tables */
/* "neighbour", "follows": for people, on every screen and in every text. */
const char *probe_label(enum probe_kind kind);

/* A probe asked of two states. */
struct probe_result {
    enum probe_kind kind;
    char *prompt, *expected; /* expected: the object, or what the base says (locality) */
    char *said[2];           /* first words before, after; NULL: not asked for */
    double p[2];             /* p(first): of the expected answer's first token */
    double p_target[2];      /* of all its tokens; NAN in the chat form */
    bool ok[2];              /* passed, by the rule of its kind */
    bool known;              /* false: the base does not know it either (9.3): not counted */
    int context;             /* not 0: it was not asked, for it is longer than the model's context
                                of so many tokens; also not known */
};

/* "not asked: longer than the model's context of 64 tokens". Returns out. */
const char *probe_not_asked(const struct probe_result *p, char out[80]);
#endif
