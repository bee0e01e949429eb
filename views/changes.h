/* What a user lays upon single neurons: silenced, set or scaled in queries, forced into the mask or
 * out of it. It lives on the desk, and nothing of it is ever written to weights. UI thread. */
#ifndef VIEWS_CHANGES_H
#define VIEWS_CHANGES_H

#include "views/view.h"

/* The change of a neuron, NULL: none. What it is forced to: 1 in, -1 out, 0 neither. */
const struct intervention *change_of(const struct desk *d, int layer, int neuron);
int force_of(const struct desk *d, int layer, int neuron);
/* "L5N912=0", "L5N912*2", "L5N912=off". Errors say which form is meant. */
bool change_parse(const struct desk *d, const char *text, struct intervention *out, bool *off,
                  struct err *err);
/* "silenced", "=0.5", "×2" */
const char *change_word(const struct intervention *change, char out[24]);
/* "2 changed · 1 forced", "" for none. */
const char *changes_word(const struct desk *d, char out[48]);

/* The same as actions: the mask follows at once, and the fact's prompt is asked with and without
 * the changes. They say what they did. */
void verb_silence(struct host *host, int layer, int neuron);
void verb_force(struct host *host, int layer, int neuron);
void verb_release(struct host *host);
void verb_neuron(struct host *host, const char *text); /* change_parse() */
/* Asks the fact's prompt with and without what is in force; answers go to desk.trial. */
void verb_try_changes(struct host *host);

/* What is in force, and both answers beside each other. */
void pane_changes(const struct desk *d, struct surface *s, struct rect area);
int pane_changes_rows(const struct desk *d, int room); /* 0: nothing is in force */

#endif
