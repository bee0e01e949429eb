/* What the screens know: the newest of everything the engine has said, the fact and the
 * parameters being worked on, and where the user is looking.
 *
 * One desk lies between the program's loop, which fills it from events, and the views, which draw
 * it. Nothing in it talks to the engine. UI thread only. */
#ifndef VIEWS_DESK_H
#define VIEWS_DESK_H

#include "core/base/params.h"
#include "core/engine/engine.h"
#include "tui/heatmap.h"

enum { DESK_JOBS = 16, DESK_WORDS = 2048, DESK_ANSWERS = 24, DESK_STEPS = 512, DESK_NEWS = 400 };
enum { DESK_TRIED = 512, DESK_FORCES = 64, DESK_CHANGES = 64 };
enum { DESK_SETS = 8 };
enum desk_order { ORDER_INDEX, ORDER_SCORE, ORDER_CLASS, ORDER_COUNT };
enum desk_side { SIDE_AFTER, SIDE_BEFORE, SIDE_BOTH, SIDE_COUNT };

struct desk_job {
    unsigned job; /* 0: free */
    enum command_kind kind;
};

struct desk_layer {
    struct attribution *score; /* a reference; NULL: not computed */
    struct attribution *rough; /* the free MPC picture, until scores come; NULL: none */
    struct attribution *shown; /* what masks and maps are made of: score, or about it (≈) */
    struct mask *mask;
    float *strength; /* [M] the largest score over the rows (Eq. 5) */
    int strongest;   /* neuron of the largest strength */
    double peak;     /* its strength, 0 if none is positive */
};

enum queue_state { QUEUE_WAITS, QUEUE_RUNS, QUEUE_HOLDS, QUEUE_WEAK, QUEUE_FAILED };

struct desk_set {    /* the general neurons of a fact that was scored */
    char prompt[96]; /* its first row */
    int layers, neurons;
    unsigned char *bits; /* [layers][(neurons + 7) / 8]; NULL: none */
};

struct desk_place {
    int layer, neuron;
};

enum { ASK_BASE = -1, ASK_NOW = 0 };

struct desk_ask {  /* how questions are asked */
    int state;     /* ASK_NOW, ASK_BASE, or the state after this edit */
    int tokens;    /* at most */
    double sample; /* temperature; 0: greedy */
    bool chat;     /* in the model's chat form */
    char *prompt;  /* the last one asked, or NULL */
};

struct desk_fact { /* one of a list of facts that are edited one after another */
    struct fact fact;
    enum queue_state state;
    unsigned job;         /* while it runs */
    int edit;             /* that wrote it, 0: none */
    double p[2];          /* of the new object, before and after */
    struct probed *board; /* its scoreboard, or NULL */
    char why[160];        /* it failed */
};

struct desk_line { /* one message of the log */
    int tone;
    char text[320];
};

struct desk {
    struct params params;
    struct fact fact;
    struct fact look_fact; /* what `look` is about */

    bool ready; /* the model is loaded */
    struct model_info model;
    struct state_info state;
    struct look *look;
    struct meta *meta;
    struct desk_layer *layer; /* [layers] */
    int layers, done;         /* done: layers with scores */
    unsigned run;             /* the complete attribution's id; 0: none */
    bool attributing, approximate;
    bool stale; /* the weights are others than the scores were made with */
    char scored_state[17];
    double amplify;    /* of the scores */
    double peak, clip; /* over all layers; where the colours end */
    int peak_layer;

    struct applied *weighed, *preview;
    struct edited *proof;
    struct target_step step[DESK_STEPS];
    int steps;
    struct answer *answer[DESK_ANSWERS];   /* newest first */
    struct neuron_info *words[DESK_WORDS]; /* a ring */
    int word_next;
    struct desk_ask ask;
    struct desk_set set[DESK_SETS]; /* the newest first */
    struct history *history;
    int stepped; /* the edit that was undone or redone with the newest history; 0: none */
    struct moments_info *moments;
    struct lens_grid *lens[3]; /* of base, edited, preview: desk_lens() */
    struct trace *trace;
    struct probed *board;            /* of the fact at hand; NULL: not asked */
    struct tried *tried[DESK_TRIED]; /* of the last CMD_TRY, by variant; NULL: not yet */
    unsigned trying;                 /* its job, also when it is over */
    int variants;                    /* it tries */
    struct drift *drift;
    struct diff *diff;
    struct bisected *bisected;
    struct exported *exported;         /* the last one */
    struct notice *notice;             /* the last one */
    const struct relations *relations; /* that triples can name; borrowed, NULL: none */
    struct desk_fact *queue;           /* facts typed, pasted or loaded as a list */
    int queued;
    struct mask_force force[DESK_FORCES]; /* the user's word against the scores */
    int forces;
    struct intervention change[DESK_CHANGES]; /* in force for queries */
    int changes;

    struct answer *trial[2]; /* the fact's prompt without the changes, and with them */
    unsigned trial_job[2];   /* who asks for them */
    unsigned trial_old[8];   /* who asked before: a ring; what they say is dropped */
    int trial_olds;
    char trial_state[17]; /* the state both were asked of */

    struct desk_job job[DESK_JOBS];
    struct progress progress;   /* of a posted job */
    struct progress background; /* of job 0 */
    unsigned progress_job;
    struct progress pull; /* of a model that is being fetched */
    unsigned pull_job;    /* 0: none is */
    char pull_name[100];  /* as it was asked for, also when it is over */
    bool stopped;         /* the engine has ended */

    /* where the user is */
    const char *at_view; /* the name of the view shown */
    int at_layer, at_neuron;
    enum heat_scale scale;
    enum heat_pool pool;
    enum ramp ramp;
    bool per_layer;
    enum desk_order order; /* of the map's columns */
    enum desk_side side;

    struct desk_line *news; /* ring of DESK_NEWS */
    int news_count;
};

void desk_init(struct desk *d, const struct params *params);
void desk_free(struct desk *d);
/* Takes the event whole: what it points to is kept or given back, and NULL afterwards. */
void desk_event(struct desk *d, struct event *ev);
void desk_remask(struct desk *d);        /* after a parameter changed; 0 to 16 ms */
void desk_forget_scores(struct desk *d); /* another fact: nothing shown is about it any more */
void desk_forget_trial(struct desk *d);  /* what was said under changes */
void desk_queue_drop(struct desk *d, int at);
/* Whether one more job can be kept in sight; a job that is not must not be posted. */
bool desk_room(const struct desk *d);
enum command_kind desk_kind(const struct desk *d, unsigned job); /* CMD_NONE: it is over */
void desk_posted(struct desk *d, unsigned job, enum command_kind kind);
/* The kind of a running job, CMD_NONE if there is none the user waits for. */
enum command_kind desk_busy(const struct desk *d);

bool desk_edits(const struct desk *d, int layer); /* will the edit write this layer? */
/* "L4–8" of the layers that are edited. */
const char *desk_edited_range(const struct desk *d, char out[48]);
/* The consequences of the mask on a layer: weighed, else of the preview; NULL: not known. */
const struct layer_report *desk_weight(const struct desk *d, int layer);
/* The first n neurons of one layer (or of all edited ones: -1) in this order: strongest
 * first, by class, or by index (one layer only). n > 0. Returns how many. */
struct desk_neuron {
    int layer, neuron;
    double score;
    unsigned class_bits;
    bool kept;
};
int desk_top(const struct desk *d, int layer, enum desk_order by, struct desk_neuron *out, int n);
const struct neuron_info *desk_words(const struct desk *d, int layer, int neuron);
const char *desk_explained(const struct desk *d, char out[64]); /* "·Paris", "" if not known */
const struct lens_grid *desk_lens(const struct desk *d, unsigned state); /* NULL: none */
/* The answers to the last question: of the base, and of the state that desk.ask names. */
struct desk_pair {
    const struct answer *before, *after; /* NULL: not asked yet */
    bool two;                            /* there is a second state to ask */
    unsigned state;                      /* of it: a bit of enum which_state */
    int edit;                            /* the state after this edit; 0: as it is now */
    bool changed;                        /* interventions go with it */
};
struct desk_pair desk_pair(const struct desk *d);
/* General neurons of a layer that the nth fact scored before has too, and how many two sets of
 * these sizes would share by chance; false: no such fact, or it is the one at hand. */
struct desk_shared {
    const char *prompt;
    int shared;
    double chance;
};
bool desk_shared(const struct desk *d, int nth, int layer, struct desk_shared *out);
void desk_log(struct desk *d, int tone, const char *text);

/* "▲" general, "●" specific, "◆" both, "·" none, and their roles. */
const char *class_glyph(unsigned class_bits);
enum role class_role(unsigned class_bits);

#endif
