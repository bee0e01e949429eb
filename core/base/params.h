/* The parameters of the method: one table of names, ranges and help (params_table.c explains it),
 * and the values of one run.
 *
 * A struct params is a plain value of about 1 KiB without pointers: copy it by assignment.
 * Numbers are doubles; a choice is an index into the row's words; some rows are texts. Every value
 * remembers its source, and a lower source never overrides a higher one:
 *
 *   default < preset < config file < session < command line (and the screen)
 *
 * So the order in which the sources are read does not matter. Any thread. */
#ifndef CORE_BASE_PARAMS_H
#define CORE_BASE_PARAMS_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/config.h"
#include "core/base/editor_names.h"
#include "core/base/err.h"

enum param_kind { PARAM_NUMBER, PARAM_INTEGER, PARAM_CHOICE, PARAM_LAYERS, PARAM_TEXT };
enum param_source { FROM_DEFAULT, FROM_PRESET, FROM_CONFIG, FROM_SESSION, FROM_COMMAND_LINE };

/* Which results depend on a parameter: what must be recomputed after it changes. */
enum param_affects {
    AFFECTS_SCORES = 1,      /* attribution */
    AFFECTS_TARGET = 2,      /* the optimised target of a fact */
    AFFECTS_MASK = 4,        /* computed from scores, in milliseconds */
    AFFECTS_SOLVE = 8,       /* keys, stores of past keys, the update */
    AFFECTS_STATISTICS = 16, /* second moments and null spaces */
    AFFECTS_VERDICT = 32,    /* whether an edit counts as a success */
    AFFECTS_WORDING = 64,    /* the tokens of a prompt; a fact stores its own wording */
    AFFECTS_EDIT = AFFECTS_SCORES | AFFECTS_TARGET | AFFECTS_MASK | AFFECTS_SOLVE |
                   AFFECTS_STATISTICS | AFFECTS_VERDICT,
    /* Not an effect: recordings of version 0.1.0 do not have it; their runs used its default. */
    PARAM_ADDED_LATER = 128
};

/* The parameters. Their rows, with help and ranges, are in params_table.c; a number here is a
 * default. */
enum param {
    P_ATTR_STRATEGY,  /* lps | psa | mpc */
    P_ATTR_AMPLIFY,   /* 30 */
    P_ATTR_TARGET,    /* pred | old | new */
    P_ATTR_POSITION,  /* last | subject_last | padded_last */
    P_ATTR_NORM,      /* fixed_final | own */
    P_ATTR_CLAMP,     /* 0, official 1e-8 */
    P_ATTR_EPS,       /* lens epsilon: 0 = the model's own, official 1e-6 */
    P_ATTR_PREFIXES,  /* 5 */
    P_ATTR_ROWS,      /* prefixes | paraphrases | both */
    P_MPC_KIND,       /* coeff | coeff_norm | coeff_proj */
    P_SCORE_GE_TEST,  /* zscore | raw */
    P_SCORE_SP_INPUT, /* raw | zscore */
    P_RATIO_INV_TEMP, /* 30; alias temperature = 1/value */
    P_RATIO_SP_DIST,  /* l1 | softmax */
    P_RATIO_SCALE,    /* raw | unit */
    P_RATIO_GE_A,     /* alpha_ge .10 */
    P_RATIO_GE_B,     /* beta_ge .30 */
    P_RATIO_GE_GAMMA, /* 1 */
    P_RATIO_SP_A,
    P_RATIO_SP_B,
    P_RATIO_SP_GAMMA,
    P_SELECT_RULE, /* topk | topk_hash | quantile_ge */
    P_MASK_MODE,   /* union general specific fixed overlap nonoverlap soft pooled random keymag none
                      complement redrawn previous */
    P_MASK_PLACE,  /* post | pre */
    P_MASK_COMPENSATE, /* none | gain | auto */
    P_MASK_FIXED_GE,   /* .25 */
    P_MASK_FIXED_SP,   /* .15 */
    P_MASK_DENSITY,    /* random, redrawn: 0 = the union's size */
    P_MASK_MASS,       /* keymag: share of |k| */
    P_MASK_PRE_MU,     /* pre: weight of the preserved term, 100 */
    P_MASK_SHARE,      /* batch | request */
    P_EDIT_METHOD,     /* editor_names.h */
    P_EDIT_LAYERS,     /* a list: "4-8", "4,6", "auto" */
    P_EDIT_PASSES,     /* 1..8 */
    P_EDIT_V_LR,
    P_EDIT_V_STEPS,
    P_EDIT_V_WD,
    P_EDIT_WD_POWER, /* 1 | 2 */
    P_EDIT_V_KL,
    P_EDIT_V_CLAMP,
    P_EDIT_V_STOP,         /* .05 */
    P_EDIT_V_LOSS_LAYER,   /* -1 = last */
    P_EDIT_NULL_FRACTION,  /* .7 */
    P_EDIT_NULL_THRESHOLD, /* 0 = use the fraction */
    P_EDIT_LAMBDA,
    P_EDIT_BATCH,
    P_EDIT_SOLVER, /* lowrank | dense */
    P_EDIT_LOOKUP, /* offsets | prefix(official) */
    P_STATS_TOKENS,
    P_STATS_WINDOW,
    P_ACCEPT_P_MIN,
    P_SEED,
    P_PROMPT_FORM,    /* plain | chat */
    P_PROMPT_SPECIAL, /* text | token */
    P_TARGET_BLANK,   /* auto | yes | no */
    P_ATTR_WORDS,     /* 0 = the whole vocabulary */
#define PARAM_ID(id, ...) id,
    EDITOR_PARAMS(PARAM_ID)
#undef PARAM_ID
        PARAM_COUNT
};

enum { PARAM_MAX_LAYERS = 512, PARAM_TEXT_MOST = 240, PARAM_TEXTS = 2 };

struct params {
    double value[PARAM_COUNT]; /* a choice: its index; P_EDIT_LAYERS and a text: unused */
    /* Of the rows of kind PARAM_TEXT, each at the index that its `low` says; "" is shown as "none".
     */
    char text[PARAM_TEXTS][PARAM_TEXT_MOST];
    unsigned char source[PARAM_COUNT];     /* enum param_source */
    unsigned char layer[PARAM_MAX_LAYERS]; /* P_EDIT_LAYERS: 1 for each layer that is edited */
    int layer_count;                       /* number of ones in layer[]; 0 means auto */
    bool layers_option;                    /* given as --layers, for messages */
};

struct param_info {
    const char *name;  /* "ratio.ge.a" */
    const char *alias; /* "alpha_ge" or "" */
    enum param_kind kind;
    double def, low, high;
    const char *words;  /* choices, separated by spaces; of a number, the word for 0, or "" */
    const char *symbol; /* the paper's, "α_ge"; "" if it has none */
    const char *unit;   /* "nats", "tokens", "" */
    const char *help;   /* one line, names the equation */
    unsigned affects;   /* bits of enum param_affects */
};

const struct param_info *param_info(enum param p);
/* Whether a number is at the word that stands for 0, "auto": the program chooses it. */
bool param_is_auto(const struct params *p, enum param id);
/* Whether a and b have the same value of p (for P_EDIT_LAYERS: the same list). */
bool param_same(const struct params *a, const struct params *b, enum param p);
/* Whether a and b agree in every parameter that affects any of these results. */
bool params_same(const struct params *a, const struct params *b, unsigned affects);
void params_default(struct params *p);
/* Sets the values with which the authors' released code runs, where they differ from the paper's
 * text (editscope-method(7) 13). */
void params_official(struct params *p, enum param_source from);
/* The name under which the user gave P_EDIT_LAYERS, for messages: "--layers" or "edit.layers". */
const char *params_layers_name(const struct params *p);
/* The value of a row of kind PARAM_TEXT. */
const char *params_text(const struct params *p, enum param id);
/* Sets a parameter from text. A name is a row's name or alias (alpha_ge ... beta_sp, amplify), or
 * one for several rows: `alpha`, `beta` and `gamma` set both kinds, `temperature` sets
 * ratio.inv_temp to 1/value. An unknown name and a value out of range are ERR_USAGE and name the
 * nearest valid one. Does nothing if the value has a higher source. */
bool params_set(struct params *p, const char *name, const char *value, enum param_source from,
                struct err *err);
/* The same for a row that is known; `name` is what the user called it, for errors. */
bool params_set_id(struct params *p, enum param id, const char *name, const char *value,
                   enum param_source from, struct err *err);
/* The same from one text "NAME=VALUE". */
bool params_assign(struct params *p, const char *name_equals_value, enum param_source from,
                   struct err *err);
/* The same from a line of a config file. The value ends at any #. */
bool params_line(struct params *p, const struct config_line *line, enum param_source from,
                 struct err *err);
/* Reads a preset: lines NAME = VALUE, # comments. On error p is unchanged. */
bool params_parse(struct params *p, const char *text, enum param_source from, struct err *err);
/* Appends the value as text that params_set() reads back exactly. */
void params_show(const struct params *p, enum param id, struct buf *out);
/* Appends "name=value;" for each parameter that affects any of these results: the key under which
 * such a result is cached. */
void params_show_all(const struct params *p, unsigned affects, struct buf *out);
/* The same of those alone that are not at their default: "" if all are. */
void params_show_changed(const struct params *p, unsigned affects, struct buf *out);
/* All values as one JSON object {"name": value, ...}. The caller frees it. */
char *params_to_json(const struct params *p);
/* Reads such an object. Names that are missing keep their value; on error p is unchanged. */
bool params_from_json(struct params *p, const char *json, enum param_source from, struct err *err);
/* The word of a choice, for example "union"; "" for other kinds. Static memory. */
const char *params_word(const struct params *p, enum param id);
/* The index of a choice, one of the enums below. */
static inline int params_choice(const struct params *p, enum param id)
{
    return (int)p->value[id];
}

/* The choices, in the order of the words in their row. params_test compares the two. */
enum { TARGET_PRED, TARGET_OLD, TARGET_NEW };
enum { POSITION_LAST, POSITION_SUBJECT_LAST, POSITION_PADDED_LAST };
enum { NORM_FIXED_FINAL, NORM_OWN };
enum { MPC_COEFF, MPC_COEFF_NORM, MPC_COEFF_PROJ };
enum { GE_ZSCORE, GE_RAW };
enum { SP_RAW, SP_ZSCORE };
enum { DIST_L1, DIST_SOFTMAX };
enum { SCALE_RAW, SCALE_UNIT };
enum { RULE_TOPK, RULE_TOPK_HASH, RULE_QUANTILE_GE };
enum {
    MODE_UNION,
    MODE_GENERAL,
    MODE_SPECIFIC,
    MODE_FIXED,
    MODE_OVERLAP,
    MODE_NONOVERLAP,
    MODE_SOFT,
    MODE_POOLED,
    MODE_RANDOM,
    MODE_KEYMAG,
    MODE_NONE,
    MODE_COMPLEMENT,
    MODE_REDRAWN,
    MODE_PREVIOUS,
    MODES
};
enum { MASKS_NMKE, MASKS_ALL };
enum { WEIGHTS_CURRENT, WEIGHTS_BASE };
enum { LIKE_NONE, LIKE_GAIN, LIKE_NORM };
enum { PLACE_POST, PLACE_PRE };
enum { COMPENSATE_NONE, COMPENSATE_GAIN, COMPENSATE_AUTO };
enum {
#define METHOD(id, ...) METHOD_##id,
    EDITORS(METHOD)
#undef METHOD
        METHODS
};
enum { SOLVER_LOWRANK, SOLVER_DENSE };
enum { LOOKUP_OFFSETS, LOOKUP_PREFIX };
enum { QUIRKS_NONE, QUIRKS_EASYEDIT };

#endif
