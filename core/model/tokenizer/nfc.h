/* Unicode normalisation form C that remembers where each byte came from.
 * The tokenizers library carries Unicode 9's tables, and so do the vocabularies made with it: marks
 * assigned since are ordinary characters here as well. */
#ifndef CORE_MODEL_TOKENIZER_NFC_H
#define CORE_MODEL_TOKENIZER_NFC_H

#include "core/model/tokenizer/offset_map.h"

/* The text, valid UTF-8, in form C; replaces what was in out. */
void nfc_apply(struct offset_map *out, const char *text, size_t len);

#endif
