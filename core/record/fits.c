/* Whether events of a recording are all of one model, and of this era. */
#include "core/record/codec.h"

static const double YEAR_10000 = 253402300800; /* seconds since 1970 */

bool event_fits(const struct event *ev, int *layers, int *neurons)
{
    switch (ev->kind) {
    case EV_MODEL:
        *layers = ev->model->layers;
        *neurons = ev->model->neurons;
        return true;
    case EV_LOOK:
        return ev->look->layers == *layers || !ev->look->layers;
    case EV_META:
        return ev->meta->neurons == *neurons && ev->meta->layers == *layers;
    case EV_LAYER:
        return ev->attribution->neurons == *neurons && ev->attribution->layers == *layers;
    case EV_LENS:
        return ev->lens->layers == *layers;
    case EV_TRACE:
        return ev->trace->layers == *layers;
    case EV_NEURON:
        return ev->neuron->layer >= 0 && ev->neuron->layer < *layers && ev->neuron->neuron >= 0 &&
               ev->neuron->neuron < *neurons;
    case EV_STATE:
        for (int i = 0; i < ev->state->edited_count; i++)
            if (ev->state->edited_layers[i] < 0 || ev->state->edited_layers[i] >= *layers)
                return false;
        return true;
    case EV_WEIGHED:
    case EV_PREVIEW:
    case EV_COMMIT:
        for (int i = 0; i < ev->applied->layers; i++)
            if (ev->applied->layer[i].layer < 0 || ev->applied->layer[i].layer >= *layers)
                return false;
        return true;
    case EV_HISTORY:
        for (int i = 0; i < ev->history->count; i++)
            if (!(ev->history->entry[i].when >= 0 && ev->history->entry[i].when < YEAR_10000))
                return false;
        return true;
    default:
        return true;
    }
}
