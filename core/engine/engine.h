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
#include "core/engine/results.h"

struct engine;

enum command_kind {
    CMD_NONE,
    CMD_LOOK,      /* fact: tokenise it, say the model's present answer and the ranks by layer */
    CMD_ATTRIBUTE, /* fact, params, all_layers: EV_LAYER a layer, then EV_ATTRIBUTED */
    CMD_WEIGH,     /* fact, params, attribution: gain and leak of the masks, EV_WEIGHED */
    CMD_PREVIEW,   /* fact(s), params, attribution (0: attribute first): EV_STEP..., EV_PREVIEW */
    CMD_COMMIT,    /* the same, journalled: EV_COMMIT, then EV_EDITED */
    CMD_DISCARD,   /* forget the preview */
    CMD_UNDO,      /* edit = 0: the last one; else that edit */
    CMD_REDO,
    CMD_QUERY,   /* text, states, tokens, top */
    CMD_NEURON,  /* layer, neuron: EV_NEURON */
    CMD_HISTORY, /* EV_HISTORY */
    CMD_VERIFY,  /* rebuild all weights from the journal and compare: EV_STATE */
    CMD_MOMENTS, /* params: compute to stats.tokens now; EV_PROGRESS, EV_MOMENTS */
    CMD_LENS,    /* fact, or text; states: EV_LENS a state */
    CMD_TRACE,   /* fact: causal trace, EV_TRACE a layer */
    CMD_PROBE,   /* fact(s): rephrases, locality, question, chat; before and after: EV_PROBED */
    CMD_TRY,     /* fact, params, variants: EV_TRIED a variant; nothing is written */
    CMD_DRIFT,   /* tokens: states to ask at most; EV_DRIFT a state */
    CMD_DIFF,    /* from, edit: EV_DIFF */
    CMD_BISECT,  /* text, expect; from, edit (0: base, end): EV_BISECTED, streamed */
    CMD_NOTE,    /* edit, text: a note to an edit; EV_HISTORY */
    CMD_EXPORT,  /* text: where to; export; edit (0: `states`, base or edited): EV_EXPORTED */
    CMD_APPLY,   /* text: a delta file, journalled as one edit; EV_HISTORY, EV_STATE */
    CMD_SAVE,    /* text: the session goes on under this name; EV_STATE */
    CMD_DEVICE,  /* go on with the CPU, weights rebuilt from the journal: EV_MODEL, EV_STATE */
    CMD_PULL,    /* text: a model of the Hub; goes on beside other jobs: EV_PROGRESS in bytes */
    CMD_QUIT,
};

/* A neuron made to say something else than it does, at every position, for one query. */
struct intervention {
    int layer, neuron;
    bool scale;  /* multiply its coefficient by `value` instead of setting it */
    float value; /* 0: silence it */
};

enum { TRY_MOST = 512 }; /* variants of one CMD_TRY */

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
    float *z;                     /* owned: [d], skip the optimisation */
    bool chat;                    /* CMD_QUERY: wrap the text in the model's chat form */
    struct intervention *changes; /* CMD_QUERY: owned */
    int change_count;
    struct mask_force *forces; /* owned: neurons in or out of the mask whatever their scores */
    int force_count;
    struct params *variants; /* CMD_TRY: owned */
    int variant_count;
    char *export; /* CMD_EXPORT: owned: safetensors, gguf, lora, delta or json */
    char *dtype;  /* the same: f32, f16, bf16, same; NULL: what the kind defaults to */
    int rank;     /* the same: of an adapter; 0: exact */
    bool force;   /* the same: replace what is there; CMD_APPLY: add what is in already */
    int from;     /* CMD_DIFF, CMD_BISECT: the earlier state; `edit` is the later one */
    char *expect; /* CMD_BISECT: owned, how the answer begins */
};

const char *command_name(enum command_kind kind);    /* "look": as in recordings */
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
struct history *engine_past(const char *session, struct state_info *state, struct err *err);
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
