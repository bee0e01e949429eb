/* tokenizer.json in parts: its pipeline is one file, its vocabulary and the whole another. Only the
 * files that read JSON into a tokenizer see this. */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_JSON_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_JSON_H

#include <jansson.h>

#include "core/model/tokenizer/tokenizer_impl.h"

/* A boolean member, or `otherwise`. */
bool json_flag(const json_t *part, const char *key, bool otherwise);
/* A file of one JSON object. ERR_IO, ERR_MODEL. */
json_t *json_object_file(const char *path, size_t flags, struct err *err);

/* Normalizer, pre-tokenizer and decoder of a tokenizer.json: before the vocabulary, since they say
 * which of the two kinds it is. ERR_MODEL names what is not known. */
bool pipeline_read(struct tokenizer *t, const json_t *root, struct err *err);
/* What its post-processor puts before a text: after the vocabulary. */
bool pipeline_prefix(struct tokenizer *t, const json_t *root, struct err *err);

/* What a tokenizer.json of the same object would give; config may be NULL. */
struct tokenizer *tokenizer_build(const json_t *root, const json_t *config, struct err *err);

#endif
