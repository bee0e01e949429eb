/* Whether a model's weights are numbers. One NaN or infinity makes everything behind it
 * meaningless, so each tensor is looked at once: while it is brought to the device if its bytes are
 * read then, else (mapped weights that are computed with as they are) before its first use. */
#ifndef CORE_MODEL_FINITE_WEIGHTS_H
#define CORE_MODEL_FINITE_WEIGHTS_H

#include "core/model/model.h"

/* The tensor's bytes are being read: looks at them now, and says nothing. */
void model_check_tensor(struct model *m, const struct tensor *t);
/* Before a block is computed with (`layer`), or what is around the blocks (`layer` = their
 * number): a weight that is not finite is a fault of the device, which device_sync() reports. */
void model_check_layer(const struct model *m, int layer);

#endif
