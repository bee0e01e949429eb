/* What a result was made from: fact, parameters and weights, as short keys.
 *
 * A job's results are true for what the job began with. The engine says it in EV_BEGUN, with a
 * stamp; a screen makes the stamp of what it shows now, and a result whose stamp differs is of
 * something else. Which of the keys count depends on the kind of result: scores do not change with
 * the parameters of the mask, a lens with no parameter.
 *
 * A key is the first 16 hex digits of a SHA-256; "" means that there is none (no fact, no session
 * yet). Stamps are in recordings. So that a later version, which has more parameters, makes the
 * same keys, only parameters that are not at their default go into them. Plain data; any thread. */
#ifndef CORE_ENGINE_STAMP_H
#define CORE_ENGINE_STAMP_H

#include "core/base/params.h"
#include "core/edit/fact.h"
#include "core/edit/mask.h"

struct stamp {
    char fact[17]; /* of the facts without their objects: prompts, subjects, paraphrases, wording */
    char object[17]; /* of the facts' objects, old and new */
    char target[17]; /* of the new ones alone; "" in older recordings, which tell them not apart */
    char old[17];    /* of the old ones alone */
    bool by_old;     /* the edit depends on the old objects */
    char scores[17]; /* of the parameters of an attribution (AFFECTS_SCORES), except the
                        amplification, to which scores are extrapolated; and of the object, if
                        that is what they explain */
    char edit[17];   /* of all parameters of an edit, and of the mask's overrides */
    char state[17];  /* state_info.state: the base and the active edits */
};

/* What a stamp is made from. Borrowed. */
struct stamp_source {
    const struct fact *facts; /* [count] */
    int count;
    const struct params *params;
    const struct mask_override *mask_overrides; /* [mask_override_count] */
    int mask_override_count;
    const char *state; /* or NULL */
};

struct stamp stamp_of(const struct stamp_source *from);

enum stamp_part { /* bits: what a result depends on */
                  STAMP_FACT = 1,
                  STAMP_SCORES = 2,
                  STAMP_EDIT = 4,
                  STAMP_STATE = 8,
                  STAMP_OBJECT = 16, /* the new object */
                  STAMP_OLD = 32,
                  STAMP_ALL = 63,
};
/* The parts, among those given, in which the two differ: bits of enum stamp_part; 0: none. */
unsigned stamp_differs(const struct stamp *a, const struct stamp *b, unsigned parts);

#endif
