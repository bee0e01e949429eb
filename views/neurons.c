/* Every neuron of the layer at hand: score, class, the words it promotes and suppresses. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tui/box.h"
#include "tui/text.h"
#include "views/panes.h"
#include "views/verbs.h"
#include "views/view.h"

struct neurons {
    struct list list;
};

enum { PAGE = 20 };

/* The layer's neurons in the desk's order. Caller frees. */
static struct desk_neuron *sorted(const struct desk *d, int *n)
{
    int most = d->model.neurons > 0 ? d->model.neurons : 1;
    struct desk_neuron *out = xmalloc((size_t)most * sizeof(*out));

    *n = desk_top(d, d->at_layer, d->table_order, out, most);
    return out;
}

static void neurons_open(struct view *v)
{
    struct neurons *s = v->state;
    struct desk *d = v->host->desk;
    int n;
    struct desk_neuron *all = sorted(d, &n);

    s->list.at = 0;
    for (int i = 0; i < n; i++)
        if (all[i].neuron == d->at_neuron)
            s->list.at = i;
    free(all);
}

static bool neurons_action(struct view *v, enum action action)
{
    struct neurons *s = v->state;
    struct desk *d = v->host->desk;
    struct desk_neuron *all;
    int n;

    switch (action) {
    case ACTION_UP:
    case ACTION_DOWN:
    case ACTION_PAGE_UP:
    case ACTION_PAGE_DOWN:
    case ACTION_FIRST:
    case ACTION_LAST:
        break;
    case ACTION_ORDER:
        d->table_order = (enum desk_order)((d->table_order + 1) % ORDER_COUNT);
        neurons_open(v);
        return true;
    case ACTION_LAYER_BACK:
    case ACTION_LAYER_NEXT:
        verb_move_layer(d, action == ACTION_LAYER_BACK ? -1 : 1);
        s->list = (struct list){0, 0};
        all = sorted(d, &n);
        if (n)
            d->at_neuron = all[0].neuron;
        free(all);
        return true;
    case ACTION_ENTER:
        v->host->open(v->host, "heatmap");
        return true;
    default:
        return false;
    }
    all = sorted(d, &n);
    list_move(&s->list, action_steps(action, PAGE, d->model.neurons), n, PAGE);
    if (n)
        d->at_neuron = all[s->list.at].neuron;
    free(all);
    return true;
}

static void neurons_find(struct view *v, const char *text)
{
    if (verb_go(v->host->desk, text))
        neurons_open(v);
    else
        v->host->say(v->host, TONE_WARN, "no neuron '%s' here: L5N912 is how one is called", text);
}

static void row_scores(const struct desk *d, const struct desk_neuron *n, struct pen *p, int rows)
{
    const struct attribution *a = d->layer[n->layer].shown;

    for (int r = 0; r < a->rows && r < rows; r++)
        pen_printf(p, ROLE_DIM, "%7.2f",
                   (double)a->score[(size_t)r * (size_t)a->neurons + (size_t)n->neuron]);
}

static void row(const struct desk *d, const struct desk_neuron *n, struct surface *s,
                struct rect in, int y, bool here)
{
    const struct neuron_info *words = desk_words(d, n->layer, n->neuron);
    const struct attribution *a = d->layer[n->layer].shown;
    struct pen p = pen_at(s, in, y, 0);
    char address[24];

    if (here) {
        surface_fill(s, (struct rect){in.y + y, in.x, 1, in.w}, ROLE_SELECTED);
        surface_cursor(s, in, y, 2);
    }
    pen_text(&p, class_role(n->class_bits), class_glyph(n->class_bits));
    snprintf(address, sizeof(address), " L%dN%d", n->layer, n->neuron);
    pen_fit(&p, ROLE_STRONG, 11, address);
    pen_printf(&p, ROLE_BAR, "%8.3f", n->score);
    pen_printf(&p, n->kept ? ROLE_GOOD : ROLE_DIM, "  %-4s", n->kept ? "kept" : "");
    pen_printf(&p, ROLE_TEXT, "%9.3f", (double)a->activation[n->neuron]);
    if (in.w >= 110)
        row_scores(d, n, &p, 6);
    p.x += 2;
    if (words && in.w - p.x > 10) {
        int half = (in.w - p.x) * 3 / 5;

        put_words(&p, words, true, half - 1);
        p.x++;
        put_words(&p, words, false, in.w - p.x);
    }
}

static void neurons_draw(const struct view *v, struct surface *s, struct rect area)
{
    const struct neurons *state = v->state;
    const struct desk *d = v->host->desk;
    static const char *const order[] = {"by index", "by score", "by class"};
    char title[64], hint[64];
    struct desk_neuron *all;
    struct rect in;
    struct pen p;
    int n, top;

    snprintf(title, sizeof(title), "Neurons of layer %d", d->at_layer);
    snprintf(hint, sizeof(hint), "%s  [ ] layer", order[d->table_order]);
    in = box_draw(s, area, title, hint, true);
    if (in.h < 2)
        return;
    all = sorted(d, &n);
    p = pen_at(s, in, 0, 0);
    pen_text(&p, ROLE_DIM, "  neuron        score  mask activation");
    if (in.w >= 110)
        pen_text(&p, ROLE_DIM, "   score of each row");
    if (!n) {
        p = pen_at(s, in, 2, 2);
        pen_text(&p, ROLE_DIM, "not computed yet: x scores every neuron for this fact");
    }
    top = list_top(&state->list, n, in.h - 1);
    for (int i = top; i < n && i - top < in.h - 1; i++)
        row(d, &all[i], s, in, i - top + 1, i == state->list.at);
    free(all);
}

const struct view_ops view_neurons = {
    .name = "neurons",
    .title = "Neurons",
    .footer = "layer-back:layer layer-next:layer order search copy enter:map attribute help:keys",
    .size = sizeof(struct neurons),
    .open = neurons_open,
    .action = neurons_action,
    .find = neurons_find,
    .draw = neurons_draw,
};
