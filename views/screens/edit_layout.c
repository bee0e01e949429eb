/* Gives the panes of the Edit view their rectangles.
 *
 *   76 columns or more             fewer
 *   +- fact -----++- map -----+    +- fact -----+
 *   |            ||           |    +------------+
 *   +- params ---+|           |    +- params ---+   of the lower two, the
 *   |            |+-----------+    +------------+   ratios go first when
 *   +- lens -----++- ratios --+    +- map ------+   rows are short, then
 *   |            ||           |    +------------+   the map
 *   +- neurons --+|           |    +- ratios ---+
 *   +------------++-----------+    +------------+
 *
 * A struct slice says how few rows make sense, how many are enough, what share of the rest a pane
 * gets, and who is dropped first (tui/layout.h). The left column drops the lens (2) before the
 * neurons (1). */
#include "views/screens/edit_layout.h"

#include "tui/layout.h"

/* A map row shows two layers, so it wants (layers + 1) / 2 rows and 4 for frame and scale. */
struct edit_layout edit_layout(struct rect area, int layers)
{
    static const enum edit_pane left[] = {PANE_FACT, PANE_PARAMS, PANE_LENS, PANE_NEURONS};
    static const enum edit_pane one[] = {PANE_FACT, PANE_PARAMS, PANE_MAP, PANE_RATIOS};
    int half = (layers > 0 ? layers + 1 : 30) / 2;
    struct slice map = {7, half + 4 < 24 ? half + 4 : 24, 2, 0}, ratios = {7, 13, 1, 1};
    struct slice side[4] = {{8, 8, 0, 0}, {8, 8, 0, 0}, {7, 9, 1, 2}, {4, 7, 1, 1}};
    struct slice columns[2] = {{38, 46, 0, 0}, {38, 74, 1, 0}};
    struct edit_layout out = {0};
    struct rect column[2], r[4];

    if (area.w < 76) {
        struct slice stack[4] = {{8, 8, 0, 0}, {8, 8, 0, 1}, map, ratios};

        stack[2].drop = 2;
        stack[3].drop = 3;
        layout_rows(area, stack, 4, r);
        for (int i = 0; i < 4; i++)
            out.pane[one[i]] = r[i];
        return out;
    }
    layout_columns(area, columns, 2, column);
    layout_rows(column[0], side, 4, r);
    for (int i = 0; i < 4; i++)
        out.pane[left[i]] = r[i];
    layout_rows(column[1], (struct slice[]){map, ratios}, 2, r);
    out.pane[PANE_MAP] = r[0];
    out.pane[PANE_RATIOS] = r[1];
    return out;
}
