/* The word that says what kind of model a file is, and the memory that an edit of it takes. */
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

double model_edit_bytes(int neurons, int hidden, double *work)
{
    double squared = (double)neurons * neurons;

    /* the matrix that is decomposed, its vectors, their products */
    *work = (8 + 2.4 + 0.7) * squared;
    /* sums, eigenvectors of three tenths of the directions, the edited matrix as float32 */
    return (8 + 2.4) * squared + 4.0 * neurons * hidden;
}
