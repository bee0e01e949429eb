/* Speed over the last seconds from a ring of notes (time, units done), and the time left. */
#include "core/base/eta.h"

/* Seconds between two notes: 16 of them span about 6 s. A note that comes earlier replaces the
 * newest one. */
static const double STEP = 0.4;

void eta_note(struct eta *e, double now, double done)
{
    int last = (e->count + ETA_NOTES - 1) % ETA_NOTES;

    if (e->count && done < e->done[last])
        e->count = 0;
    if (e->count > 1 && now - e->at[(last + ETA_NOTES - 1) % ETA_NOTES] < STEP) {
        e->at[last] = now;
        e->done[last] = done;
        return;
    }
    e->at[e->count % ETA_NOTES] = now;
    e->done[e->count % ETA_NOTES] = done;
    e->count++;
    if (e->count >= 2 * ETA_NOTES) /* stays above ETA_NOTES once the ring is full */
        e->count -= ETA_NOTES;
}

double eta_speed(const struct eta *e)
{
    int last = (e->count + ETA_NOTES - 1) % ETA_NOTES;
    int first = e->count > ETA_NOTES ? e->count % ETA_NOTES : 0;
    double seconds = e->at[last] - e->at[first];

    return e->count < 2 || seconds < 0.2 ? 0 : (e->done[last] - e->done[first]) / seconds;
}

double eta_left(const struct eta *e, double total)
{
    int last = (e->count + ETA_NOTES - 1) % ETA_NOTES;
    double speed = eta_speed(e);

    return speed > 0 ? (total - e->done[last]) / speed : -1;
}
