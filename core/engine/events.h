/* The events of the engine (EVENTS, at the end), and the structs they point to.
 *
 * Everything that a screen shows or a command prints is one of these structs, or an attribution.
 * They are plain data and belong to the receiver, who frees an event with event_free(). Names of
 * members are the names in recordings and in --json output, by the tables of event_fields.c.
 *
 * Texts of tokens are raw bytes of the vocabulary: they may be part of a UTF-8 character. The
 * receiver makes them printable (core/base/show.h). Probabilities are 0 to 1, times are seconds,
 * layers and neurons count from 0, edits and ranks from 1. */
#ifndef CORE_ENGINE_EVENTS_H
#define CORE_ENGINE_EVENTS_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/params.h"
#include "core/edit/fact.h"
#include "core/edit/mask.h"
#include "core/edit/report.h"
#include "core/engine/stamp.h"
#include "core/eval/measure.h"
#include "core/eval/metric.h"
#include "core/eval/probe_result.h"
#include "core/eval/task.h"

struct attribution;

enum which_state { STATE_BASE = 1, STATE_EDITED = 2, STATE_PREVIEW = 4 }; /* bits of a query */

#define PROGRESS_MOMENTS    "second moments"
#define PROGRESS_NULL_SPACE "null space"
#define PROGRESS_CURVATURE  "curvature"

struct progress {
    char what[48];
    double done, total, seconds_left; /* seconds_left < 0: not known */
    double needed;  /* of second moments: an edit waits until so many are done; 0: none waits */
    char stage[48]; /* of the unit at work: "target" of one of the variants; or "" */
};

/* A job leaves the queue: what its events from now on are about. Not emitted for jobs that are
 * about no fact and over at once. A job that was put back (EV_PAUSED) begins again. */
struct job_begun {
    char command[16];                      /* its name in ENGINE_COMMANDS */
    int facts;                             /* how many the command has */
    char *subject, *prompt, *target, *old; /* of the first; NULL: not given */
    char *changed; /* parameters that are not at their default (params_show_changed()) */
    struct stamp stamp;
};

struct model_info {
    char name[128], arch[32], path[512], device[32];
    char type[16];   /* that edited matrices are computed in */
    char stored[16]; /* of most weights in the file; "": a recording of 0.1.0 */
    int layers, neurons, hidden, heads, vocab, threads;
    double load_seconds;
    char notice[440]; /* why another device is used, what else is in the model's folder; or "" */
};

struct state_info {
    int edits;         /* active edits */
    bool preview;      /* there is a preview */
    char checksum[65]; /* SHA-256 of the edited matrices (of the preview, if there is one) */
    char state[17];    /* id of base and active deltas, known without computing weights */
    char session[512]; /* path; "": in memory */
    char base[65];     /* identity of the model: sha256 over its files */
    bool readonly, can_undo, can_redo;
    long moment_tokens; /* of the moments in use; 0: none yet */
    long moment_goal;
    bool verified; /* CMD_VERIFY rebuilt the weights and found the same bits */
    int edited_layers[64], edited_count;
    bool lost; /* the device is lost; the rest is the state before. See CMD_DEVICE */
};

struct shown_token { /* a token as it is shown */
    int id;
    char text[264]; /* raw bytes, NUL-terminated; tokens of supported models have 128 at most */
    double p, logit;
    bool subject; /* part of the subject */
};

struct prompt_info { /* how the edited weights read a fact's prompt */
    unsigned job;
    struct shown_token *token;  /* [tokens] of the prompt with its subject */
    int tokens, lookup;         /* index of the subject's last token */
    struct shown_token *target; /* tokens of the new object */
    int targets;
    struct shown_token *next; /* most probable next tokens */
    int nexts;
    double p_target;        /* of the whole new object, teacher-forced */
    double p_first;         /* of its first token */
    int rank;               /* of its first token, from 1 */
    struct shown_token old; /* the present answer: the most probable token */
    int layers;
    int *rank_old, *rank_new; /* [layers] ranks by the logit lens of each block */
    char note[NOTICE];        /* about special tokens in the text, or "" */
    char problem[400];        /* why the fact cannot be used, or "" */
};

/* How one state reads and answers the fact's prompt, and the judge's verdict on it. */
struct edit_side {
    struct prompt_info prompt; /* next tokens, probabilities, ranks; no tokens of the prompt */
    char *said;                /* its answer; "": it ends its turn at once */
    double accuracy;           /* share of the new object's tokens that are the argmax */
    bool holds;                /* by the acceptance test of a commit (core/eval/probe.h) */
};

/* The two sides of an edit of one fact: the state before it and the state after it. */
struct edit_sides {
    int edit;      /* 0 for a preview */
    double accept; /* accept.p_min of the edit */
    struct edit_side before, after;
};

struct attribution_header { /* the rows of an attribution, before its layers */
    unsigned id;            /* of the run */
    int rows, neurons, layers;
    char **prompt;              /* [rows] */
    struct shown_token *target; /* [rows] the explained token */
    int *order, order_count;    /* layers in the order of their events */
};

struct edit_report { /* an edit as a whole: a preview, a commit, a variant, an estimate */
    int edit;        /* 0 for a preview */
    int layers;
    struct layer_report layer[64];
    double v_lr, v_clamp; /* of the first fact's target, also where they are auto; 0: not known */
    double v_norm;        /* what that target asks of the FFN, before edit.v_anchor; 0: not known */
    double z_error;       /* as in edit_result */
    long moment_tokens;
    bool draft;
    char checksum[65];
    double p_before, p_after; /* of the first fact's first token: p(first) */
    double p_target[2];       /* of all its tokens, before and after */
    int facts, held;          /* facts edited together, and how many hold; 0 facts: a recording of
                                 0.1.0, which has no p_target either */
    char generated[160];      /* the answer of the new weights */
    char beside[300];         /* as in edit_result; "": the edit is in weights alone */
    struct route_report routes;
    int demonstrations;
    struct demonstration demonstration[DEMONSTRATIONS_MOST]; /* of IKE, in their order */
};

struct commit_report { /* one fact of a commit, with its verification */
    int edit;
    int fact; /* which of the command's facts */
    bool success, unmasked_unchanged;
    double p_target[2], p_first[2], log_odds[2]; /* before, after */
    char argmax[2][48], generated[2][200];
    double rewrite_acc; /* share of target tokens that are the argmax, teacher-forced */
    double seconds_target, seconds_attribution, seconds_solve, seconds_verify, seconds_total;
    char checksum[65];
};

/* Where the state sent a prompt, of the entry that is the nearest to taking it (core/model/hook.h).
 */
struct answer_route {
    int entries, entry, layer; /* entry: from 1; entries 0: no edit of the state chooses prompts */
    bool routed, below;
    double value, limit;
    char kind[24], measure[12]; /* "key"; "distance" */
};

struct answer {          /* of one prompt by one state */
    unsigned state;      /* one bit of enum which_state */
    int edit;            /* the state after this edit; 0: the one that `state` says */
    char state_name[17]; /* of it, as state_info.state; "": edit is 0, or it is not known */
    bool partial;        /* more of this answer will follow */
    bool chat;           /* the prompt was put into the model's chat template */
    int changed;         /* number of interventions */
    char *prompt, *completion;
    char *plain; /* why the chat template could not be used; NULL: it was, or was not asked for */
    int *ids, count;
    struct shown_token *next;
    int nexts;
    struct answer_route route;
};

struct neuron_info { /* what a neuron promotes, and where it is active */
    int layer, neuron;
    struct shown_token promotes[12], suppresses[12]; /* projections of the value vector */
    int count;
    struct context {   /* where in the text of the moments it was most active */
        char text[96]; /* the text up to and with the token, raw bytes */
        float coefficient;
    } context[5];
    int contexts; /* 0: none is known */
};

/* A fact of an edit, and how it did right after the edit. NAN is what was not recorded: sessions of
 * 0.1.0 have numbers of an edit's first fact only, applied deltas of 0.1.0 no p(target). */
struct history_fact {
    char *subject, *prompt, *target, *old;
    double p_target[2], p_first[2]; /* before, after */
    enum outcome { OUTCOME_UNKNOWN, OUTCOME_HELD, OUTCOME_FAILED } outcome;
    int rewritten; /* the later active edit that gave its question another object; 0: none did, or
                      history_find_rewritten() was not called */
};

enum { EDIT_NUMBER_MAX = 1000000000 }; /* the largest number of an edit that can be typed */

struct history_entry {
    int edit;
    bool active, redoable;                 /* redoable: undone, and no edit was made since */
    double when;                           /* unix seconds */
    char *subject, *prompt, *target, *old; /* of the first fact */
    char checksum[65];
    char state[17];           /* as state_info.state: of the state after it; "": not known */
    double p_before, p_after; /* p(first) of the first fact */
    int kept;                 /* neurons of its first layer that it wrote */
    char method[24];          /* name of the editing method; "": not known */
    bool masked;              /* it chose neurons by a mask */
    bool success, draft;      /* success: every fact held */
    char *note;               /* or NULL */
    int facts;                /* edited together, at least 1 */
    struct history_fact *fact;
};

struct history {
    struct history_entry *entry;
    int count;
    char base_state[17]; /* as state_info.state: of the base alone; "": not known */
};

/* What a session stores of one edit: how it was made, and what was measured at its commit. */
struct recalled_edit {
    int edit;
    bool active;
    double when;                           /* unix seconds */
    int facts;                             /* edited together */
    char *subject, *prompt, *target, *old; /* of the first one */
    char *changed;                         /* parameters off their default (job_begun.changed) */
    char *parameters;            /* all of them, JSON; NULL: not stored, or not readable */
    int forces;                  /* neurons that were in or out against their scores, */
    struct mask_override *force; /* [forces] */
    /* Where `measured` is false the session is older than these numbers: layers, sizes of masks and
     * norms of updates are read off the change itself, the other numbers of a layer are NAN. */
    bool measured;
    struct edit_report report;
    char *said_before, *said_after; /* NULL: not stored */
    double accuracy;                /* as edit_side.accuracy, of the first fact; NAN: not stored */
    double lambda;                  /* of the solver; 0: the editor has none */
    char projector[65];             /* hash of the null space, or "" */
    char after[17]; /* as state_info.state: of the active edits up to it; "": it is not active */
    bool others;    /* these are other edits than those at its commit */
    struct stamp stamp; /* of its commit: `state` is the one that it was made on */
};

/* The probability of a new object before and after, and its name: "p(target)" is of all its tokens,
 * "p(first)" of the first one, if only that was recorded. NAN: not recorded. */
struct p_change {
    const char *name;
    double before, after;
};
struct p_change report_p_change(const struct edit_report *a);
/* "routed to key 2 of 3 at L25: distance 0.12, taken up to 1", "not routed: the nearest is key 2 of
 * 3 at L25, distance 7.3, taken up to 1"; "" if no edit of the state chooses prompts. Returns out.
 */
const char *answer_route_words(const struct answer *a, char out[160]);
/* What the layers of an edit used: the smallest and largest lambda, and how many were compensated.
 */
struct used_values {
    double lambda[2];
    int compensated;
};
struct used_values report_used(const struct edit_report *a);
/* Whether the edit changes a weight or leaves something beside them. */
bool report_writes(const struct edit_report *a);
/* The parameters of an edit, from the journal's JSON; the defaults if that is NULL or invalid. */
struct params edit_params(const char *json);
bool edit_params_read(struct params *p, const char *json); /* the same; false: the defaults */
struct p_change history_p_change(const struct history_fact *f);
/* How many facts of an edit held right after it; -1: not known for each. */
int history_held(const struct history_entry *e);
/* Whether `kept` counts the neurons of a mask; unknown methods are taken to have one. */
bool history_kept_shown(const struct history_entry *e);
/* Finds history_fact.rewritten of all active edits; it is no part of what is stored or recorded. */
void history_find_rewritten(struct history *h);
/* Which active edits gave a fact's question an object. */
struct fact_edits {
    int first, last;                 /* their numbers; 0: none did */
    const struct history_fact *fact; /* that of the last one; borrowed */
    bool same;                       /* and its object is the fact's own */
};
struct fact_edits history_of_fact(const struct history *h, const struct fact *fact);
/* Why redo finds nothing. Caller frees. */
char *history_redo_refused(const struct history *h);
/* The last active edit before this one; 0: none, so the state before it is the base. */
int history_edit_before(const struct history *h, int edit);
/* One line for an edit: "Angola -> Antarctica", or of ten facts "Angola -> Antarctica and 9 more (7
 * of 10 hold)". Raw bytes. `arrow` is the text between. Caller frees. */
char *history_words(const struct history_entry *e, const char *arrow);

struct moments_info { /* second moments at a checkpoint, and the null spaces if there are any */
    long tokens, goal;
    int layers;
    int layer[64];
    double null_fraction[64], trace_lost[64], trace[64], threshold[64], top[64][5];
    char unkept[NOTICE]; /* why the sums could not be saved to disk, or "" */
};

/* Logit lens of a prompt: what each block's output would predict at each position, through the
 * final norm and the head. Row 0 is the first block's output. */
struct lens_grid {
    unsigned state; /* one bit of enum which_state */
    int tokens, layers;
    struct shown_token *token; /* [tokens] */
    struct shown_token *top;   /* [layers][tokens] most probable next token, with its p */
    int *rank_old, *rank_new;  /* [layers][tokens], from 1; NULL: there is no such object */
};

/* Causal trace (ROME, Meng et al. 2022, section 2): the subject's embeddings are corrupted by
 * noise, and one state is restored to its clean value; effect is how much of p(answer) returns.
 * An event after each layer; the layers that follow are still NAN. */
struct trace {
    int tokens, layers, done;  /* done: layers with effects */
    struct shown_token *token; /* [tokens]; .subject marks the corrupted ones */
    struct shown_token answer; /* the explained token */
    double p_clean, p_corrupt;
    int samples;   /* noise draws averaged over */
    double noise;  /* standard deviation, 3x that of the embeddings */
    float *effect; /* [layers][tokens] p(answer | corrupted, state restored) - p_corrupt */
};

struct probe_report { /* the scoreboard of a fact */
    int fact;         /* which of the command's facts */
    char *subject;
    struct probe_result *probe;
    int probes;
    unsigned state;    /* asked as the state after: STATE_EDITED or STATE_PREVIEW */
    int edit;          /* the state before is the one before this edit; 0: the base (of a preview:
                          the edited state) */
    char checksum[65]; /* of the state after */
    int spares_asked;  /* so many other neighbours the base was asked for, as it knew none of the
                          fact's own */
};

/* Which facts of other edits a new edit overwrote: they hold in the state before it and not in the
 * state after it. */
struct overwritten {
    unsigned state;    /* STATE_EDITED or STATE_PREVIEW */
    int edit;          /* the new edit; 0: a preview; of a list, its first edit */
    char checksum[65]; /* of the state after */
    int facts;         /* of other active edits, without those that a later edit rewrites */
    int asked;         /* of them; evenly spaced if not all */
    int held;          /* of those asked, after the edit */
    int weak;          /* of those asked, did not hold before it either */
    struct overwritten_fact {
        int edit;
        char *subject, *prompt, *target;
        char *said[2]; /* first words before, after */
        double p[2];   /* p(target) before, after */
    } * fact;          /* [lost] */
    int lost;
};

/* One fact edited with one set of parameters, in a scratch state that was thrown away. */
struct variant_result {
    int variant, variants;      /* index in the command's list; its length */
    struct params params;       /* that it was made with */
    char state[17];             /* as state_info.state: of the state that it was tried on */
    int edit;                   /* the last edit in that state; 0: none, it is the base */
    char why[160];              /* why it could not be made (then nothing below is set), or "" */
    struct edit_report applied; /* gain, leak, norms a layer */
    double p_first[2];          /* before, after */
    char said[80];
    struct measured metric[METRICS_MOST]; /* by the table of core/eval/metric.h */
};

enum { DIFF_MATRICES = 256, DIFF_BESIDE = 16 }; /* at most so many are listed */

/* What the edits between two states changed. Edit 0 is the base. */
struct diff {
    int from, to, layers;
    struct diff_layer {
        int layer, columns;       /* columns that differ in any bit */
        double norm, weight_norm; /* Frobenius: of the difference, of the matrix at `from` */
        char matrix[8];           /* "down", "q", ...; "": an old recording */
    } layer[DIFF_MATRICES];
    struct probe_result *probe; /* of every fact edited up to the later state */
    int probes;
    struct diff_beside { /* what the edits keep beside the weights: how many, in either state */
        char kind[24]; /* "keys", "texts before every prompt"; a hook that keeps no list: "hooks" */
        int layer;     /* -1: of none */
        int count[2];
    } beside[DIFF_BESIDE];
    int besides;
};
/* "keys at L25: 1 → 2". Returns out. */
const char *diff_beside_words(const struct diff_beside *b, char out[80]);

/* Which edit changed whether the answer begins with `expect`: binary search over the states. */
struct bisect_report {
    char *prompt, *expect;
    int edit;   /* the edit that changed it; 0: none found */
    bool exact; /* the states before and after it were both asked */
    bool over;  /* the last event */
    int states; /* searched, both ends included */
    struct bisect_step {
        int edit; /* state asked */
        bool holds;
        char said[80];
    } step[32];
    int steps;
};

/* What was measured of a run: measures of one record, numbers of states, answers to tasks. */
struct measures {
    struct measure *measure;
    int count;
    struct run_number *number;
    int numbers;
    struct task_answer *answer;
    int answers;
};

/* The file of a run as far as it is, without its measures: those follow as EV_MEASURES. */
struct run_info {
    char *path;
    char *text;     /* what the run is of, JSON (core/session/measures.h) */
    bool whole;     /* all that the file has follows; false: what it got since it was read last */
    double changed; /* unix seconds: of the last step of its journal */
    int last;       /* id of its last measure */
    int active_from, active_to; /* the numbers of its first and last active edit; 0: none is */
    int facts;
    struct run_fact *fact; /* [facts] of its edits, by their numbers */
    int numbers;
    struct run_number *number; /* [numbers] all of the file */
};

struct run_fact {
    int edit;
    char *subject, *prompt, *target, *old, *rephrase; /* the last two may be NULL */
    int localities, mores;
    struct run_probe {
        char *prompt, *answer; /* answer: NULL: what the base says */
    } * locality;              /* [localities] */
    struct run_probe *more;    /* [mores] further rephrases, without answers */
};

/* Reliability and locality over the edits of a session: one point for each state that was asked. */
struct drift {
    struct drift_point {
        int edit;           /* the state after this edit; 0: base */
        int asked, held;    /* facts edited so far; how many still hold */
        int others, stayed; /* their locality probes; how many keep their answer */
    } * point;
    int points, of; /* points so far; points in the end */
    int states;     /* active edits, among which they are spread */
};

/* Exported files, and what they answer when they are opened again. */
struct export_report {
    char *path;    /* as asked for */
    char as[16];   /* safetensors, gguf, lora, delta, json */
    char type[32]; /* of the edited tensors: "F32", "as it was" */
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
    int prompts;           /* asked of the session's weights and of the files; 0: none */
    int same;              /* prompts whose most probable next token is the same */
    double max_logit_diff; /* over all prompts and the vocabulary; < 0: not asked */
    int facts, held[2];    /* edited facts among them; how many hold by the session, by the files */
    int facts_all;         /* all edited facts; of many only some are asked */
    double seconds;
};

/* What a user should know about how the command's text was read. */
struct notice {
    char text[NOTICE];
};

/* Of a recorded run: where it is, and what was typed then. */
struct replay_position {
    enum {
        REPLAY_AT,
        REPLAY_KEY,
        REPLAY_SIZE,
        REPLAY_END
    } what;              /* REPLAY_END: from now on it only answers */
    double at, length;   /* seconds */
    bool fast_forward;   /* playing without waiting, up to play_options.from */
    int code, y, x;      /* KEY: tui/key.h; SIZE: y rows, x columns */
    char paste[256];     /* KEY */
    char damage[NOTICE]; /* the first fault of the recording itself, or "" */
};

/* The kinds of events. To add one: a row here, and a table of its struct's fields in
 * event_fields.c. The enum, the union, event_free(), recordings and JSON follow from these.
 *
 * OWN(ID, name, struct, member): points to a struct, by this member of the union. ALSO(ID, name,
 * struct): points to a struct of another row. BARE(ID, name): points to nothing. `name` is the name
 * in recordings, and does not change when the ID does. */
#define EVENTS(OWN, ALSO, BARE)                                                                 \
    BARE(NONE, "")                                                                              \
    /* of `job`; 0: background work */                                                          \
    OWN(PROGRESS, "progress", progress, progress)                                               \
    OWN(BEGUN, "begun", job_begun, begun)                                                       \
    OWN(MODEL, "model", model_info, model) /* the model is loaded */                            \
    OWN(STATE, "state", state_info, state) /* whenever it changes */                            \
    OWN(PROMPT, "look", prompt_info, prompt)                                                    \
    OWN(HEADER, "meta", attribution_header, header) /* an attribution begins */                 \
    /* One layer, reference-counted. If its strategy is not that of the parameters, it is the   \
     * estimate that comes before the scores. */                                                \
    OWN(LAYER, "layer", attribution, attribution)                                               \
    BARE(ATTRIBUTED, "attributed")         /* event.id: of the attribution */                   \
    ALSO(ESTIMATE, "weighed", edit_report) /* its layers only */                                \
    OWN(STEP, "step", target_step, step)                                                        \
    OWN(PREVIEW, "preview", edit_report, edit_report)                                           \
    ALSO(COMMIT, "commit", edit_report)                                                         \
    OWN(COMMITTED, "edited", commit_report, commit_report) /* one for each fact */              \
    OWN(ANSWER, "answer", answer, answer)                  /* `partial` until complete */       \
    OWN(NEURON, "neuron", neuron_info, neuron)                                                  \
    OWN(HISTORY, "history", history, history)                                                   \
    OWN(RECALLED, "recalled", recalled_edit, recalled) /* what the session stores of an edit */ \
    OWN(MOMENTS, "moments", moments_info, moments)     /* a checkpoint is ready */              \
    OWN(LENS, "lens", lens_grid, lens)                                                          \
    OWN(TRACE, "trace", trace, trace)           /* so far */                                    \
    OWN(SIDES, "sides", edit_sides, sides)      /* of a preview or commit of one fact */        \
    OWN(PROBES, "probed", probe_report, probes) /* the scoreboard of a fact */                  \
    OWN(OVERWRITTEN, "overwritten", overwritten, overwritten)                                   \
    ALSO(RECHECKED, "rechecked", overwritten)      /* those that held when they were made */    \
    OWN(VARIANT, "tried", variant_result, variant) /* one variant */                            \
    OWN(DRIFT, "drift", drift, drift)              /* so far */                                 \
    OWN(MEASURES, "measured", measures, measures)  /* of a run, new or as its file has them */  \
    OWN(RUN, "run", run_info, run)                 /* a run's file, as it is now */             \
    OWN(DIFF, "diff", diff, diff)                                                               \
    OWN(BISECT, "bisected", bisect_report, bisect)                                              \
    OWN(EXPORT, "exported", export_report, export) /* written, read again and asked */          \
    OWN(NOTICE, "notice", notice, notice)          /* how a text was read */                    \
    OWN(REPLAY, "tape", replay_position, replay)   /* only of a recorded run */                 \
    BARE(PAUSED, "paused")                         /* the job waits again, for others */        \
    BARE(DONE, "done")                             /* the job has ended well */                 \
    BARE(FAILED, "failed")                         /* the job has ended: event.err */           \
    BARE(STOPPED, "stopped")                       /* the engine has ended; the last event */

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
    unsigned job; /* of the command it belongs to */
    unsigned id;  /* EV_ATTRIBUTED */
    struct err err;
    union { /* all members are one pointer */
#define OWN(id, name, type, member) struct type *member;
#define NO_MEMBER(...)
        EVENTS(OWN, NO_MEMBER, NO_MEMBER)
#undef OWN
#undef NO_MEMBER
    };
};

#endif
