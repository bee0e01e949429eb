/* The maps and the tables of neurons: their modes, orders and cursors, on a desk made up here. */
#include "tests/screens/stage.h"

#include "tui/theme.h"
#include "views/heat_grid.h"
#include "views/panes.h"

static const int every[LAYERS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void give_rough(struct desk *d, int layer)
{
    struct attribution *a = attribution_new(layer, ROWS, NEURONS, false);

    a->strategy = STRATEGY_MPC;
    a->layers = LAYERS;
    for (int i = 0; i < ROWS * NEURONS; i++)
        a->score[i] = a->activation[i] = (float)(i % 7 - 3) * 0.01f;
    give(d, EV_LAYER, a);
}

static void the_map_is_never_blank_before_scores(void)
{
    struct desk d;
    struct heat_grid g;
    struct map_window w = {0};
    struct host host = host_of(&d);
    struct view *v;

    make_desk(&d);
    give_model(&d);
    for (int l = 0; l < LAYERS; l++)
        give_rough(&d, l);
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.rough == LAYERS && g.exact == 0 && g.ramp[0] == RAMP_GREY);
    heat_grid_free(&g);
    give_run(&d, 5);
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.rough == LAYERS - 5 && g.exact == 5);
    CHECK(g.kind[4] == ROW_EXACT && g.kind[11] == ROW_ROUGH && g.ramp[4] == RAMP_HEAT);
    heat_grid_free(&g);
    w.chosen = true;
    w.mode = HEAT_MPC; /* what came free can still be looked at */
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.exact == LAYERS);
    heat_grid_free(&g);
    desk_posted(&d, 9, CMD_ATTRIBUTE);
    d.attributing = true;
    v = view_open(view_find("heatmap"), &host);
    compare("heat-rough", &(struct screen){.desk = &d, .view = v}, 24, 80);
    view_close(v);
    desk_free(&d);
}

static void the_cut_stands_where_the_mask_ends(void)
{
    struct desk d;
    struct heat_grid g;
    struct map_window w = {0};
    int rules = 0;

    make_full_desk(&d);
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS + 1);
    CHECK(!g.ruled && g.cols == NEURONS);
    heat_grid_free(&g);
    d.order = ORDER_CLASS;
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS + 1);
    CHECK(g.ruled && g.cols == NEURONS + 1);
    for (int r = 0; r < g.rows; r++)
        for (int i = 0; i < g.cols; i++)
            if (isinf(g.value[r * g.cols + i])) {
                CHECK(i == d.layer[g.layer[r]].mask->kept);
                rules++;
            }
    CHECK(rules == LAYERS);
    heat_grid_free(&g);
    d.order = ORDER_SCORE;
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS + 1);
    for (int r = 0; r < g.rows; r++) {
        int cut = d.layer[g.layer[r]].mask->specific.chosen;
        const float *row = g.value + r * g.cols;

        CHECK(isinf(row[cut]) && row[0] >= row[1] && row[cut - 1] >= row[cut + 1]);
    }
    heat_grid_free(&g);
    desk_free(&d);
}

static void signs_are_kept_where_colours_can_show_them(void)
{
    struct desk d;
    struct heat_grid g;
    struct map_window w = {0};
    bool below = false;

    make_full_desk(&d);
    d.layer[3].score->score[5] = -9;
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS);
    for (int i = 0; i < g.rows * g.cols; i++)
        CHECK(!(g.value[i] < 0));
    heat_grid_free(&g);
    d.ramp = RAMP_DIVERGE;
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS);
    for (int i = 0; i < g.rows * g.cols; i++)
        below |= g.value[i] < 0;
    CHECK(below);
    CHECK(g.value[3 * g.cols + 5] <= -9 + 1e-6f);
    heat_grid_free(&g);
    d.layer[3].score->score[7] = NAN; /* broken numbers are shown as such, not as "not computed" */
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS);
    CHECK(isinf(g.value[3 * g.cols + 7]));
    heat_grid_free(&g);
    desk_free(&d);
}

static void press(struct view *v, enum action action)
{
    CHECK(v->ops->action(v, action));
}

static void modes_and_zoom_are_as_they_were(void)
{
    struct desk d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);
    struct screen screen = {.desk = &d, .view = v};

    make_full_desk(&d);
    for (int i = 0; i < 4; i++) {
        press(v, ACTION_MODE);
        if (i == 0)
            compare("heat-psa", &screen, 24, 80); /* not there: says what to press */
        if (i == 2)
            compare("heat-activation", &screen, 24, 80);
        if (i == 3) {
            compare("heat-trace", &screen, 24, 80);
            compare("heat-trace", &screen, 36, 120);
        }
    }
    press(v, ACTION_MODE);
    for (int i = 0; i < 3; i++)
        press(v, ACTION_ENTER);
    d.order = ORDER_SCORE;
    compare("heat-zoom", &screen, 36, 120);
    press(v, ACTION_BACK);
    press(v, ACTION_BACK);
    press(v, ACTION_BACK);
    CHECK(!v->ops->action(v, ACTION_BACK)); /* nothing left to leave: the app's turn */
    d.order = ORDER_CLASS;
    press(v, ACTION_FILTER);
    compare("heat-edited", &screen, 24, 80);
    view_close(v);
    desk_free(&d);
}

static void a_click_takes_the_cell_under_it(void)
{
    struct desk d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);
    struct rect body = screen_body(36, 120);
    struct map_shape m;
    struct map_window w = {0};

    make_full_desk(&d);
    m = map_shape(&d, &w, (struct rect){body.y, body.x, body.h - 1, body.w});
    CHECK(v->ops->click(v, body, m.plot.y, m.plot.x));
    CHECK(d.at_layer == 0 && d.at_neuron == 0);
    CHECK(v->ops->click(v, body, m.plot.y + 6, m.plot.x + m.plot.w - 1));
    CHECK(d.at_layer == 3 && d.at_neuron >= NEURONS - 8);
    CHECK(!v->ops->click(v, body, body.y, body.x));
    view_close(v);
    desk_free(&d);
}

static const struct test tests[] = {
    {"the map is never blank before scores", the_map_is_never_blank_before_scores},
    {"the cut stands where the mask ends", the_cut_stands_where_the_mask_ends},
    {"signs are kept where colours can show them", signs_are_kept_where_colours_can_show_them},
    {"modes and zoom are as they were", modes_and_zoom_are_as_they_were},
    {"a click takes the cell under it", a_click_takes_the_cell_under_it},
};
TEST_MAIN(tests)
