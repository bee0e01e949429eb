#include "core/engine/codec.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/engine/bus.h"

static const char *const command_names[] = {
    [CMD_NONE] = "",           [CMD_LOOK] = "look",       [CMD_ATTRIBUTE] = "attribute",
    [CMD_WEIGH] = "weigh",     [CMD_PREVIEW] = "preview", [CMD_COMMIT] = "commit",
    [CMD_DISCARD] = "discard", [CMD_UNDO] = "undo",       [CMD_REDO] = "redo",
    [CMD_QUERY] = "query",     [CMD_NEURON] = "neuron",   [CMD_HISTORY] = "history",
    [CMD_VERIFY] = "verify",   [CMD_MOMENTS] = "moments", [CMD_LENS] = "lens",
    [CMD_TRACE] = "trace",     [CMD_PROBE] = "probe",     [CMD_TRY] = "try",
    [CMD_DRIFT] = "drift",     [CMD_DIFF] = "diff",       [CMD_BISECT] = "bisect",
    [CMD_NOTE] = "note",       [CMD_EXPORT] = "export",   [CMD_APPLY] = "apply",
    [CMD_SAVE] = "save",       [CMD_QUIT] = "quit",       [CMD_DEVICE] = "device",
    [CMD_PULL] = "pull",
};

const char *command_name(enum command_kind kind)
{
    return command_names[kind];
}

enum command_kind command_of_name(const char *name)
{
    for (size_t i = 1; i < sizeof(command_names) / sizeof(*command_names); i++)
        if (!strcmp(command_names[i], name))
            return (enum command_kind)i;
    return CMD_NONE;
}

void event_write(const struct event *ev, bool small, struct buf *out)
{
    const struct shape *shape = event_shape(ev->kind);
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
    if (shape && ev->progress) { /* one pointer, whatever it is */
        buf_puts(out, ",\"what\":");
        shape_write(shape, ev->progress, small, rough ? COARSE : EXACT, out);
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

/* What no table says and receivers rely on. */
static bool fits(const struct event *ev, struct err *err)
{
    bool ok = true;

    if (ev->kind == EV_LAYER && !attribution_sound(ev->attribution, err))
        return false;
    if (ev->kind == EV_LOOK)
        ok = ev->look->lookup < (ev->look->tokens ? ev->look->tokens : 1);
    else if (ev->kind == EV_LAYER)
        ok = ev->attribution->rows > 0 && ev->attribution->neurons > 0 &&
             ev->attribution->layer < ev->attribution->layers;
    else if (ev->kind == EV_MODEL)
        ok = ev->model->layers > 0 && ev->model->neurons > 0;
    else if (ev->kind == EV_TRACE)
        ok = ev->trace->done <= ev->trace->layers;
    return ok ||
           err_set(err, ERR_FORMAT, "%s: its numbers contradict each other", event_name(ev->kind));
}

bool event_read(const json_t *line, struct event *ev, struct err *err)
{
    const char *name = json_string_value(json_object_get(line, "event"));
    const char *why = json_string_value(json_object_get(line, "why"));
    const json_t *what = json_object_get(line, "what");
    const struct shape *shape;
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
    shape = event_shape(ev->kind);
    if (!shape)
        return true;
    ev->progress = xcalloc(1, shape->size); /* one pointer, whatever it is */
    if (!shape_read(shape, what, ev->progress, err)) {
        free(ev->progress);
        memset(ev, 0, sizeof(*ev));
        return false;
    }
    if (ev->kind == EV_HISTORY)
        history_complete(ev->history);
    if (ev->kind == EV_DIFF)
        probes_complete(ev->diff->probe, ev->diff->probes);
    if (ev->kind == EV_PROBED)
        probes_complete(ev->probed->probe, ev->probed->probes);
    if (ev->kind == EV_LAYER)
        atomic_init(&ev->attribution->refs, 1);
    if (fits(ev, err))
        return true;
    event_free(ev);
    return false;
}
