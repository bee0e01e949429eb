/* The tour: one edit in seven steps. The program explains a step in a sentence and waits until the
 * user has done it. A recorded run shows the same steps while it does them by itself.
 *
 * TOUR_STEPS is the whole tour. A row is X(name, action, press, sentence, done):
 *
 *   name      a word for the title of the strip
 *   action    whose key the strip shows
 *   press     what to press after that key, or ""
 *   sentence  what happens, at most 120 columns
 *   done      true once the step is done, from the state at its beginning (struct tour) and now:
 *             a function step_DONE() of tour.c */
#ifndef VIEWS_SHELL_TOUR_H
#define VIEWS_SHELL_TOUR_H

#include <stdbool.h>

#include "views/actions.h"
#include "views/ui_state.h"

#define TOUR_STEPS(X)                                                                               \
    X("score", ATTRIBUTE, "",                                                                       \
      "Every neuron gets a score: how much it raises the model's answer; the edit writes the "      \
      "layers marked ›.",                                                                           \
      scored)                                                                                       \
    X("choose", BETA, "then + + +",                                                                 \
      "α, β and τ decide which neurons may be written; the mask follows at once, gain and leak " \
      "as soon as they are known.",                                                                 \
      tuned)                                                                                        \
    X("preview", PREVIEW, "",                                                                       \
      "The edit is tried on a copy of the weights: nothing is written, and you see what the "       \
      "model "                                                                                      \
      "would say.",                                                                                 \
      previewed)                                                                                    \
    X("compare", FLIP, "", "Every view can show the model before the edit, after it, or both.",     \
      flipped)                                                                                      \
    X("ask", ASK, "the beginning of a sentence",                                                    \
      "The model goes on with what you type; before and after stand side by side.", asked)          \
    X("commit", COMMIT, "then confirm",                                                             \
      "The edit is written to the session and verified; then its neighbours are asked whether "     \
      "they stayed.",                                                                               \
      committed)                                                                                    \
    X("undo", UNDO, "then confirm",                                                                 \
      "The weights go back, bit for bit; the journal keeps the edit, and redo brings it back.",     \
      undone)

struct tour {
    bool on;
    int step; /* index of the step that is waited for; past the last one: all are done */
    /* At the beginning of the step: */
    struct params params;
    enum neuron_side side;
    int answers;
    int edits;
};

struct tour_step {
    const char *name;
    enum action action;
    const char *press, *sentence;
    bool (*done)(const struct tour *t, const struct ui_state *d);
};
extern const struct tour_step tour_steps[];
extern const int tour_step_count;
/* Said when all steps are done. */
extern const char tour_end_sentence[];

void tour_begin(struct tour *t, const struct ui_state *d);
/* Goes on past the steps that are done. True: it did. */
bool tour_follow(struct tour *t, const struct ui_state *d);

#endif
