/* Small memory that is always there, or the program ends. */
#include "core/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/utf8.h"

static void *checked(void *ptr)
{
    if (!ptr)
        invariant_give_up("out of memory");
    return ptr;
}

void *xmalloc(size_t bytes)
{
    return checked(malloc(bytes ? bytes : 1));
}

void *xcalloc(size_t count, size_t bytes)
{
    return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *xrealloc(void *ptr, size_t bytes)
{
    return checked(realloc(ptr, bytes ? bytes : 1));
}

char *xstrdup(const char *text)
{
    return text ? checked(strdup(text)) : NULL;
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
    return checked(text);
}
