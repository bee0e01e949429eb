/* Text for people: escapes, columns, cutting, and random bytes. */
#include "core/base/show.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "tests/test.h"

/* Characters of one, two, three and four bytes, clusters of several, and bytes that are none. */
static const char *const units[] = {
    "a",
    "é",
    "e\xcc\x81\xcc\xa3",                                                        /* marks */
    "東",                                                                       /* wide */
    "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", /* a family */
    "\xf0\x9f\x87\xab\xf0\x9f\x87\xb7",                                         /* a flag */
    "1\xef\xb8\x8f\xe2\x83\xa3",                                                /* a keycap */
    "\xe0\xa4\x95\xe0\xa5\x8d\xe2\x80\x8d\xe0\xa4\xb7",                         /* a conjunct */
    "\033[31m",
    "\xc2\x9b",     /* CSI as one character */
    "\xe2\x80\xae", /* right to left from here */
    "\xf0\x9f",     /* half a character */
    "\xff",
    "\n",
    "\x7f",
};

/* n bytes of the unit over and over, the last one perhaps cut in two, as a careless copy leaves. */
static char *many(const char *unit, size_t n)
{
    char *text = xcalloc(n + 1, 1);

    for (size_t i = 0; i < n; i++)
        text[i] = unit[i % strlen(unit)];
    return text;
}

static bool safe(const char *text)
{
    const char *p = text, *end = text + strlen(text);

    while (p < end) {
        int32_t code = utf8_next(&p, end);

        if (code < 0x20 || (code >= 0x7f && code < 0xa0) ||
            (show_invisible(code) && code != 0x200d && code != 0x200c))
            return false;
    }
    return true;
}

static int columns(const char *text)
{
    const char *p = text, *end = text + strlen(text);
    int sum = 0, width;
    int32_t code;

    while (p < end) {
        p += show_cluster(p, end, &width, &code);
        sum += width < 0 ? 1000 : width;
    }
    return sum;
}

static void whatever_text_ends_safe_and_whole(void)
{
    int bad = 0;

    for (size_t u = 0; u < sizeof(units) / sizeof(*units); u++)
        for (size_t n = 0; n <= 300; n++) {
            char *text = many(units[u], n), out[97];
            struct buf b = {0};
            struct err err = {0};

            show_format(&b, "'%.48s' and %-20s|", text, text);
            bad += !safe(b.data);
            buf_clear(&b);
            show_format(&b, "%.48s", text);
            bad += b.data && columns(b.data) > 48;
            buf_free(&b);
            show_print(out, n % sizeof(out) + 1, "%d %s", 7, text);
            bad += !safe(out) || strlen(out) > n % sizeof(out);
            err_set(&err, ERR_USAGE, "the prompt '%s' has no subject '%.80s'", text, text);
            bad += !safe(err.text);
            err_in(&err, "%s: record %d", text, 3);
            bad += !safe(err.text);
            utf8_copy(out, sizeof(out), text);
            bad += strlen(out) >= sizeof(out) ||
                   (utf8_valid(text, n, NULL) && !utf8_valid(out, strlen(out), NULL));
            free(text);
        }
    CHECK(bad == 0);
}

#define SHOWN(want, ...)                       \
    do {                                       \
        struct buf b = {0};                    \
        show_format(&b, __VA_ARGS__);          \
        CHECK_STR(b.data ? b.data : "", want); \
        buf_free(&b);                          \
    } while (0)

static void it_prints_as_printf_does(void)
{
    const char *volatile nothing = NULL;
    char want[200];

    snprintf(want, sizeof(want), "%5d|%-6ld|%06.2f|%+i|%llu|%zu|%x|%#X|%c|%%|%g|%e|%10.3s|%.*s",
             -42, 123456L, 3.14159, 7, 1ULL << 63, (size_t)9, 255U, 255U, 'q', 1e-9, 2.5, "abcdef",
             2, "xyz");
    SHOWN(want, "%5d|%-6ld|%06.2f|%+i|%llu|%zu|%x|%#X|%c|%%|%g|%e|%10.3s|%.*s", -42, 123456L,
          3.14159, 7, 1ULL << 63, (size_t)9, 255U, 255U, 'q', 1e-9, 2.5, "abcdef", 2, "xyz");
    snprintf(want, sizeof(want), "%*d|%-*s|%.0f|%5.1f %%|%lld|%ld|%s|%10s|%.3g", 6, 5, 8, "ab", 2.5,
             99.94, -1LL, -7L, "plain", "right", 1234.5);
    SHOWN(want, "%*d|%-*s|%.0f|%5.1f %%|%lld|%ld|%s|%10s|%.3g", 6, 5, 8, "ab", 2.5, 99.94, -1LL,
          -7L, "plain", "right", 1234.5);
    SHOWN("", "%s", nothing);
    SHOWN("100%", "100%%");
}

static void texts_are_cut_and_padded_by_columns(void)
{
    SHOWN("東京  |", "%-6s|", "東京");
    SHOWN("  東京|", "%6s|", "東京");
    SHOWN("日本語日本語日本語日…", "%.21s", "日本語日本語日本語日本語");
    SHOWN("abcdefghijklmnopqrst", "%.20s", "abcdefghijklmnopqrst");
    SHOWN("abcdefghijklmnopqrs…", "%.20s", "abcdefghijklmnopqrstu");
    SHOWN("0123456789ab...", "%.12s...", "0123456789abcdef"); /* a hash has no mark */
    SHOWN("a\\x1b]0;x\\x07\\nb\\u202ec\\x9b", "%s",
          "a\033]0;x\a\nb\xe2\x80\xae"
          "c\xc2\x9b");
    SHOWN("\\x1b", "%c", 033);
    SHOWN("1\xef\xb8\x8f\xe2\x83\xa3 |", "%-3s|", "1\xef\xb8\x8f\xe2\x83\xa3");
}

static void joiners_stay_where_they_join(void)
{
    SHOWN("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", "%s",
          "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9");
    SHOWN("a\\u200db", "%s",
          "a\xe2\x80\x8d"
          "b");
    SHOWN("\\u200d", "%s", "\xe2\x80\x8d");
}

static void clusters_are_one_character(void)
{
    static const struct {
        const char *text;
        int width;
    } one[] = {
        {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7", 2},
        {"\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd", 2}, /* a hand and its colour */
        {"\xf0\x9f\x87\xab\xf0\x9f\x87\xb7", 2},
        {"1\xef\xb8\x8f\xe2\x83\xa3", 2},
        {"\xe2\x9d\xa4\xef\xb8\x8f", 2}, /* a heart in colour */
        {"e\xcc\x81", 1},
        {"東", 2},
    };
    int width;
    int32_t code;

    for (size_t i = 0; i < sizeof(one) / sizeof(*one); i++) {
        const char *end = one[i].text + strlen(one[i].text);

        CHECK(show_cluster(one[i].text, end, &width, &code) == strlen(one[i].text));
        CHECK(width == one[i].width);
    }
}

static void sizes_are_never_nothing(void)
{
    static const struct {
        double bytes;
        const char *text;
    } size[] = {
        {0, "0 bytes"},      {999, "999 bytes"}, {1000, "1.0 kB"},
        {9940, "9.9 kB"},    {46000, "46 kB"},   {99900, "100 kB"},
        {1500000, "1.5 MB"}, {98.4e6, "98 MB"},  {5.43e9, "5.4 GB"},
    };
    char out[16];

    for (size_t i = 0; i < sizeof(size) / sizeof(*size); i++)
        CHECK_STR(show_bytes(size[i].bytes, out), size[i].text);
}

static void a_shell_reads_the_word_that_was_shown(void)
{
    static const char *const word[][2] = {{"a/b.gguf", "a/b.gguf"},
                                          {"my model", "'my model'"},
                                          {"it's $HOME", "'it'\\''s $HOME'"},
                                          {"~/x", "'~/x'"},
                                          {"", "''"}};

    for (size_t i = 0; i < sizeof(word) / sizeof(*word); i++) {
        struct buf out = {0};

        show_shell_word(&out, word[i][0]);
        CHECK_STR(out.data, word[i][1]);
        buf_free(&out);
    }
}

static const struct test tests[] = {
    {"whatever text ends safe and whole", whatever_text_ends_safe_and_whole},
    {"it prints as printf does", it_prints_as_printf_does},
    {"texts are cut and padded by columns", texts_are_cut_and_padded_by_columns},
    {"joiners stay where they join", joiners_stay_where_they_join},
    {"clusters are one character", clusters_are_one_character},
    {"sizes are never nothing", sizes_are_never_nothing},
    {"a shell reads the word that was shown", a_shell_reads_the_word_that_was_shown},
};
TEST_MAIN(tests)
