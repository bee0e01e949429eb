/* Checksums of weights and ids of states (editscope-session(5)). */
#ifndef CORE_EDIT_CHECKSUM_H
#define CORE_EDIT_CHECKSUM_H

#include "core/edit/delta.h"
#include "core/model/state.h"

/* Hex sha256 over, in layer order, the sha256 of every layer's down projection as float32
 * little-endian values, row by row; then, for every other matrix that the state replaces, in the
 * order of layers and of enum matrix, the line "matrix LAYER NAME" and its sha256; then hooks and
 * prefixes in order: "hook N", "params N", "blob N", "prefix N", a line each, and N bytes after
 * it. Hashes are kept beside the matrices, so that only those that changed are read again. */
bool weights_checksum(const struct model_state *view, char hex[65], struct err *err);
/* A matrix under the view as host float32 [rows][cols]. Caller frees; NULL on a fault. */
float *weights_fetch(const struct model_state *view, int layer, enum matrix which, struct err *err);
/* Whether nothing but what these deltas may write differs between the states before and after them,
 * bit for bit: of every matrix that the deltas or either state hold, the columns that no delta
 * writes (mask weight 0, or none of its columns). False is a fault, not an answer. */
bool deltas_wrote_alone(const struct model_state *before, const struct model_state *after,
                        const struct delta *delta, int deltas, bool *alone, struct err *err);

#endif
