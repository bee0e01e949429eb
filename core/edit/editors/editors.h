/* The ways of making an edit, a file each: what edit.method chooses from.
 *
 * An editor says what it needs and how it edits; the steps that editors share (keys, masks, solves,
 * the pass over the layers) are functions of core/edit/editor.h. Pure tables; any thread. */
#ifndef CORE_EDIT_EDITORS_EDITORS_H
#define CORE_EDIT_EDITORS_EDITORS_H

#include "core/edit/editor.h"

/* What the engine prepares before edit(); what is not named here is not computed. */
enum editor_needs {
    NEEDS_TARGET = 1,     /* the optimised target of each fact: edit_plan.z */
    NEEDS_SCORES = 2,     /* attribution and the masks made of it, unless mask.mode is none */
    NEEDS_MOMENTS = 4,    /* second moments of the text: edit_plan.solver; else NULL */
    NEEDS_NULL_SPACE = 8, /* their eigenvectors; else the solvers project nothing */
    NEEDS_PAST_KEYS = 16, /* keys of the active edits in the solvers, also for what reports hit */
};

struct editor_ops {
    const char *name, *title, *paper; /* "memit", "MEMIT", "Meng et al. 2023" */
    unsigned needs; /* bits of enum editor_needs; the last two only with moments */
    /* The whole edit into a scratch state, as edit_apply(), which most of them take. */
    bool (*edit)(struct edit_result *out, struct model_state *scratch, struct edit_context *ctx,
                 struct job *job, struct err *err);
    /* One layer's update before any mask; NULL: there is none, and nothing to estimate. */
    edit_solve *solve;
};

/* The one that edit.method names. Never NULL. */
const struct editor_ops *editor_of(const struct params *p);
const struct editor_ops *editor_by_method(int method); /* 0 to METHODS - 1 */

#endif
