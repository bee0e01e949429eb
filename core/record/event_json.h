/* Events as lines of JSON, and the key of a command: what a recording is made of.
 *
 * {"event":"look","job":3,"what":{...}} and so on; event_json.c describes the form. Pure functions;
 * any thread. */
#ifndef CORE_RECORD_EVENT_JSON_H
#define CORE_RECORD_EVENT_JSON_H

#include "core/engine/event_fields.h"

/* Appends `"event":NAME,...` without braces. `small` is for recordings that are given to others:
 * slopes, activations and the like are written as float16 or as one byte (scores never are), and of
 * paths only the last name is written. */
void event_write(const struct event *ev, bool small, struct buf *out);
/* Reads the event of a parsed line. The caller frees it with event_free(). ERR_FORMAT names the
 * field; *ev is then zeroed. */
bool event_read(const json_t *line, struct event *ev, struct err *err);
/* Whether every layer and neuron that the event names exists in the model. EV_MODEL sets *layers
 * and *neurons; the caller keeps them between calls and begins with 0. */
bool event_valid(const struct event *ev, int *layers, int *neurons);
/* What an answer depends on, as a short text (command_key.c). Two commands of one kind with the
 * same key get the same answer under the same weights. Caller frees. */
char *command_key(const struct command *cmd);

#endif
