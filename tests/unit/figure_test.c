/* Figures as SVG: where points lie, bands, axes, escaped text. */
#include "tui/figure.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/buf.h"

#include "tests/test.h"

static const double none = (double)NAN;

static void has(const char *svg, const char *what)
{
    if (!strstr(svg, what))
        printf("lacks %s\n", what);
    CHECK(strstr(svg, what) != NULL);
}

/* One panel begins 10 + 72 from the left and 34 + 20 + 30 from the top, and is 400 - 72 - 14 wide
 * and 270 - 30 - 46 high: 82 to 396, 84 to 278. */
static void points_lie_where_they_belong(void)
{
    struct figure_line line[2] = {
        {3, {0, 50, 100}, {0, 0.5, 1}, {none, 0.25, 0.75}, {none, 0.75, 1}},
        {2, {50, 100}, {0.5, 0.5}, {none, 0.25}, {none, 0.75}}};
    struct figure_panel panel = {"Rel", "share", 0, 1, line};
    const char *const name[] = {"a<b", "c"};
    struct figure f = {"<t>", "of \"5\"\nfacts", "edits", 100, 2, 1, name, &panel};
    struct buf out = {0};

    figure_svg(&f, &out);
    has(out.data, "<title>&#60;t&#62;</title>");
    has(out.data, ">a&#60;b</text>");
    has(out.data, ">of &#34;5&#34;</text>");
    has(out.data, ">facts</text>");                            /* the second line of the caption */
    has(out.data, "d=\"M82.0 278.0L239.0 181.0L396.0 84.0\""); /* the first line */
    has(out.data, "d=\"M239.0 132.5L396.0 84.0L396.0 132.5L239.0 229.5z\""); /* its band */
    has(out.data, "<path d=\"M396.0 229.5L396.0 132.5\""); /* one point: low to high */
    has(out.data, "text-anchor=\"end\">0.0</text>");
    has(out.data, "text-anchor=\"end\">1.0</text>");
    has(out.data, "text-anchor=\"middle\">100</text>");
    CHECK(!strstr(out.data, "nan") && !strstr(out.data, "-0.0<"));
    buf_free(&out);
}

/* Lines of one point, all at the right end: 12 apart, each with its whisker, none outside. */
static void single_points_do_not_hide_each_other(void)
{
    struct figure_line line[3] = {{1, {100}, {0.5}, {0.25}, {0.75}},
                                  {1, {100}, {0.5}, {0}, {1}},
                                  {1, {100}, {0.5}, {none}, {none}}};
    struct figure_panel panel = {"Rel", "share", 0, 1, line};
    const char *const name[] = {"a", "b", "c"};
    struct figure f = {"", "", "edits", 100, 3, 1, name, &panel};
    struct buf out = {0};

    figure_svg(&f, &out);
    has(out.data, "<circle cx=\"372.0\" cy=\"181.0\"");
    has(out.data, "<path d=\"M372.0 229.5L372.0 132.5\"");
    has(out.data, "<path d=\"M381.0 178.0h6v6h-6z\"");
    has(out.data, "<path d=\"M384.0 278.0L384.0 84.0\"");
    has(out.data, "<path d=\"M396.0 177.0l4 7h-8z\"");
    buf_free(&out);
    line[0].x[0] = line[1].x[0] = line[2].x[0] = 50; /* around its own x */
    figure_svg(&f, &out);
    has(out.data, "<circle cx=\"227.0\"");
    has(out.data, "<path d=\"M251.0 177.0l4 7h-8z\"");
    buf_free(&out);
}

/* Ranges of nothing, of one value and of huge ones. */
static void every_range_is_drawn(void)
{
    static const double value[] = {0, 1, -3, 1e-12, 1e12};

    for (size_t i = 0; i <= sizeof(value) / sizeof(*value); i++) {
        struct figure_line line = {0};
        struct figure_panel panel = {"", "", none, none, &line};
        const char *const name[] = {"a"};
        struct figure f = {"", "", "", 0, 1, 1, name, &panel};
        struct buf out = {0};

        if (i)
            line = (struct figure_line){1, {1}, {value[i - 1]}, {none}, {none}};
        figure_svg(&f, &out);
        has(out.data, "</svg>");
        CHECK(out.len < 20000 && !strstr(out.data, "nan") && !strstr(out.data, "inf"));
        buf_free(&out);
    }
}

static const struct test tests[] = {
    {"points lie where they belong", points_lie_where_they_belong},
    {"single points do not hide each other", single_points_do_not_hide_each_other},
    {"every range is drawn", every_range_is_drawn},
};
TEST_MAIN(tests)
