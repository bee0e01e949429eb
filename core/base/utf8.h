/* UTF-8, strict: no overlong forms, no surrogates, nothing above U+10FFFF. Any thread. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Whether all n bytes are UTF-8; NUL counts as a character. If not and `bad` is not NULL, *bad is
 * the offset of the first wrong byte. */
bool utf8_valid(const char *text, size_t n, size_t *bad);
/* Returns the code point at *p and moves *p past it; *p must be before end. At bytes that are not
 * UTF-8 it returns -1 and skips the longest valid beginning of a character, which decoders replace
 * by one U+FFFD (Unicode 3.9). */
int32_t utf8_next(const char **p, const char *end);
/* Appends the text with each such sequence replaced by U+FFFD. */
void utf8_clean(struct buf *out, const char *text, size_t n);
/* The length of the longest beginning of the text that has at most n bytes and only whole
 * characters. */
size_t utf8_cut(const char *text, size_t length, size_t n);
/* Copies into `size` bytes as many whole characters as fit, NUL-terminated. NULL is "". */
void utf8_copy(char *out, size_t size, const char *text);
/* Trims white space and invisible characters (zero-width space, joiner, byte order mark, direction
 * marks) at both ends. Moves *text to the rest and returns its length. */
size_t utf8_trim(const char **text, size_t n);
/* For qsort() of char *[]: by bytes, which is by code points. */
int utf8_compare(const void *a, const void *b);
/* A prompt may contain NUL bytes, but C strings end there. This replaces each NUL by the bytes 0xC0
 * 0x80, which never occur in UTF-8 (as Java's modified UTF-8 does). */
#define UTF8_NUL "\xc0\x80"
void utf8_encode_nul(struct buf *text);
/* Appends the text with its NUL bytes restored. */
void utf8_decode_nul(struct buf *out, const char *text);
/* Whether a code point is a letter, a number or the underscore, or white space, as Python's \w and
 * \s have it; -1 is neither. */
bool utf8_is_word(int32_t code);
bool utf8_is_space(int32_t code);
/* Appends the text in lower case, character by character; bytes that are not UTF-8 are dropped. */
void utf8_lower(struct buf *out, const char *text, size_t n);
/* Writes a code point (not a surrogate) as 1 to 4 bytes and returns how many. */
int utf8_put(char out[4], int32_t code);

#endif
