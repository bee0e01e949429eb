/* Events to lines of JSON and back. */
#include "core/record/event_json.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

void event_write(const struct event *ev, bool small, struct buf *out)
{
    const struct struct_fields *table = event_fields(ev->kind);
    bool rough = ev->kind == EV_LAYER && ev->attribution->strategy != STRATEGY_LPS;

    buf_printf(out, "\"event\":\"%s\"", event_name(ev->kind));
    if (ev->job)
        buf_printf(out, ",\"job\":%u", ev->job);
    if (ev->id)
        buf_printf(out, ",\"id\":%u", ev->id);
    if (ev->err.kind) {
        buf_printf(out, ",\"failure\":%d,\"why\":", (int)ev->err.kind);
        json_put_text(out, ev->err.text);
    }
    if (table && ev->progress) { /* one pointer, whatever it is */
        buf_puts(out, ",\"what\":");
        fields_write(table, ev->progress, small, rough ? COARSE : EXACT, out);
    }
}

static bool read_number(const json_t *line, const char *name, long long most, unsigned *out,
                        struct err *err)
{
    const json_t *v = json_object_get(line, name);
    long long n = json_integer_value(v);

    *out = (unsigned)n;
    return !v || (json_is_integer(v) && n >= 0 && n <= most) ||
           err_set(err, ERR_FORMAT, "%s: not a number in range", name);
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
        return err_set(err, ERR_FORMAT, "'%.40s' is no event", name ? name : "");
    if (!read_number(line, "job", UINT_MAX, &ev->job, err) ||
        !read_number(line, "id", UINT_MAX, &ev->id, err) ||
        !read_number(line, "failure", ERR_CANCELLED, &failure, err))
        return false;
    if (failure)
        err_set(&ev->err, (enum err_kind)failure, "%s", why ? why : "");
    table = event_fields(ev->kind);
    if (!table)
        return true;
    ev->progress = xcalloc(1, table->size); /* one pointer, whatever it is */
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
