/* What can be typed after `:`. One table, COMMANDS, from which the command line, its completion,
 * the help view and the manual's list come.
 *
 * A row is KIND(name, argument, kind of argument, handler, help). An argument in brackets is
 * optional; "" means there is none. The view that is shown is asked first (view_ops.command). If
 * it does not handle the command:
 *
 *   O(name, argument, kind, view, help)   opens this view, which is then asked
 *   X(name, argument, kind, run, help)    run_RUN() of shell/app_run.c does it
 *   P(name, argument, kind, post, help)   the engine does it: CMD_POST with the argument as its
 *                                         text
 *
 * A word after `:` that is not a command may still be the name of an action (actions.h) or of a
 * view. */
#ifndef VIEWS_COMMANDS_H
#define VIEWS_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/* What an argument is, so that Tab knows what to offer. */
enum argument_kind {
    ARG_NONE,
    ARG_TEXT,
    ARG_NUMBER,
    ARG_FILE,
    ARG_VIEW,
    ARG_THEME,
    ARG_STATE,
    ARG_PARAM, /* NAME=VALUE */
    ARG_BIND,  /* [VIEW] KEY ACTION */
};

#define COMMANDS(O, X, P)                                                                         \
    X("set", "NAME=VALUE", ARG_PARAM, set, "Set a parameter")                                     \
    X("reset", "[NAME]", ARG_TEXT, reset,                                                         \
      "A parameter as at the start: NAME, all, or the one at hand")                               \
    X("reset!", "NAME", ARG_TEXT, reset_built_in, "The same, to the built-in value: NAME or all") \
    X("preset", "NAME", ARG_TEXT, preset,                                                         \
      "The parameters of a preset: one or many of the model, paper, a name, a file")              \
    X("fact", "[SUBJECT | PROMPT | OBJECT [| OLD]]", ARG_TEXT, fact,                              \
      "Set the fact; PROMPT: with {}, or a relation")                                             \
    X("old", "TEXT", ARG_TEXT, old, "Name the old object of the fact; KN and F-learning need it") \
    X("query", "[PROMPT]", ARG_TEXT, query, "Ask the model, before and after")                    \
    X("neuron", "ADDRESS[=VALUE]", ARG_TEXT, neuron, "Go to L5N912; set =0, scale *2, free =off") \
    O("layers", "WHICH", ARG_TEXT, heatmap, "Layers of the map: 4-8,12, edited or all")           \
    X("undo", "[N]", ARG_NUMBER, undo, "Undo the last edit, or edit N (asks)")                    \
    X("open", "VIEW", ARG_VIEW, open, "Open a view")                                              \
    X("tour", "", ARG_NONE, tour, "Walk one edit in seven steps; again: end it")                  \
    X("terms", "", ARG_NONE, terms, "The words of the screen, explained; K: those of a pane")     \
    X("theme", "NAME", ARG_THEME, theme, "Change the colours")                                    \
    X("bind", "[VIEW] KEY ACTION", ARG_BIND, bind, "Give a key an action, here or in one view")   \
    X("unbind", "[VIEW] KEY", ARG_BIND, unbind, "Remove a key's action")                          \
    X("dump", "FILE", ARG_FILE, dump, "Write the screen as text")                                 \
    X("export", "[[KIND] FILE]", ARG_FILE, export,                                                \
      "What is shown (format by ending), or the edits")                                           \
    X("export!", "[KIND] FILE", ARG_FILE, export_over, "The same, replacing an existing file")    \
    P("apply", "FILE", ARG_FILE, APPLY, "Apply a delta file to the session, as one edit")         \
    P("apply!", "FILE", ARG_FILE, APPLY, "The same, even if it was applied before")               \
    O("facts", "[FILE]", ARG_FILE, facts, "Load a queue of facts from a file")                    \
    O("model", "FILE", ARG_FILE, models, "Open another model")                                    \
    O("pull", "ORG/NAME[:FILE]", ARG_TEXT, models, "Download a model from the Hugging Face Hub")  \
    O("state", "WHICH", ARG_STATE, query, "Ask this state: base, edited, preview or edit:N")      \
    O("tokens", "N", ARG_NUMBER, query, "How many tokens an answer has")                          \
    O("sample", "T", ARG_NUMBER, query, "Sample answers at this temperature; 0: greedy")          \
    O("note", "TEXT", ARG_TEXT, history, "Add a note to the edit selected in History")            \
    O("diff", "FROM TO", ARG_TEXT, history, "Compare two states; 0 is the base")                  \
    O("drift", "[STATES]", ARG_NUMBER, history, "How well edits hold as more are made")           \
    O("sweep", "GRID", ARG_TEXT, sweep, "Such as alpha_ge=.05,.1;beta_sp=.1..0.5/5")              \
    O("run", "[FILE]", ARG_FILE, run, "Show a run of `editscope eval`, also while it goes on")    \
    O("masks", "N", ARG_NUMBER, compare, "How many random masks Compare tries; 0: none")          \
    O("bisect", "PROMPT => ANSWER", ARG_TEXT, history, "Find the edit that changed an answer")    \
    P("device", "cpu", ARG_TEXT, DEVICE, "Continue on the CPU, as after a GPU failed")            \
    P("save", "FILE", ARG_FILE, SAVE, "Save the session under a name and continue there")         \
    X("q!", "", ARG_NONE, quit, "Quit without asking")

struct command_info {
    const char *name, *argument;
    enum argument_kind kind;
    const char *view, *help;
};

extern const struct command_info command_infos[]; /* a NULL name ends it */

const struct command_info *command_find(const char *name); /* NULL: no such command */
/* Whether the command has an argument that may not be left out. */
bool command_needs_argument(const struct command_info *info); /* an argument that must be there */
/* The present name of a command of 0.1.0 that was renamed; NULL: it was not. This version
 * accepts the old names, the next one does not. */
const char *command_renamed(const char *word);
/* The command, action or view whose name looks most like this word, for "did you mean". */
const char *command_nearest(const char *word);

/* Whole lines, without the `:`, that complete what has been typed. */
struct completions { /* zero-initialise; completions_free() ends it */
    char **line;
    int count, room;
};
/* Fills *c with the completions of what is typed; the old ones are freed. */
void completions_find(struct completions *c, const char *typed);
void completions_free(struct completions *c);

#endif
