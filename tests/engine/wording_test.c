/* Prompts and answers as tokens: the chat form, special tokens, and the blank between the two,
 * against ids of transformers 5.24 (apply_chat_template, tokenizers 0.23). In the small model of
 * tests/data/field/chat the ids of bytes are the bytes. */
#include "core/edit/request.h"

#include <stdlib.h>

#include "tests/engine/golden.h"

static struct device *dev;
static struct model *small;

static struct request request_of(const struct model *m, const char *subject, const char *prompt,
                                 const char *target, const struct params *p)
{
    struct fact fact = {
        .subject = (char *)subject, .prompt = (char *)prompt, .target = (char *)target};
    struct prefixes none = {0};
    struct err err = {0};
    struct request r;

    CHECK(request_build(&r, &fact, &none, m, p, &err));
    CHECK_STR(err.text, "");
    return r;
}

static void same_ids(const int *id, int count, const int *want, int wants)
{
    CHECK(count == wants);
    for (int i = 0; i < count && i < wants; i++)
        CHECK(id[i] == want[i]);
}

static void chat_small(void)
{
    static const char turn[] =
        "system\nYou are small.\001\n\002user\nThe Eiffel Tower is in the city "
        "of\001\n\002assistant\n";
    int want[256], n = 0, target[] = {'R', 'o', 'm', 'e'};
    struct params p;
    struct request r;

    params_default(&p);
    CHECK(params_set(&p, "prompt.form", "chat", FROM_CONFIG, NULL));
    want[n++] = 256;
    for (const char *c = turn; *c; c++)
        want[n++] = *c == 1 ? 257 : *c == 2 ? 256 : *c;
    r = request_of(small, "Eiffel Tower", "The {} is in the city of", "Rome", &p);
    same_ids(r.row[0].id, r.row[0].count, want, n);
    CHECK(r.row[0].first == 34 && r.row[0].last == 45 && r.row[0].lookup == 45);
    same_ids(r.target, r.targets, target, 4);
    CHECK_STR(r.kl_row.text, "Eiffel Tower is a");
    request_free(&r);
    CHECK(params_set(&p, "edit.lookup", "prefix", FROM_CONFIG, NULL));
    r = request_of(small, "Eiffel Tower", "The {} is in the city of", "Rome", &p);
    CHECK(r.row[0].lookup == 45);
    request_free(&r);
}

/* What the default model's template makes of the same prompt. */
static void chat_default(void)
{
    static const int want[] = {1,    9690, 198,   2683, 359,  253, 5356,  5646,  11173, 3365,
                               3511, 308,  34519, 28,   7018, 411, 407,   19712, 8182,  2,
                               198,  1,    4093,  198,  504,  414, 46682, 18669, 314,   281,
                               260,  2240, 282,   2,    198,  1,   520,   9531,  198},
                     target[] = {46292}, plain[] = {7268};
    struct device *device;
    struct model *m = golden_model(&device);
    struct params p;
    struct request r;

    if (!m) { /* golden_model() has said so */
        device_close(device);
        return;
    }
    params_default(&p);
    r = request_of(m, "Eiffel Tower", "The {} is in the city of", "Rome", &p);
    same_ids(r.target, r.targets, plain, 1);
    request_free(&r);
    CHECK(params_set(&p, "prompt.form", "chat", FROM_CONFIG, NULL));
    r = request_of(m, "Eiffel Tower", "The {} is in the city of", "Rome", &p);
    same_ids(r.row[0].id, r.row[0].count, want, (int)(sizeof(want) / sizeof(*want)));
    same_ids(r.target, r.targets, target, 1);
    CHECK(r.row[0].first == 25 && r.row[0].last == 27 && r.row[0].lookup == 27);
    request_free(&r);
    model_close(m);
    device_close(device);
}

/* What stands between prompt and answer, in every wording. */
static void joins(void)
{
    static const struct {
        const char *blank, *prompt, *answer, *join;
    } cases[] = {
        {"auto", "The Eiffel Tower is in", "Rome", " "},
        {"auto", "東京タワーは", "大阪", ""},
        {"auto", "東京タワーは", "Osaka", " "},
        {"auto", "The tower is called", "東京タワー", " "},
        {"auto", "首都は「", "大阪", ""},
        {"auto", "首都：", "大阪", ""},
        {"auto", "カレーは", "インド", ""},
        {"auto", "หอไอเฟลอยู่ที่", "โรม", ""},
        {"auto", "ຫໍຄອຍຢູ່", "ໂຣມ", ""},
        {"auto", "ប៉មអែហ្វែលនៅ", "រ៉ូម", ""},
        {"auto", "မျှော်စင်သည်", "ရောမ", ""},
        {"auto", "에펠탑은", "로마", " "},
        {"auto", "Эйфелева башня в", "Рим", " "},
        {"auto", "برج إيفل في", "روما", " "},
        {"auto", "v3.", "12", " "},
        {"auto", "\"", "x", " "},
        {"no", "v3.", "12", ""},
        {"no", "The Eiffel Tower is in", "Rome", ""},
        {"yes", "東京タワーは", "大阪", " "},
    };
    struct params p;

    params_default(&p);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct wording w;

        CHECK(params_set(&p, "target.blank", cases[i].blank, FROM_CONFIG, NULL));
        w = wording_of(&p);
        CHECK_STR(wording_join(&w, cases[i].prompt, cases[i].answer), cases[i].join);
    }
}

/* An edit of version 0.1.0 has no wording, and keeps its blank. */
static void unsaid(void)
{
    static const struct wording none = {0};

    CHECK_STR(wording_join(&none, "東京タワーは", "大阪"), " ");
    CHECK_STR(wording_join(&none, "v3.", "12"), " ");
}

/* A blank at the prompt's end is the answer's. */
static void trailing_blank(void)
{
    static const int want[] = {258, 'A', ' ', 'i', 's'}, legacy[] = {258, 'A', ' ', 'i', 's', ' '};
    static const struct wording none = {0}, plain = {JOIN_AUTO, ASK_PLAIN, MARKUP_TEXT};
    struct prompt_tokens a;

    CHECK(prompt_tokens_of(&a, &plain, small, "A is  ", NULL));
    same_ids(a.tokens.ids, a.tokens.count, want, 5);
    prompt_tokens_free(&a);
    CHECK(prompt_tokens_of(&a, &none, small, "A is ", NULL));
    same_ids(a.tokens.ids, a.tokens.count, legacy, 6);
    prompt_tokens_free(&a);
}

static void specials(void)
{
    static const int tokens[] = {258, 'a', 257, 'b'}, begun[] = {258, 'h', 'i'};
    static const struct wording text = {JOIN_AUTO, ASK_PLAIN, MARKUP_TEXT},
                                token = {JOIN_AUTO, ASK_PLAIN, MARKUP_TOKENS};
    struct prompt_tokens a;
    char line[NOTICE];

    CHECK(prompt_tokens_of(&a, &token, small, "a<|im_end|>b", NULL));
    same_ids(a.tokens.ids, a.tokens.count, tokens, 4);
    prompt_tokens_free(&a);
    CHECK(prompt_tokens_of(&a, &text, small, "a<|im_end|>b", NULL));
    CHECK(a.tokens.count == 13);
    prompt_tokens_free(&a);
    /* transformers puts a second one; llama.cpp warns of it */
    CHECK(prompt_tokens_of(&a, &token, small, "<|begin_of_text|>hi", NULL));
    same_ids(a.tokens.ids, a.tokens.count, begun, 3);
    prompt_tokens_free(&a);
    special_tokens_notice(&token, small->tokenizer, "<|begin_of_text|>hi", line);
    CHECK_STR(line, "the text begins with <|begin_of_text|>: no second one is put before it");
    special_tokens_notice(&token, small->tokenizer, "a<|im_end|>b", line);
    CHECK_STR(line, "");
    special_tokens_notice(&text, small->tokenizer, "<|im_start|> <|im_start|> <|im_end|>", line);
    CHECK(!strncmp(line, "<|im_start|>, <|im_end|> in the text: taken as plain characters", 63));
    special_tokens_notice(&text, small->tokenizer, "nothing special <|im|>", line);
    CHECK_STR(line, "");
}

/* The journal's words and the keys of JSON say the same again, whatever they say. */
static void kept(void)
{
    for (int i = 0; i < 4 * 3 * 3; i++) {
        struct wording w = {(enum join)(i % 4), (enum ask_form)(i / 4 % 3), (enum markup)(i / 12)},
                       got = {0}, read = {0};
        json_t *o = json_object();
        char text[48];

        wording_write(&w, text);
        CHECK(wording_read(&got, text));
        wording_to_json(&w, o);
        CHECK(wording_from_json(&read, o, NULL));
        CHECK(got.join == w.join && got.form == w.form && got.markup == w.markup);
        CHECK(read.join == w.join && read.form == w.form && read.markup == w.markup);
        json_decref(o);
    }
}

static void wrong_keys(void)
{
    static const char *const wrong[] = {"{\"join\": \"  \"}", "{\"join\": 1}",
                                        "{\"form\": \"Chat\"}", "{\"special\": true}"};
    struct wording w;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        json_t *o = json_loads(wrong[i], 0, NULL);
        struct err err = {0};

        CHECK(!wording_from_json(&w, o, &err));
        CHECK(err.kind == ERR_USAGE && strstr(err.text, "is not one of"));
        json_decref(o);
    }
    CHECK(!wording_read(&w, "auto plain"));
    CHECK(!wording_read(&w, "auto loud text"));
}

static const struct test tests[] = {
    {"chat_small", chat_small},
    {"chat_default", chat_default},
    {"joins", joins},
    {"unsaid", unsaid},
    {"trailing_blank", trailing_blank},
    {"specials", specials},
    {"kept", kept},
    {"wrong_keys", wrong_keys},
};

int main(void)
{
    struct err err = {0};
    int status = 1;

    dev = device_open(&device_cpu, 0, 2, &err);
    small = dev ? model_open("tests/data/field/chat", dev, 0, NULL, &err) : NULL;
    if (small)
        status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    else
        printf("%s\n", err.text);
    model_close(small);
    device_close(dev);
    return status;
}
