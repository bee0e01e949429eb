/* The processes of one mpirun: who this one is, and what they tell each other. Without mpirun there
 * is one, rank 0. Open MPI, where it was built in (make MPI=1); the only file that knows it is
 * ranks.c. Collective calls are made by every process, in the same order; one thread at a time. */
#ifndef CORE_BASE_RANKS_H
#define CORE_BASE_RANKS_H

#include <stddef.h>

#include "core/base/err.h"

/* Joins the others; before any thread is made. ERR_USAGE when mpirun has started several of a
 * program that was built without it. */
bool ranks_begin(struct err *err);
/* Leaves. A status other than 0 ends the others too, who would wait for this one for ever. */
void ranks_end(int status);
int ranks_me(void);   /* 0 .. ranks_all() - 1 */
int ranks_all(void);  /* 1 without mpirun */
int ranks_here(void); /* the number of this process among those of its machine: picks a GPU */

/* Collective: x [n] of rank 0 becomes the sum of all, added in the order of ranks; the others' x is
 * left alone. */
bool ranks_sum(double *x, size_t n, struct err *err);
/* Collective: everybody's x becomes rank 0's. */
bool ranks_share(void *x, size_t bytes, struct err *err);
/* Collective: on rank 0 the r-th block of all [ranks_all()][bytes] becomes rank r's `mine`; `all`
 * is not touched by the others. */
bool ranks_gather(const void *mine, void *all, size_t bytes, struct err *err);

/* The part of `count` things that is this rank's: first .. *end, parts in the order of ranks. */
long ranks_part(long count, int rank, int ranks, long *end);

#endif
