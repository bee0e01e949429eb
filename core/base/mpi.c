/* The only file that knows MPI. Built without it, there is one process. */
#include "core/base/mpi.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

#ifndef HAVE_MPI
#define HAVE_MPI 0
#endif

/* What mpirun of Open MPI tells a process before it has said anything. */
static int started_as(const char *name, int otherwise)
{
    const char *text = getenv(name);
    long n = text ? strtol(text, NULL, 10) : otherwise;

    return n >= 0 && n < 1 << 20 ? (int)n : otherwise;
}

int mpi_local_rank(void)
{
    return mpi_size() > 1 ? started_as("OMPI_COMM_WORLD_LOCAL_RANK", 0) : 0;
}

long mpi_part(long count, int rank, int ranks, long *end)
{
    long each = count / ranks, more = count % ranks; /* the first have one more */
    long first = each * rank + (rank < more ? rank : more);

    *end = first + each + (rank < more);
    return first;
}

#if HAVE_MPI
#include <mpi.h>

enum { MOST = 1 << 24, TAG = 1 }; /* elements of a message */

static int me, all = 1;

bool mpi_start(struct err *err)
{
    int level;

    if (started_as("OMPI_COMM_WORLD_SIZE", 1) < 2) /* starting MPI for one costs its time */
        return true;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level) != MPI_SUCCESS)
        return err_set(err, ERR_IO, "MPI does not start");
    MPI_Comm_rank(MPI_COMM_WORLD, &me);
    MPI_Comm_size(MPI_COMM_WORLD, &all);
    if (level >= MPI_THREAD_SERIALIZED)
        return true;
    return err_set(err, ERR_IO, "this MPI does not serve threads");
}

void mpi_finish(int status)
{
    if (all < 2)
        return;
    if (status)
        MPI_Abort(MPI_COMM_WORLD, status);
    MPI_Finalize();
}

int mpi_rank(void)
{
    return me;
}

int mpi_size(void)
{
    return all;
}

static bool told(int rc, struct err *err)
{
    return rc == MPI_SUCCESS || err_set(err, ERR_IO, "the processes of mpirun lost each other");
}

/* One after the other, so that the sum has the same bits every time. */
bool mpi_sum(double *x, size_t n, struct err *err)
{
    double *got = me ? NULL : xmalloc((n < MOST ? n : MOST) * sizeof(*got) + 1);
    bool ok = true;

    for (size_t at = 0; ok && at < n; at += MOST) {
        int some = n - at < MOST ? (int)(n - at) : MOST;

        if (me) {
            ok = told(MPI_Send(x + at, some, MPI_DOUBLE, 0, TAG, MPI_COMM_WORLD), err);
            continue;
        }
        for (int r = 1; ok && r < all; r++) {
            ok = told(MPI_Recv(got, some, MPI_DOUBLE, r, TAG, MPI_COMM_WORLD, MPI_STATUS_IGNORE),
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

    for (size_t at = 0; ok && all > 1 && at < bytes; at += MOST)
        ok = told(MPI_Bcast((char *)x + at, bytes - at < MOST ? (int)(bytes - at) : MOST, MPI_BYTE,
                            0, MPI_COMM_WORLD),
                  err);
    return ok;
}

bool mpi_gather(const void *mine, void *to, size_t bytes, struct err *err)
{
    if (all < 2) {
        memcpy(to, mine, bytes);
        return true;
    }
    if (bytes > MOST)
        return err_set(err, ERR_LIMIT, "%zu bytes at once are too many to gather", bytes);
    return told(MPI_Gather((void *)(size_t)mine, (int)bytes, MPI_BYTE, to, (int)bytes, MPI_BYTE, 0,
                           MPI_COMM_WORLD),
                err);
}

#else

bool mpi_start(struct err *err)
{
    int n = started_as("OMPI_COMM_WORLD_SIZE", 1);

    return n < 2 || err_set(err, ERR_USAGE,
                            "mpirun has started %d of this program, which was built without Open "
                            "MPI: each would do all the work; build it with `make MPI=1`",
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
