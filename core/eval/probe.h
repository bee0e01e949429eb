/* The probes of a fact, and whether a state of the model passes them: editscope-method(7) 9.2. One
 * rule a kind, for every state and whoever asks: a commit, a preview, the scoreboard, variants,
 * drift, differences and exports.
 *
 * The fact's prompt, rephrases and portability are right when every token of the expected answer is
 * the argmax, teacher-forced (EasyEdit's rewrite, rephrase and portability accuracy, of whole
 * answers); the fact's own prompt also needs p(target) of accept.p_min. So is the question, which
 * is plain text ("Q: ... A:"). Locality is kept when the answer of the base is still every token's
 * argmax: the given answer where the base gives it, else the tokens that the base says first. In
 * the chat form the object has to be said at all: it stands inside a sentence. */
#ifndef CORE_EVAL_PROBE_H
#define CORE_EVAL_PROBE_H

#include "core/edit/fact.h"
#include "core/eval/answer.h"
#include "core/eval/probe_result.h"

/* One probe, ready to be asked of any state. */
struct probe_case {
    enum probe_kind kind;
    char *prompt, *expected; /* texts: what is asked, and the answer that passes */
    struct wording wording;
    struct continuation tokens; /* of the chat form: the prompt alone */
};
struct probes {
    const struct fact *fact;        /* borrowed, as is the base: */
    const struct model_state *base; /* what edits are held against */
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

/* The fact's probes of these kinds, as far as it has them and the model can be asked them. The fact
 * is normalised, its wording settled; `p` are the parameters of its edit: rephrases are the fact's
 * own and, where attr.rows does not make them rows of the edit, the first of its paraphrases. The
 * base is asked for the neighbours' answers. Caller frees, also on failure. */
bool probes_of(struct probes *out, const struct model_state *base, const struct fact *fact,
               const struct params *p, unsigned kinds, struct job *job, struct err *err);
void probes_free(struct probes *p);

struct verdict {
    bool ok; /* the probe is passed */
    struct score score;
    char *said; /* first words, where they were wanted; owned */
};
/* One probe of one state; `words`: also what it says. */
bool probe_ask(struct verdict *out, const struct probes *p, int i, const struct model_state *view,
               bool words, struct job *job, struct err *err);
/* The rule of the fact's own prompt: the acceptance test of a commit. */
bool fact_holds(const struct score *s, double accept);

/* Fills a zeroed result, which the caller frees also on failure. */
bool probe_compare(struct probe_result *out, struct probes *p, int i,
                   const struct model_state *const state[2], struct job *job, struct err *err);

#endif
