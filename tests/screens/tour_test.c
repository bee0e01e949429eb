/* The tour goes on with what was done, and the strip that shows it fits every screen. */
#include "tests/screens/fixture.h"

#include "views/keymap.h"
#include "views/shell/caption.h"
#include "views/shell/tour.h"

static struct answer *whole_answer(void)
{
    struct answer *a = xcalloc(1, sizeof(*a));

    a->prompt = xstrdup("Where?");
    a->completion = xstrdup(" Rome");
    return a;
}

static void each_step_is_seen_to_be_done(void)
{
    struct ui_state d;
    struct tour t;
    struct answer *part;

    make_ui_state(&d);
    give_model(&d);
    tour_begin(&t, &d);
    CHECK(!tour_follow(&t, &d) && t.step == 0);
    give_prompt_info(&d);
    give_run(&d, LAYERS);
    CHECK(tour_follow(&t, &d) && t.step == 1);
    CHECK(!tour_follow(&t, &d));
    d.params.value[P_RATIO_SP_B] += 0.01;
    CHECK(tour_follow(&t, &d) && t.step == 2);
    d.state.preview = true;
    CHECK(tour_follow(&t, &d) && t.step == 3);
    d.side = SIDE_BOTH;
    CHECK(tour_follow(&t, &d) && t.step == 4);
    part = whole_answer();
    part->partial = true;
    give(&d, EV_ANSWER, part);
    CHECK(!tour_follow(&t, &d) && t.step == 4);
    give(&d, EV_ANSWER, whole_answer());
    CHECK(tour_follow(&t, &d) && t.step == 5);
    d.state.preview = false;
    d.state.edits = 1;
    CHECK(tour_follow(&t, &d) && t.step == 6);
    d.state.edits = 0;
    CHECK(tour_follow(&t, &d) && t.step == tour_step_count && tour_step_count == 7);
    CHECK(!tour_follow(&t, &d));
    ui_free(&d);
}

/* The new answer takes the place of the old one, and may lie where that lay. */
static void the_same_question_again_is_a_question(void)
{
    struct ui_state d;
    struct tour t;
    struct answer *again;

    make_ui_state(&d);
    give_model(&d);
    give(&d, EV_ANSWER, whole_answer());
    tour_begin(&t, &d);
    t.step = 4;
    CHECK(!tour_follow(&t, &d));
    again = whole_answer();
    free(d.answer[0]->completion);
    free(d.answer[0]->prompt);
    *d.answer[0] = *again; /* as if given this address */
    free(again);
    again = d.answer[0];
    d.answer[0] = NULL;
    give(&d, EV_ANSWER, again);
    CHECK(tour_follow(&t, &d) && t.step == 5);
    ui_free(&d);
}

/* The text of a screen with the caption of a step. */
static char *captioned(const struct caption *caption, int h, int w)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v, .caption = caption};
    char *text;

    make_full_ui_state(&d);
    text = screen_text(&screen, h, w, false);
    view_close(v);
    ui_free(&d);
    return text;
}

static void no_sentence_is_cut(void)
{
    static const int size[][2] = {{24, 60}, {24, 80}, {36, 120}, {60, 200}};

    for (int i = 0; i <= tour_step_count; i++)
        for (int k = 0; k < 4; k++) {
            struct caption c = {.title = "step"};
            const char *sentence = i < tour_step_count ? tour_steps[i].sentence : tour_end_sentence;
            char *text, *at, last[24];

            c.sentence = sentence;
            snprintf(c.press, sizeof(c.press), "[ P ] %s  esc ends",
                     i < tour_step_count ? tour_steps[i].press : "");
            text = captioned(&c, size[k][0], size[k][1]);
            at = strstr(text, " step ");
            snprintf(last, sizeof(last), "%s", strrchr(sentence, ' ')); /* also with {help} */
            CHECK(at && strstr(at, last) && strstr(at, "esc ends"));
            free(text);
        }
}

static void keys_are_shown_as_they_are_pressed(void)
{
    struct key_cast c = {0};

    key_cast_add(&c, 'P', false, ACTION_PREVIEW);
    CHECK(c.count == 1 && c.action == ACTION_PREVIEW && !strcmp(c.shown[0], "P"));
    for (const char *p = "Where is it, and since when?"; *p; p++)
        key_cast_add(&c, *p, true, ACTION_NONE);
    CHECK(c.count == 2 && strlen(c.shown[1]) < sizeof(c.shown[1]));
    CHECK(!strcmp(c.shown[1] + strlen(c.shown[1]) - 5, "when?"));
    key_cast_add(&c, K_ENTER, true, ACTION_NONE);
    CHECK(c.count == 3 && !strcmp(c.shown[2], "enter"));
    for (int i = 0; i < 30; i++)
        key_cast_add(&c, 'j', false, ACTION_DOWN);
    CHECK(c.count == CAST_KEYS && !strcmp(c.shown[0], "j"));
}

static void the_strip_is_as_it_was(void)
{
    static const int size[][2] = {{24, 80}, {36, 120}, {18, 60}, {16, 50}};
    struct key_cast keys = {0};
    struct caption c = {.title = "3 of 7 · preview", .keys = &keys, .press = "[ P ] preview"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v, .caption = &c, .recorded = "▶ RECORDED 0:42/2:21"};

    make_full_ui_state(&d);
    c.sentence = tour_steps[2].sentence;
    key_cast_add(&keys, 'x', false, ACTION_ATTRIBUTE);
    key_cast_add(&keys, 'P', false, ACTION_PREVIEW);
    for (int k = 0; k < 4; k++)
        compare_golden("captioned", &screen, size[k][0], size[k][1]);
    d.present = true;
    compare_golden("presented", &screen, 50, 120);
    view_close(v);
    ui_free(&d);
}

static const struct test tests[] = {
    {"each step is seen to be done", each_step_is_seen_to_be_done},
    {"the same question again is a question", the_same_question_again_is_a_question},
    {"no sentence is cut", no_sentence_is_cut},
    {"keys are shown as they are pressed", keys_are_shown_as_they_are_pressed},
    {"the strip is as it was", the_strip_is_as_it_was},
};
TEST_MAIN(tests)
