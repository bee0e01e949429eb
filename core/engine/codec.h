/* Events and commands as lines of JSON: what a recording is made of.
 *
 * {"event":"look","job":3,"look":{...}} and so on; the names of events are those of enum
 * event_kind in small letters, EV_ left out. Pure; any thread. */
#ifndef CORE_ENGINE_CODEC_H
#define CORE_ENGINE_CODEC_H

#include "core/engine/engine.h"
#include "core/engine/shape.h"

const char *event_name(enum event_kind kind);    /* "look"; "" for EV_NONE */
enum event_kind event_of_name(const char *name); /* EV_NONE: no such event */
const char *command_name(enum command_kind kind);
enum command_kind command_of_name(const char *name);
/* The shape of what an event of this kind points to; NULL: nothing. */
const struct shape *event_shape(enum event_kind kind);

/* Appends `"event":NAME,...` without braces. `small`: slopes, activations and the like are kept
 * as halves or coarser; scores never are. */
void event_write(const struct event *ev, bool small, struct buf *out);
/* The event of a parsed line; the caller gives it back with event_free(). ERR_FORMAT. */
bool event_read(const json_t *line, struct event *ev, struct err *err);
/* Whether the receivers of this can take it: all that is about layers is about the model's that
 * was last told of (it sets *layers and *neurons; begin with 0). */
bool event_fits(const struct event *ev, int *layers, int *neurons);
/* What an answer depends on, as a short text: two commands of one kind with the same key get the
 * same answer under the same weights. Caller frees. */
char *command_key(const struct command *cmd);

/* Entries of a recording of 0.1.0, which has no list of facts, get one of their first fact. */
void history_complete(struct history *h);
/* Probes of such a recording have no p(target). */
void probes_complete(struct probe_result *probe, int count);

#endif
