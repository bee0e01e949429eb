/* What is written on terminals of other colours, letters and descriptions. */
#include "tests/e2e/pty.h"

static void terminals_it_does_not_know(void)
{
    static const char *const odd[] = {"TERM=no-such-terminal", NULL};
    static const char *const dumb[] = {"TERM=dumb", NULL};
    struct pty p;
    int status;

    start_screen(&p, dumb, NULL);
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 2);
    CHECK(wait_for(&p, 0, "editscope query", 20));
    CHECK(strstr(p.out.data, "--plain") != NULL);
    CHECK(!strchr(p.out.data ? p.out.data : "", '\033'));
    same_modes(&p);
    end_pty(&p);
    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, odd, NULL);
    CHECK(wait_for(&p, 0, "not known here", 10));
    quit_screen(&p);
}

/* The program on the small model, with --color COLOR unless that is NULL, until it is ready. */
static void start_coloured(struct pty *p, const char *const *settings, const char *color)
{
    const char *const argv[] = {
        program, "-m", "tests/data/architectures/llama3/model.gguf", color ? "--color" : NULL,
        color,   NULL};

    start_in(p, settings, argv);
    CHECK(wait_for(p, 0, "BASE", 20));
}

/* No description of 24-bit colours is needed: TERM's own, with other colours, is handed to curses.
 */
static void colours_as_the_terminal_takes_them(void)
{
    static const struct {
        const char *term, *says, *color; /* COLORTERM; --color */
        bool direct, indexed;
    } cases[] = {
        {"TERM=xterm-256color", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=tmux-256color", "COLORTERM=24bit", NULL, true, false},
        {"TERM=screen-256color", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=xterm", "COLORTERM=truecolor", NULL, true, false},
        {"TERM=xterm-kitty", "COLORTERM=", NULL, true, false},
        {"TERM=alacritty", "COLORTERM=", NULL, true, false},
        {"TERM=foot", "COLORTERM=", NULL, true, false},
        {"TERM=xterm-256color", "COLORTERM=", NULL, false, true},
        {"TERM=xterm-256color", "COLORTERM=", "direct", true, false},
        {"TERM=xterm-256color", "COLORTERM=truecolor", "256", false, true},
        {"TERM=xterm", "COLORTERM=", "256", false, true},
        {"TERM=xterm-256color", "COLORTERM=truecolor", "16", false, false},
        {"TERM=vt100", "COLORTERM=", "8", false, false},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *const settings[] = {cases[i].term, cases[i].says, NULL};
        struct pty p;

        start_coloured(&p, settings, cases[i].color);
        CHECK(cases[i].direct == (strstr(p.out.data, "38;2;") != NULL));
        CHECK(cases[i].indexed == (strstr(p.out.data, "38;5;") != NULL));
        CHECK(strstr(p.out.data, "\033[3") != NULL); /* colours of one kind or another */
        quit_screen(&p);
    }
}

static bool has_colours(const char *out)
{
    for (const char *s = out; (s = strstr(s, "\033[")) != NULL; s += 2) {
        size_t n = strspn(s + 2, "0123456789;");
        char code[40];

        snprintf(code, sizeof(code), ";%.*s;", (int)n, s + 2);
        if (s[2 + n] == 'm' && (strstr(code, ";38;") || strstr(code, ";48;") ||
                                strstr(code, ";31;") || strstr(code, ";32;")))
            return true;
    }
    return false;
}

/* A frame was drawn, and all that was written is ASCII. */
static void drawn_in_ascii(const struct pty *p)
{
    CHECK(strstr(p->out.data, "+-") && strstr(p->out.data, "Fact") &&
          strstr(p->out.data, "Parameters"));
    for (const char *s = p->out.data; *s; s++)
        if ((unsigned char)*s > 126) {
            CHECK_STR(s, "ASCII");
            break;
        }
}

static void without_colours_and_in_the_c_locale(void)
{
    static const char *const no[] = {"NO_COLOR=1", NULL};
    static const char *const plain[][4] = {{"LC_ALL=C"},
                                           {"LC_ALL=POSIX", "TERM=vt100"},
                                           {"LC_ALL=", "LC_CTYPE=C", "LANG=C.UTF-8"},
                                           {"LC_ALL=", "LC_CTYPE=", "LANG=C"}};
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    CHECK(has_colours(p.out.data));
    quit_screen(&p);
    start_screen(&p, no, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    CHECK(!has_colours(p.out.data));
    quit_screen(&p);
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
        start_screen(&p, plain[i], NULL);
        CHECK(wait_for(&p, 0, "BASE", 20));
        drawn_in_ascii(&p);
        quit_screen(&p);
    }
}

/* An emoji is written by itself: after an absolute move, and with the cursor put back after it.
 * When it goes, its row is written again. */
static void emoji_cannot_move_what_follows(void)
{
    static const char emoji[] = "\xf0\x9f\xa6\x80"; /* a crab */
    struct pty p;
    size_t from;
    int seen = 0;

    start_small(&p);
    type_keys(&p, "e\025A\xf0\x9f\xa6\x80Z");
    CHECK(wait_for(&p, 0, emoji, 5));
    from = (size_t)(strstr(p.out.data, emoji) - p.out.data);
    CHECK(wait_for(&p, from, "\033[?2026l", 5)); /* the whole frame */
    for (const char *s = p.out.data; (s = strstr(s, emoji)) != NULL; seen++) {
        CHECK(s[-1] == 'm'); /* ESC [ y ; x H, its colours, the emoji */
        s += strlen(emoji);
        if (!*s)
            break; /* of a later frame, which has not come whole */
        CHECK(*s == '\033');
    }
    CHECK(seen > 0);
    from = p.out.len;
    type_keys(&p, "\025new");
    CHECK(wait_for(&p, from, "subject", 5)); /* the whole row */
    type_keys(&p, "\033");
    wait_for(&p, 0, NULL, 0.5);
    quit_screen(&p);
}

static const struct test tests[] = {
    {"terminals it does not know", terminals_it_does_not_know},
    {"colours as the terminal takes them", colours_as_the_terminal_takes_them},
    {"without colours and in the C locale", without_colours_and_in_the_c_locale},
    {"emoji cannot move what follows", emoji_cannot_move_what_follows},
};

int main(void)
{
    return pty_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
