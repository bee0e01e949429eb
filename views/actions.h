/* Everything a user can ask for with a key. One table, ACTIONS, and everything about actions comes
 * from it: the default keys, the footer, the help view, `editscope keys`, the names that `:`
 * accepts and completes, and (checked by lint) the list in the manual.
 *
 * A row is KIND(id, name, keys, group, help[, handler]):
 *
 *   id       ACTION_id in C
 *   name     what users type after `:` and in the config file's [keys] section
 *   keys     the default keys, separated by spaces; see key.h for names such as C-p, pgup, F5
 *   group    the heading in the help view
 *   help     one line
 *
 * The kind says who does it. The view that is shown is always asked first (view_ops.action), so
 * that `j` may mean another thing in each view. If it does not handle the action:
 *
 *   V(..., where)    nobody else does: only views handle it. `where` names those that do, for
 *                    "B works in Facts (9)"; "" is for actions that most views know
 *   O(..., view)     opens this view, which is then asked
 *   X(..., run)      do_RUN() of shell/app_actions.c does it
 *   W(..., run)      the same, and it writes to the session: refused when that is open read-only.
 *                    SAVE is none: it writes a copy, so a read-only session can be saved, too
 *
 * An example, the way of the key `x`: keymap.c finds ACTION_ATTRIBUTE; the Edit view does not
 * handle it; its kind is X, so do_attribute() is called, which calls request_attribute()
 * (requests.c), which posts CMD_ATTRIBUTE to the engine.
 *
 * To add an action, add a row; for X and W also a do_RUN(). */
#ifndef VIEWS_ACTIONS_H
#define VIEWS_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#define ACTIONS(V, O, X, W)                                                                        \
    O(EDIT_FACT, "fact", "e", "Edit", "Type the fact: subject, prompt, new and old object", edit)  \
    X(ATTRIBUTE, "attribute", "x F5", "Edit", "Score the neurons for this fact", attribute)        \
    X(PREVIEW, "preview", "P", "Edit", "Try the edit; nothing is written", preview)                \
    W(COMMIT, "commit", "C F9", "Edit", "Write the edit to the session (asks)", commit)            \
    X(DISCARD, "discard", "D", "Edit", "Discard the preview", discard)                             \
    W(UNDO, "undo", "u", "Edit", "Undo the last edit, or the one selected in History (asks)",      \
      undo)                                                                                        \
    W(REDO, "redo", "C-r", "Edit", "Redo what was undone", redo)                                   \
    X(CANCEL, "cancel", "C-c", "Edit", "Stop the first job; never quits the program", cancel)      \
    V(DROP, "drop", "del", "Edit", "Drop the job under the cursor in Jobs", "jobs")                \
    X(VERIFY, "verify", "W", "Edit", "Rebuild all weights from the journal and compare", verify)   \
    O(PROBE, "probe", "B", "Edit", "The verdict: answers before and after, probes, neighbours",    \
      verdict)                                                                                     \
    O(RELATION, "relation", "|", "Edit", "Subject | relation | object: pick the relation",         \
      relations)                                                                                   \
    X(SILENCE, "silence", "X", "Edit", "Silence the neuron in queries; again: restore it",         \
      silence)                                                                                     \
    X(FORCE, "force", "f", "Edit", "Force the neuron into the mask, out of it, or neither", force) \
    X(RELEASE, "release", "F", "Edit", "Restore every silenced, set or forced neuron", release)    \
    V(TRIED_ON, "tried-on", "@", "Edit",                                                           \
      "Compare, Sweep: try on the state before this fact's edit, BASE, or now", "compare sweep")   \
    W(NOTE, "note", "A", "Edit", "Add a note to the edit selected in History", note)               \
    O(ALPHA, "alpha", "a", "Parameters", "Go to the scalers α; again: the other one", edit)        \
    O(BETA, "beta", "b", "Parameters", "Go to the biases β; again: the other one", edit)           \
    O(TEMPERATURE, "temperature", "t", "Parameters", "Go to the temperature τ", edit)              \
    O(OPTIONS, "options", "o F2", "Parameters", "All parameters, with help and source", options)   \
    V(MORE, "more", "+", "Parameters", "Step the parameter up, or zoom in",                        \
      "edit heatmap compare options")                                                              \
    V(LESS, "less", "-", "Parameters", "Step the parameter down, or zoom out",                     \
      "edit heatmap compare options")                                                              \
    V(MUCH_MORE, "much-more", ".", "Parameters", "Ten steps up", "edit heatmap options")           \
    V(MUCH_LESS, "much-less", ",", "Parameters", "Ten steps down", "edit heatmap options")         \
    V(EXACT, "exact", "=", "Parameters", "Type the exact value",                                   \
      "edit neurons compare sweep models options")                                                 \
    V(RESET, "reset", "r", "Parameters", "This parameter as at the start", "edit options")         \
    X(RESET_ALL, "reset-all", "R", "Parameters",                                                   \
      "Sliders, mask, rule, compensation: as at the start", reset_all)                             \
    X(UNTUNE, "untune", "Z", "Parameters", "Undo the last change of a parameter", untune)          \
    X(MASK_MODE, "mask-mode", "M )", "Parameters", "Next mask: union, general, specific, ...",     \
      mask_mode)                                                                                   \
    X(MASK_MODE_BACK, "mask-mode-back", "(", "Parameters", "Previous mask", mask_mode_back)        \
    X(SELECT_RULE, "select-rule", "S", "Parameters", "Next rule: top-k, by hash, quantile",        \
      select_rule)                                                                                 \
    X(COMPENSATE, "compensate", "Q", "Parameters", "Masked updates at equal gain: on, off",        \
      compensate)                                                                                  \
    V(UP, "up", "k up", "Move", "One row up", "")                                                  \
    V(DOWN, "down", "j down", "Move", "One row down", "")                                          \
    V(LEFT, "left", "h left", "Move", "Left, or one step down", "")                                \
    V(RIGHT, "right", "l right", "Move", "Right, or one step up", "")                              \
    V(PAGE_UP, "page-up", "C-b C-u pgup", "Move", "One page up", "")                               \
    V(PAGE_DOWN, "page-down", "C-f C-d pgdn", "Move", "One page down", "")                         \
    V(FIRST, "first", "g home", "Move", "To the first row", "")                                    \
    V(LAST, "last", "G end", "Move", "To the last row", "")                                        \
    V(ROW_START, "row-start", "0", "Move", "To the first column", "")                              \
    V(ROW_END, "row-end", "$", "Move", "To the last column", "")                                   \
    X(LAYER_BACK, "layer-back", "[", "Move", "Previous layer", layer_back)                         \
    X(LAYER_NEXT, "layer-next", "]", "Move", "Next layer", layer_next)                             \
    V(TOKEN_BACK, "token-back", "{", "Move", "Previous token position, or answer of a record",     \
      "lens run")                                                                                  \
    V(TOKEN_NEXT, "token-next", "}", "Move", "Next token position, or answer of a record",         \
      "lens run")                                                                                  \
    V(NEXT_PANE, "next-pane", "tab", "Move", "Next pane", "edit history facts sweep run")          \
    V(PREVIOUS_PANE, "previous-pane", "S-tab", "Move", "Previous pane",                            \
      "edit history facts sweep run")                                                              \
    V(ENTER, "enter", "enter", "Move", "Look closer", "")                                          \
    X(BACK, "back", "esc bs", "Move", "Close what is open; back to where this was opened", back)   \
    X(SEARCH, "search", "/", "Move", "Find: L5N912, a word, an edit", find)                        \
    X(SEARCH_NEXT, "search-next", "n", "Move", "Find the next match", search_next)                 \
    X(SEARCH_BACK, "search-back", "N", "Move", "Find the previous match", search_back)             \
    X(FILTER, "filter", "\\ & F4", "Move", "Show only rows that contain a word", filter)           \
    V(TAG, "tag", "space", "Move", "Tag the row under the cursor", "neurons history sweep run")    \
    V(UNTAG, "untag", "U", "Move", "Untag all", "neurons history sweep")                           \
    O(VIEW_EDIT, "view-edit", "1", "Views", "Edit: the whole picture", edit)                       \
    O(VIEW_HEATMAP, "view-heatmap", "2", "Views", "Heatmap, from bins to single neurons", heatmap) \
    O(VIEW_NEURONS, "view-neurons", "3", "Views", "Neurons: scores, classes, words", neurons)      \
    O(VIEW_RATIOS, "view-ratios", "4", "Views", "Ratios: entropy, ratio, threshold", ratios)       \
    O(VIEW_LENS, "view-lens", "5", "Views", "Lens: rank of old and new by layer", lens)            \
    O(VIEW_QUERY, "view-query", "6", "Views", "Query: ask before and after", query)                \
    O(VIEW_COMPARE, "view-compare", "7 V", "Views", "Compare: other masks, other methods",         \
      compare)                                                                                     \
    O(VIEW_HISTORY, "view-history", "8", "Views", "History: the journal of edits", history)        \
    O(FACTS, "facts", "9", "Views", "Facts: a queue of many, and their probes", facts)             \
    O(SWEEP, "sweep", "#", "Views", "Sweep: a grid over two parameters", sweep)                    \
    O(RUN, "run", "%", "Views", "Run: what eval measured, edit after edit", run)                   \
    O(MODELS, "models", "O", "Views", "Models on this machine: open another one", models)          \
    O(SESSIONS, "sessions", "~", "Views", "Sessions and recordings to come back to", sessions)     \
    X(PULL, "pull", "H", "Views", "Download a model from the Hugging Face Hub", pull)              \
    O(JOBS, "jobs", "J", "Views", "Jobs: what runs, what waits, what ended", jobs)                 \
    O(LOG, "log", "L", "Views", "Messages and jobs so far", log)                                   \
    O(HELP, "help", "? F1", "Views", "All keys", help)                                             \
    O(ASK, "ask", "i", "Views", "Type a question (Query)", query)                                  \
    X(FLIP, "flip", "v", "Show", "Before, after, both", flip)                                      \
    X(SCALE, "scale", "s", "Show", "Scale of the map: root, linear, log, rank", scale)             \
    X(POOL, "pool", "m", "Show", "What a bin shows: largest, mean, count", pool)                   \
    X(RAMP, "ramp", "c", "Show", "Colours of the map", ramp)                                       \
    X(PER_LAYER, "per-layer", "z", "Show", "One scale for all layers, or one per layer",           \
      per_layer)                                                                                   \
    X(ORDER, "order", "<", "Show", "Order of columns and rows: index, score, class", order)        \
    V(INVERT, "invert", "I", "Show", "Reverse the order", "neurons")                               \
    V(MODE, "mode", "d", "Show", "Next picture: LPS, PSA, MPC, activation, causal trace",          \
      "heatmap ratios lens query compare history sweep run sessions")                              \
    X(DETAILS, "details", "K", "Show", "This pane in words; in Neurons and History: the row",      \
      details)                                                                                     \
    X(TARGET, "target", "T", "Show", "Explain the predicted, old or new object", target)           \
    X(PAUSE, "pause", "p", "Show", "Freeze the picture", pause)                                    \
    X(COPY, "copy", "y", "Show", "Copy the address or value under the cursor", copy)               \
    X(EXPORT, "export", "E", "Show", "Save what is shown: SVG, ANSI, text, CSV, JSON, md, tex",    \
      export)                                                                                      \
    X(SAVE, "save", "w", "Program", "Save the session under a name and continue there", save)      \
    X(REDRAW, "redraw", "C-l", "Program", "Redraw the screen", redraw)                             \
    X(COMMAND, "command", ":", "Program", "Type a command", command)                               \
    X(SUSPEND, "suspend", "C-z", "Program", "Suspend; fg in the shell resumes", suspend)           \
    X(QUIT, "quit", "q F10", "Program", "Close; quit (:q! quits at once)", quit)

enum action {
    ACTION_NONE,
#define V(id, ...) ACTION_##id,
    ACTIONS(V, V, V, V)
#undef V
        ACTION_COUNT
};

struct action_info {
    const char *name, *keys, *group, *help;
    bool writes;       /* to the session */
    const char *view;  /* the name of the view it opens, or NULL */
    const char *where; /* the views it works in, if only views handle it; "" or NULL */
};

extern const struct action_info action_infos[ACTION_COUNT]; /* [ACTION_NONE] is empty */

/* Whether it asks the engine for something that needs a model. */
bool action_needs_model(enum action action);
/* The action of a key in the keymap in force, for all views; ACTION_NONE: the key is free. */
enum action action_of_key(int32_t code);
/* The action called so; ACTION_NONE: there is none. */
enum action action_of_name(const char *name);
/* The action that opens this view and no more; ACTION_NONE: there is none. */
enum action action_of_view(const char *view);
/* By how many rows an action moves a list's cursor: -1 or 1, -page or page, -all or all for the
 * first and last row; 0: it does not move. */
int action_steps(enum action action, int page, int all);
/* The same for columns: -1 or 1, -all or all for either end. */
int action_across(enum action action, int all);
/* By how many steps an action changes the parameter under the cursor: -10, -1, 1, 10 or 0. */
int action_change(enum action action);

#endif
