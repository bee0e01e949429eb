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
    free(a->plain);
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
        free(h->entry[i].note);
    }
    free(h->entry);
    free(h);
}

static void lens_free(struct lens_grid *l)
{
    free(l->token);
    free(l->top);
    free(l->rank_old);
    free(l->rank_new);
    free(l);
}

static void trace_free(struct trace *t)
{
    free(t->token);
    free(t->effect);
    free(t);
}

static void probes_free(struct probe_result *probe, int count)
{
    for (int i = 0; i < count; i++) {
        free(probe[i].prompt);
        free(probe[i].expected);
        free(probe[i].said[0]);
        free(probe[i].said[1]);
    }
    free(probe);
}

static void probed_free(struct probed *p)
{
    probes_free(p->probe, p->probes);
    free(p->subject);
    free(p);
}

static void diff_free(struct diff *d)
{
    probes_free(d->probe, d->probes);
    free(d);
}

static void bisected_free(struct bisected *b)
{
    free(b->prompt);
    free(b->expect);
    free(b);
}

static void exported_free(struct exported *x)
{
    for (int i = 0; i < x->files; i++)
        free(x->file[i].name);
    free(x->file);
    free(x->path);
    free(x);
}

static void drift_free(struct drift *d)
{
    free(d->point);
    free(d);
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
    case EV_LENS:
        lens_free(ev->lens);
        break;
    case EV_TRACE:
        trace_free(ev->trace);
        break;
    case EV_PROBED:
        probed_free(ev->probed);
        break;
    case EV_DRIFT:
        drift_free(ev->drift);
        break;
    case EV_DIFF:
        diff_free(ev->diff);
        break;
    case EV_BISECTED:
        bisected_free(ev->bisected);
        break;
    case EV_EXPORTED:
        exported_free(ev->exported);
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
    case EV_TRIED:
    case EV_TAPE:
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
