/* Completes variants read from recordings of version 0.1.0, which leave out what is false and have
 * gain, leak and residual in the layers only. */
#include "core/engine/event_fields.h"
#include "core/engine/events.h"

/* Sets a metric that the recording does not have. */
static void metric_complete(struct variant_result *t, const char *name, double value)
{
    struct measured *m = &t->metric[metric_find(name)];

    if (!(m->whole > 0))
        *m = (struct measured){.part = value, .whole = 1};
}

bool variant_result_ready(void *what, struct err *err)
{
    struct variant_result *t = what;
    const struct edit_report *a = &t->applied;
    double gain = 0, leak = 0;

    (void)err;
    if (*t->why) /* it could not be made */
        return true;
    for (int i = 0; i < a->layers; i++) {
        gain += a->layer[i].gain_mask / a->layers;
        leak += a->layer[i].leak / a->layers;
    }
    metric_complete(t, "holds", 0);
    if (a->layers) { /* else it has no such number */
        metric_complete(t, "gain", gain);
        metric_complete(t, "leak", leak);
    }
    metric_complete(t, "residual left", a->z_error);
    return true;
}
