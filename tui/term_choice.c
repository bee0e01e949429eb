/* Chooses colours and glyphs for a terminal.
 *
 * The terminfo database is a poor witness of colours: most terminals of today take 24-bit colours
 * under a name (xterm-256color, tmux-256color) whose description states 256, and the descriptions
 * that state more (xterm-direct) are not installed on most machines. So the terminal itself is
 * believed: COLORTERM, or a name that only such terminals have. */
#include "tui/term_choice.h"

#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/term.h"

/* Parts of the names of terminals that take 24-bit colours. */
static const char *const direct_names[] = {"kitty",   "alacritty", "foot", "ghostty",
                                           "wezterm", "direct",    NULL};

/* Whether the name contains one of these words; NULL ends them. */
static bool name_has(const char *name, const char *const *words)
{
    for (; *words; words++)
        if (strstr(name, *words))
            return true;
    return false;
}

/* Whether COLORTERM says that the terminal takes 24-bit colours. Terminals that set it are of
 * xterm's family. */
static bool says_direct(void)
{
    const char *says = getenv("COLORTERM");

    return says && (!strcmp(says, "truecolor") || !strcmp(says, "24bit"));
}

const char *term_stand_in(const char *name)
{
    static const char *const rich[] = {"256color", "xterm", "tmux", NULL};

    return name_has(name, rich) || name_has(name, direct_names) || says_direct() ? "xterm-256color"
                                                                                 : "vt100";
}

/* Whether the terminal takes 24-bit colours; why (or why not) goes to `why`. GNU screen passes
 * COLORTERM of the terminal around it on, but versions before 5 misread such colours. tmux reduces
 * them to what the terminal around it shows. */
static bool takes_direct(const struct term_stated *stated, char why[96])
{
    if (stated->direct || name_has(stated->name, direct_names)) {
        snprintf(why, 96, "TERM=%.60s", stated->name);
        return true;
    }
    if (!says_direct() || stated->colours < 8) {
        snprintf(why, 96, "TERM=%.40s%s", stated->name,
                 stated->colours < 8 ? "" : "; COLORTERM=truecolor is not set");
        return false;
    }
    if (getenv("STY") && !getenv("TMUX")) {
        snprintf(why, 96, "GNU screen may misread 24-bit colours; --color direct sends them");
        return false;
    }
    snprintf(why, 96, "COLORTERM=%s", getenv("COLORTERM"));
    return true;
}

enum tier term_tier_of(int colours)
{
    return colours > 256    ? TIER_DIRECT
           : colours == 256 ? TIER_256
           : colours >= 16  ? TIER_16
           : colours >= 8   ? TIER_8
                            : TIER_MONO;
}

/* auto, always, or no option. */
static struct term_choice choose_by_terminal(const struct term_stated *stated, bool always)
{
    struct term_choice c = {0};

    if (takes_direct(stated, c.why)) {
        c.colours = COLOURS_DIRECT;
        c.tier = TIER_DIRECT;
        return c;
    }
    c.tier = term_tier_of(stated->colours);
    if (c.tier == TIER_MONO && always) {
        snprintf(c.why, sizeof(c.why), "--color always");
        c.colours = COLOURS_INDEXED;
        c.tier = TIER_8;
    }
    return c;
}

struct term_choice term_choose_colours(const struct term_stated *stated, const char *color)
{
    const char *no = getenv("NO_COLOR");
    struct term_choice c = {0};
    int wanted;

    if (!color || !strcmp(color, "auto")) {
        if (!no || !*no)
            return choose_by_terminal(stated, false);
        snprintf(c.why, sizeof(c.why), "NO_COLOR is set");
        return c;
    }
    if (!strcmp(color, "always"))
        return choose_by_terminal(stated, true);
    snprintf(c.why, sizeof(c.why), "--color %.8s", color);
    if (!strcmp(color, "never"))
        return c;
    wanted = strcmp(color, "direct") ? (int)strtol(color, NULL, 10) : COLOURS_DIRECT;
    c.tier = term_tier_of(wanted);
    if (wanted == COLOURS_DIRECT)
        c.colours = COLOURS_DIRECT;
    else if (stated->direct || stated->colours < wanted)
        c.colours = COLOURS_INDEXED;
    return c;
}

/* The variable that names the locale; NULL: none is set. */
static const char *locale_variable(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (getenv(names[i]) && *getenv(names[i]))
            return names[i];
    return NULL;
}

/* ASCII only if the locale is set to something that is not UTF-8. With no locale, or a UTF-8 one
 * that is not installed here, C.UTF-8 is used. */
bool term_choose_locale(char why[96])
{
    const char *variable = locale_variable(), *said = variable ? getenv(variable) : NULL;
    bool utf8;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C");
    utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
    if (said)
        snprintf(why, 96, "%s=%.60s", variable, said);
    else
        snprintf(why, 96, "no locale is set, C.UTF-8 is used");
    if (!utf8 && (!said || strcasestr(said, "utf8") || strcasestr(said, "utf-8"))) {
        utf8 = setlocale(LC_CTYPE, "C.UTF-8") != NULL;
        if (said && utf8)
            snprintf(why, 96, "%s=%.40s is not installed, C.UTF-8 is used", variable, said);
    }
    return utf8;
}

bool term_lacks_braille(const char *name)
{
    return name && !strcmp(name, "linux"); /* the Linux console */
}

void term_describe(const struct term_stated *stated, struct term_report *out)
{
    struct term_choice c = term_choose_colours(stated, NULL);
    bool utf8;
    char why[96];

    out->good = stated->places_cursor && (stated->known || strcmp(stated->read, "vt100") != 0);
    if (!stated->places_cursor)
        snprintf(out->terminal, sizeof(out->terminal),
                 "TERM=%.60s cannot place the cursor: --plain and all commands work, the screen "
                 "does not",
                 stated->name);
    else
        snprintf(out->terminal, sizeof(out->terminal), "TERM=%.60s%s%s", stated->name,
                 stated->known ? "" : " has no description here: the screen uses the one of ",
                 stated->known ? "" : stated->read);
    snprintf(out->colours, sizeof(out->colours), "%s (%s)", tier_words(c.tier), c.why);
    utf8 = term_choose_locale(why);
    snprintf(out->glyphs, sizeof(out->glyphs), "%s (%s)",
             !utf8                              ? "ASCII"
             : term_lacks_braille(stated->name) ? "UTF-8 without braille"
                                                : "UTF-8 with braille",
             why);
}
