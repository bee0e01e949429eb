/* Which of several names was meant. */
#ifndef CORE_BASE_NEAR_H
#define CORE_BASE_NEAR_H

/* Levenshtein's distance in bytes, letters of either case being the same; only the first 63 bytes
 * of each count. */
int near_distance(const char *a, const char *b);

/* The nearest name so far: start with {wanted, "", INT_MAX}. */
struct near {
    const char *wanted, *name;
    int distance;
};
void near_try(struct near *near, const char *candidate); /* borrowed; "" is none */

#endif
