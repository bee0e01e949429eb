/* Every view as a whole screen in three sizes, from made-up events, against golden files.
 *
 * `make screens` (SCREENS=write) rewrites them; review the difference as text. */
#include "tests/screens/fixture.h"

#include "tui/layout.h"
#include "tui/theme.h"
#include "views/hint.h"
#include "views/keymap.h"
#include "views/screens/edit_layout.h"

static void every_view_is_as_it_was(void)
{
    static const int size[][2] = {{36, 120}, {24, 80}, {60, 200}};
    struct ui_state d;

    make_full_ui_state(&d);
    for (int i = 0; views[i]; i++)
        for (int k = 0; k < 3; k++)
            compare_view(views[i]->name, &d, size[k][0], size[k][1]);
    ui_free(&d);
}

static void a_start_and_a_partial_map_are_as_they_were(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_ui_state(&d);
    v->ops->open(v);
    compare_golden("start", &screen, 24, 80);
    give_model(&d);
    give_prompt_info(&d);
    give_run(&d, 5);
    ui_add_job(&d, 9, (struct ui_job){.kind = CMD_ATTRIBUTE});
    compare_golden("partial", &screen, 24, 80);
    view_close(v);
    ui_free(&d);
}

static void a_question_has_cancel_selected(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct question q = {.title = "Commit this edit?",
                         .text = "Eiffel Tower: Rome\nIt is journalled first.",
                         .yes = "Commit"};
    struct screen screen = {.ui = &d, .view = v, .question = &q};

    make_full_ui_state(&d);
    compare_golden("dialog", &screen, 24, 80);
    view_close(v);
    ui_free(&d);
}

/* What stands under the typed text belongs to it: no tokens of an earlier text, but what is wrong.
 */
static void a_half_typed_fact_says_what_is_missing(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};
    const struct key tab = {.code = K_TAB}, empty = {.code = key_ctrl('u')}, letter = {.code = 'x'};
    char *text;

    make_full_ui_state(&d);
    v->ops->open(v);
    v->ops->action(v, ACTION_EDIT_FACT);
    text = screen_text(&screen, 36, 120, false);
    CHECK(strstr(text, "iffel ·Tower") && strstr(text, "now says"));
    free(text);
    v->ops->key(v, &tab);
    v->ops->key(v, &empty);
    v->ops->key(v, &letter);
    text = screen_text(&screen, 36, 120, false);
    CHECK(!strstr(text, "iffel ·Tower") && !strstr(text, "now says"));
    CHECK(strstr(text, "the prompt 'x' has neither {} nor the"));
    free(text);
    view_close(v);
    ui_free(&d);
}

/* Screen readers follow the hardware cursor: it is in the pane with the focus. */
static void the_cursor_is_in_the_pane_with_the_focus(void)
{
    struct surface *s = surface_new(36, 120);
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};
    int at[7][2];

    make_full_ui_state(&d);
    v->ops->open(v);
    for (int i = 0; i < 7; i++) {
        screen_draw(&screen, s);
        at[i][0] = s->cursor_y;
        at[i][1] = s->cursor_x;
        CHECK(s->cursor_y > 0 && s->cursor_x > 0);
        for (int k = 0; k < i; k++)
            CHECK(at[k][0] != at[i][0] || at[k][1] != at[i][1]);
        v->ops->action(v, ACTION_NEXT_PANE);
    }
    surface_free(s);
    view_close(v);
    ui_free(&d);
}

static void the_log_has_times_and_whole_messages(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("log"), &host);
    struct screen screen = {.ui = &d, .view = v};
    char line[128], *text;

    make_full_ui_state(&d);
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof(line),
                 "message %d is so long that it needs more than the one row of a "
                 "small window, and this is its end",
                 i);
        ui_log(&d, TONE_PLAIN, line);
        d.log[i].when = 60 * i;
    }
    text = screen_text(&screen, 24, 80, false);
    CHECK(strstr(text, ":29:00  message 29 is so long") && strstr(text, "this is its end"));
    CHECK(!strstr(text, "message 0 "));
    free(text);
    v->ops->action(v, ACTION_FIRST);
    text = screen_text(&screen, 24, 80, false);
    CHECK(strstr(text, ":00:00  message 0 ") && strstr(text, "message 7 "));
    free(text);
    view_close(v);
    ui_free(&d);
}

static void every_size_can_be_drawn(void)
{
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    for (int i = 0; views[i]; i++) {
        struct view *v = view_open(views[i], &host);
        struct screen screen = {.ui = &d, .view = v, .message = "said"};

        if (v->ops->open)
            v->ops->open(v);
        for (int h = 1; h < 70; h += h < 26 ? 1 : 9)
            for (int w = 1; w < 240; w += w < 60 ? 7 : 23)
                free(screen_text(&screen, h, w, false));
        view_close(v);
    }
    ui_free(&d);
}

static unsigned take_post(struct host *host, struct command *cmd)
{
    (void)host;
    command_free(cmd);
    return 7;
}

/* Users read keys and commands, never the braces of an action. */
static void read_message(struct host *host, enum tone tone, const char *fmt, ...)
{
    char said[400], name[40];
    va_list ap;

    (void)tone;
    va_start(ap, fmt);
    hint_vprint(host->ui, said, sizeof(said), fmt, ap);
    va_end(ap);
    for (const char *s = said; (s = strchr(s, '{')) != NULL; s++)
        if (sscanf(s, "{%39[a-z-]}", name) == 1 && action_of_name(name)) {
            printf("'%s'\n", said);
            test_failures++;
        }
}

static void every_action_can_be_done_anywhere(void)
{
    struct ui_state full, empty;

    make_full_ui_state(&full);
    make_ui_state(&empty);
    for (int k = 0; k < 2; k++) {
        struct ui_state *d = k ? &full : &empty;
        struct host host = host_of(d);

        host.run = NULL;
        host.post = take_post;
        host.message = read_message;
        for (int i = 0; views[i]; i++) {
            struct view *v = view_open(views[i], &host);
            struct screen screen = {.ui = d, .view = v};

            if (v->ops->open)
                v->ops->open(v);
            for (int a = 1; a < ACTION_COUNT; a++)
                if (v->ops->action && !(v->ops == &view_help && a == ACTION_ENTER))
                    v->ops->action(v, (enum action)a);
            free(screen_text(&screen, 30, 100, false));
            view_close(v);
        }
    }
    ui_free(&full);
    ui_free(&empty);
}

static bool apart(struct rect a, struct rect b)
{
    return rect_empty(a) || rect_empty(b) || a.y + a.h <= b.y || b.y + b.h <= a.y ||
           a.x + a.w <= b.x || b.x + b.w <= a.x;
}

static void panes_are_apart_and_inside_at_every_size(void)
{
    int wrong = 0;

    for (int h = 1; h <= 200; h++)
        for (int w = 1; w <= 500; w += 3) {
            struct rect area = {1, 0, h, w};
            struct edit_layout l = edit_layout(area, 30, 5, h % 2, h % 3 == 0);

            edit_layout_share(&l);
            for (int i = 1; i < PANE_COUNT; i++) {
                struct rect r = l.pane[i];

                wrong +=
                    !rect_empty(r) && (r.y < 1 || r.x < 0 || r.y + r.h > h + 1 || r.x + r.w > w);
                for (int j = 1; j < i; j++)
                    wrong += !apart(r, l.pane[j]);
            }
        }
    CHECK(wrong == 0);
}

static void model_text_cannot_act(void)
{
    struct theme theme;
    struct palette p;
    struct surface *s = surface_new(36, 120);
    struct buf out = {0};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_256, false, false});
    screen_draw(&screen, s);
    surface_ansi(s, &p, &out);
    CHECK(strstr(out.data, "\033[31mMont") == NULL);
    CHECK(strstr(out.data, "\\x1b[31m") != NULL);
    buf_free(&out);
    surface_free(s);
    view_close(v);
    ui_free(&d);
}

static void keys_name_one_action_each(void)
{
    char key[16];

    for (int a = 1; a < ACTION_COUNT; a++) {
        const struct action_info *info = &action_infos[a];

        CHECK(*info->keys && *info->help && *info->name);
        CHECK(action_of_key(key_parse(keymap_key(keymap_current(), NULL, (enum action)a, key))) ==
              (enum action)a);
        CHECK(action_of_name(info->name) == (enum action)a);
    }
}

static const struct test tests[] = {
    {"every view is as it was", every_view_is_as_it_was},
    {"a start and a partial map are as they were", a_start_and_a_partial_map_are_as_they_were},
    {"a half typed fact says what is missing", a_half_typed_fact_says_what_is_missing},
    {"the cursor is in the pane with the focus", the_cursor_is_in_the_pane_with_the_focus},
    {"the log has times and whole messages", the_log_has_times_and_whole_messages},
    {"a question has cancel selected", a_question_has_cancel_selected},
    {"every size can be drawn", every_size_can_be_drawn},
    {"every action can be done anywhere", every_action_can_be_done_anywhere},
    {"panes are apart and inside at every size", panes_are_apart_and_inside_at_every_size},
    {"model text cannot act", model_text_cannot_act},
    {"keys name one action each", keys_name_one_action_each},
};
TEST_MAIN(tests)
