/* Allocation for small things that ends the program when memory runs out. */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/utf8.h"

static void *not_null(void *ptr)
{
    if (!ptr)
        invariant_give_up("not enough memory");
    return ptr;
}

void *xmalloc(size_t bytes)
{
    return not_null(malloc(bytes ? bytes : 1));
}

void *xcalloc(size_t count, size_t bytes)
{
    return not_null(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *xrealloc(void *ptr, size_t bytes)
{
    return not_null(realloc(ptr, bytes ? bytes : 1));
}

char *xstrdup(const char *text)
{
    return text ? not_null(strdup(text)) : NULL;
}

void texts_free(char **text, int count)
{
    for (int i = 0; i < count; i++)
        free(text[i]);
    free(text);
}

char *xtrimmed(const char *text, size_t n)
{
    n = utf8_trim(&text, strnlen(text, n));
    return xasprintf("%.*s", (int)n, text);
}

char *xasprintf(const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    if (vasprintf(&text, fmt, ap) < 0)
        text = NULL;
    va_end(ap);
    return not_null(text);
}
