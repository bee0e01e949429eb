/* Every view that shows rows can hand them over, row by row whole. */
#include "views/sheets.h"

#include "tests/screens/stage.h"

static void every_view_with_rows_exports_them(void)
{
    static const char *const names[] = {"edit", "heatmap", "neurons", "ratios",
                                        "lens", "query",   "facts",   "history"};
    struct table sheet;
    struct desk d;

    make_desk(&d);
    CHECK(!sheet_of(&sheet, view_find("neurons"), &d)); /* nothing yet */
    CHECK(!sheet_of(&sheet, view_find("help"), &d));
    desk_free(&d);
    make_full_desk(&d);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool there = sheet_of(&sheet, view_find(names[i]), &d);

        if (!there)
            printf("no rows of %s\n", names[i]);
        CHECK(there && sheet.cells % (size_t)sheet.columns == 0);
        table_free(&sheet);
    }
    desk_free(&d);
}

static const struct test tests[] = {
    {"every view with rows exports them", every_view_with_rows_exports_them},
};
TEST_MAIN(tests)
