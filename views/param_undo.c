/* Keeps up to PARAM_UNDO_STEPS earlier sets of all parameters; the oldest goes first. */
#include "views/param_undo.h"

#include <stdio.h>
#include <string.h>

#include "core/base/show.h"
#include "views/knobs.h"

void param_undo_start(struct param_undo *t, const struct params *p)
{
    *t = (struct param_undo){.now = *p, .param = -1};
}

int params_differing(const struct params *a, const struct params *b, int *one)
{
    int n = 0;

    *one = -1;
    for (int i = 0; i < PARAM_COUNT; i++)
        if (!param_same(a, b, (enum param)i)) {
            *one = i;
            n++;
        }
    return n;
}

void param_undo_note(struct param_undo *t, const struct params *p, double now)
{
    int param, n = params_differing(&t->now, p, &param);

    if (!n)
        return;
    if (n > 1)
        param = -1;
    if (!t->steps || param < 0 || param != t->param || now - t->when > 1) {
        if (t->steps == PARAM_UNDO_STEPS)
            memmove(&t->step[0], &t->step[1], (PARAM_UNDO_STEPS - 1) * sizeof(t->step[0]));
        t->steps -= t->steps == PARAM_UNDO_STEPS;
        t->step[t->steps++] = t->now;
    }
    t->now = *p;
    t->param = param;
    t->when = now;
    if (!params_differing(&t->now, &t->step[t->steps - 1], &param)) { /* up and down again */
        t->steps--;
        t->param = -1;
    }
}

/* "NAME is VALUE, was VALUE" for each parameter that differs, as many as fit. */
static void describe_change(const struct params *from, const struct params *to, char out[160])
{
    int at = 0, n = 0;

    *out = '\0';
    for (int i = 0; i < PARAM_COUNT; i++) {
        char one[160], was[48], is[48];

        if (param_same(from, to, (enum param)i))
            continue;
        show_print(one, sizeof(one), "%s%s is %.40s, was %.40s", n++ ? "; " : "",
                   param_word((enum param)i), param_value_words(to, (enum param)i, is),
                   param_value_words(from, (enum param)i, was));
        if (at + (int)strlen(one) + 10 > 160) {
            snprintf(out + at, (size_t)(160 - at), "; …");
            return;
        }
        at += snprintf(out + at, (size_t)(160 - at), "%s", one);
    }
}

bool param_undo_back(struct param_undo *t, struct params *p, char out[160])
{
    if (!t->steps)
        return false;
    describe_change(p, &t->step[--t->steps], out);
    *p = t->step[t->steps];
    t->now = *p;
    t->param = -1;
    return true;
}

void param_reset(struct params *p, const struct params *from, enum param id)
{
    if (param_info(id)->kind == PARAM_LAYERS) {
        memcpy(p->layer, from->layer, sizeof(p->layer));
        p->layer_count = from->layer_count;
        p->layers_option = from->layers_option;
    } else if (param_info(id)->kind == PARAM_TEXT) {
        int at = (int)param_info(id)->low;

        memcpy(p->text[at], from->text[at], sizeof(p->text[at]));
    } else {
        p->value[id] = from->value[id];
    }
    p->source[id] = from->source[id];
}
