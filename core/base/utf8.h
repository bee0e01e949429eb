/* UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Whether all n bytes are UTF-8 (NUL is a character like any other). When they are not and `bad` is
 * given, *bad is the offset of the first byte that cannot be. */
bool utf8_valid(const char *text, size_t n, size_t *bad);
/* The code point at *p and moves *p past it; *p must be before end. At bytes that are not UTF-8 it
 * returns -1 and skips the longest start of a character there (one U+FFFD's worth, Unicode 3.9). */
int32_t utf8_next(const char **p, const char *end);
/* Appends the text with each such stretch replaced by U+FFFD. */
void utf8_clean(struct buf *out, const char *text, size_t n);
/* How many of the text's bytes fit into n without cutting a character in two. */
size_t utf8_cut(const char *text, size_t length, size_t n);
/* Copies the text into `size` bytes, as much as fits of whole characters, NUL-terminated. NULL is
 * "". */
void utf8_copy(char *out, size_t size, const char *text);
/* Leaves white space, and what shows nothing (a zero-width space, a joiner, a byte order mark, a
 * mark of direction), out at both ends: *text moves to what is left, its length is returned. */
size_t utf8_trim(const char **text, size_t n);
/* A text that becomes a C string carries its NUL bytes as 0xC0 0x80, which no UTF-8 holds, so that
 * nothing behind them is lost. */
#define UTF8_NUL "\xc0\x80"
void utf8_encode_nul(struct buf *text);
/* Appends the text again as it was. */
void utf8_decode_nul(struct buf *out, const char *text);
/* Writes a code point (valid, not a surrogate) as 1 to 4 bytes and returns how many. */
int utf8_put(char out[4], int32_t code);

#endif
