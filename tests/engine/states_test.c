/* Variants (nothing is written), drift, diff, bisect and notes, by the engine's interface, on a
 * small model. */
#include "tests/engine/small.h"

enum { MOST = 64 };

/* Everything of one job that these tests look at. */
struct take {
    struct variant_result tried[MOST];
    int tries, layers, steps;
    struct drift drift; /* its points are in `point` */
    struct drift_point point[MOST];
    struct diff diff;
    struct probe_result probe[MOST]; /* texts are gone */
    struct bisect_report bisected;
    char notes[8][64];
    struct err err;
    char checksum[65];
};

static void keep(struct take *t, const struct event *ev)
{
    if (ev->kind == EV_VARIANT && t->tries < MOST) {
        t->tried[t->tries++] = *ev->variant;
    } else if (ev->kind == EV_LAYER) {
        t->layers += ev->attribution->strategy != STRATEGY_MPC; /* scores, not estimates */
    } else if (ev->kind == EV_STEP) {
        t->steps++;
    } else if (ev->kind == EV_DRIFT) {
        t->drift = *ev->drift;
        memcpy(t->point, ev->drift->point, sizeof(*t->point) * (size_t)t->drift.points);
    } else if (ev->kind == EV_DIFF) {
        t->diff = *ev->diff;
        memcpy(t->probe, ev->diff->probe, sizeof(*t->probe) * (size_t)t->diff.probes);
    } else if (ev->kind == EV_BISECT) {
        t->bisected = *ev->bisect;
    } else if (ev->kind == EV_HISTORY) {
        for (int i = 0; i < ev->history->count && i < 8; i++)
            snprintf(t->notes[i], sizeof(t->notes[i]), "%s",
                     ev->history->entry[i].note ? ev->history->entry[i].note : "-");
    } else if (ev->kind == EV_STATE) {
        memcpy(t->checksum, ev->state->checksum, sizeof(t->checksum));
    } else if (ev->kind == EV_FAILED) {
        t->err = ev->err;
    }
}

/* Runs a command to its end; with `stop_after` it is cancelled after so many variants. */
static enum event_kind take(struct engine *e, struct command c, int stop_after, struct take *t)
{
    unsigned job = engine_post(e, &c);
    struct event ev;

    memset(t, 0, sizeof(*t));
    while (next_event(e, &ev)) {
        bool end = ends_job(&ev, job);
        enum event_kind kind = ev.kind;

        if (ev.job == job)
            keep(t, &ev);
        if (stop_after && t->tries == stop_after)
            engine_cancel(e, job);
        event_free(&ev);
        if (end)
            return kind;
    }
    return EV_NONE;
}

static struct command tries(int count)
{
    struct command c = command(CMD_VARIANTS, "Lily", "park");

    c.facts[0].rephrase = xstrdup("Every morning Lily ran to the");
    c.facts[0].locality = xcalloc(2, sizeof(struct probe));
    c.facts[0].locality[0] = (struct probe){.prompt = xstrdup("Once upon a time")};
    c.facts[0].locality[1] = (struct probe){.prompt = xstrdup("The dog was")};
    c.facts[0].localities = 2;
    c.variants = xcalloc((size_t)count, sizeof(*c.variants));
    c.variant_count = count;
    for (int i = 0; i < count; i++) {
        c.variants[i] = draft();
        c.variants[i].value[P_EDIT_LAMBDA] =
            1e-6; /* with the default hardly anything would change */
    }
    return c;
}

static void set(struct params *p, const char *assignment)
{
    struct err err = {0};

    CHECK(params_assign(p, assignment, FROM_COMMAND_LINE, &err));
    CHECK_STR(err.text, "");
}

/* p(target) after the edit of a preview; -1: it failed. */
static double previewed(struct engine *e, struct command c)
{
    unsigned job = engine_post(e, &c);
    struct event ev;
    bool over = false;
    double p = -1;

    while (!over && next_event(e, &ev)) {
        if (ev.kind == EV_PREVIEW)
            p = ev.edit_report->p_after;
        over = over || ends_job(&ev, job);
        event_free(&ev);
    }
    return p;
}

static const struct measured *metric(const struct variant_result *t, const char *name)
{
    return &t->metric[metric_find(name)];
}

static void variants_write_nothing(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct job_result base = wait_until_open(e), after;
    struct command c = tries(6);
    static struct take t, again; /* large */
    double p;

    set(&c.variants[1], "edit.method=alphaedit");
    set(&c.variants[2], "mask.mode=random");
    set(&c.variants[3], "mask.mode=keymag");
    set(&c.variants[3], "mask.mass=0");
    set(&c.variants[4], "mask.compensate=gain");
    set(&c.variants[4], "mask.mode=fixed");
    set(&c.variants[4], "mask.fixed_ge=.995"); /* all but one: with fewer the gain is negative */
    set(&c.variants[5], "amplify=20");
    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK(t.tries == 6 && t.layers == 0 &&
          t.steps == 0); /* no events of an attribution, which the screen would show */
    after = run_command(e, command(CMD_VERIFY, NULL, NULL));
    CHECK(after.verified && after.edits == 0);
    CHECK_STR(after.checksum, base.checksum);

    for (int i = 0; i < 6; i++) {
        const struct variant_result *v = &t.tried[i];

        CHECK(v->variant == i && v->variants == 6);
        CHECK_STR(v->why, "");
        CHECK(metric(v, "rephrase")->whole == 1 && metric(v, "neighbours")->whole == 2);
        CHECK(metric(v, "neighbours")->part <= 2);
        CHECK_NEAR(metric(v, "p(target)")->before, metric(&t.tried[0], "p(target)")->before, 0);
        CHECK(v->applied.layers > 0 && metric(v, "‖ΔW‖/‖W‖")->part > 0);
    }
    /* equal size: random and key magnitude keep as many neurons as the entropies' union */
    for (int l = 0; l < t.tried[0].applied.layers; l++) {
        CHECK(t.tried[2].applied.layer[l].kept == t.tried[0].applied.layer[l].kept);
        CHECK(t.tried[3].applied.layer[l].kept == t.tried[0].applied.layer[l].kept);
    }
    CHECK_NEAR(metric(&t.tried[1], "neurons kept")->part, 1, 1e-9);
    CHECK(metric(&t.tried[0], "neurons kept")->part < 1);
    /* equal gain is the unmasked solution's gain */
    CHECK_NEAR(t.tried[4].applied.layer[0].gain_mask, t.tried[4].applied.layer[0].gain, 1e-9);
    CHECK(t.tried[0].applied.layer[0].gain_mask < t.tried[0].applied.layer[0].gain);

    /* a variant is the edit that a preview of its parameters would be */
    c = command(CMD_PREVIEW, "Lily", "park");
    c.params.value[P_EDIT_LAMBDA] = 1e-6;
    p = t.tried[0].p_first[1];
    CHECK_NEAR(previewed(e, c), p, 0);
    run_command(e, command(CMD_DISCARD, NULL, NULL));
    CHECK(take(e, tries(1), 0, &again) == EV_DONE);
    CHECK_NEAR(again.tried[0].p_first[1], p, 0); /* and is the same whatever ran in between */
    engine_stop(e);
}

/* Two results of the same variant, apart from how long they took. */
static void check_same_result(struct variant_result a, struct variant_result b)
{
    int seconds = metric_find("seconds");

    CHECK(a.variant == b.variant && a.edit == b.edit);
    CHECK_STR(a.why, "");
    CHECK_STR(a.said, b.said);
    CHECK_STR(a.state, b.state);
    a.metric[seconds] = b.metric[seconds] = (struct measured){0};
    for (int m = 0; m < metric_count; m++) {
        CHECK_NEAR(a.metric[m].part, b.metric[m].part, 0);
        CHECK_NEAR(a.metric[m].before, b.metric[m].before, 0);
    }
    CHECK(!memcmp(a.p_first, b.p_first, sizeof(a.p_first)));
    CHECK(!memcmp(a.applied.layer, b.applied.layer, sizeof(a.applied.layer)));
}

/* An edit that writes no layer has no gain, leak or norm: not 0, and no ratio of two of them. */
static void an_edit_beside_the_weights(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = tries(1);
    static struct take t;

    wait_until_open(e);
    set(&c.variants[0], "edit.method=ike");
    CHECK(take(e, c, 0, &t) == EV_DONE && t.tries == 1);
    CHECK_STR(t.tried[0].why, "");
    CHECK(metric(&t.tried[0], "gain")->whole == 0 && metric(&t.tried[0], "leak/gain²")->whole == 0);
    CHECK(metric(&t.tried[0], "p(target)")->whole == 1);
    engine_stop(e);
}

/* A comparison on drafts does not wait for a method's own sums over the text; one that may wait
 * does, and then they are there. */
static void curvature_is_not_waited_for(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    static struct take t;

    wait_until_open(e);
    for (int k = 0; k < 3; k++) {
        struct command c = tries(1);

        c.draft = k != 1;
        set(&c.variants[0], "edit.method=crispedit");
        set(&c.variants[0], "crispedit.tokens=256");
        CHECK(take(e, c, 0, &t) == EV_DONE && t.tries == 1);
        CHECK(!strstr(t.tried[0].why, "not summed yet") == (k > 0));
        CHECK(k || strstr(t.tried[0].why, "preview one edit with edit.method=crispedit first"));
    }
    engine_stop(e);
}

/* Two sets of parameters, the second protecting the keys of past edits. */
static struct command two_tries(int edit, unsigned states)
{
    struct command c = tries(2);

    set(&c.variants[1], "edit.method=alphaedit");
    c.edit = edit;
    c.states = states;
    return c;
}

static struct command strong_commit(const char *subject, const char *target)
{
    struct command c = command(CMD_COMMIT, subject, target);

    c.params.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
    c.params.value[P_EDIT_LAMBDA] = 1e-6;
    return c;
}

static void variants_are_tried_on_older_states(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    static struct take base, one, two, t;
    int p = metric_find("p(target)");

    wait_until_open(e);
    CHECK(take(e, two_tries(0, 0), 0, &base) == EV_DONE && base.tries == 2);
    run_command(e, strong_commit("Lily", "park")); /* the fact of the variants */
    CHECK(take(e, two_tries(0, 0), 0, &one) == EV_DONE && one.tries == 2);
    CHECK(one.tried[0].edit == 1 && strcmp(one.tried[0].state, base.tried[0].state) != 0);
    CHECK(one.tried[0].metric[p].before > 2 * base.tried[0].metric[p].before); /* it is in */
    CHECK(one.tried[0].metric[p].part != base.tried[0].metric[p].part);
    CHECK(base.tried[0].metric[p].part != base.tried[1].metric[p].part); /* they differ again */

    run_command(e, strong_commit("Tom", "shop"));
    CHECK(take(e, two_tries(0, STATE_BASE), 0, &t) == EV_DONE && t.tries == 2);
    for (int i = 0; i < 2; i++)
        check_same_result(t.tried[i], base.tried[i]);
    CHECK(take(e, two_tries(1, 0), 0, &t) == EV_DONE && t.tries == 2);
    for (int i = 0; i < 2; i++) /* as before the second edit, whose keys do not count */
        check_same_result(t.tried[i], one.tried[i]);
    CHECK(take(e, two_tries(2, 0), 0, &two) == EV_DONE && two.tried[1].edit == 2);
    CHECK(two.tried[1].applied.layer[0].delta_norm != one.tried[1].applied.layer[0].delta_norm);
    CHECK(take(e, two_tries(0, 0), 0, &t) == EV_DONE && t.tries == 2);
    for (int i = 0; i < 2; i++)
        check_same_result(t.tried[i], two.tried[i]);

    CHECK(take(e, two_tries(3, 0), 0, &t) == EV_FAILED && t.err.kind == ERR_USAGE);
    CHECK(strstr(t.err.text, "no active edit 3") && t.tries == 0);
    engine_stop(e);
}

static void variants_go_on_where_they_stopped(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    static struct take all, rest;
    struct command c = tries(4);

    wait_until_open(e);
    for (int i = 0; i < 4; i++) /* two sets of scores, interleaved */
        set(&c.variants[i], i % 2 ? "amplify=20" : "amplify=30");
    set(&c.variants[2], "mask.mode=random");
    set(&c.variants[3], "mask.mode=random");
    CHECK(take(e, c, 0, &all) == EV_DONE && all.tries == 4);
    c = tries(4);
    for (int i = 0; i < 4; i++)
        set(&c.variants[i], i % 2 ? "amplify=20" : "amplify=30");
    set(&c.variants[2], "mask.mode=random");
    set(&c.variants[3], "mask.mode=random");
    c.resume.done = 3;
    CHECK(take(e, c, 0, &rest) == EV_DONE && rest.tries == 1);
    check_same_result(rest.tried[0], all.tried[3]); /* both in the order they ran in */
    for (int other = 0; other < 2; other++) { /* the state is that of the first three, or not */
        c = tries(4);
        for (int i = 0; i < 4; i++)
            set(&c.variants[i], i % 2 ? "amplify=20" : "amplify=30");
        c.resume.done = 3;
        c.expect = xstrdup(other ? "another state" : all.tried[0].state);
        CHECK(take(e, c, 0, &rest) == EV_DONE && rest.tries == (other ? 4 : 1));
    }
    engine_stop(e);
}

static void invalid_variants_are_reported(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = tries(2);
    static struct take t;

    wait_until_open(e);
    set(&c.variants[0], "attr.rows=both");
    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK(t.tries == 2 && t.tried[0].why[0] && !t.tried[1].why[0]);
    c = tries(1);
    c.variant_count = 0;
    CHECK(take(e, c, 0, &t) == EV_FAILED);
    CHECK(t.err.kind == ERR_USAGE);
    c = command(CMD_VARIANTS, NULL, NULL);
    CHECK(take(e, c, 0, &t) == EV_FAILED);
    engine_stop(e);
}

static void variants_are_cancelled(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct job_result base = wait_until_open(e);
    struct command c = tries(40);
    static struct take t;

    for (int i = 0; i < 40; i++) {
        set(&c.variants[i], "mask.mode=random");
        c.variants[i].value[P_SEED] = i;
    }
    CHECK(take(e, c, 2, &t) == EV_FAILED);
    CHECK(t.err.kind == ERR_CANCELLED && t.tries >= 2 && t.tries < 40);
    CHECK_STR(run_command(e, command(CMD_VERIFY, NULL, NULL)).checksum, base.checksum);
    CHECK(run_command(e, command(CMD_ATTRIBUTE, "Lily", "park")).layers >
          0); /* events of attributions are on again */
    engine_stop(e);
}

/* From the first event on it is known how many variants are done, whatever one of them is at. */
static void variants_tell_how_far_they_are(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c;
    struct event ev;
    unsigned job;
    int results = 0, told = 0;
    bool over = false;

    wait_until_open(e);
    c = tries(4);
    for (int i = 0; i < 4; i++)
        c.variants[i].value[P_ATTR_AMPLIFY] += i; /* each has scores of its own */
    job = engine_post(e, &c);
    while (!over && next_event(e, &ev)) {
        const struct progress *p = ev.kind == EV_PROGRESS ? ev.progress : NULL;

        results += ev.kind == EV_VARIANT;
        if (p && ev.job == job && strcmp(p->what, PROGRESS_MOMENTS) != 0 &&
            strcmp(p->what, PROGRESS_NULL_SPACE) != 0) {
            CHECK_STR(p->what, "variants");
            CHECK(p->total >= 4 && p->total <= 4 && p->done >= 0 && p->done <= 4);
            told++;
        }
        over = ends_job(&ev, job);
        event_free(&ev);
    }
    CHECK(results == 4 && told > 0);
    engine_stop(e);
}

/* Four edits; the third has the same prompt as the first. */
static struct engine *with_edits(void)
{
    static const char *const who[] = {"Lily", "Tom", "Lily", "Mia"};
    static const char *const where[] = {"park", "shop", "farm", "lake"};
    struct engine *e = start(tiny, &device_cpu, NULL, false);

    wait_until_open(e);
    for (int i = 0; i < 4; i++) {
        struct command c = command(CMD_COMMIT, who[i], where[i]);

        c.params.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
        c.params.value[P_EDIT_LAMBDA] = 1e-6; /* strong enough to change answers */
        c.facts[0].locality = xcalloc(1, sizeof(struct probe));
        c.facts[0].locality[0] = (struct probe){.prompt = xstrdup("Once upon a time")};
        c.facts[0].localities = 1;
        run_command(e, c);
    }
    return e;
}

static void drift_is_measured(void)
{
    struct engine *e = with_edits();
    struct command c = command(CMD_DRIFT, NULL, NULL);
    static struct take t;

    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK(t.drift.points == 4 && t.drift.of == 4);
    for (int i = 0; i < 4; i++) {
        static const int asked[] = {1, 2, 2, 3}; /* the third edit supersedes the first */

        CHECK(t.point[i].edit == i + 1);
        CHECK(t.point[i].asked == asked[i]);
        CHECK(t.point[i].held >= 0 && t.point[i].held <= t.point[i].asked);
        CHECK(t.point[i].others == asked[i] && t.point[i].stayed <= t.point[i].others);
    }
    c = command(CMD_DRIFT, NULL, NULL);
    c.tokens = 2;
    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK(t.drift.points == 2 && t.point[0].edit == 2 && t.point[1].edit == 4);
    engine_stop(e);

    e = start(tiny, &device_cpu, NULL, false);
    wait_until_open(e);
    CHECK(take(e, command(CMD_DRIFT, NULL, NULL), 0, &t) == EV_FAILED);
    engine_stop(e);
}

static void states_are_compared(void)
{
    struct engine *e = with_edits();
    struct command c = command(CMD_DIFF, NULL, NULL);
    static struct take t, back;

    c.from = 1;
    c.edit = 2;
    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK(t.diff.layers > 0 && t.diff.layer[0].columns > 0 && t.diff.layer[0].norm > 0);
    CHECK(t.diff.layer[0].weight_norm > t.diff.layer[0].norm);
    CHECK(t.diff.probes == 4); /* two facts, a locality probe each */
    CHECK(t.probe[0].kind == PROBE_FACT && t.probe[1].kind == PROBE_LOCALITY);
    CHECK(t.probe[1].known);
    c = command(CMD_DIFF, NULL, NULL);
    c.from = 2;
    c.edit = 1;
    CHECK(take(e, c, 0, &back) == EV_DONE);
    CHECK(back.diff.layer[0].columns == t.diff.layer[0].columns);
    CHECK_NEAR(back.diff.layer[0].norm, t.diff.layer[0].norm, 0);
    CHECK_NEAR(back.probe[2].p[0], t.probe[2].p[1], 0);
    c = command(CMD_DIFF, NULL, NULL);
    c.edit = 99;
    CHECK(take(e, c, 0, &t) == EV_FAILED);
    CHECK(t.err.kind == ERR_USAGE);
    engine_stop(e);
}

static struct command bisection(const char *prompt, const char *expect)
{
    struct command c = command(CMD_BISECT, NULL, NULL);

    c.text = xstrdup(prompt);
    c.expect = xstrdup(expect);
    return c;
}

/* What a state answers to a query: bisection is compared with it. */
static char *said(struct engine *e, const char *prompt, int edit)
{
    struct command c = command(CMD_QUERY, NULL, NULL);
    char *answer = NULL;
    bool over = false;
    struct event ev;
    unsigned job;

    c.text = xstrdup(prompt);
    c.edit = edit;
    c.states = edit ? 0 : STATE_BASE;
    c.tokens = 24;
    job = engine_post(e, &c);
    while (!over && next_event(e, &ev)) {
        if (ev.kind == EV_ANSWER && !ev.answer->partial) {
            free(answer);
            answer = xstrdup(ev.answer->completion);
        }
        over = over || ends_job(&ev, job);
        event_free(&ev);
    }
    return answer;
}

static bool begins(const char *answer, const char *expect)
{
    return !strncmp(answer, expect, strlen(expect));
}

static void the_edit_is_found(void)
{
    static const char prompt[] = "One day Tom went to the";
    struct engine *e = with_edits();
    char *state[5];
    static struct take t;
    bool differs = false;
    int searched = 0;

    for (int i = 0; i < 5; i++)
        state[i] = said(e, prompt, i);
    for (int i = 0; i < 5; i++)
        differs = differs || strcmp(state[i], state[0]) != 0;
    CHECK(differs);
    /* search for the answer of each state: the edit that is found must change it */
    for (int k = 0; k < 5; k++) {
        bool at_base = begins(state[0], state[k]), at_end = begins(state[4], state[k]);

        if (!state[k][strspn(state[k], " \t\n")])
            continue; /* an empty answer cannot be searched for */
        searched++;
        CHECK(take(e, bisection(prompt, state[k]), 0, &t) == EV_DONE);
        CHECK(t.bisected.over && t.bisected.states == 5);
        if (at_base == at_end) {
            CHECK(t.bisected.edit == 0 && t.bisected.steps == 2);
        } else {
            int n = t.bisected.edit;

            CHECK(t.bisected.exact && n >= 1 && n <= 4);
            CHECK(begins(state[n - 1], state[k]) == at_base);
            CHECK(begins(state[n], state[k]) == at_end);
        }
    }
    CHECK(searched > 0);
    CHECK(take(e, bisection(prompt, "no such answer"), 0, &t) == EV_DONE);
    CHECK(t.bisected.edit == 0 && !t.bisected.step[0].holds);
    CHECK(take(e, bisection(prompt, " "), 0, &t) == EV_FAILED);
    for (int i = 0; i < 5; i++)
        free(state[i]);
    engine_stop(e);
}

/* An attribution of the tiny model: the run that it is, and the scores of layer 1. */
static unsigned attributed(struct engine *e, double amplify, struct attribution **out)
{
    struct command c = command(CMD_ATTRIBUTE, "Lily", "park");
    struct event ev;
    unsigned job, run = 0;
    bool over = false;

    c.params.value[P_ATTR_AMPLIFY] = amplify;
    job = engine_post(e, &c);
    *out = NULL;
    while (!over && next_event(e, &ev)) {
        over = ends_job(&ev, job);
        run = ev.kind == EV_ATTRIBUTED ? ev.id : run;
        if (ev.kind == EV_LAYER && ev.attribution->strategy != STRATEGY_MPC && !*out)
            *out = attribution_ref(ev.attribution);
        event_free(&ev);
    }
    CHECK(run && *out);
    return run;
}

static bool same_scores(const struct attribution *a, const struct attribution *b)
{
    size_t n = (size_t)a->rows * (size_t)a->neurons;

    return a->layer == b->layer && n == (size_t)b->rows * (size_t)b->neurons &&
           !memcmp(a->score, b->score, n * sizeof(*a->score));
}

/* Scores are kept by the name of the weights, which an undo and a redo bring back. What is
 * computed again has the same bits. */
static void scores_are_found_again(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct attribution *base, *edited, *now;
    struct command c = command(CMD_COMMIT, "Lily", "park");
    unsigned run[2];

    wait_until_open(e);
    c.params.value[P_EDIT_METHOD] = METHOD_ALPHAEDIT;
    c.params.value[P_EDIT_LAMBDA] = 1e-6;
    run[0] = attributed(e, 30, &base);
    run_command(e, c);
    run[1] = attributed(e, 30, &edited);
    CHECK(run[0] != run[1] && !same_scores(base, edited));
    run_command(e, command(CMD_UNDO, NULL, NULL));
    CHECK(attributed(e, 30, &now) == run[0] && now == base);
    attribution_unref(now);
    run_command(e, command(CMD_REDO, NULL, NULL));
    CHECK(attributed(e, 30, &now) == run[1] && now == edited);
    attribution_unref(now);
    for (int i = 1; i <= 4; i++) { /* as many as are kept */
        attributed(e, 30 + i, &now);
        attribution_unref(now);
    }
    CHECK(attributed(e, 30, &now) != run[1] && now != edited && same_scores(now, edited));
    attribution_unref(now);
    attribution_unref(base);
    attribution_unref(edited);
    engine_stop(e);
}

static void notes_stay(void)
{
    char *session = in_home("notes.es");
    struct engine *e = start(tiny, &device_cpu, session, false);
    struct command c;
    static struct take t;

    wait_until_open(e);
    run_command(e, command(CMD_COMMIT, "Lily", "park"));
    c = command(CMD_NOTE, NULL, NULL);
    c.edit = 1;
    c.text = xstrdup("for the talk");
    CHECK(take(e, c, 0, &t) == EV_DONE);
    CHECK_STR(t.notes[0], "for the talk");
    c = command(CMD_NOTE, NULL, NULL);
    c.edit = 7;
    c.text = xstrdup("nowhere");
    CHECK(take(e, c, 0, &t) == EV_FAILED);
    engine_stop(e);
    e = start(tiny, &device_cpu, session, true);
    wait_until_open(e);
    CHECK(take(e, command(CMD_HISTORY, NULL, NULL), 0, &t) == EV_DONE);
    CHECK_STR(t.notes[0], "for the talk");
    c = command(CMD_NOTE, NULL, NULL);
    c.edit = 1;
    CHECK(take(e, c, 0, &t) == EV_FAILED); /* read-only */
    engine_stop(e);
    free(session);
}

static const struct test tests[] = {
    {"variants write nothing and equal previews", variants_write_nothing},
    {"variants are tried on older states", variants_are_tried_on_older_states},
    {"variants go on where they stopped", variants_go_on_where_they_stopped},
    {"a variant that cannot be made is reported", invalid_variants_are_reported},
    {"an edit beside the weights has no gain", an_edit_beside_the_weights},
    {"curvature is not waited for", curvature_is_not_waited_for},
    {"variants are cancelled", variants_are_cancelled},
    {"variants tell how far they are", variants_tell_how_far_they_are},
    {"drift is measured at states", drift_is_measured},
    {"two states are compared", states_are_compared},
    {"bisection finds an edit that changed the answer", the_edit_is_found},
    {"scores are found again after undo and redo", scores_are_found_again},
    {"notes stay with their edits", notes_stay},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
