/* Events and commands as lines of JSON: what a recording is made of.
 *
 * {"event":"look","job":3,"what":{...}} and so on. Pure; any thread. */
#ifndef CORE_RECORD_EVENT_JSON_H
#define CORE_RECORD_EVENT_JSON_H

#include "core/engine/event_fields.h"

/* Appends `"event":NAME,...` without braces. `small`, made to be passed on: slopes, activations and
 * the like are kept as halves or coarser (scores never are), and paths do not tell where their
 * maker keeps files. */
void event_write(const struct event *ev, bool small, struct buf *out);
/* The event of a parsed line; the caller gives it back with event_free(). ERR_FORMAT. */
bool event_read(const json_t *line, struct event *ev, struct err *err);
/* Whether the receivers of this can take it: all that is about layers is about the model's that
 * was last told of (it sets *layers and *neurons; begin with 0). */
bool event_valid(const struct event *ev, int *layers, int *neurons);
/* What an answer depends on, as a short text: two commands of one kind with the same key get the
 * same answer under the same weights. Caller frees. */
char *command_key(const struct command *cmd);

#endif
