/* Which files a model's tokenizer is in. Callers free what they get with tokenizer_free(). */
#ifndef CORE_MODEL_VOCABULARY_H
#define CORE_MODEL_VOCABULARY_H

#include "core/model/tokenizer/tokenizer.h"
#include "core/model/weights.h"

/* Of a model: the vocabulary inside a GGUF file, or tokenizer_from_folder(). */
struct tokenizer *tokenizer_open(const struct weights *weights, struct err *err);
/* Of whatever holds one: a GGUF file, of which nothing but the vocabulary is looked at; a folder, a
 * file in one, or a tokenizer.json. No weights and no config.json are needed. */
struct tokenizer *tokenizer_at(const char *path, struct err *err);
/* Of the vocabulary in a GGUF file. */
struct tokenizer *tokenizer_from_gguf(const struct weights *weights, struct err *err);

#endif
