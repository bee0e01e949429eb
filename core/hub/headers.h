/* What the Hub says in headers, read strictly: pure functions of text. */
#ifndef CORE_HUB_HEADERS_H
#define CORE_HUB_HEADERS_H

#include <stdbool.h>

/* "..." or W/"..." or bare; false unless it is 40 or 64 hex digits: it becomes a file's name. */
bool header_etag(const char *value, char etag[65]);
/* bytes FROM-TO/TOTAL, all known and in order. */
bool header_range(const char *value, long long *from, long long *to, long long *total);
/* A whole number, not negative. -1: it is none. */
long long header_number(const char *value);
/* Seconds to wait: of `ratelimit: "api";r=0;t=55` where r is 0, else of Retry-After as a number.
 * Either may be NULL. -1: neither says. At most an hour. */
long header_wait(const char *ratelimit, const char *retry_after);
/* The address of rel="next" of a Link header. Caller frees; NULL: none. */
char *header_next(const char *link);

#endif
