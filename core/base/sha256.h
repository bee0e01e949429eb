/* SHA-256 (libcrypto), as a stream and at once. Digests are 32 bytes or 64 hex digits. */
#ifndef CORE_BASE_SHA256_H
#define CORE_BASE_SHA256_H

#include <stddef.h>

#include "core/base/err.h"

struct sha256; /* opaque */

struct sha256 *sha256_new(void);
void sha256_add(struct sha256 *s, const void *bytes, size_t n);
void sha256_end(struct sha256 *s, unsigned char digest[32]); /* frees s */
void sha256_hex(const unsigned char digest[32], char hex[65]);
void sha256_of(const void *bytes, size_t n, char hex[65]);

#endif
