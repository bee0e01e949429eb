/* Gives the panes of the Edit view their rectangles.
 *
 *   fewer than 76       76 columns or more            170 or more, from 34 rows on
 *   +- fact -----+      +- fact -----++- map -----+   +- fact ----++- map ----++- ratios -+
 *   +------------+      |            ||           |   |           ||          ||          |
 *   +- params ---+      +- params ---+|           |   +- params --+|          ||          |
 *   +------------+      |            |+-----------+   |           |+----------+|          |
 *   +- verdict --+      +- verdict --++- ratios --+   +- verdict -++- lens ---+|          |
 *   +------------+      +------------+|           |   +-----------+|          ||          |
 *   +- map ------+      +- lens -----+|           |   +- neurons -+|          ||          |
 *   +------------+      +------------+|           |   |           ||          ||          |
 *   +- ratios ---+      +- neurons --+|           |   |           ||          ||          |
 *   +------------+      +------------++-----------+   +-----------++----------++----------+
 *
 * The verdict is there once an edit was previewed or committed; beside it the neurons go first.
 * In one column without room for the map, it stands beside the parameters, with the edited layers
 * only. The map comes first: it gets the rows in which all layers are seen, as tall as they can be,
 * once the ratios have a row for each edited layer. A struct slice says how few rows make sense,
 * how many are enough, what share of the rest a pane gets, and who is dropped first (tui/layout.h).
 */
#include "views/screens/edit_layout.h"

#include "tui/layout.h"

enum { FRAME = 2, MAP_LINES = 2, FORMULAS = 5, TALLEST = 3, EDITED_SHOWN = 8 };

/* The rows in which the map shows all layers, within `room`: three to one rows a layer, else two
 * layers a row. */
static int map_rows(int layers, int room)
{
    int rest = FRAME + MAP_LINES;

    layers = layers > 0 ? layers : 30;
    for (int tall = TALLEST; tall > 0; tall--)
        if (layers * tall + rest <= room)
            return layers * tall + rest;
    return (layers + 1) / 2 + rest;
}

/* The ratios' table needs a row for its head and for each edited layer; its formulas are worth
 * having. */
static struct slice ratios_slice(int edited)
{
    int rows = edited < 1 ? 1 : edited < EDITED_SHOWN ? edited : EDITED_SHOWN;

    return (struct slice){FRAME + 1 + rows, FRAME + 1 + rows + FORMULAS, 1, 1};
}

/* Cuts a column into panes from top to bottom. */
static void stack_panes(struct edit_layout *out, struct rect column, const enum edit_pane *pane,
                        const struct slice *slice, int n)
{
    struct rect r[5];

    layout_rows(column, slice, n, r);
    for (int i = 0; i < n; i++)
        out->pane[pane[i]] = r[i];
}

static struct slice verdict_slice(struct rect area, bool verdict)
{
    return verdict ? (struct slice){area.h < 32 ? 4 : 9, area.h < 50 ? 12 : 18, 2, 0}
                   : (struct slice){0};
}

static void three_columns(struct edit_layout *out, struct rect area, int layers, bool verdict,
                          int fact)
{
    static const enum edit_pane left[] = {PANE_FACT, PANE_PARAMS, PANE_VERDICT, PANE_NEURONS};
    static const enum edit_pane middle[] = {PANE_MAP, PANE_LENS};
    static const struct slice columns[] = {{46, 52, 0, 0}, {46, 60, 1, 0}, {74, 76, 0, 0}};
    struct slice side[] = {
        {fact, 10, 0, 0}, {8, 8, 0, 0}, verdict_slice(area, verdict), {4, 7, 1, verdict}};
    struct slice lens = {6, 9, 1, 1}, map = {7, map_rows(layers, area.h - lens.want), 0, 0};
    struct rect column[3];

    layout_columns(area, columns, 3, column);
    stack_panes(out, column[0], left, side, 4);
    stack_panes(out, column[1], middle, (struct slice[]){map, lens}, 2);
    out->pane[PANE_RATIOS] = column[2];
}

static void two_columns(struct edit_layout *out, struct rect area, int layers, int edited,
                        bool verdict, int fact)
{
    static const enum edit_pane left[] = {PANE_FACT, PANE_PARAMS, PANE_VERDICT, PANE_LENS,
                                          PANE_NEURONS};
    static const enum edit_pane right[] = {PANE_MAP, PANE_RATIOS};
    static const struct slice columns[] = {{38, 46, 0, 0}, {42, 74, 1, 0}};
    struct slice side[] = {{fact, fact, 0, 0},
                           {8, 8, 0, 0},
                           verdict_slice(area, verdict),
                           {6, 9, 1, verdict ? 1 : 2},
                           {4, 7, 1, verdict ? 2 : 1}};
    struct slice ratios = ratios_slice(edited);
    struct slice map = {7, map_rows(layers, area.h - ratios.min), 0, 0};
    struct rect column[2];

    if (map.want > area.h - ratios.min)
        map.want = area.h - ratios.min;
    if (map.min < map.want)
        map.min = map.want;
    layout_columns(area, columns, 2, column);
    stack_panes(out, column[0], left, side, 5);
    stack_panes(out, column[1], right, (struct slice[]){map, ratios}, 2);
}

struct edit_layout edit_layout(struct rect area, int layers, int edited, bool verdict, bool form)
{
    static const enum edit_pane one[] = {PANE_FACT, PANE_PARAMS, PANE_VERDICT, PANE_MAP,
                                         PANE_RATIOS};
    int fact = form ? 9 : 8;
    struct slice stack[] = {{fact, fact, 0, 0},
                            {8, 8, 0, 1},
                            verdict_slice(area, verdict),
                            {7, 0, 1, 2},
                            ratios_slice(edited)};
    struct edit_layout out = {0};

    if (area.w >= 170 && area.h >= 34) {
        three_columns(&out, area, layers, verdict, fact);
    } else if (area.w >= 76) {
        two_columns(&out, area, layers, edited, verdict, fact);
    } else {
        stack[3].want = map_rows(layers, 0);
        stack[4].drop = 3;
        stack_panes(&out, area, one, stack, 5);
    }
    return out;
}

void edit_layout_share(struct edit_layout *l)
{
    static const struct slice halves[] = {{24, 30, 0, 0}, {24, 30, 1, 0}};
    struct rect both[2];

    if (!rect_empty(l->pane[PANE_MAP]) || rect_empty(l->pane[PANE_PARAMS]))
        return;
    layout_columns(l->pane[PANE_PARAMS], halves, 2, both);
    l->pane[PANE_PARAMS] = both[0];
    l->pane[PANE_MAP] = both[1];
    l->beside = true;
}
