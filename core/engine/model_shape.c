/* The word that says what kind of model a file is. */
#include "core/engine/model_shape.h"

#include <stdio.h>

#include "core/model/weights.h"

bool model_shape_read(const char *path, char out[MODEL_SHAPE], struct err *err)
{
    struct weights *w = weights_open(path, err);
    const struct model_config *c = w ? weights_config(w) : NULL;

    out[0] = '\0';
    if (c)
        snprintf(out, MODEL_SHAPE, "%s-%d-%d-%d-%d", c->arch, c->layers, c->hidden, c->ffn,
                 c->vocab);
    weights_close(w);
    return c != NULL;
}
