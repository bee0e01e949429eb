/* Every view in five sizes, with a model of 30 layers of which five are edited, and with a long
 * fact. A text that does not fit ends in an ellipsis (the surface sees to that); here it is checked
 * that what matters fits, and that nothing is cut beside empty rows. */
#define FIXTURE_LAYERS 30
#include "tests/screens/fixture.h"

#include "tui/text.h"

static const int sizes[][2] = {{20, 60}, {24, 80}, {30, 100}, {36, 120}, {50, 200}};
enum { SIZES = sizeof(sizes) / sizeof(*sizes) };

static char *text_again(char *old, const char *text)
{
    free(old);
    return xstrdup(text);
}

/* The layers 4 to 8 are edited, and every name is long. */
static void make_long_ui_state(struct ui_state *d)
{
    make_full_ui_state(d);
    d->state.edited_count = 5;
    for (int i = 0; i < 5; i++)
        d->state.edited_layers[i] = 4 + i;
    d->preview->layers = 5;
    for (int i = 0; i < 5; i++)
        d->preview->layer[i] = (struct layer_report){.layer = 4 + i,
                                                     .kept = 504,
                                                     .gain = 0.93,
                                                     .gain_mask = 0.97,
                                                     .leak = 0.0021,
                                                     .leak_ratio = 4.3 + 100 * (i == 4),
                                                     .percentile_gain = 97,
                                                     .percentile_leak = 12.5};
    d->fact.subject = text_again(d->fact.subject, "The Worshipful Company of Xylophonists of "
                                                  "Quetzaltenango and Surroundings");
    d->fact.prompt = text_again(d->fact.prompt, "In the northern highlands of the country, {} is "
                                                "widely believed to be located in the city of");
    d->fact.target = text_again(d->fact.target, "Xylophonists of Quetzaltenango");
}

/* A screen of a view. Caller frees. */
static char *view_text(struct ui_state *d, const struct view_ops *ops, int h, int w)
{
    struct host host = host_of(d);
    struct view *v = view_open(ops, &host);
    struct screen screen = {.ui = d, .view = v, .message = "30 layers scored", .tone = TONE_GOOD};
    char *text;

    d->at_view = ops->name;
    if (v->ops->open)
        v->ops->open(v);
    text = screen_text(&screen, h, w, false);
    view_close(v);
    return text;
}

static bool has_line(const char *text, const char *part, const char *also)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        char one[2000];

        snprintf(one, sizeof(one), "%.*s", (int)n, line);
        if (strstr(one, part) && strstr(one, also))
            return true;
        line += n + (line[n] == '\n');
    }
    return false;
}

/* From 80 x 24 on: the map's window and the ratios' table show every edited layer, and how much of
 * the map is out of sight. */
static void the_edit_view_shows_the_edited_layers(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    for (int k = 1; k < SIZES; k++) {
        char *text = view_text(&d, view_find("edit"), sizes[k][0], sizes[k][1]);

        CHECK(strstr(text, "leak/g²") != NULL);
        for (int l = 4; l <= 8; l++) {
            char row[32];

            snprintf(row, sizeof(row), "│ %d  ", l);
            CHECK(has_line(text, row, "× "));
        }
        CHECK(strstr(text, "L4 ›▀") && strstr(text, "L8 ›▀"));
        CHECK((strstr(text, "L28 ") != NULL) != (strstr(text, "more below") != NULL));
        free(text);
    }
    ui_free(&d);
}

/* Names are cut, numbers are not. */
static void the_target_keeps_its_numbers(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    for (int k = 0; k < SIZES; k++) {
        char *text = view_text(&d, view_find("edit"), sizes[k][0], sizes[k][1]);

        CHECK(has_line(text, "p(target) Xylo", "0.0057 → 0.891"));
        free(text);
    }
    ui_free(&d);
}

/* Whichever layer the cursor is on, and whether one or two layers share a row. */
static void names_of_layers_stay_in_place(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    for (int k = 1; k < SIZES; k++)
        for (d.at_layer = 0; d.at_layer < 9; d.at_layer++) {
            char *text = view_text(&d, view_find("edit"), sizes[k][0], sizes[k][1]);
            bool pairs = !strstr(text, "L9  ▀");

            CHECK(strstr(text, "L0  ▀") && strstr(text, "L4 ›▀") && strstr(text, "L6 ›▀"));
            CHECK(pairs == !strstr(text, "L7 ›▀"));
            free(text);
        }
    ui_free(&d);
}

/* The lens opens where the answer appears; the first token is in sight, and what is not is counted.
 */
static void the_lens_opens_at_the_answer(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    d.at_layer = 4;
    for (int k = 1; k < SIZES; k++) {
        char *text = view_text(&d, view_find("lens"), sizes[k][0], sizes[k][1]);

        CHECK(has_line(text, "L29", "·Rome"));
        CHECK(has_line(text, "The", "·in"));
        CHECK((strstr(text, "│ L0  ") == NULL) == (strstr(text, "layers above") != NULL));
        CHECK(strstr(text, " o") && strstr(text, " +")); /* before; after is drawn as lines */
        free(text);
    }
    ui_free(&d);
}

static void make_loaded_ui_state(struct ui_state *d)
{
    make_ui_state(d);
    give_model(d);
    give_prompt_info(d);
}

/* The text of columns x.. of a row up to the next frame, and whether a frame ends it. */
static bool row_part(struct surface *s, int y, int from, int to, bool *blank)
{
    *blank = true;
    for (int x = from + 1; x < to; x++)
        *blank &= !strcmp(surface_at(s, y, x)->text, " ");
    return !strcmp(surface_at(s, y, from)->text, "│") && !strcmp(surface_at(s, y, to)->text, "│");
}

/* No text of a pane is cut while the row below it is blank: it could go on there. Rows of tables
 * may; these begin with a mark. */
static void check_cuts(struct surface *s, const char *name)
{
    for (int y = 1; y + 1 < s->h; y++)
        for (int x = 1; x < s->w; x++) {
            int from = x, to = x;
            bool blank;

            if (strcmp(surface_at(s, y, x)->text, "…") != 0)
                continue;
            while (from && strcmp(surface_at(s, y, from)->text, "│") != 0)
                from--;
            while (to + 1 < s->w && strcmp(surface_at(s, y, to)->text, "│") != 0)
                to++;
            if (to > x + 2 || !row_part(s, y + 1, from, to, &blank) || !blank ||
                (surface_at(s, y, from + 2)->text[0] | surface_at(s, y, from + 3)->text[0]) & 0x80)
                continue;
            printf("%s %dx%d: row %d is cut, the one below it is blank\n", name, s->w, s->h, y);
            CHECK(false);
        }
}

static void nothing_is_cut_beside_blank_rows(void)
{
    static void (*const make[])(struct ui_state *) = {make_ui_state, make_loaded_ui_state,
                                                      make_long_ui_state};

    for (int j = 0; j < 3; j++) {
        struct ui_state d;
        struct host host = host_of(&d);

        make[j](&d);
        for (int i = 0; views[i]; i++)
            for (int k = 0; k < SIZES; k++) {
                struct view *v = view_open(views[i], &host);
                struct screen screen = {.ui = &d, .view = v};
                struct surface *s = surface_new(sizes[k][0], sizes[k][1]);

                d.at_view = views[i]->name;
                if (v->ops->open)
                    v->ops->open(v);
                screen_draw(&screen, s);
                check_cuts(s, views[i]->name);
                surface_free(s);
                view_close(v);
            }
        ui_free(&d);
    }
}

/* The message about a window that is too small is never cut itself, down to 18 columns. */
static void a_small_window_says_what_it_needs(void)
{
    static const int small[][2] = {{15, 80}, {24, 49}, {10, 40}, {12, 24}, {14, 18}};
    struct ui_state d;

    make_ui_state(&d);
    for (int k = 0; k < 5; k++) {
        char *text = view_text(&d, view_find("edit"), small[k][0], small[k][1]);

        CHECK(strstr(text, "50×16") && strstr(text, ":q! quits") && strstr(text, "--plain"));
        CHECK(strstr(text, "Hide") || strstr(text, "larger"));
        CHECK(!strstr(text, "…"));
        free(text);
    }
    ui_free(&d);
}

/* Where the map has no room, it stands beside the parameters with a row for each edited layer, and
 * its foot names the keys of what is left out. Before there is a model, the Fact pane does. */
static void a_small_edit_view_shows_the_edited_layers(void)
{
    static const int small[][2] = {{16, 50}, {20, 60}, {24, 60}};
    struct ui_state d;
    char *text;

    make_ui_state(&d);
    text = view_text(&d, view_find("edit"), 20, 60);
    CHECK(strstr(text, "╰─ map in 2, ratios in 4 ─") && strstr(text, "mask union by topk"));
    free(text);
    ui_free(&d);
    make_long_ui_state(&d);
    for (int k = 0; k < 3; k++) {
        text = view_text(&d, view_find("edit"), small[k][0], small[k][1]);
        for (int l = 4; l <= 8; l += k ? 1 : 2) { /* in 16 rows two layers share one */
            char name[32];

            snprintf(name, sizeof(name), "│ L%d ›▀", l);
            CHECK(strstr(text, name) != NULL);
        }
        CHECK(!strstr(text, "L3 ") && !strstr(text, "L9 "));
        CHECK(strstr(text, "╰─ all: 2, ratios: 4 ─") && strstr(text, "α_ge"));
        free(text);
    }
    text = view_text(&d, view_find("edit"), 24, 80);
    CHECK(!strstr(text, "map in") && !strstr(text, "all: 2"));
    free(text);
    ui_free(&d);
}

/* What the foot of the parameters says last is the rarest: a word before it makes room. */
static void equal_gain_is_never_cut(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    d.params.value[P_MASK_COMPENSATE] = 1;
    for (int k = 1; k < SIZES; k++) {
        char *text = view_text(&d, view_find("edit"), sizes[k][0], sizes[k][1]);

        CHECK(strstr(text, "topk · L4–8 · equal gain ") != NULL);
        free(text);
    }
    ui_free(&d);
}

/* A token that is hardly probable is left out of the answers: 0.00 would not be true. */
static void no_token_has_no_chance(void)
{
    struct ui_state d;
    char *text;

    make_ui_state(&d);
    give_model(&d);
    give_prompt_info(&d);
    CHECK(d.prompt_info->nexts > 1);
    d.prompt_info->next[1].p = 0.0012;
    text = view_text(&d, view_find("edit"), 36, 120);
    CHECK(has_line(text, "now says", "0.") && !has_line(text, "now says", "0.00"));
    free(text);
    ui_free(&d);
}

/* The two headings over the words of neurons do not run together. */
static void headings_are_apart(void)
{
    struct ui_state d;

    make_full_ui_state(&d);
    for (int w = 50; w < 200; w++) {
        char *text = view_text(&d, view_find("neurons"), 30, w);
        const char *second = strstr(text, "suppr");

        CHECK(!strstr(text, "promot") || strstr(text, "promotes ") || strstr(text, "promot… "));
        CHECK(second ? second[-1] == ' ' && !strncmp(second, "suppresses", 10) : w < 72);
        free(text);
    }
    ui_free(&d);
}

/* Before anything was edited the ranks are those of now, not those before an edit. */
static void ranks_without_an_edit_are_of_now(void)
{
    struct ui_state d;
    char *text;

    make_full_ui_state(&d);
    text = view_text(&d, view_find("lens"), 36, 120);
    CHECK(strstr(text, "before o +") && strstr(text, "after  ──"));
    free(text);
    ui_free(&d);
    make_ui_state(&d);
    give_model(&d);
    give_prompt_info(&d);
    d.state.edits = 0;
    text = view_text(&d, view_find("lens"), 36, 120);
    CHECK(strstr(text, "now    ──") && !strstr(text, "before "));
    free(text);
    ui_free(&d);
}

/* The frame with the focus has the colour of the state. */
static void the_frame_shows_the_state(void)
{
    static const enum role want[3] = {ROLE_BORDER_FOCUS, ROLE_EDITED, ROLE_PREVIEW};
    struct ui_state d;
    struct host host = host_of(&d);
    struct view *v = view_open(view_find("heatmap"), &host);
    struct screen screen = {.ui = &d, .view = v};
    struct surface *s = surface_new(24, 80);

    make_long_ui_state(&d);
    for (int k = 0; k < 3; k++) {
        d.state.preview = k == 2;
        d.state.edits = k > 0;
        screen_draw(&screen, s);
        CHECK(surface_at(s, 1, 0)->role == (int)want[k]);
    }
    surface_free(s);
    view_close(v);
    ui_free(&d);
}

/* What a map's colours mean stands below it: scale, 0 and the largest value. */
static void every_map_has_its_legend(void)
{
    struct ui_state d;

    make_long_ui_state(&d);
    for (int k = 1; k < SIZES; k++)
        for (int i = 0; i < 2; i++) {
            char *text = view_text(&d, view_find(i ? "heatmap" : "edit"), sizes[k][0], sizes[k][1]);

            CHECK(has_line(text, "scale √  0 ", "7.5+"));
            CHECK(strstr(text, i || sizes[k][1] > 80 ? "max of each bin" : "Δ log p"));
            free(text);
        }
    ui_free(&d);
}

/* While the target is optimised, its losses are drawn step by step, and they are numbers of now. */
static void the_target_is_drawn_as_it_comes(void)
{
    struct ui_state d;

    make_loaded_ui_state(&d);
    ui_add_job(&d, 1, (struct ui_job){.kind = CMD_PREVIEW});
    for (int n = 1; n <= 3; n++) {
        struct target_step *step = xcalloc(1, sizeof(*step));
        char want[2][32], number[16], *text;

        *step = (struct target_step){.step = n, .loss = 9 - 2 * n, .p_target = 0.1 * n};
        give(&d, EV_STEP, step);
        snprintf(want[0], sizeof(want[0]), "loss %d.000", 9 - 2 * n);
        snprintf(want[1], sizeof(want[1]), "p(target) %s", text_probability(number, 0.1 * n));
        for (int k = 1; k < SIZES; k++) {
            text = view_text(&d, view_find("edit"), sizes[k][0], sizes[k][1]);
            CHECK(strstr(text, want[0]) && strstr(text, want[1]));
            free(text);
        }
    }
    ui_free(&d);
}

/* In 60 columns a heading keeps its words, and the help of a parameter goes on in the next row. */
static void narrow_tables_keep_their_words(void)
{
    static const char *const head[][2] = {{"neurons", "promotes"}, {"models", "where"}};
    struct ui_state d;
    const char *help;
    char *text;

    make_full_ui_state(&d);
    for (int i = 0; i < 2; i++) {
        const char *line;

        text = view_text(&d, view_find(head[i][0]), 20, 60);
        line = strstr(text, head[i][1]);
        CHECK(line && strcspn(line, "\n") <
                          (size_t)(strstr(line, "…") ? strstr(line, "…") - line : 1 << 20));
        free(text);
    }
    text = view_text(&d, view_find("options"), 20, 60);
    help = param_info((enum param)0)->help;
    CHECK(text_width(help) > 56 && strstr(text, strrchr(help, ' ') + 1) != NULL);
    free(text);
    ui_free(&d);
}

static const struct test tests[] = {
    {"every map has its legend", every_map_has_its_legend},
    {"narrow tables keep their words", narrow_tables_keep_their_words},
    {"the target is drawn as it comes", the_target_is_drawn_as_it_comes},
    {"the Edit view shows the edited layers", the_edit_view_shows_the_edited_layers},
    {"the target keeps its numbers", the_target_keeps_its_numbers},
    {"names of layers stay in place", names_of_layers_stay_in_place},
    {"the lens opens at the answer", the_lens_opens_at_the_answer},
    {"the frame shows the state", the_frame_shows_the_state},
    {"a small Edit view shows the edited layers", a_small_edit_view_shows_the_edited_layers},
    {"headings are apart", headings_are_apart},
    {"no token has no chance", no_token_has_no_chance},
    {"equal gain is never cut", equal_gain_is_never_cut},
    {"ranks without an edit are of now", ranks_without_an_edit_are_of_now},
    {"nothing is cut beside blank rows", nothing_is_cut_beside_blank_rows},
    {"a small window says what it needs", a_small_window_says_what_it_needs},
};
TEST_MAIN(tests)
