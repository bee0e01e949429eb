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

/* The shapes by name: progress_shape and so on of what events point to, and of parts of it. */
#define OWN(id, name, type, member) extern const struct shape type##_shape;
#define NO_SHAPE(...)
EVENTS(OWN, NO_SHAPE, NO_SHAPE)
#undef OWN
#undef NO_SHAPE
extern const struct shape word_shape, context_shape, layer_report_shape, history_fact_shape,
    history_entry_shape, probe_result_shape, diff_layer_shape, bisect_step_shape, drift_point_shape,
    exported_file_shape;

/* tried.c: metrics of a struct tried that older recordings have elsewhere. */
bool tried_ready(void *what, struct err *err);

#endif
