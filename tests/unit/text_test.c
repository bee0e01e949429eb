/* Widths of texts, cuts, and names of keys. */
#include "tui/text.h"

#include <stdlib.h>

#include "core/base/buf.h"
#include "core/base/show.h"
#include "tui/key.h"

#include "tests/test.h"

static char *fit(const char *text, int cols)
{
    struct buf b = {0};

    text_fit(&b, text, cols);
    return buf_take(&b);
}

static char *escaped(const char *bytes, size_t n)
{
    struct buf b = {0};

    show_escape(&b, bytes, n);
    return buf_take(&b);
}

#define CHECK_TAKEN(call, want) \
    do {                        \
        char *got = call;       \
        CHECK_STR(got, want);   \
        free(got);              \
    } while (0)

static void widths_are_columns(void)
{
    CHECK(text_width("") == 0);
    CHECK(text_width("Rome") == 4);
    CHECK(text_width("ρ_ge ▲●◆ ▀") == 10);
    CHECK(text_width("日本") == 4);
    CHECK(text_width("e\xcc\x81t\xc3\xa9") == 3); /* a mark belongs to its letter */
    CHECK(text_width("\xff\x1b") == 2);           /* shown as ?? */
}

static void a_cut_shows(void)
{
    CHECK_TAKEN(fit("Eiffel Tower", 12), "Eiffel Tower");
    CHECK_TAKEN(fit("Eiffel Tower", 7), "Eiffel…");
    CHECK_TAKEN(fit("日本語", 4), "日…");
    CHECK_TAKEN(fit("日本語", 5), "日本…");
    CHECK_TAKEN(fit("abc", 0), "");
    CHECK_TAKEN(fit("abc", 1), "…");
}

static char *fit_parts(const char *text, int cols)
{
    struct buf b = {0};

    text_fit_parts(&b, text, cols);
    return buf_take(&b);
}

static void a_sentence_loses_its_last_parts(void)
{
    static const char text[] = "edit 3 holds: Rome · says Rome, Italy · 1.2 s";

    CHECK_TAKEN(fit_parts(text, 45), text);
    CHECK_TAKEN(fit_parts(text, 44), "edit 3 holds: Rome · says Rome, Italy …");
    CHECK_TAKEN(fit_parts(text, 38), "edit 3 holds: Rome …");
    CHECK_TAKEN(fit_parts("stopped; the weights stay as they were before it", 30),
                "stopped; the weights stay as …");
    CHECK_TAKEN(fit_parts("wonderfulness", 8), "wonderf…");
    CHECK_TAKEN(fit_parts("日本 語", 4), "日…");
    CHECK_TAKEN(fit_parts("Rome", 4), "Rome");
}

static void foreign_text_cannot_act(void)
{
    CHECK_TAKEN(escaped("a\033[2Jb", 6), "a\\x1b[2Jb");
    CHECK_TAKEN(escaped("a\n\tb\r", 5), "a\\n\\tb\\r");
    CHECK_TAKEN(escaped("\0", 1), "\\x00");
    CHECK_TAKEN(escaped("\x7f", 1), "\\x7f");
    CHECK_TAKEN(escaped("\xc2\x9b", 2), "\\x9b"); /* C1: CSI in one character */
    CHECK_TAKEN(escaped("\xe2\x80\xae", 3), "\\u202e");
    CHECK_TAKEN(escaped("\xf0\x9f", 2), "\\xf0\\x9f");
    CHECK_TAKEN(escaped("\xc0\xaf", 2), "\\xc0\\xaf");
    CHECK_TAKEN(escaped("naïve 日本", 13), "naïve 日本");
}

static void pieces_show_their_space(void)
{
    char out[48], small[4];

    CHECK_STR(text_piece(out, sizeof(out), " Paris"), "·Paris");
    CHECK_STR(text_piece(out, sizeof(out), "\n"), "\\n");
    CHECK_STR(text_piece(out, sizeof(out), "\n "), "\\n·");
    CHECK_STR(text_piece(out, sizeof(out), " a  "), "·a··");
    CHECK_STR(text_piece(out, sizeof(out), "  "), "··");
    CHECK_STR(text_said(out, sizeof(out), "  a b "), "a b");
    CHECK_STR(text_said(out, sizeof(out), "  "), "");
    CHECK_STR(text_piece(small, sizeof(small), "aé日"), "aé");
}

static void terminals_get_what_they_agree_on(void)
{
    static const struct {
        const char *text;
        const wchar_t *wide;
        wchar_t second;
        int columns;
    } cells[] = {
        {"a", L"a", L' ', 1},
        {"\xe6\x97\xa5", L"\x65e5", L' ', 2},
        {"e\xcc\x81", L"e\x0301", L' ', 1},
        {"\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9", L"\x1f468", L' ', 2},
        {"\xf0\x9f\x91\x8b\xf0\x9f\x8f\xbd", L"\x1f44b", L' ', 2},
        {"\xf0\x9f\x87\xab\xf0\x9f\x87\xb7", L"F", L'R', 1},
        {"1\xef\xb8\x8f\xe2\x83\xa3", L"1", L' ', 1},
        {"\xe2\x9d\xa4\xef\xb8\x8f", L"\x2764", L' ', 1},
    };

    for (size_t i = 0; i < sizeof(cells) / sizeof(*cells); i++) {
        wchar_t wide[TEXT_CELL_CODES], second;

        CHECK(text_terminal_cell(cells[i].text, wide, &second) == cells[i].columns);
        CHECK(!wcscmp(wide, cells[i].wide) && second == cells[i].second);
    }
}

static void widths_that_terminals_dispute(void)
{
    static const char *const sure[] = {"a",
                                       "\xc3\xa9",
                                       "\xe2\x94\x80",
                                       "\xe2\x96\x80",
                                       "\xe6\x97\xa5",
                                       "\xf0\x9f\x87\xab\xf0\x9f\x87\xb7",
                                       "\xe2\x9d\xa4\xef\xb8\x8f"};
    static const char *const disputed[] = {"\xf0\x9f\xa6\x80", "\xe2\x8f\xb0",
                                           "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9",
                                           "e\xcc\x81"};

    for (size_t i = 0; i < sizeof(sure) / sizeof(*sure); i++)
        CHECK(!text_width_disputed(sure[i]));
    for (size_t i = 0; i < sizeof(disputed) / sizeof(*disputed); i++)
        CHECK(text_width_disputed(disputed[i]));
}

static void numbers_are_short(void)
{
    char out[32];

    CHECK_STR(text_probability(out, 0.8914), "0.891");
    CHECK_STR(text_probability(out, 0.00571), "0.0057");
    CHECK_STR(text_probability(out, 0.0002), "2e-4");
    CHECK_STR(text_probability(out, 0), "0");
    CHECK_STR(text_probability(out, 1), "1.000");
    CHECK_STR(text_probability(out, (double)NAN), "?");
    CHECK_STR(text_thousands(out, 49152), "49,152");
    CHECK_STR(text_thousands(out, -1234567), "-1,234,567");
    CHECK_STR(text_thousands(out, 12), "12");
}

static void keys_have_names(void)
{
    static const char *const names[] = {"k", "C-d", "up",  "F5", "esc",   "space", "enter",
                                        "G", "?",   "C-c", "α",  "S-tab", "pgdn",  "F12"};
    char out[16];

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        CHECK_STR(key_show(out, key_parse(names[i])), names[i]);
    CHECK(key_parse("") == -1);
    CHECK(key_parse("nokey") == -1);
}

static const struct test tests[] = {
    {"widths are columns", widths_are_columns},
    {"a cut shows", a_cut_shows},
    {"a sentence loses its last parts", a_sentence_loses_its_last_parts},
    {"foreign text cannot act", foreign_text_cannot_act},
    {"pieces show their space", pieces_show_their_space},
    {"terminals get what they agree on", terminals_get_what_they_agree_on},
    {"widths that terminals dispute", widths_that_terminals_dispute},
    {"numbers are short", numbers_are_short},
    {"keys have names", keys_have_names},
};
TEST_MAIN(tests)
