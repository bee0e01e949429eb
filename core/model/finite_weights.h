/* Checks that a model's weights are finite. One NaN or infinity in a weight makes every result
 * after it meaningless. So each tensor is checked once: when it is brought to the device, if its
 * bytes are read then anyway; otherwise (mapped weights used in place) before its first use, so
 * that opening a model does not read 16 GB. */
#ifndef CORE_MODEL_FINITE_WEIGHTS_H
#define CORE_MODEL_FINITE_WEIGHTS_H

#include "core/model/model.h"

/* Checks one tensor now. Remembers only success; model_check_layer() reports a failure. */
void model_check_tensor(struct model *m, const struct tensor *t);
/* Call before computing with block `layer`, or, with `layer` = the number of layers, before using
 * the embedding, the final norm or the head. Checks what has not been checked yet. A weight that is
 * not finite becomes a fault of the device (ERR_FORMAT), which device_sync() reports. */
void model_check_layer(const struct model *m, int layer);

#endif
