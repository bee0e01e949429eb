/* Reads single HTTP header values: sizes, ranges, hashes, waiting times and links. */
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

/* Reads the digits at *p and moves *p past them. False: none, or too large. */
static bool read_digits(const char **p, long long *n)
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
    if (!read_digits(&p, from) || *p++ != '-' || !read_digits(&p, to) || *p++ != '/' ||
        !read_digits(&p, total))
        return false;
    p += strspn(p, " \t\r\n");
    return !*p && *from <= *to && *to < *total;
}

long long header_number(const char *value)
{
    const char *p = value + strspn(value, " \t");
    long long n;

    if (!read_digits(&p, &n))
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
