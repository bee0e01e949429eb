/* A table in every format: special characters of each format are escaped. */
#include "core/base/table.h"

#include <math.h>
#include <stdlib.h>

#include <jansson.h>

#include "tests/test.h"

static void fill(struct table *t)
{
    *t = (struct table){.name = "neurons"};
    table_columns(t, "text number whole yes");
    table_text(t, "a,\"b\"\n\xff");
    table_real(t, 0.25);
    table_integer(t, 123456789012);
    table_bool(t, true);
    table_text(t, NULL);
    table_real(t, (double)NAN);
    table_integer(t, -1);
    table_bool(t, false);
}

/* RFC 4180: quotes doubled inside quotes, CRLF, nothing for what is not known. */
static void csv_is_as_the_rfc_has_it(void)
{
    struct table t;
    struct buf out = {0};

    fill(&t);
    table_to_csv(&t, &out);
    CHECK_STR(out.data, "text,number,whole,yes\r\n"
                        "\"a,\"\"b\"\"\n\xef\xbf\xbd\",0.25,123456789012,true\r\n"
                        ",,-1,false\r\n");
    buf_free(&out);
    table_free(&t);
}

/* One line about all rows, in each format; programs read the rows as before. */
static void a_table_says_what_it_is_about(void)
{
    struct table t;
    struct buf out = {0};
    json_t *o;

    fill(&t);
    table_about(&t, "Louvre | a, b");
    table_to_csv(&t, &out);
    CHECK(strstr(out.data, "text,number,whole,yes,about\r\n") == out.data);
    CHECK(strstr(out.data, ",true,\"Louvre | a, b\"\r\n") != NULL);
    CHECK(strstr(out.data, ",,-1,false,\r\n") != NULL);
    buf_clear(&out);
    table_to_json(&t, &out);
    o = json_loads(out.data, 0, NULL);
    CHECK_STR(json_string_value(json_object_get(o, "about")), "Louvre | a, b");
    CHECK(json_array_size(json_object_get(o, "rows")) == 2);
    json_decref(o);
    buf_clear(&out);
    table_to_markdown(&t, &out);
    CHECK(strstr(out.data, "|\n\nLouvre \\| a, b\n") != NULL);
    buf_clear(&out);
    table_to_latex(&t, &out);
    CHECK(strstr(out.data, "% Louvre | a, b\n") == out.data);
    buf_free(&out);
    table_free(&t);
}

static void json_has_the_same(void)
{
    struct table t;
    struct buf out = {0};
    json_t *o, *row;

    fill(&t);
    table_to_json(&t, &out);
    o = json_loads(out.data, 0, NULL);
    CHECK(json_integer_value(json_object_get(o, "schema")) == 1);
    CHECK_STR(json_string_value(json_object_get(o, "table")), "neurons");
    CHECK(json_array_size(json_object_get(o, "rows")) == 2);
    row = json_array_get(json_object_get(o, "rows"), 0);
    CHECK_STR(json_string_value(json_object_get(row, "text")), "a,\"b\"\n\xef\xbf\xbd");
    CHECK(json_integer_value(json_object_get(row, "whole")) == 123456789012);
    row = json_array_get(json_object_get(o, "rows"), 1);
    CHECK(json_is_null(json_object_get(row, "number")));
    CHECK(json_is_false(json_object_get(row, "yes")));
    json_decref(o);
    buf_free(&out);
    table_free(&t);
}

/* Widths count what is seen: 東京 takes four columns, é (e and its accent) one. */
static void text_stands_in_columns(void)
{
    struct table t = {.name = "cities"};
    struct buf out = {0};

    table_columns(&t, "city people where");
    table_text(&t, "\xe6\x9d\xb1\xe4\xba\xac");
    table_integer(&t, 14000000);
    table_text(&t, "a\x1b[2J");
    table_text(&t, "Orle\xcc\x81"
                   "ans");
    table_missing(&t);
    table_text(&t, NULL);
    table_to_text(&t, &out);
    CHECK_STR(out.data, "city       people  where\n"
                        "\xe6\x9d\xb1\xe4\xba\xac     14000000  a\\x1b[2J\n"
                        "Orle\xcc\x81"
                        "ans         -  -\n");
    buf_free(&out);
    table_free(&t);
}

/* A layout is what printf would do with "%5d  %-8s  %7.2f %9.1f %%  %s". */
static void a_layout_is_kept(void)
{
    struct table t = {.name = "t"};
    struct buf out = {0};

    table_layout(&t, "layer%5d  type%-8.6s  |W|%7.2f share%9.1p  says%s");
    table_titles_to_text(&t, &out);
    table_integer(&t, 3);
    table_text(&t, "abcdefghij");
    table_real(&t, 1.005);
    table_real(&t, 0.123);
    table_format(&t, "%s%s", "one", "");
    table_row_to_text(&t, 0, &out);
    table_integer(&t, 12345678);
    table_text(&t, "");
    table_real(&t, (double)INFINITY);
    table_real(&t, 1);
    table_text(&t, "two");
    table_row_to_text(&t, 1, &out);
    CHECK_STR(out.data, "layer  type          |W|     share  says\n"
                        "    3  abcdef       1.00    12.3 %  one\n"
                        "12345678                  -   100.0 %  two\n");
    buf_clear(&out);
    table_to_csv(&t, &out); /* programs get the whole value, under its name */
    CHECK_STR(out.data, "layer,type,|W|,share,says\r\n"
                        "3,abcdefghij,1.005,0.123,one\r\n"
                        "12345678,,,1,two\r\n");
    buf_free(&out);
    table_free(&t);
}

static void special(struct table *t)
{
    *t = (struct table){.name = "special"};
    table_columns(t, "a_b n");
    table_text(t, "x|y\\z *b* <i> `c` [l](u) a_b #1 R&D ~s~ $5$");
    table_real(t, -0.5);
    table_text(t, " the\n");
    table_missing(t);
    table_text(t, "100% {x}^2 -- ``q'' \"");
    table_integer(t, 7);
}

static void markdown_shows_what_is_special(void)
{
    struct table t;
    struct buf out = {0};

    special(&t);
    table_to_markdown(&t, &out);
    CHECK_STR(out.data, "| a\\_b | n |\n"
                        "| --- | ---: |\n"
                        "| x\\|y\\\\z \\*b\\* &lt;i&gt; \\`c\\` \\[l\\](u) a\\_b \\#1 R&amp;D "
                        "\\~s\\~ \\$5\\$ | -0.5 |\n"
                        "| &#32;the\\\\n |  |\n"
                        "| 100% {x}^2 -- \\`\\`q'' \" | 7 |\n");
    buf_free(&out);
    table_free(&t);
}

static void latex_shows_what_is_special(void)
{
    struct table t;
    struct buf out = {0};

    special(&t);
    table_to_latex(&t, &out);
    CHECK_STR(out.data,
              "% \\usepackage[T1]{fontenc}, \\usepackage{booktabs}\n"
              "\\begin{tabular}{lr}\n\\toprule\n"
              "a\\_b & n \\\\\n\\midrule\n"
              "x\\textbar{}y\\textbackslash{}z *b* \\textless{}i\\textgreater{} `c` {[}l](u) a\\_b "
              "\\#1 R\\&D \\textasciitilde{}s\\textasciitilde{} \\$5\\$ & -0.5 \\\\\n"
              "\\ the\\textbackslash{}n &  \\\\\n"
              "100\\% \\{x\\}\\textasciicircum{}2 -{}- `{}`q'{}' \\textquotedbl{} & 7 \\\\\n"
              "\\bottomrule\n\\end{tabular}\n");
    buf_free(&out);
    table_free(&t);
}

static void a_table_without_rows_is_its_titles(void)
{
    struct table t = {.name = "none"};
    struct buf out = {0};

    table_columns(&t, "a b");
    for (const struct table_form *form = table_forms; *form->ending; form++) {
        buf_clear(&out);
        form->write(&t, &out);
        CHECK(out.len > 0);
    }
    buf_clear(&out);
    table_to_text(&t, &out);
    CHECK_STR(out.data, "a  b\n");
    CHECK(table_row_count(&t) == 0);
    buf_free(&out);
    table_free(&t);
}

static const struct test tests[] = {
    {"a table says what it is about", a_table_says_what_it_is_about},
    {"CSV is as the RFC has it", csv_is_as_the_rfc_has_it},
    {"JSON has the same", json_has_the_same},
    {"text stands in columns", text_stands_in_columns},
    {"a layout is kept", a_layout_is_kept},
    {"Markdown shows what is special", markdown_shows_what_is_special},
    {"LaTeX shows what is special", latex_shows_what_is_special},
    {"a table without rows is its titles", a_table_without_rows_is_its_titles},
};
TEST_MAIN(tests)
