/* What can follow `:`. The one table from which the command line, its completion, the help view
 * and the manual's list come.
 *
 * An argument in brackets may be left out, "" is none. The view shown is asked first
 * (view_ops.command). What it does not take
 *   O(name, argument, kind, view, help)   opens this view, which is then asked;
 *   X(name, argument, kind, run, help)    run_RUN() of shell/app_run.c does;
 *   P(name, argument, kind, post, help)   the engine does: CMD_POST, with the argument as its text.
 */
#ifndef VIEWS_COMMANDS_H
#define VIEWS_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

enum word_kind { /* what an argument is: what Tab offers */
                 WORD_NONE,
                 WORD_TEXT,
                 WORD_NUMBER,
                 WORD_FILE,
                 WORD_VIEW,
                 WORD_THEME,
                 WORD_STATE,
                 WORD_PARAM, /* NAME=VALUE */
                 WORD_BIND,  /* [VIEW] KEY ACTION */
};

#define COMMANDS(O, X, P)                                                                          \
    X("set", "NAME=VALUE", WORD_PARAM, set, "Set a parameter")                                     \
    X("reset", "[NAME]", WORD_TEXT, reset, "A parameter's default, or that of the one selected")   \
    X("fact", "[SUBJECT | PROMPT | OBJECT]", WORD_TEXT, fact, "Another fact; {} is the subject")   \
    X("query", "[PROMPT]", WORD_TEXT, query, "Ask the model, before and after")                    \
    X("neuron", "ADDRESS[=VALUE]", WORD_TEXT, neuron, "Go to L5N912; set =0, scale *2, free =off") \
    O("layers", "WHICH", WORD_TEXT, heatmap, "Layers of the map: 4-8,12, edited or all")           \
    X("undo", "[N]", WORD_NUMBER, undo, "Undo the last edit, or edit N (asks)")                    \
    X("open", "VIEW", WORD_VIEW, open, "Open a view")                                              \
    X("theme", "NAME", WORD_THEME, theme, "Other colours")                                         \
    X("bind", "[VIEW] KEY ACTION", WORD_BIND, bind, "Give a key an action, here or in one view")   \
    X("unbind", "[VIEW] KEY", WORD_BIND, unbind, "Take a key's action away")                       \
    X("dump", "FILE", WORD_FILE, dump, "Write the screen as text")                                 \
    X("export", "[[KIND] FILE]", WORD_FILE, export,                                                \
      "What is seen (by the ending), or what was edited")                                          \
    X("export!", "[KIND] FILE", WORD_FILE, export_over, "The same, over what is there")            \
    P("apply", "FILE", WORD_FILE, APPLY, "A delta file into the session, as one edit")             \
    P("apply!", "FILE", WORD_FILE, APPLY, "The same, also when it is in already")                  \
    O("facts", "[FILE]", WORD_FILE, facts, "A queue of facts from a file")                         \
    O("model", "FILE", WORD_FILE, models, "Open another model")                                    \
    O("pull", "ORG/NAME[:FILE]", WORD_TEXT, models, "Fetch a model of the Hugging Face Hub")       \
    O("state", "WHICH", WORD_STATE, query, "Ask this state: base, edited, preview or edit:N")      \
    O("tokens", "N", WORD_NUMBER, query, "How many tokens an answer has")                          \
    O("sample", "T", WORD_NUMBER, query, "Sample answers at this temperature; 0: greedy")          \
    O("note", "TEXT", WORD_TEXT, history, "A note to the edit selected in History")                \
    O("diff", "FROM TO", WORD_TEXT, history, "What lies between two states; 0 is the base")        \
    O("drift", "[STATES]", WORD_NUMBER, history, "How the edits hold as more are made")            \
    O("sweep", "GRID", WORD_TEXT, sweep, "Such as alpha_ge=.05,.1;beta_sp=.1..0.5/5")              \
    O("bisect", "PROMPT => ANSWER", WORD_TEXT, history, "Which edit made an answer begin so")      \
    P("device", "cpu", WORD_TEXT, DEVICE, "Go on with the CPU, as after a GPU was lost")           \
    P("write", "FILE", WORD_FILE, SAVE, "Save the session under a name and go on there")           \
    X("q!", "", WORD_NONE, quit, "Leave without asking")

struct command_info {
    const char *name, *argument;
    enum word_kind kind;
    const char *view, *help;
};

extern const struct command_info command_infos[]; /* a NULL name ends it */

const struct command_info *command_find(const char *name); /* NULL: no such command */
bool command_needs(const struct command_info *info);       /* an argument that must be there */
/* The command, action or view whose name looks most like this one. */
const char *command_nearest(const char *word);

/* Lines that go on from what is typed, without the `:`. */
struct completions { /* zero-initialise; completions_free() ends it */
    char **line;
    int count, room;
};
void completions_find(struct completions *c, const char *typed);
void completions_free(struct completions *c);

#endif
