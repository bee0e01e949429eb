/* The thread pool. A call of cpu_pool_run() is a round: the caller stores the work, increments
 * `round` and wakes the workers; everybody takes the next piece from an atomic counter until there
 * is none; the last worker that finishes wakes the caller. Waiting threads spin for some
 * microseconds before they sleep, because the next operation usually comes at once. */
#include "core/device/cpu_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/thread.h"

/* Turns of the spinning loop: some microseconds, the gap between two operations of a forward pass.
 */
enum { SPINS = 2000 };

struct worker {
    struct cpu_pool *pool;
    pthread_t thread;
    int index;
};

struct cpu_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    atomic_uint round; /* number of the round; a change means new work */
    atomic_int next;   /* the next piece to take */
    atomic_int busy;   /* workers that have not finished the round */
    int pieces, threads, started;
    bool stop;
    void (*work)(void *, int, int);
    void *context;
    struct worker *worker; /* [threads - 1] */
};

static void take_pieces(struct cpu_pool *pool, int worker)
{
    int piece;

    while ((piece = atomic_fetch_add(&pool->next, 1)) < pool->pieces)
        pool->work(pool->context, piece, worker);
}

static void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static unsigned wait_for_round(struct cpu_pool *pool, unsigned seen)
{
    unsigned now = atomic_load(&pool->round);

    for (int i = 0; i < SPINS && now == seen; i++) {
        pause_cpu();
        now = atomic_load(&pool->round);
    }
    if (now != seen)
        return now;
    pthread_mutex_lock(&pool->lock);
    while ((now = atomic_load(&pool->round)) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return now;
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct cpu_pool *pool = w->pool;
    unsigned seen = 0;

    for (;;) {
        seen = wait_for_round(pool, seen);
        if (pool->stop)
            return NULL;
        take_pieces(pool, w->index);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->idle);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void start_workers(struct cpu_pool *pool)
{
    for (int i = 0; i < pool->threads - 1; i++) {
        struct worker *w = &pool->worker[i];

        w->pool = pool;
        w->index = i + 1;
        if (!thread_start(&w->thread, "worker", worker_main, w, NULL))
            break; /* cpu_pool_open() reports it */
        pool->started++;
    }
}

struct cpu_pool *cpu_pool_open(int threads, struct err *err)
{
    struct cpu_pool *pool = xcalloc(1, sizeof(*pool));

    pool->threads = threads < 1 ? 1 : threads;
    pool->worker = xcalloc((size_t)pool->threads, sizeof(*pool->worker));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    start_workers(pool);
    if (pool->started != pool->threads - 1) {
        err_set(err, ERR_LIMIT, "cannot start %d threads; ask for fewer with --threads", threads);
        cpu_pool_close(pool);
        return NULL;
    }
    return pool;
}

/* Starts a round. Without the lock a worker could miss the wakeup: between its look at `round` and
 * its wait. */
static void begin_round(struct cpu_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->round, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

void cpu_pool_close(struct cpu_pool *pool)
{
    if (!pool)
        return;
    pool->stop = true;
    begin_round(pool);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->worker);
    free(pool);
}

static void wait_until_idle(struct cpu_pool *pool)
{
    for (int i = 0; i < SPINS && atomic_load(&pool->busy); i++)
        pause_cpu();
    pthread_mutex_lock(&pool->lock);
    while (atomic_load(&pool->busy))
        pthread_cond_wait(&pool->idle, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void cpu_pool_run(struct cpu_pool *pool, int pieces, void (*work)(void *, int, int), void *context)
{
    if (pieces <= 1 || pool->threads == 1) {
        for (int i = 0; i < pieces; i++)
            work(context, i, 0);
        return;
    }
    pool->work = work;
    pool->context = context;
    pool->pieces = pieces;
    atomic_store(&pool->next, 0);
    atomic_store(&pool->busy, pool->threads - 1);
    begin_round(pool);
    take_pieces(pool, 0);
    wait_until_idle(pool);
}
