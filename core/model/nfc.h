/* Unicode normalisation form C that remembers where each byte came from.
 *
 * The tokenizers library carries older Unicode tables: a few combining marks assigned since
 * Unicode 14 have no class there and keep their place beside another mark, where here they are
 * put in order. No other text differs. */
#ifndef CORE_MODEL_NFC_H
#define CORE_MODEL_NFC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* A stretch that normalisation changed; between stretches the bytes are the text's own. */
struct nfc_change {
    size_t from, to;               /* bytes of the normalised text */
    size_t origin_from, origin_to; /* bytes of the text */
};

/* Zero-initialise; nfc_apply() replaces what was there. */
struct nfc {
    struct buf text;
    struct nfc_change *change; /* (count) in order */
    int count, cap;
    int32_t *code; /* scratch */
    size_t code_cap;
};

/* The text, valid UTF-8, in form C. */
void nfc_apply(struct nfc *nfc, const char *text, size_t len);
/* Where in the text a byte of the normalised text begins, or (`end`) where one before it ends. */
size_t nfc_origin(const struct nfc *nfc, size_t pos, bool end);
void nfc_free(struct nfc *nfc);

#endif
