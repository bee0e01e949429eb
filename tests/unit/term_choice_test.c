/* Which colours and glyphs are used on which terminal, by what its environment says. */
#include "tui/term_choice.h"

#include <stdlib.h>
#include <string.h>

#include "tests/test.h"

static const struct term_stated mono = {"vt100", "vt100", true, true, 0, false};
static const struct term_stated eight = {"xterm", "xterm", true, true, 8, false};
static const struct term_stated many = {"xterm-256color", "xterm-256color", true, true, 256, false};
static const struct term_stated direct = {"xterm-direct", "xterm-direct", true,
                                          true,           1 << 24,        true};
static const struct term_stated kitty = {"xterm-kitty", "xterm-256color", false, true, 256, false};

static void clear_environment(void)
{
    static const char *const names[] = {"COLORTERM", "NO_COLOR", "STY",      "TMUX",
                                        "LC_ALL",    "LC_CTYPE", "LANGUAGE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
}

static void check_choice(const struct term_stated *stated, const char *color, enum tier tier,
                         int colours)
{
    struct term_choice c = term_choose_colours(stated, color);

    CHECK(c.tier == tier);
    CHECK(c.colours == colours);
}

static void the_terminal_is_believed(void)
{
    clear_environment();
    check_choice(&mono, NULL, TIER_MONO, 0);
    check_choice(&eight, NULL, TIER_8, 0);
    check_choice(&many, NULL, TIER_256, 0);
    check_choice(&direct, NULL, TIER_DIRECT, COLOURS_DIRECT);
    check_choice(&kitty, "auto", TIER_DIRECT, COLOURS_DIRECT);
    setenv("COLORTERM", "truecolor", 1);
    check_choice(&many, NULL, TIER_DIRECT, COLOURS_DIRECT);
    check_choice(&eight, NULL, TIER_DIRECT, COLOURS_DIRECT);
    check_choice(&mono, NULL, TIER_MONO, 0);
    setenv("COLORTERM", "1", 1);
    check_choice(&many, NULL, TIER_256, 0);
}

static void gnu_screen_gets_no_direct_colours_unasked(void)
{
    clear_environment();
    setenv("COLORTERM", "24bit", 1);
    setenv("STY", "1234.pts-0.host", 1);
    check_choice(&many, NULL, TIER_256, 0);
    check_choice(&many, "direct", TIER_DIRECT, COLOURS_DIRECT);
    setenv("TMUX", "/tmp/tmux-0/default,1,0", 1); /* tmux inside it */
    check_choice(&many, NULL, TIER_DIRECT, COLOURS_DIRECT);
}

static void what_the_user_asks_for_is_used(void)
{
    clear_environment();
    setenv("NO_COLOR", "1", 1);
    check_choice(&many, NULL, TIER_MONO, 0);
    check_choice(&many, "always", TIER_256, 0);
    check_choice(&mono, "always", TIER_8, COLOURS_INDEXED);
    check_choice(&many, "never", TIER_MONO, 0);
    check_choice(&eight, "256", TIER_256, COLOURS_INDEXED);
    check_choice(&many, "256", TIER_256, 0);
    check_choice(&many, "16", TIER_16, 0);
    check_choice(&direct, "16", TIER_16, COLOURS_INDEXED);
    check_choice(&direct, "8", TIER_8, COLOURS_INDEXED);
    check_choice(&mono, "direct", TIER_DIRECT, COLOURS_DIRECT);
}

static void stand_ins(void)
{
    clear_environment();
    CHECK_STR(term_stand_in("xterm-kitty"), "xterm-256color");
    CHECK_STR(term_stand_in("foot-extra"), "xterm-256color");
    CHECK_STR(term_stand_in("nonsense"), "vt100");
    setenv("COLORTERM", "truecolor", 1); /* only terminals of xterm's family set it */
    CHECK_STR(term_stand_in("nonsense"), "xterm-256color");
}

static void glyphs_by_locale(void)
{
    char why[96];

    clear_environment();
    CHECK(term_choose_locale(why));
    CHECK(strstr(why, "no locale is set") != NULL);
    setenv("LANG", "C", 1);
    CHECK(!term_choose_locale(why));
    CHECK_STR(why, "LANG=C");
    setenv("LC_ALL", "xx_YY.UTF-8", 1);
    CHECK(term_choose_locale(why));
    CHECK(strstr(why, "not installed") != NULL);
}

static const struct test tests[] = {
    {"the terminal is believed", the_terminal_is_believed},
    {"GNU screen gets no direct colours unasked", gnu_screen_gets_no_direct_colours_unasked},
    {"what the user asks for is used", what_the_user_asks_for_is_used},
    {"stand-ins", stand_ins},
    {"glyphs by locale", glyphs_by_locale},
};
TEST_MAIN(tests)
