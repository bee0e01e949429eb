/* CMD_PULL: a download runs beside other jobs, stops at once, one at a time. */
#include "tests/hub_server.h"

#include "tests/engine/small.h"

static void begin(void)
{
    char *cache = in_home("hub"), *endpoint;

    hub_server_file("config.json", "{}", 2, false);
    hub_server_weights("model.safetensors", 1000000);
    CHECK(hub_server_start(NULL));
    endpoint = xasprintf("http://127.0.0.1:%d", hub_server.port);
    setenv("HF_ENDPOINT", endpoint, 1);
    setenv("HF_HUB_CACHE", cache, 1);
    free(endpoint);
    free(cache);
}

static unsigned pull(struct engine *e, const char *name)
{
    struct command c = {.kind = CMD_PULL, .text = xstrdup(name)};

    return engine_post(e, &c);
}

/* Waits until the server has begun to send the weights. */
static void under_way(void)
{
    for (int i = 0; i < 500 && !hub_server.bodies; i++)
        usleep(10000);
    CHECK(hub_server.bodies > 0);
}

static void download_beside_other_jobs(void)
{
    struct engine *e;
    struct command ask = command(CMD_QUERY, NULL, NULL);
    struct job_result h = {0};
    unsigned first, second;
    double began;

    begin();
    e = start(tiny, &device_cpu, NULL, false);
    wait_until_open(e);
    hub_server.fault = F_STALL;
    hub_server.times = 1;
    first = pull(e, "org/name");
    under_way();
    ask.text = xstrdup("Tom");
    ask.tokens = 2;
    h = run_command(e, ask); /* answered while it hangs */
    CHECK(h.answers > 0);
    second = pull(e, "org/other");
    CHECK(wait_for_event(e, EV_DONE, second, &h) == EV_FAILED);
    CHECK(strstr(h.err.text, "org/name is being downloaded"));
    began = now();
    engine_cancel(e, first);
    h = (struct job_result){0};
    CHECK(wait_for_event(e, EV_DONE, first, &h) == EV_FAILED && h.err.kind == ERR_CANCELLED);
    CHECK(now() - began < 0.2);
    first = pull(e, "org/name");
    h = (struct job_result){0};
    CHECK(wait_for_event(e, EV_DONE, first, &h) == EV_DONE);
    CHECK(hub_server.from > 0); /* resumed where it had stopped */
    first = pull(e, "../x");
    CHECK(wait_for_event(e, EV_DONE, first, &h) == EV_FAILED && h.err.kind == ERR_USAGE);
    engine_stop(e);
    hub_server_stop();
}

static void stop_does_not_wait(void)
{
    struct engine *e;
    double began;

    begin();
    e = start(tiny, &device_cpu, NULL, false);
    wait_until_open(e);
    hub_server.bodies = 0;
    hub_server.file[1].bytes[0] ^= 1; /* as if it were another file */
    sha256_of(hub_server.file[1].bytes, hub_server.file[1].n, hub_server.file[1].etag);
    hub_server.fault = F_STALL;
    hub_server.times = 1;
    pull(e, "org/name");
    under_way();
    began = now();
    engine_stop(e);
    CHECK(now() - began < 0.5);
    hub_server.fault = F_NONE;
    hub_server_stop();
}

int main(void)
{
    static const struct test tests[] = {
        {"a download runs beside other jobs", download_beside_other_jobs},
        {"stopping the engine does not wait for it", stop_does_not_wait},
    };

    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
