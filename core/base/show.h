/* Text for people: foreign text that cannot act on a terminal, cut and padded by what is seen.
 *
 * Everything that is printed, said as an error or drawn goes through show_format(), so that no
 * byte of a file, a model or a name reaches a terminal raw. Nothing here depends on the program's
 * locale. Thread-safe. */
#ifndef CORE_BASE_SHOW_H
#define CORE_BASE_SHOW_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Columns of a character: 0, 1, 2; -1 for controls. */
int show_width(int32_t code);
/* Bytes of the next character as it is seen (a letter with its marks, an emoji of several code
 * points, a flag), its columns and its first code point. Where text is no UTF-8 or a control: code
 * or width are -1. `text` is before `end`. */
size_t show_cluster(const char *text, const char *end, int *width, int32_t *code);
/* Characters that draw nothing or change how their neighbours are drawn: bidi controls, zero
 * widths, tags, private use. */
bool show_invisible(int32_t code);
/* Appends n bytes of foreign text so that it is safe and visible: controls and bytes that are not
 * UTF-8 as \n, \t, \x1b; invisible and direction-changing characters as \u202e. Joiners between
 * visible characters stay: they are how some scripts and emoji are written. */
void show_escape(struct buf *out, const char *bytes, size_t n);
/* The same for text of several lines of our own making: line breaks and tabs stay. */
void show_lines(struct buf *out, const char *bytes, size_t n);

/* Columns that a text takes when it is shown so, cut to `most` columns (0: not cut). */
int show_columns(const char *text, int most);
/* The text as "%*s" shows it, for a width that a table says: negative is flush left, 0 none.
 * `most` (0: not cut) is the precision of "%.60s". */
void show_fitted(struct buf *out, const char *text, int width, int most);

/* printf for people. A %s or %c is shown as by show_escape(). "%-20s" pads to 20 columns. "%.60s"
 * is at most 60 columns and ends in an ellipsis where it was cut; below 20 the beginning is meant,
 * as of a hash, and there is no mark. "%.*s" takes that many bytes, as printf does. NULL is "". */
void show_format(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void show_vformat(struct buf *out, const char *fmt, va_list given)
    __attribute__((format(printf, 2, 0)));
/* The same into size bytes, cut at a character, NUL-terminated. Returns out. */
const char *show_print(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *show_vprint(char *out, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* 5.4 GB, 105 MB, 12 KB */
const char *show_bytes(double bytes, char out[16]);

#ifdef __cplusplus
}
#endif
#endif
