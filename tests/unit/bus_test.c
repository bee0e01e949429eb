/* The queues between the two threads. Also runs under the thread sanitizer. */
#include "core/engine/bus.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/test.h"

static struct event progress_of(unsigned job, double done)
{
    struct event ev = {.kind = EV_PROGRESS, .job = job};

    ev.progress = xcalloc(1, sizeof(*ev.progress));
    ev.progress->done = done;
    return ev;
}

static void *engine(void *arg)
{
    struct bus *bus = arg;
    struct command cmd;

    bus_take(bus, &cmd, true, NULL, NULL);
    for (int i = 1; i <= 1000; i++)
        bus_emit(bus, progress_of(cmd.job, i));
    for (int i = 0; i < 3000; i++) /* more than the ring holds: it waits for room */
        bus_emit(bus, (struct event){.kind = EV_DONE, .job = cmd.job});
    command_free(&cmd);
    return NULL;
}

static void progress_is_merged_results_are_not(void)
{
    struct bus *bus = bus_open(NULL);
    struct command cmd = {.kind = CMD_QUERY, .text = xstrdup("?")};
    struct event ev;
    pthread_t thread;
    unsigned job;
    int done = 0, news = 0;
    double last = 0;

    pthread_create(&thread, NULL, engine, bus);
    job = bus_post(bus, &cmd);
    CHECK(job == 1);
    CHECK(cmd.text == NULL); /* its text belongs to the engine now */
    while (done < 3000) {
        struct pollfd p = {.fd = bus_fd(bus), .events = POLLIN};

        poll(&p, 1, -1);
        while (bus_next(bus, &ev)) {
            CHECK(ev.job == job);
            done += ev.kind == EV_DONE;
            if (ev.kind == EV_PROGRESS) {
                news++;
                CHECK(ev.progress->done > last);
                last = ev.progress->done;
            }
            event_free(&ev);
        }
    }
    CHECK(last > 999);
    CHECK(news <= 1000);
    CHECK(!bus_next(bus, &ev));
    pthread_join(thread, NULL);
    bus_close(bus);
}

static void a_full_queue_refuses_and_frees(void)
{
    struct bus *bus = bus_open(NULL);
    int taken = 0;
    bool more = true;

    while (more) {
        struct command cmd = {.kind = CMD_QUERY, .text = xstrdup("what?")};

        more = bus_post(bus, &cmd) != 0;
        taken += more;
        CHECK(cmd.text == NULL);
    }
    CHECK(taken == 64);
    bus_close(bus);
}

static bool command_is_query(const struct command *cmd, const void *ctx)
{
    (void)ctx;
    return cmd->kind == CMD_QUERY;
}

static void urgent_commands_are_taken_first(void)
{
    struct bus *bus = bus_open(NULL);
    struct command work = {.kind = CMD_ATTRIBUTE}, ask = {.kind = CMD_QUERY}, got;

    CHECK(bus_post(bus, &work) == 1);
    CHECK(!bus_take(bus, &got, false, command_is_query, NULL));
    CHECK(bus_post(bus, &ask) == 2);
    CHECK(bus_waiting(bus, CMD_QUERY));
    CHECK(bus_take(bus, &got, false, command_is_query, NULL) && got.kind == CMD_QUERY);
    CHECK(!bus_waiting(bus, CMD_QUERY));
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.kind == CMD_ATTRIBUTE);
    bus_close(bus);
}

static void commands_that_are_waited_for_go_first(void)
{
    struct bus *bus = bus_open(NULL);
    struct command map = {.kind = CMD_ATTRIBUTE, .idle = true}, sweep = {.kind = CMD_VARIANTS},
                   preview = {.kind = CMD_PREVIEW}, commit = {.kind = CMD_COMMIT},
                   more = {.kind = CMD_TRACE}, drift = {.kind = CMD_DRIFT}, got, taken;

    CHECK(bus_post(bus, &map) == 1 && bus_post(bus, &sweep) == 2);
    CHECK(!bus_waiting_before(bus, RANK_BATCH) && bus_waiting_before(bus, RANK_IDLE));
    CHECK(bus_post(bus, &preview) == 3 && bus_post(bus, &commit) == 4);
    CHECK(bus_waiting_before(bus, RANK_YIELDS));
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 3);
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 4);
    CHECK(bus_take(bus, &taken, false, NULL, NULL) && taken.job == 2);
    CHECK(bus_post(bus, &more) == 5 && bus_post(bus, &drift) == 6);
    taken.resume.done = 7;
    bus_put_back(bus, &taken); /* before the other one of its rank, with what it has done */
    CHECK(!taken.job);
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 5); /* a batch waits for it */
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 2 && got.resume.done == 7);
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 6);
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 1 && got.idle);
    CHECK(!bus_take(bus, &got, false, NULL, NULL));
    bus_close(bus);
}

static void a_full_queue_takes_what_is_put_back(void)
{
    struct bus *bus = bus_open(NULL);
    struct command work = {.kind = CMD_TRACE}, quit = {.kind = CMD_QUIT}, got;

    CHECK(bus_post(bus, &work) == 1 && bus_take(bus, &got, false, NULL, NULL));
    got.resume.kept = xcalloc(1, 8);
    for (int i = 0; i < 64; i++) {
        struct command more = {.kind = CMD_TRACE};

        CHECK(bus_post(bus, &more));
    }
    CHECK(bus_post(bus, &(struct command){.kind = CMD_TRACE}) == 0);
    bus_put_back(bus, &got);
    CHECK(bus_post(bus, &quit) == 66); /* the program can always end */
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.kind == CMD_QUIT);
    CHECK(bus_take(bus, &got, false, NULL, NULL) && got.job == 1 && got.resume.kept);
    command_free(&got);
    bus_close(bus);
}

static void cancel_one_job_or_all_so_far(void)
{
    struct bus *bus = bus_open(NULL);
    struct command a = {.kind = CMD_ATTRIBUTE}, b = {.kind = CMD_ATTRIBUTE},
                   c = {.kind = CMD_ATTRIBUTE};
    unsigned one = bus_post(bus, &a), two = bus_post(bus, &b), three;

    CHECK(!bus_cancelled(bus, 0) && !bus_cancelled(bus, one));
    bus_cancel(bus, two);
    CHECK(!bus_cancelled(bus, one) && bus_cancelled(bus, two));
    bus_cancel(bus, 0);
    CHECK(bus_cancelled(bus, one));
    CHECK(!bus_cancelled(bus, 0)); /* background work cannot be cancelled */
    three = bus_post(bus, &c);
    CHECK(!bus_cancelled(bus, three));
    bus_close(bus);
}

static const struct test tests[] = {
    {"progress is merged, results are not", progress_is_merged_results_are_not},
    {"a full queue refuses and frees", a_full_queue_refuses_and_frees},
    {"urgent commands are taken from the middle", urgent_commands_are_taken_first},
    {"commands that are waited for go first", commands_that_are_waited_for_go_first},
    {"a full queue takes what is put back", a_full_queue_takes_what_is_put_back},
    {"cancel one job, or all so far", cancel_one_job_or_all_so_far},
};
TEST_MAIN(tests)
