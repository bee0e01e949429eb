/* Reads a recording's lines (editscope-formats(7) 12), shortens pauses, and finds where each job
 * ends. */
#include "core/record/recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/record/event_json.h"

enum { TEXT_MOST = 1 << 30, PART = 1 << 16, JOBS_MOST = 1 << 20 };

static const double PAUSE_MOST = 2;  /* seconds, before a key: what a reader has */
static const double WAIT_MOST = 0.5; /* before anything else: the machine was at work */

/* More of the file behind what is there; with `line` as far as the first whole line. A file cut
 * short by a crash is as good as what it still holds. Returns what the last read gave. */
static int read_on(gzFile file, struct buf *text, bool line)
{
    char *part = xmalloc(PART);
    int n = 0;

    while (text->len < TEXT_MOST && (n = gzread(file, part, PART)) > 0) {
        bool enough = line && memchr(part, '\n', (size_t)n);

        buf_add(text, part, (size_t)n);
        if (enough)
            break;
    }
    free(part);
    return n;
}

/* The rest of what recording_open() has begun to read: megabytes, which nobody waits for. */
static void read_rest(struct recording *reel)
{
    struct buf text = {.data = reel->text, .len = reel->size, .cap = reel->size + 1};

    if (!reel->file)
        return;
    read_on(reel->file, &text, false);
    gzclose(reel->file);
    reel->file = NULL;
    reel->size = text.len;
    reel->text = buf_take(&text);
}

static bool read_head(struct recording *reel, struct params *params, struct fact *fact,
                      struct err *err)
{
    const char *end = memchr(reel->text, '\n', reel->size);
    json_t *head = end ? json_loadb(reel->text, (size_t)(end - reel->text), 0, NULL) : NULL;
    const char *what = json_string_value(json_object_get(head, "recording"));
    char *inner, *about;
    bool ok = what && !strcmp(what, "editscope");

    *fact = (struct fact){0};
    params_default(params);
    if (!ok)
        err_set(err, ERR_FORMAT, "%s: not a recording of editscope", reel->name);
    else if (json_integer_value(json_object_get(head, "schema")) != 1)
        ok = err_set(err, ERR_FORMAT, "%s: a recording of a newer version", reel->name);
    inner = json_dumps(json_object_get(head, "params"), JSON_COMPACT);
    about = json_dumps(json_object_get(head, "fact"), JSON_COMPACT);
    if (ok && inner)
        ok = params_from_json(params, inner, FROM_SESSION, err) || err_in(err, "%s", reel->name);
    if (ok && about)
        ok = fact_from_json(fact, about, strlen(about), err) || err_in(err, "%s", reel->name);
    free(inner);
    free(about);
    json_decref(head);
    return ok;
}

struct recording *recording_of_text(const char *name, char *text, size_t size,
                                    struct params *params, struct fact *fact, struct err *err)
{
    struct recording *reel = xcalloc(1, sizeof(*reel));

    reel->name = xstrdup(name);
    reel->text = text;
    reel->size = size;
    if (read_head(reel, params, fact, err))
        return reel;
    recording_close(reel);
    return NULL;
}

struct recording *recording_open(const char *path, struct params *params, struct fact *fact,
                                 struct err *err)
{
    int fd = file_open(path, err), n;
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    struct buf text = {0};
    struct recording *reel;
    size_t size;

    if (!file) {
        if (fd >= 0)
            close(fd);
        err_set(err, ERR_LIMIT, "%s: out of memory", path); /* unless it is told already */
        return NULL;
    }
    n = read_on(file, &text, true);
    if (!text.len) {
        err_set(err, n < 0 ? ERR_FORMAT : ERR_IO, "%s: %s", path,
                n < 0 ? "damaged from its beginning on"
                      : "holds nothing; is the download complete?");
        gzclose(file);
        return NULL;
    }
    if (!strncmp(text.data, "\xef\xbb\xbf", 3)) { /* an editor's mark */
        text.len -= 3;
        memmove(text.data, text.data + 3, text.len + 1);
    }
    size = text.len;
    reel = recording_of_text(path, buf_take(&text), size, params, fact, err);
    if (reel)
        reel->file = file;
    else
        gzclose(file);
    return reel;
}

static bool understand(struct recording_line *line, const json_t *o)
{
    const char *event = json_string_value(json_object_get(o, "event"));
    const char *post = json_string_value(json_object_get(o, "post"));
    const char *about = json_string_value(json_object_get(o, "about"));
    const char *state = json_string_value(json_object_get(json_object_get(o, "what"), "state"));
    const json_t *t = json_object_get(o, "t");
    json_int_t job = json_integer_value(json_object_get(o, "job"));

    line->t = json_number_value(t);
    if (!json_is_number(t) || !isfinite(line->t) || line->t < 0 || job < 0 || job >= JOBS_MOST)
        return false;
    line->job = (unsigned)job;
    if (event) {
        line->kind = LINE_EVENT;
        line->event = event_of_name(event);
        if (line->event == EV_STATE && state)
            utf8_copy(line->state, sizeof(line->state), state);
        return line->event != EV_NONE;
    }
    if (post) {
        line->kind = LINE_POST;
        line->post = command_of_name(post);
        line->about = xstrdup(about ? about : "");
        return true;
    }
    line->kind = json_object_get(o, "key") ? LINE_KEY : LINE_SIZE;
    return json_object_get(o, "key") || json_object_get(o, "size");
}

/* Jobs and their ends, and times without long pauses. */
static void settle(struct recording *reel)
{
    double cut = 0, before = 0;

    reel->jobs = 1;
    for (int i = 0; i < reel->lines; i++) {
        struct recording_line *l = &reel->line[i];
        double most = l->kind == LINE_KEY ? PAUSE_MOST : WAIT_MOST;

        reel->jobs = l->job >= reel->jobs ? l->job + 1 : reel->jobs;
        if (l->t - before > most)
            cut += l->t - before - most;
        before = l->t > before ? l->t : before;
        l->t = before - cut;
        if (i && !*l->state)
            memcpy(l->state, reel->line[i - 1].state, sizeof(l->state));
        reel->length = l->t;
    }
    reel->whole = xcalloc(reel->jobs, sizeof(*reel->whole));
    reel->kind = xcalloc(reel->jobs, sizeof(*reel->kind));
    for (int i = 0; i < reel->lines; i++) {
        const struct recording_line *l = &reel->line[i];

        if (l->kind == LINE_POST)
            reel->kind[l->job] = l->post;
        else if (l->kind == LINE_EVENT && l->event == EV_DONE)
            reel->whole[l->job] = true;
    }
}

void recording_index(struct recording *reel)
{
    const char *at, *end, *stop;
    int room = 0;

    read_rest(reel);
    at = reel->text;
    end = reel->text + reel->size;
    for (bool first = true; (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
        struct recording_line line = {.from = (size_t)(at - reel->text),
                                      .size = (size_t)(stop - at)};
        json_t *o;
        bool good;

        if (first) {
            first = false;
            continue;
        }
        o = json_loadb(at, line.size, 0, NULL);
        good = understand(&line, o);
        json_decref(o);
        if (!good) {
            reel->damaged = reel->lines + 2; /* the first line is the head */
            free(line.about);
            break;
        }
        if (reel->lines == room) {
            room = room ? 2 * room : 256;
            reel->line = xrealloc(reel->line, (size_t)room * sizeof(*reel->line));
        }
        reel->line[reel->lines++] = line;
    }
    settle(reel);
}

json_t *recording_json(const struct recording *reel, const struct recording_line *line)
{
    return json_loadb(reel->text + line->from, line->size, 0, NULL);
}

void recording_close(struct recording *reel)
{
    if (!reel)
        return;
    for (int i = 0; i < reel->lines; i++)
        free(reel->line[i].about);
    free(reel->line);
    free(reel->whole);
    free(reel->kind);
    if (reel->file)
        gzclose(reel->file);
    free(reel->text);
    free(reel->name);
    free(reel);
}
