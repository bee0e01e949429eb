/* Several processes that share work, started by mpirun. Each is a rank, 0 to mpi_size() - 1.
 * Without mpirun there is one process, rank 0, and all functions do nothing or copy.
 *
 * Ranks share the summing of second moments and the cells of a sweep: each computes its part
 * (mpi_part()), then rank 0 adds or collects the results. Collective functions must be called by
 * every rank, in the same order; one thread at a time. ERR_IO when another rank has died.
 *
 * Open MPI is linked in by `make MPI=1`, and only mpi.c includes it. */
#ifndef CORE_BASE_MPI_H
#define CORE_BASE_MPI_H

#include <stddef.h>

#include "core/base/err.h"

/* Starts MPI if mpirun has started several processes. Call it before any thread exists. ERR_USAGE
 * if the program was built without Open MPI: each process would do all the work. */
bool mpi_start(struct err *err);
/* Ends MPI. A status other than 0 ends all ranks; otherwise they would wait for this one forever.
 */
void mpi_finish(int status);
int mpi_rank(void);       /* 0 .. mpi_size() - 1 */
int mpi_size(void);       /* 1 without mpirun */
int mpi_local_rank(void); /* this process's number on its own machine: chooses a GPU */

/* Collective. x [n] of rank 0 becomes the sum over all ranks; other ranks keep their x. The terms
 * are added in the order of ranks, so the same number of ranks gives the same bits. */
bool mpi_sum(double *x, size_t n, struct err *err);
/* Collective. Copies `bytes` bytes at x from rank 0 to every rank. */
bool mpi_broadcast(void *x, size_t bytes, struct err *err);
/* Collective. Copies each rank's `mine` [bytes] to block r of `all` [mpi_size()][bytes] on rank 0.
 * Other ranks may pass NULL for `all`. ERR_LIMIT above 16 MiB a rank. */
bool mpi_gather(const void *mine, void *all, size_t bytes, struct err *err);

/* Splits 0 .. count-1 into `ranks` consecutive parts of nearly the same size. Returns the first
 * index of this rank's part; *end is one past its last. */
long mpi_part(long count, int rank, int ranks, long *end);

#endif
