/* Which key does what: the defaults of actions.h, changed by the user's bindings. */
#ifndef VIEWS_KEYMAP_H
#define VIEWS_KEYMAP_H

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/base/err.h"
#include "views/actions.h"

enum { KEYMAP_MAX = 512, KEYMAP_TEXT = 96 };

struct binding {
    const char *view; /* its name, NULL: all */
    int32_t code;
    enum action action; /* ACTION_NONE: does nothing */
    int line;           /* of the config file, 0: not from there */
    bool user;
};

struct keymap {
    struct binding of[KEYMAP_MAX];
    int count;
};

/* The keymap in force: the defaults until something is bound. UI thread. */
struct keymap *keymap_current(void);
/* Fills *m with the keys of actions.h. */
void keymap_default(struct keymap *m);

/* The action of a key in a view. view NULL: only bindings for all views are considered. */
enum action keymap_action(const struct keymap *m, const char *view, int32_t code);
/* All keys of an action as text, the most specific first: "x F5". With view NULL, keys of single
 * views follow as "history:x". "" if there is none. Returns out. */
const char *keymap_keys(const struct keymap *m, const char *view, enum action action,
                        char out[KEYMAP_TEXT]);
/* The first of them, as the footer shows it. Returns out. */
const char *keymap_key(const struct keymap *m, const char *view, enum action action, char out[16]);

/* Binds a key to an action; action "none" removes what the key does. view NULL or "": in all
 * views. Unknown names are ERR_USAGE with the nearest one; ERR_LIMIT beyond KEYMAP_MAX. `notes`
 * (may be NULL) gets one line for each binding that is lost by it. */
bool keymap_bind(struct keymap *m, const char *view, const char *key, const char *action, int line,
                 struct buf *notes, struct err *err);
/* Parses what follows :bind, "[VIEW] KEY ACTION", or :unbind (`taken`), "[VIEW] KEY". */
bool keymap_command(struct keymap *m, const char *rest, bool taken, struct buf *notes,
                    struct err *err);
/* For reading the sections [keys] and [keys.VIEW] of a config file. Start with `map` as a copy of
 * the keymap in force, call keymap_line() for each line, then keymap_apply(), so that a file with
 * an error changes nothing. */
struct keymap_reading {
    struct keymap map;
    struct buf *notes; /* as of keymap_bind() */
};
bool keymap_line(void *reading, const struct config_line *line, struct err *err); /* KEY = ACTION */
void keymap_apply(struct keymap *m, struct keymap_reading *reading);

#endif
