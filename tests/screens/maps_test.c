/* The maps and the table of neurons: modes, orders, zoom, filters and cursors. */
#include "tests/screens/fixture.h"

#include "tui/theme.h"
#include "views/interventions.h"
#include "views/panes/heat_grid.h"
#include "views/panes/neurons_table.h"
#include "views/panes/panes.h"

static const int every[LAYERS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

static void give_mpc(struct ui_state *d, int layer)
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
    struct ui_state d;
    struct heat_grid g;
    struct map_window w = {0};
    struct host host = host_of(&d);
    struct view *v;

    make_ui_state(&d);
    give_model(&d);
    for (int l = 0; l < LAYERS; l++)
        give_mpc(&d, l);
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.mpc_rows == LAYERS && g.exact_rows == 0 && g.ramp[0] == RAMP_GREY);
    heat_grid_free(&g);
    give_run(&d, 5);
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.mpc_rows == LAYERS - 5 && g.exact_rows == 5);
    CHECK(g.kind[4] == ROW_EXACT && g.kind[11] == ROW_MPC && g.ramp[4] == RAMP_HEAT);
    heat_grid_free(&g);
    w.chosen = true;
    w.mode = HEAT_MPC; /* what came free can still be looked at */
    heat_grid_make(&g, &d, &w, every, LAYERS, 64);
    CHECK(g.exact_rows == LAYERS);
    heat_grid_free(&g);
    ui_add_job(&d, 9, (struct ui_job){.kind = CMD_ATTRIBUTE});
    d.attributing = true;
    v = view_open(view_find("heatmap"), &host);
    compare_golden("heat-rough", &(struct screen){.ui = &d, .view = v}, 24, 80);
    view_close(v);
    ui_free(&d);
}

/* Scores over drawn words (attr.words) are not called exact anywhere. */
static void drawn_words_are_said(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v;
    struct buf about = {0};
    char *text;

    make_ui_state(&d);
    give_model(&d);
    give_run(&d, 5);
    for (int l = 0; l < LAYERS; l++)
        if (d.layer[l].score)
            d.layer[l].score->words = 8192;
    v = view_open(view_find("heatmap"), &host);
    text = screen_text(&(struct screen){.ui = &d, .view = v}, 24, 80, false);
    CHECK(strstr(text, "5 scored, 8192 words") && !strstr(text, "exact"));
    ui_about(&d, &about);
    CHECK(strstr(about.data, "over 8192 words") && !strstr(about.data, "exact"));
    free(text);
    give_run(&d, LAYERS);
    for (int l = 0; l < LAYERS; l++)
        d.layer[l].score->words = 8192;
    for (int w = 50; w <= 120; w += 35) {
        text = screen_text(&(struct screen){.ui = &d, .view = v}, 24, w, false);
        CHECK(strstr(text, "─ 8192 words") && (w < 80 || strstr(text, "words · max of")));
        free(text);
    }
    CHECK(params_assign(&d.params, "attr.words=100", FROM_COMMAND_LINE, NULL)); /* all are stale */
    ui_remask(&d);
    text = screen_text(&(struct screen){.ui = &d, .view = v}, 24, 80, false);
    CHECK(d.stale_layers == LAYERS && !ui_scored_words(&d) && !strstr(text, "8192 words"));
    free(text);
    buf_free(&about);
    view_close(v);
    ui_free(&d);
}

static void the_cut_is_where_the_mask_ends(void)
{
    struct ui_state d;
    struct heat_grid g;
    struct map_window w = {0};
    int rules = 0;

    make_full_ui_state(&d);
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS + 1);
    CHECK(!g.ruled && g.cols == NEURONS);
    heat_grid_free(&g);
    d.order = ORDER_CLASS;
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS + 1);
    CHECK(g.ruled && g.cols == NEURONS + 1);
    for (int r = 0; r < g.rows; r++)
        for (int i = 0; i < g.cols; i++)
            if (isinf(g.value[r * g.cols + i])) {
                CHECK(i == d.layer[g.layer[r]].mask->selected);
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
    ui_free(&d);
}

static void signs_are_kept_where_colours_can_show_them(void)
{
    struct ui_state d;
    struct heat_grid g;
    struct map_window w = {0};
    bool below = false;

    make_full_ui_state(&d);
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
    ui_free(&d);
}

static void press(struct view *v, enum action action)
{
    CHECK(v->ops->action(v, action));
}

static void modes_and_zoom_are_as_they_were(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int i = 0; i < 4; i++) {
        press(v, ACTION_MODE);
        if (i == 0)
            compare_golden("heat-psa", &screen, 24, 80); /* not there: says what to press */
        if (i == 2)
            compare_golden("heat-activation", &screen, 24, 80);
        if (i == 3) {
            compare_golden("heat-trace", &screen, 24, 80);
            compare_golden("heat-trace", &screen, 36, 120);
        }
    }
    press(v, ACTION_MODE);
    for (int i = 0; i < 3; i++)
        press(v, ACTION_ENTER);
    d.order = ORDER_SCORE;
    compare_golden("heat-zoom", &screen, 36, 120);
    press(v, ACTION_BACK);
    press(v, ACTION_BACK);
    press(v, ACTION_BACK);
    CHECK(!v->ops->action(v, ACTION_BACK)); /* nothing left to leave: the app's turn */
    d.order = ORDER_CLASS;
    press(v, ACTION_FILTER);
    compare_golden("heat-edited", &screen, 24, 80);
    view_close(v);
    ui_free(&d);
}

static void a_click_takes_the_cell_under_it(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);
    struct rect body = screen_body(36, 120);
    struct map_shape m;
    struct map_window w = {0};

    make_full_ui_state(&d);
    m = map_shape(&d, &w, (struct rect){body.y, body.x, body.h - 1, body.w});
    CHECK(v->ops->click(v, body, m.plot.y, m.plot.x));
    CHECK(d.at_layer == 0 && d.at_neuron == 0);
    CHECK(v->ops->click(v, body, m.plot.y + 3, m.plot.x + m.plot.w - 1));
    CHECK(d.at_layer == 3 && d.at_neuron >= NEURONS - 8);
    CHECK(!v->ops->click(v, body, body.y, body.x));
    view_close(v);
    ui_free(&d);
}

/* In the Edit view too; and a parameter that + has changed is the one that is shown as selected. */
static void a_click_on_the_small_map_selects_too(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("edit"), &host);
    struct rect body = screen_body(36, 120);
    int layer = -1;

    make_full_ui_state(&d);
    v->ops->open(v);
    for (int y = body.y; y < body.y + body.h && layer < 3; y++) {
        d.at_neuron = -1;
        v->ops->click(v, body, y, body.x + body.w / 2 + 10);
        layer = d.at_neuron >= 0 && d.at_layer > layer ? d.at_layer : layer;
    }
    CHECK(layer >= 3);
    layer = d.at_layer;
    v->ops->action(v, ACTION_DOWN); /* the map has the focus */
    CHECK(d.at_layer == layer + 1);
    v->ops->action(v, ACTION_MORE);
    CHECK(d.params.value[P_RATIO_GE_A] > 0.1);
    v->ops->action(v, ACTION_DOWN); /* now the parameters have it */
    CHECK(d.at_layer == layer + 1);
    view_close(v);
    ui_free(&d);
}

static void give_neuron(struct ui_state *d, int layer, int neuron, const char *word_promoted)
{
    struct neuron_info *n = xcalloc(1, sizeof(*n));

    n->layer = layer;
    n->neuron = neuron;
    n->count = 12;
    for (int i = 0; i < 12; i++) {
        n->promotes[i] = shown_token_of(i ? " some" : word_promoted, 0, false);
        n->promotes[i].logit = 3 - 0.2 * i;
        n->suppresses[i] = shown_token_of(i == 3 ? "\033[2J" : " other", 0, false);
        n->suppresses[i].logit = -2 + 0.1 * i;
    }
    n->contexts = 1;
    n->context[0].coefficient = 4.5f;
    snprintf(n->context[0].text, sizeof(n->context[0].text), "the tower\nstands in");
    give(d, EV_NEURON, n);
}

static struct answer *trial_of(unsigned state, bool changed)
{
    struct answer *a = xcalloc(1, sizeof(*a));

    a->state = state;
    a->changed = changed;
    a->prompt = xstrdup("The Eiffel Tower is in");
    a->completion = xstrdup(changed ? " Rome, the city." : " Paris, the capital.");
    a->nexts = 3;
    a->next = xcalloc(3, sizeof(*a->next));
    a->next[0] = shown_token_of(changed ? " Rome" : " Paris", changed ? 0.5 : 0.7, false);
    a->next[1] = shown_token_of(changed ? " Paris" : " Rome", changed ? 0.3 : 0.006, false);
    a->next[2] = shown_token_of(changed ? " Turin" : " the", 0.02, false);
    a->next[0].id = changed ? 2 : 1;
    a->next[1].id = changed ? 1 : 2;
    a->next[2].id = changed ? 4 : 3;
    return a;
}

/* Another preview: what was read of the last one is about other weights. */
static void ui_drop_previews(struct ui_state *d)
{
    struct edit_report *a = xcalloc(1, sizeof(*a));

    a->p_after = 0.5;
    give(d, EV_PREVIEW, a);
    CHECK(!ui_lens(d, STATE_PREVIEW) && ui_lens(d, STATE_BASE));
}

static struct command posted;
static unsigned posts;

static unsigned count_post(struct host *host, struct command *cmd)
{
    posted = *cmd;
    no_post(host, cmd);
    return ++posts;
}

/* Silence, set, force: what they do to the ui_state and what they ask the engine for. */
static void changes_are_asked_about_and_forces_remask(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("neurons"), &host);
    struct screen screen = {.ui = &d, .view = v};
    struct event ev = {.kind = EV_ANSWER};
    int kept;

    host.post = count_post;
    posts = 0;
    make_full_ui_state(&d);
    d.at_layer = 5;
    d.at_neuron = 102;
    v->ops->open(v);
    press(v, ACTION_SILENCE);
    CHECK(posts == 2 && posted.kind == CMD_QUERY && posted.intervention_count == 1);
    CHECK(posted.states == STATE_PREVIEW);
    ev.job = d.intervention_job[0];
    ev.answer = trial_of(STATE_PREVIEW, false);
    ui_event(&d, &ev);
    ev.job = d.intervention_job[1];
    ev.answer = trial_of(STATE_PREVIEW, true);
    ui_event(&d, &ev);
    CHECK(d.intervention_answer[0] && d.intervention_answer[1] &&
          d.intervention_answer[1]->changed == 1);
    CHECK(!strcmp(d.answer[0]->completion, " Rome, Italy.")); /* the Query view's stay */
    ui_change_neuron(&host, "L4N7*2.5");
    CHECK(posts == 3 && posted.intervention_count == 2); /* without changes nothing is new */
    CHECK(d.intervention_count == 2 && d.intervention[1].scale && d.intervention[1].value == 2.5f);
    d.at_layer = 6;
    d.at_neuron = 1;
    kept = d.layer[6].mask->selected - (d.layer[6].mask->weight[1] > 0);
    press(v, ACTION_FORCE);
    CHECK(d.layer[6].mask->weight[1] == 1 && d.layer[6].mask->selected == kept + 1);
    v->ops->open(v);
    compare_golden("neurons-changed", &screen, 24, 80);
    compare_golden("neurons-changed", &screen, 36, 120);
    press(v, ACTION_FORCE);
    CHECK(d.layer[6].mask->weight[1] == 0 && d.layer[6].mask->selected == kept);
    press(v, ACTION_FORCE);
    CHECK(d.mask_override_count == 0);
    ui_release_neurons(&host);
    CHECK(!d.intervention_count && !d.mask_override_count && !d.intervention_answer[0] &&
          !d.intervention_answer[1]);
    CHECK(d.answer_from[0].job != ev.job); /* so plain mode does not print it */
    ev.job = 77;
    ev.answer = trial_of(STATE_PREVIEW, false);
    ui_event(&d, &ev);
    CHECK(d.answer_from[0].job == 77);
    view_close(v);
    ui_free(&d);
}

static void changes_are_read_strictly(void)
{
    static const char *const bad[] = {
        "",       "L5",      "L5N912", "L99N1=0", "L5N1=",     "L5N1=nan", "L5N1=inf",
        "L5N1+2", "L5N1=1x", "N3=0",   "L-1N3=0", "L5N9999=0", "L5N1*",    "L5N1=1e99"};
    struct ui_state d;
    struct intervention c;
    struct err err = {0};
    bool off;

    make_ui_state(&d);
    give_model(&d);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        err = (struct err){0};
        CHECK(!intervention_parse(&d, bad[i], &c, &off, &err));
        CHECK(err.kind == ERR_USAGE);
    }
    CHECK(intervention_parse(&d, "L5N9=0", &c, &off, &err));
    CHECK(c.layer == 5 && c.neuron == 9 && !c.scale && !(c.value > 0) && !off);
    CHECK(intervention_parse(&d, "l5n9 *-2", &c, &off, &err) && c.scale && c.value == -2);
    CHECK(intervention_parse(&d, "L5N9=off", &c, &off, &err) && off);
    ui_free(&d);
}

static void rows_of(struct ui_state *d, const char *filter, int *n, struct ranked_neuron *first)
{
    struct neurons_table t = {0};
    struct ranked_neuron *row;

    snprintf(t.filter, sizeof(t.filter), "%s", filter);
    row = table_rows(d, &t, n, NULL);
    if (*n)
        *first = row[0];
    free(row);
}

static void the_table_filters_and_sorts(void)
{
    struct ui_state d;
    struct neurons_table t = {0};
    struct ranked_neuron *row, first = {0};
    int n, kept = 0;

    make_full_ui_state(&d);
    d.at_layer = 5;
    give_neuron(&d, 5, 17, " Paris");
    rows_of(&d, "", &n, &first);
    CHECK(n == NEURONS && first.layer == 5 && first.neuron == d.layer[5].strongest);
    rows_of(&d, "paris", &n, &first);
    CHECK(n == 1 && first.neuron == 17);
    rows_of(&d, "-OTHER", &n, &first);
    CHECK(n == 1);
    rows_of(&d, "L6", &n, &first);
    CHECK(n == NEURONS && first.layer == 6);
    rows_of(&d, "L5-6 kept", &n, &first);
    for (int l = 5; l <= 6; l++)
        kept += d.layer[l].mask->selected;
    CHECK(n <= kept && n > kept / 2);
    rows_of(&d, "both", &n, &first);
    CHECK(n == d.layer[5].mask->both);
    rows_of(&d, "specific >0.2 nosuchword", &n, &first);
    CHECK(n == 0);
    rows_of(&d, "L77", &n, &first);
    CHECK(n == 0);
    for (int sort = 0; sort < SORT_COUNT; sort++) {
        t.sort = (enum table_sort)sort;
        row = table_rows(&d, &t, &n, NULL);
        first = row[n - 1];
        free(row);
        t.inverted = !t.inverted;
        row = table_rows(&d, &t, &n, NULL);
        CHECK(row[0].neuron == first.neuron);
        t.inverted = !t.inverted;
        free(row);
    }
    ui_free(&d);
}

static void a_neuron_in_full_is_as_it_was(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("neurons"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    d.at_neuron = d.layer[d.at_layer].strongest;
    give_neuron(&d, d.at_layer, d.at_neuron, " Paris");
    v->ops->open(v);
    press(v, ACTION_TAG);
    press(v, ACTION_UP);
    press(v, ACTION_DETAILS);
    compare_golden("neuron", &screen, 36, 120);
    compare_golden("neuron", &screen, 30, 80);
    press(v, ACTION_DETAILS);
    press(v, ACTION_FILTER);
    compare_golden("neurons-filter", &screen, 24, 80);
    view_close(v);
    ui_free(&d);
}

/* What a terminal without colours gets of a cell. */
static void painted(const char *text, uint16_t fg, uint16_t bg, bool ascii, const char *want)
{
    struct theme theme;
    struct palette p;
    struct surface *s = surface_new(1, 4);
    struct paint out;

    theme_default(&theme);
    palette_build(&p, &theme, (struct caps){TIER_MONO, ascii, false});
    surface_glyph(s, surface_rect(s), 0, 0, ROLE_TEXT, text, fg, bg);
    palette_paint(&p, surface_at(s, 0, 0), &out);
    CHECK_STR(out.text, want);
    surface_free(s);
}

static void without_colours_signs_rules_and_words_remain(void)
{
    painted("▀", colour_slot_ramp(RAMP_DIVERGE, 255), colour_slot_ramp(RAMP_DIVERGE, 128), false,
            "9");
    painted("▀", colour_slot_ramp(RAMP_DIVERGE, 100), colour_slot_ramp(RAMP_DIVERGE, 0), true, "i");
    painted("▀", colour_slot_ramp(RAMP_DIVERGE, 128), colour_slot_ramp(RAMP_DIVERGE, 127), true,
            " ");
    painted("▀", colour_slot_role(ROLE_STRONG), colour_slot_ramp(RAMP_HEAT, 255), true, "|");
    painted("│", colour_slot_role(ROLE_STRONG), COLOUR_SLOT_NONE, true, "|");
    painted("▀", colour_slot_ramp(RAMP_HEAT, 255), colour_slot_ramp(RAMP_HEAT, 0), false, "█");
    painted("P", COLOUR_SLOT_NONE, colour_slot_ramp(RAMP_HEAT, 255), true, "P");
    painted("·", COLOUR_SLOT_NONE, COLOUR_SLOT_NONE, true, ".");
}

/* A word on any level of any ramp can be read: WCAG's 4.5 for text. */
static void text_on_a_ramp_can_be_read(void)
{
    static const enum tier tier[] = {TIER_256, TIER_DIRECT};
    int weak = 0;

    for (int i = 0; builtin_themes[i].name; i++) {
        struct theme theme;
        struct palette p;

        CHECK(theme_load(&theme, builtin_themes[i].name, NULL, NULL));
        for (int k = 0; k < 2; k++) {
            palette_build(&p, &theme, (struct caps){tier[k], false, false});
            for (int r = 0; r < RAMP_COUNT; r++)
                for (int l = 0; l < RAMP_LEVELS; l++) {
                    enum colour_kind kind = k ? COLOUR_RGB : COLOUR_INDEX;
                    struct colour on = {kind, (uint32_t)p.on_ramp[r][l]};
                    struct colour level = {kind, (uint32_t)p.ramp[r][l]};

                    weak += p.ramp[r][l] >= 0 &&
                            colour_contrast(colour_rgb(on), colour_rgb(level)) < 4.5;
                }
        }
    }
    CHECK(weak == 0);
}

/* What a bin shows has its name beside the scale, and a count is not in nats. */
static void a_count_is_not_in_nats(void)
{
    static const char *const scale[POOL_COUNT] = {"scale √", "mean √", "count √"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);

    make_full_ui_state(&d);
    for (int pool = 0; pool < POOL_COUNT; pool++) {
        char *got;

        d.pool = (enum heat_pool)pool;
        got = screen_text(&(struct screen){.ui = &d, .view = v}, 30, 120, false);
        CHECK(strstr(got, scale[pool]) != NULL);
        CHECK(!strstr(got, ", nats") == (pool == POOL_ABOVE));
        free(got);
    }
    view_close(v);
    ui_free(&d);
}

static void the_map_chooses_layers(void)
{
    static const char *const bad[] = {"4-", "x", "7-3", "99", "4-99", "-1", "4x", "4,,x"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);

    make_full_ui_state(&d);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        last_said[0] = '\0';
        CHECK(v->ops->command(v, "layers", bad[i]));
        CHECK(strstr(last_said, "is not a list") != NULL);
    }
    last_said[0] = '\0';
    d.at_layer = 0;
    CHECK(v->ops->command(v, "layers", "3-4, L9") && !*last_said);
    CHECK(d.at_layer == 3);
    press(v, ACTION_DOWN);
    press(v, ACTION_DOWN);
    CHECK(d.at_layer == 9);
    press(v, ACTION_DOWN);
    CHECK(d.at_layer == 9);
    CHECK(v->ops->command(v, "layers", "all"));
    press(v, ACTION_DOWN);
    CHECK(d.at_layer == 10);
    CHECK(!v->ops->command(v, "tokens", "3"));
    view_close(v);
    ui_free(&d);
}

static void the_lens_shows_ranks_and_differences(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("lens"), &host);
    struct screen screen = {.ui = &d, .view = v};
    static const int old[] = {9, 9, 1, 1}, leads[] = {10, 3, 5, 1}, later[] = {10, 3, 5, 0};

    CHECK(lens_overtakes(old, leads, 4, 1) == -1 && lens_overtakes(old, later, 4, 1) == 3);
    CHECK(lens_overtakes(leads, old, 4, 1) == -1 && lens_overtakes(NULL, old, 4, 1) == -1);
    host.post = count_post;
    posts = 0;
    make_full_ui_state(&d);
    d.at_layer = 10;
    v->ops->open(v);
    CHECK(posts == 0); /* both are here */
    d.side = SIDE_BOTH;
    compare_golden("lens-difference", &screen, 36, 120);
    press(v, ACTION_MODE);
    d.side = SIDE_BEFORE;
    compare_golden("lens-rank", &screen, 24, 80);
    press(v, ACTION_TOKEN_BACK);
    ui_drop_previews(&d);
    v->ops->open(v);
    CHECK(posts == 1 && posted.kind == CMD_LENS && posted.states == STATE_PREVIEW);
    v->ops->open(v);
    CHECK(posts == 1); /* once is enough */
    view_close(v);
    ui_free(&d);
}

/* Wherever the cursor was in other views, the last layer, with the answer, is shown until the user
 * moves. */
static void the_lens_opens_on_the_answer(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("lens"), &host);
    struct screen screen = {.ui = &d, .view = v};

    make_full_ui_state(&d);
    for (int moved = 0; moved < 2; moved++) {
        char *text;

        for (int i = 0; moved && i < 10; i++)
            press(v, i % 2 ? ACTION_UP : ACTION_LAYER_BACK);
        text = screen_text(&screen, 16, 80, false);
        CHECK((strstr(text, "│ L11 ") != NULL) == !moved);
        CHECK((strstr(text, "│ L1 ") != NULL) == moved);
        free(text);
    }
    CHECK(d.at_layer == 1);
    view_close(v);
    ui_free(&d);
}

/* Estimates and runs that were kept have no norms: 0 is not one. */
static void a_norm_that_nobody_computed_is_no_zero(void)
{
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("neurons"), &host);
    struct screen screen = {.ui = &d, .view = v};
    char *text;

    make_full_ui_state(&d);
    v->ops->open(v);
    text = screen_text(&screen, 36, 120, false);
    CHECK(!strstr(text, "    ·   "));
    free(text);
    for (int l = 0; l < d.layers; l++)
        if (d.layer[l].shown)
            memset(d.layer[l].shown->value_norm, 0, NEURONS * sizeof(float));
    text = screen_text(&screen, 36, 120, false);
    CHECK(strstr(text, "    ·   ") && !strstr(text, "0.00   "));
    free(text);
    view_close(v);
    ui_free(&d);
}

/* What KN chose is marked on the map and listed by the table, in layers without scores too; not
 * after a parameter has moved. */
static void chosen_neurons_are_shown(void)
{
    struct ui_state d;
    struct heat_grid g;
    struct map_window w = {0};
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("neurons"), &host), *map;
    struct screen screen = {.ui = &d, .view = v};
    struct edit_report *a = xcalloc(1, sizeof(*a));
    struct ranked_neuron *rows;
    struct neurons_table table = {0};
    char *text;
    int n;

    make_ui_state(&d);
    give_model(&d);
    give_run(&d, 5);
    params_assign(&d.params, "edit.method=kn", FROM_COMMAND_LINE, NULL);
    ui_remask(&d);
    a->layers = 2;
    a->layer[0] = layer_report_keyless(4, 1);
    a->layer[0].chosen = 1;
    a->layer[0].chosen_neuron[0] = (struct chosen_neuron){NEURONS - 1, 2};
    a->layer[1] = layer_report_keyless(11, 1);
    a->layer[1].chosen = 1;
    a->layer[1].chosen_neuron[0] = (struct chosen_neuron){3, 1};
    give(&d, EV_PREVIEW, a);
    CHECK(d.layer[4].shown && !d.layer[11].shown);
    CHECK(ui_neuron_chosen(&d, 4, NEURONS - 1) && !ui_neuron_chosen(&d, 4, 3));
    CHECK(ui_weight(&d, 4, NEURONS - 1) > 0 && !(ui_weight(&d, 4, 3) > 0));
    CHECK(ui_kept_in(&d, 4) == 1 && ui_kept_in(&d, 3) == 0);
    heat_grid_make(&g, &d, &w, every, LAYERS, NEURONS);
    CHECK(g.marks == 2 && g.mark[0].row == 4 && g.mark[1].row == 11 && g.mark[1].col == 3);
    heat_grid_free(&g);
    map = view_open(view_find("heatmap"), &host);
    screen.view = map;
    text = screen_text(&screen, 36, 120, false);
    CHECK(strstr(text, "× chosen by KN") && !strstr(text, "↑"));
    free(text);
    text = screen_text(&screen, 24, 80, false); /* two layers share a row */
    CHECK(strstr(text, "chosen by KN: ↑ upper ↓ lower layer × both"));
    for (int i = 0; i < 2; i++) { /* one in the legend, one on a row */
        const char *mark = i ? "↓" : "↑", *at = strstr(text, mark);

        CHECK(at && strstr(at + 1, mark) && !strstr(strstr(at + 1, mark) + 1, mark));
    }
    free(text);
    view_close(map);
    snprintf(table.filter, sizeof(table.filter), "chosen");
    rows = table_rows(&d, &table, &n, NULL);
    CHECK(n == 2 && rows[0].layer == 4 && rows[0].neuron == NEURONS - 1 && rows[1].layer == 11);
    free(rows);
    screen.view = v;
    params_assign(&d.params, "kn.threshold=0.5", FROM_COMMAND_LINE, NULL);
    ui_remask(&d);
    CHECK(!ui_chosen_in(&d, 4) && isnan(ui_weight(&d, 4, 3)) && ui_kept_in(&d, 4) < 0);
    view_close(v);
    ui_free(&d);
}

/* Classes and ratios are NMKE's, whatever the method; what is kept is the method's own. */
static void a_method_without_a_mask_keeps_nothing(void)
{
    static const char *const method[] = {"edit.method=kn", "edit.method=memit"};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *neurons = view_open(view_find("neurons"), &host);
    struct view *ratios = view_open(view_find("ratios"), &host);
    struct screen screen = {.ui = &d};

    make_full_ui_state(&d);
    for (int i = 0; i < 3; i++) {
        char *text[2];

        if (i) {
            params_assign(&d.params, method[i - 1], FROM_COMMAND_LINE, NULL);
            ui_remask(&d);
        }
        screen.view = neurons;
        text[0] = screen_text(&screen, 36, 120, false);
        screen.view = ratios;
        text[1] = screen_text(&screen, 36, 120, false);
        CHECK(!i == (strstr(text[0], " kept ") != NULL));
        CHECK(!i == (strstr(text[1], "Ratios and mask") != NULL));
        CHECK(!i == (strstr(text[1], "are kept") != NULL));
        CHECK(!i == (strstr(text[1], "NMKE's ratios: ") == NULL));
        if (i)
            CHECK(strstr(text[1], i == 1 ? "KN has no mask" : "MEMIT has no mask"));
        CHECK(!i == (ui_kept_in(&d, 4) > 0) && !i == !isnan(ui_weight(&d, 4, 0)));
        free(text[0]);
        free(text[1]);
    }
    view_close(neurons);
    view_close(ratios);
    ui_free(&d);
}

static const struct test tests[] = {
    {"drawn words are not called exact", drawn_words_are_said},
    {"a count is not in nats", a_count_is_not_in_nats},
    {"a method without a mask keeps nothing", a_method_without_a_mask_keeps_nothing},
    {"chosen neurons are shown", chosen_neurons_are_shown},
    {"a norm that nobody computed is no zero", a_norm_that_nobody_computed_is_no_zero},
    {"the lens opens on the answer", the_lens_opens_on_the_answer},
    {"without colours signs, rules and words remain", without_colours_signs_rules_and_words_remain},
    {"text on a ramp can be read", text_on_a_ramp_can_be_read},
    {"the map chooses layers", the_map_chooses_layers},
    {"the lens shows ranks and differences", the_lens_shows_ranks_and_differences},
    {"changes are asked about and forces re-mask", changes_are_asked_about_and_forces_remask},
    {"changes are read strictly", changes_are_read_strictly},
    {"the table filters and sorts", the_table_filters_and_sorts},
    {"a neuron in full is as it was", a_neuron_in_full_is_as_it_was},
    {"the map is never blank before scores", the_map_is_never_blank_before_scores},
    {"the cut is where the mask ends", the_cut_is_where_the_mask_ends},
    {"signs are kept where colours can show them", signs_are_kept_where_colours_can_show_them},
    {"modes and zoom are as they were", modes_and_zoom_are_as_they_were},
    {"a click takes the cell under it", a_click_takes_the_cell_under_it},
    {"a click on the small map selects too", a_click_on_the_small_map_selects_too},
};
TEST_MAIN(tests)
