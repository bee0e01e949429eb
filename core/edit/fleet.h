/* More GPUs of this machine that sum second moments: a thread, a device and a model each. They are
 * given parts of the text and hand their sums to the leader's, which is the engine's own device. */
#ifndef CORE_EDIT_FLEET_H
#define CORE_EDIT_FLEET_H

#include "core/edit/moments.h"
#include "core/model/model.h"

struct fleet;

/* Threads for devices first+1 .. first+more of the leader's kind, with the leader's model,
 * precision and memory; `leader` and its model stay open for as long as the fleet. They open theirs
 * when they first work. NULL and err when a thread cannot be made. */
struct fleet *fleet_new(const struct model *leader, const struct moments *like, int first, int more,
                        const int *ids, long count, struct err *err);
void fleet_free(struct fleet *f);      /* stops what they do */
int fleet_size(const struct fleet *f); /* 0: NULL */
/* Device i (from 0) sums the tokens from .. to, whole windows, by itself. */
void fleet_give(struct fleet *f, int i, long from, long to);
/* Waits for all and adds their sums to `to`, which the leader has summed and settled. Looks at the
 * job's flag while it waits. */
bool fleet_join(struct fleet *f, struct moments *to, struct job *job, struct err *err);

#endif
