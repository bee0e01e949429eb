/* Shared by the files that build a tokenizer from JSON: tokenizer_json.c (vocabulary, added tokens,
 * the file as a whole), tokenizer_pipeline.c (normalizer, pre-tokenizer, decoder, post-processor)
 * and tokenizer_folder.c (vocab.json and merges.txt). */
#ifndef CORE_MODEL_TOKENIZER_TOKENIZER_JSON_H
#define CORE_MODEL_TOKENIZER_TOKENIZER_JSON_H

#include <jansson.h>

#include "core/model/tokenizer/tokenizer_impl.h"

/* A boolean member; `otherwise` if it is missing or not a boolean. */
bool json_flag(const json_t *part, const char *key, bool otherwise);
/* Reads a file that is one JSON object; `flags` are jansson's. ERR_IO, ERR_MODEL. */
json_t *json_object_file(const char *path, size_t flags, struct err *err);

/* Reads normalizer, pre-tokenizer and decoder of a tokenizer.json. Call before the vocabulary is
 * added: these parts decide which of the two families it is. ERR_MODEL names a part that is not
 * supported. */
bool pipeline_read(struct tokenizer *t, const json_t *root, struct err *err);
/* Reads from the post-processor which ids go before a text. Call after the vocabulary is added. */
bool pipeline_prefix(struct tokenizer *t, const json_t *root, struct err *err);

/* Builds a tokenizer from the objects of tokenizer.json and tokenizer_config.json (NULL: none). */
struct tokenizer *tokenizer_build(const json_t *root, const json_t *config, struct err *err);

#endif
