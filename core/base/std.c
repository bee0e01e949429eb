/* What is printed, and whether it could be. */
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

static void note_failure(void)
{
    if (!failed && ferror(stdout))
        failed = errno ? errno : EIO;
}

/* Even an empty text is tried: what stdio flushed by itself before has left its mark. */
static void give(const struct buf *b)
{
    errno = 0;
    if (!failed && b->len)
        fwrite(b->data, 1, b->len, stdout);
    note_failure();
}

void std_begin(void)
{
    /* the wrong way round: reading from a closed input and writing to a closed output fail */
    static const int how[3] = {O_WRONLY, O_RDONLY, O_WRONLY};

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", how[fd]) < 0)
            return;           /* without /dev/null there is nothing better to do */
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error like any other */
}

void std_print(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;

    va_start(ap, fmt);
    show_vformat(&b, fmt, ap);
    va_end(ap);
    give(&b);
    buf_free(&b);
}

void std_text(const char *text)
{
    struct buf b = {0};

    show_lines(&b, text, strlen(text));
    give(&b);
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
    give(&b);
    buf_free(&b);
}

void std_bytes(const void *bytes, size_t n)
{
    struct buf b = {0};

    if (isatty(STDOUT_FILENO))
        show_lines(&b, bytes, n);
    else
        buf_add(&b, bytes, n);
    give(&b);
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

    std_flush(); /* in the order in which they were said */
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
