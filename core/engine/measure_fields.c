/* The tables of fields of what a run measured (fields.h, field_rows.h). */
#include "core/engine/event_fields.h"
#include "core/engine/field_rows.h"

static const struct field_info measure_field[] = {
    INT(measure, sequence),
    COUNT(measure, edits),
    RANGE(measure, when, 0, MEASURE_WHENS - 1),
    INT(measure, record),
    RANGE(measure, probe, 0, MEASURE_PROBES - 1),
    COUNT(measure, place),
    RANGE(measure, protocol, 0, MEASURE_PROTOCOLS - 1),
    COUNT(measure, predicteds),
    OR_NULL(measure, predicted, FIELD_INT, predicteds, NO_COUNT),
    COUNT(measure, labels),
    OR_NULL(measure, label, FIELD_INT, labels, NO_COUNT),
    REAL(measure, logp),
    COUNT(measure, answers),
    REAL(measure, rival),
    COUNT(measure, rivals),
    BOOL(measure, rival_right),
    BOOL(measure, merged),
    TEXT_OR_NULL(measure, said),
    TEXT_OR_NULL(measure, wanted),
};
FIELDS(measure);

static const struct field_info run_number_field[] = {
    INT(run_number, sequence), COUNT(run_number, edits), CHARS(run_number, name),
    INT(run_number, layer),    REAL(run_number, value),
};
FIELDS(run_number);

static const struct field_info measures_field[] = {
    COUNT(measures, count),
    LIST(measures, measure, measure_fields, count),
    COUNT(measures, numbers),
    LIST(measures, number, run_number_fields, numbers),
};
FIELDS(measures);
