/* The engine's own state, seen by core/engine/ alone. Everything here belongs to the engine's
 * thread; only `bus` is shared. */
#ifndef CORE_ENGINE_INTERNAL_H
#define CORE_ENGINE_INTERNAL_H

#include <pthread.h>

#include "core/base/clock.h"
#include "core/base/eta.h"
#include "core/base/job.h"
#include "core/edit/editors/editors.h"
#include "core/edit/moments_text.h"
#include "core/edit/nullspace.h"
#include "core/engine/bus.h"
#include "core/eval/probe.h"
#include "core/session/session.h"

enum { RUNS = 4 };

/* A finished or partial attribution run that masks may be taken from. */
struct run {
    unsigned id, generation;
    char *about;                /* what it depends on: facts and attr.* as text */
    struct attribution **layer; /* [model layers], NULL where not computed */
    int *target, rows;          /* [rows] explained tokens */
};

/* The moments, and what stands on them, for one list of edited layers. */
struct edit_stats {
    int layer[EDIT_MAX_LAYERS], layers;
    struct moments *moments;
    struct moments_text *gather;
    struct top_activations *contexts; /* heard by the way */
    struct moments *counter;          /* when sums came from the cache and contexts did not: */
    struct moments_text *listener;    /* the text is walked again for them alone */
    long goal;                        /* tokens asked for */
    bool together;                    /* several processes are summing: */
    long round, part, part_end; /* the round's end; tokens from which and up to which this one does,
                                   in this round */
    long checkpoint;            /* the last fixed count that was reached and kept on disk */
    char unkept[NOTICE];        /* why it is not kept there, or "" */
    struct nullspace *space[EDIT_MAX_LAYERS];
    struct solver *solver[EDIT_MAX_LAYERS];
    long space_tokens; /* moments the spaces were made of; 0: none */
    bool null, past;   /* the spaces have eigenvectors; the key stores hold the active edits */
    struct nullspace_rule rule;
    double lambda;
    unsigned history;                                     /* engine's history the key stores hold */
    int *owner[EDIT_MAX_LAYERS], owners[EDIT_MAX_LAYERS]; /* the edit of each key of a store */
};

struct preview {
    char *about; /* facts, parameters and state it is a preview of; NULL: none */
    struct model_state *view;
    struct edit_result result;
    struct edit_report applied;
    float *z;
    int width;
    unsigned run;
    double seconds[3]; /* target, attribution, solve */
    double lambda;
    char projector[65];
};

struct pulling;

/* A session that stands open on its model. It is whole or it is not there: engine_session_open()
 * makes it from a journal, the base's identity and the weights rebuilt from both, and only then
 * gives it to the engine. Edited weights have no other address, so that nobody takes the base for
 * them. */
struct open_session {
    struct session *journal;
    char identity[65]; /* of the base */
    char former[65];   /* what version 0.1.0 called it */
    struct prefixes prefixes;
    struct model_state *edited; /* the base and the active edits */
    unsigned history;           /* counts changes of the list of active edits */
    bool verified;
};

struct engine {
    struct bus *bus;
    pthread_t thread;
    struct engine_options options; /* strings owned */
    struct device *dev;
    struct model *model;
    struct model_state *base;
    unsigned generation;         /* last one given to a view */
    struct open_session *open;   /* NULL: no session is open (yet, or its model is away) */
    struct open_session *parked; /* one whose model is away: without edited weights */
    struct tokens text;          /* of the moments */
    char text_hash[65];
    struct edit_stats ground;
    struct preview preview;
    struct run run[RUNS]; /* the newest first */
    unsigned last_run;
    unsigned newest_look; /* job of it: an older one that it overtook has nothing to say */
    long moment_goal;
    bool lost;              /* the device is: nothing can be computed, the session stands */
    bool wants_moments;     /* the background sums them, when nothing stops it */
    struct state_info said; /* the last state that was told */
    bool curves;            /* the attribution at work is to have them */
    int words;              /* of so many neurons a layer it says the words */
    bool quiet;             /* it is of no state on the screen: nobody is told of it */
    struct job job;         /* of the command at work */
    unsigned job_id;
    double job_began;
    struct eta speed; /* of what is told of now: what was done before, in a cache, does not count */
    unsigned speed_job;
    char speed_what[64];
    struct params params;    /* of the last edit command: what the background prepares for */
    struct pulling *pulling; /* a model that is being fetched, or was; NULL: none */
    struct player *player;   /* of a recorded run, and then nothing above but the bus; or NULL */
    bool told_stopped;       /* the receiver's: it has taken EV_STOPPED, */
    struct err told_why;     /* which said this */
};

/* Starts `main` with `arg` as the thread behind e->bus. On failure e is freed. */
bool engine_start_thread(struct engine *e, void *(*main)(void *), void *arg, struct err *err);

/* Emits an event of the present job; `payload` is one malloc'ed block (or as event_free knows). */
void engine_emit(struct engine *e, enum event_kind kind, void *payload);
void emit_progress(struct engine *e, unsigned job, const char *what, double done, double total);

/* load.c: the model on its device */
/* Opens device and model (the CPU where that is allowed), makes the base view, says EV_MODEL. */
bool engine_load_model(struct engine *e, struct err *err);
/* Closes the device and all that is on it; an open session is parked. */
void engine_unload_model(struct engine *e);
/* After a failure: a lost device is told, once, as a state. */
void emit_device_lost(struct engine *e);

/* edit_stats.c: moments, null spaces, key stores */
/* What the editor needs of it (enum editor_needs), and no more. */
bool edit_stats_prepare(struct engine *e, const struct params *p, bool draft, struct err *err);
/* How many tokens the edit stands on, and whether it is a draft. */
void edit_stats_tell(const struct engine *e, const struct params *p, struct edit_report *a);
/* Whether the layers can be edited together: ERR_USAGE. */
bool layers_editable(const struct engine *e, const struct params *p, struct err *err);
/* A slice of background work; false when there is none. */
bool edit_stats_step(struct engine *e, struct err *err);
/* CMD_MOMENTS: sums to stats.tokens, the work dealt to the processes of mpirun; null spaces on
 * rank 0 or, with `share`, everywhere. */
bool edit_stats_sum_ranks(struct engine *e, const struct command *cmd, struct err *err);
bool edit_stats_plan_memory(struct engine *e, const struct params *p, struct err *err);
void edit_stats_free(struct engine *e);
/* The keys that have come into the stores belong to this edit. */
void edit_stats_own_keys(struct edit_stats *g, int edit);
bool emit_moments(struct engine *e);
/* Where in the text this neuron spoke loudest, for layers that are edited. */
void edit_stats_top_activations(const struct engine *e, struct neuron_info *info);

/* job_query.c: what is asked and changes nothing */
void shown_token_of(const struct engine *e, int id, struct shown_token *w);
struct shown_token *shown_tokens_of(const struct engine *e, const int *id, int count);
/* EV_NEURON of each: what its value vector promotes and suppresses. */
bool emit_neurons(struct engine *e, int layer, const int *neuron, int n, struct err *err);
/* The bare prompt's tokens, those of the subject marked. */
struct shown_token *prompt_words(const struct engine *e, const struct request *r);

/* EV_NOTICE where special tokens stand in a text, or in the prompts and objects of facts. */
void notice_text(struct engine *e, const struct wording *w, const char *text);
void notice_facts(struct engine *e, const struct request *request, int count);
void notice_of(const struct engine *e, const struct request *r, char out[NOTICE]);

/* job_lens.c, job_trace.c: into the residual stream */
/* The bare prompt of a fact that may still lack its new object (then targets is 0). */
bool request_of_prompt(struct engine *e, const struct fact *fact, const struct params *params,
                       struct request *r, struct err *err);
/* The old object's first token: of a fact that names none, the one that the base says. */
bool old_token(struct engine *e, const struct request *r, int *out, struct err *err);

/* job_attribute.c */
/* The run for these facts under the edited view, computed for the wanted layers if need be. `id`
 * 0: any that fits. With `tell` also the layers that were there are told. */
struct run *run_of_facts(struct engine *e, const struct request *request, int count,
                         const struct params *p, unsigned id, const int *layer, int layers,
                         bool tell, struct err *err);
void runs_free(struct engine *e);

/* job_edit.c */
void preview_drop(struct engine *e);
/* The steps of an edit on their own. A plan borrows request, parameters, solvers and layers. */
bool edit_wants_mask(const struct params *p);
void edit_context_begin(const struct engine *e, struct edit_context *plan,
                        const struct command *cmd, const struct request *request);
/* Masks of all layers, from an attribution of the present weights; its run goes to *id. */
bool edit_masks(struct engine *e, const struct command *cmd, const struct request *request,
                struct edit_context *plan, unsigned *id, struct err *err);

/* history.c: the journal as it is told */
struct history *history_of_session(struct session *session, struct err *err); /* NULL: failed */
/* The parameters of an edit as the journal has them; NULL, or what is none: the defaults. */
struct params edit_params(const char *json);
/* What the journal keeps about an edit of so many facts; `a` NULL: it was applied, not made.
 * Caller frees. */
char *metrics_json(const struct commit_report *fact, int count, const struct edit_report *a);

/* commands.c: what each kind of command needs, and who runs it */
#define X(id, name, busy, run, flags) \
    bool run(struct engine *e, struct command *cmd, struct err *err);
ENGINE_COMMANDS(X) /* job_inspect() and so on, each in its file */
#undef X
/* Whether the command may run now; err says why not. */
bool command_ready(const struct engine *e, const struct command *cmd, struct err *err);
/* Runs it if it is ready. */
bool command_run(struct engine *e, struct command *cmd, struct err *err);

/* job_session.c */
/* Opens the journal on the model at hand and rebuilds the edited weights: sets e->open. On failure
 * there is no open session. */
bool engine_session_open(struct engine *e, struct err *err);
/* The model goes away: nothing can be asked of the session until engine_session_resume(). */
void engine_session_park(struct engine *e);
bool engine_session_resume(struct engine *e, struct err *err);
void engine_session_close(struct engine *e);
/* The weights of a journal up to edit `until` (0: all). Caller frees the view. */
bool engine_session_rebuild(struct engine *e, struct session *journal, int until,
                            struct model_state **out, struct err *err);
bool emit_state(struct engine *e, struct err *err); /* EV_STATE */
bool requests_build(struct engine *e, const struct command *cmd, struct request **out,
                    struct err *err);
void requests_free(struct request *r, int count);
/* An edit's deltas onto a view, as the journal holds them. */
bool engine_session_apply(struct engine *e, struct session *journal, struct model_state *view,
                          int edit, struct err *err);

/* job_pull.c: a model of the Hub, fetched by a thread that ends the job itself */
void pull_stop(struct engine *e); /* stops it and waits */

#endif
