/* Levenshtein distance by the usual table, of which only one row is stored: after step i, row[j] is
 * the distance between the first i bytes of a and the first j bytes of b. */
#include "core/base/closest_name.h"

#include <ctype.h>
#include <string.h>

enum { MAX_BYTES = 63 };

int name_distance(const char *a, const char *b)
{
    int row[MAX_BYTES + 1];
    size_t n = strnlen(a, MAX_BYTES), m = strnlen(b, MAX_BYTES);

    for (size_t j = 0; j <= m; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        int corner = row[0]; /* the distance for i - 1 and j - 1 */

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

struct closest_name closest_name_of(const char *wanted)
{
    return (struct closest_name){wanted, "", (int)strnlen(wanted, MAX_BYTES) / 2 + 1};
}

void closest_name_try(struct closest_name *best, const char *candidate)
{
    int d;

    if (!*candidate)
        return;
    d = name_distance(best->wanted, candidate);
    if (d < best->distance) {
        best->distance = d;
        best->name = candidate;
    }
}
