/* The engine's interface, for screens and subcommands.
 *
 * engine_start() makes a thread that owns the device, the model, the second moments and the
 * session. The UI thread posts commands to it and takes events from it; the two queues (bus.h) are
 * all that the threads share.
 *
 *     struct command cmd = {.kind = CMD_QUERY, .text = xstrdup("The Eiffel Tower is in")};
 *     unsigned job = engine_post(e, &cmd);       moves the text to the engine
 *     poll(engine_fd(e)) ...
 *     while (engine_next(e, &ev)) {              EV_ANSWER (partial), EV_ANSWER, ..., EV_DONE
 *         if (ev.job == job) ...
 *         event_free(&ev);
 *     }
 *
 * Every command has a job number. Its events carry it, and the last of them is EV_DONE or
 * EV_FAILED. A long job that only reads may be put back into the queue in between (EV_PAUSED). The
 * UI thread never waits: posting and taking return at once. Cancelling is an atomic flag, so it
 * does not wait behind queued commands. A recording can take the engine's place
 * (core/record/player.h). */
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

/* Properties of a kind of command: bits in its row of ENGINE_COMMANDS. */
enum command_flag {
    NEEDS_MODEL = 1 << 0,   /* a model is loaded, and its device is not lost */
    NEEDS_SESSION = 1 << 1, /* a session is open, with its edited weights */
    NEEDS_BOTH = NEEDS_MODEL | NEEDS_SESSION,
    URGENT = 1 << 2,       /* only reads: runs in the middle of longer work (engine.c) */
    WRITES = 1 << 3,       /* refused if the session is open for reading only */
    NOT_RECORDED = 1 << 4, /* refused in a recorded run */
    UNASKED = 1 << 5,     /* posted by the screen itself, not by the user: failures are not shown */
    YIELDS = 1 << 6,      /* long, and only reads: makes way for other commands (engine.c), */
    BATCH = 1 << 11,      /* and so long that others of these go first */
    OF_WEIGHTS = 1 << 7,  /* the answer depends on the edited weights */
    OF_PRESENT = 1 << 8,  /* the answer depends on when it is asked */
    ENDS_ITSELF = 1 << 9, /* runs in a thread of its own, which emits EV_DONE or EV_FAILED */
    OF_FACT = 1 << 10,    /* about the fact at hand, and only reads: dropped with it */
    /* What the answer depends on, besides facts and text (core/record/command_key.c). */
    KEY_SCORES = 1 << 16, /* the parameters of an attribution */
    KEY_EDIT = 1 << 17,   /* all parameters of an edit, mask overrides, variants */
    KEY_STATES = 1 << 18, /* states, edit, chat, interventions */
    KEY_NEURON = 1 << 19, /* layer, neuron */
    KEY_RANGE = 1 << 20,  /* from, edit */
    KEY_EXPECT = 1 << 21, /* expect */
    KEY_EXPORT = 1 << 22, /* export, dtype, rank, edit, states */
    KEY_NUMBER = 1 << 23, /* edit */
    KEY_START = 1 << 24,  /* edit and states, if they are given */
};

/* The kinds of commands: X(ID, name, job, function, flags), after a comment with the
 * members of struct command that it reads and the events it emits.
 *
 * To add one: a row here, and its function in a file of core/engine/. `name` is the name in
 * recordings, and does not change when the ID does. `job` is what the screen calls it while it
 * waits and runs; "" means that the screen does not show it, because it is over at once or nobody
 * waits for it. */
#define ENGINE_COMMANDS(X)                                                                         \
    X(NONE, "", "", job_none, 0)                                                                   \
    /* facts[0], params: how the model reads it: EV_PROMPT */                                      \
    X(INSPECT, "look", "", job_inspect, NEEDS_BOTH | OF_FACT | URGENT | OF_WEIGHTS)                \
    /* facts, params, all_layers, curves, idle, top: EV_HEADER; for each layer EV_NEURON of its    \
     * `top` strongest neurons, then EV_LAYER; EV_ATTRIBUTED */                                    \
    X(ATTRIBUTE, "attribute", "scores", job_attribute, NEEDS_BOTH | OF_FACT | KEY_SCORES)          \
    /* facts, params: gain and leak of the masks: EV_ESTIMATE */                                   \
    X(ESTIMATE, "weigh", "", job_estimate, NEEDS_BOTH | OF_FACT | UNASKED | KEY_EDIT)              \
    /* facts, params, mask_overrides, z, draft: EV_STEP..., EV_PREVIEW, EV_SIDES of one fact,      \
     * EV_STATE */                                                                                 \
    X(PREVIEW, "preview", "preview", job_edit, NEEDS_BOTH | OF_FACT | KEY_EDIT)                    \
    /* the same, written to the journal: EV_COMMIT, EV_COMMITTED for each fact, EV_SIDES of one,   \
     * EV_STATE */                                                                                 \
    X(COMMIT, "commit", "commit", job_edit, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_EDIT)         \
    /* drop the preview: EV_STATE */                                                               \
    X(DISCARD, "discard", "", job_discard, NEEDS_BOTH)                                             \
    /* text: edits such as 3-52,60; else edit: that one, 0: the last: EV_HISTORY, EV_STATE */      \
    X(UNDO, "undo", "undo", job_undo, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_NUMBER)             \
    X(REDO, "redo", "redo", job_undo, NEEDS_BOTH | WRITES | NOT_RECORDED | KEY_NUMBER)             \
    /* text, states, edit (the state after it; 0: none), tokens, top, temperature, chat,           \
     * interventions: EV_ANSWER a state */                                                         \
    X(QUERY, "query", "answer", job_query, NEEDS_BOTH | URGENT | KEY_STATES)                       \
    /* layer, neuron: EV_NEURON */                                                                 \
    X(NEURON, "neuron", "", job_neuron, NEEDS_BOTH | URGENT | UNASKED | KEY_NEURON)                \
    /* EV_HISTORY */                                                                               \
    X(HISTORY, "history", "", job_history, NEEDS_SESSION | URGENT | OF_PRESENT)                    \
    /* edit (0: the last active one): what the session stores of it: EV_RECALLED */                \
    X(RECALL, "recall", "", job_recall,                                                            \
      NEEDS_SESSION | URGENT | UNASKED | OF_PRESENT | KEY_NUMBER)                                  \
    /* rebuild the weights from the journal and compare checksums: EV_STATE */                     \
    X(VERIFY, "verify", "verify", job_verify, NEEDS_BOTH | OF_PRESENT)                             \
    /* params, all_layers, on_all_ranks: sum to stats.tokens now: EV_PROGRESS, EV_MOMENTS */       \
    X(MOMENTS, "moments", "second moments", job_moments, NEEDS_BOTH | NOT_RECORDED)                \
    /* facts[0] or text; states: EV_LENS for each state */                                         \
    X(LENS, "lens", "lens", job_lens, NEEDS_BOTH | OF_FACT | URGENT | OF_WEIGHTS)                  \
    /* facts[0]; states (base or edited): causal trace: EV_TRACE for each layer */                 \
    X(TRACE, "trace", "causal trace", job_trace, NEEDS_BOTH | OF_FACT | YIELDS)                    \
    /* facts, params; edit (before and after this one; 0: before is the base), expect (checksum    \
     * of the state after: if it is another one now, nothing is asked), top (so many neighbours    \
     * of the first fact are its own, the others are asked for if the base knows none of these;    \
     * 0: all, -1: none), sides, others_only: with `sides` EV_SIDES of the first fact; all probes: \
     * EV_PROBES for each fact; of an edit or preview also EV_OVERWRITTEN */                       \
    X(PROBE, "probe", "probes", job_probe, NEEDS_BOTH | OF_FACT | YIELDS | OF_WEIGHTS)             \
    /* edit, the first of a list, or above all: whether what held when made holds: EV_RECHECKED */ \
    X(RECHECK, "recheck", "earlier edits", job_recheck,                                            \
      NEEDS_BOTH | YIELDS | OF_WEIGHTS | KEY_NUMBER)                                               \
    /* facts[0], params, variants, edit (tried on the state after it; 0: on the base if states is  \
     * STATE_BASE, else on the present state), expect (the name of the state that resume.done of   \
     * them were tried on: if it is another one now, all are tried): EV_VARIANT for each; nothing  \
     * is written */                                                                               \
    X(VARIANTS, "try", "variants", job_variants,                                                   \
      NEEDS_BOTH | YIELDS | BATCH | KEY_EDIT | KEY_START)                                          \
    /* facts (record: their number in the run), params, measure: asks the base, if it was not yet, \
     * and the present state, and writes the answers into the session: EV_MEASURES for each fact   \
     * that was not measured at this time already, and of the numbers */                           \
    X(MEASURE, "measure", "measurements", job_measure, NEEDS_BOTH | WRITES | NOT_RECORDED)         \
    /* tasks: asks the base, if it was not yet, and the present state the questions of a task, and \
     * writes answers and scores into the session: EV_MEASURES of each that is new */              \
    X(TASKS, "tasks", "questions of tasks", job_tasks, NEEDS_BOTH | WRITES | NOT_RECORDED)         \
    /* text: what the run is of, JSON: begins it in an empty session, or compares it with what the \
     * session says: EV_MEASURES with all that is measured */                                      \
    X(MEASURED, "measured", "", job_measured, NEEDS_SESSION | WRITES | NOT_RECORDED)               \
    /* text: the file of a run, which is read without a lock (NULL: that of the session); from:    \
     * the id of the last measure that is known, edit: the last edit (0: all): EV_RUN, EV_MEASURES \
     * of what is new */                                                                           \
    X(RUN, "run", "", job_run, URGENT | UNASKED | OF_PRESENT)                                      \
    /* text: a sequence that another process measured, a line of JSON for each EV_MEASURES of it:  \
     * all of it is written, or nothing: EV_MEASURES for each line */                              \
    X(TAKE, "take", "", job_take, NEEDS_SESSION | WRITES | NOT_RECORDED)                           \
    /* tokens: states to ask at most: EV_DRIFT after each state */                                 \
    X(DRIFT, "drift", "drift", job_drift, NEEDS_BOTH | YIELDS | BATCH)                             \
    /* from, edit (0: base): EV_DIFF */                                                            \
    X(DIFF, "diff", "diff", job_diff, NEEDS_BOTH | YIELDS | KEY_RANGE)                             \
    /* text, expect, tokens; from, edit (0: base, last): EV_BISECT after each state */             \
    X(BISECT, "bisect", "bisect", job_bisect, NEEDS_BOTH | YIELDS | KEY_EXPECT)                    \
    /* edit, text: a note to an edit: EV_HISTORY */                                                \
    X(NOTE, "note", "note", job_note, NEEDS_SESSION | URGENT | WRITES | NOT_RECORDED | KEY_NUMBER) \
    /* text: target path; export, dtype, rank, force; edit (0: `states`, base or edited):          \
     * EV_EXPORT */                                                                                \
    X(EXPORT, "export", "export", job_export, NEEDS_BOTH | NOT_RECORDED | KEY_EXPORT)              \
    /* text: a delta file, force: EV_HISTORY, EV_STATE */                                          \
    X(APPLY, "apply", "apply", job_apply, NEEDS_BOTH | WRITES | NOT_RECORDED)                      \
    /* text: copy the session to this file and continue there: EV_STATE */                         \
    X(SAVE, "save", "save", job_save, NEEDS_BOTH | NOT_RECORDED)                                   \
    /* move to the CPU, weights rebuilt from the journal: EV_MODEL, EV_STATE */                    \
    X(DEVICE, "device", "change of device", job_device, NOT_RECORDED)                              \
    /* text: a model of the Hub, downloaded beside other jobs: EV_PROGRESS in bytes */             \
    X(PULL, "pull", "", job_pull, URGENT | WRITES | NOT_RECORDED | ENDS_ITSELF)                    \
    X(QUIT, "quit", "quit", job_none, 0)

enum command_kind {
#define X(id, name, busy, run, flags) CMD_##id,
    ENGINE_COMMANDS(X)
#undef X
};

struct command_traits {
    const char *name, *busy; /* in recordings; on the screen, or "" */
    unsigned flags;          /* bits of enum command_flag */
};
extern const struct command_traits command_traits[]; /* indexed by kind */

/* For one query: a neuron whose coefficient is changed at every position. */
struct intervention {
    int layer, neuron;
    bool scale;  /* multiply the coefficient by `value` instead of setting it */
    float value; /* 0: switches the neuron off */
};

enum { VARIANTS_MOST = 512 }; /* variants of one CMD_VARIANTS */

/* For CMD_MEASURE: what the measures are of (core/eval/measure.h). */
struct measure_wish {
    int sequence, edits, when;
    unsigned protocols; /* bits 1 << enum measure_protocol */
    int failed;         /* so many facts could not be written: they and those before are `edits` */
    bool last;          /* of its sequence: notes that it is complete */
    bool no_state;      /* a checkpoint without the numbers of its state */
    bool written;       /* right after an edit of theirs: these are of it */
    double seconds;     /* that it took; NAN: not known any more */
    double gain;        /* mean over its layers */
};

/* How far a job came before it was put back into the queue. What the members mean is the job's own
 * business; all are zero when it begins for the first time, except that CMD_VARIANTS may be posted
 * with `done`, to go on with a job that was stopped. */
struct resume {
    int done;    /* units of its work */
    unsigned of; /* what they belong to; if that is another one now, the work begins again */
    void *kept;  /* results, malloc'ed */
};

/* A command. Which members a kind reads is said in its row above; the others are zero. What it
 * points to is malloc'ed and belongs to the engine once it is posted. */
struct command {
    enum command_kind kind;
    unsigned job;       /* set by engine_post() */
    struct fact *facts; /* [count] */
    int count;
    struct params params; /* a snapshot of the parameters */
    bool all_layers;      /* not only the edited layers */
    bool idle;            /* nobody waits for it: it makes way for every other command */
    bool curves;          /* also slope and curvature of the scores in the amplification */
    bool on_all_ranks;    /* every process of mpirun gets the moments, not only rank 0 */
    bool draft;           /* use the last checkpoint of the moments instead of waiting */
    char *text;
    unsigned states;    /* bits of enum which_state; 0: base and edited */
    int edit;           /* an edit's number; what 0 means depends on the kind, see above */
    int tokens, top;    /* tokens to generate (DRIFT: states); how many to list */
    double temperature; /* of sampling; 0: greedy */
    int layer, neuron;
    float *z;                           /* [hidden] a target to use instead of optimising one */
    bool sides;                         /* CMD_PROBE: how both states answer, too */
    bool others_only;                   /* CMD_PROBE: only the facts of other edits */
    bool without_words;                 /* CMD_PROBE: not what the states say to each probe */
    bool chat;                          /* put the text into the model's chat template */
    struct intervention *interventions; /* [intervention_count] */
    int intervention_count;
    struct mask_override *mask_overrides; /* [mask_override_count] neurons in or out of the mask */
    int mask_override_count;
    struct params *variants; /* [variant_count] */
    int variant_count;
    struct measure_wish measure;
    struct task_wish *tasks; /* CMD_TASKS */
    char *export;            /* format: safetensors, gguf, lora, delta or json */
    char *dtype;             /* f32, f16, bf16, same; NULL: the format's default */
    int rank;                /* of a LoRA adapter; 0: exact */
    bool force;   /* CMD_EXPORT: replace the target; CMD_APPLY: even if it is applied already */
    int from;     /* the earlier state; `edit` is the later one */
    char *expect; /* how the answer should begin */
    struct resume resume;
};

/* Who goes first: what is waited for, what YIELDS, what is a BATCH, what is idle. */
enum command_rank { RANK_WANTED, RANK_YIELDS, RANK_BATCH, RANK_IDLE };
enum command_rank command_rank(const struct command *cmd);
enum command_kind command_of_name(const char *name); /* CMD_NONE: no such command */

struct device_ops;
/* The device that --device selects on this machine. */
struct device_choice {
    const struct device_ops *ops;
    int index;
    bool automatic;   /* not named by the user: if it fails, the CPU is used */
    char notice[440]; /* why it is not a better one, or "" */
};

struct engine_options {
    const char *model;      /* file or folder */
    const char *session;    /* path; NULL: in memory, unless autosave */
    bool readonly, create;  /* open the session for reading only; create it if it does not exist */
    bool readonly_fallback; /* open it for reading if it cannot be opened for writing now */
    bool autosave;          /* without a path: a new file in the state folder */
    const struct device_ops *device;
    int device_index, threads; /* threads 0: one for each core */
    bool automatic;            /* see device_choice */
    const char *notice;        /* shown with the model; or NULL */
    int precision;             /* enum precision of core/device/device.h */
    /* On the CPU, bytes for float32 copies of weights; 0: 3/4 of what is free. On a GPU, bytes in
     * all; 0: see memory_request.allowed in core/edit/gpu_memory.h. */
    long long memory;
    const struct params *params; /* what background work prepares for; NULL: the defaults */
    const char *prefixes;        /* file of context prefixes, or NULL */
    const char *text;            /* file that moments are summed over; NULL: none can be */
    bool background_moments;     /* sum moments while there is nothing else to do */
    bool base_only;              /* no session, no moments: only queries of the base */
    bool gives_way;              /* its threads leave the processor to the caller's first */
};

/* The value of --precision NAME for engine_options.precision; NULL: PRECISION_DEFAULT. ERR_USAGE
 * lists the names. */
bool engine_precision(const char *name, int *precision, struct err *err);
/* The path of the model that a session was made with, where it is now. The file is read without a
 * lock. `rival` is what would be opened otherwise, or NULL. With a rival, or if the model has
 * moved, models are compared by content, which may read all of one. NULL: the session names no
 * model, or it is not found; then `gone` says which. Caller frees. Any thread. */
char *engine_model_of(const char *session, const char *rival, struct err *gone);
/* The edits of a session file, without its model and without a lock. `state` receives the number of
 * active edits and the checksum ("": none recorded). Caller frees it as an event's `history`. NULL:
 * failed. Any thread. */
struct history *engine_session_history(const char *session, struct state_info *state,
                                       struct err *err);

/* The same of a file that another process may be writing, which is not copied: a few short reads.
 * NULL without an error: the state is the one that is known. */
struct history *engine_session_follow(const char *session, const struct state_info *known,
                                      struct state_info *state, struct err *err);

/* What a session file stores of one edit (0: of the last active one), without its model and without
 * a lock. Caller frees it as an event's `recalled`. NULL: failed. Any thread. */
struct recalled_edit *engine_session_recall(const char *session, int edit, struct err *err);

/* What a list of sessions says of one. */
struct session_summary {
    int edits, made;  /* active ones; all that were ever made */
    char model[128];  /* name of its model, or "" */
    struct fact last; /* the first fact of the last active edit; zeroed: there is none */
    int last_facts;   /* how many that edit has */
};
/* Reads a session file without its model and without a lock. The caller frees out->last. Any
 * thread. */
bool engine_session_summary(const char *session, struct session_summary *out, struct err *err);

/* Whether a session file is a run of `eval`. Read without a lock. Any thread. */
bool engine_is_run(const char *session);

/* Whether CMD_APPLY can read this file, as far as its head says it. ERR_IO, ERR_FORMAT. Any thread.
 */
bool engine_is_delta(const char *path, struct err *err);

/* Starts the engine's thread; options are copied. Loading is reported by events: EV_MODEL,
 * EV_STATE, or EV_STOPPED with the reason. NULL: there is no thread. */
struct engine *engine_start(const struct engine_options *options, struct err *err);
/* Posts a command and zeroes it. Returns the job's number; 0: the queue is full, the command is
 * freed. Never blocks. UI thread. */
unsigned engine_post(struct engine *e, struct command *cmd);
bool engine_next(struct engine *e, struct event *ev); /* false: no event waits. UI thread */
int engine_fd(const struct engine *e);                /* readable while events wait */
/* Whether EV_STOPPED was taken; why the engine stopped, if nobody asked it to, goes to err. UI
 * thread */
bool engine_ended(const struct engine *e, struct err *err);
void engine_cancel(struct engine *e, unsigned job); /* 0: all jobs posted so far. UI thread */
void engine_stop(struct engine *e); /* cancels, joins, frees. NULL does nothing. UI thread */
void event_free(struct event *ev);  /* what it points to; zeroes it */

#endif
