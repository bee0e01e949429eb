#include "core/base/base64.h"

#include <stdint.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_put(struct buf *out, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    char part[1024];
    size_t used = 0;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) |
                     (i + 2 < n ? p[i + 2] : 0);

        part[used++] = digits[v >> 18];
        part[used++] = digits[v >> 12 & 63];
        part[used++] = i + 1 < n ? digits[v >> 6 & 63] : '=';
        part[used++] = i + 2 < n ? digits[v & 63] : '=';
        if (used == sizeof(part)) {
            buf_add(out, part, used);
            used = 0;
        }
    }
    buf_add(out, part, used);
}

static size_t padding(const char *text, size_t n)
{
    return n && text[n - 1] == '=' ? n > 1 && text[n - 2] == '=' ? 2 : 1 : 0;
}

size_t base64_size(const char *text, size_t n)
{
    return n % 4 ? (size_t)-1 : n / 4 * 3 - padding(text, n);
}

static void fill_table(unsigned char value[256])
{
    memset(value, 0xff, 256);
    for (int i = 0; i < 64; i++)
        value[(unsigned char)digits[i]] = (unsigned char)i;
}

bool base64_get(void *out, const char *text, size_t n)
{
    unsigned char value[256], *to = out;
    size_t end = n - padding(text, n);
    uint32_t bits = 0;
    int have = 0;

    fill_table(value);
    for (size_t i = 0; i < end; i++) {
        unsigned char v = value[(unsigned char)text[i]];

        if (v > 63)
            return false;
        bits = bits << 6 | v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *to++ = (unsigned char)(bits >> have);
        }
    }
    return true;
}
