/* The same fact under other masks and methods, each previewed in turn; nothing is written. */
#include <math.h>
#include <stdio.h>

#include "tui/box.h"
#include "tui/text.h"
#include "views/verbs.h"
#include "views/view.h"

enum { NMKE, ALPHAEDIT, RANDOM, KEYMAG, VARIANTS };

struct compare {
    struct applied got[VARIANTS];
    bool has[VARIANTS];
    int running; /* variant + 1; 0: idle */
    unsigned job;
};

static struct params variant(const struct desk *d, int which)
{
    struct params p = d->params;

    if (which == ALPHAEDIT) {
        p.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
        p.value[P_MASK_MODE] = MODE_NONE;
    } else if (which == RANDOM) {
        p.value[P_MASK_MODE] = MODE_RANDOM;
        p.value[P_MASK_DENSITY] = 0;
    } else if (which == KEYMAG) {
        p.value[P_MASK_MODE] = MODE_KEYMAG;
    }
    return p;
}

static void run(struct view *v, int which)
{
    struct compare *c = v->state;
    struct params p = variant(v->host->desk, which);

    c->job = verb_preview(v->host, &p);
    c->running = c->job ? which + 1 : 0;
}

static void compare_event(struct view *v, const struct event *ev)
{
    struct compare *c = v->state;

    if (!c->running || ev->job != c->job)
        return;
    if (ev->kind == EV_PREVIEW && v->host->desk->preview) {
        c->got[c->running - 1] = *v->host->desk->preview;
        c->has[c->running - 1] = true;
    } else if (ev->kind == EV_FAILED) {
        c->running = 0;
    } else if (ev->kind == EV_DONE && c->running < VARIANTS) {
        run(v, c->running);
    } else if (ev->kind == EV_DONE) {
        c->running = 0;
        verb_simple(v->host, CMD_DISCARD, 0); /* the last one is not what the user asked for */
        v->host->say(v->host, TONE_GOOD, "compared; nothing is written");
    }
}

static bool compare_action(struct view *v, enum action action)
{
    struct compare *c = v->state;

    if (action != ACTION_ENTER && action != ACTION_PREVIEW)
        return false;
    if (c->running)
        return true;
    for (int i = 0; i < VARIANTS; i++)
        c->has[i] = false;
    run(v, NMKE);
    return true;
}

struct summary {
    double gain, leak, norm;
    int kept, layers;
};

static struct summary summarise(const struct applied *a)
{
    struct summary s = {.layers = a->layers};

    for (int i = 0; i < a->layers; i++) {
        s.gain += a->layer[i].gain / a->layers;
        s.leak += a->layer[i].leak_ratio / a->layers;
        s.norm += a->layer[i].weight_norm > 0
                      ? a->layer[i].delta_norm / a->layer[i].weight_norm / a->layers
                      : 0;
        s.kept += a->layer[i].kept;
    }
    return s;
}

static void line(struct surface *s, struct rect in, int y, const char *label)
{
    struct pen p = pen_at(s, in, y, 0);

    pen_text(&p, ROLE_DIM, label);
}

static void result(const struct applied *a, struct surface *s, struct rect in, int x, int cols)
{
    struct summary sum = summarise(a);
    char text[8][32], number[32];

    snprintf(text[0], 32, "%s", text_probability(number, a->p_before));
    snprintf(text[1], 32, "%s", text_probability(number, a->p_after));
    text_piece(text[2], 32, a->generated);
    snprintf(text[3], 32, "%s", text_thousands(number, sum.kept));
    snprintf(text[4], 32, "%.3f", sum.gain);
    snprintf(text[5], 32, "%.1f×", sum.leak);
    snprintf(text[6], 32, "%.3f %%", sum.norm * 100);
    snprintf(text[7], 32, "%.3f", a->z_error);
    for (int i = 0; i < 8; i++) {
        struct pen p = pen_at(s, in, 2 + i, x);

        pen_right(&p, i == 1 ? ROLE_NEW : i == 5 ? ROLE_ERROR : ROLE_TEXT, cols - 2, text[i]);
    }
}

static void compare_draw(const struct view *v, struct surface *s, struct rect area)
{
    static const char *const name[VARIANTS] = {"as set", "AlphaEdit", "random", "key size"};
    static const char *const label[] = {"p(new) before", "p(new) after", "says",
                                        "neurons kept",  "gain",         "leak/gain²",
                                        "‖ΔW‖/‖W‖",      "residual left"};
    const struct compare *c = v->state;
    struct rect in = box_draw(s, area, "Compare: one fact, four masks", "Enter runs", true);
    int cols = (in.w - 15) / VARIANTS;

    if (in.h < 3 || cols < 6)
        return;
    for (int i = 0; i < 8; i++)
        line(s, in, 2 + i, label[i]);
    for (int k = 0; k < VARIANTS; k++) {
        struct pen p = pen_at(s, in, 0, 15 + k * cols);

        pen_right(&p, k == NMKE ? ROLE_ACCENT : ROLE_STRONG, cols - 2, name[k]);
        if (c->has[k]) {
            result(&c->got[k], s, in, 15 + k * cols, cols);
        } else {
            p = pen_at(s, in, 3, 15 + k * cols);
            pen_right(&p, c->running == k + 1 ? ROLE_WARN : ROLE_EMPTY, cols - 2,
                      c->running == k + 1 ? "running" : "·");
        }
    }
    line(s, in, 12,
         "as set: your parameters · AlphaEdit: no mask · random: as many neurons as "
         "yours, by seed");
    line(s, in, 13, "key size: the neurons the subject excites most, whatever they promote");
}

const struct view_ops view_compare = {
    .name = "compare",
    .title = "Compare",
    .footer = "enter:run cancel mask-mode compensate preview commit help:keys",
    .size = sizeof(struct compare),
    .event = compare_event,
    .action = compare_action,
    .draw = compare_draw,
};
