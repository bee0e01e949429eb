/* Surfaces, boxes, charts and heatmaps, cell by cell. */
#include "tui/surface.h"

#include <ctype.h>
#include <stdlib.h>

#include "core/base/buf.h"
#include "tui/box.h"
#include "tui/chart.h"
#include "tui/heatmap.h"
#include "tui/theme.h"

#include "tests/test.h"

static char *dumped(const struct surface *s)
{
    struct buf b = {0};

    surface_dump(s, &b);
    return buf_take(&b);
}

static void text_stays_inside_its_area(void)
{
    struct surface *s = surface_new(3, 8);
    char *text;

    surface_text(s, (struct rect){1, 2, 1, 4}, 0, 0, ROLE_TEXT, "abcdefgh");
    surface_text(s, (struct rect){1, 2, 1, 4}, 1, 0, ROLE_TEXT, "below");
    surface_text(s, (struct rect){1, 2, 1, 4}, -1, 0, ROLE_TEXT, "above");
    surface_text(s, (struct rect){2, 6, 9, 9}, 0, 0, ROLE_TEXT, "xyz");
    text = dumped(s);
    CHECK_STR(text, "\n  abc…\n      xy\n");
    free(text);
    surface_free(s);
}

/* The ellipsis stands where a number begins that does not fit; blanks are no text. */
static void a_cut_text_says_so(void)
{
    static const struct {
        const char *text, *shown;
    } cases[] = {{"rank 1,005", "rank …\n"},   {"12345678", "12345678\n"},  {"123456789", "…\n"},
                 {"Rome    ", "Rome\n"},       {"Rome         ", "Rome\n"}, {"p 0.31123", "p …\n"},
                 {"Rome, Italy", "Rome, I…\n"}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct surface *s = surface_new(1, 8);
        struct pen p = pen_at(s, surface_rect(s), 0, 0);
        char *text;

        pen_text(&p, ROLE_TEXT, cases[i].text);
        text = dumped(s);
        CHECK_STR(text, cases[i].shown);
        free(text);
        if (i == 1) { /* what is written past the edge counts too */
            pen_text(&p, ROLE_TEXT, "9");
            text = dumped(s);
            CHECK_STR(text, "…\n");
            free(text);
        }
        surface_free(s);
    }
}

static void wide_characters_are_never_halved(void)
{
    struct surface *s = surface_new(1, 4);
    struct rect all = surface_rect(s);
    char *text;

    surface_text(s, all, 0, 0, ROLE_TEXT, "日本");
    surface_text(s, all, 0, 1, ROLE_TEXT, "x"); /* takes the right half of the first */
    text = dumped(s);
    CHECK_STR(text, " x本\n");
    free(text);
    surface_text(s, all, 0, 3, ROLE_TEXT, "語"); /* has no room for its right half */
    text = dumped(s);
    CHECK_STR(text, " x …\n");
    free(text);
    surface_free(s);
}

static void a_box_names_itself(void)
{
    struct surface *s = surface_new(4, 24);
    struct rect in = box_draw(s, surface_rect(s), "Fact", "e edit", false);
    char *text;

    box_foot(s, surface_rect(s), "foot");
    CHECK(in.y == 1 && in.x == 2 && in.h == 2 && in.w == 20);
    text = dumped(s);
    CHECK_STR(text, "╭─ Fact ─────── e edit ╮\n"
                    "│                      │\n"
                    "│                      │\n"
                    "╰─ foot ───────────────╯\n");
    free(text);
    surface_free(s);
    s = surface_new(2, 5);
    in = box_draw(s, surface_rect(s), "x", "", true);
    CHECK(in.h == 0 && in.w == 0);
    surface_free(s);
}

static void every_role_has_a_letter_of_its_own(void)
{
    for (int r = 0; r < ROLE_COUNT; r++) {
        CHECK(isalpha((unsigned char)role_letter((enum role)r)));
        for (int k = 0; k < r; k++)
            CHECK(role_letter((enum role)r) != role_letter((enum role)k));
    }
}

static void what_is_not_computed_looks_different_from_zero(void)
{
    static const float value[] = {0, 1, NAN, INFINITY, 0, 1, NAN, 0};
    struct heatmap map = {
        .value = value, .rows = 2, .cols = 4, .high = 1, .scale = SCALE_LINEAR, .ramp = RAMP_HEAT};
    struct surface *s = surface_new(1, 4);
    struct buf roles = {0};
    char *text;

    heatmap_draw(&map, s, surface_rect(s));
    text = dumped(s);
    CHECK_STR(text, "▀▀·!\n");
    surface_roles(s, &roles);
    CHECK(roles.len >= 4 && roles.data[0] == '0' && roles.data[1] == '9');
    CHECK(roles.data[2] != roles.data[0]);
    buf_free(&roles);
    free(text);
    surface_free(s);
}

/* A row of numbers that are stale over one that is not computed is hatched, over a fresh one it is
 * empty. */
static void what_is_stale_looks_different_from_nothing(void)
{
    static const float value[] = {1, 1, NAN, 1};
    static const bool stale[] = {true, false};
    struct heatmap map = {.value = value,
                          .rows = 2,
                          .cols = 2,
                          .high = 1,
                          .scale = SCALE_LINEAR,
                          .ramp = RAMP_HEAT,
                          .row_stale = stale};
    struct surface *s = surface_new(1, 2);
    char *text;

    heatmap_draw(&map, s, surface_rect(s));
    text = dumped(s);
    CHECK_STR(text, STALE_HATCH "▄\n");
    free(text);
    surface_free(s);
}

static void bins_hold_the_largest_or_the_mean(void)
{
    static const float x[] = {1, -4, 2, 2, 0, 1, 1};
    float bin[3];

    heat_pool(x, 7, POOL_MAX, bin, 3);
    CHECK_NEAR((double)bin[0], -4, 0); /* the sign is kept */
    CHECK_NEAR((double)bin[1], 2, 0);
    CHECK_NEAR((double)bin[2], 1, 0);
    heat_pool(x, 7, POOL_MEAN, bin, 3);
    CHECK_NEAR((double)bin[0], -1.5, 1e-6);
    heat_pool(x, 7, POOL_ABOVE, bin, 3);
    CHECK(bin[0] == 1 && bin[1] == 2 && bin[2] == 2);
    CHECK(heat_level(0, 1, SCALE_SQRT, NULL, 0) == 0);
    CHECK(heat_level(1, 1, SCALE_LOG, NULL, 0) == 255);
    CHECK(heat_level(0.25, 1, SCALE_SQRT, NULL, 0) == 128);
}

static void a_curve_runs_from_corner_to_corner(void)
{
    static const double y[] = {1, 2, 3, 4};
    struct series series = {y, 4, ROLE_CURVE, NULL};
    struct chart chart = {&series, 1, 0, 1, 4, false};
    struct surface *s = surface_new(2, 4);
    char *text;

    chart_draw(&chart, s, surface_rect(s));
    text = dumped(s);
    CHECK(strncmp(text, "  ", 2) == 0); /* low values lie below */
    CHECK(strstr(text, "\n⣀") != NULL || strstr(text, "\n⡠") != NULL ||
          strstr(text, "\n⢀") != NULL);
    CHECK(chart_row(&chart, 4, 10) == 0 && chart_row(&chart, 1, 10) == 9);
    free(text);
    surface_free(s);
}

static void poorer_terminals_show_the_same_in_letters(void)
{
    struct surface *s = surface_new(1, 6);
    struct rect all = surface_rect(s);
    struct theme theme;
    struct palette p;
    struct buf out = {0};

    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_MONO, true, true});
    surface_text(s, all, 0, 0, ROLE_TEXT, "╭─▲…");
    surface_glyph(s, all, 0, 4, ROLE_TEXT, "▀", colour_slot_ramp(RAMP_HEAT, 255),
                  colour_slot_ramp(RAMP_HEAT, 0));
    surface_glyph(s, all, 0, 5, ROLE_TEXT, "▀", colour_slot_ramp(RAMP_HEAT, 0),
                  colour_slot_ramp(RAMP_HEAT, 0));
    surface_ansi(s, &p, &out);
    CHECK(strstr(out.data, "+-G~@ ") != NULL);
    CHECK(strstr(out.data, "38;") == NULL);
    buf_free(&out);
    surface_free(s);
}

static void a_list_keeps_its_cursor_in_sight(void)
{
    struct list l = {0, 0};

    list_move(&l, 7, 10, 4);
    CHECK(l.at == 7 && l.top == 4);
    list_move(&l, 100, 10, 4);
    CHECK(l.at == 9 && l.top == 6);
    list_move(&l, -100, 10, 4);
    CHECK(l.at == 0 && l.top == 0);
    list_move(&l, 1, 0, 4);
    CHECK(l.at == 0 && l.top == 0);
}

static const struct test tests[] = {
    {"text stays inside its area", text_stays_inside_its_area},
    {"a cut text says so", a_cut_text_says_so},
    {"wide characters are never halved", wide_characters_are_never_halved},
    {"a box names itself", a_box_names_itself},
    {"every role has a letter of its own", every_role_has_a_letter_of_its_own},
    {"what is not computed looks different from zero",
     what_is_not_computed_looks_different_from_zero},
    {"what is stale looks different from nothing", what_is_stale_looks_different_from_nothing},
    {"bins hold the largest or the mean", bins_hold_the_largest_or_the_mean},
    {"a curve runs from corner to corner", a_curve_runs_from_corner_to_corner},
    {"reduced terminals show the same in letters", poorer_terminals_show_the_same_in_letters},
    {"a list keeps its cursor in sight", a_list_keeps_its_cursor_in_sight},
};
TEST_MAIN(tests)
