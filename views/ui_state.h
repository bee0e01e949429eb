/* What the screens know: the newest of everything the engine has said, the fact and the
 * parameters being worked on, and where the user is looking.
 *
 * One desk lies between the program's loop, which fills it from events, and the views, which draw
 * it. Nothing in it talks to the engine. UI thread only. */
#ifndef VIEWS_UI_STATE_H
#define VIEWS_UI_STATE_H

#include "core/base/params.h"
#include "core/engine/engine.h"
#include "tui/heatmap.h"

enum { UI_JOBS = 16, UI_WORDS = 2048, UI_ANSWERS = 24, UI_STEPS = 512, UI_NEWS = 400 };
enum { UI_TRIED = 512, UI_FORCES = 64, UI_CHANGES = 64 };
enum { UI_SETS = 8 };
enum neuron_order { ORDER_INDEX, ORDER_SCORE, ORDER_CLASS, ORDER_COUNT };
enum neuron_side { SIDE_AFTER, SIDE_BEFORE, SIDE_BOTH, SIDE_COUNT };

struct ui_job {
    unsigned job; /* 0: free */
    enum command_kind kind;
};

struct ui_layer {
    struct attribution *score; /* a reference; NULL: not computed */
    struct attribution *rough; /* the free MPC picture, until scores come; NULL: none */
    struct attribution *shown; /* what masks and maps are made of: score, or about it (≈) */
    struct mask *mask;
    float *strength; /* [M] the largest score over the rows (Eq. 5) */
    int strongest;   /* neuron of the largest strength */
    double peak;     /* its strength, 0 if none is positive */
};

enum queue_state { QUEUE_WAITS, QUEUE_RUNS, QUEUE_HOLDS, QUEUE_WEAK, QUEUE_FAILED };

struct general_set { /* the general neurons of a fact that was scored */
    char prompt[96]; /* its first row */
    int layers, neurons;
    unsigned char *bits; /* [layers][(neurons + 7) / 8]; NULL: none */
};

struct neuron_place {
    int layer, neuron;
};

enum { ASK_BASE = -1, ASK_NOW = 0 };

struct ask_options { /* how questions are asked */
    int state;       /* ASK_NOW, ASK_BASE, or the state after this edit */
    int tokens;      /* at most */
    double sample;   /* temperature; 0: greedy */
    bool chat;       /* in the model's chat form */
    char *prompt;    /* the last one asked, or NULL */
};

struct queued_fact { /* one of a list of facts that are edited one after another */
    struct fact fact;
    enum queue_state state;
    unsigned job;               /* while it runs */
    int edit;                   /* that wrote it, 0: none */
    double p[2];                /* of the new object, before and after */
    struct probe_report *board; /* its scoreboard, or NULL */
    char why[160];              /* it failed */
};

struct log_line { /* one message of the log */
    int tone;
    char text[320];
};

struct ui_state {
    struct params params;
    struct fact fact;
    struct fact look_fact; /* what `look` is about */

    bool ready; /* the model is loaded */
    struct model_info model;
    struct state_info state;
    struct prompt_info *look;
    struct attribution_header *meta;
    struct ui_layer *layer; /* [layers] */
    int layers, done;       /* done: layers with scores */
    unsigned run;           /* the complete attribution's id; 0: none */
    bool attributing, approximate;
    bool stale; /* the weights are others than the scores were made with */
    char scored_state[17];
    double amplify;    /* of the scores */
    double peak, clip; /* over all layers; where the colours end */
    int peak_layer;

    struct edit_report *weighed, *preview;
    struct commit_report *proof;
    struct target_step step[UI_STEPS];
    int steps;
    struct answer *answer[UI_ANSWERS];   /* newest first */
    struct neuron_info *words[UI_WORDS]; /* a ring */
    int word_next;
    struct ask_options ask;
    struct general_set set[UI_SETS]; /* the newest first */
    struct history *history;
    int stepped; /* the edit that was undone or redone with the newest history; 0: none */
    struct moments_info *moments;
    struct lens_grid *lens[3]; /* of base, edited, preview: ui_lens() */
    struct trace *trace;
    struct probe_report *board; /* of the fact at hand; NULL: not asked */
    struct variant_result
        *tried[UI_TRIED]; /* of the last CMD_VARIANTS, by variant; NULL: not yet */
    unsigned trying;      /* its job, also when it is over */
    int variants;         /* it tries */
    struct drift *drift;
    struct diff *diff;
    struct bisect_report *bisected;
    struct export_report *exported;    /* the last one */
    struct notice *notice;             /* the last one */
    const struct relations *relations; /* that triples can name; borrowed, NULL: none */
    struct queued_fact *queue;         /* facts typed, pasted or loaded as a list */
    int queued;
    struct mask_override force[UI_FORCES]; /* the user's word against the scores */
    int forces;
    struct intervention change[UI_CHANGES]; /* in force for queries */
    int changes;

    struct answer *trial[2]; /* the fact's prompt without the changes, and with them */
    unsigned trial_job[2];   /* who asks for them */
    unsigned trial_old[8];   /* who asked before: a ring; what they say is dropped */
    int trial_olds;
    char trial_state[17]; /* the state both were asked of */

    struct ui_job job[UI_JOBS];
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
    enum neuron_order order; /* of the map's columns */
    enum neuron_side side;

    struct log_line *news; /* ring of UI_NEWS */
    int news_count;
};

void ui_init(struct ui_state *d, const struct params *params);
void ui_free(struct ui_state *d);
/* Takes the event whole: what it points to is kept or given back, and NULL afterwards. */
void ui_event(struct ui_state *d, struct event *ev);
void ui_remask(struct ui_state *d);        /* after a parameter changed; 0 to 16 ms */
void ui_forget_scores(struct ui_state *d); /* another fact: nothing shown is about it any more */
void ui_forget_intervention_answers(struct ui_state *d); /* what was said under changes */
void ui_queue_drop(struct ui_state *d, int at);
/* Whether one more job can be kept in sight; a job that is not must not be posted. */
bool ui_room(const struct ui_state *d);
enum command_kind ui_kind(const struct ui_state *d, unsigned job); /* CMD_NONE: it is over */
void ui_posted(struct ui_state *d, unsigned job, enum command_kind kind);
/* The kind of a running job, CMD_NONE if there is none the user waits for. */
enum command_kind ui_busy(const struct ui_state *d);

bool ui_edits(const struct ui_state *d, int layer); /* will the edit write this layer? */
/* "L4–8" of the layers that are edited. */
const char *ui_edited_range(const struct ui_state *d, char out[48]);
/* The consequences of the mask on a layer: weighed, else of the preview; NULL: not known. */
const struct layer_report *ui_layer_report(const struct ui_state *d, int layer);
/* The first n neurons of one layer (or of all edited ones: -1) in this order: strongest
 * first, by class, or by index (one layer only). n > 0. Returns how many. */
struct ranked_neuron {
    int layer, neuron;
    double score;
    unsigned class_bits;
    bool kept;
};
int ui_top(const struct ui_state *d, int layer, enum neuron_order by, struct ranked_neuron *out,
           int n);
const struct neuron_info *ui_words(const struct ui_state *d, int layer, int neuron);
const char *ui_explained(const struct ui_state *d, char out[64]); /* "·Paris", "" if not known */
const struct lens_grid *ui_lens(const struct ui_state *d, unsigned state); /* NULL: none */
/* The answers to the last question: of the base, and of the state that desk.ask names. */
struct answer_pair {
    const struct answer *before, *after; /* NULL: not asked yet */
    bool two;                            /* there is a second state to ask */
    unsigned state;                      /* of it: a bit of enum which_state */
    int edit;                            /* the state after this edit; 0: as it is now */
    bool changed;                        /* interventions go with it */
};
struct answer_pair ui_answer_pair(const struct ui_state *d);
/* General neurons of a layer that the nth fact scored before has too, and how many two sets of
 * these sizes would share by chance; false: no such fact, or it is the one at hand. */
struct shared_neurons {
    const char *prompt;
    int shared;
    double chance;
};
bool ui_shared(const struct ui_state *d, int nth, int layer, struct shared_neurons *out);
void ui_log(struct ui_state *d, int tone, const char *text);

/* "▲" general, "●" specific, "◆" both, "·" none, and their roles. */
const char *class_glyph(unsigned class_bits);
enum role class_role(unsigned class_bits);

#endif
