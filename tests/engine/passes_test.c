/* How many passes through the model a knob costs: the keys of an edit are made once, whoever asks
 * for them first. Attention is run once a block and batch, so its calls count blocks. */
#include "tests/engine/small.h"

enum { LAST = 3 }; /* of the layers that are edited */

static struct device_ops counting; /* the CPU, with its calls counted */
static atomic_int blocks;

static void counted_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                              const struct attn_seq *seq, int seqs, struct attn_shape shape,
                              struct mat out)
{
    blocks++;
    device_cpu.attention(dev, q, k, v, seq, seqs, shape, out);
}

static struct command of(enum command_kind kind)
{
    struct command c = command(kind, "Lily", "park");

    CHECK(params_assign(&c.params, "edit.layers=1,3", FROM_COMMAND_LINE, NULL));
    CHECK(params_assign(&c.params, "edit.v_steps=2", FROM_COMMAND_LINE, NULL));
    return c;
}

/* The number of blocks that a command runs. */
static int blocks_of(struct engine *e, enum command_kind kind)
{
    int before = blocks;

    run_command(e, of(kind));
    return blocks - before;
}

static void a_knob_costs_one_pass(void)
{
    struct engine *e;
    int first, again;

    counting = device_cpu;
    counting.attention = counted_attention;
    e = start(tiny, &counting, NULL, false);
    wait_until_open(e);
    run_command(e, of(CMD_MOMENTS)); /* first, so that no later command has to sum moments */
    run_command(e, of(CMD_ATTRIBUTE));
    first = blocks_of(e, CMD_ESTIMATE);
    again = blocks_of(e, CMD_ESTIMATE);
    CHECK(first == LAST + 1 && again == LAST + 1);
    if (first != LAST + 1)
        printf("the keys of L1 and L3 went through %d blocks, then %d\n", first, again);
    engine_stop(e);
}

/* stats.tokens beyond the text is what the text has, also when it is asked again. */
static void a_goal_beyond_the_text(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);

    wait_until_open(e);
    for (int i = 0; i < 2; i++) {
        struct command c = of(CMD_MOMENTS);

        c.params.value[P_STATS_TOKENS] = 1e12;
        run_command(e, c);
    }
    engine_stop(e);
}

/* An edit uses the tokens that are asked for, also where more are summed. */
static void a_goal_that_is_lowered(void)
{
    char committed[2][65];

    for (int more = 0; more < 2; more++) {
        struct engine *e = start(tiny, &device_cpu, NULL, false);
        struct command c = of(CMD_COMMIT);
        struct job_result h;

        wait_until_open(e);
        if (more)
            run_command(e, of(CMD_MOMENTS)); /* 4096 tokens */
        c.params.value[P_STATS_TOKENS] = 2048;
        h = run_command(e, c);
        memcpy(committed[more], h.committed, sizeof(committed[more]));
        engine_stop(e);
    }
    CHECK_STR(committed[0], committed[1]);
}

/* Once the text is summed for one goal, an estimate with a higher one has it summed further, though
 * nobody waits for it. */
static void a_goal_that_is_raised(void)
{
    struct params p = draft();
    struct engine_options o = {.model = tiny,
                               .params = &p,
                               .create = true,
                               .device = &device_cpu,
                               .threads = 2,
                               .prefixes = prefixes,
                               .text = text,
                               .background_moments = true};
    struct engine *e = engine_start(&o, NULL);
    struct command c = of(CMD_ATTRIBUTE);
    struct event ev;
    long summed = 0;

    wait_until_open(e);
    run_command(e, of(CMD_MOMENTS));
    c.params.value[P_STATS_TOKENS] = 8192;
    CHECK(engine_post(e, &c));
    while (summed < 8192 && next_event(e, &ev)) {
        if (ev.kind == EV_MOMENTS)
            summed = ev.moments->tokens;
        event_free(&ev);
    }
    CHECK(summed >= 8192);
    engine_stop(e);
}

/* A commit writes the draft that was previewed, though more text is summed since; a new preview
 * uses what is there now, and a commit that allows no draft does, too. */
static void a_draft_that_is_outgrown(void)
{
    enum { GOAL = 8192 };
    static const struct {
        enum command_kind kind;
        bool draft, same;
    } after[] = {{CMD_COMMIT, true, true}, {CMD_PREVIEW, true, false}, {CMD_COMMIT, false, false}};

    for (size_t i = 0; i < sizeof(after) / sizeof(*after); i++) {
        struct engine *e = start(tiny, &device_cpu, NULL, false);
        struct command c[3] = {of(CMD_PREVIEW), of(CMD_MOMENTS), of(after[i].kind)};
        struct job_result first, last;

        for (int k = 0; k < 3; k++) {
            c[k].params.value[P_STATS_TOKENS] = GOAL;
            c[k].params.value[P_STATS_WINDOW] = (double)(16 << i); /* nothing is in the cache */
        }
        c[0].draft = true;
        c[2].draft = after[i].draft;
        wait_until_open(e);
        first = run_command(e, c[0]);
        run_command(e, c[1]);
        last = run_command(e, c[2]);
        CHECK(first.moments > 0 && first.moments < GOAL);
        CHECK(last.moments == (after[i].same ? first.moments : GOAL));
        CHECK(after[i].same ==
              !strcmp(first.previewed,
                      after[i].kind == CMD_COMMIT ? last.committed : last.previewed));
        engine_stop(e);
    }
}

static const struct test tests[] = {
    {"a goal beyond the text is the text", a_goal_beyond_the_text},
    {"a goal that is lowered", a_goal_that_is_lowered},
    {"a goal that is raised", a_goal_that_is_raised},
    {"a draft that is outgrown", a_draft_that_is_outgrown},
    {"a knob costs one pass to the last edited layer", a_knob_costs_one_pass},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
