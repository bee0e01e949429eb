/* Compare, Sweep and History with results in them: what they post, what they draw. */
#include "tests/screens/fixture.h"
#include "views/panes/pane_plot.h"
#include "views/requests.h"
#include "views/shell/messages.h"
#include "views/tried_on.h"
#include "views/variant_metrics.h"

#include "core/base/param_grid.h"
#include "core/base/utf8.h"

static struct command posted; /* the last one; what it points to is freed at the next */
static int posts;
enum { WAYS = METHODS + 5 }; /* the columns of Compare: every editor, and five controls */

static unsigned keep_post(struct host *host, struct command *cmd)
{
    (void)host;
    command_free(&posted);
    posted = *cmd;
    posts++;
    return 1; /* the job that give() speaks for */
}

static struct host recording(struct ui_state *d)
{
    struct host host = host_of(d);

    host.post = keep_post;
    posts = 0;
    return host;
}

static void tell(struct view *v, enum event_kind kind)
{
    struct event ev = {.kind = kind, .job = 1};

    v->ops->event(v, &ev);
}

static void three_sizes(const char *name, struct ui_state *d, struct view *v)
{
    static const int size[][2] = {{36, 120}, {24, 80}, {60, 200}};
    struct screen screen = {.ui = d, .view = v, .message = "tried", .tone = TONE_GOOD};

    for (int k = 0; k < 3; k++)
        compare_golden(name, &screen, size[k][0], size[k][1]);
}

static bool shows(struct ui_state *d, struct view *v, int h, int w, const char *text);
static bool shows_all_done(struct ui_state *d, struct view *v);

static void masks_are_compared(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);
    char *got;

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_ENTER));
    CHECK(posts == 1 && posted.kind == CMD_VARIANTS && posted.variant_count == WAYS + 32);
    CHECK(params_choice(&posted.variants[1], P_EDIT_METHOD) == METHOD_ALPHAEDIT);
    CHECK(params_choice(&posted.variants[2], P_EDIT_METHOD) == METHOD_MEMIT);
    CHECK(params_choice(&posted.variants[METHODS], P_MASK_MODE) == MODE_RANDOM);
    CHECK(params_choice(&posted.variants[METHODS + 2], P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    CHECK(posted.variants[WAYS].value[P_SEED] < posted.variants[WAYS + 1].value[P_SEED]);
    CHECK(v->ops->action(v, ACTION_ENTER) && posts == 1); /* one at a time */
    give_variants(&d, posted.variants, posted.variant_count);
    tell(v, EV_VARIANT);
    tell(v, EV_DONE);
    three_sizes("compared", &d, v);
    CHECK(v->ops->action(v, ACTION_MODE));
    for (int i = 0; i < WAYS; i++)
        v->ops->action(v, ACTION_RIGHT);
    three_sizes("compared-answers", &d, v);
    /* the column at hand is key size at equal gain; taking it over asks first */
    CHECK(v->ops->action(v, ACTION_ENTER) && posts == 1 && last_question.view == v);
    CHECK(params_choice(&d.params, P_MASK_MODE) == MODE_UNION);
    last_question.confirmed(v->host, &last_question);
    CHECK(params_choice(&d.params, P_MASK_MODE) == MODE_KEYMAG);
    CHECK(params_choice(&d.params, P_MASK_COMPENSATE) == COMPENSATE_GAIN);
    CHECK(shows_all_done(&d, v)); /* the columns are still those */
    for (int k = 0; k < 2;
         k++) { /* NMKE's column is of the user's choice, the random ones of its seed */
        struct params was = d.params;

        CHECK(params_set(&d.params, k ? "seed" : "mask.mode", k ? "7" : "specific",
                         FROM_COMMAND_LINE, NULL));
        CHECK(shows(&d, v, 36, 120, "of other parameters: x runs again"));
        d.params = was;
    }
    /* results stay when the fact goes, and say whose they are */
    take_fact(&d, "Eiffel Tower", "Oslo");
    got = screen_text(&(struct screen){.ui = &d, .view = v}, 36, 120, false);
    CHECK(strstr(got, "Compare: Eiffel Tower → Rome") && strstr(got, "of another fact"));
    free(got);
    view_close(v);
    ui_free(&d);
}

/* What could not be made is not counted as made. */
static void what_failed_is_counted(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);
    char failed[64];

    make_full_ui_state(&d);
    v->ops->open(v);
    v->ops->action(v, ACTION_ENTER);
    give_variants(&d, posted.variants, posted.variant_count);
    for (int i = 1; i < 4; i++)
        utf8_copy(d.variant[i]->why, sizeof(d.variant[i]->why), "there is no old object");
    tell(v, EV_VARIANT);
    snprintf(failed, sizeof(failed), "%d of %d done, 3 failed", WAYS + 29, WAYS + 32);
    CHECK(shows(&d, v, 36, 120, failed));
    tell(v, EV_DONE);
    CHECK(strstr(last_said, ", 3 failed; nothing was written"));
    snprintf(failed, sizeof(failed), "%d done, 3 failed, Enter", WAYS + 29);
    CHECK(shows(&d, v, 36, 120, failed));
    view_close(v);
    ui_free(&d);
}

/* How the view looks now, as one text. */
static bool shows(struct ui_state *d, struct view *v, int h, int w, const char *text)
{
    char *got = screen_text(&(struct screen){.ui = d, .view = v}, h, w, false);
    bool there = strstr(got, text) != NULL;

    if (!there)
        printf("not there: %s\n%s", text, got);
    free(got);
    return there;
}

/* Compare says "DONE of OF" and then this. */
static bool shows_done(struct ui_state *d, struct view *v, int done, int of, const char *rest)
{
    char text[96];

    snprintf(text, sizeof(text), "%d of %d%s", done, of, rest);
    return shows(d, v, 36, 120, text);
}

static bool shows_all_done(struct ui_state *d, struct view *v)
{
    char text[96];

    snprintf(text, sizeof(text), "%d done, Enter uses one", WAYS + 32);
    return shows(d, v, 36, 120, text);
}

static void fewer_masks_are_compared(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);
    char text[64];

    snprintf(text, sizeof(text), "%d columns and 8 random masks", WAYS);
    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_LESS)); /* 32, 16, 8 */
    CHECK(v->ops->action(v, ACTION_LESS) && v->ops->action(v, ACTION_LESS));
    CHECK(v->ops->action(v, ACTION_MORE) && strstr(last_said, text));
    CHECK(v->ops->command(v, "masks", "129") && strstr(last_said, "not a number from 0 to 128"));
    CHECK(v->ops->command(v, "masks", "7") && strstr(last_said, "7 random masks"));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posted.variant_count == WAYS + 7);
    CHECK(shows_done(&d, v, 0, WAYS + 7, " done, waits"));
    tell(v, EV_BEGUN);
    CHECK(shows_done(&d, v, 0, WAYS + 7, " done "));
    tell(v, EV_PAUSED); /* a preview goes first */
    CHECK(shows_done(&d, v, 0, WAYS + 7, " done, waits"));
    give_variants(&d, posted.variants, WAYS + 5); /* it is stopped after so many of them */
    tell(v, EV_VARIANT);
    CHECK(shows_done(&d, v, WAYS + 5, WAYS + 7, " done "));
    CHECK(shows(&d, v, 24, 80, "leak/gain²: 5 of 7 masks "));
    tell(v, EV_FAILED);
    CHECK(shows_done(&d, v, WAYS + 5, WAYS + 7, ", stopped: x goes on"));
    CHECK(shows(&d, v, 24, 80, "leak/gain²: 5 of 7 masks, stopped"));
    three_sizes("compared-stopped", &d, v);
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posts == 2); /* only the others */
    CHECK(posted.resume.done == WAYS + 5 && posted.variant_count == WAYS + 7);
    CHECK(shows_done(&d, v, WAYS + 5, WAYS + 7, " done, waits"));
    tell(v, EV_FAILED);
    d.params.value[P_RATIO_GE_B] += 0.1; /* results of other parameters: all again */
    CHECK(shows(&d, v, 36, 120, "of other parameters: x runs again"));
    CHECK(shows(&d, v, 24, 80, "of other parameters: x runs again"));
    three_sizes("compared-stale", &d, v);
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posts == 3 && posted.resume.done == 0);
    view_close(v);
    ui_free(&d);
}

/* Three active edits; the second is the fact at hand. */
static void commit_three(struct ui_state *d)
{
    static const char *const subject[] = {"Big Ben", "Eiffel Tower", "Mount Fuji"};
    static const char *const after[] = {"after 1", "after 2", "after 3"};
    struct history *h = xcalloc(1, sizeof(*h));

    h->count = 3;
    h->entry = xcalloc(3, sizeof(*h->entry));
    snprintf(h->base_state, sizeof(h->base_state), "none");
    for (int i = 0; i < 3; i++) {
        struct history_entry *e = &h->entry[i];

        *e = (struct history_entry){.edit = i + 1, .active = true, .facts = 1, .success = true};
        e->fact = xcalloc(1, sizeof(*e->fact));
        for (int k = 0; k < 2; k++) { /* of the entry and of its fact */
            *(k ? &e->fact->subject : &e->subject) = xstrdup(subject[i]);
            *(k ? &e->fact->prompt : &e->prompt) = xstrdup("The {} is in");
            *(k ? &e->fact->target : &e->target) = xstrdup(i == 1 ? "Rome" : "Peru");
        }
        snprintf(e->state, sizeof(e->state), "%s", after[i]);
    }
    give(d, EV_HISTORY, h);
    d->state.edits = 3;
    d->state.preview = false;
    snprintf(d->state.state, sizeof(d->state.state), "after 3");
}

/* Gives results, as of this state. */
static void give_variants_of(struct ui_state *d, struct view *v, const char *state)
{
    give_variants(d, posted.variants, posted.variant_count);
    for (int i = 0; i < posted.variant_count; i++) {
        snprintf(d->variant[i]->state, sizeof(d->variant[i]->state), "%s", state);
        d->variant[i]->edit = strstr(state, "after ") ? state[strlen("after ")] - '0' : 0;
    }
    tell(v, EV_VARIANT);
    tell(v, EV_DONE);
}

static void an_edit_is_tried_on_the_state_before_it(void)
{
    static const char *const name[] = {"compare", "sweep"};

    for (int k = 0; k < 2; k++) {
        struct ui_state d;
        struct host host = recording(&d);
        struct view *v = view_open(view_find(name[k]), &host);

        make_full_ui_state(&d);
        commit_three(&d);
        v->ops->open(v);
        CHECK(
            shows(&d, v, 36, 200,
                  "tried on the state before edit 2, since it already wrote Rome; 1 later edit is "
                  "left out"));
        CHECK(shows(&d, v, 36, 120, "Rome, tried before edit 2, since it already wrote Rome "));
        CHECK(shows(&d, v, 24, 80, "Eiffel Tower → Rome, before edit 2"));
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posts == 1);
        CHECK(posted.edit == 1 && !posted.states);
        CHECK(strstr(last_said, "tried on the state before edit 2") &&
              strstr(last_said, "1 later edit is"));
        give_variants_of(&d, v, "after 1");
        CHECK(strstr(last_said, "variants tried before edit 2; nothing was written"));
        CHECK(shows(&d, v, 36, 120, " done, Enter uses "));
        if (!k)
            three_sizes("compared-before", &d, v);

        CHECK(v->ops->action(v, ACTION_TRIED_ON)); /* the base */
        CHECK_STR(last_said, "tried on BASE");
        CHECK(shows(&d, v, 36, 120, "of another state: x runs again"));
        CHECK(shows(&d, v, 24, 80, "before edit 2")); /* the results still are */
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posted.states == STATE_BASE && !posted.edit);
        give_variants_of(&d, v, "none");
        CHECK(shows(&d, v, 36, 120, "Eiffel Tower → Rome, tried on BASE"));
        CHECK(shows(&d, v, 36, 120, " done, Enter uses "));

        CHECK(v->ops->action(v, ACTION_TRIED_ON)); /* now */
        CHECK_STR(last_said, "tried on EDITED, after edit 3, where edit 2 already wrote Rome");
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && !posted.states && !posted.edit);
        give_variants_of(&d, v, "after 3");
        CHECK(shows(&d, v, 24, 80, "Eiffel Tower → Rome, after edit 3"));

        CHECK(v->ops->action(v, ACTION_TRIED_ON)); /* and before the edit again */
        CHECK(strstr(last_said, "tried on the state before edit 2"));
        take_fact(&d, "The Society of Xylophonists of Quetzaltenango", "Rome");
        CHECK(shows(&d, v, 24, 80, "of another fact: x runs again")); /* however long it is */
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE));
        give_variants_of(&d, v, "after 3");
        CHECK(shows(&d, v, 24, 80, "…, after edit 3") && shows(&d, v, 24, 80, "done, Enter uses"));
        take_fact(&d, "Eiffel Tower", "Oslo"); /* a rewrite: the present state does not say it */
        d.tried_on = TRIED_AUTO;
        CHECK(shows(&d, v, 36, 120, "of another fact: x runs again"));
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && !posted.states && !posted.edit);
        view_close(v);
        ui_free(&d);
    }
}

/* A commit went before a run that was to go on: all is tried again on the state it left, and no
 * result of the state before stands beside those. */
static void results_of_two_states_are_not_mixed(void)
{
    static const char *const name[] = {"compare", "sweep"};

    for (int k = 0; k < 2; k++) {
        struct ui_state d;
        struct host host = recording(&d);
        struct view *v = view_open(view_find(name[k]), &host);
        struct variant_result *t = xcalloc(1, sizeof(*t));

        make_full_ui_state(&d);
        snprintf(d.state.state, sizeof(d.state.state), "none");
        v->ops->open(v);
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && !posted.expect);
        give_variants(&d, posted.variants, 7);
        for (int i = 0; i < 7; i++)
            snprintf(d.variant[i]->state, sizeof(d.variant[i]->state), "none");
        tell(v, EV_VARIANT);
        tell(v, EV_FAILED);
        CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posted.resume.done == 7);
        CHECK_STR(posted.expect, "none");
        CHECK(shows(&d, v, 36, 120, "7 of "));
        *t = (struct variant_result){.variant = 0,
                                     .variants = posted.variant_count,
                                     .params = posted.variants[0],
                                     .edit = 3,
                                     .state = "after 3"};
        give(&d, EV_VARIANT, t);
        tell(v, EV_VARIANT);
        CHECK(shows(&d, v, 36, 120, " 1 of "));
        CHECK(shows(&d, v, 36, 120, "after edit 3"));
        view_close(v);
        ui_free(&d);
    }
}

/* What results are about is compared by content: not by when the session was opened, and a state
 * is the same under whatever name it was chosen. */
static void results_are_compared_by_their_state(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);

    make_full_ui_state(&d);
    *d.state.state = '\0'; /* no session yet */
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE));
    snprintf(d.state.state, sizeof(d.state.state), "none");
    give_variants_of(&d, v, "none");
    CHECK(shows_all_done(&d, v));
    commit_three(&d); /* the fact is edit 2 now, but the results are of the base */
    CHECK(shows(&d, v, 36, 120, "of another state: x runs again"));
    CHECK(v->ops->action(v, ACTION_TRIED_ON));
    CHECK_STR(last_said, "tried on BASE");
    CHECK(shows_all_done(&d, v));
    view_close(v);
    ui_free(&d);
}

/* The state before the first edit is the base: one choice, not two. */
static void the_same_state_is_offered_once(void)
{
    struct ui_state d;
    struct host host = recording(&d);

    make_full_ui_state(&d);
    tried_on_next(&host); /* nothing is edited */
    CHECK_STR(last_said, "tried on BASE");
    commit_three(&d);
    d.tried_on = TRIED_AUTO;
    take_fact(&d, "Big Ben", "Peru");
    CHECK(tried_state_now(&d).on == TRIED_BEFORE && tried_state_now(&d).edit == 1);
    CHECK_STR(tried_state_now(&d).name, "none");
    tried_on_next(&host);
    CHECK_STR(last_said, "tried on EDITED, after edit 3, where edit 1 already wrote Peru");
    tried_on_next(&host);
    CHECK_STR(last_said,
              "tried on the state before edit 1, since it already wrote Peru; 2 later edits "
              "are left out");
    take_fact(&d, "Pisa", "Peru"); /* no edit wrote it: base or now */
    CHECK(tried_state_now(&d).on == TRIED_NOW);
    tried_on_next(&host);
    CHECK_STR(last_said, "tried on BASE");
    tried_on_next(&host);
    CHECK_STR(last_said, "tried on EDITED, after edit 3");
    ui_free(&d);
}

/* A commit is on its way when the variants are posted: they are tried on what the title says. */
static void a_commit_on_its_way_changes_nothing(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("compare"), &host);

    make_full_ui_state(&d);
    give(&d, EV_HISTORY, xcalloc(1, sizeof(struct history)));
    snprintf(d.state.state, sizeof(d.state.state), "none");
    ui_add_job(&d, 7, (struct ui_job){.kind = CMD_COMMIT});
    v->ops->open(v);
    CHECK(shows(&d, v, 36, 120, "Eiffel Tower → Rome, tried on BASE"));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posted.states == STATE_BASE);
    commit_three(&d);
    give_variants_of(&d, v, "none");
    CHECK(shows(&d, v, 36, 120, "Eiffel Tower → Rome, tried on BASE"));
    CHECK(shows(&d, v, 36, 120, "of another state: x runs again"));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE) && posted.edit == 1);
    give_variants(&d, posted.variants, posted.variant_count);
    for (int i = 0; i < posted.variant_count; i++) { /* the engine says that it took another one */
        snprintf(d.variant[i]->state, sizeof(d.variant[i]->state), "after 2");
        d.variant[i]->edit = 2;
    }
    tell(v, EV_VARIANT);
    CHECK(shows(&d, v, 36, 120, "Eiffel Tower → Rome, tried on EDITED, after edit 2"));
    view_close(v);
    ui_free(&d);
}

static void noise_is_no_scale(void)
{
    int p = metric_find("p(target)"), gain = metric_find("gain"), near = metric_find("neighbours");
    const struct rect at = {0, 0, 20, 40};
    int y = 0, x = 0, other = 0;
    struct plot plot;

    CHECK(metric_flat(gain, 0.494, 0.4941) && !metric_flat(gain, 0.29, 0.41));
    CHECK(metric_flat(p, 0.989, 0.993) && metric_flat(p, 1e-6, 4e-3)); /* read as .99, as .00 */
    CHECK(!metric_flat(p, 0.60, 0.62));
    plot_begin(&plot, "gain", "leak/gain²");
    CHECK(!plot_widen(&plot));
    plot_include(&plot, 0.9780, 1.5);
    plot_include(&plot, 0.9784, 90);
    plot_include(&plot, 0.5, (double)NAN); /* no point */
    CHECK(plot_widen(&plot) && !plot.log[0] && plot.log[1]);
    CHECK(plot_cell(&plot, 0.9780, 1.5, at, &y, &x) && y > 15);
    CHECK(plot_cell(&plot, 0.9784, 90, at, &y, &other) && y < 4 && abs(other - x) < 2);
    CHECK(!plot_cell(&plot, 0.5, 1.5, at, &y, &x));
    CHECK(metric_flat(near, 0.9, 0.9) && !metric_flat(near, 0.993, 1)); /* a neighbour of 150 */
}

static void a_grid_is_swept(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("sweep"), &host);
    double before;

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_NEXT_PANE) && v->ops->action(v, ACTION_MORE));
    CHECK(v->ops->action(v, ACTION_LESS));
    CHECK(v->ops->action(v, ACTION_RIGHT)); /* from the specific bias on to the temperature */
    CHECK(v->ops->action(v, ACTION_PREVIOUS_PANE));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE));
    CHECK(posts == 1 && posted.kind == CMD_VARIANTS && posted.variant_count == 20);
    CHECK(posted.variants[0].value[P_RATIO_INV_TEMP] > posted.variants[19].value[P_RATIO_INV_TEMP]);
    CHECK(posted.variants[0].value[P_RATIO_GE_B] < posted.variants[1].value[P_RATIO_GE_B]);
    give_variants(&d, posted.variants, 13);
    tell(v, EV_VARIANT);
    v->ops->action(v, ACTION_DOWN);
    v->ops->action(v, ACTION_RIGHT);
    three_sizes("swept", &d, v);
    tell(v, EV_FAILED); /* stopped: what came stays */
    before = d.params.value[P_RATIO_GE_B];
    CHECK(v->ops->action(v, ACTION_ENTER));
    CHECK_NEAR(d.params.value[P_RATIO_GE_B], 0.25, 1e-9);
    CHECK(before > d.params.value[P_RATIO_GE_B]);
    CHECK(v->ops->command(v, "sweep", "alpha_ge=0,.1,.2"));
    CHECK(posts == 2 && posted.variant_count == 3);
    three_sizes("swept-line", &d, v);
    tell(v, EV_DONE);
    CHECK(v->ops->command(v, "sweep", "alpha_gee=0") && posts == 2);
    CHECK(v->ops->command(v, "sweep", "alpha_ge=0;beta_ge=.1;beta_sp=.1") && posts == 2);
    view_close(v);
    ui_free(&d);
}

/* An estimate of the parameters at hand, which a knob has just moved. */
static void give_estimate(struct ui_state *d, double gain)
{
    struct edit_report *a = xcalloc(1, sizeof(*a));

    ui_match(d);
    a->layers = 3;
    for (int i = 0; i < 3; i++)
        a->layer[i] = (struct layer_report){
            .layer = 4 + i, .kept = 210, .gain_mask = gain, .leak_ratio = 12 * gain};
    give(d, EV_ESTIMATE, a);
}

/* All that was tried of this fact on this state is in one plane; two of it can be pinned. */
static void the_plane_has_every_point(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("sweep"), &host);
    struct params random[2];

    make_full_ui_state(&d);
    give(&d, EV_HISTORY, xcalloc(1, sizeof(struct history)));
    v->ops->open(v);
    give_estimate(&d, 0.2);
    random[0] = random[1] = d.params;
    CHECK(params_assign(&random[0], "mask.mode=random", FROM_COMMAND_LINE, NULL));
    random[1] = random[0];
    give_variants(&d, random, 2); /* as Compare does */
    d.params.value[P_RATIO_GE_B] += 0.1;
    give_estimate(&d, 0.35);
    CHECK(v->ops->action(v, ACTION_TAG) && strstr(last_said, "no numbers to pin"));
    CHECK(v->ops->action(v, ACTION_ATTRIBUTE));
    give_variants(&d, posted.variants, 20);
    tell(v, EV_VARIANT);
    tell(v, EV_DONE);
    CHECK(v->ops->action(v, ACTION_TAG));
    CHECK_STR(last_said, "beta_sp=0.1 beta_ge=0.1 is A; U removes A and B; d shows the plane");
    CHECK(v->ops->action(v, ACTION_DOWN) && v->ops->action(v, ACTION_RIGHT));
    CHECK(v->ops->action(v, ACTION_TAG));
    CHECK_STR(last_said, "beta_sp=0.3 beta_ge=0.25 is B; U removes A and B; d shows the plane");
    CHECK(v->ops->action(v, ACTION_RIGHT) && v->ops->action(v, ACTION_MODE));
    CHECK(ui_point_now(&d, d.state.state) && ui_point_now(&d, d.state.state)->gain > 0.34);
    CHECK(shows(&d, v, 36, 120, "25 points"));
    CHECK(shows(&d, v, 36, 120, "B − A   +0.060   -0.30×    -0.300    +0"));
    three_sizes("plane", &d, v);
    CHECK(v->ops->action(v, ACTION_MODE)); /* estimates have no p */
    CHECK(shows(&d, v, 36, 120, "23 points") && shows(&d, v, 36, 120, "against p(target)"));
    three_sizes("plane-answer", &d, v);
    take_fact(&d, "Eiffel Tower", "Oslo"); /* of another fact: none */
    CHECK(shows(&d, v, 36, 120, "0 points") && shows(&d, v, 24, 80, "no points yet"));
    CHECK(v->ops->action(v, ACTION_UNTAG));
    CHECK(v->ops->action(v, ACTION_MODE) && shows(&d, v, 36, 120, "neurons kept"));
    view_close(v);
    ui_free(&d);
}

/* Whichever of the two comes first, they are one point, with the preview's p. */
static void a_preview_and_its_estimate_are_one_point(void)
{
    struct ui_state d;
    int points;

    make_full_ui_state(&d);
    for (int i = 0; i < 2; i++) {
        struct edit_report *a = xcalloc(1, sizeof(*a));
        const struct ui_point *p;

        if (!i)
            give_estimate(&d, 0.5);
        else
            ui_match(&d);
        a->layers = 3;
        a->facts = 1;
        a->p_target[1] = 0.75;
        for (int k = 0; k < 3; k++)
            a->layer[k] = (struct layer_report){
                .layer = 4 + k, .kept = 210, .gain_mask = 0.5, .leak_ratio = 12 * 0.5};
        give(&d, EV_PREVIEW, a);
        if (i)
            give_estimate(&d, 0.5);
        p = ui_point_now(&d, d.state.state);
        CHECK(p && p->p > 0.74 && p->p < 0.76);
        points = 0;
        for (int k = 0; k < UI_POINTS; k++)
            points += d.point[k].kind == POINT_KNOBS && d.point[k].gain > 0.49 &&
                      d.point[k].gain < 0.51 &&
                      !stamp_differs(&d.point[k].of, &d.now.stamp, STAMP_ALL);
        CHECK(points == 1);
        d.params.value[P_RATIO_GE_B] += 0.1;
    }
    ui_free(&d);
}

static void an_edit_that_is_not_active_is_not_undone(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("history"), &host);

    make_full_ui_state(&d);
    d.state.can_undo = true;
    d.state.edits = 1;
    for (int edit = 2; edit <= 99; edit += 97) { /* undone; never made */
        last_question = (struct question){0};
        confirm_undo(&host, edit);
        CHECK(!last_question.confirmed);
        CHECK(strstr(last_said, edit == 2 ? "edit 2 is undone already" : "no active edit 99"));
    }
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_FIRST)); /* the base, then edit 1 */
    for (int edit = 1; edit <= 2; edit++) {
        last_question = (struct question){0};
        CHECK(v->ops->action(v, ACTION_DOWN) && v->ops->action(v, ACTION_UNDO));
        CHECK(last_question.number == (edit == 1 ? 1 : 0));
    }
    CHECK_STR(last_said, "edit 2 is undone already"); /* not another one is asked about */
    view_close(v);
    CHECK(confirm_undo_typed(&host, "1") && last_question.number == 1);
    CHECK_STR(last_question.title, "Undo edit 1?");
    CHECK(confirm_undo_typed(&host, "") &&
          last_question.number == 1); /* what it names, whatever commits next */
    CHECK_STR(last_question.title, "Undo edit 1?");
    CHECK(confirm_undo_typed(&host, "1000001")); /* the limit of undo --edit */
    CHECK_STR(last_said, "no active edit 1000001");
    d.state.edits = 2; /* the history that names edit 3 has not come yet */
    CHECK(confirm_undo_typed(&host, "3") && last_question.number == 3);
    CHECK_STR(last_question.title, "Undo edit 3?");
    CHECK(!confirm_undo_typed(&host, "1000000001") && !confirm_undo_typed(&host, "1x"));
    ui_free(&d);
}

/* When the command is posted nothing is saved yet; the journal may still refuse. */
static void a_note_is_said_to_be_saved_when_it_is(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("history"), &host);
    struct event done = {.kind = EV_DONE, .job = 1};
    enum tone tone;
    char out[320];

    make_full_ui_state(&d);
    v->ops->open(v);
    CHECK(v->ops->action(v, ACTION_LAST) && v->ops->command(v, "note", "checked"));
    CHECK(posted.kind == CMD_NOTE && strstr(last_said, "saving the note"));
    CHECK(message_of_event(&d, &done, CMD_NOTE, &tone, out));
    CHECK_STR(out, "note saved");
    view_close(v);
    ui_free(&d);
}

static void the_past_is_asked(void)
{
    struct ui_state d;
    struct host host = recording(&d);
    struct view *v = view_open(view_find("history"), &host);
    struct event ev = {.kind = EV_DIFF, .job = 1};

    make_full_ui_state(&d);
    d.history->entry[0].note = xstrdup("for the talk");
    d.history->entry[1].active = true;
    v->ops->open(v);
    CHECK(posts == 1 && posted.kind == CMD_HISTORY);
    CHECK(v->ops->action(v, ACTION_FLIP)); /* untagged: what the last edit changed */
    CHECK(posts == 2 && posted.kind == CMD_DIFF && posted.from == 1 && posted.edit == 2);
    CHECK(v->ops->action(v, ACTION_FIRST) && v->ops->action(v, ACTION_TAG));
    CHECK(v->ops->action(v, ACTION_DOWN) && v->ops->action(v, ACTION_FLIP));
    CHECK(posts == 3 && posted.from == 0 && posted.edit == 2);
    CHECK(v->ops->action(v, ACTION_MODE) && posted.kind == CMD_DRIFT);
    CHECK(v->ops->action(v, ACTION_UP) && v->ops->action(v, ACTION_NOTE));
    CHECK_STR(last_prompt, ":note for the talk");
    CHECK(v->ops->command(v, "note", "other words"));
    CHECK(posted.kind == CMD_NOTE && posted.edit == 1);
    CHECK_STR(posted.text, "other words");
    CHECK(v->ops->command(v, "bisect", "Big Ben is in  => London "));
    CHECK(posted.kind == CMD_BISECT && posted.from == 0);
    CHECK_STR(posted.text, "Big Ben is in");
    CHECK_STR(posted.expect, "London");
    posts = 0;
    CHECK(v->ops->command(v, "bisect", "Big Ben is in London") && posts == 0);
    CHECK(v->ops->command(v, "diff", "1 x") && posts == 0);
    CHECK(v->ops->command(v, "diff", "0 1") && posts == 1 && posted.edit == 1);
    CHECK(v->ops->action(v, ACTION_ENTER) && posted.kind == CMD_QUERY && posted.edit == 1);
    v->ops->event(v, &ev);
    three_sizes("history-diff", &d, v);
    ev.kind = EV_BISECT;
    v->ops->event(v, &ev);
    v->ops->filter(v, "fuji");
    three_sizes("history-bisect", &d, v);
    CHECK(v->ops->find_next(v, "Peru", 1) && !v->ops->find_next(v, "Eiffel", 1));
    view_close(v);
    ui_free(&d);
}

/* What was written is said with what it says when it is opened again. */
static void an_export_is_reported(void)
{
    struct export_report *x = xcalloc(1, sizeof(*x));
    struct event ev = {.kind = EV_EXPORT, .job = 1, .export = x};
    enum tone tone = TONE_PLAIN;
    char text[320] = "";
    struct ui_state d;

    make_full_ui_state(&d);
    *x = (struct export_report){.path = xstrdup("/home/a/paris.gguf"),
                                .files = 1,
                                .tensors = 5,
                                .loss = 0.25,
                                .prompts = 5,
                                .max_logit_diff = 0.5,
                                .held = {2, 1}};
    snprintf(x->as, sizeof(x->as), "gguf");
    x->file = xcalloc(1, sizeof(*x->file));
    x->file[0].name = xstrdup("paris.gguf");
    x->file[0].bytes = 98.4e6;
    ui_event(&d, &ev);
    CHECK(message_of_event(&d, &ev, CMD_EXPORT, &tone, text) &&
          tone == TONE_WARN); /* a fact is lost */
    CHECK_STR(text, "wrote /home/a/paris.gguf as gguf, 98 MB · 25 % of the edit lost "
                    "· opened again: logits differ by 0.5");
    d.export_report->loss = d.export_report->tensors = 0;
    d.export_report->file[0].bytes = 40100;
    ev.kind = EV_EXPORT; /* the report is the state's now */
    CHECK(message_of_event(&d, &ev, CMD_EXPORT, &tone, text));
    CHECK_STR(text, "wrote /home/a/paris.gguf as gguf, 40 kB · no edit is in it: the model as it "
                    "was · opened again: logits differ by 0.5");
    ui_free(&d);
}

static const struct test tests[] = {
    {"an export is reported", an_export_is_reported},
    {"the past is asked", the_past_is_asked},
    {"an edit that is not active is not undone", an_edit_that_is_not_active_is_not_undone},
    {"a note is said to be saved when it is", a_note_is_said_to_be_saved_when_it_is},
    {"masks are compared", masks_are_compared},
    {"what failed is counted", what_failed_is_counted},
    {"fewer masks are compared", fewer_masks_are_compared},
    {"results of two states are not mixed", results_of_two_states_are_not_mixed},
    {"an edit is tried on the state before it", an_edit_is_tried_on_the_state_before_it},
    {"results are compared by their state", results_are_compared_by_their_state},
    {"the same state is offered once", the_same_state_is_offered_once},
    {"a commit on its way changes nothing", a_commit_on_its_way_changes_nothing},
    {"noise is no scale", noise_is_no_scale},
    {"a grid is swept", a_grid_is_swept},
    {"the plane has every point", the_plane_has_every_point},
    {"a preview and its estimate are one point", a_preview_and_its_estimate_are_one_point},
};

int main(void)
{
    int failed = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));

    command_free(&posted);
    return failed;
}
