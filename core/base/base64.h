/* Base 64 (RFC 4648, section 4): bytes as text of the 64 characters A-Z a-z 0-9 + /, padded with =.
 * Three bytes become four digits. Recordings store arrays of numbers this way. Any thread. */
#ifndef CORE_BASE_BASE64_H
#define CORE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

/* Appends the digits of n bytes to `out`, with padding. */
void base64_put(struct buf *out, const void *bytes, size_t n);
/* The number of bytes that n digits encode; (size_t)-1 if n is not a multiple of four. */
size_t base64_size(const char *text, size_t n);
/* Decodes n digits into exactly base64_size() bytes at `out`. Returns false at the first character
 * that is not a base-64 digit; `out` may then be partly written. */
bool base64_get(void *out, const char *text, size_t n);

#endif
