/* A recorded run behind the door of engine.h: whoever asks cannot tell it from a model.
 *
 * At first the recording drives. What was shown comes again, at its pace; what was typed comes as
 * EV_REPLAY, for the receiver to do it; commands that the receiver then posts, as the recorded
 * program did, get the recorded answers. From engine_play_hold() on (or from the end on) it only
 * answers: a command gets the answer that the recording holds to the same question, and where it
 * holds none, or the command would write, one line that says so. Nothing is ever written. */
#ifndef CORE_RECORD_PLAYER_H
#define CORE_RECORD_PLAYER_H

#include "core/engine/engine.h"

struct play_options {
    double speed; /* 1: as it was; 0: as fast as it goes */
    double from;  /* seconds: until there as fast as it goes */
};

/* A recording (recorder.h), gzip or plain. `params` and `fact` get what the run began with; fact
 * is zeroed if it had none and is the caller's to free. engine_stop() ends it. ERR_IO,
 * ERR_FORMAT, ERR_LIMIT. */
struct engine *engine_play(const char *path, const struct play_options *options,
                           struct params *params, struct fact *fact, struct err *err);
/* A RUN file (run_file.h) or a session, shown at once and only read; no model is needed. ERR_IO,
 * ERR_FORMAT. */
struct engine *engine_show(const char *path, struct params *params, struct fact *fact,
                           struct err *err);
/* The receiver's user has taken over: it only answers from now on. Any engine. UI thread. */
void engine_play_hold(struct engine *e);

#endif
