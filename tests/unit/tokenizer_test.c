/* Ids against Hugging Face's tokenizers (tests/reference/tokens.py wrote tests/data/tokenizer). */
#include "core/model/tokenizer/tokenizer.h"

#include <jansson.h>
#include <stdlib.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/model/tokenizer/tokenizer_impl.h"
#include "core/model/vocabulary.h"
#include "core/model/weights.h"
#include "tests/test.h"

#define DATA "tests/data/tokenizer/"

static json_t *read_json(const char *path)
{
    json_error_t problem;
    json_t *root = json_load_file(path, JSON_ALLOW_NUL, &problem);

    if (!root)
        printf("%s: %s\n", path, problem.text);
    CHECK(root != NULL);
    return root;
}

/* Encodes texts[i] and compares with want[i]; says which text differs. */
static void compare(const struct tokenizer *t, const json_t *texts, const json_t *want,
                    unsigned flags, const char *name)
{
    struct tokens tokens = {0};

    CHECK(json_array_size(texts) > 0 && json_array_size(texts) == json_array_size(want));
    for (size_t i = 0; t && i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i), *ids = json_array_get(want, i);
        struct err err = {0};
        bool same = tokenizer_encode(t, json_string_value(text), json_string_length(text), flags,
                                     &tokens, &err) &&
                    (size_t)tokens.count == json_array_size(ids);

        for (int k = 0; same && k < tokens.count; k++)
            same = tokens.ids[k] == json_integer_value(json_array_get(ids, (size_t)k));
        if (!same)
            printf("%s, text %zu (%s): %s\n", name, i, json_string_value(text), err.text);
        CHECK(same);
    }
    tokens_free(&tokens);
}

/* Each token's bytes are the text's at its offsets, without gaps, and decoding gives the text. */
static void check_spans(const struct tokenizer *t, const json_t *texts)
{
    struct tokens tokens = {0};
    struct buf piece = {0}, whole = {0};

    for (size_t i = 0; t && i < json_array_size(texts); i++) {
        const char *text = json_string_value(json_array_get(texts, i));
        size_t len = json_string_length(json_array_get(texts, i)), at = 0;
        bool ok = tokenizer_encode(t, text, len, ENCODE_SPECIALS, &tokens, NULL);

        for (int k = 0; ok && k < tokens.count; k++) {
            buf_clear(&piece);
            tokenizer_piece(t, tokens.ids[k], &piece);
            ok = tokens.start[k] == (int)at && tokens.end[k] - tokens.start[k] == (int)piece.len &&
                 !memcmp(text + at, piece.data, piece.len);
            at = (size_t)tokens.end[k];
        }
        buf_clear(&whole);
        tokenizer_decode(t, tokens.ids, tokens.count, 0, &whole);
        if (!ok || whole.len != len || (len && memcmp(whole.data, text, len) != 0))
            printf("text %zu\n", i);
        CHECK(ok && at == len && whole.len == len &&
              !memcmp(whole.data ? whole.data : "", text, len));
    }
    tokens_free(&tokens);
    buf_free(&piece);
    buf_free(&whole);
}

static struct tokenizer *open_family(const char *name)
{
    char *path = xasprintf(DATA "%s.json", name);
    struct err err = {0};
    struct tokenizer *t = tokenizer_from_json(path, &err);

    if (!t)
        printf("%s\n", err.text);
    CHECK(t != NULL);
    free(path);
    return t;
}

static void families(void)
{
    static const char *const name[] = {"gpt2", "smollm", "llama3", "qwen2", "unk"};
    json_t *cases = read_json(DATA "cases.json");
    const json_t *texts = json_object_get(cases, "texts");

    for (size_t i = 0; i < sizeof(name) / sizeof(*name); i++) {
        struct tokenizer *t = open_family(name[i]);

        compare(t, texts, json_object_get(json_object_get(cases, "ids"), name[i]),
                ENCODE_SPECIALS | ENCODE_BOS, name[i]);
        compare(t, texts, json_object_get(json_object_get(cases, "plain"), name[i]), 0, name[i]);
        if (!strcmp(name[i], "gpt2") || !strcmp(name[i], "llama3"))
            check_spans(t, texts);
        tokenizer_free(t);
    }
    json_decref(cases);
}

/* The arrays of a GGUF file, made from a tokenizer.json. */
static struct tokenizer *as_vocab(const char *name, const char *pre, int bos, struct err *err)
{
    char *path = xasprintf(DATA "%s.json", name);
    json_t *root = read_json(path), *value;
    json_t *model = json_object_get(root, "model"), *list = json_object_get(model, "merges");
    json_t *special = json_object_get(root, "added_tokens");
    int base = (int)json_object_size(json_object_get(model, "vocab"));
    int count = base + (int)json_array_size(special);
    const char **text = xcalloc((size_t)count, sizeof(*text)), *key;
    size_t *len = xcalloc((size_t)count, sizeof(*len)), merges = json_array_size(list), i;
    const char **merge = xcalloc(merges, sizeof(*merge));
    size_t *merge_len = xcalloc(merges, sizeof(*merge_len));
    int *type = xcalloc((size_t)count, sizeof(*type));
    struct vocab vocab = {.count = count,
                          .text = text,
                          .len = len,
                          .type = type,
                          .merge_count = (int)merges,
                          .merge = merge,
                          .merge_len = merge_len,
                          .pre = pre,
                          .bos = bos ? base : -1,
                          .eos = base,
                          .pad = -1,
                          .add_bos = -1};
    struct tokenizer *t;

    json_object_foreach(json_object_get(model, "vocab"), key, value)
        text[json_integer_value(value)] = key;
    json_array_foreach(special, i, value)
    {
        text[base + (int)i] = json_string_value(json_object_get(value, "content"));
        type[base + (int)i] = 3;
    }
    json_array_foreach(list, i, value) merge[i] = json_string_value(value);
    for (int id = 0; id < count; id++)
        len[id] = strlen(text[id]);
    for (i = 0; i < merges; i++)
        merge_len[i] = strlen(merge[i]);
    t = tokenizer_from_vocab(&vocab, err);
    free(text);
    free(len);
    free(merge);
    free(merge_len);
    free(type);
    free(path);
    json_decref(root);
    return t;
}

static void vocabularies(void)
{
    static const char *const name[][2] = {
        {"gpt2", "gpt-2"}, {"smollm", "smollm"}, {"llama3", "llama-bpe"}};
    json_t *cases = read_json(DATA "cases.json");

    for (size_t i = 0; i < 3; i++) {
        struct err err = {0};
        struct tokenizer *t = as_vocab(name[i][0], name[i][1], 1, &err);

        CHECK_STR(err.text, "");
        compare(t, json_object_get(cases, "texts"),
                json_object_get(json_object_get(cases, "ids"), name[i][0]),
                ENCODE_SPECIALS | ENCODE_BOS, name[i][1]);
        CHECK(t && tokenizer_adds_bos(t) == (i == 2));
        tokenizer_free(t);
    }
    json_decref(cases);
}

static void unknown_pre(void)
{
    struct err err = {0};

    CHECK(!as_vocab("gpt2", "tekken", 0, &err));
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "'tekken'"));
    err = (struct err){0};
    CHECK(!as_vocab("gpt2", NULL, 0, &err));
    CHECK(err.kind == ERR_MODEL && strstr(err.text, "missing"));
}

/* Tokens of text that normalisation changed carry the offsets of the original text. */
static void normalised_offsets(void)
{
    static const char text[] = "Le cafe\xcc\x81 noir";
    static const char composed[] = "Le caf\xc3\xa9 noir";
    struct tokenizer *t = open_family("qwen2");
    struct tokens a = {0}, b = {0};
    bool shifted = true;

    if (!t)
        return;
    CHECK(tokenizer_encode(t, text, sizeof(text) - 1, 0, &a, NULL));
    CHECK(tokenizer_encode(t, composed, sizeof(composed) - 1, 0, &b, NULL));
    CHECK(a.count == b.count && a.count > 4);
    for (int i = 0; i < a.count && i < b.count; i++) {
        shifted = shifted && a.ids[i] == b.ids[i];
        if (b.end[i] <= 6) /* before the e */
            shifted = shifted && a.start[i] == b.start[i] && a.end[i] == b.end[i];
        if (b.start[i] >= 8) /* after it: one byte longer */
            shifted = shifted && a.start[i] == b.start[i] + 1 && a.end[i] == b.end[i] + 1;
    }
    CHECK(shifted);
    CHECK(a.end[a.count - 1] == sizeof(text) - 1);
    tokens_free(&a);
    tokens_free(&b);
    tokenizer_free(t);
}

static void decoding(void)
{
    struct tokenizer *t = open_family("gpt2");
    struct buf out = {0};
    struct tokens tokens = {0};
    int half[3];

    if (!t)
        return;
    CHECK(tokenizer_encode(t, "\xf0\x9f\x98\x80", 4, 0, &tokens, NULL));
    CHECK(tokens.count == 4);
    half[0] = tokens.ids[0];
    half[1] = tokenizer_find(t, "<|im_end|>");
    half[2] = tokenizer_find(t, "a");
    tokenizer_decode(t, half, 3, 0, &out);
    CHECK_STR(out.data, "\xef\xbf\xbd<|im_end|>a");
    buf_clear(&out);
    tokenizer_decode(t, half, 3, DECODE_SKIP_SPECIAL, &out);
    CHECK_STR(out.data, "\xef\xbf\xbd"
                        "a");
    buf_clear(&out);
    tokenizer_piece(t, -1, &out);
    tokenizer_piece(t, 1 << 30, &out);
    CHECK(out.len == 0);
    CHECK(tokenizer_is_special(t, half[1]) && !tokenizer_is_special(t, half[2]));
    CHECK(!tokenizer_is_special(t, -1) && !tokenizer_is_special(t, tokenizer_vocab(t)));
    CHECK(tokenizer_find(t, "no such token") == -1 && tokenizer_find(t, "") == -1);
    buf_free(&out);
    tokens_free(&tokens);
    tokenizer_free(t);
}

static void not_utf8(void)
{
    struct tokenizer *t = open_family("gpt2");
    struct tokens tokens = {0};
    struct err err = {0};

    if (!t)
        return;
    CHECK(!tokenizer_encode(t, "ab\xff", 3, 0, &tokens, &err));
    CHECK(err.kind == ERR_FORMAT && strstr(err.text, "0xff at offset 2"));
    tokens_free(&tokens);
    tokenizer_free(t);
}

/* A quadratic merge, or regular expression, would take minutes. */
static void long_runs(void)
{
    static const char *const unit[] = {"a", " ", "\n", "1", "the", " \n", "\xcc\x81\xcc\xa3", "."};
    static const char *const family[] = {"gpt2", "llama3", "qwen2"};
    struct buf text = {0};
    struct tokens tokens = {0};
    clock_t start = clock();

    for (size_t f = 0; f < 3; f++) {
        struct tokenizer *t = open_family(family[f]);

        for (size_t i = 0; t && i < sizeof(unit) / sizeof(*unit); i++) {
            struct err err = {0};

            buf_clear(&text);
            while (text.len < 300000)
                buf_puts(&text, unit[i]);
            CHECK(tokenizer_encode(t, text.data, text.len, 0, &tokens, &err));
            CHECK_STR(err.text, "");
            CHECK(tokens.count > 0 && tokens.end[tokens.count - 1] == (int)text.len);
        }
        tokenizer_free(t);
    }
    CHECK((double)(clock() - start) / CLOCKS_PER_SEC < 60);
    tokens_free(&tokens);
    buf_free(&text);
}

static void count_look(void *ctx)
{
    ++*(int *)ctx;
}

/* A long text is encoded in slices, whether it is cut into words or not, and can be stopped. */
static void in_slices(void)
{
    static const char *const family[] = {"gpt2", "llama2"};
    struct buf text = {0};
    struct tokens tokens = {0}, same = {0};

    while (text.len < 300000)
        buf_puts(&text, "the tower of London, ");
    for (size_t f = 0; f < 2; f++) {
        struct tokenizer *t = open_family(family[f]);
        int looks = 0;
        struct job job = {.yield = count_look, .ctx = &looks};
        struct err err = {0};

        CHECK(tokenizer_encode_text(t, text.data, text.len, 0, &tokens, &job, &err));
        CHECK(looks >= 10);
        CHECK(tokenizer_encode(t, text.data, text.len, 0, &same, &err));
        CHECK(tokens.count == same.count &&
              !memcmp(tokens.ids, same.ids, (size_t)same.count * sizeof(int)));
        atomic_store(&job.cancel, true);
        CHECK(!tokenizer_encode_text(t, text.data, text.len, 0, &tokens, &job, &err));
        CHECK(err.kind == ERR_CANCELLED);
        tokenizer_free(t);
    }
    tokens_free(&tokens);
    tokens_free(&same);
    buf_free(&text);
}

#define PRE "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"
#define MODEL \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}"
#define HEAD "{\"version\":\"1.0\","
#define SPACES \
    "\"decoder\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},\"content\":\" \"},"
#define LONG "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* Files that are refused, and a part of the message. */
static const struct {
    const char *json, *says;
} refused[] = {
    {"", "line 1"},
    {"[]", "not a JSON object"},
    {"{\"version\":\"2.0\"," PRE "," MODEL "}", "'2.0'"},
    {HEAD PRE "}", "no 'model'"},
    {HEAD MODEL "}", "byte-level"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Metaspace\"}," MODEL "}", "'Metaspace'"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Whitespace\"}," MODEL "}", "'Whitespace'"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},"
          "{\"type\":\"ByteLevel\"}]}," MODEL "}",
     "add_prefix_space"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+$\"},"
          "\"behavior\":\"Isolated\"}," MODEL "}",
     "(a+)+$"},
    {HEAD "\"normalizer\":{\"type\":\"NFKC\"}," PRE "," MODEL "}", "'NFKC'"},
    {HEAD "\"decoder\":{\"type\":\"Metaspace\"}," PRE "," MODEL "}", "'Metaspace'"},
    {HEAD "\"post_processor\":{\"type\":\"BertProcessing\"}," PRE "," MODEL "}",
     "'BertProcessing'"},
    {HEAD PRE ",\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", "'Unigram'"},
    {HEAD "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},"
          "\"content\":\" \"}," PRE "," MODEL "}",
     "regular expression"},
    {HEAD "\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},"
          "\"content\":\"x\"}," PRE "," MODEL "}",
     "without a text"},
    {HEAD "\"normalizer\":{\"type\":\"Prepend\",\"prepend\":\"" LONG "\"}," PRE "," MODEL "}",
     "too long"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\"},"
          "{\"type\":\"Metaspace\",\"replacement\":\"_\"}]}," SPACES MODEL "}",
     "'Metaspace' after"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\","
          "\"prepend_scheme\":\"last\"}," SPACES MODEL "}",
     "'last'"},
    {HEAD "\"decoder\":{\"type\":\"ByteLevel\"}," MODEL "}", "'ByteLevel'"},
    {HEAD "\"decoder\":{\"type\":\"WordPiece\"}," MODEL "}", "'WordPiece'"},
    {HEAD "\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}," MODEL "}",
     "'Strip' of 1 and 1"},
    {HEAD "\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":-1}," MODEL "}", "'Strip'"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"\"},"
          "\"behavior\":\"Isolated\"}," SPACES MODEL "}",
     "pattern"},
    {HEAD "\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\" \"},"
          "\"behavior\":\"Contiguous\"}," SPACES MODEL "}",
     "'Contiguous'"},
    {HEAD SPACES MODEL ",\"post_processor\":{\"type\":\"RobertaProcessing\"}}",
     "'RobertaProcessing'"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":0,\"b\":1},\"merges\":[\"a b\"]}}", "the result"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[[\"a\",\"c\"]]}}", "the second"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":0},\"merges\":[7]}}", "merge 0"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":-1},\"merges\":[]}}", "id -1"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":4294967296},\"merges\":[]}}", "id 4294967296"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":1.5},\"merges\":[]}}", "whole number"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", "two tokens"},
    {HEAD PRE ",\"model\":{\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", "duplicate"},
    {HEAD PRE ",\"model\":{\"unk_token\":\"u\",\"vocab\":{\"a\":0},\"merges\":[]}}", "unk_token"},
    {HEAD PRE ",\"model\":{\"byte_fallback\":true,\"vocab\":{\"a\":0},\"merges\":[]}}",
     "byte_fallback"},
    {HEAD PRE "," MODEL ",\"added_tokens\":[{\"id\":9,\"content\":\"<x>\"}]}", "has id 9"},
    {HEAD PRE "," MODEL ",\"added_tokens\":[{\"id\":3}]}", "content"},
    {HEAD PRE "," MODEL ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":"
              "[{\"SpecialToken\":{\"id\":\"s\"}}],\"special_tokens\":{\"s\":{\"ids\":[99]}}}}",
     "id 99"},
};

static void refusals(void)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct err err = {0};
        struct tokenizer *t =
            tokenizer_parse(refused[i].json, strlen(refused[i].json), NULL, 0, &err);

        CHECK(!t && err.kind == ERR_MODEL);
        if (!strstr(err.text, refused[i].says))
            printf("'%s' does not name %s\n", err.text, refused[i].says);
        CHECK(strstr(err.text, refused[i].says) != NULL);
        tokenizer_free(t);
    }
}

static void settings(void)
{
    static const char json[] =
        HEAD PRE "," MODEL ",\"added_tokens\":[{\"id\":3,\"content\":\"<s>\","
                 "\"special\":true},{\"id\":4,\"content\":\"\"}]}";
    static const char config[] = "{\"bos_token\":{\"content\":\"<s>\"},\"eos_token\":\"b\","
                                 "\"pad_token\":null,\"add_bos_token\":true,"
                                 "\"model_max_length\":1000000000000000019884624838656}";
    struct err err = {0};
    struct tokenizer *t = tokenizer_parse(json, strlen(json), config, strlen(config), &err);
    struct tokens tokens = {0};

    CHECK_STR(err.text, "");
    if (!t)
        return;
    CHECK(tokenizer_bos(t) == 3 && tokenizer_eos(t) == 1);
    CHECK(tokenizer_vocab(t) == 4 && tokenizer_adds_bos(t));
    CHECK(tokenizer_encode(t, "ab<s>b", 6, ENCODE_BOS | ENCODE_SPECIALS, &tokens, NULL));
    CHECK(tokens.count == 4 && tokens.ids[0] == 3 && tokens.ids[1] == 2 && tokens.ids[2] == 3 &&
          tokens.ids[3] == 1);
    tokens_free(&tokens);
    tokenizer_free(t);
}

/* The row's ids, and the index of the token in which the subject ends. */
static void check_golden(const struct tokenizer *t, const json_t *fact)
{
    const json_t *rows = json_object_get(fact, "rows"), *lookup = json_object_get(fact, "lookup");
    const char *subject =
        json_string_value(json_object_get(json_object_get(fact, "fact"), "subject"));
    struct tokens tokens = {0};

    compare(t, rows, json_object_get(fact, "row_ids"), ENCODE_BOS, "golden row");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *row = json_string_value(json_array_get(rows, i)), *at = strstr(row, subject);
        int end = at ? (int)(at - row) + (int)strlen(subject) : 0;
        int k = (int)json_integer_value(json_array_get(lookup, i));

        CHECK(tokenizer_encode(t, row, strlen(row), ENCODE_BOS, &tokens, NULL));
        CHECK(k < tokens.count && tokens.start[k] < end && tokens.end[k] >= end);
    }
    tokens_free(&tokens);
}

static void default_model(void)
{
    const char *path = getenv("EDITSCOPE_MODEL");
    struct err err = {0};
    struct weights *weights;
    struct tokenizer *t;
    json_t *cases, *golden, *item;
    size_t i;

    if (!path)
        SKIP("EDITSCOPE_MODEL names no model");
    weights = weights_open(path, &err);
    t = weights ? tokenizer_open(weights, &err) : NULL;
    CHECK_STR(err.text, "");
    if (t) {
        cases = read_json(DATA "model.json");
        compare(t, json_object_get(cases, "texts"), json_object_get(cases, "ids"),
                ENCODE_SPECIALS | ENCODE_BOS, "model");
        compare(t, json_object_get(cases, "texts"), json_object_get(cases, "plain"), 0, "model");
        json_decref(cases);
        golden = read_json("tests/data/goldens/reference.json");
        json_array_foreach(json_object_get(golden, "forward"), i, item)
        {
            json_t *text = json_pack("[O]", json_object_get(item, "prompt"));
            json_t *want = json_pack("[O]", json_object_get(item, "ids"));

            compare(t, text, want, ENCODE_BOS, "golden prompt");
            json_decref(text);
            json_decref(want);
        }
        json_array_foreach(json_object_get(golden, "facts"), i, item) check_golden(t, item);
        json_decref(golden);
        CHECK(tokenizer_vocab(t) == 49152 && tokenizer_bos(t) == 1 && tokenizer_eos(t) == 2);
        CHECK(!tokenizer_adds_bos(t) && tokenizer_is_special(t, 2));
    }
    tokenizer_free(t);
    weights_close(weights);
}

static const struct test tests[] = {
    {"families", families},       {"vocabularies", vocabularies},
    {"unknown_pre", unknown_pre}, {"normalised_offsets", normalised_offsets},
    {"decoding", decoding},       {"not_utf8", not_utf8},
    {"long_runs", long_runs},     {"refusals", refusals},
    {"settings", settings},       {"default_model", default_model},
    {"in_slices", in_slices},
};

TEST_MAIN(tests)
