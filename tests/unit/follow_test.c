/* The file of a run that is shown while another process writes it: its state is that of the file.
 */
#include "core/record/player.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <time.h>

#include "core/session/measures.h"
#include "tests/unit/session_sample.h"

static const char text[] = "{\"data\":\"d\",\"edits\":[3],\"batch\":1,\"orders\":1,\"seed\":0,"
                           "\"protocol\":[\"teacher\"],\"state\":true,\"arms\":[{\"name\":\"nmke\","
                           "\"parameters\":{}}]}";

/* What came of a look at the file. */
struct looked {
    int states, histories, edits, listed;
    double changed;
    bool failed;
};

/* Asks for the run and takes what comes. As a user does, it names the file otherwise than the
 * session itself. */
static struct looked look(struct engine *e)
{
    struct command cmd = {.kind = CMD_RUN, .text = xasprintf("/.%s", file)};
    struct looked out = {0};
    struct event ev = {0};
    bool done = false;
    unsigned job;

    params_default(&cmd.params);
    job = engine_post(e, &cmd);
    for (int i = 0; i < 500 && !done; i++) {
        struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};

        for (; !done && engine_next(e, &ev); event_free(&ev)) {
            done = ev.job == job && (ev.kind == EV_DONE || ev.kind == EV_FAILED);
            out.failed |= ev.kind == EV_FAILED;
            if (ev.job == job && ev.kind == EV_RUN)
                out.changed = ev.run->changed;
            if (ev.job == job && ev.kind == EV_STATE) {
                out.states++;
                out.edits = ev.state->edits;
            }
            if (ev.job == job && ev.kind == EV_HISTORY) {
                out.histories++;
                out.listed = ev.history->count;
            }
        }
        poll(&fd, 1, 10);
    }
    CHECK(done && !out.failed);
    return out;
}

static void the_state_follows_the_file(void)
{
    struct session *s;
    struct engine *e;
    struct params params;
    struct fact fact;
    struct err err = {0};
    struct looked now;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    CHECK(session_set(s, SESSION_RUN, text, &err) && session_run_begin(s, &err));
    e = engine_show(file, &params, &fact, &err);
    CHECK(e);
    now = look(e);
    CHECK(!now.states && !now.histories); /* as it was opened */
    append(s, 2);
    append(s, 3);
    now = look(e);
    CHECK(now.states == 1 && now.edits == 3);
    CHECK(now.histories == 1 && now.listed == 3);
    CHECK(session_undo(s, NULL, &err));
    now = look(e);
    CHECK(now.states == 1 && now.edits == 2 && now.listed == 3);
    now = look(e);
    CHECK(!now.states);
    engine_stop(e);
    session_close(s);
    fact_free(&fact);
}

/* The file's own time, which a copy changes, is not that of the run. */
static void the_time_is_that_of_the_journal(void)
{
    const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
    double began = (double)time(NULL);
    struct session *s;
    struct engine *e;
    struct params params;
    struct fact fact;
    struct err err = {0};
    double changed;

    fresh_file();
    s = must_open(true);
    append(s, 1);
    CHECK(session_set(s, SESSION_RUN, text, &err) && session_run_begin(s, &err));
    session_close(s);
    CHECK(!utimensat(AT_FDCWD, file, old, 0));
    e = engine_show(file, &params, &fact, &err);
    CHECK(e);
    changed = look(e).changed;
    CHECK(changed >= began && changed < began + 600);
    engine_stop(e);
    fact_free(&fact);
}

int main(void)
{
    static const struct test tests[] = {
        {"the state follows the file", the_state_follows_the_file},
        {"the time is that of the journal", the_time_is_that_of_the_journal}};

    return folder_main(folder, sizeof(folder), tests, 2);
}
