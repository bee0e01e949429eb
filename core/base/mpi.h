/* The processes of one mpirun: who this one is, and what they tell each other. Without mpirun there
 * is one, rank 0. Open MPI, where it was built in (make MPI=1); the only file that knows it is
 * mpi.c. Collective calls are made by every process, in the same order; one thread at a time. */
#ifndef CORE_BASE_MPI_H
#define CORE_BASE_MPI_H

#include <stddef.h>

#include "core/base/err.h"

/* Joins the others; before any thread is made. ERR_USAGE when mpirun has started several of a
 * program that was built without it. */
bool mpi_start(struct err *err);
/* Leaves. A status other than 0 ends the others too, who would wait for this one for ever. */
void mpi_finish(int status);
int mpi_rank(void);       /* 0 .. mpi_size() - 1 */
int mpi_size(void);       /* 1 without mpirun */
int mpi_local_rank(void); /* the number of this process among those of its machine: picks a GPU */

/* Collective: x [n] of rank 0 becomes the sum of all, added in the order of ranks; the others' x is
 * left alone. */
bool mpi_sum(double *x, size_t n, struct err *err);
/* Collective: everybody's x becomes rank 0's. */
bool mpi_broadcast(void *x, size_t bytes, struct err *err);
/* Collective: on rank 0 the r-th block of all [mpi_size()][bytes] becomes rank r's `mine`; `all`
 * is not touched by the others. */
bool mpi_gather(const void *mine, void *all, size_t bytes, struct err *err);

/* The part of `count` things that is this rank's: first .. *end, parts in the order of ranks. */
long mpi_part(long count, int rank, int ranks, long *end);

#endif
