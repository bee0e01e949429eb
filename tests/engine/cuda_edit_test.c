/* One edit's whole journey on the CUDA device, against the CPU: scores and masks, the solved edit,
 * and the promise that a session gives the same bits on either. */
#include "tests/engine/small.h"

#if HAVE_CUDA
#include "gpu/cuda.h"

/* The scores of every layer for one fact, taken from the events. */
static struct attribution **attributed(const struct device_ops *device, int *layers)
{
    struct engine *e = start(tiny, device, NULL, false);
    struct attribution **layer = xcalloc(64, sizeof(struct attribution *));
    struct command c = command(CMD_ATTRIBUTE, "Lily", "park");
    bool done = false;
    struct event ev;
    unsigned job;

    wait_until_open(e);
    *layers = 0;
    c.all_layers = true;
    job = engine_post(e, &c);
    while (!done && next_event(e, &ev)) {
        done = ends_job(&ev, job);
        CHECK_STR(ev.err.text, "");
        if (ev.kind == EV_LAYER && ev.attribution->strategy == STRATEGY_LPS) {
            layer[ev.attribution->layer] = attribution_ref(ev.attribution);
            ++*layers;
        }
        event_free(&ev);
    }
    engine_stop(e);
    return layer;
}

static void the_scores_are_the_cpus(void)
{
    int layers, others;
    struct attribution **cpu = attributed(&device_cpu, &layers);
    struct attribution **gpu = attributed(&device_cuda, &others);
    struct params p = draft();

    CHECK(layers > 0 && layers == others);
    for (int l = 0; l < layers && l < others; l++) {
        struct mask *a = mask_build(cpu[l], &p), *b = mask_build(gpu[l], &p);
        int n = cpu[l]->rows * cpu[l]->neurons, differ = 0;
        double worst = 0, largest = 0;

        for (int i = 0; i < n; i++) {
            worst = fmax(worst, fabs((double)(cpu[l]->score[i] - gpu[l]->score[i])));
            largest = fmax(largest, fabs((double)cpu[l]->score[i]));
        }
        for (int i = 0; i < cpu[l]->neurons; i++)
            differ += a->class_bits[i] != b->class_bits[i];
        CHECK_NEAR(worst / largest, 0, 1e-4); /* the promise is 1e-3 */
        CHECK(differ * 200 <= cpu[l]->neurons);
        mask_free(a);
        mask_free(b);
        attribution_unref(cpu[l]);
        attribution_unref(gpu[l]);
    }
    free(cpu);
    free(gpu);
}

/* Made on one device, opened on the other: deltas are applied with the same bits everywhere. */
static void a_session_has_the_same_bits_on_both(void)
{
    const struct device_ops *device[] = {&device_cpu, &device_cuda};

    for (int i = 0; i < 2; i++) {
        char *session = in_home(i ? "made-on-gpu.es" : "made-on-cpu.es");
        struct engine *e = start(tiny, device[i], session, false);
        struct job_result base = wait_until_open(e), edited, h;

        edited = run_command(e, command(CMD_COMMIT, "Lily", "park"));
        CHECK(edited.edits == 1 && edited.unmasked_unchanged);
        CHECK(strcmp(edited.checksum, base.checksum) != 0);
        engine_stop(e);
        e = start(tiny, device[!i], session, false);
        CHECK_STR(wait_until_open(e).checksum, edited.checksum);
        h = run_command(e, command(CMD_VERIFY, NULL, NULL));
        CHECK(h.verified);
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
        engine_stop(e);
        free(session);
    }
}

static void the_same_bits_twice(void)
{
    char first[65] = "";

    for (int i = 0; i < 2; i++) {
        struct engine *e = start(tiny, &device_cuda, NULL, false);
        struct job_result h;

        wait_until_open(e);
        h = run_command(e, command(CMD_COMMIT, "Tom", "shop"));
        engine_stop(e);
        if (i)
            CHECK_STR(h.checksum, first);
        memcpy(first, h.checksum, sizeof(first));
    }
}

static const struct test tests[] = {
    {"scores and classes are the CPU's", the_scores_are_the_cpus},
    {"a session has the same bits on both", a_session_has_the_same_bits_on_both},
    {"the same edit twice gives the same bits", the_same_bits_twice},
};

int main(void)
{
    if (device_cuda.count() > 0)
        return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    printf("skip all: no GPU here\n0 passed, 0 failed, %d skipped\n",
           (int)(sizeof(tests) / sizeof(*tests)));
    return 0;
}
#else
int main(void)
{
    printf("skip all: built without CUDA\n0 passed, 0 failed, 3 skipped\n");
    return 0;
}
#endif
