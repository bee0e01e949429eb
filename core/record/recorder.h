/* Keeps what a run showed and what its user did, so that it can be played again (player.h).
 *
 * A recording is text, a JSON object a line, gzip around it: the first line says what it is and
 * holds the parameters and the fact that the run began with; the others are
 * {"t":SECONDS,"event":...}, {"t":..,"key":..}, {"t":..,"size":[rows,columns]} and
 * {"t":..,"post":COMMAND,"job":..,"about":..}. Lines are compressed and written by a thread of the
 * recorder's own, a second's worth at a time; nothing is written while nothing happens. */
#ifndef CORE_RECORD_RECORDER_H
#define CORE_RECORD_RECORDER_H

#include "core/engine/engine.h"

struct recorder;

struct recorder_options {
    bool small;     /* slopes, activations and rough pictures as halves or less; best packing */
    long long most; /* bytes of the file after which it stops; 0: 64 MiB */
    const struct params *params;
    const struct fact *fact; /* may be NULL */
};

/* Makes the file (and its folders), readable by its owner alone. ERR_IO. */
struct recorder *recorder_open(const char *path, const struct recorder_options *options,
                               struct err *err);
/* All of one thread, none of them waits for the disk. NULL is fine: nothing is kept. */
void recorder_event(struct recorder *r, const struct event *ev);
void recorder_key(struct recorder *r, int code, int y, int x, const char *paste);
void recorder_size(struct recorder *r, int rows, int columns);
/* What the command asks, to be told with its job; NULL without a recorder. Caller frees. */
char *recorder_command_key(const struct recorder *r, const struct command *cmd);
void recorder_post(struct recorder *r, unsigned job, enum command_kind kind, const char *key);
/* One line, once, when it has stopped by itself (the disk is full, the file is too large). */
const char *recorder_failure(struct recorder *r); /* NULL: none, or told already */
void recorder_close(struct recorder *r);

/* PATH of the newest of the five recordings that are kept in the state folder, after the older
 * ones have moved on: last.rec.gz, last.1.rec.gz ... Caller frees. */
char *recorder_fresh_path(void);

#endif
