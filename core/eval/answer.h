/* Asks a state of the model: what it says to a prompt, and its probability of a given answer
 * (editscope-method(7) 9.1). Results depend on model, state and tokens alone. Engine thread; `job`
 * may be NULL, else a cancel ends every function with false or NULL. */
#ifndef CORE_EVAL_ANSWER_H
#define CORE_EVAL_ANSWER_H

#include "core/edit/request.h"
#include "core/model/generate.h"

/* A prompt, and an answer that may continue it, as tokens. */
struct continuation {
    int *prompt, prompt_count;
    int *token, count; /* of the answer; 0: there is none */
    int stop;          /* the token that ends the answer's turn, or -1 */
    int other;         /* another token whose probability is wanted, or -1 */
};

/* Tokenises both by the wording. `answer` may be NULL. ERR_USAGE: the prompt or the answer has no
 * tokens. Free with continuation_free(). */
bool continuation_of(struct continuation *c, const struct model *m, const struct wording *w,
                     const char *prompt, const char *answer, struct err *err);
/* The prompt, with the first `tokens` tokens that this state says as the answer; an end-of-text
 * token does not stop it. */
bool continuation_greedy(struct continuation *c, const struct model_state *view,
                         const struct wording *w, const char *prompt, int tokens, struct job *job,
                         struct err *err);
void continuation_free(struct continuation *c);
/* The bare prompt of a request with its new object; `other` is the old one. Borrows from the
 * request. */
struct continuation continuation_of_request(const struct request *r);

/* An answer under a state, teacher-forced: each token is read with the prompt and the answer's
 * earlier tokens before it. Without an answer p and p_first are NAN. */
struct score {
    double p;        /* of the whole answer: the product over its tokens. "p(target)" */
    double p_first;  /* of its first token. "p(first)" */
    double accuracy; /* share of its tokens that are the argmax */
    bool right;      /* all of them are */
};
/* From log p of each token, and whether it is the argmax; top NULL: not known, `right` is false. */
struct score score_of(const double *logp, const bool *top, int count);
bool answer_score(struct score *out, const struct model_state *view, const struct continuation *c,
                  struct job *job, struct err *err);

struct answered {
    struct score score; /* of the continuation's answer */
    double p_other;     /* of the other token; NAN: none was wanted */
    int argmax;         /* the most probable token after the prompt */
    char *said;         /* the state's own answer, greedy, raw bytes without NUL; owned */
};
/* The score, and what the state says in at most `tokens` tokens. */
bool answer_prompt(struct answered *out, const struct model_state *view,
                   const struct continuation *c, int tokens, struct job *job, struct err *err);
void answered_free(struct answered *a);

/* What the state says, in at most `tokens` tokens. Caller frees; NULL with err. */
char *answer_words(const struct model_state *view, const struct wording *w, const char *prompt,
                   int tokens, struct job *job, struct err *err);
/* Whether an answer begins with `expect`; blanks before either are ignored. */
bool answer_begins(const char *said, const char *expect);

/* The text of tokens without special ones, as a C string (NUL bytes as of utf8_encode_nul()).
 * Caller frees. */
char *tokens_text(const struct model *m, const int *id, int count);

#endif
