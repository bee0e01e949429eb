/* The only door to the engine, for screens and commands alike.
 *
 * engine_start() makes a thread that owns the device, the model, the moments and the session.
 * It is spoken to in commands and answers in events; the two queues of values are all that the
 * threads share. Large results are immutable and travel by pointer: what an event points to
 * belongs to its receiver, who gives it back with event_free().
 *
 * The receiver never waits: engine_fd() is readable while events wait. Progress is news (a newer
 * report of a job replaces its unread one); results are history (never merged). Cancelling is a
 * flag and overtakes the queue. */
#ifndef CORE_ENGINE_ENGINE_H
#define CORE_ENGINE_ENGINE_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/params.h"
#include "core/edit/attribution.h"
#include "core/edit/fact.h"
#include "core/edit/mask.h"
#include "core/engine/events.h"

struct engine;

/* What is known of a kind of command before it is posted: bits of its row below. */
enum command_flag {
    NEEDS_MODEL = 1 << 0,   /* the model is on its device, and the device works */
    NEEDS_SESSION = 1 << 1, /* the session is open: the edited weights are there */
    NEEDS_BOTH = NEEDS_MODEL | NEEDS_SESSION,
    OVERTAKES = 1 << 2,    /* runs between the slices of longer work: it changes nothing */
    WRITES = 1 << 3,       /* refused where the session is open for reading only */
    NOT_RECORDED = 1 << 4, /* refused in a recorded run, where nothing can be written */
    ASIDE = 1 << 5,        /* posted by the screen itself when it has time: nobody waits for it, and
                              its failure is not told */
    MAKES_WAY = 1 << 6,   /* posted by the screen itself, and long: stopped for what is asked for */
    OF_WEIGHTS = 1 << 7,  /* the answer holds for these edited weights only */
    OF_MOMENT = 1 << 8,   /* the answer holds for this moment only: no later one stands for it */
    ENDS_ITSELF = 1 << 9, /* a thread of its own says when it is over */
    /* What an answer depends on besides the facts and the text (core/record/command_key.c). */
    KEY_SCORES = 1 << 16, /* the parameters of an attribution */
    KEY_EDIT = 1 << 17,   /* all parameters that make an edit, forces, variants */
    KEY_STATES = 1 << 18, /* states, edit, chat, changes */
    KEY_NEURON = 1 << 19, /* layer, neuron */
    KEY_RANGE = 1 << 20,  /* from, edit */
    KEY_EXPECT = 1 << 21, /* expect */
    KEY_EXPORT = 1 << 22, /* export, dtype, rank, edit, states */
    KEY_NUMBER = 1 << 23, /* edit */
};

/* The kinds of commands: X(ID, name, words while it runs, function, flags).
 *
 * To add one: a row here and its function in a file of core/engine/. The name stands in recordings.
 * Where the words are "" the screen does not show that it runs: it is over before one could read
 * them, or disturbs nobody. */
#define ENGINE_COMMANDS(X)                                                                     \
    X(NONE, "", "", job_none, 0)                                                               \
    /* fact: tokenise it, say the model's present answer and the ranks by layer */             \
    X(INSPECT, "look", "", job_inspect, NEEDS_BOTH | OVERTAKES | OF_WEIGHTS)                   \
    /* fact, params, all_layers, top: a layer's `top` strongest as EV_NEURON, then */          \
    /* EV_LAYER; at the end EV_ATTRIBUTED */                                                   \
    X(ATTRIBUTE, "attribute", "attributing", job_attribute, NEEDS_BOTH | KEY_SCORES)           \
    /* fact, params, attribution: gain and leak of the masks, EV_ESTIMATE */                   \
    X(ESTIMATE, "weigh", "", job_estimate, NEEDS_BOTH | ASIDE | KEY_EDIT)                      \
    /* fact(s), params, attribution (0: attribute first): EV_STEP..., EV_PREVIEW */            \
    X(PREVIEW, "preview", "previewing", job_edit, NEEDS_BOTH | KEY_EDIT)                       \
    /* the same, journalled: EV_COMMIT, then EV_COMMITTED */                                   \
    X(COMMIT, "commit", "editing", job_edit, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_EDIT)    \
    /* forget the preview */                                                                   \
    X(DISCARD, "discard", "discarding", job_discard, NEEDS_BOTH)                               \
    /* edit = 0: the last one; else that edit */                                               \
    X(UNDO, "undo", "undoing", job_undo, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_NUMBER)      \
    X(REDO, "redo", "redoing", job_undo, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_NUMBER)      \
    /* text, states, tokens, top */                                                            \
    X(QUERY, "query", "answering", job_query, NEEDS_BOTH | OVERTAKES | KEY_STATES)             \
    /* layer, neuron: EV_NEURON */                                                             \
    X(NEURON, "neuron", "", job_neuron, NEEDS_BOTH | OVERTAKES | ASIDE | KEY_NEURON)           \
    /* EV_HISTORY */                                                                           \
    X(HISTORY, "history", "", job_history, NEEDS_SESSION | OVERTAKES | OF_MOMENT)              \
    /* rebuild all weights from the journal and compare: EV_STATE */                           \
    X(VERIFY, "verify", "verifying", job_verify, NEEDS_BOTH | OF_MOMENT)                       \
    /* params: compute to stats.tokens now; EV_PROGRESS, EV_MOMENTS */                         \
    X(MOMENTS, "moments", "second moments", job_moments, NEEDS_BOTH | NOT_RECORDED)            \
    /* fact, or text; states: EV_LENS a state */                                               \
    X(LENS, "lens", "reading the lens", job_lens, NEEDS_BOTH | OVERTAKES | OF_WEIGHTS)         \
    /* fact: causal trace, EV_TRACE a layer */                                                 \
    X(TRACE, "trace", "tracing", job_trace, NEEDS_BOTH)                                        \
    /* fact(s): rephrases, locality, question, chat; before and after: EV_PROBES */            \
    X(PROBE, "probe", "asking the scoreboard", job_probe, NEEDS_BOTH | MAKES_WAY | OF_WEIGHTS) \
    /* fact, params, variants: EV_VARIANT a variant; nothing is written */                     \
    X(VARIANTS, "try", "trying", job_variants, NEEDS_BOTH | KEY_EDIT)                          \
    /* tokens: states to ask at most; EV_DRIFT a state */                                      \
    X(DRIFT, "drift", "measuring drift", job_drift, NEEDS_BOTH)                                \
    /* from, edit: EV_DIFF */                                                                  \
    X(DIFF, "diff", "comparing states", job_diff, NEEDS_BOTH | KEY_RANGE)                      \
    /* text, expect; from, edit (0: base, end): EV_BISECT, streamed */                         \
    X(BISECT, "bisect", "searching the edits", job_bisect, NEEDS_BOTH | KEY_EXPECT)            \
    /* edit, text: a note to an edit; EV_HISTORY */                                            \
    X(NOTE, "note", "noting", job_note,                                                        \
      NEEDS_SESSION | OVERTAKES | WRITES | NOT_RECORDED | KEY_NUMBER)                          \
    /* text: where to; export; edit (0: `states`, base or edited): EV_EXPORT */                \
    X(EXPORT, "export", "exporting", job_export, NEEDS_BOTH | NOT_RECORDED | KEY_EXPORT)       \
    /* text: a delta file, journalled as one edit; EV_HISTORY, EV_STATE */                     \
    X(APPLY, "apply", "applying", job_apply, NEEDS_BOTH | WRITES | NOT_RECORDED)               \
    /* text: the session goes on under this name; EV_STATE */                                  \
    X(SAVE, "save", "saving", job_save, NEEDS_BOTH | NOT_RECORDED)                             \
    /* go on with the CPU, weights rebuilt from the journal: EV_MODEL, EV_STATE */             \
    X(DEVICE, "device", "changing the device", job_device, NOT_RECORDED)                       \
    /* text: a model of the Hub; goes on beside other jobs: EV_PROGRESS in bytes */            \
    X(PULL, "pull", "", job_pull, OVERTAKES | WRITES | NOT_RECORDED | ENDS_ITSELF)             \
    X(QUIT, "quit", "leaving", job_none, 0)

enum command_kind {
#define X(id, name, busy, run, flags) CMD_##id,
    ENGINE_COMMANDS(X)
#undef X
};

struct command_traits {
    const char *name, *busy;
    unsigned flags; /* bits of enum command_flag */
};
extern const struct command_traits command_traits[]; /* by kind */

/* A neuron made to say something else than it does, at every position, for one query. */
struct intervention {
    int layer, neuron;
    bool scale;  /* multiply its coefficient by `value` instead of setting it */
    float value; /* 0: silence it */
};

enum { VARIANTS_MOST = 512 }; /* variants of one CMD_VARIANTS */

struct command {
    enum command_kind kind;
    unsigned job;       /* set by engine_post() */
    struct fact *facts; /* owned: moved to the engine by engine_post() */
    int count;
    struct params params; /* a snapshot */
    unsigned attribution; /* id of the run to take masks from; 0: make one */
    bool all_layers;
    bool curves;     /* CMD_ATTRIBUTE: also slope and curve in the amplification */
    bool share;      /* CMD_MOMENTS of several processes: every one is to have them */
    bool draft;      /* may use the last moments checkpoint instead of waiting */
    char *text;      /* owned; CMD_DEVICE: "cpu"; CMD_UNDO, CMD_REDO: edits such as 3-52,60 */
    unsigned states; /* enum which_state bits; 0: base and edited */
    int edit;        /* CMD_QUERY: ask the state after this edit (0: none) */
    int tokens, top;
    double temperature; /* of sampling; 0: greedy */
    int layer, neuron;
    float *z;                           /* owned: [d], skip the optimisation */
    bool chat;                          /* CMD_QUERY: wrap the text in the model's chat form */
    struct intervention *interventions; /* CMD_QUERY: owned */
    int intervention_count;
    struct mask_override
        *mask_overrides; /* owned: neurons in or out of the mask whatever their scores */
    int mask_override_count;
    struct params *variants; /* CMD_VARIANTS: owned */
    int variant_count;
    char *export; /* CMD_EXPORT: owned: safetensors, gguf, lora, delta or json */
    char *dtype;  /* the same: f32, f16, bf16, same; NULL: what the kind defaults to */
    int rank;     /* the same: of an adapter; 0: exact */
    bool force;   /* the same: replace what is there; CMD_APPLY: add what is in already */
    int from;     /* CMD_DIFF, CMD_BISECT: the earlier state; `edit` is the later one */
    char *expect; /* CMD_BISECT: owned, how the answer begins */
};

enum command_kind command_of_name(const char *name); /* CMD_NONE: no such command */

struct device_ops;
/* Which device, and why: what --device comes to on this machine. */
struct device_choice {
    const struct device_ops *ops;
    int index;
    bool automatic;   /* nobody asked for it by name: the CPU will do where it cannot */
    char notice[440]; /* why it is not a better one, or "" */
};

struct engine_options {
    const char *model;   /* file or folder */
    const char *session; /* path, or NULL: a session in memory that is not kept */
    bool readonly, create;
    bool yields; /* a session that cannot be written now is opened for reading, and that is said */
    bool autosave; /* no session named: keep one under a fresh name in the state folder */
    const struct device_ops *device;
    int device_index, threads;   /* threads 0: all */
    bool automatic;              /* where the device does not open or hold the model: the CPU */
    const char *notice;          /* about the choice, to be told with the model; or NULL */
    int precision;               /* enum precision of core/device/device.h */
    long long memory;            /* bytes of float32 residency; 0: three quarters of what is free */
    const struct params *params; /* what the background prepares for, copied; NULL: the defaults */
    const char *prefixes;        /* file of context prefixes, or NULL */
    const char *text;            /* file for the moments, or NULL: the shipped one */
    bool background_moments;     /* start the moments by themselves */
    bool look_only;              /* needs no session, no moments (tokens, query on the base) */
};

/* What --precision NAME means as engine_options.precision; NULL: PRECISION_DEFAULT. ERR_USAGE lists
 * the names.
 */
bool engine_precision(const char *name, int *precision, struct err *err);
/* The path of the model that a session file says it is of, where it lies now; the file is read
 * without a lock. `rival`: what would be opened otherwise, or NULL. With one, or where the model
 * has gone, its content decides. NULL: the session names no model, or none that is there, and
 * then `gone` says which. Caller frees. Any thread; may read a whole model. */
char *engine_model_of(const char *session, const char *rival, struct err *gone);
/* A session's past as its file tells it, without the model and without a lock; `state` says how
 * many edits are active, and their checksum, "" if none was recorded. Caller frees it as the
 * `history` of an event. NULL: failed. Any thread. */
struct history *engine_session_history(const char *session, struct state_info *state,
                                       struct err *err);
struct engine *engine_start(const struct engine_options *options, struct err *err);
/* Takes what the command points to even when it is refused. Returns the job's number, 0 if
 * the queue is full. Never blocks. UI thread. */
unsigned engine_post(struct engine *e, struct command *cmd);
bool engine_next(struct engine *e, struct event *ev); /* false: nothing new. UI thread */
int engine_fd(const struct engine *e);
/* Whether EV_STOPPED has been taken; the reason, where it was no request, into err. UI thread */
bool engine_ended(const struct engine *e, struct err *err);
void engine_cancel(struct engine *e, unsigned job); /* 0: every job but the background's */
/* Cancels, drains and joins. NULL is fine. */
void engine_stop(struct engine *e);
void event_free(struct event *ev); /* what it points to; zeroes it */

#endif
