/* What the engine's events point to, plain data that belongs to the receiver, and the list of
 * events (EVENTS, at the end).
 *
 * Everything a screen shows and a command prints is one of these structs or an attribution. An
 * event's payload is given back whole by event_free(): event_fields.c has the fields of each one.
 * Words hold raw bytes of the vocabulary: making them printable is the receiver's work. */
#ifndef CORE_ENGINE_EVENTS_H
#define CORE_ENGINE_EVENTS_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/params.h"
#include "core/edit/fact.h"
#include "core/edit/report.h"
#include "core/eval/metric.h"
#include "core/eval/probe_result.h"

struct attribution;

enum which_state { STATE_BASE = 1, STATE_EDITED = 2, STATE_PREVIEW = 4 }; /* bits of a query */

#define PROGRESS_MOMENTS "second moments"

struct progress {
    char what[48];
    double done, total, seconds_left; /* seconds_left < 0: not known */
};

struct model_info {
    char name[128], arch[32], path[512], device[32], type[16];
    int layers, neurons, hidden, heads, vocab, threads;
    double load_seconds;
    char notice[440]; /* why the device is not the one that was wanted, what else the folder of the
                       * model holds; "" nothing */
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
    bool lost; /* the device is; what is told is the state before. CMD_DEVICE goes on */
};

struct shown_token { /* a token as it is shown: bytes made printable is the screen's work */
    int id;
    char text[264]; /* raw bytes of the piece, NUL-terminated; longer ones than any vocabulary of
                       the supported families has (128) are cut to fit */
    double p, logit;
    bool subject; /* token of the subject */
};

struct prompt_info {
    unsigned job;
    struct shown_token *token;  /* of the prompt with the subject filled in */
    int tokens, lookup;         /* index of the subject's last token */
    struct shown_token *target; /* tokens of the new object */
    int targets;
    struct shown_token *next; /* most probable next tokens */
    int nexts;
    double p_target;        /* of the whole new object, teacher-forced */
    double p_first;         /* of its first token */
    int rank;               /* of its first token, from 1 */
    struct shown_token old; /* what the present answer is: the most probable token */
    int layers;
    int *rank_old, *rank_new; /* [layers] logit lens of each block's output, from 1 */
    char note[NOTICE];        /* about special tokens written in it, or "" */
    char problem[400];        /* why the fact cannot be used, or "" */
};

struct attribution_header {
    unsigned id; /* of the run */
    int rows, neurons, layers;
    char **prompt;              /* [rows] */
    struct shown_token *target; /* [rows] the explained token */
    int *order, order_count;    /* layers in the order they will come */
};

struct edit_report {
    int edit; /* 0 for a preview */
    int layers;
    struct layer_report layer[64];
    double z_error; /* ||Z - O|| / ||Z|| after the last layer */
    long moment_tokens;
    bool draft;
    char checksum[65];
    double p_before, p_after; /* of the first fact's first token: p(first) */
    double p_target[2];       /* of all its tokens, before and after */
    int facts, held;          /* facts written together, and how many a commit accepts; 0 facts: a
                                 recording of 0.1.0, which has no p_target either */
    char generated[160];      /* the answer of the new weights */
};

struct commit_report { /* the proof of a commit, an event a fact */
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
    unsigned state; /* one bit of enum which_state */
    int edit;       /* the state after this edit, 0: none */
    bool partial;   /* more is coming for this prompt and state */
    bool chat;      /* the prompt was wrapped in the model's chat form */
    int changed;    /* interventions that were in force */
    char *prompt, *completion;
    char *plain; /* why the chat form that was asked for was not to be had; NULL: it was */
    int *ids, count;
    struct shown_token *next;
    int nexts;
};

struct neuron_info {
    int layer, neuron;
    struct shown_token promotes[12], suppresses[12]; /* projections of the value vector */
    int count;
    struct context {   /* where in the text of the moments the neuron spoke loudest */
        char text[96]; /* what is read before and with the token, raw bytes */
        float coefficient;
    } context[5];
    int contexts; /* 0: the moments kept none */
};

/* A fact of an edit, and how it stood right after it. What was not kept is NAN: sessions of 0.1.0
 * have numbers of an edit's first fact alone, applied deltas of 0.1.0 no p(target). */
struct history_fact {
    char *subject, *prompt, *target, *old;
    double p_target[2], p_first[2]; /* before, after */
    enum outcome { OUTCOME_UNKNOWN, OUTCOME_HELD, OUTCOME_FAILED } outcome;
};

struct history_entry {
    int edit;
    bool active;
    double when;                           /* unix seconds */
    char *subject, *prompt, *target, *old; /* of the first fact */
    char checksum[65];
    double p_before, p_after; /* p(first) of the first fact */
    int kept;
    bool success, draft; /* success: every fact held */
    char *note;          /* or NULL */
    int facts;           /* written together, at least 1 */
    struct history_fact *fact;
};

struct history {
    struct history_entry *entry;
    int count;
};

/* p of a new object before and after, under its right name: "p(target)" is of all its tokens; where
 * nothing else was kept it is "p(first)", of the first one; NAN: nothing was kept. */
struct p_change {
    const char *name;
    double before, after;
};
struct p_change report_p_change(const struct edit_report *a);
struct p_change history_p_change(const struct history_fact *f);
/* How many facts of an edit held right after it; -1: not known of each. */
int history_held(const struct history_entry *e);
/* "Angola -> Antarctica and 9 more (7 of 10 hold)", of one fact "Angola -> Antarctica"; raw bytes.
 * `arrow` stands between. Caller frees. */
char *history_words(const struct history_entry *e, const char *arrow);

struct moments_info {
    long tokens, goal;
    int layers;
    int layer[64];
    double null_fraction[64], trace_lost[64], trace[64], threshold[64], top[64][5];
    char unkept[NOTICE]; /* why the sums could not be kept on disk, or "" */
};

/* Logit lens of a prompt: what each block's output would say at each position, through the final
 * norm and the head. Row 0 is the first block's output. */
struct lens_grid {
    unsigned state; /* one bit of enum which_state */
    int tokens, layers;
    struct shown_token *token; /* [tokens] */
    struct shown_token *top;   /* [layers][tokens] most probable next token, with its p */
    int *rank_old, *rank_new;  /* [layers][tokens], from 1; NULL where there is no such object */
};

/* Causal trace (ROME, Meng et al. 2022, section 2): the subject's embeddings are corrupted by
 * noise, and one state is restored to its clean value; effect is how much of p(answer) returns.
 * Streamed: an event whenever a layer is whole, with the layers after it still NAN. */
struct trace {
    int tokens, layers, done;  /* done: layers with effects */
    struct shown_token *token; /* [tokens]; .subject marks the corrupted ones */
    struct shown_token answer; /* the explained token */
    double p_clean, p_corrupt;
    int samples;   /* noise draws averaged over */
    double noise;  /* standard deviation, 3x that of the embeddings */
    float *effect; /* [layers][tokens] p(answer | corrupted, state restored) - p_corrupt */
};

struct probe_report {
    int fact; /* which of the command's facts */
    char *subject;
    struct probe_result *probe;
    int probes;
};

/* One way of making the same edit, tried in a scratch view and thrown away. */
struct variant_result {
    int variant, variants;      /* index into the command's list */
    struct params params;       /* that it was made with */
    char why[160];              /* it could not be made, and why: nothing below is known; or "" */
    struct edit_report applied; /* gain, leak, norms a layer */
    double p_first[2];          /* before, after */
    char said[80];
    struct measured metric[METRICS_MOST]; /* by the table of core/eval/metric.h */
};

enum { DIFF_MATRICES = 256 }; /* as many are told of */

/* What the steps between two states changed. Edit 0 is the base. */
struct diff {
    int from, to, layers;
    struct diff_layer {
        int layer, columns;       /* columns that differ in any bit */
        double norm, weight_norm; /* Frobenius: of the difference, of the matrix at `from` */
        char matrix[8];           /* of the layer: "down", "q", ...; "": of an old recording */
    } layer[DIFF_MATRICES];
    struct probe_result *probe; /* every fact edited up to either state */
    int probes;
};

/* Which edit made `expect` no longer (or first) the answer: binary search over the states. */
struct bisect_report {
    char *prompt, *expect;
    int edit;   /* the first edit after which the answer is another; 0: none did */
    bool exact; /* the state before it and the state after it were both asked */
    bool over;  /* nothing more is coming */
    int states; /* among which it searches, both ends included */
    struct bisect_step {
        int edit; /* state asked */
        bool holds;
        char said[80];
    } step[32];
    int steps;
};

/* Reliability and locality over the edits of a session, a point a state. */
struct drift {
    struct drift_point {
        int edit;           /* the state after this edit; 0: base */
        int asked, held;    /* facts edited so far, and those that still hold */
        int others, stayed; /* locality probes of those facts, and those that are kept */
    } * point;
    int points, of; /* points so far, points there will be */
    int states;     /* among which they are spread: active edits */
};

/* Files that were written, and what they say when they are opened again. */
struct export_report {
    char *path;    /* as asked for */
    char as[16];   /* safetensors, gguf, lora, delta, json */
    char type[32]; /* what the edited tensors became: "F32", "as it was" */
    int files;
    struct exported_file {
        char *name; /* within the folder, or the file's own */
        double bytes;
        char sha256[65];
    } * file;
    int tensors;           /* edited matrices */
    double loss;           /* |round(W + D) - (W + D)| / |D|; 0: exact */
    int rank;              /* of an adapter */
    double truncated;      /* |D - D_rank| / |D| */
    int prompts;           /* asked of the session's weights and of the files'; 0: none could be */
    int same;              /* prompts whose most probable next token is the same */
    double max_logit_diff; /* over all prompts and the whole vocabulary; < 0: not asked */
    int facts, held[2]; /* edited facts among them; said by the session's weights, by the files' */
    int facts_all;      /* facts there are: not all of many are asked */
    double seconds;
};

/* What is worth knowing about how the command's text was taken. */
struct notice {
    char text[NOTICE];
};

/* What a recorded run says besides: what was typed then, and how far it is. */
struct replay_position {
    enum {
        REPLAY_AT,
        REPLAY_KEY,
        REPLAY_SIZE,
        REPLAY_END
    } what;              /* END: from now on it only answers */
    double at, length;   /* seconds */
    bool fast_forward;   /* on the way to where it goes on */
    int code, y, x;      /* KEY: tui/key.h; SIZE: y rows, x columns */
    char paste[256];     /* KEY */
    char damage[NOTICE]; /* what of the recording could not be played, the first of it; or "" */
};

/* The kinds of events. To add one: a row here, and its struct's fields in event_fields.c; enum,
 * union, event_free(), recordings and whatever goes over fields follow.
 *
 * OWN(ID, name, struct, member): points to a struct that no other kind has. ALSO(ID, name, struct):
 * points to one that another row names. BARE(ID, name): points to nothing. The name is the ID in
 * small letters, as it stands in recordings. */
#define EVENTS(OWN, ALSO, BARE)                                                               \
    BARE(NONE, "")                                                                            \
    /* what, done, total, seconds left: of `job` (0: background) */                           \
    OWN(PROGRESS, "progress", progress, progress)                                             \
    OWN(MODEL, "model", model_info, model) /* ready */                                        \
    OWN(STATE, "state", state_info, state) /* whenever it changes */                          \
    OWN(PROMPT, "look", prompt_info, prompt)                                                  \
    OWN(HEADER, "meta", attribution_header, header) /* rows of the attribution that begins */ \
    /* One layer (by reference); of another strategy than the parameters ask for: the free    \
     * picture that comes before the scores. */                                               \
    OWN(LAYER, "layer", attribution, attribution)                                             \
    BARE(ATTRIBUTED, "attributed")         /* the attribution's id is the event's */          \
    ALSO(ESTIMATE, "weighed", edit_report) /* weights of masks: layers only */                \
    OWN(STEP, "step", target_step, step)                                                      \
    OWN(PREVIEW, "preview", edit_report, edit_report)                                         \
    ALSO(COMMIT, "commit", edit_report)                                                       \
    OWN(COMMITTED, "edited", commit_report, commit_report) /* verification, answers */        \
    OWN(ANSWER, "answer", answer, answer) /* one prompt, one state; `partial` until whole */  \
    OWN(NEURON, "neuron", neuron_info, neuron)                                                \
    OWN(HISTORY, "history", history, history)                                                 \
    OWN(MOMENTS, "moments", moments_info, moments) /* a checkpoint is ready */                \
    OWN(LENS, "lens", lens_grid, lens)                                                        \
    OWN(TRACE, "trace", trace, trace)              /* so far */                               \
    OWN(PROBES, "probed", probe_report, probes)    /* the scoreboard of a fact */             \
    OWN(VARIANT, "tried", variant_result, variant) /* one variant */                          \
    OWN(DRIFT, "drift", drift, drift)              /* so far */                               \
    OWN(DIFF, "diff", diff, diff)                                                             \
    OWN(BISECT, "bisected", bisect_report, bisect)                                            \
    OWN(EXPORT, "exported", export_report, export) /* written, read again and asked */        \
    OWN(NOTICE, "notice", notice, notice) /* how the text was taken, where one may wonder */  \
    OWN(REPLAY, "tape", replay_position, replay) /* of a recorded run alone */                \
    BARE(DONE, "done")                           /* the job has ended well */                 \
    BARE(FAILED, "failed")                       /* the job has ended: err */                 \
    BARE(STOPPED, "stopped") /* the engine has ended: nothing comes after this */

enum event_kind {
#define OWN(id, name, type, member) EV_##id,
#define ALSO(id, name, type)        EV_##id,
#define BARE(id, name)              EV_##id,
    EVENTS(OWN, ALSO, BARE)
#undef OWN
#undef ALSO
#undef BARE
};

struct event {
    enum event_kind kind;
    unsigned job; /* of the command it answers */
    unsigned id;  /* EV_ATTRIBUTED */
    struct err err;
    union { /* one pointer, whatever it is */
#define OWN(id, name, type, member) struct type *member;
#define NO_MEMBER(...)
        EVENTS(OWN, NO_MEMBER, NO_MEMBER)
#undef OWN
#undef NO_MEMBER
    };
};

#endif
