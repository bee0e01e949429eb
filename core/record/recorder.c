/* Writes events, keys and sizes as lines of a recording.
 *
 * The UI thread appends finished lines to `waiting`. The recorder's thread takes all of them about
 * once a second, compresses and writes them, and flushes, so that after a crash all but the last
 * second can be read. It blocks while there is nothing to write. When writing fails, the file gets
 * too large or more than WAITING_MOST bytes wait, recording stops for good and recorder_failure()
 * says so; the run itself goes on. */
#include "core/record/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/thread.h"
#include "core/base/utf8.h"
#include "core/record/event_json.h"

enum { WAITING_MOST = 64 << 20 }; /* bytes */

struct recorder {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct buf waiting; /* under the lock, as `closing` and `failure` are */
    bool closing;
    char failure[160];
    atomic_bool stopped; /* `failure` is set */
    gzFile file;         /* the recorder thread's */
    long long most;
    bool small, reported; /* the UI thread's, as the times below */
    double began, last_progress;
};

/* Stops recording, and keeps the first reason. Both threads. */
static void recorder_fail(struct recorder *r, const char *text)
{
    pthread_mutex_lock(&r->lock);
    if (!*r->failure)
        utf8_copy(r->failure, sizeof(r->failure), text);
    buf_clear(&r->waiting);
    atomic_store(&r->stopped, true);
    pthread_mutex_unlock(&r->lock);
}

/* Waits for lines, then a second longer, and takes all there are. False: closing, and none left. */
static bool take_lines(struct recorder *r, struct buf *lines)
{
    struct timespec until;
    bool more;

    pthread_mutex_lock(&r->lock);
    while (!r->waiting.len && !r->closing)
        pthread_cond_wait(&r->changed, &r->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    while (!r->closing && !pthread_cond_timedwait(&r->changed, &r->lock, &until))
        ;
    *lines = r->waiting;
    r->waiting = (struct buf){0};
    more = lines->len || !r->closing;
    pthread_mutex_unlock(&r->lock);
    return more;
}

static void *recorder_main(void *arg)
{
    struct recorder *r = arg;
    struct buf lines;
    bool good = true;

    while (take_lines(r, &lines)) {
        if (good && lines.len) {
            good = gzwrite(r->file, lines.data, (unsigned)lines.len) > 0 &&
                   (r->small || gzflush(r->file, Z_SYNC_FLUSH) == Z_OK);
            if (!good)
                recorder_fail(r, "the recording of this run has stopped: it cannot be written");
            else if (gzoffset(r->file) > r->most) {
                recorder_fail(r, "the recording of this run has stopped: it is too large");
                good = false;
            }
        }
        buf_free(&lines);
    }
    return NULL;
}

/* The first line: what the file is, how exactly numbers are kept, and what the run began with. */
static void write_head(struct recorder *r, const struct recorder_options *o)
{
    char *params = params_to_json(o->params), *fact = o->fact ? fact_to_json(o->fact) : NULL;

    buf_printf(&r->waiting, "{\"schema\":1,\"recording\":\"editscope\",\"kept\":\"%s\"",
               o->small
                   ? "scores exact; activations, keys, norms and traces as F16; slopes and the "
                     "picture before the scores as F8 (upper byte of F16); no curves"
                   : "all floats exact");
    buf_printf(&r->waiting, ",\"params\":%s", params);
    if (fact)
        buf_printf(&r->waiting, ",\"fact\":%s", fact);
    buf_puts(&r->waiting, "}\n");
    free(params);
    free(fact);
}

static bool open_file(struct recorder *r, const char *path, struct err *err)
{
    int fd;

    if (!file_make_parents(path, err))
        return false;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    r->file = fd < 0 ? NULL : gzdopen(fd, r->small ? "wb9" : "wb1");
    if (!r->file && fd >= 0)
        close(fd);
    return r->file || err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

struct recorder *recorder_open(const char *path, const struct recorder_options *options,
                               struct err *err)
{
    struct recorder *r = xcalloc(1, sizeof(*r));
    pthread_condattr_t forward;
    bool started = false;

    r->small = options->small;
    r->most = options->most ? options->most : 64ll << 20;
    r->began = clock_seconds();
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&forward);
    pthread_condattr_setclock(&forward, CLOCK_MONOTONIC);
    pthread_cond_init(&r->changed, &forward);
    pthread_condattr_destroy(&forward);
    if (open_file(r, path, err)) {
        write_head(r, options);
        started = thread_start(&r->thread, "recorder", recorder_main, r, err);
        if (!started)
            gzclose(r->file);
    }
    if (started)
        return r;
    buf_free(&r->waiting);
    free(r);
    return NULL;
}

/* Begins a line; false: there is no recorder, or it has stopped. */
static bool line_begin(struct recorder *r, struct buf *line)
{
    if (!r || atomic_load(&r->stopped))
        return false;
    buf_printf(line, "{\"t\":%.4f,", clock_seconds() - r->began);
    return true;
}

/* Ends the line and hands it to the thread. */
static void line_end(struct recorder *r, struct buf *line)
{
    bool full;

    buf_puts(line, "}\n");
    pthread_mutex_lock(&r->lock);
    full = r->waiting.len > WAITING_MOST;
    if (!full)
        buf_add(&r->waiting, line->data, line->len);
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (full)
        recorder_fail(r, "the recording of this run has stopped: the disk is too slow");
    buf_free(line);
}

void recorder_event(struct recorder *r, const struct event *ev)
{
    struct buf line = {0};

    if (r && ev->kind == EV_PROGRESS) { /* twice a second is enough to see it move */
        if (clock_seconds() - r->last_progress < 0.4)
            return;
        r->last_progress = clock_seconds();
    }
    if (ev->kind == EV_REPLAY || !line_begin(r, &line))
        return;
    event_write(ev, r->small, &line);
    line_end(r, &line);
}

void recorder_key(struct recorder *r, int code, int y, int x, const char *paste)
{
    struct buf line = {0};

    if (!line_begin(r, &line))
        return;
    buf_printf(&line, "\"key\":%d", code);
    if (y || x)
        buf_printf(&line, ",\"at\":[%d,%d]", y, x);
    if (paste) {
        buf_puts(&line, ",\"paste\":");
        json_put_text(&line, paste);
    }
    line_end(r, &line);
}

void recorder_size(struct recorder *r, int rows, int columns)
{
    struct buf line = {0};

    if (!line_begin(r, &line))
        return;
    buf_printf(&line, "\"size\":[%d,%d]", rows, columns);
    line_end(r, &line);
}

char *recorder_command_key(const struct recorder *r, const struct command *cmd)
{
    return r ? command_key(cmd) : NULL;
}

void recorder_post(struct recorder *r, unsigned job, enum command_kind kind, const char *key)
{
    struct buf line = {0};

    if (!job || !key || !line_begin(r, &line))
        return;
    buf_printf(&line, "\"post\":\"%s\",\"job\":%u,\"about\":", command_traits[kind].name, job);
    json_put_text(&line, key);
    line_end(r, &line);
}

const char *recorder_failure(struct recorder *r)
{
    bool any;

    if (!r || r->reported)
        return NULL;
    pthread_mutex_lock(&r->lock);
    any = *r->failure != '\0';
    pthread_mutex_unlock(&r->lock);
    r->reported = any;
    return any ? r->failure : NULL;
}

void recorder_close(struct recorder *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    pthread_cond_signal(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    gzclose(r->file);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    buf_free(&r->waiting);
    free(r);
}
