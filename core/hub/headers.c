/* Sizes, ranges, hashes, waits and links out of single header lines. */
#include "core/hub/headers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/hub/repo_id.h"

bool header_etag(const char *value, char etag[65])
{
    size_t n;

    value += strspn(value, " \t");
    if (!strncmp(value, "W/", 2))
        value += 2;
    value += *value == '"';
    n = strcspn(value, "\" \t\r\n");
    if (n > 64)
        return false;
    memcpy(etag, value, n);
    etag[n] = '\0';
    return is_etag(etag);
}

/* Digits at *p, which is moved past them. */
static bool digits(const char **p, long long *n)
{
    char *end;

    if (**p < '0' || **p > '9')
        return false;
    errno = 0;
    *n = strtoll(*p, &end, 10);
    *p = end;
    return !errno;
}

bool header_range(const char *value, long long *from, long long *to, long long *total)
{
    const char *p = value + strspn(value, " \t");

    if (strncmp(p, "bytes", 5) != 0)
        return false;
    p += 5;
    p += strspn(p, " \t");
    if (!digits(&p, from) || *p++ != '-' || !digits(&p, to) || *p++ != '/' || !digits(&p, total))
        return false;
    p += strspn(p, " \t\r\n");
    return !*p && *from <= *to && *to < *total;
}

long long header_number(const char *value)
{
    const char *p = value + strspn(value, " \t");
    long long n;

    if (!digits(&p, &n))
        return -1;
    p += strspn(p, " \t\r\n");
    return *p ? -1 : n;
}

long header_wait(const char *ratelimit, const char *retry_after)
{
    const char *t = ratelimit ? strstr(ratelimit, "r=0;t=") : NULL;
    long long seconds = t ? header_number(t + 6) : -1;

    if (seconds < 0 && retry_after)
        seconds = header_number(retry_after);
    return seconds > 3600 ? 3600 : (long)seconds;
}

char *header_next(const char *link)
{
    const char *p = link;

    while ((p = strchr(p, '<')) != NULL) {
        const char *end = strchr(p, '>'), *stop;

        if (!end)
            return NULL;
        stop = end + strcspn(end, ",<");
        for (const char *rel = end; (rel = strstr(rel, "rel=")) && rel < stop; rel += 4) {
            const char *word = rel + 4 + (rel[4] == '"');

            if (!strncmp(word, "next", 4) && strchr("\" ;,\r\n", word[4]))
                return xtrimmed(p + 1, (size_t)(end - p - 1));
        }
        p = end;
    }
    return NULL;
}
