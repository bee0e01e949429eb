/* What a user may do to single neurons: silence, set or scale them in queries (interventions), and
 * put them into the mask or take them out (mask overrides). Both lists are in struct ui_state;
 * weights are never written. UI thread. */
#ifndef VIEWS_INTERVENTIONS_H
#define VIEWS_INTERVENTIONS_H

#include "views/view.h"

/* The intervention on a neuron; NULL: none. */
const struct intervention *intervention_of(const struct ui_state *d, int layer, int neuron);
/* A neuron's mask override: 1 in, -1 out, 0 none. */
int mask_override_of(const struct ui_state *d, int layer, int neuron);
/* Parses "L5N912=0" (set), "L5N912*2" (scale) or "L5N912=off" (*off is set). Errors are ERR_USAGE
 * and show the form. */
bool intervention_parse(const struct ui_state *d, const char *text, struct intervention *out,
                        bool *off, struct err *err);
/* "silenced", "=0.5" or "×2". Returns out. */
const char *intervention_text(const struct intervention *change, char out[24]);
/* "2 neurons changed · 1 forced"; "" for none. Returns out. */
const char *interventions_text(const struct ui_state *d, char out[48]);

/* The user's actions. Each reports what it did; the mask follows at once, and the fact's prompt is
 * asked again with and without the interventions. ui_silence_neuron() and ui_force_neuron()
 * switch: silenced or not; in, out, or neither. */
void ui_silence_neuron(struct host *host, int layer, int neuron);
void ui_force_neuron(struct host *host, int layer, int neuron);
void ui_release_neurons(struct host *host);
void ui_change_neuron(struct host *host, const char *text); /* intervention_parse() */
/* Asks the fact's prompt with and without the interventions; the answers arrive in
 * ui_state.intervention_answer[]. */
void request_intervention_answers(struct host *host);

/* Draws the list of both kinds, and the two answers beside each other. */
void pane_interventions(const struct ui_state *d, struct surface *s, struct rect area);
/* How many rows that pane wants, of `room`; 0: there is nothing to show. */
int pane_interventions_rows(const struct ui_state *d, int room);

#endif
