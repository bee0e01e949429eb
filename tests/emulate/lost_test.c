/* A GPU that fails in the middle of work, and one that does not open: the session is unchanged and
 * continues on the CPU. */
#include "tests/engine/small.h"

#include "core/session/session.h"
#include "gpu/cuda.h"
#include "tests/emulate/emulated.h"

/* Runs a command that must fail because the GPU is lost; h gets the reported state. */
static struct job_result lose(struct engine *e, struct command c)
{
    struct job_result h = {0};
    unsigned job = engine_post(e, &c);
    struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};
    struct event ev;
    bool told = false;

    while (!told && poll(&fd, 1, 120000) > 0)
        while (!told && engine_next(e, &ev)) {
            result_add(&h, &ev);
            told = ev.kind == EV_STATE && ev.state->lost;
            event_free(&ev);
        }
    CHECK(told && job);
    return h;
}

/* A short way: emulated kernels take their time. */
static struct command brief(enum command_kind kind, const char *subject, const char *target)
{
    struct command c = command(kind, subject, target);

    CHECK(params_set(&c.params, "stats.tokens", "512", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.v_steps", "2", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.layers", "1", FROM_COMMAND_LINE, NULL));
    return c;
}

static void a_lost_gpu_loses_no_edit(void)
{
    char *session = in_home("lost.es");
    struct engine *e = start(tiny, &device_cuda, session, false);
    struct command cpu = {.kind = CMD_DEVICE, .text = xstrdup("cpu")};
    struct command ask = command(CMD_QUERY, NULL, NULL);
    struct job_result first, lost, refused = {0}, again;
    long launches = 1L << 40;
    unsigned job;

    wait_until_open(e);
    first = run_command(e, brief(CMD_COMMIT, "Lily", "park"));
    run_command(e, brief(CMD_PREVIEW, "Tom", "shop")); /* its scores serve every object */
    emulated.launches_left = launches;
    run_command(e, brief(CMD_PREVIEW, "Tom", "mill"));
    launches -= emulated.launches_left;
    CHECK(launches > 100);
    emulated.launches_left = launches * 9 / 10;
    lost = lose(e, brief(CMD_COMMIT, "Tom", "shed"));
    CHECK(lost.edits == 1);
    ask.text = xstrdup("One day");
    job = engine_post(e, &ask);
    CHECK(wait_for_event(e, EV_DONE, job, &refused) == EV_FAILED); /* refused, not wrong */
    CHECK(refused.err.kind == ERR_DEVICE);
    again = run_command(e, cpu);
    CHECK(again.edits == 1);
    CHECK_STR(again.checksum, first.checksum);
    CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
    CHECK(run_command(e, brief(CMD_COMMIT, "Tom", "shed")).edits == 2);
    engine_stop(e);
    emulated.lost = 0;
    emulated.launches_left = -1;
    free(session);
}

/* The GPU fails while the weights are rebuilt: the journal still has both edits, as the weights on
 * the CPU then have. */
static void an_undo_that_fails_undoes_nothing(void)
{
    char *session = in_home("undo.es");
    struct engine *e = start(tiny, &device_cuda, session, false);
    struct command cpu = {.kind = CMD_DEVICE, .text = xstrdup("cpu")};
    struct command undo = command(CMD_UNDO, NULL, NULL);
    struct command ask = command(CMD_QUERY, NULL, NULL);
    struct job_result two, lost, again, refused = {0};
    struct session *journal;
    struct session_status status;
    unsigned job;

    wait_until_open(e);
    run_command(e, brief(CMD_COMMIT, "Lily", "park"));
    two = run_command(e, brief(CMD_COMMIT, "Tom", "shop"));
    run_command(e, brief(CMD_PREVIEW, "Tom", "mill"));
    undo.text = xstrdup("1");
    emulated.launches_left = 1; /* the next one */
    lost = lose(e, undo);
    CHECK(lost.edits == 2);
    ask.text = xstrdup("One day");
    job = engine_post(e, &ask); /* the undo has ended when this is refused */
    CHECK(wait_for_event(e, EV_DONE, job, &refused) == EV_FAILED);
    journal = session_open(session, false, true, NULL);
    CHECK(session_status(journal, &status, NULL) && status.edits == 2 && !status.redo);
    session_close(journal);
    again = run_command(e, cpu);
    CHECK(again.edits == 2);
    CHECK_STR(again.checksum, two.checksum);
    undo = command(CMD_UNDO, NULL, NULL);
    undo.text = xstrdup("1");
    CHECK(run_command(e, undo).edits == 1);
    CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
    engine_stop(e);
    emulated.lost = 0;
    emulated.launches_left = -1;
    free(session);
}

/* Opens with what --device auto gives; the device's name and what was said of it. */
static void opened_on(char *name, char *notice, size_t size)
{
    struct engine_options o = {
        .model = tiny, .device = &device_cuda, .automatic = true, .threads = 1, .base_only = true};
    struct engine *e = engine_start(&o, NULL);
    struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};
    struct event ev;

    *name = *notice = '\0';
    while (!*name && poll(&fd, 1, 60000) > 0)
        while (engine_next(e, &ev)) {
            if (ev.kind == EV_MODEL) {
                snprintf(name, size, "%s", ev.model->device);
                snprintf(notice, size, "%s", ev.model->notice);
            }
            event_free(&ev);
        }
    engine_stop(e);
}

static void auto_takes_the_cpu_and_says_why(void)
{
    char name[600], notice[600];
    struct engine_options o = {.model = tiny, .device = &device_cuda, .threads = 1};
    struct engine *e;
    struct job_result h = {0};

    opened_on(name, notice, sizeof(name));
    CHECK_STR(name, "cuda");
    CHECK_STR(notice, "");
    emulated.memory = 3 << 19;
    opened_on(name, notice, sizeof(name));
    CHECK_STR(name, "cpu");
    CHECK(strstr(notice, "using the CPU") && strstr(notice, "memory"));
    e = engine_start(&o, NULL); /* asked for by name, it refuses */
    CHECK(wait_for_event(e, EV_STATE, 0, &h) == EV_STOPPED);
    CHECK(h.err.kind == ERR_LIMIT);
    CHECK(strstr(h.err.text, "--device cpu"));
    engine_stop(e);
    emulated.memory = 34 << 20; /* it opens, and the plan says no */
    e = engine_start(&o, NULL);
    h = (struct job_result){0};
    CHECK(wait_for_event(e, EV_STATE, 0, &h) == EV_STOPPED);
    CHECK(h.err.kind == ERR_LIMIT && strstr(h.err.text, "GB are needed"));
    engine_stop(e);
    emulated.memory = (size_t)1 << 30;
}

/* With --memory small, second moments and null spaces stay on the host: the edit succeeds the same.
 */
static void a_small_limit_keeps_the_large_on_the_host(void)
{
    size_t peak[2];
    struct job_result h;

    for (int k = 0; k < 2; k++) {
        struct engine_options o = {.model = tiny,
                                   .create = true,
                                   .device = &device_cuda,
                                   .memory = k ? 600LL << 20 : 0,
                                   .threads = 1,
                                   .prefixes = prefixes,
                                   .text = text};
        struct engine *e = engine_start(&o, NULL);

        wait_until_open(e);
        emulated.peak[0] = 0;
        h = run_command(e, brief(CMD_COMMIT, "Lily", "park"));
        peak[k] = emulated.peak[0];
        CHECK(h.edits == 1 && h.unmasked_unchanged);
        CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
        engine_stop(e);
        CHECK(emulated.used[0] == 0);
    }
    CHECK(peak[1] < peak[0]);
}

static const struct test tests[] = {
    {"a small limit keeps the large on the host", a_small_limit_keeps_the_large_on_the_host},
    {"a lost GPU loses no edit", a_lost_gpu_loses_no_edit},
    {"an undo that fails undoes nothing", an_undo_that_fails_undoes_nothing},
    {"auto takes the CPU and says why", auto_takes_the_cpu_and_says_why},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
