/* Spelling suggestions: "no parameter is called 'amplfy'; nearest is 'amplify'". */
#ifndef CORE_BASE_CLOSEST_NAME_H
#define CORE_BASE_CLOSEST_NAME_H

/* Levenshtein distance in bytes: the fewest insertions, deletions and replacements that turn a into
 * b. Ignores ASCII case. Only the first 63 bytes of each name count. */
int name_distance(const char *a, const char *b);

/* The best candidate so far. Start with {wanted, "", INT_MAX} and try each candidate. */
struct closest_name {
    const char *wanted, *name;
    int distance;
};
/* Keeps `candidate` (borrowed) if it is closer than the best so far. Skips "". */
void closest_name_try(struct closest_name *best, const char *candidate);

#endif
