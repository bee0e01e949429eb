/* SHA-1 (libcrypto), as git names what it stores: SHA-1 of "blob LENGTH\0" and the bytes. It tells
 * files apart; it is no protection against somebody who wants two to look alike. */
#ifndef CORE_BASE_SHA1_H
#define CORE_BASE_SHA1_H

#include <stddef.h>

struct sha1; /* opaque */

struct sha1 *sha1_new_blob(long long bytes); /* git's, of a file of so many bytes */
void sha1_add(struct sha1 *s, const void *bytes, size_t n);
void sha1_end(struct sha1 *s, char hex[41]); /* frees s */

#endif
