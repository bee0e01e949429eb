/* Host memory for small things. These functions never return NULL: when memory runs out they end
 * the program with one line. Nobody can do anything useful without a few hundred bytes. Tensors,
 * files and device memory can be too large for a machine, so they report an error instead
 * (device_alloc(), file_map()). Free with free(). Any thread. */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes); /* zeroed */
void *xrealloc(void *ptr, size_t bytes);
char *xstrdup(const char *text); /* NULL gives NULL */
/* A copy of the first n bytes without white space at both ends (utf8_trim()). */
char *xtrimmed(const char *text, size_t n);
/* Frees `count` texts and their list. */
void texts_free(char **text, int count);
/* The formatted text, as by printf, in new memory. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
