/* Writes to standard output and standard error, and remembers the first failed write. */
#include "core/base/std.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/show.h"

static int failed; /* errno of the first write that failed, or 0 */

/* Call it after each stdio call: stdio may have flushed its buffer just then. */
static void note_failure(void)
{
    if (!failed && ferror(stdout))
        failed = errno ? errno : EIO;
}

static void write_out(const struct buf *b)
{
    errno = 0;
    if (!failed && b->len)
        fwrite(b->data, 1, b->len, stdout);
    note_failure();
}

void std_begin(void)
{
    /* Deliberately the wrong way round for 0 and 1: reading from an input that was closed and
     * writing to an output that was closed should fail, not succeed silently. */
    static const int how[3] = {O_WRONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", how[fd]) < 0)
            return;
    signal(SIGXFSZ, SIG_IGN);
}

void std_print(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&b, fmt, ap);
    va_end(ap);
    write_out(&b);
    buf_free(&b);
}

void std_text(const char *text)
{
    struct buf b = {0};

    show_lines(&b, text, strlen(text));
    write_out(&b);
    buf_free(&b);
}

void std_puts(const char *text)
{
    std_text(text);
    std_text("\n");
}

void std_line(const char *record, size_t n)
{
    struct buf b = {0};

    buf_add(&b, record, n);
    buf_puts(&b, "\n");
    write_out(&b);
    buf_free(&b);
}

void std_bytes(const void *bytes, size_t n)
{
    struct buf b = {0};

    if (isatty(STDOUT_FILENO))
        show_lines(&b, bytes, n);
    else
        buf_add(&b, bytes, n);
    write_out(&b);
    buf_free(&b);
}

void std_flush(void)
{
    errno = 0;
    fflush(stdout);
    note_failure();
}

bool std_failed(void)
{
    return failed != 0;
}

bool std_error(struct err *err)
{
    return err_set(err, ERR_IO, "standard output: %s", strerror(failed));
}

bool std_reader_gone(void)
{
    return failed == EPIPE;
}

void std_message(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    std_flush(); /* so that a terminal shows both in the right order */
    buf_puts(&b, "editscope: ");
    va_start(ap, fmt);
    show_vformat(&b, fmt, ap);
    va_end(ap);
    buf_puts(&b, "\n");
    fwrite(b.data, 1, b.len, stderr);
    buf_free(&b);
}

void std_status(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&b, fmt, ap);
    va_end(ap);
    if (b.len)
        fwrite(b.data, 1, b.len, stderr);
    buf_free(&b);
}

void std_error_text(const char *text)
{
    struct buf b = {0};

    show_lines(&b, text, strlen(text));
    if (b.len)
        fwrite(b.data, 1, b.len, stderr);
    buf_free(&b);
}

void std_clear_line(void)
{
    fputs("\r\033[K", stderr);
}
