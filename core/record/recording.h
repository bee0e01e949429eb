/* The lines of a recording, found and checked, ready to be played. Seen by core/engine/ alone. */
#ifndef CORE_RECORD_RECORDING_H
#define CORE_RECORD_RECORDING_H

#include <jansson.h>

#include "core/engine/engine.h"

enum line_kind { LINE_EVENT, LINE_KEY, LINE_SIZE, LINE_POST };

struct recording_line {
    double t; /* seconds; long pauses are cut, waits for the machine shorter */
    enum line_kind kind;
    enum event_kind event;
    enum command_kind post;
    unsigned job;      /* EVENT, POST */
    char *about;       /* POST: command_key() */
    char state[17];    /* id of the weights that stood then; "" before the first was told */
    size_t from, size; /* of its text */
};

struct recording {
    char *name; /* of the file, for messages */
    void *file; /* gzFile: what is not read yet; NULL: all is */
    char *text;
    size_t size;
    struct recording_line *line;
    int lines;
    int damaged; /* number of the line in the file that ended the recording; 0: none did */
    double length;
    unsigned jobs;           /* all job numbers are below */
    bool *whole;             /* [jobs] ended with EV_DONE */
    enum command_kind *kind; /* [jobs] of its post */
};

/* Opens the file, gzip or plain, and reads its first line; recording_index() reads the rest.
 * ERR_IO, ERR_FORMAT (not a recording), ERR_LIMIT. `params` and `fact` get what the run began with
 * (fact zeroed if there is none). */
struct recording *recording_open(const char *path, struct params *params, struct fact *fact,
                                 struct err *err);
/* The same from text at hand, which it takes over also when it fails. */
struct recording *recording_of_text(const char *name, char *text, size_t size,
                                    struct params *params, struct fact *fact, struct err *err);
/* Finds and checks all lines; slow enough for a thread of its own. A damaged line (no JSON, a
 * number that no double can be) ends the recording there: what is before it is good. */
void recording_index(struct recording *reel);
json_t *recording_json(const struct recording *reel,
                       const struct recording_line *line); /* NULL: damaged */
void recording_close(struct recording *reel);

#endif
