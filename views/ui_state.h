/* What the screens know.
 *
 * One `struct ui_state` lies between the program's loop and the views:
 *
 *     engine thread                        UI thread
 *     -------------                        ---------
 *     bus_emit(event)  -->  app_event()  -->  ui_event(state, event)   fills the state
 *                                             view->ops->event(...)    the view may react
 *                                             view->ops->draw(state)   reads the state only
 *     bus_take(command) <-- host->post()  <-- requests.c               a key became a command
 *
 * The state has four parts:
 *   1. the work at hand: the fact and the parameters. They are what a command sends along.
 *   2. a result of each kind (scores per layer, the preview, the lens, the history ...): the one
 *      that matches what is at hand, or if there is none the newest. ui_state.c has a table with
 *      one row per kind of event, which says what such a result depends on. Views that find NULL
 *      draw "not computed yet"; what ui_differs() says about a result, they draw as stale.
 *   3. the running jobs and their progress.
 *   4. where the user is looking: the view, the layer and neuron under the cursor, the colour
 *      scale, the order of columns. All views share one cursor, so that a neuron found in the
 *      heatmap is the one that the Neurons view shows.
 *
 * Masks are the exception to "the engine computes, the screen shows": when a parameter of the mask
 * moves, ui_remask() builds the masks of all layers again from the scores it has (mask.h, no model
 * needed, below 16 ms for 32 layers of 14336 neurons). So sliders act at once.
 *
 * Ownership: every pointer below is owned by the state unless its comment says "borrowed".
 * Thread: the UI thread only. Nothing in this file talks to the engine. */
#ifndef VIEWS_UI_STATE_H
#define VIEWS_UI_STATE_H

#include "core/base/params.h"
#include "core/engine/engine.h"
#include "tui/heatmap.h"
#include "views/ui_jobs.h"

/* Sizes of the fixed arrays below. A list that is full refuses (jobs, overrides, interventions) or
 * drops its oldest element (answers, neuron infos, log lines, general sets). */
enum { UI_NEURON_INFO = 2048, UI_ANSWERS = 24, UI_STEPS = 512, UI_LOG_LINES = 400 };
enum { UI_VARIANTS = 512, UI_MASK_OVERRIDES = 64, UI_INTERVENTIONS = 64, UI_OLD_JOBS = 8 };
enum { UI_GENERAL_SETS = 8, UI_BEGUN = 64, UI_SLOTS = 40, UI_KEPT = 3, UI_ROWS = 4 };
enum { UI_WORDS = 200, UI_POINTS = 640 };
enum neuron_order { ORDER_INDEX, ORDER_SCORE, ORDER_CLASS, ORDER_COUNT };
enum neuron_side { SIDE_AFTER, SIDE_BEFORE, SIDE_BOTH, SIDE_COUNT };

struct ui_begun {           /* what a job is about; kept after it has ended */
    unsigned job;           /* its number; 0: this slot is free */
    struct job_begun *what; /* with the stamp of its results */
    bool over;              /* it has ended */
};

struct ui_origin { /* what a result was made from */
    struct stamp stamp;
    char fact[100];    /* "Eiffel Tower → Rome"; "": no fact */
    char old[64];      /* its old object; "": it names none */
    char changed[512]; /* parameters that were not at their default */
    unsigned job;
};

struct ui_kept { /* a result that was made from something else than the one shown */
    void *what;
    struct ui_origin from;
};

struct ui_row { /* scores of a layer */
    struct attribution *score;
    struct ui_origin from;
    unsigned number; /* in the order of arrival, from 1 */
};

struct ui_layer {               /* what is known of one layer; all zero until its scores arrive */
    struct ui_row row[UI_ROWS]; /* scores of several origins, the newest first; references */
    struct attribution *score;  /* of `row`: what matches, or what ui_layers.c says; NULL: none */
    struct ui_origin from;      /* of `score` */
    unsigned differs;           /* in these parts it does not match: bits of enum stamp_part */
    struct attribution *mpc;    /* the MPC scores that come free with a forward pass; NULL: none */
    struct ui_origin mpc_from;
    unsigned mpc_differs;
    struct attribution *extrapolated; /* `score` at another amplification, or NULL */
    struct attribution *shown; /* source of masks and maps: `score`, or its extrapolation to another
                                  amplification (drawn with the sign ≈) */
    struct mask *mask;         /* built from `shown` with the parameters at hand */
    float *strength;           /* [M] per neuron the largest score over the rows (Eq. 5) */
    int strongest;             /* index of the neuron with the largest strength */
    double peak;               /* that strength; 0 if none is positive */
};

enum queue_state { QUEUE_WAITS, QUEUE_RUNS, QUEUE_HOLDS, QUEUE_WEAK, QUEUE_FAILED };

/* The general neurons of a fact that was scored earlier in this session, to see whether several
 * facts share them. */
struct general_set {
    char prompt[96]; /* the first row of that attribution: identifies the fact */
    int layers, neurons;
    unsigned char *bits; /* [layers][(neurons + 7) / 8], bit i%8 of byte i/8; NULL: unused */
};

/* Where a way of making an edit lies, for the plane of Sweep (ui_points.c). */
struct ui_point {
    enum {
        POINT_NONE,
        POINT_KNOBS,   /* the parameters that were at hand: an estimate or a preview */
        POINT_VARIANT, /* of Compare or Sweep */
        POINT_RANDOM,  /* the same, with a random mask */
    } kind;
    struct stamp of;   /* with the state that it was made on */
    double p, gain;    /* p(target): NAN if it was not asked */
    double leak, kept; /* leak/gain², and the share of neurons */
};

struct neuron_place {
    int layer, neuron;
};

enum tried_on { /* the user's choice of the state that variants are tried on (tried_on.h) */
                TRIED_AUTO,   /* before the edit that wrote this fact, if one did; else now */
                TRIED_BEFORE, /* before the first edit that wrote this fact's question */
                TRIED_BASE,
                TRIED_NOW,
};

enum { QUERY_BASE = -1, QUERY_NOW = 0 };

struct query_options { /* how the Query view asks */
    int state;         /* QUERY_NOW, QUERY_BASE, or n > 0: the state after edit n */
    int tokens;        /* the answer has at most so many */
    double sample;     /* temperature; 0: greedy */
    bool chat;         /* wrap the prompt in the model's chat template */
    char *prompt;      /* the last prompt asked, or NULL */
};

struct queued_fact { /* one of a list of facts that are edited one after another */
    struct fact fact;
    enum queue_state state;
    unsigned job;                /* while it runs */
    int edit;                    /* the edit that wrote it; 0: none */
    double p[2];                 /* p(new object) before and after */
    struct probe_report *probes; /* its scoreboard, or NULL */
    struct ui_origin probes_from;
    char why[160]; /* why it failed; "" otherwise */
};

/* What is known of the last preview or commit of the fact at hand, in the order in which it comes.
 * It is dropped with its preview. That of a commit is put aside when other weights or a preview
 * take its place, and is there again with its weights (ui_verdict.c). */
struct ui_verdict {
    struct edit_report *report;      /* NULL: there is no verdict */
    bool committed;                  /* a commit, not a preview */
    struct ui_origin from;           /* what it was made from, and the job that made it */
    unsigned probe_job;              /* that asks the probes; 0: none was posted */
    bool probes_follow;              /* it was posted because the preview or commit was made */
    struct edit_sides *sides;        /* how the states before and after read and answer; NULL: not
                                        known */
    struct probe_report *probes;     /* NULL: not asked */
    struct overwritten *overwritten; /* NULL: not asked */
    struct params params;            /* that it was made with */
    char state[17];                  /* of a commit: the weights that it is about */
    /* Not NULL: the commit was read back from the session, with what was measured then. Once the
     * two states were asked again there are `sides`, and the report has their answers. */
    struct recalled_edit *recalled;
};

struct log_line { /* one message of the log */
    int tone;     /* enum tone of view.h */
    double when;  /* unix seconds */
    char text[320];
};

struct ui_state {
    /* 1. the work at hand */
    struct params params;
    struct params first;  /* the parameters of the start: preset, config file, options */
    struct fact fact;     /* all NULL: none yet */
    struct ui_origin now; /* of a result that would be made now; ui_match() sets it */

    bool present;       /* --present: fewer and larger panes */
    const char *viewed; /* the file whose results are shown, borrowed; NULL: none */
    bool recorded; /* the results come from a file: no model is open, nothing can be computed */

    /* 2. the results */
    struct ui_origin origin[UI_SLOTS]; /* by the rows of event_slots, as `kept` */
    struct ui_kept kept[UI_SLOTS][UI_KEPT];
    bool ready; /* the model is loaded */
    struct model_info model;
    struct state_info state;           /* session, edits, preview, which layers are edited */
    struct prompt_info *prompt_info;   /* tokens, next tokens and ranks of the fact's prompt */
    struct attribution_header *header; /* rows and targets of the attribution */
    struct ui_layer *layer;            /* [layers] */
    int layers;
    int scored_layers, stale_layers; /* how many have scores that match, that do not */
    unsigned last_row;               /* ui_row.number of the newest */
    bool attributing;                /* scores are still arriving, */
    unsigned attributing_job;        /* of this job */
    bool approximate;                /* `shown` of a matching layer is extrapolated */
    double peak, clip; /* largest strength of the layers that count; end of the colour scale */
    int peak_layer;

    struct edit_report *estimate, *preview; /* gain and leak per layer: quick estimate; preview */
    struct commit_report *commit_report;
    struct ui_verdict verdict, verdict_aside;
    unsigned recall_job;               /* that reads the verdict from the session, or did */
    struct target_step step[UI_STEPS]; /* losses of the target's optimisation, by step */
    int steps;
    struct ui_origin step_from;
    struct answer *answer[UI_ANSWERS]; /* newest first */
    struct ui_origin answer_from[UI_ANSWERS];
    int answers; /* whole ones that ever came, without those of interventions */
    struct neuron_info *neuron_info[UI_NEURON_INFO]; /* a ring: tokens that neurons promote */
    char neuron_info_state[UI_NEURON_INFO][17];      /* the state that they were asked of */
    int neuron_info_next;                            /* the slot of the ring to be filled next */
    struct query_options query;
    struct general_set general_set[UI_GENERAL_SETS]; /* newest first */
    struct history *history;
    struct ui_run *run;  /* of `eval`, as the Run view asked for it (ui_run.h); NULL: none */
    unsigned run_job;    /* that reads it last: what earlier ones bring is not taken */
    bool session_is_run; /* of `eval`: the Run view can show it */
    int toggled_edit;    /* the edit that the newest history undid or redid; 0: none */
    struct moments_info *moments;
    struct lens_grid *lens[3]; /* of base, edited, preview; read it by ui_lens() */
    struct trace *trace;
    struct probe_report *probes; /* scoreboard of the fact at hand; NULL: not asked */
    struct variant_result *variant[UI_VARIANTS]; /* of the last CMD_VARIANTS; NULL: not there yet */
    unsigned variant_job;                        /* its job, also after it has ended */
    struct ui_origin variant_from;
    int variant_count;                /* how many it computes */
    enum tried_on tried_on;           /* on which state */
    struct ui_point point[UI_POINTS]; /* a ring, also of other facts and states */
    int points;                       /* how many were ever put into it */
    struct drift *drift;
    struct diff *diff;
    struct bisect_report *bisection;
    struct export_report *export_report; /* the last one */
    struct notice *notice;               /* the last one */
    const struct relations *relations;   /* that triples can name; borrowed, NULL: none */
    struct queued_fact *queue;           /* [queue_count] facts typed, pasted or loaded as a list */
    int queue_count;
    struct overwritten *rechecked; /* at the end of the list; NULL: not asked */

    /* Neurons that the user put into the mask or took out of it, against their scores. */
    struct mask_override mask_override[UI_MASK_OVERRIDES];
    int mask_override_count;
    /* Neurons whose coefficient is silenced, set or scaled in queries (never in weights). */
    struct intervention intervention[UI_INTERVENTIONS];
    int intervention_count;

    /* The answers to the fact's prompt, [0] without and [1] with the interventions. */
    struct answer *intervention_answer[2];
    struct ui_origin intervention_from[2];
    unsigned intervention_job[2];               /* the jobs that fetch them */
    unsigned intervention_old_job[UI_OLD_JOBS]; /* a ring of earlier such jobs: answers dropped */
    int intervention_old_count;                 /* how many were ever put into that ring */
    char intervention_state[17];                /* the state that both were asked of */

    /* 3. jobs */
    struct ui_job job[UI_JOBS];    /* the cards of jobs that have not ended */
    struct ui_job ended[UI_ENDED]; /* those that ended last, the newest first */
    int ended_count;
    struct ui_job unseen_ended; /* the last that ended without having been shown */
    struct stage_time stage[UI_STAGES];
    int stages;
    double clock;                    /* clock_seconds() of the frame that is drawn */
    struct ui_begun begun[UI_BEGUN]; /* a ring: the last jobs that began */
    int begun_next;
    struct progress background; /* of work that nobody posted (job 0), such as moments */
    struct progress pull;       /* of a model that is being downloaded */
    unsigned pull_job;          /* 0: no download */
    char pull_name[100];        /* its name as typed; kept after the end */
    bool stopped;               /* the engine has ended */

    /* 4. where the user is looking */
    const char *at_view;     /* the name of the view shown; borrowed */
    bool without_keys;       /* plain mode: hints name commands (hint.h) */
    int at_layer, at_neuron; /* the cursor that all views share; at_neuron -1: none yet */
    enum heat_scale scale;   /* of the colours of maps */
    enum heat_pool pool;     /* how a bin of several neurons becomes one number */
    enum ramp ramp;
    bool per_layer;          /* each layer has a colour scale of its own */
    enum neuron_order order; /* of the map's columns */
    enum neuron_side side;   /* show the state before the edit, after it, or both */

    struct log_line *log; /* [UI_LOG_LINES] a ring; line n is log[n % UI_LOG_LINES] */
    int log_count;        /* lines ever written */
};

/* Zeroes *d, copies the parameters and allocates the log. ui_free() ends it. */
void ui_init(struct ui_state *d, const struct params *params);
void ui_free(struct ui_state *d);

/* Takes one event of the engine. What the event points to is kept or freed here, and the event's
 * pointer is NULL afterwards. */
void ui_event(struct ui_state *d, struct event *ev);
/* Builds the masks of all layers again after a parameter changed. Needs no model. */
void ui_remask(struct ui_state *d);
/* To be called after the fact, a parameter or a mask override changed: shows the results that match
 * what is at hand now. */
void ui_match(struct ui_state *d);

/* The parts in which a result (a pointer that this struct holds, or `step`) was made from something
 * else than what is at hand: bits of enum stamp_part. 0: it matches, or is NULL. */
unsigned ui_differs(const struct ui_state *d, const void *result);
/* The same as words: "of Eiffel Tower → Rome", "on BASE, before the last change", "made with β_ge
 * 0.3, now 0.4"; "" if it matches. Returns out. */
const char *ui_differs_words(const struct ui_state *d, const void *result, char out[UI_WORDS]);
/* The new object that a result is about: that of the fact at hand, "new" if it is of another. */
const char *ui_object_of(const struct ui_state *d, const void *result);
/* The tokens and the answer of this fact's prompt, which need not be the fact at hand: shown, or
 * kept of what was asked before. Else those shown, and *differs says in which parts they are of
 * something else. NULL: there are none. */
const struct prompt_info *ui_prompt_of(const struct ui_state *d, const struct fact *fact,
                                       unsigned *differs);
/* Appends what is at hand in one line, for exports: the fact, the state, parameters that are not at
 * their default, and how many layers have scores that match. */
void ui_about(const struct ui_state *d, struct buf *out);
/* Whether a layer's scores count: they match, or none of any layer does. */
bool ui_row_counts(const struct ui_state *d, int layer);

/* Drops both answers of the interventions; answers of jobs that still run will be dropped too. */
void ui_forget_intervention_answers(struct ui_state *d);
/* The fact of the list that this job edits or asks; NULL: it is not of the list. */
struct queued_fact *ui_queue_at(const struct ui_state *d, unsigned job);
/* What is known of a fact that held when it was made and that a later edit overwrote; NULL: nothing
 * is, of the present weights. */
const struct overwritten_fact *ui_overwritten_since(const struct ui_state *d,
                                                    const struct queued_fact *q);
/* The later edit that gave the question of a fact of the queue another object; 0: none did. */
int ui_rewritten_since(const struct ui_state *d, const struct queued_fact *q);
/* Removes the fact at this index from the queue; an index outside does nothing. */
void ui_queue_remove(struct ui_state *d, int at);

/* What a job said when it began; NULL: it has not begun, or long ago. */
const struct job_begun *ui_job_begun(const struct ui_state *d, unsigned job);
/* The stamp of a result that fits what is at hand: the fact, the parameters, the mask's overrides,
 * the edited weights. */
struct stamp ui_stamp_now(const struct ui_state *d);
/* The same with another fact. */
struct stamp ui_stamp_with(const struct ui_state *d, const struct fact *fact);

/* Whether an edit with the parameters at hand writes this layer. */
bool ui_edits_layer(const struct ui_state *d, int layer);
/* That numbers come from the unedited model although the weights at hand may be edited: " · of
 * BASE" of scores, ratios and masks, " · target and mask of BASE" of an edit with these parameters;
 * else "". */
const char *scores_of_base(const struct params *p);
const char *edit_of_base(const struct params *p);
/* The edited layers as text, "L4–8,L12"; "" for none. Returns out. */
const char *ui_edited_range(const struct ui_state *d, char out[48]);
/* The same of the layers that an edit wrote. */
const char *report_range(const struct edit_report *a, char out[48]);
/* Gain and leak of a layer: from the estimate, else from the preview; NULL: not known. */
const struct layer_report *ui_layer_report(const struct ui_state *d, int layer);
/* What ui_differs() says about them. */
unsigned ui_report_differs(const struct ui_state *d);

/* Fills out[n] with the first neurons in this order and returns how many there are. `layer` -1
 * means all edited layers together. ORDER_SCORE: strongest first. ORDER_CLASS: both, general,
 * specific, none; strongest first within a class. ORDER_INDEX: for one layer only. n > 0. */
struct ranked_neuron {
    int layer, neuron;
    double score; /* its strength (Eq. 5) */
    unsigned class_bits;
    bool kept; /* its ui_weight() is above 0 */
};
/* How much the method at hand writes of a neuron's column, 0 to 1: by the mask at hand, or where
 * the method chooses neurons itself, by the verdict's edit. NAN: not known, or the method has no
 * mask. ui_kept_in(): how many of a layer; -1: not known, or no mask. */
double ui_weight(const struct ui_state *d, int layer, int neuron);
int ui_kept_in(const struct ui_state *d, int layer);

int ui_top_neurons(const struct ui_state *d, int layer, enum neuron_order by,
                   struct ranked_neuron *out, int n);

/* The tokens that a neuron promotes and suppresses; NULL: not fetched yet. */
const struct neuron_info *ui_neuron_info(const struct ui_state *d, int layer, int neuron);
/* The token whose probability the scores explain, "·Paris"; "" if not known. Returns out. */
const char *ui_explained_token(const struct ui_state *d, char out[64]);
/* Of how many drawn words the sums of the rows that are not stale are (attr.words); 0: of all. */
int ui_scored_words(const struct ui_state *d);
/* Appends "on BASE", "after edit 2" or "on other weights" for a state_info.state. */
void ui_put_state(const struct ui_state *d, const char *state, struct buf *out);

/* The lens of one state (a bit of enum which_state); NULL: none. */
const struct lens_grid *ui_lens(const struct ui_state *d, unsigned state);

/* The verdict of the fact at hand; NULL: there is none. */
const struct ui_verdict *ui_verdict(const struct ui_state *d);
/* Whether the verdict's answers are those of the weights as they are (of a preview: would be). An
 * edit that was read back may be followed by others. */
bool ui_verdict_is_present(const struct ui_state *d);
/* The scoreboard of the fact at hand: of its verdict, or as B in Facts asked for it. NULL: none. */
const struct probe_report *ui_scoreboard(const struct ui_state *d);
/* What the verdict's edit wrote in a layer whose neurons its method chose itself (KN, FiNE); NULL:
 * nothing, or the verdict is of something else than is at hand. ui_neuron_chosen(): whether this
 * neuron is among them. */
const struct layer_report *ui_chosen_in(const struct ui_state *d, int layer);
bool ui_neuron_chosen(const struct ui_state *d, int layer, int neuron);
/* Whether the verdict is of a preview that was made from something else than what is at hand now;
 * ui_verdict_words(): "made with β_ge 0.3, now 0.4". */
bool ui_verdict_moved(const struct ui_state *d);
const char *ui_verdict_words(const struct ui_state *d, char out[UI_WORDS]);
/* Whether the verdict is of a commit that was made with other parameters than those at hand; `out`
 * says which. */
bool ui_verdict_other_params(const struct ui_state *d, char out[UI_WORDS]);
/* Fills *then with what is known of the state, the parameters and the masks that the edit of the
 * verdict was made from; without a verdict, of what is at hand. It borrows all of d but its layers,
 * and has no verdict. Rows and results of anything else are not in it, or differ (ui_differs()).
 * False: the neurons that the edit forced are not known, so that its masks are not these. Free with
 * ui_layers_copy_free() before d changes. */
bool ui_as_of_verdict(const struct ui_state *d, struct ui_state *then);
void ui_layers_copy_free(struct ui_state *then);
/* The side of the verdict that is shown (ui_state.side; both: the one after); NULL: there is none.
 */
const struct edit_side *ui_shown_side(const struct ui_state *d);

/* The two answers to the last question: of the base, and of the state that `query` names. */
struct answer_pair {
    const struct answer *before, *after; /* NULL: not asked yet */
    bool two;                            /* there is a second state to ask */
    unsigned state;                      /* of it: a bit of enum which_state */
    int edit;                            /* n > 0: the state after edit n; 0: as it is now */
    bool changed;                        /* the interventions apply to it */
};
struct answer_pair ui_answer_pair(const struct ui_state *d);

/* How many general neurons of a layer are also in the nth general set, and how many two sets of
 * these sizes share by chance: size now * size then / neurons. false: there is no such set, or it
 * is of the fact at hand. */
struct shared_neurons {
    const char *prompt;
    int shared;
    double chance;
};
bool ui_shared_neurons(const struct ui_state *d, int nth, int layer, struct shared_neurons *out);

/* The point of the parameters at hand, made on this state; NULL: not known. */
const struct ui_point *ui_point_now(const struct ui_state *d, const char *state);
/* Whether a point is of the fact at hand and of this state. */
bool ui_point_shown(const struct ui_state *d, const struct ui_point *p, const char *state);

/* Appends a message to the log; more than 319 bytes are cut. */
void ui_log(struct ui_state *d, int tone, const char *text);

/* A neuron's class as a glyph, "▲" general, "●" specific, "◆" both, "·" none, and as a role. */
const char *class_glyph(unsigned class_bits);
enum role class_role(unsigned class_bits);

#endif
