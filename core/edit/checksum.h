/* Checksums of weights and ids of states (design: a hash of per-layer hashes). */
#ifndef CORE_EDIT_CHECKSUM_H
#define CORE_EDIT_CHECKSUM_H

#include "core/model/model.h"

/* Hex sha256 over, in layer order, the sha256 of every layer's down projection (the matrices an
 * edit may change) as float32 little-endian values, row by row. Hashes of layers are kept in the
 * view, so that only those that changed are read again. */
bool weights_checksum(struct weights_view *view, char hex[65], struct err *err);
/* The layer's down projection under the view as host float32 [rows][cols]. Caller frees; NULL on a
 * fault. */
float *weights_fetch(const struct weights_view *view, int layer, struct err *err);
/* Whether columns with mask weight 0 have the same bits in both views, for one layer; and whether
 * at least one other column differs (*changed). */
bool weights_unmasked_equal(const struct weights_view *before, const struct weights_view *after,
                            int layer, const float *weight, bool *equal, bool *changed,
                            struct err *err);

#endif
