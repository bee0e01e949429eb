/* The tables of fields of the journal: its edits, and all that is stored of one (fields.h,
 * field_rows.h). */
#include <math.h>

#include "core/base/mem.h"
#include "core/engine/event_fields.h"
#include "core/engine/field_rows.h"

static const struct field_info history_fact_field[] = {
    TEXT(history_fact, subject),
    TEXT(history_fact, prompt),
    TEXT(history_fact, target),
    TEXT_OR_NULL(history_fact, old),
    FIXED(history_fact, p_target, FIELD_DOUBLE),
    FIXED(history_fact, p_first, FIELD_DOUBLE),
    {NAMED(history_fact, outcome, FIELD_INT, STORE_ONE), .size = sizeof(int),
     .most = OUTCOME_FAILED, .count = NONE},
};
FIELDS(history_fact);

static const struct field_info history_entry_field[] = {
    INT(history_entry, edit),       BOOL(history_entry, active),
    BOOL(history_entry, redoable),  REAL(history_entry, when),
    TEXT(history_entry, subject),   TEXT(history_entry, prompt),
    TEXT(history_entry, target),    TEXT_OR_NULL(history_entry, old),
    CHARS(history_entry, checksum), CHARS(history_entry, state),
    REAL(history_entry, p_before),  REAL(history_entry, p_after),
    INT(history_entry, kept),       CHARS(history_entry, method),
    BOOL(history_entry, masked),    BOOL(history_entry, success),
    BOOL(history_entry, draft),     TEXT_OR_NULL(history_entry, note),
    COUNT(history_entry, facts),    LIST(history_entry, fact, history_fact_fields, facts),
};

/* Entries of a recording of 0.1.0, which has no list of facts, get one of their first fact. */
static bool history_entry_ready(void *what, struct err *err)
{
    static const double YEAR_10000 = 253402300800; /* seconds since 1970 */
    struct history_entry *x = what;

    (void)err;
    if (!x->facts) {
        x->facts = 1;
        free(x->fact); /* "facts":0,"fact":[] */
        x->fact = xcalloc(1, sizeof(*x->fact));
        *x->fact = (struct history_fact){.subject = xstrdup(x->subject),
                                         .prompt = xstrdup(x->prompt),
                                         .target = xstrdup(x->target),
                                         .old = xstrdup(x->old),
                                         .p_target = {(double)NAN, (double)NAN},
                                         .p_first = {x->p_before, x->p_after},
                                         .outcome = x->success ? OUTCOME_HELD : OUTCOME_FAILED};
    }
    return x->when >= 0 && x->when < YEAR_10000;
}
FIELDS_READY(history_entry, history_entry_ready);

static const struct field_info history_field[] = {
    COUNT(history, count),
    LIST(history, entry, history_entry_fields, count),
    CHARS(history, base_state),
};
FIELDS(history);

static const struct field_info mask_override_field[] = {
    LAYER(mask_override, layer),
    NEURON(mask_override, neuron),
    BOOL(mask_override, in),
};
FIELDS(mask_override);

static const struct field_info recalled_edit_field[] = {
    INT(recalled_edit, edit),
    BOOL(recalled_edit, active),
    REAL(recalled_edit, when),
    COUNT(recalled_edit, facts),
    TEXT_OR_NULL(recalled_edit, subject),
    TEXT_OR_NULL(recalled_edit, prompt),
    TEXT_OR_NULL(recalled_edit, target),
    TEXT_OR_NULL(recalled_edit, old),
    TEXT_OR_NULL(recalled_edit, changed),
    TEXT_OR_NULL(recalled_edit, parameters),
    COUNT(recalled_edit, forces),
    LIST(recalled_edit, force, mask_override_fields, forces),
    BOOL(recalled_edit, measured),
    PART(recalled_edit, report, edit_report_fields),
    TEXT_OR_NULL(recalled_edit, said_before),
    TEXT_OR_NULL(recalled_edit, said_after),
    REAL(recalled_edit, accuracy),
    REAL(recalled_edit, lambda),
    CHARS(recalled_edit, projector),
    CHARS(recalled_edit, after),
    BOOL(recalled_edit, others),
    PART(recalled_edit, stamp, stamp_fields),
};
FIELDS(recalled_edit);
