/* A model fetched behind the engine's door: beside other jobs, stopped at once, one at a time. */
#include "tests/hub_server.h"

#define listen listen_to /* small.h has another than sockets have */
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

static void a_model_comes_beside_other_work(void)
{
    struct engine *e;
    struct command ask = command(CMD_QUERY, NULL, NULL);
    struct heard h = {0};
    unsigned first, second;
    double began;

    begin();
    e = start(tiny, &device_cpu, NULL, false);
    opened(e);
    hub_server.fault = F_STALL;
    hub_server.times = 1;
    first = pull(e, "org/name");
    under_way();
    ask.text = xstrdup("Tom");
    ask.tokens = 2;
    h = run(e, ask); /* answered while it hangs */
    CHECK(h.answers > 0);
    second = pull(e, "org/other");
    CHECK(listen(e, EV_DONE, second, &h) == EV_FAILED);
    CHECK(strstr(h.err.text, "org/name is being downloaded"));
    began = now();
    engine_cancel(e, first);
    h = (struct heard){0};
    CHECK(listen(e, EV_DONE, first, &h) == EV_FAILED && h.err.kind == ERR_CANCELLED);
    CHECK(now() - began < 0.2);
    first = pull(e, "org/name");
    h = (struct heard){0};
    CHECK(listen(e, EV_DONE, first, &h) == EV_DONE);
    CHECK(hub_server.from > 0); /* where it had stopped */
    first = pull(e, "../x");
    CHECK(listen(e, EV_DONE, first, &h) == EV_FAILED && h.err.kind == ERR_USAGE);
    engine_stop(e);
    hub_server_stop();
}

static void leaving_does_not_wait_for_it(void)
{
    struct engine *e;
    double began;

    begin();
    e = start(tiny, &device_cpu, NULL, false);
    opened(e);
    hub_server.bodies = 0;
    hub_server.file[1].bytes[0] ^= 1; /* as good as another file */
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
        {"a model comes beside other work", a_model_comes_beside_other_work},
        {"leaving does not wait for it", leaving_does_not_wait_for_it},
    };

    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
