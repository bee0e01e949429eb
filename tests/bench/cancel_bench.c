/* How soon each kind of job ends once it is told to: the default model ($EDITSCOPE_MODEL or the
 * cached one), cancelled at several moments of its run; and how soon an idle map and variants make
 * way for a preview. The longest is held against 200 ms. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/device/device.h"
#include "core/engine/bus.h"
#include "core/engine/engine.h"

static const double BUDGET = 0.2; /* seconds */
/* Seconds after the post: the beginning, the first layers, the solve, the variants. */
static const double moments[] = {0.02, 0.2, 0.5, 0.9, 1.5, 2.5, 4};
enum { MOMENTS = sizeof(moments) / sizeof(*moments) };

struct bench {
    struct engine *e;
    struct params params;
    struct fact fact;
    int new_spaces; /* above 0: each job has other null spaces to make */
};

struct ending {
    bool ended; /* DONE or FAILED came */
    bool cancelled;
    bool stopped;
};

/* Takes events until the job has ended or the moment has come. */
static struct ending listen(struct bench *b, unsigned job, double until)
{
    struct ending out = {0};

    while (!out.ended && !out.stopped) {
        struct pollfd p = {.fd = engine_fd(b->e), .events = POLLIN};
        double left = until - clock_seconds();
        struct event ev;

        if (left <= 0)
            break;
        poll(&p, 1, (int)(left * 1e3) + 1);
        while (!out.ended && engine_next(b->e, &ev)) {
            out.stopped = ev.kind == EV_STOPPED;
            out.ended = ev.job == job && (ev.kind == EV_DONE || ev.kind == EV_FAILED);
            out.cancelled = out.ended && ev.err.kind == ERR_CANCELLED;
            if (out.stopped || (ev.kind == EV_FAILED && !out.cancelled))
                fprintf(stderr, "%s\n", ev.err.text);
            event_free(&ev);
        }
    }
    return out;
}

/* Until edits can be made. */
static void listen_open(struct bench *b)
{
    for (bool open = false; !open;) {
        struct pollfd p = {.fd = engine_fd(b->e), .events = POLLIN};
        struct event ev;

        poll(&p, 1, -1);
        while (engine_next(b->e, &ev)) {
            open = open || ev.kind == EV_STATE || ev.kind == EV_STOPPED;
            event_free(&ev);
        }
    }
}

static struct command about(const struct bench *b, enum command_kind kind)
{
    struct command c = {.kind = kind, .params = b->params, .count = 1};

    c.facts = xmalloc(sizeof(*c.facts));
    c.facts[0] = fact_copy(&b->fact);
    return c;
}

/* One mask a variant, as Compare and Sweep have them. */
static void add_variants(struct bench *b, struct command *c)
{
    c->variant_count = 8;
    c->variants = xcalloc((size_t)c->variant_count, sizeof(*c->variants));
    for (int i = 0; i < c->variant_count; i++) {
        c->variants[i] = b->params;
        c->variants[i].value[P_SEED] = i;
    }
}

static struct command make(struct bench *b, enum command_kind kind)
{
    struct command c = about(b, kind);

    switch (kind) {
    case CMD_ATTRIBUTE:
        c.all_layers = true;
        break;
    case CMD_VARIANTS:
        add_variants(b, &c);
        break;
    case CMD_QUERY:
        c.text = xstrdup("The Eiffel Tower is located in the city of");
        c.tokens = 200;
        c.top = 5;
        break;
    case CMD_DRIFT:
        c.tokens = 8;
        break;
    case CMD_DIFF:
        c.edit = 1;
        break;
    case CMD_BISECT:
        c.text = xstrdup("The Eiffel Tower is located in the city of");
        c.expect = xstrdup("Rome");
        break;
    case CMD_MOMENTS:
        c.params.value[P_STATS_TOKENS] *= 4; /* there are no sums of so many yet */
        break;
    default:
        break;
    }
    if (b->new_spaces)
        c.params.value[P_EDIT_NULL_FRACTION] = 0.5 + 1e-3 * b->new_spaces++;
    return c;
}

/* CPU seconds of the whole program: a busy machine makes waits longer, not this. */
static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The longest of the waits for the end, over moments at which the job still ran. */
static bool bench_kind(struct bench *b, const char *name, enum command_kind kind)
{
    double worst = 0, at = 0, worst_cpu = 0;
    int n = 0;

    for (int i = 0; i < MOMENTS; i++) {
        struct command c = make(b, kind);
        double from = clock_seconds(), told, took, cpu;
        unsigned job = engine_post(b->e, &c);
        struct ending out = listen(b, job, from + moments[i]);

        if (out.stopped)
            return false;
        if (out.ended) /* later moments see no more of it */
            break;
        told = clock_seconds();
        cpu = cpu_seconds();
        engine_cancel(b->e, job);
        out = listen(b, job, told + 30);
        took = clock_seconds() - told;
        n++;
        if (took > worst) {
            worst = took;
            worst_cpu = cpu_seconds() - cpu;
            at = moments[i];
        }
        if (!out.cancelled) /* it was just over */
            break;
    }
    if (n)
        printf(
            "%-12s %d times: at worst %4.0f ms, %4.0f ms of CPU time (%.2f s after it began)%s\n",
            name, n, worst * 1e3, worst_cpu * 1e3, at, worst > BUDGET ? "  OVER" : "");
    else
        printf("%-12s was over before it could be cancelled (%.0f ms)\n", name, moments[0] * 1e3);
    fflush(stdout);
    return worst <= BUDGET;
}

/* Until the job begins. */
static bool listen_begun(struct bench *b, unsigned job, double until)
{
    bool begun = false;

    while (!begun && clock_seconds() < until) {
        struct pollfd p = {.fd = engine_fd(b->e), .events = POLLIN};
        struct event ev;

        poll(&p, 1, 10);
        while (!begun && engine_next(b->e, &ev)) {
            begun = ev.kind == EV_BEGUN && ev.job == job;
            event_free(&ev);
        }
    }
    return begun;
}

/* The longest of the waits for the beginning of a preview that is posted while the job runs. */
static bool bench_making_way(struct bench *b, const char *name, enum command_kind kind)
{
    double worst = 0;
    int n = 0;

    for (int i = 0; i < MOMENTS; i++) {
        struct command c = make(b, kind), preview = make(b, CMD_PREVIEW);
        double from = clock_seconds(), asked;
        unsigned job, other;

        c.idle = kind == CMD_ATTRIBUTE;
        c.params.value[P_ATTR_AMPLIFY] += i + 1; /* no scores are there yet */
        job = engine_post(b->e, &c);
        if (listen(b, job, from + moments[i]).ended) {
            command_free(&preview);
            break;
        }
        asked = clock_seconds();
        other = engine_post(b->e, &preview);
        if (!listen_begun(b, other, asked + 30))
            return false;
        n++;
        worst = clock_seconds() - asked > worst ? clock_seconds() - asked : worst;
        engine_cancel(b->e, 0);
        listen(b, job, clock_seconds() + 30);
    }
    printf("%-12s %d times: at worst %4.0f ms until it made way for a preview%s\n", name, n,
           worst * 1e3, worst > BUDGET ? "  OVER" : "");
    fflush(stdout);
    return worst <= BUDGET;
}

static bool whole(struct bench *b, enum command_kind kind)
{
    struct command c = make(b, kind);

    return listen(b, engine_post(b->e, &c), clock_seconds() + 600).ended;
}

struct kind {
    const char *name;
    enum command_kind kind;
};

static bool bench_kinds(struct bench *b, const struct kind *kinds, size_t count)
{
    bool ok = true;

    for (size_t i = 0; i < count; i++)
        ok = bench_kind(b, kinds[i].name, kinds[i].kind) && ok;
    return ok;
}

static bool bench_all(struct bench *b)
{
    static const struct kind scored[] = {
        {"weigh", CMD_ESTIMATE}, {"try", CMD_VARIANTS},    {"trace", CMD_TRACE},
        {"lens", CMD_LENS},      {"preview", CMD_PREVIEW},
    };
    static const struct kind edited[] = {
        {"commit", CMD_COMMIT}, {"probe", CMD_PROBE},     {"query", CMD_QUERY},
        {"drift", CMD_DRIFT},   {"diff", CMD_DIFF},       {"bisect", CMD_BISECT},
        {"verify", CMD_VERIFY}, {"moments", CMD_MOMENTS},
    };
    bool ok;

    listen_open(b);
    ok = bench_kind(b, "attribute", CMD_ATTRIBUTE);
    if (!whole(b, CMD_ATTRIBUTE))
        return false;
    ok = bench_kinds(b, scored, sizeof(scored) / sizeof(*scored)) && ok;
    b->new_spaces = 1;
    ok = bench_kind(b, "null space", CMD_PREVIEW) && ok;
    b->new_spaces = 0;
    ok = bench_making_way(b, "map", CMD_ATTRIBUTE) && ok;
    ok = bench_making_way(b, "try", CMD_VARIANTS) && ok;
    if (!whole(b, CMD_COMMIT))
        return false;
    return bench_kinds(b, edited, sizeof(edited) / sizeof(*edited)) && ok;
}

/* Asked to end while it opens: nobody's job, but it must not keep the user waiting either. */
static bool bench_opening(const struct engine_options *o)
{
    double worst = 0, at = 0;

    for (int i = 0; i < MOMENTS - 2; i++) {
        struct timespec pause = {.tv_sec = (time_t)moments[i]};
        struct engine *e = engine_start(o, NULL);
        double from;

        pause.tv_nsec = (long)((moments[i] - (double)pause.tv_sec) * 1e9);
        nanosleep(&pause, NULL);
        from = clock_seconds();
        engine_stop(e);
        from = clock_seconds() - from;
        if (from > worst) {
            worst = from;
            at = moments[i];
        }
    }
    printf("%-12s %d times: at worst %4.0f ms (%.2f s after it began)%s\n", "opening", MOMENTS - 2,
           worst * 1e3, at, worst > BUDGET ? "  OVER" : "");
    return worst <= BUDGET;
}

int main(void)
{
    const char *named = getenv("EDITSCOPE_MODEL");
    char *path = named ? xstrdup(named) : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    struct engine_options o = {.model = path,
                               .device = &device_cpu,
                               .create = true,
                               .text = "samples/text/wikitext2-test.txt"};
    struct bench b = {.fact = {.subject = xstrdup("Eiffel Tower"),
                               .prompt = xstrdup("The {} is located in the city of"),
                               .target = xstrdup("Rome")}};
    struct err err = {0};
    bool ok;

    params_default(&b.params);
    if (!params_assign(&b.params, "stats.tokens=30720", FROM_COMMAND_LINE, &err) ||
        !file_exists(path)) {
        printf("no model at %s: nothing measured\n", path);
        return 0;
    }
    o.params = &b.params;
    ok = bench_opening(&o);
    b.e = engine_start(&o, &err);
    ok = b.e && bench_all(&b) && ok;
    engine_stop(b.e);
    fact_free(&b.fact);
    free(path);
    return !ok;
}
