/* Remembers which neurons were general for the facts scored before, so that the Ratios view can
 * say whether facts share them or whether the overlap is chance. With n neurons, a random set of a
 * neurons and one of b share a b / n on average. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "views/ui_state_internal.h"

static void general_set_free(struct general_set *s)
{
    free(s->bits);
    *s = (struct general_set){0};
}

void ui_forget_general_sets(struct ui_state *d)
{
    for (int i = 0; i < UI_GENERAL_SETS; i++)
        general_set_free(&d->general_set[i]);
}

/* Bytes of one layer's bits. */
static size_t set_bytes(int neurons)
{
    return ((size_t)neurons + 7) / 8;
}

/* Called before other scores are shown. Only complete attributions count. The same prompt replaces
 * its old set, else the oldest of UI_GENERAL_SETS goes. */
void ui_remember_general_set(struct ui_state *d)
{
    struct general_set new = {.layers = d->layers, .neurons = d->model.neurons};
    size_t bytes = set_bytes(new.neurons);
    int at = 0;

    if (d->scored_layers < d->layers || !d->header || d->header->rows < 1 || !d->header->prompt[0])
        return;
    utf8_copy(new.prompt, sizeof(new.prompt), d->header->prompt[0]);
    new.bits = xcalloc((size_t) new.layers, bytes);
    for (int l = 0; l < new.layers; l++)
        for (int i = 0; d->layer[l].mask && i < d->layer[l].mask->neurons && i < new.neurons; i++)
            if (d->layer[l].mask->class_bits[i] & CLASS_GENERAL)
                new.bits[(size_t)l * bytes + (size_t)i / 8] |= (unsigned char)(1u << i % 8);
    while (at < UI_GENERAL_SETS - 1 && d->general_set[at].bits &&
           strcmp(d->general_set[at].prompt, new.prompt) != 0)
        at++;
    general_set_free(&d->general_set[at]); /* the same question, or the oldest */
    memmove(&d->general_set[1], &d->general_set[0], (size_t)at * sizeof(d->general_set[0]));
    d->general_set[0] = new;
}

/* Counts neurons whose general bit is set now and was set then. */
bool ui_shared_neurons(const struct ui_state *d, int nth, int layer, struct shared_neurons *out)
{
    const struct mask *m = layer >= 0 && layer < d->layers ? d->layer[layer].mask : NULL;
    const struct general_set *s = nth >= 0 && nth < UI_GENERAL_SETS ? &d->general_set[nth] : NULL;
    int before = 0, now = 0, both = 0;

    if (!m || !s || !s->bits || layer >= s->layers || m->neurons != s->neurons ||
        (d->header && d->header->rows > 0 && d->header->prompt[0] &&
         !strcmp(d->header->prompt[0], s->prompt)))
        return false;
    for (int i = 0; i < m->neurons; i++) {
        bool in = m->class_bits[i] & CLASS_GENERAL;
        bool was = s->bits[(size_t)layer * set_bytes(s->neurons) + (size_t)i / 8] >> i % 8 & 1;

        now += in;
        before += was;
        both += in && was;
    }
    *out = (struct shared_neurons){s->prompt, both, (double)now * before / m->neurons};
    return true;
}
