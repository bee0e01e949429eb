/* The table of terms, and where they stand (glossary.h). */
#include "views/glossary.h"

#include <stddef.h>
#include <string.h>

const struct glossary_term glossary[] = {
#define X(places, term, text) {places, term, text},
    TERMS(X)
#undef X
        {NULL, NULL, NULL},
};

bool glossary_has(const struct glossary_term *term, const char *place)
{
    size_t n, wanted = strlen(place);

    for (const char *p = term->places; *p; p += n + strspn(p + n, " ")) {
        n = strcspn(p, " ");
        if (n == wanted && !strncmp(p, place, n))
            return true;
    }
    return false;
}
