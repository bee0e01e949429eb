/* Two GPUs sum second moments as one does. */
#include "tests/engine/small.h"

#include "gpu/cuda.h"
#include "tests/emulate/emulated.h"

/* Traces of the second moments that so many GPUs sum. */
static int summed(int gpus, double *trace)
{
    char *cache = in_home(gpus == 1 ? "one" : emulated.no_nccl ? "host" : "nccl");
    struct engine_options o = {.model = tiny,
                               .create = true,
                               .device = &device_cuda,
                               .more_devices = gpus - 1,
                               .threads = 1,
                               .prefixes = prefixes,
                               .text = text};
    struct command c = {.kind = CMD_MOMENTS, .params = draft()};
    struct engine *e;
    struct pollfd fd;
    struct event ev;
    unsigned job;
    bool done = false;
    int layers = 0;

    setenv("XDG_CACHE_HOME", cache, 1);
    CHECK(params_set(&c.params, "stats.tokens", "2100", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "stats.window", "64", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.layers", "1,2", FROM_COMMAND_LINE, NULL));
    e = engine_start(&o, NULL);
    fd = (struct pollfd){.fd = engine_fd(e), .events = POLLIN};
    opened(e);
    job = engine_post(e, &c);
    while (!done && poll(&fd, 1, 120000) > 0)
        while (!done && engine_next(e, &ev)) {
            CHECK_STR(ev.err.text, "");
            done = ev.job == job && (ev.kind == EV_DONE || ev.kind == EV_FAILED);
            if (ev.kind == EV_MOMENTS) {
                CHECK(ev.moments->tokens >= 2100 || !ev.moments->trace[0]);
                layers = ev.moments->layers;
                memcpy(trace, ev.moments->trace, (size_t)layers * sizeof(*trace));
            }
            event_free(&ev);
        }
    engine_stop(e);
    free(cache);
    return layers;
}

static void two_gpus_sum_as_one(void)
{
    double one[64] = {0}, two[64] = {0};

    emulated.gpus = 2;
    emulated.peak[1] = 0;
    CHECK(summed(1, one) == 2);
    CHECK(emulated.peak[1] == 0);
    for (int host = 0; host < 2; host++) { /* by NCCL, and by way of the host */
        emulated.no_nccl = host;
        emulated.reduced = 0;
        CHECK(summed(2, two) == 2);
        CHECK((emulated.reduced > 0) == !host);
        for (int i = 0; i < 2; i++) {
            CHECK(one[i] > 0);
            CHECK_NEAR(two[i], one[i], 1e-12 * one[i]);
        }
    }
    emulated.no_nccl = 0;
    CHECK(emulated.peak[1] > 1 << 20); /* the second took part */
    CHECK(emulated.used[0] == 0 && emulated.used[1] == 0);
    emulated.gpus = 1;
}

static void a_gpu_that_is_missing_is_named(void)
{
    struct engine_options o = {.model = tiny,
                               .create = true,
                               .device = &device_cuda,
                               .more_devices = 1,
                               .threads = 1,
                               .prefixes = prefixes,
                               .text = text};
    struct command c = {.kind = CMD_MOMENTS, .params = draft()};
    struct engine *e = engine_start(&o, NULL);
    struct heard h = {0};
    unsigned job;

    CHECK(params_set(&c.params, "edit.layers", "3", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "stats.tokens", "300", FROM_COMMAND_LINE, NULL));
    opened(e);
    job = engine_post(e, &c);
    CHECK(listen(e, EV_DONE, job, &h) == EV_FAILED);
    CHECK(strstr(h.err.text, "GPU 1") && strstr(h.err.text, "no GPU 1"));
    engine_stop(e);
}

static const struct test tests[] = {
    {"two GPUs sum as one", two_gpus_sum_as_one},
    {"a GPU that is missing is named", a_gpu_that_is_missing_is_named},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
