/* What there is to come back to: sessions in the current folder and those opened lately, sessions
 * that were kept without a name, recordings and RUN files. Newest first. */
#ifndef VIEWS_SCREENS_SESSION_LIST_H
#define VIEWS_SCREENS_SESSION_LIST_H

#include <stdbool.h>

enum kept_kind { KEPT_SESSION, KEPT_AUTOSAVE, KEPT_RECORDING, KEPT_RUN };

struct kept_file {
    enum kept_kind kind;
    char *path;      /* absolute */
    char *last;      /* of a session: its last active edit, "Mount Fuji → Peru"; NULL: none */
    char model[128]; /* of a session, "" if it does not say */
    int edits, made; /* of a session: active ones; all that were ever made */
    double when;     /* of the last change, unix seconds */
};

struct session_list { /* zero-initialise; session_list_free() ends it */
    struct kept_file *file;
    int count;
};

/* Reads the folders again. `except`: the path of the open session, left out; or NULL. Sessions
 * without a name in which nothing was edited are left out too. */
void session_list_read(struct session_list *l, const char *except);
void session_list_free(struct session_list *l);
/* Whether there is anything to list: no more is read than it takes to know. */
bool session_list_any(void);
/* The newest session in which something was edited; NULL: none. Caller frees. */
char *session_list_newest(void);
/* Remembers that a session was left, so that it is listed wherever it is. */
void session_list_note(const char *path);

#endif
