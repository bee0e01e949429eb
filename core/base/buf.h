/* A growing byte string, always NUL-terminated. Zero-initialise it; buf_free() ends it.
 *
 *   struct buf b = {0};
 *   buf_printf(&b, "layer %d", 5);      b.data = "layer 5", b.len = 7
 *   buf_free(&b);
 *
 * The owner of the struct owns the bytes. Memory that runs out ends the program (mem.h). */
#ifndef CORE_BASE_BUF_H
#define CORE_BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* NULL until something is added; data[len] is NUL */
    size_t len, cap;
};

/* Appends n bytes, which may contain NUL. */
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_puts(struct buf *b, const char *text);
/* Appends like printf. Does not escape: text for a terminal goes through show_format(). */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_clear(struct buf *b); /* length 0; keeps the memory */
void buf_free(struct buf *b);
/* Returns the string, never NULL, and leaves `b` empty. The caller frees it with free(). */
char *buf_take(struct buf *b);

#endif
