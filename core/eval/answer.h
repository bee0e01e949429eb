/* What a state of a model answers to a prompt, and how much it likes a given answer. Functions of
 * model, state and tokens alone: whoever asks the same hears the same. Engine's thread; `job` may
 * cancel every one, and may be NULL. */
#ifndef CORE_EVAL_ANSWER_H
#define CORE_EVAL_ANSWER_H

#include "core/edit/request.h"
#include "core/model/generate.h"

/* A prompt, and an answer that may continue it, as tokens. */
struct continuation {
    int *prompt, prompt_count;
    int *token, count; /* of the answer; 0: there is none */
    int stop;          /* the token that ends the answer's turn, or -1 */
    int other;         /* a token that is asked for beside the answer's first, or -1 */
};

/* By the wording; `answer` may be NULL. ERR_USAGE: the prompt or the answer has no tokens. */
bool continuation_of(struct continuation *c, const struct model *m, const struct wording *w,
                     const char *prompt, const char *answer, struct err *err);
/* The prompt, and the first `tokens` tokens that this state itself says, whether it would end
 * there or not. */
bool continuation_greedy(struct continuation *c, const struct model_state *view,
                         const struct wording *w, const char *prompt, int tokens, struct job *job,
                         struct err *err);
void continuation_free(struct continuation *c);
/* The bare prompt of a request with its new object, and the old one beside it. Borrowed from it. */
struct continuation continuation_of_request(const struct request *r);

/* An answer under a state, teacher-forced: each token with the prompt and the answer's own earlier
 * tokens before it. Without an answer p and p_first are NAN. */
struct score {
    double p;        /* of the whole answer: the product over its tokens. "p(target)" */
    double p_first;  /* of its first token. "p(first)" */
    double accuracy; /* share of its tokens that are the argmax */
    bool right;      /* all of them are */
};
/* top NULL: of the probabilities alone. */
struct score score_of(const double *logp, const bool *top, int count);
bool answer_score(struct score *out, const struct model_state *view, const struct continuation *c,
                  struct job *job, struct err *err);

struct answered {
    struct score score; /* of the continuation's answer */
    double p_other;     /* of the other token; NAN: none was asked for */
    int argmax;         /* the most probable token after the prompt */
    char *said;         /* the state's own answer, greedy, raw bytes without NUL; owned */
};
/* The score, and what the state itself says in at most `tokens` tokens. */
bool answer_prompt(struct answered *out, const struct model_state *view,
                   const struct continuation *c, int tokens, struct job *job, struct err *err);
void answered_free(struct answered *a);

/* What the state says, in at most `tokens` tokens. Caller frees; NULL with err. */
char *answer_words(const struct model_state *view, const struct wording *w, const char *prompt,
                   int tokens, struct job *job, struct err *err);
/* Whether an answer's first words are `expect`, whatever blanks stand before either. */
bool answer_begins(const char *said, const char *expect);

/* What tokens say, specials left out, as a C string that carries NUL bytes. Caller frees. */
char *tokens_text(const struct model *m, const int *id, int count);

#endif
