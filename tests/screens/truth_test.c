/* No number stands on the screen as exact whose stamp is not the one at hand.
 *
 * The whole program runs without a terminal on a small model. Keys are pressed at random (another
 * fact, parameters, x, P, C, u, redo, discard, Ctrl-C, views) while jobs run; after each frame the
 * drawn cells are read. What is drawn in a role other than ROLE_STALE is taken as a claim: then an
 * event must have come whose job began with the stamp that is at hand now, and the number must be
 * that event's. The test takes both from the engine's events, which it sees on their way to the
 * program (the linker puts it between them: --wrap=engine_next), and has a list of its own of what
 * each kind of result depends on. What is stale must be what the title of its pane says.
 *
 * First every view is shown once in peace: each kind of claim must have been checked then. How many
 * the random keys meet depends on how fast the machine is, and is not asked. */
#include <poll.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/device/device.h"
#include "tests/screens/claims_views.h"

#define MODEL "tests/data/architectures/llama3/model.gguf"

enum { H = 36, W = 120, ACTIONS = 200, SEEDS = 5 };

static char folder[64];

/* ---- the panes ---- */

/* The commit of the fact at hand that made the weights at hand, by the history: after an undo that
 * is an older one. Else the newest. */
static const struct claim *commit_claim(void)
{
    const struct claim *newest = fitting(on, EV_COMMIT, 0, FACT, heard.claims), *c = newest;

    while (c) {
        for (int i = 0; i < heard.rows; i++)
            if (heard.row[i].edit == c->edit && heard.row[i].active &&
                !strcmp(heard.row[i].state, heard.state))
                return c;
        c = fitting(on, EV_COMMIT, 0, FACT, (int)(c - heard.claim));
    }
    return newest;
}

/* The verdict's report: of a preview of what is at hand, or of a commit of the fact at hand. */
static const struct claim *verdict_claim(bool exact)
{
    const struct claim *preview =
        fitting(on, EV_PREVIEW, 0, exact ? FACT | STAMP_EDIT | STAMP_STATE : FACT, heard.claims);
    const struct claim *commit = commit_claim();

    return heard.preview && preview > commit ? preview : commit; /* the newer: both in one array */
}

/* The answers before and after of the verdict's own job; else the newest, which were asked again.
 */
static const struct claim *sides_claim(void)
{
    const struct claim *made = verdict_claim(false);
    const struct claim *newest = fitting(on, EV_SIDES, 0, FACT, heard.claims), *c = newest;

    while (c && made && c->job != made->job)
        c = fitting(on, EV_SIDES, 0, FACT, (int)(c - heard.claim));
    return c ? c : newest;
}

/* "p(target) Rome 0.006 → 0.891": before and after by one report; or one number by itself. */
static void check_target(struct rect in, int y, const struct claim *info)
{
    const struct claim *made = verdict_claim(true);
    bool two = column_of(in, y, " → ") > 0, before = column_of(in, y, " before") > 0;
    char number[2][16], want[80];

    if (before)
        snprintf(want, sizeof(want), "%s before",
                 made ? text_probability(number[0], made->p[0]) : "none came");
    else if (two)
        snprintf(want, sizeof(want), "%s → %s",
                 made ? text_probability(number[0], made->p[0]) : "none came",
                 made ? text_probability(number[1], made->p[1]) : "");
    else
        snprintf(want, sizeof(want), "%s %s", on->ui.fact.target,
                 info ? text_probability(number[0], info->p[0]) : "none came");
    expect_claim(column_of(in, y, want) >= 10, "p(target)", in, y);
}

/* p(target), its value before and after a preview or commit, and the likeliest next token. */
static void check_fact(void)
{
    struct rect in = pane("Fact");
    const struct claim *info = fitting(on, EV_PROMPT, 0, FACT | STAMP_STATE, heard.claims);
    const struct claim *sides = sides_claim();
    char want[80];

    for (int y = 0; y < in.h; y++) {
        bool before = !column_of(in, y, "before "), after = !column_of(in, y, "after ");

        if (!column_of(in, y, "p(target)") && role_at(in, y, 10) == ROLE_NEW &&
            role_at(in, y, 11 + text_width(on->ui.fact.target)) != ROLE_STALE) {
            check_target(in, y, info);
        } else if (!column_of(in, y, "now says") && role_at(in, y, 10) != ROLE_STALE) {
            snprintf(want, sizeof(want), " %s", info ? info->text : "none came");
            expect_claim(info && column_of(in, y, want) > 10, "now says", in, y);
        } else if ((before || after) && sides) {
            snprintf(want, sizeof(want), " %s", sides->said[after]);
            expect_claim(column_of(in, y, want) > 10, "before or after", in, y);
        }
    }
}

/* The scores of a layer that fit; with `mpc` the free estimates. */
static const struct claim *scores_of(int layer, bool mpc)
{
    for (int before = heard.claims; before > 0;) {
        const struct claim *c = fitting(on, EV_LAYER, layer, ROW, before);

        if (!c || (c->score->strategy == STRATEGY_MPC) == mpc)
            return c;
        before = (int)(c - heard.claim);
    }
    return NULL;
}

/* Whether a row of cells has a colour of a ramp: of `grey`, or of any other. */
static bool row_is_coloured(struct rect in, int y, bool grey)
{
    for (int x = 5; x < in.w - 8; x++) {
        int slot = cell(in.y + y, in.x + x)->fg;

        if (slot && !(slot & 0x8000) && ((slot - 1) / RAMP_LEVELS == RAMP_GREY) == grey)
            return true;
    }
    return false;
}

/* The rows of the map: each layer has at least one row of cells in this model. */
static void check_map(void)
{
    struct rect in = pane("Attribution");
    char text[1024], want[64], peak[32];
    int layer;

    for (int y = 0; y < in.h; y++) {
        if (sscanf(row_text(in.y + y, in.x, 4, text), "L%d", &layer) != 1 ||
            layer >= on->ui.layers || column_of(in, y, "scale") >= 0)
            continue;
        if (title_has(in, "LPS"))
            check_stale_row(in, y, layer);
        if (row_is_coloured(in, y, true))
            expect_claim(scores_of(layer, true) != NULL, "MPC scores", in, y);
        if (row_is_coloured(in, y, false)) {
            const struct claim *c = scores_of(layer, false);

            expect_claim(c || (!title_has(in, "LPS") && scores_of(layer, true)),
                         "scores of a layer", in, y);
            if (!c || !title_has(in, "LPS") || title_has(in, "≈"))
                continue; /* coefficients; extrapolated to another amplification */
            snprintf(want, sizeof(want), "%s", peak_text(c->score, peak));
            expect_claim(column_of(in, y, want) > 0, "the peak of a layer", in, y);
        }
    }
}

/* The gain and leak that any report of this layer says. */
static bool leak_is_reported(struct rect in, int y, int layer)
{
    static const enum event_kind kind[] = {EV_ESTIMATE, EV_PREVIEW, EV_COMMIT};
    struct stamp now = at_hand(on);

    for (int i = 0; i < heard.claims; i++)
        for (int k = 0; k < 3; k++) {
            const struct claim *c = &heard.claim[i];

            if (c->kind != kind[k] ||
                stamp_differs(&c->stamp, &now, FACT | STAMP_EDIT | STAMP_STATE))
                continue;
            for (int l = 0; l < c->layers; l++) {
                char want[32];

                snprintf(want, sizeof(want), c->layer[l].leak_ratio >= 100 ? "%.0f×" : "%.1f×",
                         c->layer[l].leak_ratio);
                if (c->layer[l].layer == layer && column_of(in, y, want) > 0)
                    return true;
            }
        }
    return false;
}

/* Counts of the masks, built here from the event's scores, and gain and leak. */
static void check_ratios(void)
{
    struct rect in = pane("Ratios and mask");
    char text[1024], want[64];
    int layer;

    for (int y = 1; y < in.h; y++) {
        int times = column_of(in, y, "×"), share = column_of(in, y, "%");
        const struct claim *c;
        struct mask *mask;

        if (sscanf(row_text(in.y + y, in.x, 2, text), "%d", &layer) != 1 || share < 0 ||
            role_at(in, y, share) == ROLE_STALE)
            continue;
        c = scores_of(layer, false);
        expect_claim(c != NULL, "ratios of a layer", in, y);
        if (!c)
            continue;
        if (fabs(c->score->amplify - on->ui.params.value[P_ATTR_AMPLIFY]) < 1e-9) {
            mask = mask_build(c->score, &on->ui.params);
            mask_apply_overrides(mask, on->ui.mask_override, on->ui.mask_override_count);
            snprintf(want, sizeof(want), " %d %2.0f%%", mask->selected,
                     100.0 * mask->selected / mask->neurons);
            expect_claim(column_of(in, y, want) > 0, "neurons kept", in, y);
            mask_free(mask);
        }
        if (times > 0 && role_at(in, y, times) != ROLE_STALE)
            expect_claim(leak_is_reported(in, y, layer), "gain and leak", in, y);
    }
}

static void check_neurons(void)
{
    struct rect in = pane("Strongest neurons");
    char text[1024], want[32];
    int layer, neuron;

    for (int y = 0; y < in.h; y++) {
        const struct claim *c;
        double score = -(double)INFINITY;

        if (sscanf(row_text(in.y + y, in.x + 2, 12, text), "L%dN%d", &layer, &neuron) != 2 ||
            role_at(in, y, 2) == ROLE_STALE)
            continue;
        c = scores_of(layer, false);
        expect_claim(c != NULL, "a strong neuron", in, y);
        if (!c || fabs(c->score->amplify - on->ui.params.value[P_ATTR_AMPLIFY]) > 1e-9)
            continue;
        for (int r = 0; r < c->score->rows; r++)
            score = fmax(score, (double)c->score->score[r * c->score->neurons + neuron]);
        snprintf(want, sizeof(want), fabs(score) < 0.05 ? "%.0e" : "%.1f", score);
        expect_claim(column_of(in, y, want) > 0, "score of a neuron", in, y);
    }
}

/* Whether the area has text in this role. */
static bool has_role(struct rect in, enum role role)
{
    for (int y = 0; y < in.h; y++)
        for (int x = 0; x < in.w; x++)
            if (role_at(in, y, x) == role && strcmp(cell(in.y + y, in.x + x)->text, " ") != 0)
                return true;
    return false;
}

/* Whether it has a cell on a level of a ramp. */
static bool has_ramp(struct rect in)
{
    for (int y = 0; y < in.h; y++)
        for (int x = 0; x < in.w; x++) {
            const struct cell *c = cell(in.y + y, in.x + x);

            if ((c->bg && !(c->bg & 0x8000)) || (c->fg && !(c->fg & 0x8000)))
                return true;
        }
    return false;
}

/* The rows of layers in a pane, without the legend and its bar. */
static struct rect layers_of(struct rect in)
{
    char text[1024];

    for (int y = 0; y < in.h; y++)
        if (strstr(row_text(in.y + y, in.x, in.w, text), "█")) {
            in.h = y;
            break;
        }
    return in;
}

static void check_ranks(void)
{
    struct rect in = pane("Lens: rank by layer");

    bool side = title_has(in, ", before") || title_has(in, ", after"); /* of a verdict */

    if (has_role(in, ROLE_NEW))
        expect_claim(fitting(on, side ? EV_SIDES : EV_PROMPT, 0, side ? FACT : FACT | STAMP_STATE,
                             heard.claims) != NULL,
                     "ranks by layer", in, 0);
}

static void check_lens(void)
{
    struct rect in = pane("Top token: ");
    unsigned state = title_has(in, "PREVIEW")  ? STATE_PREVIEW
                     : title_has(in, "EDITED") ? STATE_EDITED
                                               : STATE_BASE;
    unsigned parts = state == STATE_PREVIEW  ? FACT | STAMP_EDIT | STAMP_STATE
                     : state == STATE_EDITED ? FACT | STAMP_STATE
                                             : FACT;

    if (has_ramp(layers_of(in)))
        expect_claim(fitting(on, EV_LENS, (int)state, parts, heard.claims) != NULL, "the lens grid",
                     in, 0);
}

static void check_trace(void)
{
    struct rect in = pane("Causal trace");

    if (has_ramp(layers_of(in)))
        expect_claim(fitting(on, EV_TRACE, 0, FACT | STAMP_STATE, heard.claims) != NULL,
                     "the causal trace", in, 0);
}

static void check_answers(void)
{
    static const struct {
        const char *title;
        unsigned state, parts;
    } of[] = {{"EDITED", STATE_EDITED, STAMP_STATE},
              {"PREVIEW", STATE_PREVIEW, FACT | STAMP_EDIT | STAMP_STATE}};

    for (int k = 0; k < 2; k++) {
        struct rect in = pane(of[k].title);

        if (in.h > 1 && (has_role(in, ROLE_STRONG) || has_role(in, ROLE_BAR)))
            expect_claim(fitting(on, EV_ANSWER, (int)of[k].state, of[k].parts, heard.claims) !=
                             NULL,
                         "an answer", in, 0);
    }
}

static void check_banner(void)
{
    struct rect row = {0, 0, 1, W};
    int x = column_of(row, 0, "◐ PREVIEW");
    struct stamp now = at_hand(on);

    if (x >= 0 && role_at(row, 0, x) == ROLE_PREVIEW)
        expect_claim(heard.previewed >= 0 && !stamp_differs(&heard.claim[heard.previewed].stamp,
                                                            &now, FACT | STAMP_EDIT | STAMP_STATE),
                     "a preview", row, 0);
}

static void check_screen(void)
{
    app_paint(on, H, W);
    check_banner();
    if (on->asking || on->typing)
        return; /* a dialog lies over the panes */
    check_fact();
    check_map();
    check_ratios();
    check_neurons();
    check_ranks();
    check_lens();
    check_trace();
    check_answers();
    check_compare();
    check_sweep();
    check_facts();
    check_journal();
    check_drift();
}

/* ---- the user ---- */

static unsigned seed;

static int pick(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)(seed >> 8) % n;
}

static void press(const char *names)
{
    char name[16];
    int n;

    for (const char *p = names; sscanf(p, "%15s%n", name, &n) == 1; p += n) {
        struct key key = {.code = key_parse(name)};

        app_user_key(on, &key);
    }
}

static void type(const char *text)
{
    for (; *text; text++) {
        struct key key = {.code = (unsigned char)*text};

        app_user_key(on, &key);
    }
}

/* Takes events for so long, and looks at each frame. */
static void pass(double seconds)
{
    double until = clock_seconds() + seconds;

    do {
        struct pollfd fd = {.fd = engine_fd(on->engine), .events = POLLIN};
        double left = until - clock_seconds();

        poll(&fd, 1, left > 0 ? (int)(left * 1000) + 1 : 0);
        app_work(on);
        check_screen();
    } while (clock_seconds() < until && !test_failures);
}

static bool is_idle(void)
{
    for (int i = 0; i < UI_JOBS; i++)
        if (on->ui.job[i].job)
            return false;
    return on->ui.ready && !(on->estimate_at > 0);
}

static void pass_until_idle(double most)
{
    double until = clock_seconds() + most;

    do
        pass(0.01);
    while (!is_idle() && clock_seconds() < until && !test_failures);
}

static void command(const char *line)
{
    press(":");
    type(line);
    press("enter");
}

/* One more fact for the list of the Facts view, with probes. */
static void list_fact(void)
{
    static const char *const subject[] = {"Big Ben", "Louvre", "Eiffel Tower"};
    char path[128], line[200], text[512];

    snprintf(path, sizeof(path), "%s/facts.jsonl", folder);
    snprintf(text, sizeof(text),
             "{\"subject\": \"%s\", \"prompt\": \"The {} is in\", \"target_new\": \"Oslo\", "
             "\"rephrase\": \"One finds it in\", \"locality\": [{\"prompt\": \"Lisbon is in\"}, "
             "{\"prompt\": \"The sky is\"}]}\n",
             subject[pick(3)]);
    CHECK(file_write(path, text, strlen(text), NULL));
    snprintf(line, sizeof(line), "facts %s", path);
    press("9");
    command(line);
}

static void other_fact_is(const char *subject, const char *object)
{
    char line[128];

    snprintf(line, sizeof(line), "fact %s | The {} is in | %s", subject, object);
    command(line);
}

static void other_fact(void)
{
    static const char *const subject[] = {"Big Ben", "Louvre", "Eiffel Tower"};
    static const char *const object[] = {"Rome", "Oslo"};
    const char *chosen = subject[pick(3)];

    other_fact_is(chosen, object[pick(2)]);
}

static void act(void)
{
    static const char *const keys[] = {
        "x",     "x",         "P",   "P",   "C y", "C y", "u y",     "u y",
        "C-r",   "D",         "b +", "b .", "b -", "a +", "t +",     "t -",
        "t .",   "T",         "M",   "Z",   "1",   "1",   "1",       "2",
        "2 d",   "2 d enter", "3",   "4",   "5",   "5",   "6 enter", "6",
        "8",     "f",         "C-c", "1 x", "1 P", "7",   "7 x",     "7 @",
        "#",     "# x",       "# d", "8 d", "8 d", "9",   "9 B",     "9 C y e s enter",
        "2 d x",
    };
    int n = (int)(sizeof(keys) / sizeof(*keys)), k = pick(n + 12);

    if (k >= n + 4)
        other_fact();
    else if (k >= n + 2)
        list_fact();
    else if (k >= n)
        command("sweep beta_ge=.2,.5;temperature=.05,.5");
    else
        press(keys[k]);
    if (on->typing || on->asking)
        press("esc");
    if (pick(16) == 0)
        pass_until_idle(0.5);
    else
        pass(0.001 * pick(8));
}

static void press_and_wait(const char *names)
{
    press(names);
    if (on->typing || on->asking)
        press("esc");
    pass_until_idle(60);
}

/* Every view shows what there is to show, so that each kind of claim is checked, however fast the
 * machine is. A job of this model takes milliseconds; a wait ends after a minute. */
static void show_everything(void)
{
    static const char *const keys[] = {
        "1 x", "1 P", "3", "4", "5",     "2",      "1 C y", "1 x", "5",   "6 enter", "7 x",
        "8",   "8 d", "8", "9", "9 C y", "9 down", "9 B",   "# x", "1 P", "5",       "6 enter",
    };

    list_fact();
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        press_and_wait(keys[i]);
    other_fact_is("Big Ben", "Oslo"); /* what is there is stale */
    press_and_wait("1");
    press_and_wait("2");
    for (int i = 0; i < 4; i++) /* to the causal trace */
        press_and_wait("d x");
}

static void run(unsigned number, bool first)
{
    struct fact fact = {.subject = (char[]){"Eiffel Tower"},
                        .prompt = (char[]){"The {} is in"},
                        .target = (char[]){"Rome"}};
    struct app_options options = {.theme = "dark", .fact = &fact};
    struct engine_options how = {.model = MODEL,
                                 .create = true,
                                 .device = &device_cpu,
                                 .threads = 1,
                                 .prefixes = "tests/data/goldens/prefixes.txt",
                                 .text = "samples/text/wikitext2-test.txt",
                                 .params = &options.params};
    struct err err = {0};
    struct engine *engine;

    params_default(&options.params);
    CHECK(params_assign(&options.params, "stats.tokens=600", FROM_COMMAND_LINE, &err) &&
          params_assign(&options.params, "stats.window=64", FROM_COMMAND_LINE, &err) &&
          params_assign(&options.params, "edit.layers=1-2", FROM_COMMAND_LINE, &err) &&
          params_assign(&options.params, "edit.v_steps=6", FROM_COMMAND_LINE, &err));
    seed = number;
    heard_clear();
    engine = engine_start(&how, &err);
    CHECK_STR(err.text, "");
    if (!engine)
        return;
    on = app_start(engine, &options);
    on->offscreen = true;
    CHECK(app_theme(on, "dark", &err));
    pass_until_idle(20);
    press("7");
    command("masks 2");
    if (first) {
        show_everything();
        expect_all_kinds();
    }
    for (int i = 0; i < ACTIONS && !test_failures; i++)
        act();
    if (test_failures)
        printf("seed %u\n", number);
    app_finish(on);
    engine_stop(engine);
    heard_clear();
}

/* $TRUTH_SEED: the first seed, for other runs than those of `make check`. */
static unsigned first_seed(void)
{
    const char *text = getenv("TRUTH_SEED");

    return text ? (unsigned)strtoul(text, NULL, 10) : 1;
}

static void no_number_is_shown_as_what_it_is_not(void)
{
    if (getenv("SCREENS"))
        SKIP("it has no golden screen to write");
    for (unsigned i = 0; i < SEEDS && !test_failures; i++)
        run(first_seed() + i, !i);
}

static const struct test tests[] = {
    {"no number is shown as what it is not", no_number_is_shown_as_what_it_is_not},
};
FOLDER_MAIN(folder, tests)
