/* The words that K explains stand on the screen where the table says, and the box shows them. */
#include "tests/screens/fixture.h"

#include <dirent.h>

#include "views/glossary.h"
#include "views/shell/terms.h"

static void add_file(struct buf *all, const char *path)
{
    char *text = file_read(path, 1 << 20, NULL, NULL);

    buf_puts(all, text ? text : "");
    free(text);
}

/* All golden screens of a place ("edit.ratios": of the Edit view) as one text; for the scoreboard
 * and the run also their sources, since no golden fact has every kind of probe, and no golden run
 * every metric. Caller frees. */
static char *goldens_of(const char *place)
{
    DIR *dir = opendir("tests/screens");
    const struct dirent *e;
    struct buf all = {0};
    size_t n = strcspn(place, ".");
    bool edit = !strncmp(place, "edit", 4);

    while (dir && (e = readdir(dir))) {
        char *path = xasprintf("tests/screens/%s", e->d_name);

        /* "heat-rough" is one of heatmap, "compared" of compare, "heat-rough" has the map of edit,
         * "partial" is edit without a verdict */
        if (file_ends_in(path, ".screen") && (!strncmp(e->d_name, place, n < 4 ? n : 4) ||
                                              (edit && (!strncmp(e->d_name, "heat-rough", 10) ||
                                                        !strncmp(e->d_name, "partial", 7)))))
            add_file(&all, path);
        free(path);
    }
    if (dir)
        closedir(dir);
    if (!strcmp(place, "facts")) {
        add_file(&all, "views/panes/pane_scoreboard.c");
        add_file(&all, "core/eval/probe.c");
    }
    if (!strcmp(place, "run")) {
        add_file(&all, "views/screens/run_columns.c");
        add_file(&all, "core/eval/measure.c");
    }
    return buf_take(&all);
}

static void every_term_stands_where_the_table_says(void)
{
    int terms = 0;

    for (const struct glossary_term *g = glossary; g->term; g++, terms++) {
        size_t n;

        for (const char *p = g->places; *p; p += n + strspn(p + n, " ")) {
            char place[32], *all;

            n = strcspn(p, " ");
            snprintf(place, sizeof(place), "%.*s", (int)n, p);
            CHECK(glossary_has(g, place));
            all = goldens_of(place);
            if (!strstr(all, g->term))
                printf("      %s is not on a screen of %s\n", g->term, place);
            CHECK(strstr(all, g->term) != NULL);
            free(all);
        }
        CHECK(!glossary_has(g, "edi") && !glossary_has(g, "edit"));
    }
    CHECK(terms > 30);
}

static void each_pane_of_the_edit_view_has_its_words(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);

    make_full_ui_state(&d);
    v->ops->open(v);
    for (int i = 0; i < 7; i++) {
        CHECK(terms_count(view_place(v)) > 0);
        v->ops->action(v, ACTION_NEXT_PANE);
    }
    view_close(v);
    ui_free(&d);
}

static void a_run_has_its_words(void)
{
    static const char *const word[] = {"Rel", "Gen", "Loc", "Port", "em", "score", "Holm", "leak"};

    for (size_t i = 0; i < sizeof(word) / sizeof(*word); i++) {
        bool there = false;

        for (const struct glossary_term *g = glossary; g->term; g++)
            there = there || (!strcmp(g->term, word[i]) && glossary_has(g, "run"));
        CHECK(there);
    }
}

static void the_box_is_as_it_was(void)
{
    static const int size[][2] = {{24, 80}, {36, 120}, {16, 50}};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct terms terms = {.open = true};
    struct screen screen = {.ui = &d, .view = v, .terms = &terms};

    make_full_ui_state(&d);
    v->ops->open(v);
    v->ops->action(v, ACTION_NEXT_PANE);
    v->ops->action(v, ACTION_NEXT_PANE); /* the ratios */
    for (int k = 0; k < 3; k++)
        compare_golden("terms", &screen, size[k][0], size[k][1]);
    view_close(v);
    ui_free(&d);
}

static void keys_scroll_and_close_it(void)
{
    struct terms t = {.open = true, .all = true};
    struct rect area = {1, 0, 20, 80};

    CHECK(terms_key(&t, 'G', ACTION_LAST) && t.open && t.top > 100);
    terms_fit(&t, "edit.ratios", area);
    CHECK(t.top > 20 && t.top < 200);
    CHECK(terms_key(&t, 'g', ACTION_FIRST) && t.top == 0);
    CHECK(terms_key(&t, 'K', ACTION_DETAILS) && !t.open);
    t.open = true;
    CHECK(!terms_key(&t, 'x', ACTION_ATTRIBUTE) && !t.open); /* the key is for the view */
}

static const struct test tests[] = {
    {"every term stands where the table says", every_term_stands_where_the_table_says},
    {"each pane of the Edit view has its words", each_pane_of_the_edit_view_has_its_words},
    {"a run has its words", a_run_has_its_words},
    {"the box is as it was", the_box_is_as_it_was},
    {"keys scroll and close it", keys_scroll_and_close_it},
};
TEST_MAIN(tests)
