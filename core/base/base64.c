/* Base 64 with libcrypto. Long inputs are passed in pieces, because its lengths are int. */
#include "core/base/base64.h"

#include <openssl/evp.h>
#include <string.h>

enum { PIECE = 768, PIECE_DIGITS = PIECE / 3 * 4 };

void base64_put(struct buf *out, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    unsigned char digits[PIECE_DIGITS + 1];

    for (size_t i = 0; i < n; i += PIECE) {
        int part = n - i < PIECE ? (int)(n - i) : PIECE;

        buf_add(out, digits, (size_t)EVP_EncodeBlock(digits, p + i, part));
    }
}

/* The number of = at the end: 0, 1 or 2. */
static size_t padding_length(const char *text, size_t n)
{
    return n && text[n - 1] == '=' ? n > 1 && text[n - 2] == '=' ? 2 : 1 : 0;
}

size_t base64_size(const char *text, size_t n)
{
    return n % 4 ? (size_t)-1 : n / 4 * 3 - padding_length(text, n);
}

/* libcrypto skips white space and accepts = in the middle, so every character is checked first. */
static bool is_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

bool base64_get(void *out, const char *text, size_t n)
{
    unsigned char piece[PIECE], *to = out;
    size_t left = base64_size(text, n), end = n - padding_length(text, n);

    if (n % 4)
        return false;
    for (size_t i = 0; i < end; i++)
        if (!is_digit(text[i]))
            return false;
    for (size_t i = 0; i < n; i += PIECE_DIGITS) {
        int part = n - i < PIECE_DIGITS ? (int)(n - i) : PIECE_DIGITS;
        size_t bytes = left < PIECE ? left : PIECE;

        if (EVP_DecodeBlock(piece, (const unsigned char *)text + i, part) < 0)
            return false;
        memcpy(to, piece, bytes);
        to += bytes;
        left -= bytes;
    }
    return true;
}
