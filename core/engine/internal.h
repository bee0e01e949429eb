/* What the files of core/engine/ share: the engine's state and its internal functions.
 *
 * Everything in struct engine belongs to the engine's thread, except `bus`, which both threads use,
 * and the members at the end that are marked as the UI thread's. Functions here are called on the
 * engine's thread, unless they say otherwise. */
#ifndef CORE_ENGINE_INTERNAL_H
#define CORE_ENGINE_INTERNAL_H

#include <pthread.h>

#include "core/base/clock.h"
#include "core/base/eta.h"
#include "core/base/job.h"
#include "core/edit/curvature.h"
#include "core/edit/editors/editors.h"
#include "core/edit/moments_text.h"
#include "core/edit/nullspace.h"
#include "core/engine/bus.h"
#include "core/eval/probe.h"
#include "core/session/session.h"

enum { RUNS = 4 };

/* An attribution run, finished or partial: scores of some layers, which masks are made from. */
struct run {
    unsigned id;
    char *key;                  /* text of what it depends on: facts, attr.*, weights (run_key()) */
    struct attribution **layer; /* [model layers], NULL where not computed */
    bool curved[PARAM_MAX_LAYERS]; /* computed with curves, where there are any */
    int *target, rows;             /* [rows] explained tokens */
};

/* A job of several units, each of which passes through the stages of an edit. */
struct units {
    unsigned job; /* 0: there is none */
    const char *what;
    double done, total;
    struct eta speed;
};

/* Statistics an edit needs (edit_stats.c), for one list of edited layers: second moments of the FFN
 * coefficients over a text, the null spaces computed from them, and the keys of past edits. Another
 * list of layers replaces all of it. */
struct edit_stats {
    int layer[EDIT_MAX_LAYERS], layers;
    struct moments *moments;         /* the sums, one [neurons][neurons] matrix for each layer */
    struct moments_text *reader;     /* feeds the text's coefficients to the sums and to `top` */
    struct top_activations *top;     /* where in the text each neuron was most active */
    struct moments *count_only;      /* set when the sums came from the disk cache but `top` did */
    struct moments_text *top_reader; /* not: the start of the text is read again, for `top` only */
    long goal;                       /* tokens asked for (stats.tokens, or as many as there are) */
    long wanted;                     /* tokens that the present job waits for */
    bool by_ranks;                   /* processes of mpirun share the summing, in rounds: */
    long round_end, part, part_end;  /* this process sums tokens part..part_end of the round */
    long checkpoint;                 /* tokens at the last checkpoint reached; 0: none yet */
    char unsaved[NOTICE];            /* why the sums could not be saved to the cache, or "" */
    struct nullspace *space[EDIT_MAX_LAYERS];
    struct solver *solver[EDIT_MAX_LAYERS]; /* its key store holds the keys of past edits */
    long space_tokens;          /* tokens of the moments the spaces were made from; 0: none */
    bool has_null, has_past;    /* spaces have eigenvectors; stores hold the active edits' keys */
    struct nullspace_rule rule; /* edit.null_threshold, edit.null_frac they were made with */
    double lambda;              /* edit.lambda of the solvers */
    unsigned history;           /* open_session.history when the stores were filled, */
    int last;                   /* with the keys of the edits up to this one (edit_start.last) */
    int *owner[EDIT_MAX_LAYERS], owners[EDIT_MAX_LAYERS]; /* the edit of each key of a store */
};

/* The curvature of the text's loss that an edit needs (edit_curvature.c), for one list of layers.
 */
struct edit_curvature {
    int layer[EDIT_MAX_LAYERS], layers, window;
    struct curvature sums;                       /* of the text alone */
    long goal;                                   /* rows asked for */
    struct nullspace *space[EDIT_MAX_LAYERS][2]; /* of the text and the active edits */
    long rows;                                   /* of the text in the spaces; 0: there are none */
    unsigned history;                            /* as in edit_stats */
    int last;
};

/* A target and what it depends on (edit_targets.c). */
struct kept_target {
    char key[17];
    struct target target;
};

/* The last preview: an edit computed into a scratch state and not committed. */
struct preview {
    char *key; /* text of what it depends on (preview_key()); NULL: there is no preview */
    struct model_state *view;
    struct edit_result result;
    struct edit_report report;
    float *z;                     /* [facts][width] targets */
    int width;                    /* the model's hidden size */
    unsigned run;                 /* attribution its masks came from; 0: none */
    double seconds[3];            /* target, attribution, solve */
    double v_lr, v_clamp, v_norm; /* of the first fact's target */
    double lambda;                /* of the first layer's solver; 0: the editor has none */
    char projector[65];           /* hash of the first layer's null space, or "" */
};

/* The state that an edit starts from, if it is not the present one: CMD_VARIANTS tries edits on
 * older states, too. */
struct edit_start {
    const struct model_state *state; /* borrowed; NULL: the present one, open_session.edited */
    int last;      /* the last edit in it; 0: the base. The keys of later edits are not protected */
    char name[17]; /* of it, as state_info.state */
};

/* What an idle map (CMD_ATTRIBUTE) has emitted of a run, across its pauses. */
struct shown_layers {
    unsigned run; /* its id; 0: none yet */
    bool estimates;
    bool layer[PARAM_MAX_LAYERS];
};

struct pull_job;

/* An open session. It exists completely or not at all (job_session.c): journal, identity of the
 * base, and the weights rebuilt from both. Nothing else points to the edited weights, so the base
 * can never be taken for them. */
struct open_session {
    struct session *journal;
    char identity[65]; /* of the base */
    struct prefixes prefixes;
    struct model_state *edited;    /* the base plus the active edits */
    unsigned history;              /* counts changes of the list of active edits */
    unsigned named;                /* `history` when the name was made, */
    char name[17];                 /* of the edited state, as state_info.state; "": none yet */
    struct older_state {           /* that variants or probes need; kept until all are done */
        struct model_state *state; /* NULL: none */
        int edit;                  /* the last edit in it */
        unsigned history;          /* open_session.history when it was made */
    } older;
    bool verified; /* CMD_VERIFY has rebuilt the weights and found the same bits */
};

struct engine {
    struct bus *bus;
    pthread_t thread;
    struct engine_options options; /* strings owned */
    struct device *dev;
    struct model *model;
    struct model_state *base;
    unsigned generation;         /* the last one given to a model state */
    struct open_session *open;   /* NULL: no session is open (yet), or its model is unloaded */
    struct open_session *parked; /* a session whose model is unloaded: no edited weights */
    struct tokens text;          /* the text that moments are summed over */
    char text_hash[65];
    struct edit_stats stats;
    struct edit_curvature curvature;
    struct preview preview;
    struct run run[RUNS]; /* the newest first */
    unsigned last_run;
    struct kept_target *target; /* [kept_targets]; the next one goes to next_target, modulo their
                                   largest number */
    int kept_targets, next_target;
    unsigned newest_inspect; /* job of the newest CMD_INSPECT: older ones emit nothing */
    bool lost;               /* the device is lost: nothing can be computed, the journal is safe */
    bool wants_moments;      /* options.background_moments as it was at the start */
    struct state_info last_state; /* the last EV_STATE */
    bool want_curves;             /* the present attribution also computes curves */
    int top_neurons;              /* it emits EV_NEURON for so many neurons of each layer */
    bool no_events;               /* it runs for a variant: no EV_HEADER, EV_LAYER */
    struct edit_start start;      /* of the edits that the job at work makes */
    struct shown_layers *shown;   /* the map that computes it was put back, or may be; or NULL */
    struct job job;               /* of the command at work */
    unsigned job_id;              /* 0: background work */
    enum command_rank job_rank;   /* its command_rank() */
    bool put_back;                /* it was stopped for a command of a lower rank */
    double job_began;
    struct eta speed; /* rate of speed_job's phase speed_what; what a cache held does not count */
    unsigned speed_job;
    char speed_what[64];
    struct units units;     /* of a job at work that has several alike, such as variants */
    struct params params;   /* of the last edit command; background work prepares for them */
    struct pull_job *pull;  /* the model download at work, or the last one; NULL: none */
    struct player *player;  /* in a recorded run, which uses nothing above but the bus; or NULL */
    bool stopped;           /* UI thread: EV_STOPPED was taken, */
    struct err stop_reason; /* with this reason */
};

/* Starts `main` with `arg` as the thread that serves e->bus. On failure e is freed. */
bool engine_start_thread(struct engine *e, void *(*main)(void *), void *arg, struct err *err);

/* Emits an event of the present job. `payload` is the malloc'ed struct that EVENTS names for this
 * kind, or NULL; it goes to the receiver. */
void engine_emit(struct engine *e, enum event_kind kind, void *payload);
/* EV_MEASURES of these, which then belong to the event. */
struct measure;
void engine_emit_measures(struct engine *e, struct measure *m, int count);

/* job_run.c: reads the file of a run (CMD_RUN). emit() takes each event's payload; nothing is
 * emitted on failure. Any thread. */
typedef void run_emit(void *ctx, enum event_kind kind, void *payload);
bool run_read(const char *path, long from, int edit, run_emit *emit, void *ctx, struct err *err);
/* EV_PROGRESS of a job: `done` of `total` units (total 0: not known), with the seconds left as
 * estimated from the rate of this phase (`what`) so far. */
void emit_progress(struct engine *e, unsigned job, const char *what, double done, double total);

/* So many units of the job at work are done, until units_end(). The progress of a stage is then a
 * stage of the next unit; statistics, which all units share, stay a progress of their own. */
void units_done(struct engine *e, const char *what, double done, double total);
void units_end(struct engine *e);

/* load.c: the model on its device */
/* Opens device and model (on the CPU if the device fails and was not asked for by name), makes the
 * base state, emits EV_MODEL. ERR_MODEL, ERR_DEVICE, ERR_LIMIT. */
bool engine_load_model(struct engine *e, struct err *err);
/* Frees everything that is on the device and closes it; an open session is parked. */
void engine_unload_model(struct engine *e);
/* After a failure: if the device is lost, says so once, as EV_STATE with `lost`. */
void emit_device_lost(struct engine *e);

/* edit_stats.c: second moments, null spaces, key stores. Its opening comment explains them. */
/* Selects the edited layers of `p`: makes e->stats for them, from the disk cache as far as that
 * goes. Does nothing if they are the present ones. ERR_USAGE: no text, too short a text, too many
 * layers. */
bool edit_stats_open(struct engine *e, const struct params *p, struct err *err);
/* Reads and tokenises the text of the moments into e->text, once. ERR_USAGE: there is none. */
bool edit_stats_text(struct engine *e, struct err *err);
/* Everything that the editor of `p` says it needs (enum editor_needs): sums on, if need be for
 * minutes, and makes null spaces and key stores. `draft`: the last checkpoint will do. */
bool edit_stats_prepare(struct engine *e, const struct params *p, bool draft, struct err *err);
/* Sets a->moment_tokens and a->draft: the tokens the edit's statistics were summed over, and
 * whether these are fewer than the goal. */
void edit_stats_report(const struct engine *e, const struct params *p, struct edit_report *a);
/* Whether the layers can be edited together: ERR_USAGE. */
bool layers_editable(const struct engine *e, const struct params *p, struct err *err);
/* One slice (a batch of text) of background work for e->params; false when there is none left, or
 * with err. */
bool edit_stats_step(struct engine *e, struct err *err);
/* CMD_MOMENTS: sums to stats.tokens, shared among the processes of mpirun; then null spaces and
 * key stores, on rank 0 or, with cmd->on_all_ranks, in every process. */
bool edit_stats_sum_ranks(struct engine *e, const struct command *cmd, struct err *err);
/* Tokens of which an edit needs the sums, while there is no checkpoint yet; then 0. */
double edit_stats_needed(const struct engine *e);
void edit_stats_free(struct engine *e);
bool emit_moments(struct engine *e); /* EV_MOMENTS; true */
/* Appends to info->context the places in the text where the neuron was most active. Adds none for
 * layers that are not edited. */
void edit_stats_top_activations(const struct engine *e, struct neuron_info *info);

/* edit_curvature.c: the curvature of the text's loss, with what past edits added */
/* Makes it ready for the layers of `p`, if need be for minutes. */
bool edit_curvature_prepare(struct engine *e, const struct params *p, struct err *err);
/* Whether that needs no summing. ERR_USAGE says what to do. */
bool edit_curvature_summed(struct engine *e, const struct params *p, struct err *err);
/* Fills ctx->curvature with what there is. */
void edit_curvature_context(const struct engine *e, struct edit_context *ctx);
void edit_curvature_free(struct engine *e);

/* job_query.c: questions about the model that change nothing */
/* A token as it is shown: id and raw bytes; p and logit are 0. */
void shown_token_of(const struct engine *e, int id, struct shown_token *w);
struct shown_token *shown_tokens_of(const struct engine *e, const int *id, int count); /* owned */
/* EV_NEURON for each of the `n` neurons: the tokens its value vector promotes and suppresses. */
bool emit_neurons(struct engine *e, int layer, const int *neuron, int n, struct err *err);
/* How a state reads the prompt of a complete fact: probabilities, next tokens and ranks by layer,
 * in one forward pass. */
bool prompt_read(struct engine *e, const struct request *r, const struct model_state *view,
                 struct prompt_info *info, struct err *err);
/* The tokens of the bare prompt (row 0), those of the subject marked. Caller frees. */
struct shown_token *prompt_shown_tokens(const struct engine *e, const struct request *r);

/* EV_NOTICE if a text, or the prompts and objects of facts, contain special tokens. */
void notice_text(struct engine *e, const struct wording *w, const char *text);
/* EV_NOTICE for each line: of files of the cache that were not used or not written. Frees it. */
void notice_lines(struct engine *e, struct buf *lines);
void notice_facts(struct engine *e, const struct request *request, int count);
void notice_of(const struct engine *e, const struct request *r, char out[NOTICE]);

/* job_lens.c, job_trace.c: into the residual stream */
/* The bare prompt of a fact, which need not have a new object yet (then r->targets is 0). */
bool request_of_prompt(struct engine *e, const struct fact *fact, const struct params *params,
                       struct request *r, struct err *err);
/* The first token of the fact's old object; if it names none, the base model's next token. */
bool old_token(struct engine *e, const struct request *r, int *out, struct err *err);

/* job_attribute.c */
/* The attribution of these facts under the edited weights, computed for the given layers where it
 * is missing: a run that fits, or a new one. With `emit`, layers that were already there are
 * emitted too. The run belongs to the engine and may be replaced by the next call. */
struct run *run_of_facts(struct engine *e, const struct request *request, int count,
                         const struct params *p, const int *layer, int layers, bool emit,
                         struct err *err);
void runs_free(struct engine *e);

/* edit_past.c: the key stores of e->stats hold the keys of the active edits up to edit_start_last()
 */
/* Fills the empty stores, in the order of the edits. */
bool edit_past_load(struct engine *e, struct err *err);
/* Whether the stores hold exactly the keys that `needs` (enum editor_needs) asks for. */
bool edit_past_current(const struct engine *e, unsigned needs);
/* An edit is new in the journal. Stores that were current grow with it; others are filled again
 * when they are needed. */
void edit_past_add(struct engine *e, const struct edit_result *r, int edit);

/* job_edit.c: its opening comment has the whole way of an edit */
/* The state that edits of the job at work start from (e->start). */
const struct model_state *edit_start_state(const struct engine *e);
int edit_start_last(const struct engine *e); /* its last edit; INT_MAX: all active ones */
/* The same, or the base where the parameter, z.weights or mask.weights, says so. */
const struct model_state *edit_weights(const struct engine *e, const struct params *p,
                                       enum param weights);
/* Appends the name of these: weights of one name have the same bits. */
void edit_weights_name(const struct engine *e, const struct params *p, enum param weights,
                       struct buf *out);
void preview_drop(struct engine *e);
/* Fills in what an edit's result says itself. */
void edit_report_take(struct edit_report *a, const struct edit_result *r);
/* The steps of an edit by themselves, for estimates and variants. A context borrows the request,
 * the parameters, and e->stats' solvers. */
void edit_context_begin(const struct engine *e, struct edit_context *ctx, const struct command *cmd,
                        const struct request *request);
/* Adds what past edits of the method have left for this one; edit_context_free() frees it. */
bool edit_context_past(struct engine *e, struct edit_context *ctx, struct err *err);

/* edit_targets.c */
/* The target of a fact by the rule of the method of `p`: a kept one, or optimised on the weights of
 * z.weights. Either way `step` (may be NULL) is called for each step. NULL: failed. The engine's,
 * until the next call. */
const struct target *target_of_fact(struct engine *e, const struct request *request, int layer,
                                    const struct params *p,
                                    void (*step)(void *ctx, const struct target_step *s), void *ctx,
                                    struct err *err);
void targets_free(struct engine *e);

/* edit_masks.c */
/* Masks of all edited layers, from an attribution of the present weights. Sets *id to its run. */
bool edit_masks(struct engine *e, const struct command *cmd, const struct request *request,
                struct edit_context *ctx, unsigned *id, struct err *err);
/* Notes in the report of each layer what its mask was chosen by, if all facts share one. */
void edit_masks_report(const struct edit_context *ctx, struct layer_report *report, int layers);
/* attribution.draw of these facts: a number made of their bare prompts. */
unsigned facts_draw(const struct request *request, int count);

/* EV_SIDES of the command's first fact: how two states read and answer it. */
bool emit_sides(struct engine *e, const struct command *cmd,
                const struct model_state *const state[2], int edit, struct err *err);

/* history.c: the journal as events */
struct history *history_of_session(struct session *session, struct err *err); /* NULL: failed */
/* The metrics that the journal keeps about an edit of `count` facts, as JSON. `a` NULL: the edit
 * came from a delta file. Caller frees. */
char *metrics_json(const struct commit_report *fact, int count, const struct edit_report *a);

/* recall.c: what a session stores of one edit */
/* Adds to metrics_json() the whole report of an edit and the neurons that were forced. Takes
 * `metrics`; caller frees what it returns. */
char *metrics_put_edit(char *metrics, const struct edit_report *a,
                       const struct mask_override *force, int forces);
/* Edit 0: the last active one. NULL: failed. Free it as an event's `recalled`. */
struct recalled_edit *recalled_of_session(struct session *session, int edit, struct err *err);

/* session_facts.c: the facts of a session's active edits, with their probes */
enum { EARLIER_ASKED = 64 }; /* facts of earlier edits, at most */
struct edited_fact {
    const struct fact *fact; /* in `edits` */
    int index;               /* of its edit in `edits` */
    int superseded; /* index of the later edit that gave the same prompt another object; `count` if
                       there is none */
    char *text;     /* the prompt */
    struct probes probes;
    bool has_probes; /* made when first asked for */
};
struct session_facts {
    struct edit_record *edits; /* [count] the active edits */
    int count;
    struct edited_fact *fact; /* [facts] in the order of edits */
    int facts;
};
bool session_facts_load(struct engine *e, struct session_facts *s, struct err *err);
/* Makes the fact's probes of these kinds (PROBES_*), unless it has probes already. */
bool edited_fact_probes(struct engine *e, const struct session_facts *s, struct edited_fact *f,
                        unsigned kinds, struct err *err);
/* Appends this fact to out->fact; what was said and p(target) are the caller's to fill in. Valid
 * until the next call. */
struct overwritten_fact *overwritten_add(struct overwritten *out, const struct session_facts *s,
                                         const struct edited_fact *a);
void session_facts_free(struct session_facts *s);

/* commands.c: what each kind of command needs, and which function runs it */
#define X(id, name, busy, run, flags) \
    bool run(struct engine *e, struct command *cmd, struct err *err);
ENGINE_COMMANDS(X) /* job_inspect() and so on, each in its file */
#undef X
/* Whether the command can run now; if not, err says why. */
bool command_ready(const struct engine *e, const struct command *cmd, struct err *err);
/* Runs it if it is ready. */
bool command_run(struct engine *e, struct command *cmd, struct err *err);

/* job_session.c */
/* Opens the journal for the loaded model and rebuilds the edited weights: sets e->open. On failure
 * there is no open session. */
bool engine_session_open(struct engine *e, struct err *err);
/* Frees the edited weights, because the model is about to be unloaded. The session cannot be used
 * until engine_session_resume(). */
void engine_session_park(struct engine *e);
bool engine_session_resume(struct engine *e, struct err *err);
void engine_session_close(struct engine *e);
/* The weights after edit `until` of a journal, or after all of it (0). Caller frees the state. */
bool engine_session_rebuild(struct engine *e, struct session *journal, int until,
                            struct model_state **out, struct err *err);
/* The weights after edit `edit` of the open session; 0: the base. Caller frees the state. */
bool engine_session_state(struct engine *e, int edit, struct model_state **out, struct err *err);
/* The same, borrowed: the base itself, or the state that e->open->older keeps, made if it is not
 * the one there. NULL: failed. */
const struct model_state *state_after_edit(struct engine *e, int edit, struct err *err);
/* The name of that state, as state_info.state. ERR_USAGE: the edit is not active. */
bool state_name_after(struct engine *e, int edit, char out[17], struct err *err);
bool emit_state(struct engine *e, struct err *err); /* EV_STATE */
/* Tokenises the command's facts, each with its context prefixes. Caller frees, by
 * requests_free(). ERR_USAGE names the fact. */
bool requests_build(struct engine *e, const struct command *cmd, struct request **out,
                    struct err *err);
void requests_free(struct request *r, int count);
void engine_session_forget_older(struct open_session *s); /* frees s->older */
/* Adds one edit of the journal to a state: its deltas, hooks and prefixes. */
bool engine_session_apply(struct engine *e, struct session *journal, struct model_state *view,
                          int edit, struct err *err);

/* job_pull.c: a model of the Hub, downloaded by a thread that ends the job itself */
void pull_stop(struct engine *e); /* cancels it and waits for the thread */

#endif
