/* Finds the name that needs the fewest changes to become the one that was typed. */
#include "core/base/closest_name.h"

#include <ctype.h>
#include <string.h>

enum { NEAR_MAX = 63 };

int name_distance(const char *a, const char *b)
{
    int row[NEAR_MAX + 1];
    size_t n = strnlen(a, NEAR_MAX), m = strnlen(b, NEAR_MAX);

    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int corner = row[0];

        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int differ = tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]);
            int best = corner + differ;

            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

void closest_name_try(struct closest_name *near, const char *candidate)
{
    int d;

    if (!*candidate)
        return;
    d = name_distance(near->wanted, candidate);
    if (d < near->distance) {
        near->distance = d;
        near->name = candidate;
    }
}
