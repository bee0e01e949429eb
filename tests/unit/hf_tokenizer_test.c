/* A tokenizer.json written from a GGUF vocabulary must encode texts to the same ids. */
#include <stdlib.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/model/tokenizer/tokenizer_impl.h"
#include "core/model/vocabulary.h"
#include "core/session/export/export.h"
#include "tests/test.h"

static const char *const texts[] = {
    "Hello world",
    "the cat sat on the mat, and the dog",
    "  two  blanks   and three ",
    "na\xc3\xafve caf\xc3\xa9 \xe5\x8c\x97\xe4\xba\xac 12345",
    "line\n\nbreaks\tand tabs",
    "<s>no special</s>",
    "\xf0\x9f\x99\x82 \xd9\xa3\xd9\xa4",
    "a",
    "",
    "thethethe theatre of the others",
};

static void same_ids(const char *name, const struct tokenizer *one, const struct tokenizer *two,
                     unsigned flags)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct tokens a = {0}, b = {0};
        struct buf x = {0}, y = {0};
        bool same;

        CHECK(tokenizer_encode(one, texts[i], strlen(texts[i]), flags, &a, NULL));
        CHECK(tokenizer_encode(two, texts[i], strlen(texts[i]), flags, &b, NULL));
        same = a.count == b.count &&
               (!a.count || !memcmp(a.ids, b.ids, (size_t)a.count * sizeof(int)));
        if (!same)
            printf("%s: '%s' has %d and %d tokens\n", name, texts[i], a.count, b.count);
        CHECK(same);
        tokenizer_decode(one, a.ids, a.count, DECODE_SKIP_SPECIAL | DECODE_BEGINS, &x);
        tokenizer_decode(two, a.ids, a.count, DECODE_SKIP_SPECIAL | DECODE_BEGINS, &y);
        CHECK_STR(x.data ? x.data : "", y.data ? y.data : "");
        buf_free(&x);
        buf_free(&y);
        tokens_free(&a);
        tokens_free(&b);
    }
}

static void the_written_tokenizer_gives_the_same_ids(void)
{
    static const char *const files[] = {
        "tests/data/tokenizer/llama2.gguf",
        "tests/data/tokenizer/gemma.gguf",
        "tests/data/architectures/qwen2/model.gguf",
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        struct err err = {0};
        struct weights *w = weights_open_vocabulary(files[i], &err);
        struct tokenizer *one = tokenizer_at(files[i], &err), *two = NULL;
        struct buf json = {0}, config = {0};

        CHECK_STR(err.text, "");
        if (one && w && hf_tokenizer(w, &json, &config, &err))
            two = tokenizer_parse(json.data, json.len, config.data, config.len, &err);
        CHECK_STR(err.text, "");
        CHECK(two != NULL);
        if (two) {
            same_ids(files[i], one, two, 0);
            same_ids(files[i], one, two, ENCODE_BOS | ENCODE_SPECIALS);
            CHECK(tokenizer_bos(one) == tokenizer_bos(two));
            CHECK(tokenizer_eos(one) == tokenizer_eos(two));
        }
        tokenizer_free(one);
        tokenizer_free(two);
        buf_free(&json);
        buf_free(&config);
        weights_close(w);
    }
}

static const struct test tests[] = {
    {"the written tokenizer gives the same ids", the_written_tokenizer_gives_the_same_ids},
};
TEST_MAIN(tests)
