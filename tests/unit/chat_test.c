/* Chat forms: a recognised template gives, to the byte, what rendering it gives
 * (tests/reference/chat.py); any other is refused by name. */
#include "core/model/chat.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/test.h"

#define DATA "tests/data/chat/"

static void as_rendered(void)
{
    json_t *all = json_load_file(DATA "expected.json", 0, NULL), *one;
    size_t i;

    CHECK(json_array_size(all) == 44);
    json_array_foreach(all, i, one)
    {
        const char *name = json_string_value(json_object_get(one, "template"));
        const char *system = json_string_value(json_object_get(one, "system"));
        const char *user = json_string_value(json_object_get(one, "user"));
        const char *want = json_string_value(json_object_get(one, "prompt"));
        char *path = xasprintf(DATA "%s.jinja", name);
        size_t len = 0;
        char *text = file_read(path, 1 << 20, &len, NULL);
        struct buf got = {0};
        struct err err = {0};
        struct chat c = {0};
        bool ok = text && chat_parse(&c, text, len, &err) &&
                  chat_render(&c, "<BOS>", "</s>", system, user, &got, &err);

        if (want) {
            CHECK_STR(err.text, "");
            CHECK(ok);
            CHECK_STR(got.data ? got.data : "", want);
        } else { /* the template raises an exception here */
            CHECK(!ok && err.kind == ERR_USAGE && strstr(err.text, "no system message"));
        }
        chat_free(&c);
        buf_free(&got);
        free(text);
        free(path);
    }
    json_decref(all);
}

static void others_are_refused(void)
{
    static const char *const text[] = {
        "",
        "{% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}",
        "{{ bos_token }}[INST] <<SYS>>{{ system }}<</SYS>> {{ m.content }} [/INST]",
        "{{ '<|im_start|>system\\nToday: ' + strftime_now('%d') + '<|im_end|>' }}",
    };
    static const char *const says[] = {"(empty)", "Phi's", "of the Llama 2 family", "today's date"};

    for (size_t i = 0; i < sizeof(text) / sizeof(*text); i++) {
        struct chat c;
        struct err err = {0};

        CHECK(!chat_parse(&c, text[i], strlen(text[i]), &err));
        CHECK(err.kind == ERR_MODEL && !c.family);
        if (!strstr(err.text, says[i]))
            CHECK_STR(err.text, says[i]);
        chat_free(&c);
    }
}

/* A template cut at any byte is recognised or refused; nothing crashes. */
static void cut_template(int at)
{
    static const char *const name[] = {"qwen2.5", "llama2", "zephyr", "mistral2"};
    size_t len = 0;
    char *path = xasprintf(DATA "%s.jinja", name[at]);
    char *text = file_read(path, 1 << 20, &len, NULL);

    for (size_t n = 0; text && n <= len; n++) {
        char *cut = xmalloc(n + 1);
        struct chat c;
        struct buf out = {0};

        memcpy(cut, text, n);
        if (chat_parse(&c, cut, n, NULL))
            CHECK(chat_render(&c, "", "", NULL, "?", &out, NULL));
        chat_free(&c);
        buf_free(&out);
        free(cut);
    }
    free(text);
    free(path);
}

static void cut_templates(void)
{
    for (int i = 0; i < 4; i++)
        cut_template(i);
}

static const struct test tests[] = {
    {"prompts are what rendering the template gives", as_rendered},
    {"other templates are refused by name", others_are_refused},
    {"a template cut anywhere", cut_templates},
};

TEST_MAIN(tests)
