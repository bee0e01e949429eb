/* Reads a recording (editscope-formats(7) 12): finds its lines, shortens long pauses, and notes for
 * each job which command it was and whether it ended well. */
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

/* Pauses are cut to this many seconds: before a key, where a viewer reads the screen, and before
 * anything else, where the recorded machine was computing. */
static const double PAUSE_MOST = 2;
static const double WAIT_MOST = 0.5;

/* Appends more of the file to the text; with `line` only up to the first whole line. A file that a
 * crash cut short is read as far as it goes. Returns what the last gzread() returned. */
static int read_more(gzFile file, struct buf *text, bool line)
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

/* Reads what recording_open() left: may be megabytes, so it runs on the player's thread. */
static void read_rest(struct recording *recording)
{
    struct buf text = {.data = recording->text, .len = recording->size, .cap = recording->size + 1};

    if (!recording->file)
        return;
    read_more(recording->file, &text, false);
    gzclose(recording->file);
    recording->file = NULL;
    recording->size = text.len;
    recording->text = buf_take(&text);
}

static bool read_head(struct recording *recording, struct params *params, struct fact *fact,
                      struct err *err)
{
    const char *end = memchr(recording->text, '\n', recording->size);
    json_t *head =
        end ? json_loadb(recording->text, (size_t)(end - recording->text), 0, NULL) : NULL;
    const char *what = json_string_value(json_object_get(head, "recording"));
    char *inner, *about;
    bool ok = what && !strcmp(what, "editscope");

    *fact = (struct fact){0};
    params_default(params);
    if (!ok)
        err_set(err, ERR_FORMAT, "%s: not a recording of editscope", recording->name);
    else if (json_integer_value(json_object_get(head, "schema")) != 1)
        ok = err_set(err, ERR_FORMAT, "%s: the recording was made by a newer version of editscope",
                     recording->name);
    inner = json_dumps(json_object_get(head, "params"), JSON_COMPACT);
    about = json_dumps(json_object_get(head, "fact"), JSON_COMPACT);
    if (ok && inner)
        ok = params_from_json(params, inner, FROM_SESSION, err) ||
             err_in(err, "%s", recording->name);
    if (ok && about)
        ok = fact_from_json(fact, about, strlen(about), err) || err_in(err, "%s", recording->name);
    free(inner);
    free(about);
    json_decref(head);
    return ok;
}

struct recording *recording_of_text(const char *name, char *text, size_t size,
                                    struct params *params, struct fact *fact, struct err *err)
{
    struct recording *recording = xcalloc(1, sizeof(*recording));

    recording->name = xstrdup(name);
    recording->text = text;
    recording->size = size;
    if (read_head(recording, params, fact, err))
        return recording;
    recording_close(recording);
    return NULL;
}

struct recording *recording_open(const char *path, struct params *params, struct fact *fact,
                                 struct err *err)
{
    int fd = file_open(path, err), n;
    gzFile file = fd < 0 ? NULL : gzdopen(fd, "rb");
    struct buf text = {0};
    struct recording *recording;
    size_t size;

    if (!file) {
        if (fd >= 0)
            close(fd);
        err_set(err, ERR_LIMIT, "%s: not enough memory", path); /* unless file_open() set err */
        return NULL;
    }
    n = read_more(file, &text, true);
    if (!text.len) {
        err_set(err, n < 0 ? ERR_FORMAT : ERR_IO, "%s: %s", path,
                n < 0 ? "damaged from its beginning" : "empty file; is the download complete?");
        gzclose(file);
        return NULL;
    }
    if (!strncmp(text.data, "\xef\xbb\xbf", 3)) { /* byte order mark that some editors add */
        text.len -= 3;
        memmove(text.data, text.data + 3, text.len + 1);
    }
    size = text.len;
    recording = recording_of_text(path, buf_take(&text), size, params, fact, err);
    if (recording)
        recording->file = file;
    else
        gzclose(file);
    return recording;
}

/* What a line is. False: damaged. */
static bool line_parse(struct recording_line *line, const json_t *o)
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
        line->key = xstrdup(about ? about : "");
        return true;
    }
    line->kind = json_object_get(o, "key") ? LINE_KEY : LINE_SIZE;
    return json_object_get(o, "key") || json_object_get(o, "size");
}

/* Fills what needs all lines: times without long pauses, the state at each line, jobs. */
static void recording_finish(struct recording *recording)
{
    double cut = 0, before = 0;

    recording->jobs = 1;
    for (int i = 0; i < recording->lines; i++) {
        struct recording_line *l = &recording->line[i];
        double most = l->kind == LINE_KEY ? PAUSE_MOST : WAIT_MOST;

        recording->jobs = l->job >= recording->jobs ? l->job + 1 : recording->jobs;
        if (l->t - before > most)
            cut += l->t - before - most;
        before = l->t > before ? l->t : before;
        l->t = before - cut;
        if (i && !*l->state)
            memcpy(l->state, recording->line[i - 1].state, sizeof(l->state));
        recording->length = l->t;
    }
    recording->whole = xcalloc(recording->jobs, sizeof(*recording->whole));
    recording->kind = xcalloc(recording->jobs, sizeof(*recording->kind));
    for (int i = 0; i < recording->lines; i++) {
        const struct recording_line *l = &recording->line[i];

        if (l->kind == LINE_POST)
            recording->kind[l->job] = l->post;
        else if (l->kind == LINE_EVENT && l->event == EV_DONE)
            recording->whole[l->job] = true;
    }
}

void recording_index(struct recording *recording)
{
    const char *at, *end, *stop;
    int room = 0;

    read_rest(recording);
    at = recording->text;
    end = recording->text + recording->size;
    for (bool first = true; (stop = memchr(at, '\n', (size_t)(end - at))); at = stop + 1) {
        struct recording_line line = {.from = (size_t)(at - recording->text),
                                      .size = (size_t)(stop - at)};
        json_t *o;
        bool good;

        if (first) {
            first = false;
            continue;
        }
        o = json_loadb(at, line.size, 0, NULL);
        good = line_parse(&line, o);
        json_decref(o);
        if (!good) {
            recording->damaged = recording->lines + 2; /* the first line is the head */
            free(line.key);
            break;
        }
        if (recording->lines == room) {
            room = room ? 2 * room : 256;
            recording->line = xrealloc(recording->line, (size_t)room * sizeof(*recording->line));
        }
        recording->line[recording->lines++] = line;
    }
    recording_finish(recording);
}

json_t *recording_json(const struct recording *recording, const struct recording_line *line)
{
    return json_loadb(recording->text + line->from, line->size, 0, NULL);
}

void recording_close(struct recording *recording)
{
    if (!recording)
        return;
    for (int i = 0; i < recording->lines; i++)
        free(recording->line[i].key);
    free(recording->line);
    free(recording->whole);
    free(recording->kind);
    if (recording->file)
        gzclose(recording->file);
    free(recording->text);
    free(recording->name);
    free(recording);
}
