/* Commands that look inside the model, by the engine's interface: lens, trace, top activations,
 * estimates before scores, interventions, the chat form. */
#include "core/engine/bus.h"
#include "tests/doubles/device_far.h"
#include "tests/engine/small.h"

/* Runs a command and keeps the last event of a kind; the job's end. */
static enum event_kind keep(struct engine *e, struct command c, enum event_kind kind,
                            struct event *kept, struct err *err)
{
    unsigned job = engine_post(e, &c);
    struct event ev;

    CHECK(job != 0);
    while (next_event(e, &ev)) {
        enum event_kind got = ev.kind;
        bool mine = ev.job == job;

        if (mine && got == EV_FAILED && err)
            *err = ev.err;
        if (mine && got == kind && !(kind == EV_ANSWER && ev.answer->partial)) {
            event_free(kept);
            *kept = ev;
        } else {
            event_free(&ev);
        }
        if (mine && (got == EV_DONE || got == EV_FAILED))
            return got;
    }
    return EV_NONE;
}

static void lens_by_command(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = command(CMD_LENS, "Lily", "park");
    struct event ev = {0};
    const struct lens_grid *g;

    wait_until_open(e);
    c.states = STATE_EDITED;
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    g = ev.lens;
    CHECK(g->state == STATE_EDITED && g->layers == 5 && g->tokens == 24);
    CHECK(g->rank_old && g->rank_new);
    CHECK(!g->token[7].subject && g->token[8].subject && g->token[11].subject);
    /* the base model's answer is the old object: it comes first at the end */
    CHECK(g->rank_old && g->rank_old[4 * 24 + 23] == 1);
    event_free(&ev);
    c = command(CMD_LENS, "Lily", "park"); /* base and edited: without edits the same twice */
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->state == STATE_BASE && ev.lens->rank_new);
    event_free(&ev);
    c = command(CMD_LENS, "Lily", "");
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->rank_old && !ev.lens->rank_new); /* no new object yet */
    event_free(&ev);
    c = command(CMD_LENS, NULL, NULL);
    c.text = xstrdup("Tom");
    CHECK(keep(e, c, EV_LENS, &ev, NULL) == EV_DONE && ev.kind == EV_LENS);
    CHECK(ev.lens->tokens == 3 && !ev.lens->rank_old && !ev.lens->rank_new);
    event_free(&ev);
    CHECK(keep(e, command(CMD_LENS, NULL, NULL), EV_LENS, &ev, NULL) == EV_FAILED);
    engine_stop(e);
}

static void trace_by_command(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev = {0};
    const struct trace *t;

    wait_until_open(e);
    CHECK(keep(e, command(CMD_TRACE, "Lily", ""), EV_TRACE, &ev, NULL) == EV_DONE);
    CHECK(ev.kind == EV_TRACE);
    if (ev.kind != EV_TRACE)
        return;
    t = ev.trace;
    CHECK(t->done == 5 && t->layers == 5 && t->tokens == 24 && t->samples == 10);
    CHECK(t->noise > 0 && t->answer.p == t->p_clean);
    for (int i = 0; i < 5 * 24; i++)
        CHECK(isfinite((double)t->effect[i]));
    CHECK_NEAR((double)t->effect[5 * 24 - 1], t->p_clean - t->p_corrupt, 1e-6);
    event_free(&ev);
    engine_stop(e);
}

static void a_trace_is_cancelled(void)
{
    struct engine *e;
    struct command c = command(CMD_TRACE, NULL, NULL);
    struct job_result h = {0};
    unsigned job;
    double began;

    if (!real)
        SKIP("the default model is missing: run `make model`");
    c.facts = xcalloc(1, sizeof(*c.facts));
    c.facts[0] = golden_fact(0);
    c.count = 1;
    e = start(real, &device_cpu, NULL, false);
    wait_until_open(e);
    job = engine_post(e, &c);
    CHECK(wait_for_event(e, EV_TRACE, job, &h) == EV_TRACE);
    began = now();
    engine_cancel(e, job);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    printf("cancelled after %.0f ms: %s\n", (now() - began) * 1e3, h.err.text);
    CHECK(h.err.kind == ERR_CANCELLED);
    engine_stop(e);
}

static struct command neuron(int layer, int number)
{
    struct command c = command(CMD_NEURON, NULL, NULL);

    c.layer = layer;
    c.neuron = number;
    return c;
}

static void top_activations_by_command(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev = {0}, again = {0};

    wait_until_open(e);
    run_command(e, command(CMD_MOMENTS, NULL, NULL));
    CHECK(keep(e, neuron(1, 7), EV_NEURON, &ev, NULL) == EV_DONE && ev.kind == EV_NEURON);
    CHECK(ev.neuron->contexts == 3 && *ev.neuron->context[0].text);
    CHECK(fabs((double)ev.neuron->context[0].coefficient) >=
          fabs((double)ev.neuron->context[1].coefficient));
    engine_stop(e);
    e = start(tiny, &device_cpu, NULL, false); /* sums and contexts are in the cache now */
    wait_until_open(e);
    run_command(e, command(CMD_MOMENTS, NULL, NULL));
    CHECK(keep(e, neuron(1, 7), EV_NEURON, &again, NULL) == EV_DONE && again.kind == EV_NEURON);
    CHECK(!memcmp(ev.neuron, again.neuron, sizeof(*ev.neuron)));
    CHECK(keep(e, neuron(4, 7), EV_NEURON, &again, NULL) == EV_DONE);
    CHECK(again.neuron->contexts == 0); /* this layer is not edited */
    event_free(&ev);
    event_free(&again);
    engine_stop(e);
}

/* The layers of an attribution, in the order of their events. */
static int emitted_layers(struct engine *e, const char *strategy, const char *kind,
                          struct attribution **out, int most)
{
    struct command c = command(CMD_ATTRIBUTE, "Lily", "park");
    struct event ev;
    int n = 0;

    CHECK(params_set(&c.params, "attr.strategy", strategy, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "mpc.kind", kind, FROM_COMMAND_LINE, NULL));
    c.all_layers = true;
    CHECK(engine_post(e, &c));
    while (next_event(e, &ev)) {
        enum event_kind got = ev.kind;

        if (got == EV_LAYER && n < most)
            out[n++] = attribution_ref(ev.attribution);
        event_free(&ev);
        if (got == EV_DONE || got == EV_FAILED)
            return n;
    }
    return n;
}

static void estimates_come_first(void)
{
    static const char *const kind[] = {"coeff", "coeff_norm", "coeff_proj"};

    for (int k = 0; k < 3; k++) {
        struct engine *e = start(tiny, &device_far, NULL, false);
        struct attribution *a[16] = {0}, *mpc[16] = {0}, *again[16] = {0};

        wait_until_open(e);
        CHECK(emitted_layers(e, "lps", kind[k], a, 16) == 10);
        CHECK(emitted_layers(e, "lps", kind[k], again, 16) ==
              5); /* scores that are there need no estimate */
        CHECK(emitted_layers(e, "mpc", kind[k], mpc, 16) == 5);
        for (int i = 0; i < 5; i++) {
            CHECK(a[i] && a[i]->strategy == STRATEGY_MPC);
            CHECK(a[i + 5] && a[i + 5]->strategy == STRATEGY_LPS);
            CHECK(again[i] == a[i + 5]);
            if (!a[i] || !mpc[i])
                continue;
            CHECK(a[i]->layer == mpc[i]->layer && a[i]->rows == mpc[i]->rows);
            for (int j = 0; j < a[i]->rows * a[i]->neurons; j++)
                CHECK(a[i]->score[j] == mpc[i]->score[j] &&
                      a[i]->activation[j] == mpc[i]->activation[j]);
        }
        for (int i = 0; i < 16; i++) {
            attribution_unref(a[i]);
            attribution_unref(mpc[i]);
            attribution_unref(again[i]);
        }
        engine_stop(e);
    }
}

static struct command question(int layer, int neuron, bool scale, float value)
{
    struct command c = command(CMD_QUERY, NULL, NULL);

    c.text = xstrdup("One day Lily");
    c.states = STATE_BASE;
    c.tokens = 8;
    c.interventions = xcalloc(1, sizeof(*c.interventions));
    c.interventions[0] = (struct intervention){layer, neuron, scale, value};
    c.intervention_count = layer == -2 ? 0 : 1;
    return c;
}

static void interventions_by_command(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event ev[3] = {{0}};
    struct err err = {0};
    char before[65], *after;

    memcpy(before, wait_until_open(e).checksum, sizeof(before));
    CHECK(keep(e, question(-2, 0, false, 0), EV_ANSWER, &ev[0], NULL) == EV_DONE);
    CHECK(keep(e, question(2, 7, true, 1), EV_ANSWER, &ev[1], NULL) == EV_DONE);
    CHECK(keep(e, question(2, 7, false, 9), EV_ANSWER, &ev[2], NULL) == EV_DONE);
    if (ev[0].kind == EV_ANSWER && ev[1].kind == EV_ANSWER && ev[2].kind == EV_ANSWER) {
        CHECK(ev[0].answer->changed == 0 && ev[1].answer->changed == 1);
        CHECK_STR(ev[1].answer->completion, ev[0].answer->completion);
        CHECK(ev[1].answer->next[0].logit == ev[0].answer->next[0].logit);
        CHECK(ev[2].answer->next[0].logit != ev[0].answer->next[0].logit);
    }
    CHECK(keep(e, question(2, 172, false, 0), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    CHECK_STR(err.text, "no neuron L2N172: layers 0 to 4, neurons 0 to 171");
    CHECK(keep(e, question(5, 0, true, 0), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    CHECK(keep(e, question(1, 0, true, NAN), EV_ANSWER, &ev[2], &err) == EV_FAILED);
    after = xstrdup(run_command(e, command(CMD_VERIFY, NULL, NULL)).checksum);
    CHECK_STR(after, before);
    free(after);
    for (int i = 0; i < 3; i++)
        event_free(&ev[i]);
    engine_stop(e);
}

/* A token is a byte here: "th" is followed by "e", until an edit makes it " zoo". */
static struct command th_zoo(enum command_kind kind)
{
    struct command c = command(kind, "Lily", "zoo");

    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup("One day {} went to th");
    c.params.value[P_EDIT_V_STEPS] = 25;
    CHECK(params_set(&c.params, "edit.method", "memit", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.v_clamp", "20", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.lambda", "0.01", FROM_COMMAND_LINE, NULL));
    return c;
}

/* The old object is the base's answer, also after an edit has changed the answer. */
static void the_old_object_stays(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct event before = {0}, after = {0};

    wait_until_open(e);
    CHECK(keep(e, th_zoo(CMD_INSPECT), EV_PROMPT, &before, NULL) == EV_DONE);
    run_command(e, th_zoo(CMD_COMMIT));
    CHECK(keep(e, th_zoo(CMD_INSPECT), EV_PROMPT, &after, NULL) == EV_DONE);
    if (before.kind == EV_PROMPT && after.kind == EV_PROMPT) {
        CHECK(after.prompt->next[0].id !=
              before.prompt->next[0].id); /* the edit must have changed the answer */
        CHECK(after.prompt->old.id == before.prompt->old.id);
    }
    event_free(&before);
    event_free(&after);
    engine_stop(e);
}

/* The plain text is asked, and the answer says why. */
static void no_chat_form(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = question(-2, 0, false, 0);
    struct event plain = {0}, chat = {0};

    wait_until_open(e);
    CHECK(keep(e, question(-2, 0, false, 0), EV_ANSWER, &plain, NULL) == EV_DONE);
    c.chat = true;
    CHECK(keep(e, c, EV_ANSWER, &chat, NULL) == EV_DONE);
    if (plain.kind == EV_ANSWER && chat.kind == EV_ANSWER) {
        CHECK(!plain.answer->plain && !plain.answer->chat);
        CHECK(chat.answer->chat && chat.answer->plain);
        CHECK(chat.answer->plain && strstr(chat.answer->plain, "no chat template"));
        CHECK_STR(chat.answer->completion, plain.answer->completion);
    }
    event_free(&plain);
    event_free(&chat);
    engine_stop(e);
}

static void a_chat_answer(void)
{
    struct engine *e;
    struct command c = question(-2, 0, false, 0);
    struct event ev = {0};

    if (!real) {
        command_free(&c);
        SKIP("the default model is missing: run `make model`");
    }
    e = start(real, &device_cpu, NULL, false);
    wait_until_open(e);
    c.chat = true;
    c.tokens = 24;
    free(c.text);
    c.text = xstrdup("What is the capital of France?");
    CHECK(keep(e, c, EV_ANSWER, &ev, NULL) == EV_DONE && ev.kind == EV_ANSWER);
    if (ev.kind == EV_ANSWER) { /* it ends at the end of the turn */
        CHECK_STR(ev.answer->completion, "The capital of France is Paris.");
        CHECK(ev.answer->chat && ev.answer->count == 7);
    }
    event_free(&ev);
    engine_stop(e);
}

static const struct test tests[] = {
    {"lens", lens_by_command},
    {"causal trace", trace_by_command},
#ifndef __SANITIZE_THREAD__ /* on the default model; small.h */
    {"a trace is cancelled", a_trace_is_cancelled},
    {"an answer in chat form", a_chat_answer},
#endif
    {"top activations of a neuron", top_activations_by_command},
    {"estimates come before the scores", estimates_come_first},
    {"interventions in a query", interventions_by_command},
    {"the old object is the base's answer, also after an edit", the_old_object_stays},
    {"a model without a chat form", no_chat_form},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
