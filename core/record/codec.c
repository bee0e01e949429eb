/* Events to lines of JSON and back. */
#include "core/record/codec.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

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

/* Entries of a recording of 0.1.0, which has no list of facts, get one of their first fact. */
static void history_complete(struct history *h)
{
    for (int i = 0; i < h->count; i++) {
        struct history_entry *x = &h->entry[i];

        if (x->facts)
            continue;
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
}

/* Probes of such a recording have no p(target). */
static void probes_complete(struct probe_result *probe, int count)
{
    for (int i = 0; i < count; i++)
        if (probe[i].p_target[0] == 0 && probe[i].p_target[1] == 0)
            probe[i].p_target[0] = probe[i].p_target[1] = (double)NAN;
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
