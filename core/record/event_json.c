/* Events as lines of JSON, written and read.
 *
 * One event is one line of a recording (the `t` is written by recorder.c):
 *
 *     {"t":3.2071,"event":"layer","job":4,"what":{"id":1,"layer":5,"layers":30,"rows":6,
 *      "neurons":1536,"score":"f32:AACAPwAA...","activation":"f16:ADwAQA==",...}}
 *
 *     event      name of the kind, from its row in EVENTS (events.h)
 *     job, id    left out when 0
 *     failure    number of the error's kind, with its text in `why`: EV_FAILED, EV_STOPPED
 *     what       the struct the event points to, written by its field table (fields.h)
 *
 * There is no code for single kinds of events here: event_fields() gives the table, fields_write()
 * and fields_read() do the rest. A new kind of event is recorded and replayed as soon as it has a
 * row in EVENTS and a table.
 *
 * A recording is read from a file that anyone may have written. So reading goes in three steps:
 * event_read() checks form and ranges, the tables' `ready` functions check that numbers agree with
 * each other, and event_valid() checks that layers and neurons exist in the recorded model. Views
 * may then index their arrays without further checks. */
#include "core/record/event_json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void event_write(const struct event *ev, bool small, struct buf *out)
{
    const struct struct_fields *table = event_fields(ev->kind);
    /* estimates that come before the scores are only looked at: one byte a number will do */
    bool estimate = ev->kind == EV_LAYER && ev->attribution->strategy != STRATEGY_LPS;

    buf_printf(out, "\"event\":\"%s\"", event_name(ev->kind));
    if (ev->job)
        buf_printf(out, ",\"job\":%u", ev->job);
    if (ev->id)
        buf_printf(out, ",\"id\":%u", ev->id);
    if (ev->err.kind) {
        buf_printf(out, ",\"failure\":%d,\"why\":", (int)ev->err.kind);
        json_put_text(out, ev->err.text);
    }
    if (table && ev->progress) { /* any member of the union: all are one pointer */
        buf_puts(out, ",\"what\":");
        fields_write(table, ev->progress, small, estimate ? COARSE : EXACT, out);
    }
}

/* An unsigned number of 0 to `most`; 0 if it is not there. */
static bool read_number(const json_t *line, const char *name, long long most, unsigned *out,
                        struct err *err)
{
    const json_t *v = json_object_get(line, name);
    long long n = json_integer_value(v);

    *out = (unsigned)n;
    return !v || (json_is_integer(v) && n >= 0 && n <= most) ||
           err_set(err, ERR_FORMAT, "%s: not a number from 0 to %lld", name, most);
}

bool event_read(const json_t *line, struct event *ev, struct err *err)
{
    const char *name = json_string_value(json_object_get(line, "event"));
    const char *why = json_string_value(json_object_get(line, "why"));
    const json_t *what = json_object_get(line, "what");
    const struct struct_fields *table;
    unsigned failure;

    memset(ev, 0, sizeof(*ev));
    ev->kind = name ? event_of_name(name) : EV_NONE;
    if (ev->kind == EV_NONE)
        return err_set(err, ERR_FORMAT, "'%.40s' is not a kind of event", name ? name : "");
    if (!read_number(line, "job", UINT_MAX, &ev->job, err) ||
        !read_number(line, "id", UINT_MAX, &ev->id, err) ||
        !read_number(line, "failure", ERR_CANCELLED, &failure, err))
        return false;
    if (failure)
        err_set(&ev->err, (enum err_kind)failure, "%s", why ? why : "");
    table = event_fields(ev->kind);
    if (!table)
        return true;
    ev->progress = xcalloc(1, table->size);
    if (!fields_read(table, what, ev->progress, err)) {
        free(ev->progress);
        memset(ev, 0, sizeof(*ev));
        return false;
    }
    return true;
}

bool event_valid(const struct event *ev, int *layers, int *neurons)
{
    const struct struct_fields *table = event_fields(ev->kind);

    if (ev->kind == EV_MODEL) {
        *layers = ev->model->layers;
        *neurons = ev->model->neurons;
    }
    return !table || fields_fit_model(table, ev->progress, *layers, *neurons);
}
