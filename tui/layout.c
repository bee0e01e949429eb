/* Cuts a rectangle into slices by their minimum, wanted size and weight.
 *
 * Example: 20 rows for slices of min/want/weight 3/5/0 and 4/6/1. Minimums take 7. The remaining 13
 * are dealt out one by one until each has what it wants: 5 and 6, 9 left. These go by weight, all
 * to the second: 5 and 15. */
#include "tui/layout.h"

#include <string.h>

enum { MAX_SLICES = 16 };

static int total_of(const int *size, int n)
{
    int total = 0;

    for (int i = 0; i < n; i++)
        total += size[i];
    return total;
}

/* Gives each slice its minimum, then drops slices (highest `drop` first) until the rest fits. If
 * nothing more may be dropped, the last slices shrink. */
static void slice_minimums(const struct slice *slice, int n, int room, int *size)
{
    for (int i = 0; i < n; i++)
        size[i] = slice[i].min;
    while (total_of(size, n) > room) {
        int worst = -1;

        for (int i = 0; i < n; i++)
            if (size[i] && slice[i].drop && (worst < 0 || slice[i].drop > slice[worst].drop))
                worst = i;
        if (worst < 0)
            break;
        size[worst] = 0;
    }
    for (int i = n - 1; i >= 0 && total_of(size, n) > room; i--) {
        int over = total_of(size, n) - room;

        size[i] -= over < size[i] ? over : size[i];
    }
}

/* Sizes along one direction; they add up to at most `room`. */
static void slice_sizes(const struct slice *slice, int n, int room, int *size)
{
    int left, weights = 0, given = 0, last = -1;

    slice_minimums(slice, n, room, size);
    left = room - total_of(size, n);
    for (bool grew = true; grew && left > 0;) { /* evenly, up to what each wants */
        grew = false;
        for (int i = 0; i < n && left > 0; i++)
            if (size[i] && size[i] < slice[i].want) {
                size[i]++;
                left--;
                grew = true;
            }
    }
    for (int i = 0; i < n; i++)
        if (size[i] && slice[i].weight) {
            weights += slice[i].weight;
            last = i;
        }
    if (last < 0)
        return;
    for (int i = 0; i < n; i++)
        if (size[i] && slice[i].weight) {
            int more = i == last ? left - given : left * slice[i].weight / weights;

            size[i] += more;
            given += more;
        }
}

void layout_rows(struct rect area, const struct slice *slice, int n, struct rect *out)
{
    int size[MAX_SLICES] = {0}, y = area.y;

    n = n < MAX_SLICES ? n : MAX_SLICES;
    slice_sizes(slice, n, area.h > 0 ? area.h : 0, size);
    for (int i = 0; i < n; i++) {
        out[i] = (struct rect){y, area.x, size[i], size[i] ? area.w : 0};
        y += size[i];
    }
}

void layout_columns(struct rect area, const struct slice *slice, int n, struct rect *out)
{
    int size[MAX_SLICES] = {0}, x = area.x;

    n = n < MAX_SLICES ? n : MAX_SLICES;
    slice_sizes(slice, n, area.w > 0 ? area.w : 0, size);
    for (int i = 0; i < n; i++) {
        out[i] = (struct rect){area.y, x, size[i] ? area.h : 0, size[i]};
        x += size[i];
    }
}

bool rect_empty(struct rect r)
{
    return r.h <= 0 || r.w <= 0;
}

bool rect_has(struct rect r, int y, int x)
{
    return y >= r.y && x >= r.x && y < r.y + r.h && x < r.x + r.w;
}

struct rect rect_middle(struct rect r, int h, int w)
{
    h = h < r.h ? h : r.h;
    w = w < r.w ? w : r.w;
    return (struct rect){r.y + (r.h - h) / 2, r.x + (r.w - w) / 2, h, w};
}
