/* The web page of an edit: well-formed, hostile text escaped, and opened again by `view`. */
#include "core/edit/relations.h"
#include "tests/screens/fixture.h"

#include <poll.h>
#include <unistd.h>

#include "core/record/player.h"
#include "tests/folder.h"
#include "views/shell/page.h"
#include "views/verdict_card.h"

static const char hostile[] = "Eiffel </script><b>\"&' \x1b[31m";

/* The page of a full state whose subject is hostile. Caller frees. */
static char *make_page(struct ui_state *d)
{
    struct theme theme;
    struct buf out = {0};
    struct err err = {0};

    make_full_ui_state(d);
    take_fact(d, hostile, "Rome");
    give_run(d, LAYERS);
    give_preview(d);
    give(d, EV_PROBES, probe_report_of("Eiffel Tower"));
    give_overwritten(d);
    CHECK(theme_load(&theme, "light", NULL, &err));
    page_write(d, &theme, &out);
    return buf_take(&out);
}

/* Every tag is closed in the order in which tags were opened. */
static bool tags_are_balanced(const char *page)
{
    char open[64][32];
    int depth = 0;

    for (const char *p = strchr(page, '<'); p; p = strchr(p + 1, '<')) {
        const char *end = strchr(p, '>');
        size_t n = strcspn(p + 1, " />\n");

        if (!end || n >= 32 || depth == 64)
            return false;
        if (p[1] == '!' || p[1] == '?' || end[-1] == '/')
            continue;
        if (p[1] == '/') {
            n = strcspn(p + 2, ">");
            if (!depth || strlen(open[--depth]) != n || strncmp(open[depth], p + 2, n) != 0)
                return false;
        } else {
            snprintf(open[depth++], 32, "%.*s", (int)n, p + 1);
        }
    }
    return depth == 0;
}

static void the_page_is_well_formed_and_escaped(void)
{
    struct ui_state d;
    char *page = make_page(&d);

    CHECK(tags_are_balanced(page));
    CHECK(!strstr(page, "<b>") && !strchr(page, '\x1b'));
    CHECK(strstr(page, "&lt;/script&gt;&lt;b&gt;&quot;&amp;") != NULL);
    CHECK(strstr(page, "</script>") && !strstr(strstr(page, "</script>") + 1, "</script>"));
    CHECK(!strstr(page, "src=") && !strstr(page, "<link"));
    CHECK(strstr(page, "would hold") && strstr(page, "Mount Fuji") && strstr(page, "--subject"));
    free(page);
    ui_free(&d);
}

/* The line that repeats the edit opens the model by its path and survives a shell. */
static void the_page_has_a_line_that_a_shell_runs(void)
{
    struct ui_state d;
    struct theme theme;
    struct buf out = {0};

    make_full_ui_state(&d);
    snprintf(d.model.path, sizeof(d.model.path), "/models/my model.gguf");
    CHECK(theme_load(&theme, "light", NULL, NULL));
    page_write(&d, &theme, &out);
    CHECK(strstr(out.data, "editscope edit -m '/models/my model.gguf' -s new.es --subject "));
    CHECK(!strstr(out.data, "edit -m Tiny-12L") && !strstr(out.data, "edit -m 'Tiny-12L'"));
    buf_free(&out);
    ui_free(&d);
}

static void view_opens_the_page_again(void)
{
    struct ui_state d, again;
    char *page = make_page(&d), folder[64], path[128];
    struct params params;
    struct fact fact;
    struct err err = {0};
    struct engine *e;

    CHECK(folder_make(folder, sizeof(folder)));
    snprintf(path, sizeof(path), "%s/page.html", folder);
    CHECK(file_write(path, page, strlen(page), &err));
    e = engine_show(path, &params, &fact, &err);
    CHECK_STR(err.text, "");
    if (e) {
        struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};
        struct event ev;

        CHECK_STR(fact.subject, hostile);
        ui_init(&again, &params);
        again.fact = fact;
        ui_match(&again);
        while (poll(&fd, 1, 3000) > 0 && !again.verdict.overwritten)
            while (engine_next(e, &ev)) {
                CHECK(ev.kind != EV_FAILED);
                ui_event(&again, &ev);
            }
        CHECK(ui_verdict(&again) && again.verdict.sides && again.verdict.probes);
        CHECK(again.scored_layers == LAYERS && again.state.readonly && again.state.preview);
        CHECK_STR(ui_verdict(&again) ? again.verdict.sides->after.said : "",
                  d.verdict.sides->after.said);
        engine_stop(e);
        ui_free(&again);
    }
    CHECK(file_write(path, "<!doctype html><p>no</p>", 24, &err));
    CHECK(!engine_show(path, &params, &fact, &err));
    CHECK(strstr(err.text, "a web page, but none that editscope wrote") != NULL);
    folder_remove(folder);
    free(page);
    ui_free(&d);
}

/* A figure of the Verdict view is as high as its rows, also where one of them is opened. */
static void a_figure_of_the_verdict_has_all_its_rows(void)
{
    struct ui_state d;
    struct host host;
    struct view *v;
    struct surface *s;
    struct buf out = {0};
    struct card c;
    int closed, h, at = 0;

    make_full_ui_state(&d);
    host = host_of(&d);
    v = view_open(view_find("verdict"), &host);
    closed = v->ops->height(v, 80);
    c = card_of(&d, d.side);
    while (at < c.rows && !c.row[at].more)
        at++;
    CHECK(at < c.rows);
    card_free(&c);
    while (at--)
        v->ops->action(v, ACTION_DOWN);
    v->ops->action(v, ACTION_ENTER);
    h = v->ops->height(v, 80);
    CHECK(h > closed);
    s = surface_new(h, 80);
    v->ops->draw(v, s, surface_rect(s));
    surface_dump(s, &out);
    CHECK(strstr(out.data, "asked") && strstr(out.data, "before: ") && strstr(out.data, "L6: "));
    CHECK(!strstr(out.data, " more below"));
    buf_free(&out);
    surface_free(s);
    view_close(v);
    ui_free(&d);
}

/* A fact without neighbours of its own, one whose neighbours the base does not know, one that it
 * knows. */
static void neighbours_are_said_in_a_sentence(void)
{
    static const char *const want[3] = {"the base knows none of the 40 asked",
                                        "the base knows none of them: nothing to judge by, nor any",
                                        "1 of 1 known one stays"};

    struct ui_state d = {0};

    for (int k = 0; k < 3; k++) {
        struct probe_result one = {.kind = PROBE_LOCALITY, .known = k == 2, .ok = {true, true}};
        struct probe_report p = {.probe = &one, .probes = k > 0, .spares_asked = k < 2 ? 40 : 0};
        struct buf text = {0};

        put_neighbours(&text, &d, &p);
        CHECK(text.data && !strncmp(text.data, want[k], strlen(want[k])));
        buf_free(&text);
    }
    /* what would bring some, where the fact stands */
    for (int k = 0; k < 4; k++) {
        static const char *const why[4] = {
            "this fact brings none",
            "this fact brings none: a relation in the place of its prompt does, | lists them",
            "record 7 of its file has none", "the relation location has no other fact"};
        static const struct relations all = {0};
        struct probe_report p = {0};
        struct buf text = {0};

        d.relations = k ? &all : NULL;
        d.fact.record = k == 2 ? 7 : 0;
        d.fact.relation = k == 3 ? (char *)(uintptr_t) "location" : NULL;
        put_neighbours(&text, &d, &p);
        CHECK_STR(text.data, why[k]);
        buf_free(&text);
    }
}

static const struct test tests[] = {
    {"a figure of the verdict has all its rows", a_figure_of_the_verdict_has_all_its_rows},
    {"neighbours are said in a sentence", neighbours_are_said_in_a_sentence},
    {"the page has a line that a shell runs", the_page_has_a_line_that_a_shell_runs},
    {"the page is well-formed and escaped", the_page_is_well_formed_and_escaped},
    {"view opens the page again", view_opens_the_page_again},
};
TEST_MAIN(tests)
