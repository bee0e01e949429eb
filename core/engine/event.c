/* Events own what they point to; here it is given back. */
#include <stdlib.h>
#include <string.h>

#include "core/engine/engine.h"

static void look_free(struct look *l)
{
    free(l->token);
    free(l->target);
    free(l->next);
    free(l->rank_old);
    free(l->rank_new);
    free(l);
}

static void meta_free(struct meta *m)
{
    for (int i = 0; i < m->rows; i++)
        free(m->prompt[i]);
    free(m->prompt);
    free(m->target);
    free(m->order);
    free(m);
}

static void answer_free(struct answer *a)
{
    free(a->prompt);
    free(a->completion);
    free(a->ids);
    free(a->next);
    free(a);
}

static void history_free(struct history *h)
{
    for (int i = 0; i < h->count; i++) {
        free(h->entry[i].subject);
        free(h->entry[i].prompt);
        free(h->entry[i].target);
        free(h->entry[i].old);
    }
    free(h->entry);
    free(h);
}

void event_free(struct event *ev)
{
    switch (ev->kind) {
    case EV_LOOK:
        look_free(ev->look);
        break;
    case EV_META:
        meta_free(ev->meta);
        break;
    case EV_LAYER:
        attribution_unref(ev->attribution);
        break;
    case EV_ANSWER:
        answer_free(ev->answer);
        break;
    case EV_HISTORY:
        history_free(ev->history);
        break;
    case EV_PROGRESS:
    case EV_MODEL:
    case EV_STATE:
    case EV_WEIGHED:
    case EV_STEP:
    case EV_PREVIEW:
    case EV_COMMIT:
    case EV_EDITED:
    case EV_NEURON:
    case EV_MOMENTS:
        free(ev->progress); /* one block, whichever of these it is */
        break;
    case EV_NONE:
    case EV_ATTRIBUTED:
    case EV_DONE:
    case EV_FAILED:
    case EV_STOPPED:
        break;
    }
    memset(ev, 0, sizeof(*ev));
}
