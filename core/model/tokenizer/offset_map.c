/* Notes where a text was changed, and finds the origin of any of its bytes. */
#include "core/model/tokenizer/offset_map.h"

#include <stdlib.h>

#include "core/base/mem.h"

void offset_map_clear(struct offset_map *r)
{
    buf_clear(&r->text);
    r->count = 0;
}

void offset_map_note(struct offset_map *r, size_t from, size_t origin_from, size_t origin_to)
{
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 16;
        r->change = xrealloc(r->change, (size_t)r->cap * sizeof(*r->change));
    }
    r->change[r->count++] = (struct offset_change){(uint32_t)from, (uint32_t)r->text.len,
                                                   (uint32_t)origin_from, (uint32_t)origin_to};
}

size_t offset_map_origin(const struct offset_map *r, size_t pos, bool end)
{
    int low = 0, high = r->count;
    const struct offset_change *c;

    while (low < high) { /* the first change that begins at pos or later */
        int mid = low + (high - low) / 2;

        if (r->change[mid].from < pos)
            low = mid + 1;
        else
            high = mid;
    }
    if (!end && low < r->count && r->change[low].from == pos)
        return r->change[low].origin_from;
    if (!low)
        return pos;
    c = &r->change[low - 1];
    if (pos < c->to)
        return end ? c->origin_to : c->origin_from;
    return c->origin_to + (pos - c->to);
}

void offset_map_free(struct offset_map *r)
{
    buf_free(&r->text);
    free(r->change);
    *r = (struct offset_map){0};
}
