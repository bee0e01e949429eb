#include "core/edit/fleet.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/edit/gather.h"

struct ship {
    struct fleet *fleet;
    pthread_t thread;
    int index; /* of its device */
    long from, to;
    bool busy;
    struct err err;
    /* its thread's, but between fleet_join()'s wait and the next fleet_give() */
    struct device *dev;
    struct model *model;
    struct weights_view *view;
    struct moments *moments;
    struct gather *gather;
};

struct fleet {
    const struct model *leader;
    struct moments_origin origin;
    int layers, *layer, neurons;
    const int *ids;
    long count;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
    int ships;
    struct ship *ship;
};

static bool over(struct fleet *f)
{
    bool is;

    pthread_mutex_lock(&f->lock);
    is = f->over;
    pthread_mutex_unlock(&f->lock);
    return is;
}

static bool launch(struct ship *s)
{
    struct fleet *f = s->fleet;
    const struct device *like = f->leader->dev;

    if (s->gather)
        return true;
    s->dev = device_open(like->ops, s->index, 1, &s->err);
    if (!s->dev)
        return false;
    s->dev->precision = like->precision;
    s->dev->far_sums = like->far_sums;
    s->model = model_open(weights_path(f->leader->file), s->dev, -1, NULL, &s->err);
    s->moments =
        s->model ? moments_new(s->dev, &f->origin, f->layers, f->layer, f->neurons, &s->err) : NULL;
    if (!s->moments)
        return false;
    s->view = view_new(s->model, 1);
    s->gather = gather_new(s->view, s->moments, f->ids, f->count);
    return device_sync(s->dev, &s->err);
}

static bool sail(struct ship *s)
{
    if (!launch(s))
        return false;
    for (int i = 0; i < s->moments->layers; i++)
        shelf_fill(&s->moments->sum[i], 0);
    s->moments->tokens = s->from;
    while (s->moments->tokens < s->to)
        if (over(s->fleet) || !gather_step(s->gather, s->to, &s->err))
            return false;
    moments_settle(s->moments);
    return device_sync(s->dev, &s->err);
}

static void *live(void *arg)
{
    struct ship *s = arg;
    struct fleet *f = s->fleet;

    pthread_mutex_lock(&f->lock);
    while (!f->over) {
        if (!s->busy) {
            pthread_cond_wait(&f->changed, &f->lock);
            continue;
        }
        pthread_mutex_unlock(&f->lock);
        if (!sail(s) && !s->err.kind)
            err_set(&s->err, ERR_CANCELLED, "stopped");
        pthread_mutex_lock(&f->lock);
        s->busy = false;
        pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    gather_free(s->gather);
    view_free(s->view);
    moments_free(s->moments);
    model_close(s->model);
    device_close(s->dev);
    return NULL;
}

struct fleet *fleet_new(const struct model *leader, const struct moments *like, int first, int more,
                        const int *ids, long count, struct err *err)
{
    struct fleet *f = xcalloc(1, sizeof(*f));

    *f = (struct fleet){.leader = leader,
                        .origin = like->origin,
                        .layers = like->layers,
                        .neurons = like->neurons,
                        .ids = ids,
                        .count = count};
    f->layer = xcalloc((size_t)like->layers, sizeof(*f->layer));
    memcpy(f->layer, like->layer, (size_t)like->layers * sizeof(*f->layer));
    f->ship = xcalloc((size_t)more, sizeof(*f->ship));
    pthread_mutex_init(&f->lock, NULL);
    pthread_cond_init(&f->changed, NULL);
    for (; f->ships < more; f->ships++) {
        struct ship *s = &f->ship[f->ships];

        s->fleet = f;
        s->index = first + 1 + f->ships;
        if (!thread_start(&s->thread, "fleet", live, s, err)) {
            err_in(err, "GPU %d", s->index);
            fleet_free(f);
            return NULL;
        }
    }
    return f;
}

void fleet_free(struct fleet *f)
{
    if (!f)
        return;
    pthread_mutex_lock(&f->lock);
    f->over = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < f->ships; i++)
        pthread_join(f->ship[i].thread, NULL);
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
    free(f->ship);
    free(f->layer);
    free(f);
}

int fleet_size(const struct fleet *f)
{
    return f ? f->ships : 0;
}

void fleet_give(struct fleet *f, int i, long from, long to)
{
    pthread_mutex_lock(&f->lock);
    f->ship[i].from = from;
    f->ship[i].to = to;
    f->ship[i].busy = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static bool arrived(struct fleet *f, struct job *job, struct err *err)
{
    bool all = false;

    while (!all) {
        struct timespec until;

        if (job_cancelled(job, err))
            return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 50000000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        all = true;
        pthread_mutex_lock(&f->lock);
        for (int i = 0; i < f->ships; i++)
            all = all && !f->ship[i].busy;
        if (!all)
            pthread_cond_timedwait(&f->changed, &f->lock, &until);
        pthread_mutex_unlock(&f->lock);
    }
    for (int i = 0; i < f->ships; i++)
        if (f->ship[i].err.kind) {
            err_set(err, f->ship[i].err.kind, "GPU %d: %s", f->ship[i].index, f->ship[i].err.text);
            return false;
        }
    return true;
}

static void add_far(const struct fleet *f, struct shelf *to, int layer)
{
    size_t n = (size_t)to->rows * (size_t)to->cols;

    for (int s = 0; s < f->ships; s++) {
        const double *x = f->ship[s].moments->sum[layer].host;

        for (size_t i = 0; i < n; i++)
            to->host[i] += x[i];
    }
}

bool fleet_join(struct fleet *f, struct moments *to, struct job *job, struct err *err)
{
    struct device **dev;
    struct mat *x;

    if (!arrived(f, job, err))
        return false;
    dev = xcalloc((size_t)f->ships + 1, sizeof(struct device *));
    x = xcalloc((size_t)f->ships + 1, sizeof(*x));
    for (int l = 0; l < to->layers; l++) {
        if (to->sum[l].host) {
            add_far(f, &to->sum[l], l);
            continue;
        }
        dev[0] = to->dev;
        x[0] = to->sum[l].here;
        for (int s = 0; s < f->ships; s++) {
            dev[s + 1] = f->ship[s].dev;
            x[s + 1] = f->ship[s].moments->sum[l].here;
        }
        device_join(dev, f->ships + 1, x);
    }
    free(dev);
    free(x);
    return device_sync(to->dev, err);
}
