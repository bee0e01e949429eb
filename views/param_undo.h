/* The parameters as they were: what `untune` takes back. Pure data, no screen. */
#ifndef VIEWS_PARAM_UNDO_H
#define VIEWS_PARAM_UNDO_H

#include <stdbool.h>

#include "core/base/params.h"

enum { PARAM_UNDO_STEPS = 64 };

struct param_undo {
    struct params step[PARAM_UNDO_STEPS]; /* what can be gone back to, the newest last */
    int steps;
    struct params now; /* as last told */
    int param;         /* that moved last, -1: several or none */
    double when;       /* seconds */
};

void param_undo_start(struct param_undo *t, const struct params *p);
/* The parameters may have changed. Steps of one parameter within a second are one. */
void param_undo_note(struct param_undo *t, const struct params *p, double now);
/* Puts the parameters back into p and says what that was ("ratio.ge.a 0.14 to 0.1"); false when
 * there is nothing to take back. */
bool param_undo_back(struct param_undo *t, struct params *p, char out[160]);
/* One parameter's default again, where it came from included. */
void param_reset(struct params *p, enum param id);

#endif
