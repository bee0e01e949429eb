/* The null space of a layer's keys: P = I - U^T U, where the rows of U are the eigenvectors of
 * the second moment C whose eigenvalue is at least a threshold (editscope-method(7) 6.3).
 *
 * An update in the range of P changes almost nothing for keys like those of the text that C is of;
 * leak = x^T C x measures how much it does. Engine thread only. */
#ifndef CORE_EDIT_NULLSPACE_H
#define CORE_EDIT_NULLSPACE_H

#include "core/edit/moments.h"

struct nullspace_rule {
    double threshold; /* > 0: eigenvalues below it are null (the authors' 2e-2) */
    double fraction;  /* otherwise: this share of all directions is null, 0..1 */
    bool none;        /* no direction is null: all eigenvectors, and no copy of the sum */
};

struct nullspace {
    struct device *dev;
    int layer, neurons; /* M */
    int rank;           /* r: directions that are not null */
    struct offload_mat
        vectors;   /* F64 [r, M]: eigenvectors as rows, eigenvalue ascending; empty if r is 0 */
    double *value; /* [r] their eigenvalues, of C */
    struct offload_mat sum; /* F64 [M, M]: tokens * C; shared with the moments while they rest */
    long tokens;
    double threshold;     /* the rule's, or the smallest eigenvalue that is not null */
    double null_fraction; /* (M - r) / M */
    double trace;         /* of C */
    double trace_lost;    /* share of the trace that the null directions hold */
    char hash[65];        /* names the projector: moments key, tokens and rule. Not of its bits,
                             which differ between machines */
};

struct nullspace_job { /* who waits for it */
    struct job *job;   /* looked at every few milliseconds; progress "null space" */
    int done, all;     /* null spaces made before this one, and in all */
};

/* From the sums of m->layer[index] as they are now (they are shared; m may go on counting). A rule
 * that leaves no null direction is ERR_USAGE. Takes an eigendecomposition: seconds, on the CPU in
 * slices. `by` may be NULL. */
struct nullspace *nullspace_new(const struct moments *m, int index, struct nullspace_rule rule,
                                const struct nullspace_job *by, struct err *err);
/* The same from the cache of the disk (nullspace_file.h), or made and written there: the same bits
 * either way. A file that could not be used or written adds a line to notes (may be NULL). */
struct nullspace *nullspace_cached(const struct moments *m, int index, struct nullspace_rule rule,
                                   const struct nullspace_job *by, struct buf *notes,
                                   struct err *err);
/* For editors without a null space: the moment alone, without a decomposition. P is the unit matrix
 * (rank 0) and hash is empty. */
struct nullspace *nullspace_none(const struct moments *m, int index, struct err *err);
void nullspace_free(struct nullspace *n);
/* out [u, M] F64 = each row of keys [u, M] (F32 or F64) projected: P k = k - U^T (U k). */
void nullspace_project(const struct nullspace *n, struct mat keys, struct mat out);
/* out [M, M] F64 -= U^T U */
void nullspace_subtract(const struct nullspace *n, struct mat out);
/* leak[i] = x_i^T C x_i of each row of x [rows, M] F64, exactly. A moment on the host passes the
 * device in bands. */
bool nullspace_leak(const struct nullspace *n, struct mat x, double *leak, struct err *err);

#endif
