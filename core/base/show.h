/* Text for people: a printf that escapes foreign text, and that pads and cuts by display columns.
 *
 * All output and every error message go through show_format(), so no byte of a file, a model or a
 * user's name reaches a terminal raw. show.c explains what is dangerous and what is done about it.
 * Nothing here depends on the program's locale. Any thread. */
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

/* Display columns of a code point: 0 (a combining mark), 1, or 2 (Chinese, emoji); -1: a control.
 */
int show_width(int32_t code);
/* Reads one user-perceived character at `text` (before `end`): a letter with its marks, an emoji of
 * several code points, a flag. Returns its bytes and sets its columns and first code point. *code
 * is -1 for a byte that is not UTF-8, *width is -1 for that and for controls. */
size_t show_cluster(const char *text, const char *end, int *width, int32_t *code);
/* Whether the code point draws nothing, or changes how its neighbours are drawn: bidi controls,
 * zero-width characters, tags, private use. */
bool show_invisible(int32_t code);
/* Appends n bytes of foreign text, escaped: controls and bytes that are not UTF-8 become \n, \t,
 * \x1b; invisible and direction-changing characters become \u202e. Joiners between visible
 * characters are kept, because some scripts and emoji are written with them. */
void show_escape(struct buf *out, const char *bytes, size_t n);
/* The same, but line breaks and tabs are kept. For texts of several lines that we made. */
void show_lines(struct buf *out, const char *bytes, size_t n);

/* The columns of an escaped text, cut to `most` columns (0: not cut). */
int show_columns(const char *text, int most);
/* Appends the text like "%*.*s". width: columns to pad to, negative flush left, 0 none. most:
 * columns to cut to, 0 none. */
void show_fitted(struct buf *out, const char *text, int width, int most);

/* Appends like printf, with these differences:
 *   %s, %c   the text is escaped; NULL is ""
 *   %-20s    pads to 20 columns, not bytes
 *   %.60s    cuts to 60 columns, the last one an ellipsis
 *   %.8s     below 20 it is a prefix, as of a hash, without an ellipsis
 *   %.*s     takes that many bytes, as printf does */
void show_format(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void show_vformat(struct buf *out, const char *fmt, va_list given)
    __attribute__((format(printf, 2, 0)));
/* The same into `size` bytes at `out`, NUL-terminated, cut between characters. Returns out. */
const char *show_print(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
const char *show_vprint(char *out, size_t size, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

/* Appends a word of a shell command, quoted where needed; NULL is the empty word. */
void show_shell_word(struct buf *out, const char *word);

/* A size for people in powers of 1000: "5.4 GB", "105 MB", "12 kB", "512 bytes". Returns out. */
const char *show_bytes(double bytes, char out[16]);

#ifdef __cplusplus
}
#endif
#endif
