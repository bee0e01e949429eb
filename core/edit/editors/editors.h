/* The editing methods, a file each: what edit.method chooses from. Constant tables; any thread.
 *
 * To add one:
 *
 *   1. core/base/editor_names.h: a row with its name. It becomes a value of edit.method, of --help
 *      and completion, and a column of Compare.
 *   2. core/edit/editors/NAME.c: a struct editor_ops editor_NAME, with
 *        name, title, paper   for tables and help
 *        needs                what the engine prepares before edit(). What is not named is not
 *                             computed: without NEEDS_NULL_SPACE an edit takes no eigenvectors
 *        target, keys, residual
 *                             which vector is optimised, which coefficients are keys, and the part
 *                             of what is left that a layer takes; the default is MEMIT's
 *        layer, layers        for a method with a layer of its own, the parameter that says which;
 *                             for one with several, a function
 *        solve                one layer: x [u, M] for keys [u, M], such that W += R^T x
 *        edit                 the whole edit; edit_apply() does for all methods that have a solve
 *
 * The engine calls edit() with a struct edit_context: requests, targets z, masks, and a solver for
 * each edited layer with the moments, the null space and the past keys. The result is a list of
 * deltas (core/edit/delta.h) in a scratch state. Preview, commit, journal, undo, export and reports
 * know nothing else of a method. edit_apply() goes over the layers: keys and residuals on the
 * weights so far, solve(), mask, delta (editscope-method(7) 7.11). A method that does not go layer
 * by layer has its own edit(); one without keys has a NULL solve, and `estimate` is then not
 * offered.
 *
 * Example: memit.c is a solve of one line, the table, and nothing else. */
#ifndef CORE_EDIT_EDITORS_EDITORS_H
#define CORE_EDIT_EDITORS_EDITORS_H

#include "core/edit/editor.h"

/* What the engine prepares before edit(); what is not named here is not computed. */
enum editor_needs {
    NEEDS_TARGET = 1 << 0,     /* the optimised target of each fact: edit_context.z */
    NEEDS_SCORES = 1 << 1,     /* attribution and the masks made of it; see editor_takes_mask() */
    NEEDS_MOMENTS = 1 << 2,    /* second moments of the text: edit_context.solver; else NULL */
    NEEDS_NULL_SPACE = 1 << 3, /* their eigenvectors; else P of the solvers is the unit matrix */
    NEEDS_PAST_KEYS = 1 << 4,  /* keys of the active edits in the solvers, also for the hits of */
                               /* reports */
    NEEDS_NORMALISER = 1 << 5, /* edit_context.past, of the edit_result.numbers of each */
    NEEDS_NOTES = 1 << 6,      /* edit_context.note, of what edit_result.note said of each */
    NEEDS_CURVATURE = 1 << 7,  /* edit_context.curvature, with the edit_result.numbers of each */
    MAY_MASK = 1 << 8,  /* not prepared unless mask.methods is all; so may whoever has a solve */
    NEEDS_OLD = 1 << 9, /* the old object, which the fact has to name: request_names_old() */
};
_Static_assert(NEEDS_TARGET + NEEDS_SCORES + NEEDS_MOMENTS + NEEDS_NULL_SPACE + NEEDS_PAST_KEYS +
                       NEEDS_NORMALISER + NEEDS_NOTES + NEEDS_CURVATURE + MAY_MASK + NEEDS_OLD ==
                   (1 << 10) - 1,
               "two needs share a bit");

struct editor_ops {
    const char *name, *title, *paper; /* "memit", "MEMIT", "Meng et al. 2023" */
    unsigned needs; /* bits of enum editor_needs; the last two only with moments */
    /* The whole edit into a scratch state; see edit_apply(), which most methods use. */
    bool (*edit)(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                 struct job *job, struct err *err);
    /* One layer's solution before the mask. NULL: the method has none, and no estimate. */
    edit_solve *solve;
    const struct target_rule *target; /* NULL: that of MEMIT, on the output of the block */
    enum key_rule keys;
    enum residual_rule residual;
    /* A method of one layer: its parameter, 0 for none (then it edits those of edit.layers). Where
     * that is -1 the layer lies at this depth, 0 to 1, or, of depth 0, in the middle of
     * edit.layers. A single layer in edit.layers is always the one. */
    enum param layer;
    double depth;
    /* A method with several layers of its own: fills layer[], ascending, of a model with so many
     * and returns how many they are. NULL: none of its own. */
    int (*layers)(const struct params *p, int layers, int *layer);
    const char *keeps; /* of a method that changes no weight, what it leaves: "a side matrix" */
    bool chooses;      /* it finds the neurons that it writes; a report names them as chosen */
};

/* The method that edit.method names. Never NULL. */
const struct editor_ops *editor_of(const struct params *p);
const struct editor_ops *editor_by_method(int method); /* 0 to METHODS - 1 */
/* Whether mask.mode limits what the method writes: NMKE, or with mask.methods = all every method
 * with a solve and those that say MAY_MASK. */
bool editor_takes_mask(const struct params *p);
/* The same, and the mode is not none: an edit needs scores and has masks. */
bool editor_has_mask(const struct params *p);
/* The method's own layers, ascending, of a model with so many; `named` [count] are those of
 * edit.layers. Returns how many; 0: it edits those of edit.layers. layer [PARAM_MAX_LAYERS]. */
int editor_own_layers(const struct params *p, int layers, const int *named, int count, int *layer);
/* The layer of a model with so many at the depth of this one of 32, those of Llama 3 8B in released
 * settings: the nearest one, the earlier of two. */
int editor_layer_at(int of_32, int layers);
/* The layers that the method edits: those of editor_own_layers(), or named_layers(). */
bool editor_layers(const struct params *p, const struct model_config *config, int *layer,
                   int *count, struct err *err);

#endif
