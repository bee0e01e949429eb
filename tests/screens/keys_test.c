/* Keys, commands and clicks: help finds what is typed, the line completes, clicks hit what is
 * drawn. */
#include "tests/screens/fixture.h"

#include "views/commands.h"
#include "views/hint.h"
#include "views/keymap.h"
#include "views/requests.h"
#include "views/verdict_card.h"

static enum action ran;

static bool record_action(struct host *host, enum action action)
{
    (void)host;
    ran = action;
    return true;
}

static void type(struct view *v, const char *text)
{
    for (; *text; text++)
        CHECK(v->ops->key(v, &(struct key){.code = *text}));
}

static void help_finds_as_it_is_typed_and_runs(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(&view_help, &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    host.run = record_action;
    v->ops->open(v);
    type(v, "x");
    v->ops->action(v, ACTION_ENTER); /* a key finds what it does */
    CHECK(ran == ACTION_ATTRIBUTE);
    v->ops->open(v);
    type(v, "ratio alp");
    compare_golden("help-filter", &screen, 24, 80);
    v->ops->action(v, ACTION_ENTER);
    CHECK_STR(last_prompt, ":set ratio.ge.a=");
    v->ops->open(v);
    type(v, "bisect");
    v->ops->action(v, ACTION_ENTER);
    CHECK_STR(last_prompt, ":bisect ");
    ran = ACTION_NONE;
    CHECK(v->ops->action(v, ACTION_BACK) || ran == ACTION_NONE);
    CHECK(!v->ops->action(v, ACTION_BACK)); /* the second Esc is the program's */
    view_close(v);
    ui_free(&d);
}

/* A read-only session refuses the key exactly if it refuses the command behind it. Saving writes
 * another file, so a session that is open read-only can be saved. */
static void read_only_refuses_keys_as_it_refuses_commands(void)
{
    static const struct {
        enum action action;
        enum command_kind command;
    } of[] = {{ACTION_SAVE, CMD_SAVE}, {ACTION_COMMIT, CMD_COMMIT}, {ACTION_UNDO, CMD_UNDO},
              {ACTION_REDO, CMD_REDO}, {ACTION_NOTE, CMD_NOTE},     {ACTION_PREVIEW, CMD_PREVIEW}};

    for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++)
        CHECK(action_infos[of[i].action].writes ==
              ((command_traits[of[i].command].flags & WRITES) != 0));
    CHECK(!action_infos[ACTION_SAVE].writes);
    CHECK(command_find("save") && !command_find("write")); /* one name for one thing */
    CHECK_STR(action_infos[ACTION_SAVE].help, command_find("save")->help);
}

static void help_shows_what_is_bound(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(&view_help, &host);
    struct screen screen = {.ui = &d, .view = v};
    char *text;

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(keymap_bind(keymap_current(), NULL, "C-p", "preview", 0, NULL, NULL));
    text = screen_text(&screen, 24, 80, false);
    CHECK(strstr(text, "C-p P ") != NULL);
    free(text);
    keymap_default(keymap_current());
    view_close(v);
    ui_free(&d);
}

static void offers(const char *typed, const char *first, int least)
{
    struct completions c = {0};

    completions_find(&c, typed);
    if (c.count < least || (first && (!c.count || strcmp(c.line[0], first)))) {
        printf("':%s' offers %d, first '%s'\n", typed, c.count, c.count ? c.line[0] : "");
        test_failures++;
    }
    completions_free(&c);
}

static void what_can_follow_is_offered(void)
{
    offers("", NULL, ACTION_COUNT);
    offers("the", "theme ", 1);
    offers("theme l", "theme light", 1);
    offers("open his", "open history", 1);
    offers("set ratio.ge.a", "set ratio.ge.a=", 1);
    offers("set mask.mode=un", "set mask.mode=union", 1);
    offers("dump tests/screens/fixture", "dump tests/screens/fixture.h", 1);
    offers("bind x pre", "bind x preview", 1);
    offers("state pre", "state preview", 1);
    offers("export query.", "export query.svg", 8);
    offers("export query.h", "export query.html", 1);
    offers("export query.svg", "export query.html", 8); /* Tab goes to the next ending */
    offers("export query.html", "export query.csv", 8);
    offers("export query.m", "export query.md", 1);
    offers("export! a/b.te", "export! a/b.tex", 1);
    offers("export ", "export safetensors ", 5); /* what of the edits, before files */
    offers("export lo", "export lora ", 1);
    offers("export! gguf tests/screens/fixture", "export! gguf tests/screens/fixture.h", 1);
    offers("note ", NULL, 0);
    offers("there is no such", NULL, 0);
}

static void the_line_shows_them(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(&view_edit, &host);
    struct completions c = {0};
    struct field line = {0};
    struct screen screen = {.ui = &d,
                            .view = v,
                            .line = &line,
                            .line_sign = ":set mask.mode=",
                            .completions = &c,
                            .offered = -1};

    make_full_ui_state(&d);
    completions_find(&c, screen.line_sign + 1);
    compare_golden("line", &screen, 24, 80);
    completions_free(&c);
    field_free(&line);
    view_close(v);
    ui_free(&d);
}

static void every_command_has_a_taker(void)
{
    for (const struct command_info *c = command_infos; c->name; c++) {
        CHECK(!*c->view || view_named(c->view));
        const struct view_ops *ops = *c->view ? view_find(c->view) : NULL;

        CHECK(*c->help && (*c->argument || c->kind == ARG_NONE));
        if (*c->view && ops && !ops->command && ops != &view_history) {
            printf(":%s: view %s takes no commands\n", c->name, c->view);
            test_failures++;
        }
    }
}

static void clicks_find_tabs_footer_and_buttons(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(&view_edit, &host);
    struct question q = {.title = "Commit?", .text = "Rome", .yes = "Commit"};
    struct screen screen = {.ui = &d, .view = v, .question = &q};
    int yes = 0, no = 0;

    make_full_ui_state(&d);
    CHECK(screen_click(&screen, 24, 80, 22, 1).key == 'y'); /* the dialog's keys */
    screen.question = NULL;
    CHECK(screen_click(&screen, 24, 80, 23, 1).action == ACTION_VIEW_EDIT);
    CHECK(screen_click(&screen, 24, 80, 23, 10).action == ACTION_VIEW_HEATMAP);
    CHECK(screen_click(&screen, 24, 80, 22, 1).action == ACTION_ATTRIBUTE);
    CHECK(screen_click(&screen, 24, 80, 5, 5).action == ACTION_NONE);
    screen.question = &q;
    for (int y = 0; y < 24; y++)
        for (int x = 0; x < 80; x++) {
            yes += screen_button(&screen, 24, 80, y, x) == 1;
            no += screen_button(&screen, 24, 80, y, x) == 0;
        }
    CHECK(yes == 4 + 6 + 1 && no == 11); /* " y  Commit ", " n  Cancel " */
    view_close(v);
    ui_free(&d);
}

/* views/actions.h says where an action works that only views handle. A view that handles another
 * one must be added to its row. */
static void an_action_works_where_its_row_says(void)
{
    struct ui_state d;
    struct host host = host_of(&d);

    make_full_ui_state(&d);
    host.run = record_action;
    for (int a = 1; a < ACTION_COUNT; a++) {
        const char *where = action_infos[a].where;

        for (int i = 0; where && *where && views[i]; i++) {
            struct view *v = view_open(views[i], &host);
            const char *named = strstr(where, views[i]->name);
            bool works;

            if (v->ops->open)
                v->ops->open(v);
            works = v->ops->action && v->ops->action(v, (enum action)a);
            if (works != (named != NULL)) {
                printf("%s %s in %s\n", action_infos[a].name, works ? "works" : "does not work",
                       views[i]->name);
                test_failures++;
            }
            view_close(v);
        }
    }
    ui_free(&d);
}

/* A key in a text is the one of the keymap in force. */
static void texts_name_the_keys_that_are_bound(void)
{
    struct ui_state d;
    char text[HINT_MAX];

    make_full_ui_state(&d);
    d.at_view = "edit";
    CHECK_STR(hint_text(&d, text, "{attribute} scores, {enter} asks, {} and {no-action} stay"),
              "x scores, Enter asks, {} and {no-action} stay");
    CHECK(keymap_bind(keymap_current(), NULL, "%", "attribute", 0, NULL, NULL));
    hint_print(&d, text, sizeof(text), "{attribute} scores %d", 5);
    CHECK_STR(text, "% scores 5");
    CHECK(keymap_bind(keymap_current(), "edit", "F8", "attribute", 0, NULL, NULL));
    CHECK_STR(hint_text(&d, text, "{attribute}"), "F8");
    for (int i = 0; i < 3; i++)
        CHECK(keymap_bind(keymap_current(), i ? NULL : "edit", i ? i == 1 ? "x" : "%" : "F8",
                          "none", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "F5", "none", 0, NULL, NULL));
    CHECK_STR(hint_text(&d, text, "{attribute} scores"), ":attribute scores");
    d.without_keys = true;
    CHECK_STR(hint_text(&d, text, "{preview} previews"), "preview previews");
    keymap_default(keymap_current());
    ui_free(&d);
}

/* The screen names no key that would be refused. */
static void what_is_refused_is_not_offered(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(&view_edit, &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int how = 0; how < 3; how++) { /* a session, one that is read, a recording */
        char *text;

        d.state.readonly = how == 1;
        screen.view_only = how == 2;
        text = screen_text(&screen, 36, 120, false);
        CHECK((strstr(text, " C commit ") != NULL) == (how == 0));
        CHECK((strstr(text, "nothing written yet, C commits") != NULL) == (how == 0));
        CHECK((strstr(text, " u undo ") != NULL) == (how == 0));
        CHECK((strstr(text, " x attribute ") != NULL) == (how < 2));
        CHECK((strstr(text, " P preview ") != NULL) == (how < 2));
        free(text);
    }
    view_close(v);
    ui_free(&d);
}

/* Discarding names itself while there is a preview, stopping while there is a job. */
static void a_key_without_an_object_is_not_offered(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *verdict = view_open(&view_verdict, &host),
                *compare = view_open(&view_compare, &host);
    struct screen of_verdict = {.ui = &d, .view = verdict},
                  of_compare = {.ui = &d, .view = compare};

    make_full_ui_state(&d);
    for (int there = 0; there < 2; there++) {
        char *text;

        d.state.preview = there;
        d.job[0] = (struct ui_job){0};
        if (there)
            d.job[0] = (struct ui_job){.job = 7, .kind = CMD_VARIANTS, .rank = RANK_BATCH};
        text = screen_text(&of_verdict, 36, 120, false);
        CHECK((strstr(text, " D forget ") != NULL) == there);
        free(text);
        text = screen_text(&of_compare, 36, 120, false);
        CHECK((strstr(text, " C-c cancel ") != NULL) == there);
        free(text);
    }
    view_close(verdict);
    view_close(compare);
    ui_free(&d);
}

/* A file that is shown without its model: what is not in it comes by no key, and no view names one
 * that would ask the engine. */
static void a_view_without_its_model_names_no_key_of_the_engine(void)
{
    static const char *const untrue[] = {
        "x scores", "x runs",        "x traces",     "P preview",   "C commit",    "B ask",
        "e edit",   "Enter asks",    "enter ask",    "i type",      "u undo",      "C-r ",
        "A note",   "Enter queries", "Enter comput", "measures it", "compares it", "e fact",
        "types it", "D remove",      "D forget"};

    for (int full = 0; full < 2; full++)
        for (int i = 0; views[i]; i++) {
            struct ui_state d;
            struct host host = host_of(&d);
            struct view *v = view_open(views[i], &host);
            struct screen screen = {.ui = &d, .view = v, .view_only = true};
            char *text;

            if (full)
                make_full_ui_state(&d);
            else
                make_ui_state(&d);
            give_model(&d);
            give_history(&d);
            d.viewed = "paris.es";
            d.state.readonly = true;
            text = screen_text(&screen, 36, 120, false);
            for (size_t k = 0; k < sizeof(untrue) / sizeof(*untrue); k++)
                if (strstr(text, untrue[k]) && strcmp(views[i]->name, "help") != 0) {
                    printf("%s: %s\n", views[i]->name, untrue[k]);
                    CHECK(false);
                }
            CHECK(full || strcmp(views[i]->name, "verdict") != 0 || strstr(text, HINT_NOT_THERE));
            free(text);
            view_close(v);
            ui_free(&d);
        }
}

/* The verdict and the question before a commit name the keys that are bound now. */
static void the_verdict_names_the_keys_that_are_bound(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    bool found = false;
    struct card c;

    make_ui_state(&d);
    give_model(&d);
    give_prompt_info(&d);
    give_run(&d, LAYERS);
    CHECK(keymap_bind(keymap_current(), NULL, "F8", "probe", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "B", "none", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "F9", "preview", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "P", "none", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "C-u", "undo", 0, NULL, NULL));
    CHECK(keymap_bind(keymap_current(), NULL, "u", "none", 0, NULL, NULL));
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "F9 makes one") &&
          strstr(last_question.text, "C-u takes it back"));
    *d.state.session = '\0';
    CHECK(keymap_bind(keymap_current(), NULL, "w", "none", 0, NULL, NULL));
    confirm_commit(&host);
    CHECK(strstr(last_question.text, ":save names one") != NULL);
    give_preview(&d);
    c = card_of(&d, SIDE_BOTH);
    for (int i = 0; i < c.rows; i++)
        found |= strstr(c.row[i].text, "F8 asks") != NULL;
    CHECK(found);
    card_free(&c);
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "Preview: p(target) ") &&
          strstr(last_question.text, "hold, says"));
    d.verdict.report->facts = 0; /* a recording of 0.1.0 */
    confirm_commit(&host);
    CHECK(strstr(last_question.text, "Preview: p(first) ") &&
          !strstr(last_question.text, "hold, says"));
    keymap_default(keymap_current());
    ui_free(&d);
}

/* Terminals keep function keys for themselves: each has another key beside it. */
static void function_keys_have_another_beside_them(void)
{
    int seen = 0;

    for (int a = 1; a < ACTION_COUNT; a++) {
        int function = 0, other = 0;

        for (const char *k = action_infos[a].keys; *k; k += strspn(k, " ")) {
            size_t n = strcspn(k, " ");

            *(k[0] == 'F' && n > 1 ? &function : &other) += 1;
            k += n;
        }
        seen += function;
        CHECK(!function || other);
    }
    CHECK(seen >= 6);
}

static const struct test tests[] = {
    {"a view without its model names no key of the engine",
     a_view_without_its_model_names_no_key_of_the_engine},
    {"what is refused is not offered", what_is_refused_is_not_offered},
    {"a key without an object is not offered", a_key_without_an_object_is_not_offered},
    {"function keys have another beside them", function_keys_have_another_beside_them},
    {"an action works where its row says", an_action_works_where_its_row_says},
    {"the verdict names the keys that are bound", the_verdict_names_the_keys_that_are_bound},
    {"texts name the keys that are bound", texts_name_the_keys_that_are_bound},
    {"help finds as it is typed and runs", help_finds_as_it_is_typed_and_runs},
    {"help shows what is bound", help_shows_what_is_bound},
    {"read-only refuses keys as it refuses commands",
     read_only_refuses_keys_as_it_refuses_commands},
    {"what can follow is offered", what_can_follow_is_offered},
    {"the line shows them", the_line_shows_them},
    {"every command has a taker", every_command_has_a_taker},
    {"clicks find tabs, footer and buttons", clicks_find_tabs_footer_and_buttons},
};
TEST_MAIN(tests)
