/* A changed text, and for each of its bytes the place in the original text that it came from.
 *
 *    original   "a b"                  bytes 0 1 2
 *    text       "a▁b"                  "▁" has 3 bytes: 0 1 2 3 4
 *    change     {from 1, to 4, origin_from 1, origin_to 2}
 *
 * Bytes 1 to 3 of the text all map to the stretch [1, 2) of the original; byte 4 maps to byte 2. */
#ifndef CORE_MODEL_TOKENIZER_OFFSET_MAP_H
#define CORE_MODEL_TOKENIZER_OFFSET_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* A stretch that was changed. Between changes the bytes are those of the original. */
struct offset_change {
    uint32_t from, to;               /* bytes of the new text */
    uint32_t origin_from, origin_to; /* bytes of the original; equal if text was inserted */
};

/* Zero-initialise. To write one: offset_map_clear(), then append to `text`, and call
 * offset_map_note() after each changed stretch. Texts are below 4 GiB. */
struct offset_map {
    struct buf text;
    struct offset_change *change; /* (count) in order */
    int count, cap;
};

void offset_map_clear(struct offset_map *map);
/* Notes that text[from, text.len) came from bytes [origin_from, origin_to) of the original. */
void offset_map_note(struct offset_map *map, size_t from, size_t origin_from, size_t origin_to);
/* The offset in the original of byte `pos` of the text. `end`: pos ends a range, so that inside a
 * changed stretch the end of its origin is meant, not the beginning. */
size_t offset_map_origin(const struct offset_map *map, size_t pos, bool end);
void offset_map_free(struct offset_map *map);

#endif
