/* Everything a user can ask for. The one table from which keys, the footer, the help view,
 * `editscope keys`, the command line and the manual's list come.
 *
 * X(id, name, keys, group, help): the name binds and runs it; keys are separated by spaces. */
#ifndef VIEWS_ACTIONS_H
#define VIEWS_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define ACTIONS(X)                                                                             \
    X(EDIT_FACT, "fact", "e", "Edit", "Type the fact: subject, prompt, new object")            \
    X(ATTRIBUTE, "attribute", "x F5", "Edit", "Score every neuron for this fact")              \
    X(PREVIEW, "preview", "P", "Edit", "Try the edit; nothing is written")                     \
    X(COMMIT, "commit", "C F9", "Edit", "Write the edit to the session (asks)")                \
    X(DISCARD, "discard", "D", "Edit", "Forget the preview")                                   \
    X(UNDO, "undo", "u", "Edit", "Undo the last edit, or the one selected in History (asks)")  \
    X(REDO, "redo", "C-r", "Edit", "Redo what was undone")                                     \
    X(CANCEL, "cancel", "C-c", "Edit", "Stop the running job; never leaves the program")       \
    X(VERIFY, "verify", "W", "Edit", "Rebuild all weights from the journal and compare")       \
    X(PROBE, "probe", "B", "Edit", "Scoreboard: rephrases, neighbours, question, chat")        \
    X(RELATION, "relation", "|", "Edit", "Subject | relation | object: pick the relation")     \
    X(SILENCE, "silence", "X", "Edit", "Silence the neuron in queries; again: let it speak")   \
    X(FORCE, "force", "f", "Edit", "Force the neuron into the mask, out of it, or neither")    \
    X(RELEASE, "release", "F", "Edit", "Forget every silenced, set or forced neuron")          \
    X(NOTE, "note", "A", "Edit", "A note to the edit selected in History")                     \
    X(ALPHA, "alpha", "a", "Parameters", "Go to the scalers α; again: the other one")          \
    X(BETA, "beta", "b", "Parameters", "Go to the biases β; again: the other one")             \
    X(TEMPERATURE, "temperature", "t", "Parameters", "Go to the temperature τ")                \
    X(OPTIONS, "options", "o F2", "Parameters", "All parameters, with help and source")        \
    X(MORE, "more", "+", "Parameters", "Step the parameter up, or zoom in")                    \
    X(LESS, "less", "-", "Parameters", "Step the parameter down, or zoom out")                 \
    X(MUCH_MORE, "much-more", ".", "Parameters", "Ten steps up")                               \
    X(MUCH_LESS, "much-less", ",", "Parameters", "Ten steps down")                             \
    X(EXACT, "exact", "=", "Parameters", "Type the exact value")                               \
    X(RESET, "reset", "r", "Parameters", "This parameter's default")                           \
    X(RESET_ALL, "reset-all", "R", "Parameters", "Every knob's default")                       \
    X(UNTUNE, "untune", "Z", "Parameters", "Take the last change of a parameter back")         \
    X(MASK_MODE, "mask-mode", "M", "Parameters", "Next mask: union, general, specific, ...")   \
    X(SELECT_RULE, "select-rule", "S", "Parameters", "Next rule: top-k, by hash, quantile")    \
    X(COMPENSATE, "compensate", "Q", "Parameters", "Masked updates at equal gain: on, off")    \
    X(UP, "up", "k up", "Move", "One row up")                                                  \
    X(DOWN, "down", "j down", "Move", "One row down")                                          \
    X(LEFT, "left", "h left", "Move", "Left, or one step down")                                \
    X(RIGHT, "right", "l right", "Move", "Right, or one step up")                              \
    X(PAGE_UP, "page-up", "C-b C-u pgup", "Move", "One page up")                               \
    X(PAGE_DOWN, "page-down", "C-f C-d pgdn", "Move", "One page down")                         \
    X(FIRST, "first", "g home", "Move", "To the first row")                                    \
    X(LAST, "last", "G end", "Move", "To the last row")                                        \
    X(ROW_START, "row-start", "0", "Move", "To the first column")                              \
    X(ROW_END, "row-end", "$", "Move", "To the last column")                                   \
    X(LAYER_BACK, "layer-back", "[", "Move", "Previous layer")                                 \
    X(LAYER_NEXT, "layer-next", "]", "Move", "Next layer")                                     \
    X(TOKEN_BACK, "token-back", "{", "Move", "Previous token position")                        \
    X(TOKEN_NEXT, "token-next", "}", "Move", "Next token position")                            \
    X(NEXT_PANE, "next-pane", "tab", "Move", "Next pane")                                      \
    X(PREVIOUS_PANE, "previous-pane", "S-tab", "Move", "Previous pane")                        \
    X(ENTER, "enter", "enter", "Move", "Look closer")                                          \
    X(BACK, "back", "esc bs", "Move", "Back; close; stop the running job")                     \
    X(SEARCH, "search", "/", "Move", "Find: L5N912, a word, an edit")                          \
    X(SEARCH_NEXT, "search-next", "n", "Move", "Find the same again")                          \
    X(SEARCH_BACK, "search-back", "N", "Move", "Find the same before")                         \
    X(FILTER, "filter", "\\ & F4", "Move", "Show only rows that hold a word")                  \
    X(TAG, "tag", "space", "Move", "Tag the row under the cursor")                             \
    X(UNTAG, "untag", "U", "Move", "Untag all")                                                \
    X(VIEW_EDIT, "view-edit", "1", "Views", "Edit: the whole picture")                         \
    X(VIEW_HEATMAP, "view-heatmap", "2", "Views", "Heatmap, from bins to single neurons")      \
    X(VIEW_NEURONS, "view-neurons", "3", "Views", "Neurons: scores, classes, words")           \
    X(VIEW_RATIOS, "view-ratios", "4", "Views", "Ratios: entropy, ratio, threshold")           \
    X(VIEW_LENS, "view-lens", "5", "Views", "Lens: rank of old and new by layer")              \
    X(VIEW_QUERY, "view-query", "6", "Views", "Query: ask before and after")                   \
    X(VIEW_COMPARE, "view-compare", "7 V", "Views", "Compare: other masks, other methods")     \
    X(VIEW_HISTORY, "view-history", "8", "Views", "History: the journal of edits")             \
    X(FACTS, "facts", "9", "Views", "Facts: a queue of many, and the scoreboard")              \
    X(SWEEP, "sweep", "#", "Views", "Sweep: a grid over two knobs")                            \
    X(MODELS, "models", "O", "Views", "Models on this machine: open another one")              \
    X(PULL, "pull", "H", "Views", "Fetch a model of the Hugging Face Hub by its name")         \
    X(LOG, "log", "L", "Views", "Messages and jobs so far")                                    \
    X(HELP, "help", "? F1", "Views", "All keys")                                               \
    X(ASK, "ask", "i", "Views", "Type a question (Query)")                                     \
    X(FLIP, "flip", "v", "Show", "Before, after, both")                                        \
    X(SCALE, "scale", "s", "Show", "Scale of the map: root, linear, log, rank")                \
    X(POOL, "pool", "m", "Show", "What a bin shows: largest, mean, count")                     \
    X(RAMP, "ramp", "c", "Show", "Colours of the map")                                         \
    X(PER_LAYER, "per-layer", "z", "Show", "One scale for all layers, or each its own")        \
    X(ORDER, "order", "<", "Show", "Order of columns and rows: index, score, class")           \
    X(INVERT, "invert", "I", "Show", "Turn the order round")                                   \
    X(MODE, "mode", "d", "Show", "Next picture: LPS, PSA, MPC, activation, causal trace")      \
    X(DETAILS, "details", "K", "Show", "More about what is under the cursor")                  \
    X(TARGET, "target", "T", "Show", "Explain the predicted, old or new object")               \
    X(PAUSE, "pause", "p", "Show", "Hold the picture still")                                   \
    X(COPY, "copy", "y", "Show", "Copy the address or value under the cursor")                 \
    X(EXPORT, "export", "E", "Show", "Save what is seen: SVG, ANSI, text, CSV, JSON, md, tex") \
    X(SAVE, "save", "w", "Program", "Save the session under a name")                           \
    X(REDRAW, "redraw", "C-l", "Program", "Draw the screen anew")                              \
    X(COMMAND, "command", ":", "Program", "Type a command")                                    \
    X(SUSPEND, "suspend", "C-z", "Program", "To the shell; fg comes back")                     \
    X(QUIT, "quit", "q F10", "Program", "Close; leave (:q! at once)")

enum action {
    ACTION_NONE,
#define X(id, name, keys, group, help) ACTION_##id,
    ACTIONS(X)
#undef X
        ACTION_COUNT
};

struct action_info {
    const char *name, *keys, *group, *help;
};

extern const struct action_info action_infos[ACTION_COUNT]; /* [ACTION_NONE] is empty */

enum action action_of_key(int32_t code); /* ACTION_NONE: bound to nothing */
enum action action_of_name(const char *name);
/* How far a list's cursor moves: -1, 1, a page, or `all` lines for first and last; 0: the action
 * is not about moving. */
int action_steps(enum action action, int page, int all);
/* The first key in force in all views, as it is written in a footer; "" if it has none. */
const char *action_key(enum action action, char out[16]);

#endif
