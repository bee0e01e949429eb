/* What a forward pass reads: a base model, the matrices that stand for its own, and hooks; and what
 * stands before every prompt.
 *
 * The model itself is never changed: the edited state, a preview and `edit:17` are states side by
 * side. A copy shares all matrices with its original; one is copied when either is about to be
 * written to. Everything that was computed under a state carries its generation. All of this
 * belongs to the engine's thread. */
#ifndef CORE_MODEL_STATE_H
#define CORE_MODEL_STATE_H

#include "core/model/hook.h"

/* A matrix and the states that read it. */
struct shared_mat {
    struct mat w;
    bool replaced; /* it stands for the base's, else it is the base's */
    int states;
    bool hashed; /* whether hash, see core/edit/checksum.h, is known */
    unsigned char hash[32];
};

/* Text before every prompt, and its tokens. */
struct prefix {
    char *text;
    int *id, count;
};

/* What one change did to one layer. */
struct state_change {
    int edit, layer; /* edit 0: one that is not committed yet */
    double largest;  /* the largest value it added to a matrix */
};

struct model_state {
    const struct model *model;
    unsigned generation;
    struct shared_mat **matrix; /* [layers * MATRICES], layer by layer */
    struct hook **hook;         /* [hooks] in the order they run */
    int hooks;
    struct prefix *prefix; /* [prefixes] one behind the other */
    int prefixes;
    struct state_change *change; /* [changes] in the order they were made */
    int changes;
};

struct model_state *state_new(const struct model *m, unsigned generation); /* the base */
struct model_state *state_copy(const struct model_state *s, unsigned generation);
void state_free(struct model_state *s);

struct shared_mat *state_shared(const struct model_state *s, int layer, enum matrix which);
/* data NULL where the model has no such matrix. */
struct mat state_matrix(const struct model_state *s, int layer, enum matrix which);
bool state_replaced(const struct model_state *s, int layer, enum matrix which);
/* The matrix as float32 of this state alone, to be written to. */
struct mat state_writable(struct model_state *s, int layer, enum matrix which);
/* One more hook behind the others; the state holds it. */
void state_add_hook(struct model_state *s, struct hook *hook);
/* One more text behind the others: who asks a question (generate.h, lens.h, a causal trace) asks it
 * behind all of them. What reads the weights for an edit (attribution, keys, targets) does not, or
 * a new object that a prefix says already would need no edit; hooks run wherever blocks do. The
 * model has a tokenizer. */
bool state_add_prefix(struct model_state *s, const char *text, struct err *err);

/* Keeps who changed a layer and how much, for state_largest_change(). */
void state_record_change(struct model_state *s, int edit, int layer, double largest);
/* The changes that are not committed yet are those of this edit. */
void state_assign_edit(struct model_state *s, int edit);
/* Of the layers up to this one, the change that added the largest value; NULL: there is none. */
const struct state_change *state_largest_change(const struct model_state *s, int layer);

/* A prompt with the state's prefixes: behind the token that begins a text, if it has one, and
 * before all others. */
struct prompt {
    int *id, count;
    int begin, prefix; /* tokens that begin the text, 0 or 1, and tokens of the prefixes */
};

struct prompt state_prompt(const struct model_state *s, const int *ids, int count);
/* Where token i of what was given to state_prompt() stands. */
int prompt_position(const struct prompt *p, int i);
void prompt_free(struct prompt *p);

/* Whether both surely compute the same. */
bool state_same(const struct model_state *a, const struct model_state *b);

#endif
