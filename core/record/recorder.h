/* Records what a run showed and what its user did, so that it can be played again (player.h).
 *
 * A recording is gzipped text, one JSON object a line (editscope-formats(7) 12). The first line
 * says what it is and has the parameters and the fact that the run began with. The others are
 *
 *     {"t":SECONDS,"event":NAME,...}                 what the engine emitted (event_json.h)
 *     {"t":..,"key":CODE,"at":[y,x],"paste":TEXT}    what was typed, clicked or pasted
 *     {"t":..,"size":[rows,columns]}                 the terminal's size
 *     {"t":..,"post":COMMAND,"job":N,"about":KEY}    a command that was posted (command_key()) */
#ifndef CORE_RECORD_RECORDER_H
#define CORE_RECORD_RECORDER_H

#include "core/engine/engine.h"

struct recorder;

struct recorder_options {
    bool small;     /* to be given to others: fewer bits of activations and slopes, file names
                       without folders, best compression */
    long long most; /* largest file in bytes, after which recording stops; 0: 64 MiB */
    const struct params *params;
    const struct fact *fact; /* may be NULL */
};

/* Creates the file and its folders, readable by the owner only. ERR_IO. */
struct recorder *recorder_open(const char *path, const struct recorder_options *options,
                               struct err *err);
/* One line each. Call them on one thread; none waits for the disk. `r` may be NULL: nothing is
 * recorded. */
void recorder_event(struct recorder *r, const struct event *ev);
void recorder_key(struct recorder *r, int code, int y, int x, const char *paste);
void recorder_size(struct recorder *r, int rows, int columns);
/* The key of a command (command_key()), taken before engine_post() moves its contents away, for
 * recorder_post() once its job number is known. NULL without a recorder. Caller frees. */
char *recorder_command_key(const struct recorder *r, const struct command *cmd);
void recorder_post(struct recorder *r, unsigned job, enum command_kind kind, const char *key);
/* One line for the user, once, when recording has stopped by itself (full disk, too large a file).
 * NULL: it has not, or this was returned before. */
const char *recorder_failure(struct recorder *r);
void recorder_close(struct recorder *r);

#endif
