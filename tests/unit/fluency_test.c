/* Words and fluency against NLTK and SciPy (tests/reference/fluency.py). */
#include "core/eval/fluency.h"

#include <jansson.h>
#include <stdlib.h>

#include "tests/test.h"

static json_t *reference;

static void words_are_cut(void)
{
    json_t *all = json_object_get(reference, "cases"), *c, *sentence;
    size_t at, i;

    CHECK(json_array_size(all) == 50);
    json_array_foreach(all, at, c)
    {
        struct buf got = {0}, want = {0};
        double fluency = json_number_value(json_object_get(c, "fluency"));

        json_array_foreach(json_object_get(c, "sentences"), i, sentence)
            CHECK(word_tokens(json_string_value(sentence), &got, NULL));
        json_array_foreach(json_object_get(c, "words"), i, sentence)
            buf_printf(&want, "%s\n", json_string_value(sentence));
        CHECK_STR(got.data, want.data);
        CHECK_NEAR(words_fluency(got.data), fluency, 1e-9);
        buf_free(&got);
        buf_free(&want);
    }
}

static void known_texts(void)
{
    double f = 0;
    struct buf words = {0};

    CHECK_NEAR(words_fluency("a\nb\na\nb\na\nc\n"),
               json_number_value(json_object_get(reference, "letters")), 1e-12);
    CHECK(text_fluency("a b a b a c", &f, NULL));
    CHECK_NEAR(f, 1.5073094, 1e-7); /* H2 1.5219281, H3 1.5 */
    CHECK(text_fluency("", &f, NULL) && f == 0);
    CHECK(text_fluency("one", &f, NULL) && f == 0);
    CHECK(word_tokens("Dr. Who met J. Smith. He left. \"Why?\" she said.", &words, NULL));
    CHECK_STR(words.data,
              "Dr.\nWho\nmet\nJ.\nSmith\n.\nHe\nleft\n.\n``\nWhy\n?\n''\nshe\nsaid\n.\n");
    buf_free(&words);
}

static const struct test tests[] = {{"words are cut as NLTK does", words_are_cut},
                                    {"known texts", known_texts}};

int main(void)
{
    int status;

    reference = json_load_file("tests/data/fluency.json", 0, NULL);
    status = test_main(tests, sizeof(tests) / sizeof(*tests));
    json_decref(reference);
    return status;
}
