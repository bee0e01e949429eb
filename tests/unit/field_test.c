/* The input line: keys of a shell, pastes, marks, several lines. */
#include "tui/field.h"

#include "tests/test.h"

static void type(struct field *f, const char *keys) /* "<C-u>" and the like between brackets */
{
    while (*keys) {
        char name[16] = {*keys, '\0'};
        size_t n = 1;

        if (*keys == '<') {
            n = strcspn(keys, ">") + 1;
            snprintf(name, sizeof(name), "%.*s", (int)n - 2, keys + 1);
        }
        field_key(f, &(struct key){.code = key_parse(name)});
        keys += n;
    }
}

static void check(const char *keys, const char *want)
{
    struct field f = {0};

    type(&f, keys);
    CHECK_STR(field_text(&f), want);
    field_free(&f);
}

static void the_keys_of_a_shell_work(void)
{
    check("Rome", "Rome");
    check("Rme<left><left>o", "Rome");
    check("xyz<C-u>Rome", "Rome");
    check("in the city<C-w>town", "in the town");
    check("in the  <C-w>x", "in x");
    check("abc<home><del>", "bc");
    check("abc<C-a>x<C-e>y", "xabcy");
    check("abc<left><C-k>", "ab");
    check("<bs><del><C-w><C-u>", "");
}

static void a_paste_is_text_and_nothing_else(void)
{
    struct field f = {0};

    field_key(&f, &(struct key){.code = K_PASTE, .paste = "a\nb\033[31m\xff\tc"});
    CHECK_STR(field_text(&f), "a b[31m c");
    field_free(&f);
}

static void letters_with_marks_go_as_one(void)
{
    struct field f = {0};

    field_set(&f, "cafe\xcc\x81 日本");
    type(&f, "<bs><left><left><bs>");
    CHECK_STR(field_text(&f), "caf 日");
    field_free(&f);
}

static void other_keys_are_left_alone(void)
{
    struct field f = {0};

    CHECK(!field_key(&f, &(struct key){.code = K_ENTER}));
    CHECK(!field_key(&f, &(struct key){.code = K_ESCAPE}));
    CHECK(!field_key(&f, &(struct key){.code = K_TAB}));
    CHECK(!field_key(&f, &(struct key){.code = K_F0 + 5}));
    field_free(&f);
}

static void the_cursor_shows_in_a_narrow_line(void)
{
    struct surface *s = surface_new(1, 6);
    struct field f = {0};
    struct buf b = {0};

    field_set(&f, "abcdefghij");
    field_draw(&f, s, surface_rect(s), 0, 0, 6, true);
    surface_dump(s, &b);
    CHECK_STR(b.data, "fghij\n");
    CHECK(s->cursor_y == 0 && s->cursor_x == 5);
    buf_free(&b);
    field_free(&f);
    surface_free(s);
}

static void several_lines_are_kept_wrapped_and_walked(void)
{
    struct field f = {.lines = true};
    struct surface *s = surface_new(4, 6);
    struct key paste = {.code = K_PASTE, .paste = "a b\ncd"}, up = {.code = K_UP};
    struct key down = {.code = K_DOWN}, line = {.code = '\n'}, x = {.code = 'x'};
    struct buf out = {0};

    CHECK(field_key(&f, &paste));
    CHECK_STR(field_text(&f), "a b\ncd");
    CHECK(field_rows(&f, 6) == 2);
    CHECK(field_rows(&f, 2) == 3); /* "a ", "b", "cd" */
    CHECK(field_key(&f, &up));
    CHECK(f.at == 2);
    CHECK(!field_key(&f, &up)); /* the first line: the caller's */
    CHECK(field_key(&f, &x));
    CHECK(field_key(&f, &down));
    CHECK(!field_key(&f, &down));
    CHECK(field_key(&f, &line));
    CHECK_STR(field_text(&f), "a xb\ncd\n");
    field_draw_rows(&f, s, surface_rect(s), true);
    surface_dump(s, &out);
    CHECK_STR(out.data, "a xb\ncd\n\n\n");
    CHECK(s->cursor_y == 2 && s->cursor_x == 0);
    buf_free(&out);
    surface_free(s);
    field_free(&f);
}

static const struct test tests[] = {
    {"several lines are kept, wrapped and walked", several_lines_are_kept_wrapped_and_walked},
    {"the keys of a shell work", the_keys_of_a_shell_work},
    {"a paste is text and nothing else", a_paste_is_text_and_nothing_else},
    {"letters with marks go as one", letters_with_marks_go_as_one},
    {"other keys are left alone", other_keys_are_left_alone},
    {"the cursor shows in a narrow line", the_cursor_shows_in_a_narrow_line},
};
TEST_MAIN(tests)
