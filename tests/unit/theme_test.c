#include "tui/theme.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/file.h"

#include "tests/test.h"

static void refused(const char *text, const char *want)
{
    struct theme theme;
    struct err err = {0};

    theme_default(&theme);
    CHECK(!theme_parse(&theme, text, strlen(text), &err));
    CHECK_STR(err.text, want);
}

static void a_bad_line_is_named(void)
{
    refused("text = 7\nbordr = 3\n", "line 2: no role 'bordr'");
    refused("text = 7 on\n", "line 1: a colour is missing after 'on'");
    refused("text\n", "line 1: not 'role = colour'");
    refused("text = 7 on 300\n", "line 1: '300' is no colour");
    refused("[ramp]\nheat = 1\n", "line 2: a ramp needs two colours or more");
    refused("[ramp]\nheet = 1 2\n", "line 2: no ramp 'heet'");
    refused("inherit = nowhere\n", "line 1: no theme 'nowhere' to inherit from");
    refused("[colours]\n", "line 1: no section '[colours]'");
}

static void a_line_says_colours_and_weight(void)
{
    static const char text[] = "# mine\ntext = #aabbcc on 17 bold underline # comment\nnew = red\n";
    struct theme theme;

    theme_default(&theme);
    CHECK(theme_parse(&theme, text, sizeof(text) - 1, NULL));
    CHECK(theme.role[ROLE_TEXT].fg.kind == COLOUR_RGB);
    CHECK(theme.role[ROLE_TEXT].fg.value == 0xaabbcc);
    CHECK(theme.role[ROLE_TEXT].bg.kind == COLOUR_INDEX && theme.role[ROLE_TEXT].bg.value == 17);
    CHECK(theme.role[ROLE_TEXT].attrs == (ATTR_BOLD | ATTR_UNDERLINE));
    CHECK(theme.role[ROLE_NEW].fg.kind == COLOUR_INDEX && theme.role[ROLE_NEW].fg.value == 1);
}

static void the_compiled_in_themes_are_the_files(void)
{
    for (int i = 0; builtin_themes[i].name; i++) {
        char path[64];
        char *text;

        snprintf(path, sizeof(path), "themes/%s", builtin_themes[i].name);
        text = file_read(path, THEME_MAX, NULL, NULL);
        CHECK(text != NULL);
        if (text)
            CHECK(!strcmp(text, builtin_themes[i].text));
        free(text);
    }
}

static void shipped_themes_are_whole_and_readable(void)
{
    for (int i = 0; builtin_themes[i].name; i++) {
        struct theme theme = {.name = ""};
        struct err err = {0};
        struct buf said = {0};

        CHECK(theme_parse(&theme, builtin_themes[i].text, strlen(builtin_themes[i].text), &err));
        CHECK_STR(err.text, "");
        for (int r = 0; r < ROLE_COUNT; r++)
            if (theme.role[r].fg.kind == COLOUR_UNSET && !theme.role[r].attrs) {
                printf("%s lacks %s\n", builtin_themes[i].name, role_name((enum role)r));
                CHECK(false);
            }
        if (strcmp(builtin_themes[i].name, "16") != 0) { /* its grounds are the user's */
            theme_check(&theme, &said);
            CHECK_STR(said.data ? said.data : "", "");
        }
        buf_free(&said);
    }
}

static void every_tier_gets_colours_it_has(void)
{
    static const int most[] = {-1, 7, 15, 255, 0xffffff};

    for (int t = TIER_MONO; t <= TIER_DIRECT; t++) {
        struct theme theme;
        struct palette p;
        bool vanished = false, outside = false;

        theme_default(&theme);
        palette_build(&p, &theme, (struct caps){(enum tier)t, false, false});
        for (int r = 0; r < ROLE_COUNT; r++) {
            int32_t bg = p.bg[r] == -2 ? p.bg[ROLE_TEXT] : p.bg[r];

            outside |= p.fg[r] > most[t] || bg > most[t];
            vanished |= t > TIER_MONO && p.fg[r] == bg;
        }
        CHECK(!outside);
        CHECK(!vanished);
    }
}

static void the_heat_ramp_rises_in_every_tier(void)
{
    struct theme theme;
    struct palette p;

    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_256, false, false});
    CHECK(p.ramp[RAMP_HEAT][0] == 17 && p.ramp[RAMP_HEAT][255] == 226);
    palette_build(&p, &theme, (struct caps){TIER_DIRECT, false, false});
    CHECK(p.ramp[RAMP_HEAT][0] == 0x0d0887 && p.ramp[RAMP_HEAT][255] == 0xf0f921);
    for (int i = 4; i < 256; i += 4)
        CHECK(colour_lightness((uint32_t)p.ramp[RAMP_HEAT][i]) >
              colour_lightness((uint32_t)p.ramp[RAMP_HEAT][i - 4]));
}

/* Reference: the xterm palette and WCAG's own example pairs. */
static void colours_are_measured_right(void)
{
    struct colour c;

    CHECK(colour_parse(&c, "bright-red") && c.value == 9);
    CHECK(colour_parse(&c, "#fFfFff") && colour_rgb(c) == 0xffffff);
    CHECK(!colour_parse(&c, "#fff"));
    CHECK(!colour_parse(&c, "256"));
    CHECK(colour_parse(&c, "208") && colour_rgb(c) == 0xff8700);
    CHECK(colour_parse(&c, "244") && colour_rgb(c) == 0x808080);
    CHECK_NEAR(colour_contrast(0, 0xffffff), 21, 1e-9);
    CHECK_NEAR(colour_contrast(0x777777, 0xffffff), 4.48, 0.005);
    CHECK_NEAR(colour_lightness(0x777777), 50.03, 0.02);
    CHECK(colour_for((struct colour){COLOUR_RGB, 0xff8700}, TIER_256) == 208);
}

static const struct test tests[] = {
    {"a bad line is named", a_bad_line_is_named},
    {"a line says colours and weight", a_line_says_colours_and_weight},
    {"the compiled-in themes are the files", the_compiled_in_themes_are_the_files},
    {"shipped themes are whole and readable", shipped_themes_are_whole_and_readable},
    {"every tier gets colours it has", every_tier_gets_colours_it_has},
    {"the heat ramp rises in every tier", the_heat_ramp_rises_in_every_tier},
    {"colours are measured right", colours_are_measured_right},
};
TEST_MAIN(tests)
