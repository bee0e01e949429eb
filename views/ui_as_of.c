/* What the screen knew when the edit of the verdict was begun: for a page that shows an edit
 * together with the scores and masks that it was made from. */
#include <string.h>

#include "views/ui_state_internal.h"

/* The neurons that the edit forced into its masks or out of them. False: they are not known. */
static bool forced_as_of(const struct ui_state *d, struct ui_state *then)
{
    const struct ui_verdict *v = &d->verdict;
    const struct recalled_edit *r = v->recalled;

    if (r) {
        then->mask_override_count = r->forces < UI_MASK_OVERRIDES ? r->forces : UI_MASK_OVERRIDES;
        memcpy(then->mask_override, r->force,
               (size_t)then->mask_override_count * sizeof(*r->force));
    }
    if (!stamp_differs(&v->from.stamp, &(struct stamp){0}, STAMP_EDIT))
        return true; /* a recording that does not say */
    then->now.stamp = ui_stamp_now(then);
    if (!stamp_differs(&then->now.stamp, &v->from.stamp, STAMP_EDIT))
        return true;
    then->mask_override_count = 0;
    then->now.stamp = ui_stamp_now(then);
    return !stamp_differs(&then->now.stamp, &v->from.stamp, STAMP_EDIT);
}

bool ui_as_of_verdict(const struct ui_state *d, struct ui_state *then)
{
    const struct ui_verdict *v = ui_verdict(d);
    bool forced = true;

    *then = *d;
    if (v) {
        then->params = v->params;
        memcpy(then->state.state, v->from.stamp.state, sizeof(then->state.state));
        forced = forced_as_of(d, then);
        then->now = v->from;
        then->verdict = (struct ui_verdict){0};
        if (v->sides && !(v->recalled && v->recalled->others))
            then->prompt_info = &v->sides->before.prompt;
    }
    ui_match_slots(then);
    if (v && then->prompt_info && v->sides && then->prompt_info == &v->sides->before.prompt)
        ui_set_origin(then, &then->prompt_info, &v->from);
    ui_layers_copy(then, v != NULL);
    return forced;
}
