/* The undo stack of parameters: key Z, command `untune`. Plain data, no screen. */
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

/* Empties the stack; *p is the state to compare with. */
/* How many parameters differ between a and b; *one is one of them, -1: none. */
int params_differing(const struct params *a, const struct params *b, int *one);
void param_undo_start(struct param_undo *t, const struct params *p);
/* Call it when the parameters may have changed; `now` in seconds. Changes of one parameter within
 * a second of each other make one step, so that holding a key down is undone at once. */
void param_undo_note(struct param_undo *t, const struct params *p, double now);
/* Puts the parameters before the last step back into *p and says what they are now ("ratio.ge.a is
 * 0.1, was 0.14"). False when there is nothing to undo. */
bool param_undo_back(struct param_undo *t, struct params *p, char out[160]);
/* Sets one parameter to its value in *from, its source included. */
void param_reset(struct params *p, const struct params *from, enum param id);

#endif
