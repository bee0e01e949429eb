/* What can follow `:`. The one table from which the command line, its completion, the help view
 * and the manual's list come.
 *
 * X(name, argument, kind, view, help): an argument in brackets may be left out, "" is none. The
 * view shown is asked first (view_ops.command), then the view named here is opened and asked;
 * with "" the program itself does it. */
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

#define COMMANDS(X)                                                                             \
    X("set", "NAME=VALUE", WORD_PARAM, "", "Set a parameter")                                   \
    X("reset", "[NAME]", WORD_TEXT, "", "A parameter's default, or that of the one selected")   \
    X("fact", "[SUBJECT | PROMPT | OBJECT]", WORD_TEXT, "", "Another fact; {} is the subject")  \
    X("query", "[PROMPT]", WORD_TEXT, "", "Ask the model, before and after")                    \
    X("neuron", "ADDRESS[=VALUE]", WORD_TEXT, "", "Go to L5N912; set =0, scale *2, free =off")  \
    X("layers", "WHICH", WORD_TEXT, "heatmap", "Layers of the map: 4-8,12, edited or all")      \
    X("undo", "[N]", WORD_NUMBER, "", "Undo the last edit, or edit N (asks)")                   \
    X("open", "VIEW", WORD_VIEW, "", "Open a view")                                             \
    X("theme", "NAME", WORD_THEME, "", "Other colours")                                         \
    X("bind", "[VIEW] KEY ACTION", WORD_BIND, "", "Give a key an action, here or in one view")  \
    X("unbind", "[VIEW] KEY", WORD_BIND, "", "Take a key's action away")                        \
    X("dump", "FILE", WORD_FILE, "", "Write the screen as text")                                \
    X("export", "[[KIND] FILE]", WORD_FILE, "",                                                 \
      "What is seen (by the ending), or what was edited")                                       \
    X("export!", "[KIND] FILE", WORD_FILE, "", "The same, over what is there")                  \
    X("apply", "FILE", WORD_FILE, "", "A delta file into the session, as one edit")             \
    X("apply!", "FILE", WORD_FILE, "", "The same, also when it is in already")                  \
    X("facts", "[FILE]", WORD_FILE, "facts", "A queue of facts from a file")                    \
    X("model", "FILE", WORD_FILE, "models", "Open another model")                               \
    X("pull", "ORG/NAME[:FILE]", WORD_TEXT, "models", "Fetch a model of the Hugging Face Hub")  \
    X("state", "WHICH", WORD_STATE, "query", "Ask this state: base, edited, preview or edit:N") \
    X("tokens", "N", WORD_NUMBER, "query", "How many tokens an answer has")                     \
    X("sample", "T", WORD_NUMBER, "query", "Sample answers at this temperature; 0: greedy")     \
    X("note", "TEXT", WORD_TEXT, "history", "A note to the edit selected in History")           \
    X("diff", "FROM TO", WORD_TEXT, "history", "What lies between two states; 0 is the base")   \
    X("drift", "[STATES]", WORD_NUMBER, "history", "How the edits hold as more are made")       \
    X("sweep", "GRID", WORD_TEXT, "sweep", "Such as alpha_ge=.05,.1;beta_sp=.1..0.5/5")         \
    X("bisect", "PROMPT => ANSWER", WORD_TEXT, "history", "Which edit made an answer begin so") \
    X("device", "cpu", WORD_TEXT, "", "Go on with the CPU, as after a GPU was lost")            \
    X("write", "FILE", WORD_FILE, "", "Save the session under a name and go on there")          \
    X("q!", "", WORD_NONE, "", "Leave without asking")

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
struct candidates { /* zero-initialise; candidates_free() ends it */
    char **line;
    int count, room;
};
void candidates_of(struct candidates *c, const char *typed);
void candidates_free(struct candidates *c);

#endif
