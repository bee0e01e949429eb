/* Notes where a text was changed, and finds the origin of any of its bytes. */
/* Notes changes to a text, and maps offsets back to the original by binary search over them. */
#include "core/model/tokenizer/offset_map.h"

#include <stdlib.h>

#include "core/base/mem.h"

void offset_map_clear(struct offset_map *map)
{
    buf_clear(&map->text);
    map->count = 0;
}

void offset_map_note(struct offset_map *map, size_t from, size_t origin_from, size_t origin_to)
{
    if (map->count == map->cap) {
        map->cap = map->cap ? map->cap * 2 : 16;
        map->change = xrealloc(map->change, (size_t)map->cap * sizeof(*map->change));
    }
    map->change[map->count++] = (struct offset_change){(uint32_t)from, (uint32_t)map->text.len,
                                                       (uint32_t)origin_from, (uint32_t)origin_to};
}

size_t offset_map_origin(const struct offset_map *map, size_t pos, bool end)
{
    int low = 0, high = map->count;
    const struct offset_change *c;

    while (low < high) { /* the first change that begins at pos or later */
        int mid = low + (high - low) / 2;

        if (map->change[mid].from < pos)
            low = mid + 1;
        else
            high = mid;
    }
    if (!end && low < map->count && map->change[low].from == pos)
        return map->change[low].origin_from;
    if (!low)
        return pos;
    c = &map->change[low - 1];
    if (pos < c->to)
        return end ? c->origin_to : c->origin_from;
    return c->origin_to + (pos - c->to);
}

void offset_map_free(struct offset_map *map)
{
    buf_free(&map->text);
    free(map->change);
    *map = (struct offset_map){0};
}
