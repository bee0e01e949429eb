/* The verdict as a card and as a pane. */
#include "tests/screens/fixture.h"

#include "views/panes/pane_verdict.h"
#include "views/verdict_card.h"

/* The pane at this size, its rows joined into one line without the frame. Caller frees. */
static char *pane_words(const struct ui_state *d, int h, int w)
{
    struct surface *s = surface_new(h, w);
    struct buf out = {0};
    char *text, *to;

    pane_verdict(d, s, surface_rect(s), false);
    surface_dump(s, &out);
    surface_free(s);
    text = to = buf_take(&out);
    for (char *p = text; *p; p++) {
        if (!strncmp(p, "│", 3)) {
            p += 2;
            continue;
        }
        if ((*p == ' ' || *p == '\n') && to > text && to[-1] == ' ')
            continue;
        *to++ = *p == '\n' ? ' ' : *p;
    }
    *to = '\0';
    return text;
}

/* Long answers make way for why the fact does not hold. */
static void the_pane_says_why_in_full(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    d.verdict.report->held = 0;
    d.verdict.report->p_target[1] = 0.05;
    d.verdict.sides->accept = 0.1;
    d.verdict.sides->after.accuracy = 0;
    for (int k = 0; k < 2; k++) {
        struct edit_side *side = k ? &d.verdict.sides->after : &d.verdict.sides->before;

        free(side->said);
        side->said = xstrdup(" a city with a history of many more words than there is room for in "
                             "any pane that stands beside a map and beside all the others");
    }
    for (int before = 0; before < 2; before++) {
        char *text;

        d.side = before ? SIDE_BEFORE : SIDE_AFTER;
        text = pane_words(&d, 10, 46);
        CHECK(strstr(text, "would NOT hold: another token is more probable than \"Rome\", p 0.050 "
                           "is below accept.p_min 0.1") != NULL);
        CHECK(strstr(text, "after") && strstr(text, "before") && strstr(text, "…"));
        free(text);
    }
    ui_free(&d);
}

/* The numbers of the answers say of what they are, and the curves of ranks have a name, also where
 * the model's answer begins with a blank token. */
static void numbers_and_curves_have_names(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    for (int k = 0; k < 3; k++) {
        static const char *const want[] = {"Paris", "·", "Lyon"};
        struct card c;

        if (k)
            snprintf(d.verdict.sides->after.prompt.old.text,
                     sizeof(d.verdict.sides->after.prompt.old.text), " ");
        if (k == 2)
            d.fact.old = xstrdup("Lyon");
        c = card_of(&d, SIDE_AFTER);
        CHECK_STR(c.row[1].right, "p(target) 0.0057");
        CHECK_STR(c.row[2].right, "p(target) 0.891");
        for (int i = 0; i < c.rows; i++)
            if (c.row[i].rank)
                CHECK_STR(c.row[i].text, !strcmp(c.row[i].mark, "●") ? "Rome" : want[k]);
        card_free(&c);
    }
    ui_free(&d);
}

/* KN writes nothing where the model says the object already; its choice is no change. */
static void a_layer_without_a_change_says_so(void)
{
    struct layer_report l = {.layer = 2, .kept = 3, .weight_norm = 5, .gain_mask = (double)NAN};
    struct buf out = {0};
    struct ui_state d;

    make_full_ui_state(&d);
    put_written_layer(&out, &d, &l);
    CHECK_STR(out.data, "L2: nothing, in 3 chosen of 640 columns");
    buf_clear(&out);
    l.delta_norm = 1;
    put_written_layer(&out, &d, &l);
    CHECK_STR(out.data, "L2: 3 of 640 columns, ‖ΔW‖/‖W‖ 20 %, no gain and leak");
    buf_free(&out);
    ui_free(&d);
}

static const struct test tests[] = {
    {"a layer without a change says so", a_layer_without_a_change_says_so},
    {"numbers and curves have names", numbers_and_curves_have_names},
    {"the pane says why in full", the_pane_says_why_in_full},
};
TEST_MAIN(tests)
