/* The lists of interventions and mask overrides, and the queries that show their effect. */
#include "views/interventions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/editors/editors.h"
#include "views/requests.h"

const struct intervention *intervention_of(const struct ui_state *d, int layer, int neuron)
{
    for (int i = 0; i < d->intervention_count; i++)
        if (d->intervention[i].layer == layer && d->intervention[i].neuron == neuron)
            return &d->intervention[i];
    return NULL;
}

int mask_override_of(const struct ui_state *d, int layer, int neuron)
{
    for (int i = 0; i < d->mask_override_count; i++)
        if (d->mask_override[i].layer == layer && d->mask_override[i].neuron == neuron)
            return d->mask_override[i].in ? 1 : -1;
    return 0;
}

/* Adds or replaces an intervention, or removes it (`off`). false: the list is full. */
static bool intervention_set(struct ui_state *d, const struct intervention *change, bool off)
{
    const struct intervention *old = intervention_of(d, change->layer, change->neuron);
    int at = old ? (int)(old - d->intervention) : d->intervention_count;

    if (off) {
        if (old)
            d->intervention[at] = d->intervention[--d->intervention_count];
        return true;
    }
    if (at >= UI_INTERVENTIONS)
        return false;
    d->intervention[at] = *change;
    d->intervention_count += !old;
    return true;
}

/* Switches a neuron's override: in, out, none, in ... false: the list is full. */
static bool mask_override_next(struct ui_state *d, int layer, int neuron)
{
    for (int i = 0; i < d->mask_override_count; i++) {
        if (d->mask_override[i].layer != layer || d->mask_override[i].neuron != neuron)
            continue;
        if (d->mask_override[i].in)
            d->mask_override[i].in = false;
        else
            d->mask_override[i] = d->mask_override[--d->mask_override_count];
        return true;
    }
    if (d->mask_override_count >= UI_MASK_OVERRIDES)
        return false;
    d->mask_override[d->mask_override_count++] = (struct mask_override){layer, neuron, true};
    return true;
}

bool intervention_parse(const struct ui_state *d, const char *text, struct intervention *out,
                        bool *off, struct err *err)
{
    const char *p = text + strspn(text, " Ll");
    char *end;
    long layer = strtol(p, &end, 10), neuron = -1;
    double value;

    *off = false;
    if (end != p && (*end == 'N' || *end == 'n')) {
        p = end + 1;
        neuron = strtol(p, &end, 10);
    }
    if (end == p || layer < 0 || layer >= d->layers || neuron < 0 || neuron >= d->model.neurons)
        return err_set(err, ERR_USAGE, "'%.40s' is not a neuron of this model; write L5N912=0",
                       text);
    *out = (struct intervention){.layer = (int)layer, .neuron = (int)neuron};
    end += strspn(end, " ");
    out->scale = *end == '*';
    if (*end != '=' && *end != '*')
        return err_set(err, ERR_USAGE, "after L%ldN%ld write =VALUE, *FACTOR or =off, not '%.20s'",
                       layer, neuron, end);
    p = end + 1;
    *off = !strcmp(p, "off");
    value = strtod(p, &end);
    if (!*off && (end == p || *end || !isfinite(value) || fabs(value) > 1e6))
        return err_set(err, ERR_USAGE,
                       "'%.20s' is not a coefficient: give a number up to 1e6, or off", p);
    out->value = (float)value;
    return true;
}

const char *intervention_text(const struct intervention *change, char out[24])
{
    bool silent = !(change->value < 0) && !(change->value > 0);

    snprintf(out, 24,
             silent          ? "silenced"
             : change->scale ? "×%.4g"
                             : "=%.4g",
             (double)change->value);
    return out;
}

const char *interventions_text(const struct ui_state *d, char out[48])
{
    int n = 0;

    out[0] = '\0';
    if (d->intervention_count)
        n = snprintf(out, 48, "%d neuron%s changed", d->intervention_count,
                     d->intervention_count == 1 ? "" : "s");
    if (d->mask_override_count)
        show_print(out + n, 48 - (size_t)n, "%s%d forced", n ? " · " : "", d->mask_override_count);
    return out;
}

/* The state that interventions are tried on: the preview if there is one, else the edited model. */
static unsigned state_asked(const struct ui_state *d)
{
    return d->state.preview ? STATE_PREVIEW : d->state.edits ? STATE_EDITED : STATE_BASE;
}

/* Posts the fact's prompt with or without the interventions, for 8 tokens and the 12 likeliest
 * next ones. Returns the job. */
static unsigned query_fact(struct host *host, bool with)
{
    struct command cmd = {.kind = CMD_QUERY, .text = fact_text(&host->ui->fact)};
    const struct ui_state *d = host->ui;

    cmd.params = d->params;
    cmd.tokens = 8;
    cmd.top = 12;
    cmd.states = state_asked(d);
    if (with)
        ui_add_interventions(d, &cmd);
    return host->post(host, &cmd);
}

/* The answer without interventions is the same until the state changes, so it is asked once per
 * state. A job that is overtaken goes into the ring of old jobs: its answer is dropped on arrival.
 */
void request_intervention_answers(struct host *host)
{
    struct ui_state *d = host->ui;
    bool same = d->intervention_job[0] && !strcmp(d->intervention_state, d->state.state) &&
                (!d->intervention_answer[0] || d->intervention_answer[0]->state == state_asked(d));

    if (!d->intervention_count || !d->ready || !d->fact.subject) {
        ui_forget_intervention_answers(d);
        return;
    }
    if (!same) { /* what is said without changes is asked once a state */
        ui_forget_intervention_answers(d);
        memcpy(d->intervention_state, d->state.state, sizeof(d->intervention_state));
        d->intervention_job[0] = query_fact(host, false);
    }
    if (d->intervention_job[1])
        d->intervention_old_job[d->intervention_old_count++ % 8] = d->intervention_job[1];
    d->intervention_job[1] = query_fact(host, true);
}

/* Whether this is a neuron of the model; else a message says how to get to one. */
static bool has_neuron(struct host *host, int layer, int neuron)
{
    const struct ui_state *d = host->ui;

    if (d->ready && layer >= 0 && layer < d->layers && neuron >= 0 && neuron < d->model.neurons)
        return true;
    host->message(host, TONE_WARN,
                  "no neuron under the cursor: {attribute} scores neurons, :L5N912 goes to one");
    return false;
}

void ui_silence_neuron(struct host *host, int layer, int neuron)
{
    struct ui_state *d = host->ui;
    struct intervention change = {.layer = layer, .neuron = neuron};

    if (!has_neuron(host, layer, neuron))
        return;
    if (intervention_of(d, layer, neuron)) {
        intervention_set(d, &change, true);
        host->message(host, TONE_PLAIN, "L%dN%d is restored", layer, neuron);
    } else if (intervention_set(d, &change, false)) {
        host->message(host, TONE_PLAIN, "L%dN%d is silenced in queries; nothing is written", layer,
                      neuron);
    } else {
        host->message(host, TONE_WARN, "%d neurons are changed already: {release} releases them",
                      UI_INTERVENTIONS);
        return;
    }
    request_intervention_answers(host);
}

void ui_change_neuron(struct host *host, const char *text)
{
    struct ui_state *d = host->ui;
    struct intervention change;
    struct err err = {0};
    char word[24];
    bool off;

    if (!intervention_parse(d, text, &change, &off, &err)) {
        host->message(host, TONE_ERROR, "%s", err.text);
        return;
    }
    if (!intervention_set(d, &change, off)) {
        host->message(host, TONE_WARN, "%d neurons are changed already: {release} releases them",
                      UI_INTERVENTIONS);
        return;
    }
    d->at_layer = change.layer;
    d->at_neuron = change.neuron;
    if (off)
        host->message(host, TONE_PLAIN, "L%dN%d is restored", change.layer, change.neuron);
    else
        host->message(host, TONE_PLAIN, "L%dN%d %s in queries; nothing is written", change.layer,
                      change.neuron, intervention_text(&change, word));
    request_intervention_answers(host);
}

void ui_force_neuron(struct host *host, int layer, int neuron)
{
    static const char *const word[] = {"out of the mask", "back to what its scores say",
                                       "in the mask"};
    struct ui_state *d = host->ui;

    if (!has_neuron(host, layer, neuron))
        return;
    if (!mask_override_next(d, layer, neuron)) {
        host->message(host, TONE_WARN, "%d neurons are forced already: {release} releases them",
                      UI_MASK_OVERRIDES);
        return;
    }
    host->params_changed(host);
    if (!editor_takes_mask(&d->params))
        host->message(host, TONE_WARN, "L%dN%d is %s, but %s has no mask and does not ask it",
                      layer, neuron, word[mask_override_of(d, layer, neuron) + 1],
                      editor_of(&d->params)->title);
    else
        host->message(host, TONE_PLAIN,
                      d->state.preview ? "L%dN%d is %s; {preview} previews it again"
                                       : "L%dN%d is %s",
                      layer, neuron, word[mask_override_of(d, layer, neuron) + 1]);
}

void ui_release_neurons(struct host *host)
{
    struct ui_state *d = host->ui;
    char word[48];

    if (!d->intervention_count && !d->mask_override_count) {
        host->message(host, TONE_PLAIN, "no neuron is changed or forced");
        return;
    }
    host->message(host, TONE_PLAIN, "released: %s", interventions_text(d, word));
    d->intervention_count = 0;
    if (d->mask_override_count) {
        d->mask_override_count = 0;
        host->params_changed(host);
    }
    ui_forget_intervention_answers(d);
}
