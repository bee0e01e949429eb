/* Notes of how much was done when, over the last seconds; speed and time left follow from them. */
#include "core/base/eta.h"

static const double STEP = 0.4; /* seconds between two notes that are kept: 6 s are looked at */

void eta_note(struct eta *r, double now, double done)
{
    int last = (r->count + ETA_NOTES - 1) % ETA_NOTES;

    if (r->count && done < r->done[last])
        r->count = 0;
    if (r->count > 1 && now - r->at[(last + ETA_NOTES - 1) % ETA_NOTES] < STEP) {
        r->at[last] = now; /* the newest one moves along until it is old enough */
        r->done[last] = done;
        return;
    }
    r->at[r->count % ETA_NOTES] = now;
    r->done[r->count % ETA_NOTES] = done;
    r->count++;
    if (r->count >= 2 * ETA_NOTES)
        r->count -= ETA_NOTES;
}

double eta_speed(const struct eta *r)
{
    int last = (r->count + ETA_NOTES - 1) % ETA_NOTES;
    int first = r->count > ETA_NOTES ? r->count % ETA_NOTES : 0;
    double seconds = r->at[last] - r->at[first];

    return r->count < 2 || seconds < 0.2 ? 0 : (r->done[last] - r->done[first]) / seconds;
}

double eta_left(const struct eta *r, double total)
{
    int last = (r->count + ETA_NOTES - 1) % ETA_NOTES;
    double speed = eta_speed(r);

    return speed > 0 ? (total - r->done[last]) / speed : -1;
}
