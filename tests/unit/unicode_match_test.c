/* Comparison of texts in Unicode's form C. Composed and decomposed letters are written in escapes,
 * as in Unicode's normalization test. */
#include "core/edit/unicode_match.h"

#include <stdlib.h>

#include "core/model/tokenizer/nfc.h"
#include "tests/test.h"

static void places(void)
{
    static const struct {
        const char *text, *part, *found; /* found NULL: not there, or more than once */
    } cases[] = {
        {"The Eiffel Tower is", "Eiffel Tower", "Eiffel Tower"},
        {"in Cafe\xcc\x81 Procope, Paris", "Caf\xc3\xa9 Procope", "Cafe\xcc\x81 Procope"},
        {"in Caf\xc3\xa9 Procope, Paris", "Cafe\xcc\x81 Procope", "Caf\xc3\xa9 Procope"},
        /* Hangul: han-guk from its letters */
        {"\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8 is",
         "\xed\x95\x9c\xea\xb5\xad",
         "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8"},
        {"\xed\x95\x9c\xea\xb5\xad is",
         "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab\xe1\x84\x80\xe1\x85\xae\xe1\x86\xa8",
         "\xed\x95\x9c\xea\xb5\xad"},
        /* Vietnamese: e with circumflex and dot below, the marks in either order */
        {"Vi\xe1\xbb\x87t Nam l\xc3\xa0", "Vie\xcc\xa3\xcc\x82t Nam", "Vi\xe1\xbb\x87t Nam"},
        {"Vie\xcc\x82\xcc\xa3t Nam l\xc3\xa0", "Vi\xe1\xbb\x87t Nam", "Vie\xcc\x82\xcc\xa3t Nam"},
        {"Vi\xc3\xaa\xcc\xa3t Nam", "Vi\xe1\xbb\x87t", "Vi\xc3\xaa\xcc\xa3t"},
        /* the ohm sign is omega, the angstrom sign a letter */
        {"10 \xe2\x84\xa6 is", "\xce\xa9", "\xe2\x84\xa6"},
        {"\xc3\x85ngstr\xc3\xb6m", "\xe2\x84\xabngstro\xcc\x88m", "\xc3\x85ngstr\xc3\xb6m"},
        {"Cafe\xcc\x81", "Cafe", NULL}, /* the mark is the letter's */
        {"Cafe\xcc\x81 and Caf\xc3\xa9", "Caf\xc3\xa9", NULL},
        {"a cat", "dog", NULL},
        {"", "a", NULL},
        {"a", "", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        size_t begin = 0, end = 0;
        bool found = unicode_find(cases[i].text, cases[i].part, &begin, &end);

        CHECK(found == (cases[i].found != NULL));
        if (found && cases[i].found) {
            CHECK(end - begin == strlen(cases[i].found));
            CHECK(!strncmp(cases[i].text + begin, cases[i].found, end - begin));
        }
    }
}

static void contents(void)
{
    CHECK(unicode_contains_word("in Cafe\xcc\x81 Procope", "Caf\xc3\xa9"));
    CHECK(!unicode_contains_word("in Cafe\xcc\x81 Procope", "Cafe"));
    CHECK(unicode_starts_with("e\xcc\x81t\xc3\xa9 2024", "\xc3\xa9te\xcc\x81"));
    CHECK(!unicode_starts_with("ete", "\xc3\xa9te\xcc\x81"));
    CHECK(unicode_starts_with("anything", ""));
}

static void words(void)
{
    static const struct {
        const char *text, *part;
        bool in;
    } cases[] = {
        {"It is in Rome.", "Rome", true},
        {"Rome", "Rome", true},
        {"Rome's walls", "Rome", true},
        {"**Rome**, of course", "Rome", true},
        {"Romeo and Juliet", "Rome", false},
        {"Jerome", "rome", false},
        {"Romeo lives in Rome", "Rome", true}, /* the second place */
        {"Rome2", "Rome", false},
        {"a Romeo\xcc\x81", "Rome", false},
        {"R\xc3\xb4mes", "R\xc3\xb4me", false},
        {"R\xc3\xb4me", "Ro\xcc\x82me", true},
        {"\xd0\xa0\xd0\xb8\xd0\xbc\xd0\xb0", "\xd0\xa0\xd0\xb8\xd0\xbc", false}, /* Rima, Rim */
        {"New York City", "New York", true},
        {"New Yorker", "New York", false},
        {"5.", "5", true},
        {"15", "5", false},
        {"C++11", "C++", true}, /* a sign ends the word */
        /* Tokyo within a Japanese sentence; Seoul with a particle; Latin letters beside Han */
        {"\xe9\xa6\x96\xe9\x83\xbd\xe3\x81\xaf\xe6\x9d\xb1\xe4\xba\xac\xe3\x81\xa7\xe3\x81\x99",
         "\xe6\x9d\xb1\xe4\xba\xac", true},
        {"\xec\x84\x9c\xec\x9a\xb8\xec\x9d\x80", "\xec\x84\x9c\xec\x9a\xb8", true},
        {"\xe6\x98\xafRome\xe3\x80\x82", "Rome", true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (unicode_contains_word(cases[i].text, cases[i].part) != cases[i].in)
            CHECK_STR(cases[i].text, cases[i].part);
}

static void differences(void)
{
    static const struct {
        const char *text, *part, *words;
    } cases[] = {
        {"the eiffel tower is", "Eiffel Tower", "upper and lower case"},
        {"\xc3\x89TOILE is", "e\xcc\x81toile", "upper and lower case"},
        {"McDonald\xe2\x80\x99s is", "McDonald's", "the kind of quotation marks"},
        {"the Eiffel\xc2\xa0Tower is", "Eiffel Tower", "the kind or number of blanks"},
        {"the Eiffel  Tower is", "Eiffel Tower", "the kind or number of blanks"},
        {"Spider\xe2\x80\x91Man is", "Spider-Man", "the kind of dashes"},
        {"mcdonald\xe2\x80\x99s is", "McDonald's", "case, quotation marks, blanks or dashes"},
        {"the Louvre is", "Eiffel Tower", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const char *words = unicode_difference(cases[i].text, cases[i].part);

        CHECK_STR(words ? words : "-", cases[i].words ? cases[i].words : "-");
    }
}

/* Whatever stands around a text, it is found there, in its own form and in form C. */
static void found_everywhere(void)
{
    static const char *const parts[] = {"Cafe\xcc\x81", "Vie\xcc\x82\xcc\xa3t", "\xe2\x84\xa6",
                                        "\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "Rome"};
    static const char *const around[] = {"", " ", "x", "\xe6\x9d\xb1", ", ", "\xc3\xbc", "9"};
    int wrong = 0;

    for (size_t p = 0; p < sizeof(parts) / sizeof(*parts); p++)
        for (size_t a = 0; a < sizeof(around) / sizeof(*around); a++)
            for (size_t b = 0; b < sizeof(around) / sizeof(*around); b++) {
                struct offset_map nfc = {0};
                char text[128];
                size_t begin, end;

                nfc_apply(&nfc, parts[p], strlen(parts[p]));
                snprintf(text, sizeof(text), "%s%s%s", around[a], parts[p], around[b]);
                wrong += !unicode_find(text, nfc.text.data, &begin, &end) ||
                         begin != strlen(around[a]) || end - begin != strlen(parts[p]);
                snprintf(text, sizeof(text), "%s%s%s", around[a], nfc.text.data, around[b]);
                wrong += !unicode_find(text, parts[p], &begin, &end) ||
                         begin != strlen(around[a]) || end - begin != nfc.text.len;
                offset_map_free(&nfc);
            }
    CHECK(wrong == 0);
}

static const struct test tests[] = {
    {"places", places},
    {"contents", contents},
    {"words", words},
    {"differences", differences},
    {"found_everywhere", found_everywhere},
};

TEST_MAIN(tests)
