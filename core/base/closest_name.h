/* Which of several names was meant. */
#ifndef CORE_BASE_CLOSEST_NAME_H
#define CORE_BASE_CLOSEST_NAME_H

/* Levenshtein's distance in bytes, letters of either case being the same; only the first 63 bytes
 * of each count. */
int name_distance(const char *a, const char *b);

/* The nearest name so far: start with {wanted, "", INT_MAX}. */
struct closest_name {
    const char *wanted, *name;
    int distance;
};
void closest_name_try(struct closest_name *near, const char *candidate); /* borrowed; "" is none */

#endif
