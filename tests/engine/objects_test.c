/* Another object of the same prompt needs no scores again, unless it is what they explain. */
#include "tests/engine/small.h"

struct scored {            /* what an attribution said */
    int layers, estimates; /* estimates come for layers that have no scores yet */
    double sum;
};

static struct scored attribute(struct engine *e, const char *target, const char *explains)
{
    struct command c = command(CMD_ATTRIBUTE, "Lily", target);
    struct scored s = {0};
    struct event ev;
    unsigned job;
    bool over = false;

    c.facts[0].wording.join = JOIN_NONE; /* else the first token of every object is the blank */
    CHECK(params_set(&c.params, "attr.target", explains, FROM_COMMAND_LINE, NULL));
    job = engine_post(e, &c);
    while (!over && next_event(e, &ev)) {
        const struct attribution *a = ev.attribution;

        if (ev.kind == EV_LAYER && a->strategy == STRATEGY_MPC) {
            s.estimates++;
        } else if (ev.kind == EV_LAYER) {
            s.layers++;
            for (int i = 0; i < a->rows * a->neurons; i++)
                s.sum += (double)a->score[i];
        }
        CHECK(ev.kind != EV_FAILED);
        over = ends_job(&ev, job);
        event_free(&ev);
    }
    return s;
}

static void another_object_keeps_the_scores(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct scored first, other, explained, again;

    wait_until_open(e);
    first = attribute(e, "park", "pred");
    CHECK(first.layers > 0 && first.estimates == first.layers);
    other = attribute(e, "shop", "pred");
    CHECK(other.layers == first.layers && other.estimates == 0);
    CHECK_NEAR(other.sum, first.sum, 0);
    explained = attribute(e, "park", "new");
    CHECK(explained.estimates == explained.layers);
    again = attribute(e, "shop", "new");
    CHECK(again.estimates == again.layers && fabs(again.sum - explained.sum) > 0);
    engine_stop(e);
}

static const struct test tests[] = {
    {"another object keeps the scores", another_object_keeps_the_scores},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
