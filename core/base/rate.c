#include "core/base/rate.h"

static const double STEP = 0.4; /* seconds between two notes that are kept: 6 s are looked at */

void rate_note(struct rate *r, double now, double done)
{
    int last = (r->count + RATE_KEPT - 1) % RATE_KEPT;

    if (r->count && done < r->done[last])
        r->count = 0;
    if (r->count > 1 && now - r->at[(last + RATE_KEPT - 1) % RATE_KEPT] < STEP) {
        r->at[last] = now; /* the newest one moves along until it is old enough */
        r->done[last] = done;
        return;
    }
    r->at[r->count % RATE_KEPT] = now;
    r->done[r->count % RATE_KEPT] = done;
    r->count++;
    if (r->count >= 2 * RATE_KEPT)
        r->count -= RATE_KEPT;
}

double rate_a_second(const struct rate *r)
{
    int last = (r->count + RATE_KEPT - 1) % RATE_KEPT;
    int first = r->count > RATE_KEPT ? r->count % RATE_KEPT : 0;
    double seconds = r->at[last] - r->at[first];

    return r->count < 2 || seconds < 0.2 ? 0 : (r->done[last] - r->done[first]) / seconds;
}

double rate_left(const struct rate *r, double total)
{
    int last = (r->count + RATE_KEPT - 1) % RATE_KEPT;
    double speed = rate_a_second(r);

    return speed > 0 ? (total - r->done[last]) / speed : -1;
}
