/* Host memory for small things: these never return NULL, they end the program
 * with one line. Tensors, files and device memory report an error instead. */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H

#include <stddef.h>

void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes); /* zeroed */
void *xrealloc(void *ptr, size_t bytes);
char *xstrdup(const char *text);            /* NULL gives NULL */
char *xtrimmed(const char *text, size_t n); /* of n bytes, without blanks around */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
