/* What kind of model a file is, in one word: architecture, layers, width, FFN neurons, vocabulary,
 * "llama-30-576-1536-49152". A fine-tuned or requantised model has the word of the model it was
 * made of; its name and its bytes do not count. Presets are found by it. Any thread. */
#ifndef CORE_ENGINE_MODEL_SHAPE_H
#define CORE_ENGINE_MODEL_SHAPE_H

#include <stdbool.h>

#include "core/base/err.h"

enum { MODEL_SHAPE = 96 };

/* Reads the header of the model at this path, which takes milliseconds; not its weights. ERR_MODEL
 * as weights_open(); out is then "". */
bool model_shape_read(const char *path, char out[MODEL_SHAPE], struct err *err);

/* Arithmetic: the bytes that an edit takes on the CPU for each layer it edits, beside the weights,
 * and in *work those that come and go for the layer at work. neurons is M, hidden is d. */
double model_edit_bytes(int neurons, int hidden, double *work);

#endif
