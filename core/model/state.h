/* A state of a model: what an edit makes of it. A forward pass reads its weights from a state.
 *
 *    state = base model              the mapped file; never written
 *          + replaced matrices       float32 copies of the few matrices that edits changed
 *          + hooks                   changes inside the forward pass (hook.h)
 *          + prefixes                text before every prompt
 *          + generation              a number; results computed under a state carry it
 *
 * The base, the edited state, a preview and `edit:17` (the state after edit 17) exist side by side.
 * That is cheap, since states share matrices, copy on write:
 *
 *    base     q0 k0 v0 ... down0   q1 k1 v1 ... down1      layers * MATRICES pointers each
 *    edited   ↑  ↑  ↑      ↑       ↑  ↑  ↑      down1'     state_writable(1, DOWN) made down1'
 *    preview  ↑  ↑  ↑      ↑       ↑  ↑  ↑      ↑ of edited
 *
 * state_copy() copies pointers and counts the states that share each matrix. state_writable()
 * returns a float32 matrix of this state alone; it makes one if the matrix is the base's or shared.
 * For a Llama-3-8B, one replaced W_down [4096, 14336] takes 235 MB.
 *
 * Whoever changes a state gives it a new generation. A result with another generation than the
 * current state's is out of date, and caches are looked up by it. Engine thread only. */
#ifndef CORE_MODEL_STATE_H
#define CORE_MODEL_STATE_H

#include "core/model/hook.h"

/* A matrix and the number of states that share it. */
struct shared_mat {
    struct mat w;
    bool replaced; /* a copy that this struct owns; false: the base model's own matrix */
    int states;
    bool hashed; /* whether `hash` (core/edit/checksum.h) is up to date */
    unsigned char hash[32];
};

/* A text that goes before every prompt, and its token ids. */
struct prefix {
    char *text;
    int *id, count;
};

/* How much one edit changed a matrix of a layer; error messages name it. */
struct state_change {
    int edit, layer; /* edit 0: not committed yet */
    double largest;  /* about the largest value it added; see state_record_change() */
};

struct model_state {
    const struct model *model;
    unsigned generation;
    struct shared_mat **matrix; /* [layers * MATRICES], layer by layer */
    struct hook **hook;         /* [hooks] in the order they run */
    int hooks;
    struct prefix *prefix; /* [prefixes] in the order they precede a prompt */
    int prefixes;
    struct state_change *change; /* [changes] in the order they were made */
    int changes;
};

/* The unedited model: every matrix is the base's, no hooks, no prefixes. The model must outlive its
 * states. Free states with state_free(). */
struct model_state *state_new(const struct model *m, unsigned generation);
/* A copy that shares matrices and hooks with s. */
struct model_state *state_copy(const struct model_state *s, unsigned generation);
void state_free(struct model_state *s); /* accepts NULL */

/* `layer` is from 0. Shapes: enum matrix in matrix.h. */
struct shared_mat *state_shared(const struct model_state *s, int layer, enum matrix which);
/* The weights to compute with; data NULL if the model has no such matrix. */
struct mat state_matrix(const struct model_state *s, int layer, enum matrix which);
/* Whether the matrix is a copy, and no longer the base's. */
bool state_replaced(const struct model_state *s, int layer, enum matrix which);
/* The matrix as float32 that belongs to this state alone and may be written to. Copies it first if
 * needed, and forgets its hash. Out of memory is a fault of the device. */
struct mat state_writable(struct model_state *s, int layer, enum matrix which);
/* Appends a hook, or joins it with one that is there (hook_join()); the state takes a reference of
 * its own. */
void state_add_hook(struct model_state *s, struct hook *hook);
/* The hook of a kind that chooses (hook_ops.kept) and is of the layer, as others join it; NULL:
 * there is none. Borrowed. */
struct hook *state_hook_of(const struct model_state *s, const struct hook_ops *ops, int layer);
/* Drops all of that kind and layer. */
void state_drop_hooks(struct model_state *s, const struct hook_ops *ops, int layer);
/* Appends a prefix. Questions to the model (generate.h, lens.h, a causal trace) are asked after all
 * prefixes. Computations for an edit (attribution, keys, targets) leave prefixes out: otherwise a
 * new object that a prefix already states would need no edit. Hooks run in both. The model must
 * have a tokenizer. Fails with the errors of tokenizer_encode(). */
bool state_add_prefix(struct model_state *s, const char *text, struct err *err);

/* Notes that `edit` (0: not committed yet) changed a matrix of this layer. `largest`: the largest
 * value added; of a low-rank change, by one rank alone (the sum of the ranks may be larger). */
void state_record_change(struct model_state *s, int edit, int layer, double largest);
/* Gives the changes of edit 0 their number, once the edit is committed. */
void state_assign_edit(struct model_state *s, int edit);
/* Among changes of layers 0 to `layer`, the one with the largest value; NULL if there is none. */
const struct state_change *state_largest_change(const struct model_state *s, int layer);

/* A prompt with the state's prefixes inserted after its BOS token, if it has one:
 *    ids   BOS The capital          id   BOS [prefix 0] [prefix 1] The capital */
struct prompt {
    int *id, count;
    int begin, prefix; /* number of BOS tokens, 0 or 1; number of tokens of all prefixes */
};

/* Free the result with prompt_free(). */
struct prompt state_prompt(const struct model_state *s, const int *ids, int count);
/* The index in p->id of ids[i] as given to state_prompt(). */
int prompt_position(const struct prompt *p, int i);
void prompt_free(struct prompt *p);
/* Tokens of the model's context that are left after this prompt with the state's prefixes;
 * negative: it is too long. */
int state_room(const struct model_state *s, const int *ids, int count);

/* True if both states compute the same: the same matrices and hooks (by address) and prefixes. May
 * be false for two states whose copies happen to hold equal values. */
bool state_same(const struct model_state *a, const struct model_state *b);

#endif
