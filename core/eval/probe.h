/* The probes of a fact, and whether a state of the model passes them: one rule for each kind
 * (editscope-method(7) 9.2; probe.c has them in a table). Engine thread. */
#ifndef CORE_EVAL_PROBE_H
#define CORE_EVAL_PROBE_H

#include "core/edit/fact.h"
#include "core/eval/answer.h"
#include "core/eval/probe_result.h"

/* One probe, ready to be asked of any state. */
struct probe_case {
    enum probe_kind kind;
    char *prompt, *expected; /* texts: the question, and the answer that passes */
    struct wording wording;
    struct continuation tokens; /* of the chat form: the prompt alone */
    bool known;                 /* it counts: it is asked, and a neighbour's stated answer is what
                                   the base gives, or none is stated */
    bool within; /* passed when the answer stands within the first tokens that a state says */
    int context; /* not 0: it is longer than the model's context of so many tokens: not to be asked
                  */
};
struct probes {
    const struct fact *fact;        /* borrowed */
    const struct model_state *base; /* the state without edits; borrowed */
    struct probe_case *probe;
    int count;
    double accept; /* accept.p_min of the fact's edit */
    char *old; /* the object that the base gives to the fact's own prompt; NULL: not asked yet */
};

enum {
    PROBES_FACT = 1 << PROBE_FACT,
    PROBES_REPHRASE = 1 << PROBE_REPHRASE,
    PROBES_QUESTION = 1 << PROBE_QUESTION,
    PROBES_CHAT = 1 << PROBE_CHAT,
    PROBES_PORTABILITY = 1 << PROBE_PORTABILITY,
    PROBES_LOCALITY = 1 << PROBE_LOCALITY,
};

/* Makes the fact's probes of these kinds (PROBES_*), in the order of these constants. Kinds that
 * the fact or the model does not have are left out. The fact is normalised and its wording
 * complete; `p` are the parameters of its edit: attr.rows decides whether paraphrases are probes.
 * The base is run for the expected answers of neighbours. Free with probes_free(), also on failure.
 */
bool probes_of(struct probes *out, const struct model_state *base, const struct fact *fact,
               const struct params *p, unsigned kinds, struct job *job, struct err *err);
void probes_free(struct probes *p);
/* Whether the base knows one of the neighbours among the probes. */
bool probes_know_neighbour(const struct probes *p);
/* Asks the base for these neighbours, in their order, until it knows `want` of them, and adds those
 * that it knows. *asked: how many it was asked for. */
bool probes_add_known(struct probes *p, const struct probe *from, int count, int want, int *asked,
                      struct job *job, struct err *err);

struct verdict {
    bool ok; /* the probe is passed */
    struct score score;
    char *said; /* what the state says, where `words` was set; owned */
};
/* Asks one probe of one state; not one with a `context`. `words`: also the first tokens that the
 * state says. */
bool probe_ask(struct verdict *out, const struct probes *p, int i, const struct model_state *view,
               bool words, struct job *job, struct err *err);
/* The rule of the fact's own prompt: the acceptance test of a commit. */
bool fact_holds(const struct score *s, double accept);

/* Asks one probe of the states before and after. `words`: what they say, too. `out` is zeroed; the
 * caller frees its texts, also on failure. */
bool probe_compare(struct probe_result *out, struct probes *p, int i,
                   const struct model_state *const state[2], bool words, struct job *job,
                   struct err *err);

#endif
