/* Why something failed, in words a user can act on.
 *
 * A function that can fail takes a `struct err *` last and returns false (or
 * NULL). The caller owns the struct and may pass the same one to several calls:
 * the first failure is kept. Passing NULL means "I do not care why". The text is
 * one line, "WHAT; HINT": what, where, which value, and what to do about it. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kind decides the exit status of a command, and nothing else. */
enum err_kind {
    ERR_NONE,
    ERR_IO,        /* 1: a file could not be read or written */
    ERR_FORMAT,    /* 1: a file or a value is not what it should be */
    ERR_LIMIT,     /* 1: too large, too many, out of memory */
    ERR_USAGE,     /* 2: the request itself is wrong */
    ERR_ACCEPT,    /* 3: the edit stands but its acceptance test failed */
    ERR_MODEL,     /* 4: model missing, damaged or of a kind not known */
    ERR_DEVICE,    /* 4: device missing or failing */
    ERR_STATE,     /* 5: the session is of another model, or a checksum differs */
    ERR_HELD,      /* 6: another process holds the session */
    ERR_CANCELLED, /* 130: stopped on request */
};

struct err {
    enum err_kind kind;
    unsigned short hint; /* where in text it is said what to do; 0: nowhere */
    char text[400];
};

/* Records the failure unless one is recorded already. Always returns false. The format is
 * show_format()'s: what it quotes can not act on a terminal, and is cut by columns. The hint begins
 * behind the first "; " of the format itself, never in what is quoted. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool err_vset(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/* Records what another struct holds, if it holds anything. Returns false. */
bool err_pass(struct err *err, const struct err *from);
/* What to do about it; "" where nothing is said. */
const char *err_hint(const struct err *err);
/* Puts "fmt: " before the recorded text, to say what was being done. Returns false. */
bool err_in(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The process exit status that stands for the kind (see above). */
int err_exit_status(enum err_kind kind);
/* The word that stands for the kind in JSON ("io", "format", ...). */
const char *err_code(enum err_kind kind);

#ifdef __cplusplus
}
#endif
#endif
