/* Every view with rows exports them, each row complete. */
#include "views/view_tables.h"

#include "tests/screens/fixture.h"

static void every_view_with_rows_exports_them(void)
{
    static const char *const names[] = {"edit", "heatmap", "neurons", "ratios",
                                        "lens", "query",   "facts",   "history"};
    struct table sheet;
    struct ui_state d;

    make_ui_state(&d);
    CHECK(!view_table_of(&sheet, view_find("neurons"), &d)); /* nothing yet */
    CHECK(!view_table_of(&sheet, view_find("help"), &d));
    ui_free(&d);
    make_full_ui_state(&d);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool there = view_table_of(&sheet, view_find(names[i]), &d);

        if (!there)
            printf("no rows of %s\n", names[i]);
        CHECK(there && sheet.cells % (size_t)sheet.columns == 0);
        table_free(&sheet);
    }
    ui_free(&d);
}

/* The column `stale` of a row and the line about all of them. */
static void an_export_says_what_it_is_of(void)
{
    struct table sheet;
    struct ui_state d;

    make_full_ui_state(&d);
    CHECK(view_table_of(&sheet, view_find("heatmap"), &d));
    CHECK_STR(sheet.column[5].name, "stale");
    CHECK_STR(sheet.cell[5].text, "");
    CHECK(strstr(sheet.about, "Eiffel Tower → Rome, BASE 00112233; parameters at their defaults; "
                              "scores of 12 of 12 layers are exact") != NULL);
    table_free(&sheet);
    take_fact(&d, "Big Ben", "Rome");
    CHECK(view_table_of(&sheet, view_find("heatmap"), &d));
    CHECK_STR(sheet.cell[5].text, "of Eiffel Tower → Rome");
    CHECK(strstr(sheet.about, "Big Ben → Rome") && strstr(sheet.about, "0 of 12 layers are exact"));
    table_free(&sheet);
    ui_free(&d);
}

static const struct test tests[] = {
    {"an export says what it is of", an_export_says_what_it_is_of},
    {"every view with rows exports them", every_view_with_rows_exports_them},
};
TEST_MAIN(tests)
