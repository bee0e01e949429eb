/* The program as commands: options in, lines or JSON out, an exit status.
 *
 * A command never touches the terminal's modes. Data goes to standard output, messages and
 * progress to standard error. */
#ifndef VIEWS_CLI_CLI_H
#define VIEWS_CLI_CLI_H

#include <stdbool.h>

#include <jansson.h>

#include "core/base/eta.h"
#include "core/base/params.h"
#include "core/base/table.h"
#include "core/base/version.h"
#include "core/engine/engine.h"
#include "core/engine/event_fields.h"

/* Which commands take an option. */
enum {
    FOR_ALL = 1,
    FOR_MODEL = 2,
    FOR_PARAMS = 4,
    FOR_SESSION = 8,
    FOR_FACT = 16,
    FOR_TEXT = 32,
    FOR_ATTRIBUTE = 64,
    FOR_EDIT = 128,
    FOR_QUERY = 256,
    FOR_STEP = 512,
    FOR_STATS = 1024,
    FOR_TOKENS = 2048,
    FOR_CONFIG = 4096,
    FOR_EXPORT = 1 << 14,
    FOR_SCREEN = 8192,
    FOR_SWEEP = 1 << 20,
    FOR_DIFF = 1 << 21,
    FOR_BISECT = 1 << 22,
    FOR_THEMES = 1 << 23,
    FOR_REPLAY = 1 << 24,
    FOR_RECORD = 1 << 25,
    FOR_CANVAS = 1 << 26, /* how any screen looks */
    FOR_APPLY = 1 << 27,
    FOR_LOG = 1 << 28,
    FOR_TUNE = 1 << 15,
    FOR_EVAL = 1 << 16,
};

#define METHOD_WORD(id, name, word) " " word
#define TASK_WORD(name)             " " #name
/* id, long name, short name, argument ("" for a flag), commands, help. An option that means
 * something else in another command has a row for each meaning. */
#define OPTIONS(X)                                                                                 \
    X(TRIPLE, "triple", 0, "TRIPLE", FOR_FACT,                                                     \
      "The fact as subject | relation or prompt | object")                                         \
    X(PROBE, "probe", 0, "", FOR_EDIT, "With --facts: print the probes of every fact")             \
    X(SUBJECT, "subject", 0, "TEXT", FOR_FACT, "The subject of the fact")                          \
    X(PROMPT, "prompt", 0, "TEXT", FOR_FACT, "The prompt; {} stands for the subject")              \
    X(TARGET, "target", 0, "TEXT", FOR_FACT, "The new object")                                     \
    X(OLD, "old", 0, "TEXT", FOR_FACT, "The old object, if it is known")                           \
    X(FACT, "fact", 0, "FILE", FOR_FACT,                                                           \
      "Read one fact from this file, a JSON object; -: standard input")                            \
    X(FACTS, "facts", 0, "FILE", FOR_EDIT,                                                         \
      "Edit many facts: a JSON array, or one JSON object per line")                                \
    X(BATCH, "batch", 0, "N", FOR_EDIT | FOR_EVAL,                                                 \
      "Number of facts that one solve writes together")                                            \
    X(SKIP, "skip", 0, "N", FOR_EDIT, "With --facts: skip the first N facts")                      \
    X(AGAIN, "again", 0, "", FOR_EDIT,                                                             \
      "With --facts: also write facts that the session already has")                               \
    X(METHOD, "method", 0, "NAME", FOR_EDIT, "Editing method:" EDITORS(METHOD_WORD))               \
    X(METHODS, "method", 0, "LIST", FOR_EVAL, "Editing methods, such as nmke,alphaedit")           \
    X(CHECKPOINTS, "edits", 0, "LIST", FOR_EVAL,                                                   \
      "How many facts to write, and when to ask all of them: 10,30,100")                           \
    X(ORDERS, "orders", 0, "N", FOR_EVAL, "Repeat every arm in N orders of the facts")             \
    X(PROTOCOLS, "protocol", 0, "LIST", FOR_EVAL,                                                  \
      "How to ask: teacher, generated, chat, routed; default: the first two")                      \
    X(NO_STATE, "no-state", 0, "", FOR_EVAL,                                                       \
      "Leave out drift, perplexity and fluency of the states")                                     \
    X(TASKS, "tasks", 0, "LIST", FOR_EVAL,                                                         \
      "Also ask ability tasks at each number of --edits:" TASKS(TASK_WORD))                        \
    X(TASK_RECORDS, "task-records", 0, "N", FOR_EVAL, "Ask at most N questions of each task")      \
    X(TASK_SHOTS, "task-shots", 0, "N", FOR_EVAL,                                                  \
      "Number of worked examples before each question, where a task has them")                     \
    X(TASK_DATA, "task-data", 0, "FOLDER", FOR_EVAL,                                               \
      "Folder with the data of the tasks; without it, the samples are asked")                      \
    X(TASK_NO_BOS, "task-no-bos", 0, "", FOR_EVAL,                                                 \
      "No BOS token before a question, as older versions of the harness ask it")                   \
    X(ALLOW_EXEC, "allow-exec", 0, "", FOR_EVAL,                                                   \
      "Let humaneval execute, shut in, what the model writes")                                     \
    X(RUN, "output", 'o', "FILE", FOR_EVAL,                                                        \
      "The run's file; the same command goes on where it stopped")                                 \
    X(FIGURE, "figure", 0, "FILE", FOR_EVAL,                                                       \
      "Write the metrics over the number of edits as a figure, FILE.svg")                          \
    X(PREVIEW, "preview", 0, "", FOR_EDIT, "Compute the edit without saving it")                   \
    X(DRAFT, "draft", 0, "", FOR_EDIT | FOR_SWEEP | FOR_TUNE | FOR_EVAL,                           \
      "Use the latest partial second moments")                                                     \
    X(Z, "z", 0, "FILE", FOR_EDIT, "Skip the optimisation; read tensor z from a safetensors file") \
    X(LAYERS, "layers", 0, "LIST", FOR_ATTRIBUTE | FOR_STATS,                                      \
      "Layers: all, or a list such as 4-8 or 4,6")                                                 \
    X(OUTPUT, "output", 'o', "FILE", FOR_ATTRIBUTE, "Write the run as a safetensors file")         \
    X(TOKENS, "tokens", 'n', "N", FOR_QUERY | FOR_BISECT, "Number of tokens to generate")          \
    X(SUM_TOKENS, "tokens", 'n', "N", FOR_STATS, "Number of tokens to sum over")                   \
    X(WINDOW, "window", 0, "N", FOR_STATS, "Number of tokens in each piece of the text")           \
    X(STATS_IMPORT, "import", 0, "FOLDER", FOR_STATS, "First take what --export wrote")            \
    X(STATS_EXPORT, "export", 0, "FOLDER", FOR_STATS, "Write the files for another machine")       \
    X(TOP, "top", 0, "K", FOR_QUERY, "Number of next tokens to print")                             \
    X(TOP_NEURONS, "top", 0, "K", FOR_ATTRIBUTE, "Number of neurons per layer to print")           \
    X(STATE, "state", 0, "WHICH", FOR_QUERY, "Model state: base, edited, both or edit:N")          \
    X(ONE_STATE, "state", 0, "WHICH", FOR_EXPORT | FOR_SWEEP,                                      \
      "Model state: base, edited or edit:N")                                                       \
    X(SAMPLE, "temperature-sample", 0, "T", FOR_QUERY, "Sampling temperature; 0: greedy")          \
    X(CHAT, "chat", 0, "", FOR_QUERY | FOR_FACT | FOR_BISECT, "Ask in the model's chat form")      \
    X(SPECIAL, "parse-special", 0, "", FOR_TOKENS | FOR_QUERY | FOR_FACT | FOR_BISECT,             \
      "Read special tokens that are written in a text as tokens")                                  \
    X(NO_BLANK, "no-blank", 0, "", FOR_FACT, "Put no space between the prompt and the new object") \
    X(NEURON, "neuron", 0, "NEURON", FOR_QUERY,                                                    \
      "L5N912=0 sets its coefficient, L5N912*2 scales it; repeatable")                             \
    X(EDIT, "edit", 0, "LIST", FOR_STEP, "The edits, such as 3 or 3-52,60")                        \
    X(LOG_EDIT, "edit", 0, "N", FOR_LOG, "Show all about this edit")                               \
    X(GRID, "grid", 0, "AXES", FOR_SWEEP, "Values to try: alpha_ge=.05,.1;beta_sp=.2..0.4/3")      \
    X(DATA, "data", 0, "FILE", FOR_SWEEP | FOR_TUNE | FOR_EVAL,                                    \
      "A data set: a file of many facts")                                                          \
    X(PRESET_FOLDER, "to", 0, "FOLDER", FOR_TUNE, "Where presets are written")                     \
    X(ARM, "arm", 0, "ARM", FOR_SWEEP | FOR_TUNE | FOR_EVAL,                                       \
      "A named set of parameters, 'wide: beta_ge=.5 beta_sp=.4'; repeatable")                      \
    X(ARMS, "arms", 0, "FILE", FOR_EVAL, "Read arms from this file, one per line, before --arm")   \
    X(IN_A_ROW, "in-a-row", 0, "", FOR_SWEEP,                                                      \
      "Write the facts one after the other, and ask all of them at the end")                       \
    X(FROM, "from", 0, "N", FOR_DIFF | FOR_BISECT,                                                 \
      "The earlier state: after edit N; 0 is the base")                                            \
    X(TARGET_PATH, "to", 0, "PATH", FOR_EXPORT, "The file or folder to make")                      \
    X(TO, "to", 0, "N", FOR_DIFF, "The later state: after edit N; 0 is the base")                  \
    X(LAST, "to", 0, "N", FOR_BISECT, "The later state: after edit N; default: the last edit")     \
    X(AS, "as", 0, "KIND", FOR_EXPORT, "safetensors, gguf, lora, delta or json")                   \
    X(DTYPE, "dtype", 0, "TYPE", FOR_EXPORT, "Type of the edited tensors: f32, f16, bf16 or same") \
    X(RANK, "rank", 0, "N", FOR_EXPORT, "Rank of an adapter; without it the edit is exact")        \
    X(FORCE, "force", 0, "", FOR_EXPORT, "Replace an existing target")                             \
    X(APPLY_AGAIN, "force", 0, "", FOR_APPLY, "Add a delta that the session already has")          \
    X(EXPECT, "expect", 0, "TEXT", FOR_BISECT, "Expected beginning of the answer")                 \
    X(NO_BOS, "no-bos", 0, "", FOR_TOKENS, "Do not add the beginning-of-text token")               \
    X(DECODE, "decode", 0, "IDS", FOR_TOKENS, "Decode ids, separated by commas or blanks")         \
    X(DEFAULT, "default", 0, "", FOR_CONFIG, "Print the defaults")                                 \
    X(THEME, "theme", 0, "NAME", FOR_CANVAS, "Colour theme of the screen")                         \
    X(THEME_DIR, "theme-dir", 0, "FOLDER", FOR_CANVAS | FOR_THEMES, "Folder with more themes")     \
    X(COLOR, "color", 0, "WHEN", FOR_CANVAS, "auto, always, never, 8, 16, 256 or direct")          \
    X(ASCII, "ascii", 0, "", FOR_CANVAS, "Use ASCII characters only")                              \
    X(BACKGROUND, "background", 0, "WHICH", FOR_CANVAS,                                            \
      "Background: light, dark, or query (ask the terminal)")                                      \
    X(DEMO, "demo", 0, "", FOR_SCREEN, "Play the included recording")                              \
    X(RECORD, "record", 0, "FILE", FOR_RECORD | FOR_SCREEN,                                        \
      "Record the run to this file, for `replay`")                                                 \
    X(NO_RECORD, "no-record", 0, "", FOR_SCREEN, "Do not record, even if the config file says so") \
    X(SMALL, "small", 0, "", FOR_REPLAY, "Record all floats except scores with low precision")     \
    X(SCRIPT, "script", 0, "FILE", FOR_REPLAY,                                                     \
      "Script that types, waits and expects (with --batch)")                                       \
    X(UNATTENDED, "batch", 0, "", FOR_REPLAY, "Run without a terminal, as fast as possible")       \
    X(LAST_LEFT, "last", 0, "", FOR_SCREEN, "Open the session that was left last")                 \
    X(PRESENT, "present", 0, "", FOR_SCREEN | FOR_REPLAY,                                          \
      "Show captions, the keys pressed, and larger panes")                                         \
    X(SPEED, "speed", 0, "X", FOR_REPLAY | FOR_SCREEN, "Playback speed, or max")                   \
    X(READONLY, "read-only", 0, "", FOR_SCREEN, "Open the session read-only")                      \
    X(NO_MOUSE, "no-mouse", 0, "", FOR_CANVAS, "Do not use the mouse")                             \
    X(PLAIN, "plain", 0, "", FOR_SCREEN,                                                           \
      "Print text lines instead of a screen (for screen readers)")                                 \
    X(REFRESH, "refresh", 0, "N", FOR_CANVAS, "Maximum frames per second, 1 to 120")               \
    X(SESSION, "session", 's', "FILE", FOR_SESSION | FOR_QUERY, "The session")                     \
    X(MODEL, "model", 'm', "M", FOR_MODEL,                                                         \
      "A GGUF file, a folder with safetensors files, or org/name")                                 \
    X(DEVICE, "device", 0, "NAME", FOR_MODEL, "auto, cpu or cuda[:N]")                             \
    X(PRECISION, "precision", 0, "NAME", FOR_MODEL,                                                \
      "Precision of products on a GPU: full, split, tf32, bf16")                                   \
    X(THREADS, "threads", 0, "N", FOR_MODEL, "CPU threads")                                        \
    X(MEMORY, "memory", 0, "SIZE", FOR_MODEL,                                                      \
      "Memory limit for float32 copies of weights: 800M, 4G")                                      \
    X(PREFIXES, "prefixes", 0, "FILE", FOR_FACT | FOR_SCREEN | FOR_EVAL,                           \
      "Context prefixes, one per line")                                                            \
    X(TEXT, "text", 0, "FILE", FOR_TEXT, "Text for the second moments")                            \
    X(SET, "set", 0, "NAME=VALUE", FOR_PARAMS, "Set a parameter; repeatable")                      \
    X(OFFICIAL, "official", 0, "", FOR_PARAMS,                                                     \
      "Follow the released code in every documented choice")                                       \
    X(PRESET, "preset", 0, "NAME", FOR_PARAMS,                                                     \
      "one, many: the preset of the model; paper; a name; a file")                                 \
    X(CONFIG, "config", 0, "FILE", FOR_PARAMS, "Read parameters from this file")                   \
    X(SEED, "seed", 0, "N", FOR_PARAMS, "Random seed")                                             \
    X(JSON, "json", 0, "", FOR_ALL, "Print JSON, one object per line")                             \
    X(QUIET, "quiet", 'q', "", FOR_ALL, "Print no progress")                                       \
    X(VERSION, "version", 0, "", FOR_ALL, "Print version information and exit")                    \
    X(HELP, "help", 'h', "", FOR_ALL, "Print this help and exit")

enum option {
#define X(id, name, letter, arg, commands, help) OPT_##id,
    OPTIONS(X)
#undef X
        OPT_COUNT
};

struct option_info {
    const char *name;
    char letter;
    const char *arg;
    unsigned commands;
    const char *help;
};
extern const struct option_info option_infos[OPT_COUNT];

/* What main.c knows about devices. */
struct device_list {
    bool (*choose)(const char *name, struct device_choice *out, struct err *err);
    void (*survey)(struct buf *out); /* lines "NAME<tab>TEXT" */
};

struct cli {
    const struct cli_ops *ops;    /* the command, NULL for the screen */
    const char *value[OPT_COUNT]; /* NULL: not given; "" for flags; the last one given counts */
    const char **sets;            /* every --set */
    const char **neurons;         /* every --neuron */
    const char **arms;            /* every --arm */
    const char **rest;            /* what is no option */
    int set_count, neuron_count, arm_count, rest_count;
    char *config[OPT_COUNT]; /* values of options that the config file gives */
    struct buf notes;        /* what is odd about its keys, a line each */
    struct params params;
    char *model, *text, *preset; /* as found; preset: path of the one that applies, or NULL */
    struct err lost;             /* the session's own model is not where it was: which, and where */
    const struct device_list *devices;
    struct engine *engine;
    struct model_info info;       /* as the engine last told */
    struct state_info state;      /* the same */
    char noticed[NOTICE];         /* by cli_notice() last */
    bool bar;                     /* a progress line stands on standard error */
    const struct wait *waits_for; /* engine_loop.c: what takes long, where there is no bar */
    struct eta wait;              /* how fast it goes */
    double wait_began;
    bool waited;                 /* it was told */
    char *advice;                /* edits stand that failed their acceptance test: which, and what
                                    takes them back; or NULL */
    const char *remedy;          /* in advice: what takes them back */
    bool unheard;                /* it was stopped because standard output cannot be written */
    int signal;                  /* that ended it, or 0 */
    struct relations *relations; /* cli_first_facts()'s, or NULL */
    char *last;                  /* path of the session that --last found */
    struct fact last_fact;       /* cli_session_fact()'s */
    struct fact *samples;
    int sample_count;
};

struct cli_ops {
    const char *name, *rest, *help; /* rest: how what is no option is called, "" for none */
    unsigned options;               /* FOR_* */
    bool (*run)(struct cli *c, struct err *err);
};

/* The subcommands, grouped and ordered as in --help: GROUP(heading), X(name) is cli_NAME. */
#define SUBCOMMANDS(GROUP, X)     \
    GROUP("Model")                \
    X(pull)                       \
    X(models)                     \
    X(tokens)                     \
    X(query)                      \
    X(stats)                      \
    GROUP("Edit")                 \
    X(attribute)                  \
    X(edit)                       \
    X(sweep)                      \
    X(tune)                       \
    X(eval)                       \
    X(apply)                      \
    X(export)                     \
    GROUP("History of a session") \
    X(log)                        \
    X(undo)                       \
    X(redo)                       \
    X(verify)                     \
    X(diff)                       \
    X(bisect)                     \
    GROUP("Recordings")           \
    X(replay)                     \
    X(view)                       \
    GROUP("The program")          \
    X(config)                     \
    X(keys)                       \
    X(themes)                     \
    X(relations_list)             \
    X(doctor)                     \
    X(completions)
#define NO_HEADING(heading)
#define X(name) extern const struct cli_ops cli_##name;
SUBCOMMANDS(NO_HEADING, X)
#undef X

/* The whole program after the devices are known: the exit status. */
int cli_main(int argc, char **argv, const struct device_list *devices);

/* arguments.c */
const struct cli_ops *cli_command(int n); /* the n-th; NULL past the last */
extern const unsigned cli_screen_options; /* what the program takes without a command */
bool cli_parse(struct cli *c, int argc, char **argv, struct err *err);
void cli_help(const struct cli *c);
bool cli_has(const struct cli *c, enum option option);
/* The option as a whole number of low..high, `def` if it is not given. */
/* --state base, edited or edit:N into the command's `states` and `edit` (export.c). */
bool cli_one_state(const struct cli *c, struct command *cmd, struct err *err);
bool cli_number(const struct cli *c, enum option option, long low, long high, long def, long *out,
                struct err *err);

/* files.c */
/* What the command line names as files: `-` becomes standard input's path, and what comes by a pipe
 * is read and kept, so that every reader can read it as a file. */
bool cli_files(struct cli *c, struct err *err);
/* All of standard input as a text, without the end of its last line, for the command or argument
 * `name`. Caller frees. */
char *cli_stdin_text(const char *name, struct err *err);

/* settings.c */
/* presets.c: the path of the preset for this model and use ("one" or "many"); NULL: none. That of a
 * preset by its name, "smollm2-135m". Caller frees. */
char *preset_of_model(const char *model, const char *use);
char *preset_by_name(const char *name);
/* Whether it is the one of models that have none of their own. */
bool preset_is_general(const char *path);
/* Parameters from presets, config file and options; paths of model and text. */
bool cli_load_settings(struct cli *c, struct err *err);
/* The same parameters for another model: its preset counts. */
bool cli_load_model_settings(struct cli *c, const char *model, struct err *err);
/* Whether the model's file is there; ERR_MODEL says how to come by it. */
bool cli_model_there(const struct cli *c, struct err *err);
/* A file that comes with the program: beside the sources, or installed. NULL: not there. Caller
 * frees. */
char *cli_sample(const char *name);

/* replay.c */
/* The recorded run that comes with the program, on the screen. */
bool cli_demo(struct cli *c, struct err *err);
struct app_options;
struct app_next;
struct recorder_options;
/* What the screen was left for: a recording, a RUN file or the demo. */
bool cli_show_next(struct cli *c, const struct app_next *next, struct err *err);
/* Records the run in --record FILE; without it o->recorder stays NULL. */
bool cli_record(struct cli *c, const struct recorder_options *how, struct app_options *o,
                struct err *err);

/* screen_setup.c */
/* The screen's options, with the terminal's signals blocked; false where there is no terminal. */
bool cli_screen_setup(struct cli *c, struct app_options *o, struct err *err);
void cli_screen_done(struct app_options *o);

/* facts.c */
/* The facts of --subject ..., --fact or --facts. Caller frees each and the array. */
bool cli_facts(struct cli *c, struct fact **facts, int *count, struct err *err);
void cli_facts_free(struct fact *facts, int count);
/* Says from which of the facts' texts blanks were removed. */
void cli_say_trimmed(struct cli *c, const struct fact *facts, int count);

/* The relations that come with the program. Caller frees with relations_free(). */
struct relations;
bool cli_relations(struct relations *r, struct err *err);
/* What a screen begins with: relations, and the first of the sample facts with its probes. What
 * is not beside the program is not there; `c` keeps both to its end. */
void cli_first_facts(struct cli *c, struct app_options *o);
/* Instead of the sample, the fact that the session at hand edited last, if there is one. */
void cli_session_fact(struct cli *c, struct app_options *o);

/* advice.c: facts that did not hold, or not to the end of the list */
struct judged_fact {
    const struct fact *fact;
    int edit; /* it is in as; 0: it was not written */
    bool failed;
    int rewritten; /* the edit of a later fact of the list that rewrites it; 0: none does */
};
/* Which of them did not hold, and the command that takes their edits back; NULL: all held.
 * `session`: as it is called on the command line. Caller frees. */
char *advice_of(const struct judged_fact *fact, int count, const char *session,
                const char **remedy);
/* Those that failed, as the value of a field; those that a later one rewrote, the same or a line
 * each. */
json_t *cli_failed_json(const struct judged_fact *fact, int count);
void cli_rewritten_text(const struct judged_fact *fact, int count);
json_t *cli_rewritten_json(const struct judged_fact *fact, int count);

/* engine_loop.c */
enum { NEED_SESSION = 1, MAY_CREATE = 2, ONLY_LOOKS = 4, FOR_A_SCREEN = 8, READS = 16 };
bool cli_start(struct cli *c, unsigned needs, struct err *err);
typedef void cli_on_event(struct cli *c, struct event *ev, void *ctx);
/* Waits until a state has been told; false when opening failed or a signal came. */
bool cli_wait_open(struct cli *c, struct err *err);
/* Posts and listens to the job's end. `on_event` gets every event and may be NULL. */
bool cli_job(struct cli *c, struct command *cmd, cli_on_event *on_event, void *ctx,
             struct err *err);
/* The session's journal as it is now: an EV_HISTORY, which the caller frees with event_free(). */
bool cli_history(struct cli *c, struct event *out, struct err *err);
void cli_stop(struct cli *c);
/* Whether a layer holds the scores that were asked for; the free picture before them does not. */
bool cli_scored(const struct cli *c, const struct attribution *a);

/* print.c */
/* "0.0057 -> 0.991": a probability before and after. Returns out. */
const char *cli_change(const double p[2], char out[40]);
bool cli_json(const struct cli *c);
void cli_print(json_t *object); /* one line with "schema": 1 first; takes the object */
/* Tables: titles and rows as they come, or all of it. */
void cli_titles(const struct table *t);
void cli_row(const struct table *t); /* the last one */
void cli_table(const struct table *t);
json_t *cli_event(const char *name);
json_t *cli_real(double value);                /* null for what is not finite */
json_t *cli_text(const char *text);            /* what is not UTF-8 becomes U+FFFD */
json_t *cli_pair(double before, double after); /* {"before": .., "after": ..} */
/* Adds fields of a struct in this order, by the table of its fields: "edit tokens=moment_tokens"
 * has the second one called otherwise. Arrays of two are {"before": .., "after": ..}. */
void cli_fields(json_t *o, const struct struct_fields *fields, const void *what, const char *names);
void cli_say(struct cli *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line on standard error, or an event "notice"; not the same one twice. */
void cli_notice(struct cli *c, const char *text);
void cli_unbar(struct cli *c); /* wipes the progress line */

/* records.c: events as the records of --json */
struct mask;
json_t *record_header(const struct cli *c, const struct attribution_header *m, const char *command);
json_t *record_layer(const struct attribution *a, const struct mask *m,
                     const struct attribution_header *rows, json_t *top);
json_t *record_report(const char *event, const struct edit_report *a);
/* Puts `layers`, `z_error` and `moments` into an object. */
void record_layers(json_t *o, const struct edit_report *a);
json_t *record_commit(const struct commit_report *e);
/* `requests`, `held` and `facts` of an edit of the journal. */
void record_facts(json_t *o, const struct history_entry *e);
json_t *record_step(const struct target_step *s);
json_t *record_probe(const struct probe_result *p);

/* overwritten.c */
/* Of one edit: lines, or an event. */
void cli_overwritten(struct cli *c, const struct overwritten *o);
/* The facts that hold no longer, with commas, after `before`; nothing if there are none. */
void cli_lost_facts(const struct overwritten *o, const char *before);
/* Of a list: one line (none without a fact to ask), or the value of a field. */
void cli_rechecked_text(const struct overwritten *o);
json_t *cli_rechecked_json(const struct overwritten *o);
json_t *record_moments(const struct moments_info *m);

/* log_edit.c: what a session stores of an edit, into its object or as lines */
void log_edit_json(json_t *o, const struct recalled_edit *x);
void log_edit_text(const struct history *h, const struct recalled_edit *x);

#endif
