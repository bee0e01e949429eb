/* Hashes (libcrypto), as a stream and at once: SHA-256, and SHA-1 as git names what it stores. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include <stddef.h>

struct digest; /* opaque */

struct digest *sha256_new(void);
/* SHA-1 of "blob LENGTH\0" and the bytes of a file of that length. It tells files apart; it is no
 * protection against somebody who wants two to look alike. */
struct digest *sha1_new_blob(long long length);
void digest_add(struct digest *d, const void *bytes, size_t n);
void digest_end(struct digest *d, unsigned char out[32]); /* 20 bytes of SHA-1; frees d */
void digest_end_hex(struct digest *d, char hex[65]);      /* the same as 64 or 40 hex digits */
void sha256_of(const void *bytes, size_t n, char hex[65]);

#endif
