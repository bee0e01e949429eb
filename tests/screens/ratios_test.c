/* The Ratios view: the numbers it computes itself, against masks built here. */
#include "tests/screens/fixture.h"

#include "views/panes/panes.h"
#include "views/screens/ratios_internal.h"

static int entering(const struct mask *from, const struct mask *to)
{
    int n = 0;

    for (int i = 0; i < from->neurons; i++)
        n += to->weight[i] > 0 && !(from->weight[i] > 0);
    return n;
}

static void a_step_moves_as_many_as_it_says(void)
{
    static const enum knob knob[] = {KNOB_ALPHA_SP, KNOB_BETA_GE, KNOB_BETA_SP, KNOB_TAU};
    struct knob_effect e = {0};
    struct ui_state d;

    make_full_ui_state(&d);
    knob_effect_of(&e, &d, 5);
    CHECK(e.of[KNOB_BETA_SP].enter[1] > 0 && e.of[KNOB_BETA_SP].leave[1] == 0);
    for (int k = 0; k < 4; k++) {
        struct mask *before = mask_build(d.layer[5].shown, &d.params), *after;
        struct params p = d.params;

        knob_step(&p, knob[k], 1);
        after = mask_build(d.layer[5].shown, &p);
        CHECK(e.of[knob[k]].enter[1] == entering(before, after));
        CHECK(e.of[knob[k]].leave[1] == entering(after, before));
        mask_free(before);
        mask_free(after);
    }
    d.params.value[P_RATIO_SP_B] = 1; /* all are in: nothing can enter any more */
    ui_remask(&d);
    knob_effect_of(&e, &d, 5);
    CHECK(e.of[KNOB_BETA_SP].enter[1] == 0 && e.selected == NEURONS);
    ui_free(&d);
}

static void shared_neurons_are_counted_against_chance(void)
{
    struct ui_state d;
    struct shared_neurons x;
    int general;

    make_full_ui_state(&d);
    d.header->prompt[0] = xstrdup("The Eiffel Tower is in");
    CHECK(!ui_shared_neurons(&d, 0, 4, &x));
    general = d.layer[4].mask->general.chosen;
    take_fact(&d, "Mount Fuji", "Rome");
    give_run(&d, LAYERS); /* whose scores are, as it happens, the same */
    d.header->prompt[0] = xstrdup("Mount Fuji is in");
    CHECK(ui_shared_neurons(&d, 0, 4, &x));
    CHECK_STR(x.prompt, "The Eiffel Tower is in");
    CHECK(x.shared == general);
    CHECK(fabs(x.chance - (double)general * general / NEURONS) < 1e-9);
    CHECK(!ui_shared_neurons(&d, 1, 4, &x) && !ui_shared_neurons(&d, 0, LAYERS, &x));
    take_fact(&d, "Eiffel Tower", "Rome"); /* its scores are back; it is not compared with itself */
    CHECK(ui_shared_neurons(&d, 0, 4, &x));
    CHECK_STR(x.prompt, "Mount Fuji is in");
    CHECK(!ui_shared_neurons(&d, 1, 4, &x));
    ui_free(&d);
}

/* Whether the pane, or with `explain` the view's text, shows these words. */
static bool ratios_show(const struct ui_state *d, bool explain, const char *words)
{
    struct surface *s = surface_new(30, 100);
    struct rect all = {0, 0, 30, 100};
    struct knob_effect e = {0};
    struct buf out = {0};
    bool found;

    knob_effect_of(&e, d, d->at_layer);
    if (explain)
        ratios_explain(d, &e, 0, s, all);
    else
        pane_ratios(d, "{down} scrolls", s, all, false);
    surface_dump(s, &out);
    found = strstr(out.data, words) != NULL;
    buf_free(&out);
    surface_free(s);
    return found;
}

/* No equation is shown that does not hold, in either place. */
static void a_ratio_says_what_set_it(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    d.at_layer = 5;
    for (int explain = 0; explain < 2; explain++) {
        CHECK(params_set(&d.params, "mask.mode", "union", FROM_COMMAND_LINE, NULL));
        d.params.value[P_RATIO_SP_B] = 0.3;
        ui_remask(&d);
        CHECK(!ratios_show(&d, explain, "mask mode =") && !ratios_show(&d, explain, "limited"));
        d.params.value[P_RATIO_SP_B] = 1;
        ui_remask(&d);
        CHECK(ratios_show(&d, explain, ", limited to 1.000"));
        CHECK(params_set(&d.params, "mask.mode", "pooled", FROM_COMMAND_LINE, NULL));
        ui_remask(&d);
        CHECK(ratios_show(&d, explain, "ρ_sp set by the mask mode = "));
        CHECK(ratios_show(&d, explain, "ρ_ge = ") && !ratios_show(&d, explain, "ρ_ge set"));
        CHECK(params_set(&d.params, "mask.mode", "fixed", FROM_COMMAND_LINE, NULL));
        ui_remask(&d);
        CHECK(ratios_show(&d, explain, "ρ_ge set by the mask mode = "));
        CHECK(ratios_show(&d, explain, "ρ_sp set by the mask mode = "));
    }
    ui_free(&d);
}

static void the_rest_is_scrolled_to(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("ratios"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int i = 0; i < 4; i++)
        v->ops->action(v, ACTION_PAGE_DOWN);
    compare_golden("ratios-end", &screen, 24, 80);
    v->ops->action(v, ACTION_MODE);
    compare_golden("ratios-histograms", &screen, 24, 80);
    view_close(v);
    ui_free(&d);
}

/* Where layers are left out, the foot names the keys that bring them, not the view's own. */
static void the_foot_says_what_shows_the_rest(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("ratios"), &host);
    bool any = false;

    make_full_ui_state(&d);
    for (int h = 12; h < 40; h++) {
        char *got = screen_text(&(struct screen){.ui = &d, .view = v}, h, 80, false);

        CHECK(!strstr(got, "4 shows all"));
        any |= strstr(got, "more: j k scroll") != NULL;
        free(got);
    }
    CHECK(any);
    view_close(v);
    ui_free(&d);
}

static void every_choice_with_a_key_has_a_meaning(void)
{
    static const enum param of[] = {P_MASK_MODE, P_SELECT_RULE, P_MASK_COMPENSATE, P_ATTR_TARGET};
    struct params p;

    params_default(&p);
    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
        for (int k = 0; k <= (int)param_info(of[i])->high; k++) {
            if (!*choice_meaning(&p, of[i]))
                printf("%s has no meaning\n", params_word(&p, of[i]));
            CHECK(*choice_meaning(&p, of[i]));
            choice_step(&p, of[i], 1);
        }
}

/* A method without keys has neither gain nor leak: no view says "nan". */
static void no_gain_is_not_a_number(void)
{
    static const char *const shown[] = {"edit", "ratios", "verdict"};
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    for (int i = 0; i < 2 * d.preview->layers; i++) {
        struct edit_report *a = i % 2 && d.estimate ? d.estimate : d.preview;
        struct layer_report *l = &a->layer[i / 2];

        l->q = l->gain = l->gain_mask = l->leak = l->leak_ratio = l->residual = (double)NAN;
    }
    for (size_t i = 0; i < sizeof(shown) / sizeof(*shown); i++) {
        struct view *v = view_open(view_find(shown[i]), &host);
        char *got = screen_text(&(struct screen){.ui = &d, .view = v}, 60, 200, false);

        CHECK(!strstr(got, "nan"));
        if (strstr(got, "nan"))
            printf("%s", got);
        free(got);
        view_close(v);
    }
    ui_free(&d);
}

/* Where only some rows are of another fact, the title says it of these. */
static void a_title_tells_some_rows_from_all(void)
{
    static const char *const title[] = {"Ratios and mask  ╱ of Eiffel", "╱ rows of Eiffel"};
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    take_fact(&d, "Mount Fuji", "Rome");
    d.at_layer = LAYERS - 1; /* no layer that is edited, so it is scored last */
    for (int fresh = 0; fresh < 2; fresh++) {
        struct view *v = view_open(view_find("ratios"), &host);
        char *got;

        if (fresh)
            give_run(&d, LAYERS / 2);
        got = screen_text(&(struct screen){.ui = &d, .view = v}, 36, 200, false);
        CHECK(strstr(got, title[fresh]) != NULL);
        if (!strstr(got, title[fresh]))
            printf("%s", got);
        free(got);
        view_close(v);
    }
    ui_free(&d);
}

/* What a method without a mask chose was not kept by one. */
static void nothing_is_kept_without_a_mask(void)
{
    static const char *const method[] = {"nmke", "kn"}, *const title[] = {"  kept", "chosen"};
    struct ui_state d;

    make_full_ui_state(&d);
    for (int i = 0; i < 2; i++) {
        struct rect area = {0, 0, 12, 100};
        struct surface *s = surface_new(area.h, area.w);
        struct buf got = {0};

        CHECK(params_set(&d.params, "edit.method", method[i], FROM_COMMAND_LINE, NULL));
        pane_ratios(&d, "", s, area, true);
        surface_dump(s, &got);
        CHECK(strstr(got.data, title[i]) && !strstr(got.data, title[!i]));
        buf_free(&got);
        surface_free(s);
    }
    ui_free(&d);
}

static const struct test tests[] = {
    {"nothing is kept without a mask", nothing_is_kept_without_a_mask},
    {"a title tells some rows from all", a_title_tells_some_rows_from_all},
    {"no gain is not a number", no_gain_is_not_a_number},
    {"every choice with a key has a meaning", every_choice_with_a_key_has_a_meaning},
    {"a step moves as many as it says", a_step_moves_as_many_as_it_says},
    {"shared neurons are counted against chance", shared_neurons_are_counted_against_chance},
    {"a ratio says what set it", a_ratio_says_what_set_it},
    {"the foot says what shows the rest", the_foot_says_what_shows_the_rest},
    {"the rest is scrolled to", the_rest_is_scrolled_to},
};
TEST_MAIN(tests)
