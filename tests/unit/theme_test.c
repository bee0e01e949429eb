/* Themes: what a file may say, and what reduced terminals get. */
#include "tui/theme.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "tui/background.h"

#include "tests/test.h"

static void refused(const char *text, const char *want)
{
    struct theme theme;
    struct err err = {0};

    theme_default(&theme);
    CHECK(!theme_parse(&theme, text, &err));
    CHECK_STR(err.text, want);
}

static void a_bad_line_is_named(void)
{
    refused("text = 7\nbordr = 3\n", "line 2: unknown role 'bordr'");
    refused("text = 7 on\n", "line 1: a colour is missing after 'on'");
    refused("text\n", "line 1: 'text' is not NAME = VALUE");
    refused("text = 7 on 300\n", "line 1: '300' is not a colour");
    refused("[ramp]\nheat = 1\n", "line 2: a ramp needs two colours or more");
    refused("[ramp]\nheet = 1 2\n", "line 2: unknown ramp 'heet'");
    refused("inherit = nowhere\n", "line 1: no theme 'nowhere' to inherit from");
    refused("[colours]\ntext = 7\n", "line 2: unknown section [colours]; known: roles, ramp");
}

static void a_line_says_colours_and_weight(void)
{
    static const char text[] = "# mine\ntext = #aabbcc on 17 bold underline # comment\nnew = red\n";
    struct theme theme;

    theme_default(&theme);
    CHECK(theme_parse(&theme, text, NULL));
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

        CHECK(theme_parse(&theme, builtin_themes[i].text, &err));
        CHECK_STR(err.text, "");
        CHECK(theme_check(&theme, &said) == 0);
        CHECK_STR(said.data ? said.data : "", "");
        buf_free(&said);
    }
}

/* A theme with these lines over dark has exactly this to mend. */
static void blamed(const char *text, const char *want)
{
    struct theme theme;
    struct buf said = {0};

    theme_default(&theme);
    CHECK(theme_parse(&theme, text, NULL));
    theme_check(&theme, &said);
    CHECK_STR(said.data ? said.data : "", want);
    buf_free(&said);
}

static void the_check_names_role_value_and_need(void)
{
    struct theme empty = {.name = ""};
    struct buf said = {0};

    blamed("dim = #444444 | 245\n",
           "dim: #444444 on #10141b (24-bit colour): contrast 1.89, needs 4.5\n");
    blamed("dim = #7f8896 | 238\n",
           "dim: #444444 on #121212 (256 colours): contrast 1.92, needs 4.5\n");
    blamed("none = #404040 | 244\n",
           "none: #404040 on #10141b (24-bit colour): contrast 1.78, needs 3.0\n");
    blamed("[ramp]\nheat = #000000 #ff0000 #00ff00 #0000ff\n",
           "ramp heat: colour 4 (24-bit colour), L* 32.3 after 87.7; needs to rise all the way\n");
    blamed(
        "[ramp]\nheat.256 = 17 226 19\n",
        "ramp heat: colour 3 (256 colours), L* 20.4 after 97.1; needs to rise by 4 or more all the "
        "way\n");
    blamed("[ramp]\nheat.256 = 17 144 179\n", /* two that look the same */
           "ramp heat: colour 3 (256 colours), L* 73.5 after 70.5; needs to rise by 4 or more all "
           "the way\n");
    blamed("[ramp]\ndiverge = #000000 #ffffff #ffff00 #000000\ndiverge.256 = 25 31 254 31 166\n",
           "ramp diverge: colour 5 (256 colours), L* 54.7 after 52.3; needs to fall all the way to "
           "the middle and back\n");
    /* red against green of one lightness: two kinds of eyes cannot tell */
    blamed("old = #7ee787 bold | 114\nnew = #e0c080 bold | 45\n",
           "old and new: #7ee787 and #e0c080 (24-bit colour), protanopia vision: distance 12.3, "
           "needs 15\n"
           "old and new: #7ee787 and #e0c080 (24-bit colour), deuteranopia vision: distance 3.6, "
           "needs 15\n");
    CHECK(theme_check(&empty, &said) >= ROLE_COUNT);
    CHECK(strstr(said.data, "text: not set; needs a colour or an attribute\n") != NULL);
    CHECK(strstr(said.data, "ramp heat: not set; needs two colours or more\n") != NULL);
    buf_free(&said);
}

static void a_role_has_its_own_style_in_each_tier(void)
{
    static const char text[] =
        "accent = #5ec4ff | 82 on 17 underline | cyan | bold\nkey = #ff8700 || red\n";
    static const struct {
        enum tier tier;
        int fg, bg, key;
        unsigned attrs;
    } want[] = {
        {TIER_DIRECT, 0x5ec4ff, -2, 0xff8700, 0},
        {TIER_256, 82, 17, 208, ATTR_UNDERLINE},
        {TIER_16, 6, -2, 1, 0},
        {TIER_8, 6, -2, 1, 0},
        {TIER_MONO, -1, -2, -1, ATTR_BOLD},
    };
    struct theme theme;
    struct palette p;

    theme_default(&theme);
    CHECK(theme_parse(&theme, text, NULL));
    for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
        palette_build(&p, &theme, (struct caps){want[i].tier, false, false});
        CHECK(p.fg[ROLE_ACCENT] == want[i].fg && p.bg[ROLE_ACCENT] == want[i].bg);
        CHECK(p.attrs[ROLE_ACCENT] == want[i].attrs);
        CHECK(p.fg[ROLE_KEY] == want[i].key);
    }
    refused("key = 1 | 2 | 3 | bold | dim\n",
            "line 1: more than four styles (direct | 256 | 16 | none)");
    refused("tier = 32\n", "line 1: tier '32' is not mono, 8, 16, 256 or direct");
}

static void a_theme_can_ask_for_less_than_there_is(void)
{
    struct theme theme;
    struct palette p;

    CHECK(theme_load(&theme, "ascii", NULL, NULL));
    palette_build(&p, &theme, (struct caps){TIER_DIRECT, false, false});
    CHECK(p.tier == TIER_MONO && p.caps.ascii);
    for (int r = 0; r < ROLE_COUNT; r++)
        CHECK(p.fg[r] == -1 && p.bg[r] < 0);
    CHECK(theme_load(&theme, "16", NULL, NULL)); /* direct terminals take RGB, not indices */
    palette_build(&p, &theme, (struct caps){TIER_DIRECT, false, false});
    CHECK(p.fg[ROLE_GOOD] == 0x00cd00);
}

static void themes_are_found_in_folders_first(void)
{
    char dir[] = "/tmp/editscope-themes-XXXXXX", path[64], sub[64];
    static const char mine[] = "inherit = light\ntext = #010203 on #fefefe\n";
    struct theme_place *list;
    struct theme theme;
    struct err err = {0};
    int n, seen = 0;

    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof(path), "%s/dark", dir);
    CHECK(file_write(path, mine, sizeof(mine) - 1, &err));
    CHECK(theme_load(&theme, "dark", dir, &err) && theme.light);
    CHECK_STR(theme.name, "dark");
    CHECK(theme_load(&theme, "dark", NULL, &err) && !theme.light);
    n = theme_list(dir, &list);
    for (int i = 0; i < n; i++) {
        seen += !strcmp(list[i].name, "dark");
        if (!strcmp(list[i].name, "dark"))
            CHECK_STR(list[i].path ? list[i].path : "", path);
        free(list[i].path);
    }
    free(list);
    CHECK(seen == 1 && n >= 10);
    remove(path);
    snprintf(sub, sizeof(sub), "%s/editscope/themes/paper", dir);
    CHECK(file_make_parents(sub, &err) && file_write(sub, mine, sizeof(mine) - 1, &err));
    setenv("XDG_DATA_DIRS", dir, 1);
    CHECK(theme_load(&theme, "paper", NULL, &err) && theme.role[ROLE_TEXT].fg.value == 0x010203);
    unsetenv("XDG_DATA_DIRS");
    CHECK(!theme_load(&theme, "paper", NULL, &err));
    CHECK_STR(err.text, "no theme 'paper'; `editscope themes` lists them");
    remove(sub);
    snprintf(sub, sizeof(sub), "%s/editscope/themes", dir);
    remove(sub);
    snprintf(sub, sizeof(sub), "%s/editscope", dir);
    remove(sub);
    remove(dir);
}

static void the_ground_is_recognised(void)
{
    static const char answer[] = "x\033]11;rgb:fdfd/f6f6/e3e3\033\\\033[?65;1c";
    bool light = false;

    CHECK(background_from_environment("0;15", &light) && light);
    CHECK(background_from_environment("15;default;0", &light) && !light);
    CHECK(!background_from_environment("15", &light) && !background_from_environment(NULL, &light));
    CHECK(!background_from_environment("0;default", &light) &&
          !background_from_environment("0;99", &light));
    CHECK(background_parse_answer(answer, sizeof(answer) - 1, &light) && light);
    CHECK(background_parse_answer("\033]11;rgb:1/2/3\a", 16, &light) && !light);
    CHECK(!background_parse_answer("\033]11;rgb:1/2", 13, &light));
    CHECK(!background_parse_answer("\033[?65;1c", 9, &light));
}

/* Against colorspacious and wcag-contrast-ratio: tests/reference/colours.py. */
static void colours_are_as_an_independent_program_measures(void)
{
    FILE *f = fopen("tests/data/colours.txt", "r");
    unsigned a, b;
    double want[6];
    int lines = 0;

    CHECK(f != NULL);
    while (f && fscanf(f, "%x %x %lf %lf %lf %lf %lf %lf", &a, &b, &want[0], &want[1], &want[2],
                       &want[3], &want[4], &want[5]) == 8) {
        lines++;
        CHECK_NEAR(colour_contrast(a, b), want[0], 0.002);
        CHECK_NEAR(colour_lightness(a), want[1], 0.01);
        for (int v = 0; v < VISION_COUNT; v++)
            CHECK_NEAR(colour_distance(colour_simulate(a, (enum vision)v),
                                       colour_simulate(b, (enum vision)v)),
                       want[2 + v], 0.5); /* one step of 8 bits */
    }
    CHECK(lines >= 15);
    if (f)
        fclose(f);
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
    {"the check names role, value and need", the_check_names_role_value_and_need},
    {"a role has its own style in each tier", a_role_has_its_own_style_in_each_tier},
    {"a theme can ask for less than there is", a_theme_can_ask_for_less_than_there_is},
    {"themes are found in folders first", themes_are_found_in_folders_first},
    {"the ground is recognised", the_ground_is_recognised},
    {"colours are as an independent program measures",
     colours_are_as_an_independent_program_measures},
    {"every tier gets colours it has", every_tier_gets_colours_it_has},
    {"the heat ramp rises in every tier", the_heat_ramp_rises_in_every_tier},
    {"colours are measured right", colours_are_measured_right},
};
TEST_MAIN(tests)
