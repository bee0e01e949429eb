/* `editscope pull` as a user runs it, from a Hub on this machine. */
#include "tests/e2e/command.h"

#include "core/base/clock.h"
#include "tests/hub_server.h"

static void serve(const char *name, const char *from, bool large)
{
    size_t n = 0;
    char *bytes = file_read(from, (size_t)1 << 26, &n, NULL);

    CHECK(bytes != NULL);
    hub_server_file(name, bytes ? bytes : "", n, large);
    free(bytes);
}

static void serve_model(void)
{
    char endpoint[64], cache[128];

    serve("config.json", "tests/data/stories260K/config.json", false);
    serve("model.safetensors", "tests/data/stories260K/model.safetensors", true);
    serve("tokenizer.json", "tests/data/tokenizer/llama3.json", false);
    CHECK(hub_server_start(NULL));
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d/", hub_server.port);
    snprintf(cache, sizeof(cache), "%s/hub", folder);
    setenv("HF_ENDPOINT", endpoint, 1);
    setenv("HF_HUB_CACHE", cache, 1);
    setenv("HF_TOKEN", HUB_TOKEN, 1);
}

static void empty_cache(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -rf '%s/hub'", folder);
    CHECK(!system(command));
}

static void a_model_is_fetched_and_opened_by_its_name(void)
{
    struct buf out = {0};
    char *said, path[200];
    json_t *o, *files;

    serve_model();
    refused(2, "usage", "pull needs the name of a model", "pull");
    refused(2, "usage", "not a valid Hub model name", "pull ../x");
    refused(2, "usage", "branch", "pull org/name@../x");
    refused(4, "model", "no revision 'v9'", "pull org/name@v9");
    refused(4, "model", "editscope pull org/name", "tokens -m org/name x");
    CHECK(run(&out, "pull org/name") == 0);
    snprintf(path, sizeof(path), "%s/hub/models--org--name/snapshots/%s\n", folder, HUB_COMMIT);
    CHECK_STR(out.data ? out.data : "", path);
    said = messages(); /* no terminal: a line a file, and no escapes */
    CHECK(strstr(said, "model.safetensors: ") && strstr(said, " of 1.") && !strchr(said, '\033'));
    CHECK(!strstr(said, HUB_TOKEN));
    free(said);
    CHECK(run(&out, "pull -q --json org/name@v/1") == 0);
    o = event(&out, "pulled", 0);
    files = json_object_get(o, "files");
    CHECK_STR(text_of(o, "commit"), HUB_COMMIT);
    CHECK(json_array_size(files) == 3);
    CHECK(json_is_false(json_object_get(json_array_get(files, 0), "fetched")));
    CHECK(!event(&out, "progress", 0));
    json_decref(o);
    setenv("HF_ENDPOINT", "https://hub.invalid", 1); /* from here on nothing is asked */
    CHECK(run(&out, "tokens -m org/name --no-bos 'the city'") == 0);
    CHECK(out.data && strstr(out.data, "' cit'"));
    CHECK(run(&out, "tokens -m org/name@v/1 --no-bos 'the city'") == 0);
    refused(4, "model", "editscope pull org/name@v2", "tokens -m org/name@v2 x");
    CHECK(run(&out, "models --json") == 0);
    o = event(&out, "model", 0);
    CHECK_STR(text_of(o, "name"), "org/name");
    CHECK_STR(text_of(o, "place"), "hugging face");
    json_decref(o);
    setenv("HF_HUB_OFFLINE", "1", 1);
    refused(1, "io", "HF_HUB_OFFLINE", "pull org/name");
    unsetenv("HF_HUB_OFFLINE");
    setenv("HF_ENDPOINT", "http://hub.invalid", 1);
    refused(2, "usage", "HF_ENDPOINT", "pull org/name");
    buf_free(&out);
    hub_server_stop();
    empty_cache();
}

/* Runs `editscope pull` itself, so that a signal reaches it and nothing else. */
static pid_t start_pull(void)
{
    const char *program = getenv("EDITSCOPE");
    pid_t pid = fork();

    if (!pid) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(null, 1);
        dup2(null, 2);
        execl(program ? program : "build/editscope", "editscope", "pull", "org/name", (char *)NULL);
        _exit(99);
    }
    return pid;
}

static void an_interrupt_keeps_the_part(void)
{
    double began, took;
    struct buf out = {0};
    int status = 0;
    pid_t pid;

    serve_model();
    hub_server.fault = F_STALL;
    hub_server.times = 1;
    hub_server.bodies = 0;
    pid = start_pull();
    for (int i = 0; i < 500 && !hub_server.bodies; i++)
        usleep(10000);
    usleep(100000);
    began = clock_seconds();
    CHECK(!kill(pid, SIGINT) && waitpid(pid, &status, 0) == pid);
    took = clock_seconds() - began;
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    CHECK(took < 0.2);
    hub_server.fault = F_NONE;
    CHECK(run(&out, "pull org/name") == 0);
    CHECK(hub_server.from > 0); /* it went on there */
    buf_free(&out);
    hub_server_stop();
    empty_cache();
}

/* kill -9 in the middle: nothing looks like a model, and the next pull ends it. */
static void a_kill_leaves_no_half_model(void)
{
    struct buf out = {0};
    char ref[200];
    int status;

    serve_model();
    snprintf(ref, sizeof(ref), "%s/hub/models--org--name/refs/main", folder);
    hub_server.fault = F_STALL;
    hub_server.times = 99;
    for (int i = 0; i < 8; i++) {
        pid_t pid = start_pull();

        usleep((unsigned)(5000 + 12000 * i));
        CHECK(!kill(pid, SIGKILL) && waitpid(pid, &status, 0) == pid);
        CHECK(!file_exists(ref));
        refused(4, "model", "editscope pull org/name", "tokens -m org/name x");
    }
    hub_server.fault = F_NONE;
    CHECK(run(&out, "pull org/name") == 0 && file_exists(ref));
    buf_free(&out);
    hub_server_stop();
    empty_cache();
}

int main(void)
{
    static const struct test tests[] = {
        {"a model is fetched and opened by its name", a_model_is_fetched_and_opened_by_its_name},
        {"an interrupt keeps the part", an_interrupt_keeps_the_part},
        {"a kill leaves no half model", a_kill_leaves_no_half_model},
    };

    return command_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
