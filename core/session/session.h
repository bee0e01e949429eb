/* The session: everything a user did to one model, in one SQLite file (editscope-session(5)).
 *
 * A session is a journal. It never holds weights, only edits; the weights of a session are the base
 * model plus its active edits in the order of their numbers. Undo, redo and remove change which
 * edits are active. No edit is ever deleted, and no number is used twice:
 *
 *   seq  step      active edits after it
 *   1    create    -
 *   2    edit 1    1
 *   3    edit 2    1 2
 *   4    remove 1  2
 *   5    redo 1    1 2          the same state as after seq 3, so also the same checksum
 *   6    undo 2    1
 *   7    edit 3    1 3          from here on edit 2 cannot be redone
 *
 * Transactions. Each step is one SQLite transaction: the change, its row in the journal, and a
 * counter that makes every commit differ from the last. When session_append() or session_undo()
 * returns true, the step is on the disk; when it returns false, the file is as before. A struct
 * session holds nothing but the connection, so there is nothing in memory that could disagree with
 * the file.
 *
 * One writer. A session opened for writing holds a kernel lock on PATH.lock until it is closed. A
 * second writer gets ERR_HELD with the host and the process of the first (lock.c).
 *
 * Copies for readers. A session opened for reading copies the file at once, in memory up to 64 MiB
 * and else to an unnamed temporary file, and reads only the copy. So a reader sees one moment,
 * takes no lock, and no writer ever waits for it.
 *
 * Crashes. SQLite writes the old pages to PATH-journal and syncs it before it changes the file, and
 * a commit is the deletion of PATH-journal. After kill -9 or a power cut, whoever opens the file
 * next puts the old pages back: a step is there completely or not at all.
 * tests/unit/session_crash_test.c kills the program at every call that writes.
 *
 * A session belongs to one thread. Files that are damaged, hostile or of a newer version are
 * refused with an error; none of them can end the program. */
#ifndef CORE_SESSION_SESSION_H
#define CORE_SESSION_SESSION_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/edit/delta.h"
#include "core/edit/fact.h"
#include "core/model/hook.h"
#include "core/model/weights.h"

struct session;

/* One edit: its facts, its changes to the model, and how it was made. */
struct edit_record {
    int id;             /* 1, 2, ...: given by session_append(), never reused */
    bool active;        /* false: undone or removed */
    bool redoable;      /* not active, and no edit was appended since */
    int requests;       /* u >= 1, number of facts */
    struct fact *facts; /* [u] owned */

    /* What the edit left. session_edits() sets the first three counts and leaves the rest NULL. */
    int deltas;             /* number of changes of matrices */
    struct delta *delta;    /* [deltas] in the order they apply: session_load_change() */
    int hooks;              /* number of hooks in the forward pass */
    struct hook_data *hook; /* [hooks] in the order they run: session_load_change() */
    int prefixes;           /* number of texts before every prompt */
    char **prefix;          /* [prefixes] in their order: session_load_change() */
    /* For session_append() alone: what later edits of the method want to know of this one.
     * Borrowed; session_statistics() gives it back. */
    const char *statistics_of; /* the method's name; NULL: none */
    const double *statistics;  /* [statistics_count] */
    int statistics_count;
    int width; /* d, the length of a row of z; 0: no z */
    float *z;  /* [u][d] target values (editscope-method(7)): session_load_z() */

    /* How it was made. */
    char *params_json;    /* owned; all parameters, by params_to_json(), or NULL */
    char *metrics_json;   /* owned; the events `commit` and `done`, or NULL */
    double lambda;        /* regularisation of the solve; 0: the editor has none */
    char projector[65];   /* sha256 of the null-space projector, or "" */
    char checksum[65];    /* of the edited matrices right after this edit; "": not known yet */
    char hash[65];        /* sha256 of deltas, hooks and prefixes; set by session_append() */
    bool draft;           /* made from the moments of fewer tokens than stats.tokens */
    long moment_tokens;   /* number of tokens of the moments */
    unsigned attribution; /* id of the attribution run that gave the mask; 0: none */
    double when;          /* unix seconds; 0 at append means now */
    char *note;           /* owned, or NULL */
};

enum journal_op { JOURNAL_CREATE, JOURNAL_EDIT, JOURNAL_UNDO, JOURNAL_REDO, JOURNAL_REMOVE };

/* One row of the journal. */
struct journal_row {
    long seq;    /* 1, 2, ... */
    double when; /* unix seconds */
    enum journal_op op;
    int edit;          /* 0 for JOURNAL_CREATE */
    char state[17];    /* 16 hex digits that name the set of active edits after the step */
    char name[17];     /* the same with the base, as session_status.state */
    char checksum[65]; /* of the edited matrices after the step; "": not recorded yet */
};

/* A session in numbers. */
struct session_status {
    int edits;         /* active edits */
    int total;         /* edits ever made */
    int last;          /* the edit that undo would take: the last active one; 0: none */
    int redo;          /* the edit that redo would bring back; 0: none */
    char state[17];    /* 16 hex digits that name the base and its active edits; needs no weights */
    char checksum[65]; /* of the weights, as recorded for this state; "": never recorded */
    long long when;    /* unix seconds: of the last step, as the journal has it */
    bool readonly;
};

/* Names of settings. Others are allowed: [a-z0-9._-]. */
#define SESSION_BASE_IDENTITY "base.identity" /* written by session_bind() */
#define SESSION_BASE_NAME     "base.name"
#define SESSION_BASE_SHAPE    "base.shape" /* "LAYERS NEURONS HIDDEN", the last two of a layer */
#define SESSION_MODEL_PATH    "model.path"
#define SESSION_PREFIXES      "prefixes"         /* context prefixes, one per line, verbatim */
#define SESSION_WORDING       "wording.%d.%d"    /* numbers of an edit and its fact */
#define SESSION_REPHRASES     "rephrases.%d.%d"  /* the same; a JSON list of further rephrases */
#define SESSION_STATISTICS    "statistics.%s.%d" /* a method, the number of an edit; a blob */
#define SESSION_PARAMETERS    "parameters"       /* JSON of params_to_json() */

/* Opens a session for writing, and with `create` makes the file if it does not exist (its folder
 * must exist). `readonly`: reads a copy of the file as it is now, takes no lock and changes
 * nothing. path NULL: a session in memory, lost at close. NULL on failure: ERR_HELD (another
 * process writes it; the message names host and pid), ERR_FORMAT (not a session, damaged, or of a
 * newer version), ERR_IO. */
struct session *session_open(const char *path, bool create, bool readonly, struct err *err);
/* Opens a session to read a few settings. Makes no copy, so a writer may have to wait for it. */
struct session *session_peek(const char *path, struct err *err);
void session_close(struct session *s); /* releases the lock; NULL is fine */

/* The identity of the open model, as sessions record it. */
struct session_base {
    char identity[65]; /* sha256 over its files' contents */
    /* Version 0.1.0 hashed the file name, too: identities with the former and today's name. */
    char former[2][65];
    const char *name; /* for messages, or NULL */
};
/* `path`: where the session last found the model, or NULL. The caller sets the name. */
struct session_base session_base_of(const struct identity *id, const char *path);
/* Whether a session with this identity belongs to the model. */
bool session_base_is(const struct session_base *base, const char *identity);
/* Records that the session is of this model; to be called before the first edit. ERR_STATE, naming
 * both, if it is of another one. A former identity is replaced by today's unless read-only. */
bool session_bind(struct session *s, const struct session_base *base, struct err *err);
const char *session_path(const struct session *s); /* absolute; "": in memory */
/* Whether this open created the file, and nothing stands in it since: no edit, also none that was
 * undone, no question, no measure of a run. False if that cannot be read. */
bool session_is_unused(struct session *s);
/* A new path for a session without a name, in $XDG_STATE_HOME/editscope/autosave. Caller frees. */
char *session_autosave_path(void);
/* False with err set if the file cannot be read. */
bool session_status(struct session *s, struct session_status *status, struct err *err);
/* Names states as session_status.state does: name[0] is that of the base alone, name[i + 1] that of
 * the base with the active ones among edits 0 to i of session_edits(). name [count + 1]. */
bool session_state_names(struct session *s, const struct edit_record *edits, int count,
                         char (*name)[17], struct err *err);
/* Writes a complete copy to a file that must not exist yet. So a session in memory gets
 * its file. */
bool session_copy(struct session *s, const char *path, struct err *err);
/* Reads the whole file and checks structure, references, sizes and hashes. ERR_FORMAT says what is
 * wrong. */
bool session_check(struct session *s, struct err *err);

/* ---- Steps: each is one transaction and one row of the journal. ERR_USAGE if read-only. ---- */

/* Makes one transaction of the steps until session_end(), which commits them if `ok` and else takes
 * all of them back. Reads in between see the steps; other programs do not. After a step that failed
 * the caller must end with ok = false. Returns false, with err set, if nothing was committed.
 *
 *   ok = session_begin(s, err);
 *   ok = ok && session_deactivate(s, 3, err) && rebuild_weights(s, err);
 *   ok = session_end(s, ok, err);
 */
bool session_begin(struct session *s, struct err *err);
bool session_end(struct session *s, bool ok, struct err *err);

/* Records an edit with its facts, deltas, hooks, prefixes and z, and makes it active. Sets rec->id,
 * rec->hash, rec->when and rec->active. Edits that were undone before can no longer be redone.
 * rec->checksum, if any, is recorded with the step. The caller still owns what `rec` points to. */
bool session_append(struct session *s, struct edit_record *rec, struct err *err);
/* Makes the last active edit inactive; *edit (may be NULL) becomes its number. ERR_USAGE: there is
 * none. */
bool session_undo(struct session *s, int *edit, struct err *err);
#define EDIT_GONE_WORDS "edit %d cannot be redone: another edit was made without it; make it again"
/* Makes edit `wanted` active again, or if that is 0 the one that was undone or removed last. *edit
 * (may be NULL) becomes its number. ERR_USAGE: there is none, or it cannot be redone. */
bool session_redo(struct session *s, int wanted, int *edit, struct err *err);
/* Makes one active edit inactive, in any position. ERR_USAGE: it does not exist or is
 * not active. */
bool session_deactivate(struct session *s, int edit, struct err *err);
/* The same for `count` edits in ascending order of their numbers: all of them or none. */
bool session_deactivate_edits(struct session *s, const int *edit, int count, struct err *err);
bool session_redo_edits(struct session *s, const int *edit, int count, struct err *err);

/* Records the checksum (64 hex digits) of the edited matrices in the present state, for every step
 * that led to this state. ERR_STATE: another checksum is recorded for this state, so the weights in
 * memory are not those of the journal. */
bool session_set_checksum(struct session *s, const char *hex, struct err *err);
/* A user's note on an edit; NULL removes it. Not a step: the journal gets no row. */
bool session_set_note(struct session *s, int edit, const char *note, struct err *err);

/* ---- Reading ---- */

/* The active edits in order, or all edits: *edits [*count], without deltas, hooks, prefixes and z.
 * The caller frees them with edit_records_free(). */
bool session_edits(struct session *s, bool all, struct edit_record **edits, int *count,
                   struct err *err);
/* The same of all edits with a larger number than `edit`. */
bool session_edits_after(struct session *s, int edit, struct edit_record **edits, int *count,
                         struct err *err);
/* The last active edit, read in the same way; rec->id 0: none is active. The caller frees it with
 * edit_record_free(); on failure it is zeroed. */
bool session_last_edit(struct session *s, struct edit_record *rec, struct err *err);
/* The deltas of one edit, in the order they apply; the edit's hash is verified. The caller frees
 * them with deltas_free(). ERR_FORMAT: a blob has a wrong size or other values (names edit and
 * layer). ERR_USAGE: there is no such edit. */
bool session_load_deltas(struct session *s, int edit, struct delta **deltas, int *count,
                         struct err *err);
/* Fills rec->delta, rec->hook and rec->prefix of the edit rec->id; `rec` is otherwise zeroed. The
 * caller frees it with edit_record_free(); on failure it is zeroed again. Errors as above. */
bool session_load_change(struct session *s, struct edit_record *rec, struct err *err);
/* edited [layers * MATRICES], index layer * MATRICES + matrix: what the active edits change. */
bool session_edited_matrices(struct session *s, bool *edited, int layers, struct err *err);
/* *z [*requests][*width] of one edit, or NULL if it has none. Caller frees. */
bool session_load_z(struct session *s, int edit, float **z, int *requests, int *width,
                    struct err *err);
/* Calls take() with the statistics of the active edits of a method, up to edit `last`, in order.
 * ERR_FORMAT: a damaged row, or one that take() returns false for. */
bool session_statistics(struct session *s, const char *method, int last,
                        bool (*take)(void *ctx, int edit, const double *value, int count),
                        void *ctx, struct err *err);
/* The whole journal, oldest first: *rows [*count]. Caller frees. */
bool session_log(struct session *s, struct journal_row **rows, int *count, struct err *err);
const char *journal_op_name(enum journal_op op); /* "create", "edit", "undo", "redo", "remove" */
void edit_record_free(struct edit_record *rec);  /* frees its fields, zeroes it */
void edit_records_free(struct edit_record *edits, int count);

/* ---- Settings and queries ---- */

/* The value of a setting; NULL without an error if there is none. Caller frees. */
char *session_get(struct session *s, const char *name, struct err *err);
bool session_set(struct session *s, const char *name, const char *value, struct err *err);
/* Logs a question and its answer; this program does not read them back. `state` is "base",
 * "edited", "preview" or "edit:N". */
bool session_add_query(struct session *s, const char *prompt, const char *answer, const char *state,
                       struct err *err);

#endif
