/* Spelling suggestions: "no parameter is called 'amplfy'; nearest is 'amplify'". */
#ifndef CORE_BASE_CLOSEST_NAME_H
#define CORE_BASE_CLOSEST_NAME_H

/* Levenshtein distance in bytes: the fewest insertions, deletions and replacements that turn a into
 * b. Ignores ASCII case. Only the first 63 bytes of each name count. */
int name_distance(const char *a, const char *b);

/* The best candidate so far; name: "" while none is near enough to be meant, within half of the
 * wanted name's letters. Start with closest_name_of(), or with {wanted, "", INT_MAX} for the
 * nearest one at any distance, and try each candidate. */
struct closest_name {
    const char *wanted, *name;
    int distance;
};
struct closest_name closest_name_of(const char *wanted);
/* Keeps `candidate` (borrowed) if it is closer than the best so far. Skips "". */
void closest_name_try(struct closest_name *best, const char *candidate);

#endif
