/* Standard output and standard error, for all that is printed: nothing else writes to them.
 *
 * Data goes to standard output. What is printed is safe for a terminal (show.h). The first write
 * that fails is remembered, and the program says so once at its end. From one thread. */
#ifndef CORE_BASE_STD_H
#define CORE_BASE_STD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* A descriptor that was closed by who started us must not become that of a file of ours: each of
 * the three is there from here on, and what cannot be written fails as it should. Past a limit on
 * the size of files (RLIMIT_FSIZE) writing fails, too, and is no signal. */
void std_begin(void);
/* To standard output; the format is show_format()'s. */
void std_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void std_text(const char *text); /* text of our own, of several lines, as by show_lines() */
void std_puts(const char *text); /* the same and a line break */
/* A record of n bytes that escapes by its own rules (JSON), and a line break. */
void std_line(const char *record, size_t n);
/* Bytes as they are where standard output is no terminal, and as by show_lines() where it is. */
void std_bytes(const void *bytes, size_t n);
void std_flush(void);
/* Whether standard output could not be written: what goes on for its sake alone can stop. */
bool std_failed(void);
/* The reason as an error. Returns false. */
bool std_error(struct err *err);
/* Whether the reader has gone, which is no news to anybody. */
bool std_reader_gone(void);

/* A line "editscope: ..." on standard error, and text there as it is, without a line break. */
void std_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void std_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void std_error_text(const char *text); /* as std_text(), there */
/* Back to the line's beginning, and wipes it: the progress line of a terminal. */
void std_clear_line(void);

#endif
