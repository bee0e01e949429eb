/* The session: everything a user did to one model, in one SQLite file (editscope-session(5)).
 *
 * A journal of edits and of their undoing. Every step is one transaction that is on the disk
 * before the call returns; nothing is kept in memory that the file does not hold, so after a
 * crash the file is the truth. A step that fails leaves the file as it was. One writer a file:
 * a sibling file PATH.lock names who it is; readers need no lock.
 *
 * Which weights a session stands for follows from its active edits in order of their number.
 * Undo, redo and removal only change which edits are active: nothing is ever deleted.
 *
 * A session belongs to one thread. No call ends the program: files that are damaged, hostile
 * or of a newer version are refused with one line. */
#ifndef CORE_SESSION_SESSION_H
#define CORE_SESSION_SESSION_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/edit/delta.h"
#include "core/edit/fact.h"
#include "core/model/hook.h"
#include "core/model/weights.h"

struct session;

struct edit_record {
    int id;              /* 1, 2, ...: given by session_append(), never used again */
    bool active;         /* false: undone or removed */
    bool redoable;       /* not active, and no edit was appended since */
    int requests;        /* u, at least 1 */
    struct fact *facts;  /* [u] owned */
    int width;           /* d of z; 0 without z */
    float *z;            /* [u][d] optimised values, or NULL; session_load_z() reads it */
    char *params_json;   /* owned; all parameters, as params_to_json() writes them, or NULL */
    char *metrics_json;  /* owned; the events `commit` and `done`, or NULL */
    int deltas;          /* how many the edit has (also when they are not loaded) */
    struct delta *delta; /* [deltas] in the order they apply, or NULL; session_load_deltas() */
    int hooks, prefixes;
    struct hook_data *hook; /* [hooks] in the order they run, or NULL; session_load_change() */
    char **prefix;          /* [prefixes] texts before every prompt, or NULL; likewise */
    double lambda;          /* of the solve; 0 if it knows none */
    char projector[65];     /* sha256 of the null-space projector, or "" */
    char checksum[65];      /* of the edited matrices right after this edit; "" until known */
    char hash[65];          /* sha256 of what the edit does, given by session_append() */
    bool draft;             /* made with fewer moments than asked for */
    long moment_tokens;     /* tokens the moments stood on */
    unsigned attribution;   /* id of the attribution run the mask came from; 0: none */
    double when;            /* unix seconds; 0 at append means now */
    char *note;             /* owned, or NULL */
};

enum journal_op { JOURNAL_CREATE, JOURNAL_EDIT, JOURNAL_UNDO, JOURNAL_REDO, JOURNAL_REMOVE };

struct journal_row {
    long seq; /* 1, 2, ... */
    double when;
    enum journal_op op;
    int edit;          /* 0 for JOURNAL_CREATE */
    char state[17];    /* of the active edits after the step; two steps with one state agree */
    char checksum[65]; /* of the edited matrices after the step; "" until recorded */
};

struct session_status {
    int edits;         /* active ones */
    int total;         /* ever made */
    int last;          /* number of the last active edit, which an undo takes; 0: none */
    int redo;          /* number of the edit a redo brings back; 0: none */
    char state[17];    /* id of base and active deltas, known at once */
    char checksum[65]; /* recorded the last time the session was in this state, or "" */
    bool readonly;
};

/* Names of settings. Others are allowed: [a-z0-9._-]. */
#define SESSION_BASE_IDENTITY "base.identity" /* written by session_bind() */
#define SESSION_BASE_NAME     "base.name"
#define SESSION_MODEL_PATH    "model.path"
#define SESSION_PREFIXES      "prefixes"      /* context prefixes, one a line, verbatim */
#define SESSION_WORDING       "wording.%d.%d" /* of an edit and one of its facts */
#define SESSION_PARAMETERS    "parameters"    /* JSON of params_to_json() */

/* Opens PATH, with `create` making it (and its folders) if it is not there; `readonly` takes no
 * lock, changes nothing and reads a copy of the file as it was at this moment, so that what it
 * tells stays consistent and no writer waits for it. path NULL is a session in memory, lost at
 * close. ERR_HELD (another process writes it: names host and pid), ERR_FORMAT (not a session,
 * damaged, or of a newer version), ERR_IO. */
struct session *session_open(const char *path, bool create, bool readonly, struct err *err);
/* Only to read a few settings: without the copy that session_open() makes for a reader. */
struct session *session_glance(const char *path, struct err *err);
void session_close(struct session *s); /* NULL is fine; releases the lock */
/* The model at hand, as a session knows models. */
struct session_base {
    char identity[65];  /* sha256 of what its files hold */
    char former[2][65]; /* what version 0.1.0 called it, by its name then and by its name now */
    const char *name;   /* what a user calls it, or NULL */
};
/* `path`: where the session last saw it, or NULL. The name is left to the caller. */
struct session_base session_base_of(const struct identity *id, const char *path);
/* Whether the identity that a session keeps is of this model. */
bool session_base_is(const struct session_base *base, const char *kept);
/* The session is of this model from now on, or ERR_STATE naming both. A session that knows the
 * model by a former identity is given the present one, if it may be written. To be called before
 * the first edit is made. */
bool session_bind(struct session *s, const struct session_base *base, struct err *err);
const char *session_path(const struct session *s); /* as opened, absolute; "" in memory */
/* A fresh name for a session nobody named, in $XDG_STATE_HOME/editscope. Caller frees. */
char *session_autosave_path(void);
bool session_status(struct session *s, struct session_status *status, struct err *err);
/* Writes a whole copy to a file that must not exist yet: how a session gets its first name. */
bool session_copy(struct session *s, const char *path, struct err *err);
/* Reads all of the file: structure, references, sizes and hashes. ERR_FORMAT says what is bad. */
bool session_check(struct session *s, struct err *err);

/* ---- Steps. Each is one row of the journal. ---- */

/* Records an edit with its facts, deltas and z and makes it active; sets rec->id, rec->hash,
 * rec->when, rec->active. What was undone before can no longer be redone. A checksum in `rec` is
 * recorded with the step. Nothing is taken over: the caller keeps what `rec` points to. */
bool session_append(struct session *s, struct edit_record *rec, struct err *err);
/* Makes the last active edit inactive. `edit` (may be NULL) gets its number. ERR_USAGE if there
 * is none. */
bool session_undo(struct session *s, int *edit, struct err *err);
/* Brings back what was undone or removed last, or edit `wanted` if that is not 0. */
bool session_redo(struct session *s, int wanted, int *edit, struct err *err);
/* Makes any active edit inactive. */
bool session_remove(struct session *s, int edit, struct err *err);
/* The same of many, in ascending order of their numbers: all of them or none. */
bool session_remove_these(struct session *s, const int *edit, int count, struct err *err);
bool session_redo_these(struct session *s, const int *edit, int count, struct err *err);

/* The edited matrices of the present state have this checksum (64 hex digits). Recorded with
 * every step that led to this state. ERR_STATE if another checksum was recorded for the same state:
 * the weights are not what they were. */
bool session_set_checksum(struct session *s, const char *hex, struct err *err);
bool session_set_note(struct session *s, int edit, const char *note, struct err *err);

/* ---- Reading ---- */

/* The edits in order, only the active ones unless `all`: without deltas and z. Caller frees with
 * edit_records_free(). */
bool session_edits(struct session *s, bool all, struct edit_record **edits, int *count,
                   struct err *err);
/* The deltas of one edit in the order they apply, verified with its hooks and prefixes against the
 * edit's hash. Caller frees with deltas_free(). A blob of a wrong size or with other values is
 * ERR_FORMAT and names edit and layer; an unknown edit is ERR_USAGE. */
bool session_load_deltas(struct session *s, int edit, struct delta **deltas, int *count,
                         struct err *err);
/* The same with hooks and prefixes, of the edit rec->id into an otherwise empty record: its deltas,
 * hook and prefix. Caller frees with edit_record_free(); nothing is left in it on failure. */
bool session_load_change(struct session *s, struct edit_record *rec, struct err *err);
/* held [layers * MATRICES]: which matrices the active edits change. */
bool session_held(struct session *s, bool *held, int layers, struct err *err);
/* z [requests][width], or NULL if the edit has none. Caller frees. */
bool session_load_z(struct session *s, int edit, float **z, int *requests, int *width,
                    struct err *err);
bool session_log(struct session *s, struct journal_row **rows, int *count, struct err *err);
void edit_record_free(struct edit_record *rec); /* frees the fields, zeroes the struct */
void edit_records_free(struct edit_record *edits, int count);

/* ---- Settings and queries ---- */

/* The value, or NULL without an error if there is none. Caller frees. */
char *session_get(struct session *s, const char *name, struct err *err);
bool session_set(struct session *s, const char *name, const char *value, struct err *err);
/* Kept for whoever reads the file. `state` is "base", "edited", "preview" or "edit:N". */
bool session_add_query(struct session *s, const char *prompt, const char *answer, const char *state,
                       struct err *err);

#endif
