/* What each kind of event is called and what it points to, field by field.
 *
 * The names are those of enum event_kind in small letters, EV_ left out. event_free(), recordings
 * and whatever else goes over an event's fields use these tables. Pure; any thread. */
#ifndef CORE_ENGINE_EVENT_SHAPES_H
#define CORE_ENGINE_EVENT_SHAPES_H

#include "core/engine/engine.h"
#include "core/engine/shape.h"

const char *event_name(enum event_kind kind);    /* "look"; "" for EV_NONE */
enum event_kind event_of_name(const char *name); /* EV_NONE: no such event */
/* The shape of what an event of this kind points to; NULL: nothing. */
const struct shape *event_shape(enum event_kind kind);

#endif
