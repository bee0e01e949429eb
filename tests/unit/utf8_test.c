/* UTF-8: what is valid, where it is cut, what is trimmed. */
#include <stdlib.h>
#include <string.h>

#include "core/base/utf8.h"

#include "tests/test.h"

static const struct {
    const char *text;
    int len, bad; /* offset of the first bad byte, -1 for none */
    const char *clean;
} cases[] = {
    {"", 0, -1, ""},
    {"plain", 5, -1, "plain"},
    {"a\0b", 3, -1, "a"},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9, -1, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\xf4\x8f\xbf\xbf", 4, -1, "\xf4\x8f\xbf\xbf"},
    {"\xc0\xaf", 2, 0, "\xef\xbf\xbd\xef\xbf\xbd"},                                  /* overlong */
    {"12345678\xed\xa0\x80", 11, 8, "12345678\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* surrogate */
    {"\xf4\x90\x80\x80", 4, 0, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    {"x\xe2\x82", 3, 1, "x\xef\xbf\xbd"}, /* cut short: one character's worth */
    {"\xf0\x9f\x98z\xc3", 5, 0, "\xef\xbf\xbdz\xef\xbf\xbd"},
    {"\x80\xff", 2, 0, "\xef\xbf\xbd\xef\xbf\xbd"},
};

static void validity(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        size_t bad = 99;
        bool ok = utf8_valid(cases[i].text, (size_t)cases[i].len, &bad);

        CHECK(ok == (cases[i].bad < 0));
        CHECK(ok || bad == (size_t)cases[i].bad);
    }
}

static void cleaning(void)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf out = {0};

        utf8_clean(&out, cases[i].text, (size_t)cases[i].len);
        CHECK_STR(out.data ? out.data : "", cases[i].clean);
        CHECK(cases[i].bad >= 0 || out.len == (size_t)cases[i].len);
        buf_free(&out);
    }
}

/* Every code point survives being written and read. */
static void round_trip(void)
{
    int wrong = 0;

    for (int32_t code = 0; code <= 0x10ffff; code++) {
        char text[4];
        int n;
        const char *p = text;

        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        n = utf8_put(text, code);
        wrong += utf8_next(&p, text + n) != code || p != text + n;
    }
    CHECK(wrong == 0);
}

/* NUL bytes come back from a C string, wherever they stand. */
static void carrying(void)
{
    static const struct {
        const char *text;
        size_t len;
    } texts[] = {{"", 0}, {"abc", 3}, {"\0", 1}, {"a\0b", 3}, {"\0\0é\0", 5}, {"\xc0\0\x80", 3}};

    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct buf text = {0}, back = {0};
        char *string;

        buf_add(&text, texts[i].text, texts[i].len);
        utf8_encode_nul(&text);
        string = buf_take(&text);
        utf8_decode_nul(&back, string);
        CHECK(back.len == texts[i].len);
        CHECK(!back.len || !memcmp(back.data, texts[i].text, back.len));
        free(string);
        buf_free(&back);
    }
}

static void order(void)
{
    const char *text[] = {"z", "\xc3\xa9", "", "Z", "\xf0\x9f\x98\x80", "a"};
    const char *want[] = {"", "Z", "a", "z", "\xc3\xa9", "\xf0\x9f\x98\x80"};

    qsort(text, 6, sizeof(*text), utf8_compare);
    for (int i = 0; i < 6; i++)
        CHECK_STR(text[i], want[i]);
}

static const struct test tests[] = {
    {"order", order},       {"carrying", carrying},     {"validity", validity},
    {"cleaning", cleaning}, {"round_trip", round_trip},
};

TEST_MAIN(tests)
