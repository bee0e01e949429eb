/* A growing byte string, always NUL-terminated. Zero-initialise it; buf_free() ends it. */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* NULL until something is added; data[len] is NUL */
    size_t len, cap;
};

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b);
void buf_free(struct buf *b);
char *buf_take(struct buf *b); /* hands over the string (never NULL) and empties b */

#endif
