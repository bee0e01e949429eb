/* A text that was changed in places, and where each of its bytes came from. */
#ifndef CORE_MODEL_TOKENIZER_OFFSET_MAP_H
#define CORE_MODEL_TOKENIZER_OFFSET_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* A stretch that is not the old text's; between stretches the bytes are its own. */
struct offset_change {
    uint32_t from, to;               /* bytes of the new text */
    uint32_t origin_from, origin_to; /* bytes of the old one; equal where something was put in */
};

/* Zero-initialise; whoever writes one begins with offset_map_clear(). Texts are below 4 GiB. */
struct offset_map {
    struct buf text;
    struct offset_change *change; /* (count) in order */
    int count, cap;
};

void offset_map_clear(struct offset_map *r);
/* text[from, text.len) is what became of [origin_from, origin_to). */
void offset_map_note(struct offset_map *r, size_t from, size_t origin_from, size_t origin_to);
/* Where in the old text a byte of the new one begins, or (`end`) where one before it ends. */
size_t offset_map_origin(const struct offset_map *r, size_t pos, bool end);
void offset_map_free(struct offset_map *r);

#endif
