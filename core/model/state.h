/* What a forward pass reads: a base model, the matrices that stand for its own, and hooks.
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

struct model_state {
    const struct model *model;
    unsigned generation;
    struct shared_mat **matrix; /* [layers * MATRICES], layer by layer */
    struct hook **hook;         /* [hooks] in the order they run */
    int hooks;
};

struct model_state *state_new(const struct model *m, unsigned generation); /* the base */
struct model_state *state_copy(const struct model_state *s, unsigned generation);
void state_free(struct model_state *s);

struct shared_mat *state_shared(const struct model_state *s, int layer, enum matrix which);
/* data NULL where the model has no such matrix. */
struct mat state_matrix(const struct model_state *s, int layer, enum matrix which);
bool state_replaced(const struct model_state *s, int layer, enum matrix which);
/* The matrix as float32 of this state alone, to be written to. */
struct mat state_own(struct model_state *s, int layer, enum matrix which);
/* One more hook behind the others; the state holds it. */
void state_add_hook(struct model_state *s, struct hook *hook);
/* Whether both surely compute the same. */
bool state_same(const struct model_state *a, const struct model_state *b);

#endif
