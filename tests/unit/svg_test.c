/* Pictures of a surface as SVG. */
#include "tui/svg.h"

#include <stdlib.h>

#include "core/base/buf.h"

#include "tests/test.h"

static char *drawn(struct surface *s, const char *title)
{
    struct theme theme;
    struct buf out = {0};

    theme_default(&theme);
    svg_surface(s, &theme, false, title, &out);
    return buf_take(&out);
}

static void has(const char *svg, const char *what)
{
    if (!strstr(svg, what))
        printf("lacks %s\n", what);
    CHECK(strstr(svg, what) != NULL);
}

static void text_is_escaped(void)
{
    struct surface *s = surface_new(2, 24);
    char *svg;

    surface_text(s, surface_rect(s), 0, 0, ROLE_TEXT, "a<b&c>\"d\"");
    surface_text(s, surface_rect(s), 1, 0, ROLE_NEW, "x\xff\x01z");
    svg = drawn(s, "<&>");
    has(svg, "<title>&#60;&#38;&#62;</title>");
    has(svg, ">a&#60;b&#38;c&#62;&#34;d&#34;</text>");
    has(svg, ">x??z</text>");
    has(svg, "fill=\"#ffd24a\" font-weight=\"bold\"");
    free(svg);
    surface_free(s);
}

static void samples_are_shapes_that_join(void)
{
    struct surface *s = surface_new(1, 4);
    struct theme theme;
    struct palette p;
    char *svg, want[64];

    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_DIRECT, false, false});
    for (int x = 0; x < 4; x++)
        surface_glyph(s, surface_rect(s), 0, x, ROLE_TEXT, "▀", colour_slot_ramp(RAMP_HEAT, 255),
                      colour_slot_ramp(RAMP_HEAT, 0));
    svg = drawn(s, "");
    snprintf(want, sizeof(want), "<path fill=\"#%06x\" d=\"M0 0h32v8.5h-32z\"/>",
             (unsigned)p.ramp[RAMP_HEAT][255]);
    has(svg, want); /* one shape for the four upper halves */
    snprintf(want, sizeof(want), "<path fill=\"#%06x\" d=\"M0 0h32v17h-32z\"/>",
             (unsigned)p.ramp[RAMP_HEAT][0]);
    has(svg, want); /* and one below them */
    CHECK(strstr(svg, "<text") == NULL);
    free(svg);
    surface_free(s);
}

static void dots_lines_and_shades_need_no_font(void)
{
    struct surface *s = surface_new(1, 8);
    char *svg;

    surface_text(s, surface_rect(s), 0, 0, ROLE_TEXT, "┌─┘⣿▒▂▌");
    svg = drawn(s, "");
    CHECK(strstr(svg, "<text") == NULL);
    has(svg, "M3 8h5v1h-5z"); /* the corner's arm to the right begins in its middle */
    free(svg);
    surface_free(s);
}

static void a_theme_without_a_ground_gets_one(void)
{
    struct surface *s = surface_new(1, 2);
    struct theme theme;
    struct buf out = {0};

    surface_text(s, surface_rect(s), 0, 0, ROLE_TAB_ACTIVE, "ab");
    CHECK(theme_load(&theme, "mono", NULL, NULL));
    svg_surface(s, &theme, false, "", &out);
    has(out.data, "fill=\"#000000\"/>");
    has(out.data, "<path fill=\"#ffffff\" d=\"M0 0h16v17h-16z\"/>"); /* reversed */
    has(out.data, "fill=\"#000000\">ab</text>");
    buf_free(&out);
    surface_free(s);
}

static const struct test tests[] = {
    {"text is escaped", text_is_escaped},
    {"samples are shapes that join", samples_are_shapes_that_join},
    {"dots, lines and shades need no font", dots_lines_and_shades_need_no_font},
    {"a theme without a ground gets one", a_theme_without_a_ground_gets_one},
};
TEST_MAIN(tests)
