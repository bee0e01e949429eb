/* Everything that can be asked about a fact and a model, of a model of every family, through the
 * engine's door: each job ends well, and what a neuron promotes is what the reference says
 * (tests/reference/architectures.py). */
#include "core/model/safetensors.h"
#include "core/session/session.h"
#include "tests/engine/architectures.h"
#include "tests/engine/small.h"

static struct engine *start_on(const char *file)
{
    char *path = xasprintf(FOLDER "%s", file);
    struct engine *e = start(path, &device_cpu, NULL, false);

    wait_until_open(e);
    free(path);
    return e;
}

static struct command about(enum command_kind kind)
{
    struct command c = command(kind, "Al", "k");

    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup("{} is");
    CHECK(params_set(&c.params, "attr.prefixes", "0", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "stats.tokens", "1024", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.v_steps", "3", FROM_COMMAND_LINE, NULL));
    return c;
}

/* The words of a neuron against the golden projection: each has its logit, in descending order,
 * and no word that is not among them has more. */
static bool promotes(const struct neuron_info *info, const float *want, int vocab)
{
    double least = info->promotes[info->count - 1].logit;
    int above = 0;

    for (int i = 0; i < info->count; i++) {
        const struct shown_token *w = &info->promotes[i];

        if (w->id < 0 || w->id >= vocab || fabs(w->logit - (double)want[w->id]) > 1e-4 ||
            (i && w->logit > w[-1].logit))
            return false;
    }
    for (int j = 0; j < vocab; j++)
        above += (double)want[j] > least + 1e-4;
    return info->count == 12 && above < 12;
}

static bool neuron_agrees(struct engine *e, const char *file)
{
    struct command c = {.kind = CMD_NEURON, .layer = 1, .neuron = 3};
    char *path = xasprintf(FOLDER "%.*s/golden.safetensors", (int)strcspn(file, "/"), file);
    struct safetensors *golden = safetensors_open(path, NULL);
    const struct st_tensor *t = golden ? safetensors_tensor(golden, "neuron") : NULL;
    float *want = t ? xcalloc((size_t)st_tensor_elements(t), sizeof(float)) : NULL;
    bool done = false, ok = false;
    struct event ev;
    unsigned job;

    CHECK(t != NULL);
    if (t)
        st_tensor_floats(t, want);
    params_default(&c.params);
    job = engine_post(e, &c);
    while (t && !done && next_event(e, &ev)) {
        done = ends_job(&ev, job);
        if (ev.kind == EV_NEURON)
            ok = promotes(ev.neuron, want, (int)st_tensor_elements(t));
        event_free(&ev);
    }
    free(want);
    safetensors_close(golden);
    free(path);
    return ok;
}

static void what_neurons_promote(void)
{
    for (int i = 0; i < FILES; i++) {
        struct engine *e = start_on(files[i]);
        bool ok = neuron_agrees(e, files[i]);

        if (!ok)
            printf("%s does not agree\n", files[i]);
        CHECK(ok);
        engine_stop(e);
    }
}

/* A query with one neuron set to 0 and another one amplified. */
static struct command changed_query(void)
{
    struct command c = about(CMD_QUERY);

    c.text = xstrdup("Al is");
    c.tokens = 3;
    c.top = 5;
    c.intervention_count = 2;
    c.interventions = xcalloc(2, sizeof(*c.interventions));
    c.interventions[0] = (struct intervention){.layer = 0, .neuron = 1};
    c.interventions[1] = (struct intervention){.layer = 1, .neuron = 2, .scale = true, .value = 3};
    return c;
}

static struct command tried(void)
{
    struct command c = about(CMD_VARIANTS);

    c.variants = xcalloc(2, sizeof(*c.variants));
    c.variant_count = 2;
    c.variants[0] = c.variants[1] = c.params;
    CHECK(params_set(&c.variants[1], "edit.method", "alphaedit", FROM_COMMAND_LINE, NULL));
    return c;
}

static void everything_can_be_asked(void)
{
    static const enum command_kind kinds[] = {
        CMD_INSPECT, CMD_LENS,   CMD_TRACE, CMD_MOMENTS, CMD_ATTRIBUTE, CMD_ESTIMATE,
        CMD_PROBE,   CMD_COMMIT, CMD_DRIFT, CMD_LENS,    CMD_PROBE,     CMD_VERIFY,
    };

    for (int i = 0; i < FILES; i++) {
        struct engine *e = start_on(files[i]);
        int before = test_failures;

        for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
            struct command c = about(kinds[k]);

            c.all_layers = kinds[k] == CMD_ATTRIBUTE;
            c.tokens = kinds[k] == CMD_DRIFT ? 4 : 0;
            run_command(e, c);
            if (test_failures > before)
                printf("    %s, job %zu\n", files[i], k);
            before = test_failures;
        }
        run_command(e, changed_query());
        run_command(e, tried());
        if (test_failures > before)
            printf("    %s, a query or a trial\n", files[i]);
        engine_stop(e);
    }
}

/* A session whose only edit is a prefix. Caller frees the path. */
static char *prefix_session(void)
{
    char *path = in_home("prefix.es"), *before = xstrdup("In Oslo. ");
    struct fact fact = {
        .subject = xstrdup("Al"), .prompt = xstrdup("{} is"), .target = xstrdup("k")};
    struct edit_record r = {.requests = 1, .facts = &fact, .prefix = &before, .prefixes = 1};
    struct err err = {0};
    struct session *s = session_open(path, true, false, &err);

    CHECK(s && session_append(s, &r, &err));
    CHECK_STR(err.text, "");
    session_close(s);
    fact_free(&fact);
    free(before);
    return path;
}

/* What is said of one prompt: by the clean run of a trace, by an answer, and log p of the token
 * that an attribution explains. */
struct said {
    double traced, answered, explained;
    int tokens, effects;
};

static void answer_of_command(struct said *out, struct engine *e, struct command c)
{
    unsigned job = engine_post(e, &c);
    bool done = false;
    struct event ev;

    while (!done && next_event(e, &ev)) {
        done = ends_job(&ev, job);
        if (ev.kind == EV_FAILED)
            CHECK_STR(ev.err.text, "");
        if (ev.kind == EV_TRACE && ev.trace->done == ev.trace->layers) {
            out->traced = ev.trace->p_clean;
            out->tokens = ev.trace->tokens;
            for (int i = 0; i < ev.trace->tokens * ev.trace->layers; i++)
                out->effects += ev.trace->effect[i] != 0;
        }
        if (ev.kind == EV_ANSWER && !ev.answer->partial)
            out->answered = ev.answer->next[0].p;
        if (ev.kind == EV_LAYER && ev.attribution->layer == 0)
            out->explained = ev.attribution->base_logp[0];
        event_free(&ev);
    }
}

/* A trace asks after the state's prefix, as a query does; an attribution leaves prefixes out. */
static void a_prefix_is_part_of_what_is_traced(void)
{
    char *session = prefix_session(), *path = xasprintf(FOLDER "llama3/model.gguf");
    struct said said[2] = {{0}};

    for (int i = 0; i < 2; i++) {
        struct command q = {.kind = CMD_QUERY, .text = xstrdup("Al is"), .states = STATE_EDITED};
        struct command trace = about(CMD_TRACE);
        struct engine *e = start(path, &device_cpu, i ? session : NULL, false);

        wait_until_open(e);
        params_default(&q.params);
        trace.states = STATE_EDITED;
        answer_of_command(&said[i], e, q);
        answer_of_command(&said[i], e, trace);
        answer_of_command(&said[i], e, about(CMD_ATTRIBUTE));
        engine_stop(e);
        CHECK_NEAR(said[i].traced, said[i].answered, 1e-5);
        CHECK(said[i].effects > 0);
    }
    CHECK(said[0].tokens == said[1].tokens);
    CHECK(fabs(said[0].traced - said[1].traced) > 1e-4);
    CHECK_NEAR(said[0].explained, said[1].explained, 0);
    free(session);
    free(path);
}

static const struct test tests[] = {
    {"what neurons promote", what_neurons_promote},
    {"everything can be asked", everything_can_be_asked},
    {"a prefix is part of what is traced", a_prefix_is_part_of_what_is_traced},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
