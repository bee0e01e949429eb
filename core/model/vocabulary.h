/* Finds the files that hold a model's tokenizer, and opens it. Errors are ERR_MODEL and name the
 * file. Free the results with tokenizer_free(). */
#ifndef CORE_MODEL_VOCABULARY_H
#define CORE_MODEL_VOCABULARY_H

#include "core/model/tokenizer/tokenizer.h"
#include "core/model/weights.h"

/* The tokenizer of an open model: from its GGUF vocabulary or its folder, limited to the ids that
 * the model embeds. */
struct tokenizer *tokenizer_open(const struct weights *weights, struct err *err);
/* The tokenizer at a path: a GGUF file (only its vocabulary is read), a folder, a file in a folder,
 * or a tokenizer.json. Weights and config.json are not needed. */
struct tokenizer *tokenizer_at(const char *path, struct err *err);
/* The tokenizer of the vocabulary in a GGUF file. */
struct tokenizer *tokenizer_from_gguf(const struct weights *weights, struct err *err);

#endif
