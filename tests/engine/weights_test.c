/* z.weights and mask.weights: which weights a target is optimised on, and scores are read from; and
 * targets that are kept. */
#include "core/session/session.h"
#include "tests/engine/small.h"

enum { STEPS = 4, LAYER = 2 };

/* What a preview was made of. */
struct made {
    double loss[STEPS];
    int steps;
    float *score; /* [rows * neurons] of LAYER */
    size_t scores;
};

static struct params with(const char *z, const char *mask)
{
    struct params p = draft();

    CHECK(params_assign(&p, "edit.layers=2", FROM_COMMAND_LINE, NULL));
    CHECK(params_assign(&p, "edit.v_steps=4", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "z.weights", z, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "mask.weights", mask, FROM_COMMAND_LINE, NULL));
    return p;
}

/* Runs a command and notes what its events say. */
static struct made run(struct engine *e, enum command_kind kind, const char *subject,
                       const struct params *p)
{
    struct command c = command(kind, kind == CMD_UNDO ? NULL : subject, "park");
    struct made m = {0};
    struct event ev;
    unsigned job;
    bool over = false;

    c.params = *p;
    job = engine_post(e, &c);
    while (!over && next_event(e, &ev)) {
        bool mine = ev.job == job;

        if (mine && ev.kind == EV_STEP && m.steps < STEPS)
            m.loss[m.steps++] = ev.step->loss;
        if (mine && ev.kind == EV_LAYER && ev.attribution->layer == LAYER && !m.score &&
            ev.attribution->strategy == STRATEGY_LPS) {
            const struct attribution *a = ev.attribution;

            m.scores = (size_t)a->rows * (size_t)a->neurons;
            m.score = xmalloc(m.scores * sizeof(float));
            memcpy(m.score, a->score, m.scores * sizeof(float));
        }
        over = mine && (ev.kind == EV_DONE || ev.kind == EV_FAILED);
        CHECK(!mine || ev.kind != EV_FAILED);
        event_free(&ev);
    }
    return m;
}

static bool same_target(const struct made *a, const struct made *b)
{
    return a->steps > 1 && a->steps == b->steps &&
           !memcmp(a->loss, b->loss, (size_t)a->steps * sizeof(*a->loss));
}

static bool same_scores(const struct made *a, const struct made *b)
{
    return a->scores && a->scores == b->scores &&
           !memcmp(a->score, b->score, a->scores * sizeof(float));
}

/* Of the base they are after an edit what they were before it, to the bit; of the present weights
 * they are not. */
static void the_base_is_what_it_was(void)
{
    char *path = in_home("weights.es");
    struct engine *e = start(tiny, &device_cpu, path, false);
    const struct params now = with("current", "current"), old = with("base", "base");
    struct made scores[4], target[4];

    scores[0] = run(e, CMD_ATTRIBUTE, "Lily", &now);
    target[0] = run(e, CMD_PREVIEW, "Lily", &now);
    free(run(e, CMD_COMMIT, "Tom", &now).score);
    scores[1] = run(e, CMD_ATTRIBUTE, "Lily", &now);
    target[1] = run(e, CMD_PREVIEW, "Lily", &now);
    scores[2] = run(e, CMD_ATTRIBUTE, "Lily", &old);
    target[2] = run(e, CMD_PREVIEW, "Lily", &old);
    CHECK(!same_scores(&scores[0], &scores[1]) && !same_target(&target[0], &target[1]));
    CHECK(same_scores(&scores[0], &scores[2]) && same_target(&target[0], &target[2]));
    free(run(e, CMD_UNDO, NULL, &now).score);
    scores[3] = run(e, CMD_ATTRIBUTE, "Lily", &now);
    target[3] = run(e, CMD_PREVIEW, "Lily", &now);
    CHECK(same_scores(&scores[0], &scores[3]) && same_target(&target[0], &target[3]));
    for (int i = 0; i < 4; i++) {
        free(scores[i].score);
        free(target[i].score);
    }
    engine_stop(e);
    free(path);
}

/* A preview after a parameter of the mask takes the target that is there: its steps are told, and
 * the weights that a commit writes are those of an engine that has kept none. */
static void a_kept_target_writes_the_same_bits(void)
{
    char checksum[2][65];
    struct params p = with("current", "current");

    for (int kept = 0; kept < 2; kept++) {
        char *path = in_home(kept ? "kept.es" : "fresh.es");
        struct engine *e = start(tiny, &device_cpu, path, false);
        struct made first = {0}, then;
        struct session *s;
        struct session_status status;

        p.value[P_RATIO_GE_B] = 0.3;
        if (kept)
            first = run(e, CMD_PREVIEW, "Lily", &p);
        p.value[P_RATIO_GE_B] = 0.5;
        then = run(e, CMD_COMMIT, "Lily", &p);
        CHECK(!kept || same_target(&first, &then));
        engine_stop(e);
        s = session_peek(path, NULL);
        CHECK(s && session_status(s, &status, NULL));
        memcpy(checksum[kept], status.checksum, sizeof(checksum[kept]));
        session_close(s);
        free(first.score);
        free(then.score);
        free(path);
    }
    CHECK(strlen(checksum[0]) == 64);
    CHECK_STR(checksum[0], checksum[1]);
}

static const struct test tests[] = {
    {"the base is what it was", the_base_is_what_it_was},
    {"a kept target writes the same bits", a_kept_target_writes_the_same_bits},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
