/* A recording read into memory: its lines, found and checked, ready to be played (player.c).
 *
 * Lines are parsed once, to index them, and again when they are played; only the text is kept. One
 * thread at a time. */
#ifndef CORE_RECORD_RECORDING_H
#define CORE_RECORD_RECORDING_H

#include <jansson.h>

#include "core/engine/engine.h"

enum line_kind { LINE_EVENT, LINE_KEY, LINE_SIZE, LINE_POST };

struct recording_line {
    double t; /* seconds; long pauses are shortened */
    enum line_kind kind;
    enum event_kind event;
    enum command_kind post;
    unsigned job;      /* EVENT, POST */
    char *key;         /* POST: command_key() */
    char state[17];    /* id of the weights at that time; "" before the first EV_STATE */
    size_t from, size; /* where it is in the text */
};

struct recording {
    char *name; /* of the file, for error messages */
    void *file; /* gzFile, while not all is read; else NULL */
    char *text;
    size_t size;
    struct recording_line *line;
    int lines;
    int damaged; /* line number of the damaged line where the recording ends; 0: none */
    double length;
    unsigned jobs;           /* all job numbers are below it */
    bool *whole;             /* [jobs] ended with EV_DONE */
    enum command_kind *kind; /* [jobs] of its post */
};

/* Opens a file, gzip or plain, and reads its first line; recording_index() reads the rest. `params`
 * and `fact` receive what the run began with (fact is zeroed if there was none; the caller frees
 * it). ERR_IO, ERR_LIMIT, ERR_FORMAT: not a recording, or of a newer version. */
struct recording *recording_open(const char *path, struct params *params, struct fact *fact,
                                 struct err *err);
/* The same from text in memory, which it takes over (also when it fails). */
struct recording *recording_of_text(const char *name, char *text, size_t size,
                                    struct params *params, struct fact *fact, struct err *err);
/* Reads, finds and checks all lines: seconds for a long recording. A damaged line (invalid JSON, a
 * number too large for a double) ends the recording there; the lines before it are used. */
void recording_index(struct recording *recording);
/* The line as JSON. Caller releases it; NULL: damaged. */
json_t *recording_json(const struct recording *recording, const struct recording_line *line);
void recording_close(struct recording *recording);

#endif
