/* The name of each kind of event, and the field table of what it points to.
 *
 * Names are those of recordings, from the rows of EVENTS (events.h). event_free(), recordings, JSON
 * output and tests go over an event's fields by these tables. Pure; any thread. */
#ifndef CORE_ENGINE_EVENT_FIELDS_H
#define CORE_ENGINE_EVENT_FIELDS_H

#include "core/engine/engine.h"
#include "core/engine/fields.h"

const char *event_name(enum event_kind kind);    /* "look"; "" for EV_NONE */
enum event_kind event_of_name(const char *name); /* EV_NONE: no such event */
/* The table of what an event of this kind points to; NULL: it points to nothing. */
const struct struct_fields *event_fields(enum event_kind kind);

/* The tables by name: progress_fields and so on, and those of parts of them. */
#define OWN(id, name, type, member) extern const struct struct_fields type##_fields;
#define NO_FIELDS(...)
EVENTS(OWN, NO_FIELDS, NO_FIELDS)
#undef OWN
#undef NO_FIELDS
extern const struct struct_fields shown_token_fields, answer_route_fields, diff_beside_fields,
    context_fields, layer_report_fields, chosen_neuron_fields, history_fact_fields,
    history_entry_fields, probe_result_fields, diff_layer_fields, bisect_step_fields,
    drift_point_fields, exported_file_fields, overwritten_fact_fields, mask_override_fields,
    measure_fields, run_number_fields, task_answer_fields, stamp_fields;

/* variant_result.c: completes metrics that older recordings do not have. */
bool variant_result_ready(void *what, struct err *err);

#endif
