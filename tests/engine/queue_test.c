/* Who goes first: a job that is put back for another one goes on afterwards, with the same bits as
 * one that nobody disturbed; a job that waits can be cancelled. */
#include "core/engine/bus.h"
#include "tests/engine/small.h"

enum { LAYERS = 8, VARIANTS = 4, FACTS = UNDER_TSAN(8, 48) };

struct seen {                        /* what the events of one job said */
    int begun, paused, done, failed; /* how often; done, failed: when, as a count of all events */
    int layer[LAYERS];               /* how often its scores came */
    int curved;                      /* layers whose scores came with curves */
    int estimates;                   /* layers with a picture before the scores */
    uint64_t bits[LAYERS];           /* of the scores */
    int variant[VARIANTS];
    uint64_t variant_bits[VARIANTS];
    uint64_t trace_bits;
    struct err err;
};

static int events; /* taken so far */

static uint64_t bits_of(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static void seen_variant(struct seen *s, const struct variant_result *v)
{
    s->variant[v->variant]++;
    s->variant_bits[v->variant] = bits_of(bits_of(1, v->p_first, sizeof(v->p_first)),
                                          v->applied.p_target, sizeof(v->applied.p_target));
}

static void seen_add(struct seen *s, const struct event *ev)
{
    const struct attribution *a = ev->attribution;

    s->begun += ev->kind == EV_BEGUN;
    s->paused += ev->kind == EV_PAUSED;
    s->done = ev->kind == EV_DONE ? events : s->done;
    s->failed = ev->kind == EV_FAILED ? events : s->failed;
    if (ev->kind == EV_FAILED)
        s->err = ev->err;
    if (ev->kind == EV_LAYER && a->strategy == STRATEGY_MPC)
        s->estimates++;
    else if (ev->kind == EV_LAYER) {
        s->layer[a->layer]++;
        s->curved += a->slope != NULL;
        s->bits[a->layer] =
            bits_of(1, a->score, (size_t)a->rows * (size_t)a->neurons * sizeof(*a->score));
    }
    if (ev->kind == EV_VARIANT)
        seen_variant(s, ev->variant);
    if (ev->kind == EV_TRACE)
        s->trace_bits = bits_of(1, ev->trace->effect,
                                (size_t)ev->trace->tokens * (size_t)ev->trace->layers *
                                    sizeof(*ev->trace->effect));
}

/* Takes events until `job` has emitted one of this kind, or has ended. s[job] gets them all. */
static bool wait_seen(struct engine *e, struct seen *s, unsigned job, enum event_kind kind)
{
    struct event ev;

    while (next_event(e, &ev)) {
        enum event_kind got = ev.kind;
        unsigned of = ev.job;

        events++;
        if (of < 16)
            seen_add(&s[of], &ev);
        event_free(&ev);
        if (of == job && (got == kind || got == EV_DONE || got == EV_FAILED))
            return got == kind;
    }
    return false;
}

static int layers_of(const struct seen *s)
{
    int n = 0;

    for (int l = 0; l < LAYERS; l++)
        n += s->layer[l];
    return n;
}

/* A map of so many facts that it takes a while even of a small model. */
static struct command map_of(int facts, bool idle)
{
    struct command c = command(CMD_ATTRIBUTE, NULL, NULL);

    c.all_layers = c.idle = idle;
    c.count = facts;
    c.facts = xcalloc((size_t)facts, sizeof(*c.facts));
    for (int i = 0; i < facts; i++)
        c.facts[i] = (struct fact){.subject = xasprintf("Lily %d", i),
                                   .prompt = xstrdup("One day {} went to the"),
                                   .target = xstrdup("park")};
    return c;
}

static struct command variants_command(void)
{
    struct command c = command(CMD_VARIANTS, "Lily", "park");

    c.variant_count = VARIANTS;
    c.variants = xcalloc(VARIANTS, sizeof(*c.variants));
    for (int i = 0; i < VARIANTS; i++) {
        char steps[16];

        c.variants[i] = c.params;
        snprintf(steps, sizeof(steps), "%d", 40 + i); /* a target of its own: slow enough */
        CHECK(params_set(&c.variants[i], "edit.v_steps", steps, FROM_COMMAND_LINE, NULL));
    }
    return c;
}

/* Runs `c` alone; then again in another engine, where a preview comes in as soon as the first event
 * of this kind is there. Both results must be the same. */
static void undisturbed_and_disturbed(struct command (*make)(void), enum event_kind first,
                                      struct seen out[2])
{
    for (int k = 0; k < 2; k++) {
        struct engine *e = start(tiny, &device_cpu, NULL, false);
        struct command c = make(), preview = command(CMD_PREVIEW, "Tom", "shop");
        struct seen s[16] = {{0}};
        unsigned job, other;

        wait_until_open(e);
        run_command(e, command(CMD_PREVIEW, "Tom", "shop")); /* moments are there from now on */
        job = engine_post(e, &c);
        if (k) {
            CHECK(wait_seen(e, s, job, first));
            while (first == EV_LAYER && !layers_of(&s[job])) /* scores, not estimates */
                CHECK(wait_seen(e, s, job, first));
            other = engine_post(e, &preview);
            CHECK(wait_seen(e, s, other, EV_DONE));
            CHECK(s[job].paused == 1 && !s[job].done);
        } else {
            command_free(&preview);
        }
        CHECK(wait_seen(e, s, job, EV_DONE));
        CHECK(s[job].begun == 1 + k && s[job].paused == k && !s[job].failed);
        out[k] = s[job];
        engine_stop(e);
    }
}

static struct command make_map(void)
{
    return map_of(FACTS, true);
}

static void a_map_makes_way_and_goes_on(void)
{
    struct seen s[2];

    undisturbed_and_disturbed(make_map, EV_LAYER, s);
    for (int l = 0; l < LAYERS; l++) {
        CHECK(s[0].layer[l] == s[1].layer[l] && s[0].layer[l] <= 1); /* none twice, none lost */
        CHECK(s[0].bits[l] == s[1].bits[l]);
    }
    CHECK(layers_of(&s[0]) == 5);
    CHECK(s[0].estimates == 5 && s[1].estimates == 5);
}

static void variants_make_way_and_go_on(void)
{
    struct seen s[2];

    undisturbed_and_disturbed(variants_command, EV_VARIANT, s);
    for (int i = 0; i < VARIANTS; i++) {
        CHECK(s[0].variant[i] == 1 && s[1].variant[i] == 1);
        CHECK(s[0].variant_bits[i] && s[0].variant_bits[i] == s[1].variant_bits[i]);
    }
}

static struct command make_trace(void)
{
    struct command c = command(CMD_TRACE, "Lily and her very good friend Tom", "park");

    c.states = STATE_EDITED;
    return c;
}

static void a_trace_makes_way_and_goes_on(void)
{
    struct seen s[2];

    undisturbed_and_disturbed(make_trace, EV_TRACE, s);
    CHECK(s[0].trace_bits && s[0].trace_bits == s[1].trace_bits);
}

static void a_paused_job_is_cancelled_at_once(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command map = map_of(FACTS, true), other = map_of(FACTS + 1, false);
    struct seen s[16] = {{0}};
    unsigned job, wanted;

    wait_until_open(e);
    job = engine_post(e, &map);
    CHECK(wait_seen(e, s, job, EV_LAYER));
    wanted = engine_post(e, &other);
    CHECK(wait_seen(e, s, job, EV_PAUSED));
    engine_cancel(e, job);
    CHECK(wait_seen(e, s, wanted, EV_DONE));
    CHECK(s[job].failed && s[job].failed < s[wanted].done); /* while the other one still ran */
    CHECK(s[job].err.kind == ERR_CANCELLED);
    CHECK(!s[wanted].paused);
    CHECK_STR(run_command(e, command(CMD_VERIFY, NULL, NULL)).err.text, "");
    engine_stop(e);
}

/* x, P, C, y typed in one breath: the commit does not wait for the map, which goes on alone, on the
 * weights that are then there. */
static void in_one_breath(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c[4] = {
        command(CMD_ATTRIBUTE, "Lily", "park"), command(CMD_ATTRIBUTE, "Lily", "park"),
        command(CMD_PREVIEW, "Lily", "park"), command(CMD_COMMIT, "Lily", "park")};
    enum { WANTED, MAP, PREVIEW, COMMIT };
    struct seen s[16] = {{0}};
    unsigned job[4];

    c[MAP].all_layers = c[MAP].idle = true;
    for (int i = 0; i < 4; i++)
        job[i] = engine_post(e, &c[i]);
    CHECK(wait_seen(e, s, job[MAP], EV_DONE));
    CHECK(s[job[WANTED]].done && s[job[WANTED]].done < s[job[PREVIEW]].done);
    CHECK(s[job[PREVIEW]].done < s[job[COMMIT]].done);
    CHECK(s[job[COMMIT]].done < s[job[MAP]].done);
    CHECK(layers_of(&s[job[MAP]]) == 5);
    engine_stop(e);
}

/* Scores for an edit come without curves; the map brings them later, once, and changes no bit. */
static void the_map_adds_curves(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command wanted = command(CMD_ATTRIBUTE, "Lily", "park"), map[2];
    struct seen s[16] = {{0}};
    unsigned first, job[2];

    for (int i = 0; i < 2; i++) {
        map[i] = command(CMD_ATTRIBUTE, "Lily", "park");
        map[i].all_layers = map[i].idle = map[i].curves = true;
    }
    first = engine_post(e, &wanted);
    job[0] = engine_post(e, &map[0]);
    job[1] = engine_post(e, &map[1]);
    CHECK(wait_seen(e, s, job[1], EV_DONE));
    CHECK(layers_of(&s[first]) > 0 && !s[first].curved);
    CHECK(s[job[0]].curved == layers_of(&s[job[0]]) && s[job[0]].curved > layers_of(&s[first]));
    for (int l = 0; l < LAYERS; l++)
        CHECK(!s[first].layer[l] || s[first].bits[l] == s[job[0]].bits[l]);
    CHECK(s[job[1]].estimates == 0); /* nothing is missing any more */
    engine_stop(e);
}

/* Runs a command for this stats.tokens. Counts its estimates and what it said of second moments;
 * *needed: the tokens that it said edits wait for. */
static void run_for_tokens(struct engine *e, enum command_kind kind, const char *tokens,
                           int *estimates, int *sums, double *needed)
{
    struct command c = command(kind, "Lily", "park");
    struct event ev;
    bool over = false;
    unsigned job;

    CHECK(params_set(&c.params, "stats.tokens", tokens, FROM_COMMAND_LINE, NULL));
    *estimates = *sums = 0;
    *needed = 0;
    job = engine_post(e, &c);
    while (!over && next_event(e, &ev)) {
        *estimates += ev.kind == EV_ESTIMATE;
        if (ev.kind == EV_PROGRESS && !strcmp(ev.progress->what, PROGRESS_MOMENTS)) {
            CHECK(ev.job == job);
            *needed = *sums ? *needed : ev.progress->needed;
            *sums += 1;
        }
        CHECK(ev.kind != EV_FAILED);
        over = ev.job == job && ev.kind == EV_DONE;
        event_free(&ev);
    }
}

/* An estimate, which no card shows, sums nothing: not even when stats.tokens was less than the
 * first checkpoint and is raised. The preview sums then, and says that it waits. */
static void an_estimate_sums_no_moments(void)
{
    struct engine *e;
    char *cache = xasprintf("%s/raised", home);
    int estimates, sums;
    double needed;

    setenv("XDG_CACHE_HOME", cache, 1); /* sums of other tests are of no use here */
    e = start(tiny, &device_cpu, NULL, false);
    wait_until_open(e);
    run_for_tokens(e, CMD_ESTIMATE, "512", &estimates, &sums, &needed);
    CHECK(!estimates && !sums);
    run_for_tokens(e, CMD_PREVIEW, "512", &estimates, &sums, &needed);
    CHECK(sums && needed >= 512);
    run_for_tokens(e, CMD_ESTIMATE, "512", &estimates, &sums, &needed);
    CHECK(estimates == 1 && !sums);
    run_for_tokens(e, CMD_ESTIMATE, "8192", &estimates, &sums, &needed);
    CHECK(!estimates && !sums);
    run_for_tokens(e, CMD_PREVIEW, "8192", &estimates, &sums, &needed);
    CHECK(sums && needed > 512 && needed < 8192);
    run_for_tokens(e, CMD_ESTIMATE, "8192", &estimates, &sums, &needed);
    CHECK(estimates == 1 && !sums);
    engine_stop(e);
    setenv("XDG_CACHE_HOME", home, 1);
    free(cache);
}

static const struct test tests[] = {
    {"a map makes way for a preview and goes on with the same bits", a_map_makes_way_and_goes_on},
    {"so do variants", variants_make_way_and_go_on},
    {"so does a causal trace", a_trace_makes_way_and_goes_on},
    {"a paused job is cancelled while another one runs", a_paused_job_is_cancelled_at_once},
    {"attribute, preview and commit go before the map", in_one_breath},
    {"an estimate sums no second moments", an_estimate_sums_no_moments},
    {"the map adds curves and changes no score", the_map_adds_curves},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
