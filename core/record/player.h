/* Plays a recorded run behind the interface of engine.h, so that views need no model.
 *
 * At first the recording drives. Its events are emitted at their times. What was typed is emitted
 * as EV_REPLAY, and the receiver acts on it; the commands that the receiver then posts get the
 * recorded answers. After engine_play_hold(), or after the end of the recording, the player only
 * answers commands: with the recorded events of the same command, or with EV_FAILED if there are
 * none or the command would write. Nothing is ever written. */
#ifndef CORE_RECORD_PLAYER_H
#define CORE_RECORD_PLAYER_H

#include "core/engine/engine.h"

struct play_options {
    double speed;   /* 1: as recorded; 2: twice as fast; 0: without waiting */
    double from;    /* seconds: play up to this position without waiting */
    const char *is; /* what refuses a command: NULL: "a recording" */
    bool reads;     /* a command may read the file that it names: nobody but the user posts */
};

/* Plays a recording (recorder.h), gzip or plain. `params` and `fact` receive what the run began
 * with. The caller frees the fact; it is zeroed if there was none. engine_stop() ends the player.
 * ERR_IO, ERR_FORMAT, ERR_LIMIT. UI thread. */
struct engine *engine_play(const char *path, const struct play_options *options,
                           struct params *params, struct fact *fact, struct err *err);
/* Shows a RUN file (run_file.h) or a session without its model, as if it were a recording of no
 * length. The file is only read. ERR_IO, ERR_FORMAT. UI thread. */
struct engine *engine_show(const char *path, struct params *params, struct fact *fact,
                           struct err *err);
/* The user has taken over: stop driving, only answer. Does nothing to an engine that has a model.
 * UI thread. */
void engine_play_hold(struct engine *e);

#endif
