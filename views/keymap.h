/* Which key does what: the table of actions (actions.h), then what the user has bound.
 *
 * A binding holds in all views or in one; in a view its own bindings come first. The footer, the
 * help and `editscope keys` show what is in force. */
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

/* The one in force; the table's own until something is bound. UI thread. */
struct keymap *keymap_current(void);
void keymap_default(struct keymap *m);

/* The action of a key in a view; view NULL: where no view has a say. */
enum action keymap_action(const struct keymap *m, const char *view, int32_t code);
/* All keys of an action, most telling first: "x F5". With view NULL those of single views follow
 * as "history:x". "" if there is none. Returns out. */
const char *keymap_keys(const struct keymap *m, const char *view, enum action action,
                        char out[KEYMAP_TEXT]);
/* The first of them, as a footer has it. */
const char *keymap_key(const struct keymap *m, const char *view, enum action action, char out[16]);

/* Binds a key; action "none" takes it away. view NULL or "": everywhere. Names that are not known
 * are ERR_USAGE and name the nearest. `notes` (may be NULL) gets a line for what it replaces. */
bool keymap_bind(struct keymap *m, const char *view, const char *key, const char *action, int line,
                 struct buf *notes, struct err *err);
/* "[VIEW] KEY ACTION", as after :bind and :unbind (`taken`: without ACTION). */
bool keymap_command(struct keymap *m, const char *rest, bool taken, struct buf *notes,
                    struct err *err);
/* The sections [keys] and [keys.VIEW] of a config file: `map` is what has been bound so far, of
 * what was in force before; keymap_apply() puts it into force when all lines were taken. */
struct keymap_reading {
    struct keymap map;
    struct buf *notes; /* as of keymap_bind() */
};
bool keymap_line(void *reading, const struct config_line *line, struct err *err); /* KEY = ACTION */
void keymap_apply(struct keymap *m, struct keymap_reading *reading);

#endif
