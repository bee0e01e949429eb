/* Unicode normalisation form C that remembers where each byte came from.
 *
 * The tokenizers library carries older Unicode tables: a few combining marks assigned since
 * Unicode 14 have no class there and keep their place beside another mark, where here they are
 * put in order. No other text differs. */
#ifndef CORE_MODEL_NFC_H
#define CORE_MODEL_NFC_H

#include "core/model/rewrite.h"

/* The text, valid UTF-8, in form C; replaces what was in out. */
void nfc_apply(struct rewrite *out, const char *text, size_t len);

#endif
