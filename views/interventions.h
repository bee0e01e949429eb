/* What a user lays upon single neurons: silenced, set or scaled in queries, forced into the mask or
 * out of it. It lives on the desk, and nothing of it is ever written to weights. UI thread. */
#ifndef VIEWS_INTERVENTIONS_H
#define VIEWS_INTERVENTIONS_H

#include "views/view.h"

/* The change of a neuron, NULL: none. What it is forced to: 1 in, -1 out, 0 neither. */
const struct intervention *intervention_of(const struct ui_state *d, int layer, int neuron);
int mask_override_of(const struct ui_state *d, int layer, int neuron);
/* "L5N912=0", "L5N912*2", "L5N912=off". Errors say which form is meant. */
bool intervention_parse(const struct ui_state *d, const char *text, struct intervention *out,
                        bool *off, struct err *err);
/* "silenced", "=0.5", "×2" */
const char *intervention_text(const struct intervention *change, char out[24]);
/* "2 changed · 1 forced", "" for none. */
const char *interventions_text(const struct ui_state *d, char out[48]);

/* The same as actions: the mask follows at once, and the fact's prompt is asked with and without
 * the changes. They say what they did. */
void ui_silence_neuron(struct host *host, int layer, int neuron);
void ui_force_neuron(struct host *host, int layer, int neuron);
void ui_release_neurons(struct host *host);
void ui_change_neuron(struct host *host, const char *text); /* intervention_parse() */
/* Asks the fact's prompt with and without what is in force; answers go to desk.trial. */
void request_intervention_answers(struct host *host);

/* What is in force, and both answers beside each other. */
void pane_interventions(const struct ui_state *d, struct surface *s, struct rect area);
int pane_interventions_rows(const struct ui_state *d, int room); /* 0: nothing is in force */

#endif
