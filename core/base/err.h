/* Errors: why something failed, in words a user can act on.
 *
 * A function that can fail takes a `struct err *` as its last argument and returns false (or
 * NULL). A caller looks at the return value; the text is for the user:
 *
 *   struct err err = {0};
 *   if (!model_open(&model, path, &err))
 *       std_message("%s", err.text);       then exit with err_exit_status(err.kind)
 *
 * The text is one line: what failed, where, which value; what to do about it.
 *
 *   edit.v_lr = 900 is out of range 1e-06 to 100; nearest is 100
 *   |---- what, where, which value -------------| |-- hint ----|
 *
 * The part after "; " is the hint. err_set() finds it in its format, never in a quoted value, so
 * that a file called "a; b" cannot make one. `--json` prints text and hint as two fields.
 *
 * The first failure is kept: later calls that get the same struct do not overwrite it. So cleanup
 * code may pass the same struct on. A caller that adds context puts it before the text:
 * err_in(err, "line %d", 12) makes "line 12: ...". The functions that set an error return false,
 * so `return err_set(...)` and `ok || err_set(...)` are the usual forms. NULL means that the caller
 * does not need the reason.
 *
 * The caller owns the struct; it holds no pointers and is copied by assignment. */
#ifndef CORE_BASE_ERR_H
#define CORE_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kind decides the exit status of a command (the number) and the `code` of an error in JSON. */
enum err_kind {
    ERR_NONE,
    ERR_IO,        /* 1: a file could not be read or written */
    ERR_FORMAT,    /* 1: a file or a value is not what it should be */
    ERR_LIMIT,     /* 1: too large, too many, out of memory */
    ERR_USAGE,     /* 2: the request itself is wrong */
    ERR_ACCEPT,    /* 3: the edit was saved but its acceptance test failed */
    ERR_MODEL,     /* 4: model missing, damaged or unsupported */
    ERR_DEVICE,    /* 4: device missing or failing */
    ERR_STATE,     /* 5: no session, one of another model, or a checksum that differs */
    ERR_HELD,      /* 6: another process has locked the session */
    ERR_CANCELLED, /* 130: stopped on request */
};

struct err {
    enum err_kind kind;  /* ERR_NONE: nothing has failed */
    unsigned short hint; /* offset of the hint in text; 0: no hint */
    char text[400];
};

/* Records the failure unless one is recorded already. Always returns false. The format is
 * show_format()'s: quoted text is escaped for terminals, and "%.60s" cuts at 60 columns. */
bool err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool err_vset(struct err *err, enum err_kind kind, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));
/* Copies the failure in `from`, if there is one, unless `err` has one already. Returns false. */
bool err_pass(struct err *err, const struct err *from);
/* What to do about it; "" if the text has no hint. */
const char *err_hint(const struct err *err);
/* Adds context: puts "fmt: " before the recorded text. Does nothing without a failure. Returns
 * false. */
bool err_in(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The exit status of a process that ends with such an error. */
int err_exit_status(enum err_kind kind);
/* The kind's name in JSON ("io", "format", ...). */
const char *err_code(enum err_kind kind);

#ifdef __cplusplus
}
#endif
#endif
