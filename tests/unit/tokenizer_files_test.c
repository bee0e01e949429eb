/* Tokenizers in every kind of file: the same ids from each, by Hugging Face's tokenizers
 * (tests/reference/tokens.py and pieces.py wrote tests/data/tokenizer). */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/tokenizer/tokenizer_impl.h"
#include "core/model/vocabulary.h"
#include "tests/folder.h"

#define DATA  "tests/data/tokenizer/"
#define BLANK "\xe2\x96\x81"

/* The generated texts and their ids by every family. */
static json_t *many(void)
{
    gzFile file = gzopen(DATA "many.json.gz", "rb");
    struct buf text = {0};
    char part[1 << 16];
    json_t *root;
    int n;

    while (file && (n = gzread(file, part, sizeof(part))) > 0)
        buf_add(&text, part, (size_t)n);
    if (file)
        gzclose(file);
    root = json_loadb(text.data ? text.data : "", text.len, JSON_ALLOW_NUL, NULL);
    buf_free(&text);
    CHECK(root != NULL);
    return root;
}

static struct tokenizer *open_at(const char *path)
{
    struct err err = {0};
    struct tokenizer *t = tokenizer_at(path, &err);

    CHECK_STR(err.text, "");
    return t;
}

/* Gemma's GGUF file writes runs of blanks as spaces: where the text itself has U+2581,
 * or a run longer than any token, it is cut in another way. */
static bool comparable(const char *text, size_t len)
{
    return !memmem(text, len, BLANK, 3) && !memmem(text, len, "         ", 9);
}

static int compare(const struct tokenizer *t, const json_t *cases, const char *name, bool all)
{
    const json_t *texts = json_object_get(cases, "texts");
    const json_t *want = json_object_get(json_object_get(cases, "ids"), name);
    struct tokens tokens = {0};
    int count = 0;

    CHECK(json_array_size(want) == json_array_size(texts));
    for (size_t i = 0; t && i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i), *ids = json_array_get(want, i);
        bool same;

        if (!all && !comparable(json_string_value(text), json_string_length(text)))
            continue;
        same = tokenizer_encode(t, json_string_value(text), json_string_length(text),
                                ENCODE_BOS | ENCODE_SPECIALS, &tokens, NULL) &&
               (size_t)tokens.count == json_array_size(ids);
        for (int k = 0; same && k < tokens.count; k++)
            same = tokens.ids[k] == json_integer_value(json_array_get(ids, (size_t)k));
        if (!same)
            printf("%s, text %zu: %s\n", name, i, json_string_value(text));
        CHECK(same);
        count++;
    }
    tokens_free(&tokens);
    return count;
}

static void generated_texts(void)
{
    static const char *const name[] = {"gpt2", "smollm", "llama3",  "qwen2",
                                       "unk",  "llama2", "mistral", "gemma"};
    json_t *cases = many();
    int count = 0;

    for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
        char *path = xasprintf(DATA "%s.json", name[i]);
        struct tokenizer *t = open_at(path);

        count += compare(t, cases, name[i], true);
        tokenizer_free(t);
        free(path);
    }
    CHECK(count > 2000);
    json_decref(cases);
}

/* GGUF files with only a vocabulary, which has scores instead of merges. */
static void vocabulary_only(void)
{
    static const char *const name[] = {"llama2", "gemma"};
    json_t *cases = many();

    for (int i = 0; i < 2; i++) {
        char *path = xasprintf(DATA "%s.gguf", name[i]);
        struct tokenizer *t = open_at(path);

        CHECK(compare(t, cases, name[i], i == 0) > 100);
        CHECK(t && tokenizer_adds_bos(t) && tokenizer_bos(t) == (i ? 2 : 1));
        CHECK(t && tokenizer_eos(t) == (i ? 1 : 2));
        tokenizer_free(t);
        free(path);
    }
    json_decref(cases);
}

/* --- folders --------------------------------------------------------------------------- */

static void put(const char *folder, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);

    CHECK(file_write(path, text, strlen(text), NULL));
    free(path);
}

/* Splits a tokenizer.json into the older files: vocab.json, merges.txt and the rest. */
static void take_apart(const char *name, const char *folder)
{
    char *path = xasprintf(DATA "%s.json", name), *text;
    json_t *root = json_load_file(path, 0, NULL), *model = json_object_get(root, "model"), *item;
    json_t *added = json_object();
    struct buf merges = {0};
    size_t i;

    buf_puts(&merges, "#version: 0.2\n");
    json_array_foreach(json_object_get(model, "merges"), i, item)
    {
        if (json_is_array(item))
            buf_printf(&merges, "%s %s\n", json_string_value(json_array_get(item, 0)),
                       json_string_value(json_array_get(item, 1)));
        else
            buf_printf(&merges, "%s\n", json_string_value(item));
    }
    json_array_foreach(json_object_get(root, "added_tokens"), i, item)
    {
        char *id = xasprintf("%d", (int)json_integer_value(json_object_get(item, "id")));

        json_object_set(added, id, item);
        free(id);
    }
    text = json_dumps(json_object_get(model, "vocab"), 0);
    put(folder, "vocab.json", text);
    put(folder, "merges.txt", merges.data);
    free(text);
    root = json_pack("{s:s, s:o, s:o}", "tokenizer_class",
                     strcmp(name, "qwen2") ? "GPT2Tokenizer" : "Qwen2TokenizerFast",
                     "added_tokens_decoder", added, "old", root);
    text = json_dumps(root, 0);
    put(folder, "tokenizer_config.json", text);
    free(text);
    json_decref(root);
    buf_free(&merges);
    free(path);
}

static void vocab_and_merges(void)
{
    static const char *const name[] = {"gpt2", "qwen2"};
    json_t *cases = many();

    for (int i = 0; i < 2; i++) {
        char folder[64], *path;
        struct tokenizer *t;

        CHECK(folder_make(folder, sizeof(folder)));
        take_apart(name[i], folder);
        t = open_at(folder);
        compare(t, cases, name[i], true);
        tokenizer_free(t);
        path = xasprintf("%s/merges.txt", folder); /* a file in the folder means the folder */
        t = open_at(path);
        CHECK(t && tokenizer_find(t, "<|endoftext|>") >= 0);
        tokenizer_free(t);
        free(path);
        folder_remove(folder);
    }
    json_decref(cases);
}

#define VOCAB "{\"a\":0,\"b\":1,\"ab\":2,\"<|endoftext|>\":3}"

static int encode_in(const char *folder, const char *text, int *first)
{
    struct err err = {0};
    struct tokenizer *t = tokenizer_from_folder(folder, &err);
    struct tokens tokens = {0};
    int count = -1;

    if (t && tokenizer_encode(t, text, strlen(text), ENCODE_SPECIALS, &tokens, &err)) {
        count = tokens.count;
        *first = count ? tokens.ids[0] : -1;
    }
    if (!t)
        CHECK(err.kind == ERR_MODEL && strstr(err.text, folder));
    if (!t)
        printf("  %s\n", err.text);
    tokens_free(&tokens);
    tokenizer_free(t);
    return count;
}

/* The smaller files beside them: missing, incomplete, or of another family. */
static void beside(void)
{
    char folder[64];
    int id = -1;

    CHECK(folder_make(folder, sizeof(folder)));
    CHECK(encode_in(folder, "ab", &id) == -1); /* empty */
    put(folder, "tokenizer.model", "?");
    CHECK(encode_in(folder, "ab", &id) == -1);
    put(folder, "vocab.json", VOCAB);
    CHECK(encode_in(folder, "ab", &id) == -1); /* no merges */
    put(folder, "merges.txt", "#version: 0.2\r\na b\r\n\r\n");
    CHECK(encode_in(folder, "ab<|endoftext|>", &id) == 2 && id == 2);
    put(folder, "added_tokens.json", "{\"<x>\":4,\"<y>\":5}");
    put(folder, "special_tokens_map.json", "{\"additional_special_tokens\":[\"<y>\"]}");
    CHECK(encode_in(folder, "<y>a", &id) == 2 && id == 5);
    CHECK(encode_in(folder, "<x>a", &id) == 2 && id == 4);
    put(folder, "added_tokens.json", "{\"<x>\":4,\"<y>\":9}");
    CHECK(encode_in(folder, "a", &id) == -1); /* a gap in the ids */
    put(folder, "added_tokens.json", "{\"<x>\":\"4\"}");
    CHECK(encode_in(folder, "a", &id) == -1);
    put(folder, "added_tokens.json", "{}");
    put(folder, "config.json", "{\"model_type\":\"roberta\"}");
    CHECK(encode_in(folder, "a", &id) == -1); /* of another family */
    put(folder, "config.json", "{\"model_type\":\"gpt2\"}");
    CHECK(encode_in(folder, "a", &id) == 1);
    put(folder, "merges.txt", "a b\na  b\n");
    CHECK(encode_in(folder, "a", &id) == -1);
    put(folder, "merges.txt", "a b\n\xff \xfe\n");
    CHECK(encode_in(folder, "a", &id) == -1);
    put(folder, "merges.txt", "a c\n");
    CHECK(encode_in(folder, "a", &id) == -1);
    folder_remove(folder);
}

/* --- blanks, bytes, and text as it comes ------------------------------------------------- */

static void check_text(const struct tokenizer *t, const char *text, unsigned encode, int want)
{
    struct tokens tokens = {0};
    struct buf out = {0};

    CHECK(tokenizer_encode(t, text, strlen(text), encode, &tokens, NULL));
    if (tokens.count != want)
        printf("'%s' has %d tokens, not %d\n", text, tokens.count, want);
    CHECK(tokens.count == want);
    tokenizer_decode(t, tokens.ids, tokens.count, encode & ENCODE_CONTINUES ? 0 : DECODE_BEGINS,
                     &out);
    CHECK_STR(out.data ? out.data : "", text);
    tokens_free(&tokens);
    buf_free(&out);
}

/* A text is begun with a blank, what continues it is not: " The" is one token either way, "The" is
 * another one where it continues. */
static void blanks(void)
{
    static const char *const name[] = {"llama2", "mistral", "gemma"};
    static const int spaced[] = {2, 1, 1}; /* " The": only Llama-2 puts a second blank before it */

    for (int i = 0; i < 3; i++) {
        char *path = xasprintf(DATA "%s.json", name[i]);
        struct tokenizer *t = open_at(path);
        struct tokens tokens = {0};
        struct buf piece = {0};

        if (t) {
            check_text(t, "The", 0, i == 2 ? 2 : 1);
            CHECK(tokenizer_encode(t, " The", 4, 0, &tokens, NULL) && tokens.count == spaced[i]);
            check_text(t, " The", ENCODE_CONTINUES, 1);
            check_text(t, "The", ENCODE_CONTINUES, 2); /* "T", "he": no token without the blank */
            CHECK(tokenizer_encode(t, " The", 4, ENCODE_CONTINUES, &tokens, NULL));
            CHECK(tokens.start[0] == 0 && tokens.end[0] == 4);
            tokenizer_piece(t, tokens.ids[0], &piece);
            CHECK_STR(piece.data, " The");
            check_text(t, "\xe5\x8c\x97", ENCODE_CONTINUES, 3); /* bytes of one character */
            CHECK(tokenizer_find(t, "<0xE5>") >= 0);
        }
        tokens_free(&tokens);
        buf_free(&piece);
        tokenizer_free(t);
        free(path);
    }
}

/* Tokens cover the text from left to right, also where text was inserted or replaced. */
static void spans(void)
{
    static const char *const name[] = {"llama2", "mistral", "gemma", "qwen2"};
    json_t *cases = many();
    const json_t *texts = json_object_get(cases, "texts");

    for (int i = 0; i < 4; i++) {
        char *path = xasprintf(DATA "%s.json", name[i]);
        struct tokenizer *t = open_at(path);
        struct tokens tokens = {0};

        for (size_t k = 0; t && k < json_array_size(texts); k++) {
            const json_t *text = json_array_get(texts, k);
            int len = (int)json_string_length(text), at = 0;
            bool ok = tokenizer_encode(t, json_string_value(text), (size_t)len, ENCODE_SPECIALS,
                                       &tokens, NULL);

            for (int j = 0; ok && j < tokens.count; j++) {
                ok = tokens.start[j] <= at && tokens.end[j] >= at &&
                     tokens.start[j] <= tokens.end[j];
                at = tokens.end[j];
            }
            if (!ok || at != len)
                printf("%s, text %zu\n", name[i], k);
            CHECK(ok && at == len);
        }
        tokens_free(&tokens);
        tokenizer_free(t);
        free(path);
    }
    json_decref(cases);
}

static bool whole_characters(const struct buf *out, size_t from)
{
    struct buf again = {0};
    bool same;

    utf8_clean(&again, out->data + from, out->len - from);
    same = again.len == out->len - from;
    buf_free(&again);
    return same;
}

/* Decoding id by id gives the same text as decoding all at once, and never half a character. */
static void streaming(void)
{
    static const char *const name[] = {"gpt2", "llama2", "gemma"};
    json_t *cases = many();
    size_t held = 0;

    for (int i = 0; i < 3; i++) {
        const json_t *ids = json_object_get(json_object_get(cases, "ids"), name[i]), *one;
        char *path = xasprintf(DATA "%s.json", name[i]);
        struct tokenizer *t = open_at(path);
        size_t n;

        json_array_foreach(ids, n, one)
        {
            int count = (int)json_array_size(one), *id = xcalloc((size_t)count + 1, sizeof(int));
            unsigned flags = n % 4;
            struct buf out = {0}, all = {0};
            struct decoder d;

            decoder_begin(&d, t, flags);
            for (int k = 0; k < count; k++) {
                size_t from = out.len;

                /* in a wrong order, so that some bytes are not UTF-8 */
                id[k] = (int)json_integer_value(
                    json_array_get(one, (size_t)(n % 3 ? k : count - 1 - k)));
                decoder_put(&d, id[k], &out);
                CHECK(out.len == from || whole_characters(&out, from));
                CHECK(d.pending.len < 4);
                held += d.pending.len;
            }
            decoder_end(&d, &out);
            tokenizer_decode(t, id, count, flags, &all);
            CHECK_STR(out.data ? out.data : "", all.data ? all.data : "");
            buf_free(&out);
            buf_free(&all);
            free(id);
        }
        tokenizer_free(t);
        free(path);
    }
    CHECK(held > 100);
    json_decref(cases);
}

/* A model may embed fewer tokens than its tokenizer has, if the remaining ones are added tokens. */
static void fewer_rows(void)
{
    struct tokenizer *t = open_at(DATA "gpt2.json");
    int all = t ? tokenizer_vocab(t) : 0, end = t ? tokenizer_find(t, "<|im_end|>") : -1;
    struct tokens tokens = {0};
    struct err err = {0};

    CHECK(end == all - 1);
    CHECK(tokenizer_encode(t, "a<|im_end|>", 11, ENCODE_SPECIALS, &tokens, NULL));
    CHECK(tokens.count == 2 && tokens.ids[1] == end);
    CHECK(tokenizer_limit(t, all, &err) && tokenizer_find(t, "<|im_end|>") == end);
    CHECK(tokenizer_limit(t, all - 1, &err) && tokenizer_vocab(t) == all - 1);
    CHECK(tokenizer_find(t, "<|im_end|>") == -1 && tokenizer_find(t, "<|im_start|>") == end - 1);
    CHECK(tokenizer_encode(t, "a<|im_end|>", 11, ENCODE_SPECIALS, &tokens, NULL));
    CHECK(tokens.count > 4);
    for (int i = 0; i < tokens.count; i++)
        CHECK(tokens.ids[i] < all - 1);
    CHECK(!tokenizer_limit(t, 100, &err) && err.kind == ERR_MODEL);
    CHECK(strstr(err.text, "embeds 100"));
    tokens_free(&tokens);
    tokenizer_free(t);
}

/* --- hostile vocabularies -------------------------------------------------------------- */

enum { SMALL = 8 };

/* A vocabulary with scores, wrong in one way. */
static bool spm_is(int what, const char *says)
{
    static char longest[400];
    const char *text[SMALL] = {"<unk>", "<s>", "<0x0A>", "a", "b", "ab", BLANK, BLANK "a"};
    int type[SMALL] = {2, 3, 6, 1, 1, 1, 1, 1};
    float score[SMALL] = {0, 0, 0, -3, -4, -1, -5, -2};
    size_t len[SMALL];
    struct vocab vocab = {.spm = true,
                          .count = SMALL,
                          .text = text,
                          .len = len,
                          .type = type,
                          .score = what == 1 ? NULL : score,
                          .bos = what == 2 ? SMALL : 1,
                          .eos = -1,
                          .pad = -1,
                          .unk = what == 3 ? -2 : 0,
                          .add_bos = -1};
    struct err err = {0};
    struct tokenizer *t;

    memset(longest, 'a', sizeof(longest) - 1);
    if (what == 4)
        score[3] = (float)NAN;
    text[5] = what == 5 ? longest : text[5];
    text[2] = what == 6 ? "<0x-1>" : what == 7 ? "<0x1>" : what == 8 ? "<0xG0>" : text[2];
    text[1] = what == 9 ? "\xff<s" : text[1];
    for (int i = 0; i < SMALL; i++)
        len[i] = strlen(text[i]);
    t = tokenizer_from_vocab(&vocab, &err);
    if (!what)
        CHECK(t && !tokenizer_is_special(t, 3) && tokenizer_is_special(t, 1));
    else
        CHECK(!t && err.kind == ERR_MODEL);
    if (!strstr(err.text, says))
        printf("%d: '%s' does not name %s\n", what, err.text, says);
    tokenizer_free(t);
    return strstr(err.text, says) != NULL;
}

static void hostile_scores(void)
{
    CHECK(spm_is(0, ""));
    CHECK(spm_is(1, "scores"));
    CHECK(spm_is(2, "bos"));
    CHECK(spm_is(3, "unknown"));
    CHECK(spm_is(4, "score of token 3"));
    CHECK(spm_is(5, "399 bytes"));
    CHECK(spm_is(6, "'<0x-1>'"));
    CHECK(spm_is(7, "'<0x1>'"));
    CHECK(spm_is(8, "'<0xG0>'"));
    CHECK(spm_is(9, "not UTF-8"));
}

/* A vocabulary file cut at any byte is refused with one line. */
static void cut_short(void)
{
    char folder[64], *path, *bytes;
    size_t len = 0;

    CHECK(folder_make(folder, sizeof(folder)));
    path = xasprintf("%s/tokenizer.gguf", folder);
    bytes = file_read(DATA "llama2.gguf", 1 << 20, &len, NULL);
    for (size_t n = 0; bytes && n + 64 < len; n += n < 300 ? 7 : 211) {
        struct err err = {0};
        struct tokenizer *t;

        CHECK(file_write(path, bytes, n, NULL));
        t = tokenizer_at(path, &err);
        CHECK(!t && err.kind == ERR_MODEL && strstr(err.text, "tokenizer.gguf"));
        tokenizer_free(t);
    }
    CHECK(len > 1000);
    folder_remove(folder);
    free(path);
    free(bytes);
}

static const struct test tests[] = {
    {"ids of generated texts", generated_texts},
    {"a GGUF file of a vocabulary", vocabulary_only},
    {"vocab.json and merges.txt", vocab_and_merges},
    {"what stands beside them", beside},
    {"blanks at the beginning", blanks},
    {"spans", spans},
    {"text as it comes", streaming},
    {"a model that embeds fewer tokens", fewer_rows},
    {"hostile scores", hostile_scores},
    {"a vocabulary cut short", cut_short},
};

TEST_MAIN(tests)
