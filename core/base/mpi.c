/* The only file that includes MPI. The second half is for builds without it: one process. */
#include "core/base/mpi.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#ifndef HAVE_MPI
#define HAVE_MPI 0
#endif

/* A number that Open MPI's mpirun passes to each process in its environment, readable before
 * MPI_Init(). */
static int mpirun_number(const char *name, int otherwise)
{
    const char *text = getenv(name);
    long n = text ? strtol(text, NULL, 10) : otherwise;

    return n >= 0 && n < 1 << 20 ? (int)n : otherwise;
}

int mpi_local_rank(void)
{
    return mpi_size() > 1 ? mpirun_number("OMPI_COMM_WORLD_LOCAL_RANK", 0) : 0;
}

long mpi_part(long count, int rank, int ranks, long *end)
{
    long each = count / ranks, more = count % ranks; /* the first `more` ranks get one more */
    long first = each * rank + (rank < more ? rank : more);

    *end = first + each + (rank < more);
    return first;
}

#if HAVE_MPI
#include <mpi.h>

enum { MESSAGE = 1 << 24, TAG = 1 }; /* elements of a message at most: MPI's lengths are int */

static int own_rank, ranks = 1;

bool mpi_start(struct err *err)
{
    int level;

    if (mpirun_number("OMPI_COMM_WORLD_SIZE", 1) < 2) /* MPI_Init() takes time */
        return true;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
        return err_set(err, ERR_IO, "MPI_Init failed");
    MPI_Comm_rank(MPI_COMM_WORLD, &own_rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    if (level >= MPI_THREAD_SERIALIZED)
        return true;
    return err_set(err, ERR_IO, "this MPI library does not support threads");
}

void mpi_finish(int status)
{
    if (ranks < 2)
        return;
    if (status)
        MPI_Abort(MPI_COMM_WORLD, status);
    MPI_Finalize();
}

int mpi_rank(void)
{
    return own_rank;
}

int mpi_size(void)
{
    return ranks;
}

static bool mpi_ok(int rc, struct err *err)
{
    return rc == MPI_SUCCESS ||
           err_set(err, ERR_IO, "a process of mpirun does not answer; it may have crashed");
}

/* MPI_Reduce() may add in any order. Here rank 0 adds one rank after the other, so that the sum has
 * the same bits every time. */
bool mpi_sum(double *x, size_t n, struct err *err)
{
    double *got = own_rank ? NULL : xmalloc((n < MESSAGE ? n : MESSAGE) * sizeof(*got) + 1);
    bool ok = true;

    for (size_t at = 0; ok && at < n; at += MESSAGE) {
        int some = n - at < MESSAGE ? (int)(n - at) : MESSAGE;

        if (own_rank) {
            ok = mpi_ok(MPI_Send(x + at, some, MPI_DOUBLE, 0, TAG, MPI_COMM_WORLD), err);
            continue;
        }
        for (int r = 1; ok && r < ranks; r++) {
            ok = mpi_ok(MPI_Recv(got, some, MPI_DOUBLE, r, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
                        err);
            for (int i = 0; ok && i < some; i++)
                x[at + (size_t)i] += got[i];
        }
    }
    free(got);
    return ok;
}

bool mpi_broadcast(void *x, size_t bytes, struct err *err)
{
    bool ok = true;

    for (size_t at = 0; ok && ranks > 1 && at < bytes; at += MESSAGE)
        ok = mpi_ok(MPI_Bcast((char *)x + at, bytes - at < MESSAGE ? (int)(bytes - at) : MESSAGE,
                              MPI_BYTE, 0, MPI_COMM_WORLD),
                    err);
    return ok;
}

bool mpi_gather(const void *mine, void *to, size_t bytes, struct err *err)
{
    if (ranks < 2) {
        memcpy(to, mine, bytes);
        return true;
    }
    if (bytes > MESSAGE)
        return err_set(err, ERR_LIMIT, "mpi_gather: %zu bytes a process; at most %d", bytes,
                       MESSAGE);
    return mpi_ok(MPI_Gather((void *)(size_t)mine, (int)bytes, MPI_BYTE, to, (int)bytes, MPI_BYTE,
                             0, MPI_COMM_WORLD),
                  err);
}

#else

bool mpi_start(struct err *err)
{
    int n = mpirun_number("OMPI_COMM_WORLD_SIZE", 1);

    return n < 2 || err_set(err, ERR_USAGE,
                            "mpirun started %d processes, but this program was built without Open "
                            "MPI, so each would do all the work; build it with `make MPI=1`",
                            n);
}

void mpi_finish(int status)
{
    (void)status;
}

int mpi_rank(void)
{
    return 0;
}

int mpi_size(void)
{
    return 1;
}

bool mpi_sum(double *x, size_t n, struct err *err)
{
    (void)x;
    (void)n;
    (void)err;
    return true;
}

bool mpi_broadcast(void *x, size_t bytes, struct err *err)
{
    (void)x;
    (void)bytes;
    (void)err;
    return true;
}

bool mpi_gather(const void *mine, void *all, size_t bytes, struct err *err)
{
    (void)err;
    memcpy(all, mine, bytes);
    return true;
}

#endif
