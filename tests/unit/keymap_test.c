/* Keys that a user binds, and what is refused. */
#include "views/keymap.h"

#include <stdlib.h>

#include "core/base/config.h"
#include "core/base/mem.h"
#include "tests/test.h"
#include "tui/key.h"

static void the_table_is_in_force(void)
{
    struct keymap m;
    char keys[KEYMAP_TEXT], key[16];

    keymap_default(&m);
    CHECK(keymap_action(&m, NULL, 'x') == ACTION_ATTRIBUTE);
    CHECK(keymap_action(&m, "history", K_F0 + 5) == ACTION_ATTRIBUTE);
    CHECK(keymap_action(&m, NULL, 0x1234) == ACTION_NONE);
    CHECK_STR(keymap_keys(&m, NULL, ACTION_ATTRIBUTE, keys), "x F5");
    CHECK_STR(keymap_key(&m, "edit", ACTION_ATTRIBUTE, key), "x");
}

static void every_key_of_the_table_is_one(void)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        for (const char *p = action_infos[a].keys; *p;) {
            size_t n = strcspn(p, " ");
            char *key = xasprintf("%.*s", (int)n, p), shown[16];

            CHECK(key_parse(key) >= 0);
            CHECK_STR(key_show(shown, key_parse(key)), key);
            free(key);
            p += n + (p[n] == ' ');
        }
}

/* The sections of a config file that are about keys. */
static bool parse(struct keymap *m, const char *text, struct buf *notes, struct err *err)
{
    static struct keymap_reading r;
    const struct config_section sections[] = {{.name = ""},
                                              {.name = "keys", .take = keymap_line, .ctx = &r},
                                              {.name = "keys.*", .take = keymap_line, .ctx = &r},
                                              {0}};

    r = (struct keymap_reading){*m, notes};
    if (!config_read(text, sections, err))
        return false;
    keymap_apply(m, &r);
    return true;
}

static void a_config_file_binds_and_takes_away(void)
{
    struct keymap m;
    struct buf notes = {0};
    struct err err = {0};
    char keys[KEYMAP_TEXT];

    keymap_default(&m);
    CHECK(parse(&m,
                "ratio.ge.a = 1 # not about keys\n"
                "[keys]\n"
                "C-p = preview  # mine\n"
                "F5 = none\n"
                "hash = exact\n"
                "= = sweep\n"
                "[keys.history]\n"
                "x = undo\n",
                &notes, &err));
    CHECK(keymap_action(&m, NULL, key_ctrl('p')) == ACTION_PREVIEW);
    CHECK(keymap_action(&m, NULL, K_F0 + 5) == ACTION_NONE);
    CHECK(keymap_action(&m, NULL, '#') == ACTION_EXACT);
    CHECK(keymap_action(&m, NULL, '=') == ACTION_SWEEP);
    CHECK(keymap_action(&m, "history", 'x') == ACTION_UNDO);
    CHECK(keymap_action(&m, "edit", 'x') == ACTION_ATTRIBUTE);
    CHECK_STR(keymap_keys(&m, NULL, ACTION_PREVIEW, keys), "C-p P");
    CHECK_STR(keymap_keys(&m, NULL, ACTION_ATTRIBUTE, keys), "x");
    CHECK_STR(keymap_keys(&m, NULL, ACTION_UNDO, keys), "u history:x");
    CHECK_STR(keymap_keys(&m, "history", ACTION_UNDO, keys), "x u");
    CHECK_STR(keymap_keys(&m, "history", ACTION_ATTRIBUTE, keys), "");
    CHECK(!notes.len); /* nothing was bound twice, nothing lost its last key */
    buf_free(&notes);
}

static void what_is_replaced_is_said(void)
{
    struct keymap m;
    struct buf notes = {0};
    struct err err = {0};

    keymap_default(&m);
    CHECK(parse(&m, "[keys]\nC-p = preview\nC-p = commit\nW = none\n", &notes, &err));
    CHECK(keymap_action(&m, NULL, key_ctrl('p')) == ACTION_COMMIT);
    CHECK_STR(notes.data, "config line 3: C-p was bound to preview by line 2; the last one counts\n"
                          "verify has no key now; type :verify instead\n");
    buf_free(&notes);
}

static void refused(const char *text, const char *line, const char *nearest)
{
    struct keymap m, before;
    struct err err = {0};

    keymap_default(&m);
    before = m;
    CHECK(!parse(&m, text, NULL, &err));
    CHECK(err.kind == ERR_USAGE || err.kind == ERR_FORMAT);
    if (!strstr(err.text, line) || !strstr(err.text, nearest)) {
        printf("said: %s\n", err.text);
        test_failures++;
    }
    CHECK(m.count == before.count && keymap_action(&m, NULL, 'z') == ACTION_PER_LAYER);
}

static void what_is_not_known_is_refused_with_the_nearest(void)
{
    refused("[keys]\nz = preview\n\nx = previw\n", "line 4", "preview");
    refused("[keys]\nz = preview\nctrl-x = preview\n", "line 3", "C-x");
    refused("[keys]\nz = preview\npgdwn = preview\n", "line 3", "pgdn");
    refused("[keys.histry]\nz = preview\n", "line 2", "history");
    refused("[keys]\nz = preview\nF13 = preview\n", "line 3", "F13");
    refused("[keys]\nz = preview\nnothing at all\n", "line 3", "NAME = VALUE");
}

static void commands_bind_too(void)
{
    struct keymap m;
    struct buf notes = {0};
    struct err err = {0};

    keymap_default(&m);
    CHECK(keymap_command(&m, "C-p preview", false, NULL, &err));
    CHECK(keymap_command(&m, "  lens   C-p   commit ", false, NULL, &err));
    CHECK(keymap_action(&m, NULL, key_ctrl('p')) == ACTION_PREVIEW);
    CHECK(keymap_action(&m, "lens", key_ctrl('p')) == ACTION_COMMIT);
    CHECK(keymap_command(&m, "lens C-p", true, NULL, &err));
    CHECK(keymap_action(&m, "lens", key_ctrl('p')) == ACTION_NONE);
    CHECK(keymap_command(&m, "e", true, &notes, &err));
    CHECK(notes.data && strstr(notes.data, "fact has no key now"));
    CHECK(!keymap_command(&m, "C-p", false, NULL, &err) && err.kind == ERR_USAGE);
    err = (struct err){0};
    CHECK(!keymap_command(&m, "", true, NULL, &err));
    CHECK_STR(err.text, "write :unbind [VIEW] KEY, such as :unbind C-p");
    buf_free(&notes);
}

static const struct test tests[] = {
    {"the table is in force", the_table_is_in_force},
    {"every key of the table is one", every_key_of_the_table_is_one},
    {"a config file binds and takes away", a_config_file_binds_and_takes_away},
    {"what is replaced is said", what_is_replaced_is_said},
    {"what is not known is refused with the nearest",
     what_is_not_known_is_refused_with_the_nearest},
    {"commands bind too", commands_bind_too},
};
TEST_MAIN(tests)
