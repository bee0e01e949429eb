/* Unicode normalisation form C (composed: "e" + U+0301 becomes "é"), with a map of byte offsets.
 * The tokenizers library, with which vocabularies are made, uses the tables of Unicode 9. Combining
 * marks that later versions added are ordinary characters to it, and so they are here. */
#ifndef CORE_MODEL_TOKENIZER_NFC_H
#define CORE_MODEL_TOKENIZER_NFC_H

#include "core/model/tokenizer/offset_map.h"

/* out = the text, which must be valid UTF-8, in form C. out->count is 0 if nothing changed. */
void nfc_apply(struct offset_map *out, const char *text, size_t len);

#endif
