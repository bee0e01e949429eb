/* What each kind of event is called and what it points to, field by field.
 *
 * The names are those of enum event_kind in small letters, EV_ left out. event_free(), recordings
 * and whatever else goes over an event's fields use these tables. Pure; any thread. */
#ifndef CORE_ENGINE_EVENT_FIELDS_H
#define CORE_ENGINE_EVENT_FIELDS_H

#include "core/engine/engine.h"
#include "core/engine/fields.h"

const char *event_name(enum event_kind kind);    /* "look"; "" for EV_NONE */
enum event_kind event_of_name(const char *name); /* EV_NONE: no such event */
/* The shape of what an event of this kind points to; NULL: nothing. */
const struct struct_fields *event_fields(enum event_kind kind);

/* The shapes by name: progress_fields and so on of what events point to, and of parts of it. */
#define OWN(id, name, type, member) extern const struct struct_fields type##_fields;
#define NO_FIELDS(...)
EVENTS(OWN, NO_FIELDS, NO_FIELDS)
#undef OWN
#undef NO_FIELDS
extern const struct struct_fields shown_token_fields, context_fields, layer_report_fields,
    history_fact_fields, history_entry_fields, probe_result_fields, diff_layer_fields,
    bisect_step_fields, drift_point_fields, exported_file_fields;

/* variant_result.c: metrics of a struct variant_result that older recordings have elsewhere. */
bool variant_result_ready(void *what, struct err *err);

#endif
