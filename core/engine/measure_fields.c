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
    COUNT(measure, alias),
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

static const struct field_info task_answer_field[] = {
    INT(task_answer, sequence),
    COUNT(task_answer, edits),
    TEXT(task_answer, task),
    TEXT(task_answer, subtask),
    COUNT(task_answer, index),
    TEXT_OR_NULL(task_answer, said),
    TEXT_OR_NULL(task_answer, predicted),
    TEXT_OR_NULL(task_answer, gold),
    FIXED(task_answer, score, FIELD_DOUBLE),
    COUNT(task_answer, logps),
    OR_NULL(task_answer, logp, FIELD_DOUBLE, logps, NO_COUNT),
};
FIELDS(task_answer);

static const struct field_info run_probe_field[] = {
    TEXT(run_probe, prompt),
    TEXT_OR_NULL(run_probe, answer),
};
FIELDS(run_probe);

static const struct field_info run_fact_field[] = {
    COUNT(run_fact, edit),       TEXT(run_fact, subject),
    TEXT(run_fact, prompt),      TEXT(run_fact, target),
    TEXT_OR_NULL(run_fact, old), TEXT_OR_NULL(run_fact, rephrase),
    COUNT(run_fact, localities), LIST(run_fact, locality, run_probe_fields, localities),
    COUNT(run_fact, mores),      LIST(run_fact, more, run_probe_fields, mores),
};
FIELDS(run_fact);

static const struct field_info run_info_field[] = {
    PATH(run_info, path, FIELD_TEXT),
    TEXT(run_info, text),
    BOOL(run_info, whole),
    REAL(run_info, changed),
    INT(run_info, last),
    COUNT(run_info, active_from),
    COUNT(run_info, active_to),
    COUNT(run_info, facts),
    LIST(run_info, fact, run_fact_fields, facts),
    COUNT(run_info, numbers),
    LIST(run_info, number, run_number_fields, numbers),
};
FIELDS(run_info);

static const struct field_info measures_field[] = {
    COUNT(measures, count),   LIST(measures, measure, measure_fields, count),
    COUNT(measures, numbers), LIST(measures, number, run_number_fields, numbers),
    COUNT(measures, answers), LIST(measures, answer, task_answer_fields, answers),
};
FIELDS(measures);
