/* Hashes (libcrypto), incrementally or in one call: SHA-256, and SHA-1 the way git names files.
 *
 * SHA-256 identifies models, weights and downloads. The Hugging Face Hub names small files by their
 * git hash, so that one is here too. Running out of memory ends the program. */
#ifndef CORE_BASE_DIGEST_H
#define CORE_BASE_DIGEST_H

#include <stddef.h>

struct digest; /* opaque; one thread at a time */

struct digest *sha256_new(void);
/* SHA-1 of "blob LENGTH\0" followed by the bytes of a file of that length. It tells files apart,
 * but it does not protect against somebody who constructs two files with the same hash. */
struct digest *sha1_new_blob(long long length);
struct digest *digest_copy(const struct digest *d); /* of what was added so far */
void digest_add(struct digest *d, const void *bytes, size_t n);
/* Writes the hash, 32 bytes (SHA-1: 20), and frees d. */
void digest_end(struct digest *d, unsigned char out[32]);
/* The same as 64 (SHA-1: 40) lower-case hex digits and a NUL. */
void digest_end_hex(struct digest *d, char hex[65]);
/* The first 16 of these digits and a NUL: a short name. */
void digest_end_name(struct digest *d, char name[17]);
/* SHA-256 of n bytes in one call. */
void sha256_of(const void *bytes, size_t n, char hex[65]);
void sha256_name(const void *bytes, size_t n, char name[17]);

#endif
