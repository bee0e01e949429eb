/* Strict readers of the HTTP headers that the Hub sends. Pure functions of text. */
#ifndef CORE_HUB_HEADERS_H
#define CORE_HUB_HEADERS_H

#include <stdbool.h>

/* The hash in an ETag: "...", W/"..." or without quotes. False unless it is 40 or 64 lower-case hex
 * digits, because it becomes a file's name. */
bool header_etag(const char *value, char etag[65]);
/* A Content-Range `bytes FROM-TO/TOTAL`: three numbers with FROM <= TO < TOTAL, else false. */
bool header_range(const char *value, long long *from, long long *to, long long *total);
/* A whole number >= 0; -1 if the value is not one. */
long long header_number(const char *value);
/* How many seconds to wait before the next request: t of `ratelimit: "api";r=0;t=55` if r (requests
 * left) is 0, else Retry-After if it is a number. Either may be NULL. At most 3600; -1: neither
 * says. */
long header_wait(const char *ratelimit, const char *retry_after);
/* The address with rel="next" in a Link header: the next page. Caller frees; NULL: last page. */
char *header_next(const char *link);

#endif
