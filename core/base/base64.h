/* Bytes as text (RFC 4648, section 4). */
#ifndef CORE_BASE_BASE64_H
#define CORE_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

void base64_put(struct buf *out, const void *bytes, size_t n); /* appends, with padding */
/* How many bytes n digits stand for; (size_t)-1 if n digits cannot be base64. */
size_t base64_size(const char *text, size_t n);
/* Exactly base64_size() bytes into out; false at the first character that is no digit. */
bool base64_get(void *out, const char *text, size_t n);

#endif
