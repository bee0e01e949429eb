/* Standard output and standard error. Nothing else in the program writes to them.
 *
 * Results go to standard output, messages to standard error. Text is escaped (show.h), unless a
 * function says otherwise. The first write to standard output that fails is remembered: later
 * writes do nothing, and the program reports it once at its end and exits with status 1, so that
 * `editscope ... > full_disk` does not look like a success. One thread. */
#ifndef CORE_BASE_STD_H
#define CORE_BASE_STD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

/* Call it first in main(). If a descriptor 0, 1 or 2 was closed by the parent process, the next
 * file that is opened would get its number and receive our output: this opens /dev/null in its
 * place. Also turns the signal for the file size limit (RLIMIT_FSIZE) into a write error. */
void std_begin(void);
/* Prints to standard output; the format is show_format()'s. */
void std_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void std_text(const char *text); /* prints our own text of several lines (show_lines()) */
void std_puts(const char *text); /* the same and a line break */
/* Prints n bytes unchanged and a line break. For records that escape by their own rules (JSON). */
void std_line(const char *record, size_t n);
/* Prints bytes unchanged, or with show_lines() if standard output is a terminal. */
void std_bytes(const void *bytes, size_t n);
void std_flush(void);
/* Whether a write to standard output has failed: work whose only purpose is output can stop. */
bool std_failed(void);
/* Records the reason in `err`, ERR_IO. Returns false. */
bool std_error(struct err *err);
/* Whether it failed because the reader closed the pipe (`| head`): not worth a message. */
bool std_reader_gone(void);

/* Prints a line "editscope: ..." to standard error, after flushing standard output. */
void std_message(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints to standard error without prefix and line break: the progress line. */
void std_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void std_error_text(const char *text); /* like std_text(), to standard error */
/* Erases the current line of the terminal on standard error, to overwrite the progress line. */
void std_clear_line(void);

#endif
