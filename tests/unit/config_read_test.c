/* The reader of config files: which section's function gets which line, and line numbers in errors.
 */
#include "core/base/config.h"

#include <string.h>

#include "core/base/buf.h"

#include "tests/test.h"

static bool note(void *ctx, const struct config_line *line, struct err *err)
{
    if (!strcmp(line->value, "bad"))
        return err_set(err, ERR_LIMIT, "%s is bad", line->name);
    buf_printf(ctx, "%d[%s]%s=%s|", line->number, line->section, line->name, line->value);
    return true;
}

static bool read_into(struct buf *out, const char *text, struct err *err)
{
    const struct config_section sections[] = {{.name = "", .take = note, .ctx = out},
                                              {.name = "s", .take = note, .ctx = out},
                                              {.name = "keys.*", .take = note, .ctx = out},
                                              {.name = "alone"},
                                              {"colours", note, out, true},
                                              {0}};

    return config_read(text, sections, err);
}

static void becomes(const char *text, const char *want)
{
    struct buf out = {0};
    struct err err = {0};

    CHECK(read_into(&out, text, &err) && !err.kind);
    CHECK_STR(out.data ? out.data : "", want);
    buf_free(&out);
}

static void refused(const char *text, enum err_kind kind, const char *want)
{
    struct buf out = {0};
    struct err err = {0};

    CHECK(!read_into(&out, text, &err) && err.kind == kind);
    CHECK_STR(err.text, want);
    buf_free(&out);
}

static void lines_keep_their_numbers(void)
{
    becomes("", "");
    becomes("\n# only a comment\n a = 1 # one\r\n[ s ]\n\tb.c=x # y # z\n= = e\n",
            "3[]a=1|5[s]b.c=x|6[s]==e|");
    becomes("a =\nb = # none\nc = x#y", "1[]a=|2[]b=|3[]c=x#y|");
    becomes("a = 0.2 #decade, #facade", "1[]a=0.2|"); /* six hex digits: a comment like any */
    becomes("[colours]\na = #aabbcc on #ddeeff # dark", "2[colours]a=#aabbcc on #ddeeff|");
    becomes("[keys.edit] # of a view\nx = y\n[alone]\nz = 1\n[s]\nq = 2",
            "2[keys.edit]x=y|6[s]q=2|");
    becomes("[nobody's]\n[s]\n[ = 1", "3[s][=1|"); /* a heading alone says nothing */
}

static void quotes_keep_what_is_in_them(void)
{
    becomes("a = \"/x #1.txt\" # a path\nb=\" c \"", "1[]a=/x #1.txt|2[]b= c |");
    becomes("a = \"\"\nb = \"\"#c", "1[]a=|2[]b=|");
    becomes("a = \"b\" c\nd = \"e # f", "1[]a=\"b\" c|2[]d=\"e|"); /* no such form: as before */
}

static void what_nobody_takes_is_refused(void)
{
    refused("a = 1\n\n[t]\nb = 2", ERR_USAGE,
            "line 4: unknown section [t]; known: s, keys.*, alone, colours");
    refused("a = 1\nnothing at all", ERR_FORMAT, "line 2: 'nothing at all' is not NAME = VALUE");
    refused("=", ERR_FORMAT, "line 1: '=' is not NAME = VALUE");
    refused("[s]\nx = 1\ny = bad\nz = bad", ERR_LIMIT, "line 3: y is bad");
}

/* Names and values are as long as they are. */
static void nothing_is_too_long(void)
{
    char text[1001];
    struct buf out = {0};

    memset(text, 'x', sizeof(text));
    text[400] = '=';
    text[1000] = '\0';
    CHECK(read_into(&out, text, NULL));
    CHECK(out.len == strlen("1[]|") + 1000);
    buf_free(&out);
}

static const struct test tests[] = {
    {"lines keep their numbers", lines_keep_their_numbers},
    {"quotes keep what is in them", quotes_keep_what_is_in_them},
    {"what nobody takes is refused", what_nobody_takes_is_refused},
    {"nothing is too long", nothing_is_too_long},
};
TEST_MAIN(tests)
