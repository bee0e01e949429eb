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

struct engine;

enum model_state { STATE_BASE = 1, STATE_EDITED = 2, STATE_PREVIEW = 4 }; /* bits of a query */

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
    CMD_QUIT,
};

struct command {
    enum command_kind kind;
    unsigned job;       /* set by engine_post() */
    struct fact *facts; /* owned: moved to the engine by engine_post() */
    int count;
    struct params params; /* a snapshot */
    unsigned attribution; /* id of the run to take masks from; 0: make one */
    bool all_layers;
    bool curves;     /* CMD_ATTRIBUTE: also slope and curve in the amplification */
    bool draft;      /* may use the last moments checkpoint instead of waiting */
    char *text;      /* owned */
    unsigned states; /* enum model_state bits; 0: base and edited */
    int edit;        /* CMD_QUERY: ask the state after this edit (0: none) */
    int tokens, top;
    double temperature; /* of sampling; 0: greedy */
    int layer, neuron;
    float *z; /* owned: [d], skip the optimisation */
};

enum event_kind {
    EV_NONE,
    EV_PROGRESS,   /* what, done, total, seconds left: of `job` (0: background) */
    EV_MODEL,      /* model: ready */
    EV_STATE,      /* state: whenever it changes */
    EV_LOOK,       /* look */
    EV_META,       /* meta: rows of the attribution that begins */
    EV_LAYER,      /* attribution of one layer (by reference) */
    EV_ATTRIBUTED, /* attribution id in `id` */
    EV_WEIGHED,    /* weights of masks, a layer each */
    EV_STEP,       /* step of the target optimisation */
    EV_PREVIEW,    /* applied */
    EV_COMMIT,     /* applied */
    EV_EDITED,     /* edited: verification and the answers before and after */
    EV_ANSWER,     /* answer: one prompt, one state; streamed: `partial` until whole */
    EV_NEURON,     /* neuron */
    EV_HISTORY,    /* history */
    EV_MOMENTS,    /* moments: a checkpoint is ready */
    EV_DONE,       /* the job has ended well */
    EV_FAILED,     /* the job has ended: err */
    EV_STOPPED,    /* the engine has ended: nothing comes after this */
};

struct progress {
    char what[48];
    double done, total, seconds_left; /* seconds_left < 0: not known */
};

struct model_info {
    char name[128], arch[32], path[512], device[32], type[16];
    int layers, neurons, hidden, heads, vocab, threads;
    double load_seconds;
};

struct state_info {
    int edits;         /* active ones */
    bool preview;      /* a preview stands */
    char checksum[65]; /* of the edited matrices; "" while it is computed */
    char state[17];    /* id from base and delta hashes: there at once */
    char session[512]; /* path, "" for none */
    char base[65];     /* identity of the model: sha256 over its files */
    bool readonly, can_undo, can_redo;
    long moment_tokens; /* of the moments in use; 0: none yet */
    long moment_goal;
    bool verified; /* CMD_VERIFY compared and found equal */
    int edited_layers[64], edited_count;
};

struct word { /* a token as it is shown: bytes made printable is the screen's work */
    int id;
    char text[48]; /* raw bytes of the piece, NUL-terminated, cut to fit */
    double p, logit;
    bool subject; /* token of the subject */
};

struct look {
    unsigned job;
    struct word *token;  /* of the prompt with the subject filled in */
    int tokens, lookup;  /* index of the subject's last token */
    struct word *target; /* tokens of the new object */
    int targets;
    struct word *next; /* most probable next tokens */
    int nexts;
    double p_target; /* of the whole new object, teacher-forced */
    double p_first;  /* of its first token */
    int rank;        /* of its first token, from 1 */
    struct word old; /* what the present answer is: the most probable token */
    int layers;
    int *rank_old, *rank_new; /* [layers] logit lens of each block's output, from 1 */
    char problem[400];        /* why the fact cannot be used, or "" */
};

struct meta {
    unsigned id; /* of the run */
    int rows, neurons, layers;
    char **prompt;           /* [rows] */
    struct word *target;     /* [rows] the explained token */
    int *order, order_count; /* layers in the order they will come */
};

struct weighed_layer { /* consequence of a mask; `stale`: an earlier layer's change is not in it */
    int layer, kept;
    double q, gain, gain_mask, leak, leak_unmasked, leak_ratio;
    double percentile_gain, percentile_leak; /* among 200 random masks of equal size; < 0: none */
    double residual, delta_norm, weight_norm;
    bool stale;
};

struct applied {
    int edit; /* 0 for a preview */
    int layers;
    struct weighed_layer layer[64];
    double z_error; /* ||Z - O|| / ||Z|| after the last layer */
    long moment_tokens;
    bool draft;
    char checksum[65];
    double p_before, p_after; /* first token of the new object */
    char generated[160];      /* the answer of the new weights */
};

struct step {
    int step;
    double loss, nll, kl, wd, p_target, delta_norm;
};

struct edited { /* the proof of a commit, an event a fact */
    int edit;
    int fact; /* which of the command's facts */
    bool success, unmasked_unchanged;
    double p_target[2], p_first[2], log_odds[2]; /* before, after */
    char argmax[2][48], generated[2][200];
    double rewrite_acc; /* share of target tokens that are the argmax, teacher-forced */
    double seconds_target, seconds_attribution, seconds_solve, seconds_verify, seconds_total;
    char checksum[65];
};

struct answer {
    unsigned state; /* one bit of enum model_state */
    int edit;       /* the state after this edit, 0: none */
    bool partial;   /* more is coming for this prompt and state */
    char *prompt, *completion;
    int *ids, count;
    struct word *next;
    int nexts;
};

struct neuron_info {
    int layer, neuron;
    struct word promotes[12], suppresses[12]; /* projections of the value vector */
    int count;
};

struct history_entry {
    int edit;
    bool active;
    double when; /* unix seconds */
    char *subject, *prompt, *target, *old;
    char checksum[65];
    double p_before, p_after;
    int kept;
    bool success, draft;
};

struct history {
    struct history_entry *entry;
    int count;
};

struct moments_info {
    long tokens, goal;
    int layers;
    int layer[64];
    double null_fraction[64], trace_lost[64], trace[64], threshold[64], top[64][5];
};

struct event {
    enum event_kind kind;
    unsigned job; /* of the command it answers */
    unsigned id;  /* EV_ATTRIBUTED */
    struct err err;
    union {
        struct progress *progress;
        struct model_info *model;
        struct state_info *state;
        struct look *look;
        struct meta *meta;
        struct attribution *attribution;
        struct applied *applied; /* EV_PREVIEW, EV_COMMIT, EV_WEIGHED (layers only) */
        struct step *step;
        struct edited *edited;
        struct answer *answer;
        struct neuron_info *neuron;
        struct history *history;
        struct moments_info *moments;
    };
};

struct device_ops;
struct engine_options {
    const char *model;   /* file or folder */
    const char *session; /* path, or NULL: a session in memory that is not kept */
    bool readonly, create;
    bool autosave; /* no session named: keep one under a fresh name in the state folder */
    const struct device_ops *device;
    int device_index, threads;   /* threads 0: all */
    long long memory;            /* bytes of float32 residency; 0: three quarters of what is free */
    const struct params *params; /* what the background prepares for, copied; NULL: the defaults */
    const char *prefixes;        /* file of context prefixes, or NULL */
    const char *text;            /* file for the moments, or NULL: the shipped one */
    bool background_moments;     /* start the moments by themselves */
    bool look_only;              /* needs no session, no moments (tokens, query on the base) */
};

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
