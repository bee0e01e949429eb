/* The engine by its interface: edits that are committed, undone, redone, reopened and rebuilt give
 * the same bits; jobs can be cancelled; queries are answered while a job runs. */
#include "tests/doubles/device_far.h"
#include "tests/engine/small.h"

static void same_bits(void)
{
    char *session = in_home("three.editscope");
    struct engine *e = start(tiny, &device_cpu, session, false);
    struct job_result base = wait_until_open(e), one, two, three, h;

    one = run_command(e, command(CMD_COMMIT, "Lily", "park"));
    CHECK(one.edits == 1 && one.unmasked_unchanged);
    CHECK(strcmp(one.checksum, base.checksum) != 0);
    CHECK_STR(one.committed, one.checksum);
    CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
    CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, one.checksum);
    two = run_command(e, command(CMD_COMMIT, "Tom", "shop"));
    three = run_command(e, command(CMD_COMMIT, "Mia", "farm"));
    CHECK(three.edits == 3 && strcmp(three.checksum, two.checksum) != 0);
    CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
    engine_stop(e);

    e = start(tiny, &device_cpu, session, false);
    CHECK_STR(wait_until_open(e).checksum, three.checksum);
    CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, two.checksum);
    CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, one.checksum);
    CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, two.checksum);
    CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, three.checksum);
    /* the same fact once more, from the reopened session and its rebuilt key stores */
    CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, two.checksum);
    CHECK_STR(run_command(e, command(CMD_COMMIT, "Mia", "farm")).checksum, three.checksum);
    engine_stop(e);

    e = start(tiny, &device_far, session, true);
    CHECK_STR(wait_until_open(e).checksum, three.checksum);
    h = run_command(e, command(CMD_VERIFY, NULL, NULL));
    CHECK(h.verified);
    CHECK_STR(h.checksum, three.checksum);
    engine_stop(e);
    free(session);
}

static void undo_in_the_middle(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = command(CMD_UNDO, NULL, NULL);
    struct job_result base = wait_until_open(e), all, h;

    run_command(e, command(CMD_COMMIT, "Lily", "park"));
    all = run_command(e, command(CMD_COMMIT, "Tom", "shop"));
    c.edit = 1;
    h = run_command(e, c);
    CHECK(h.edits == 1);
    CHECK(strcmp(h.checksum, all.checksum) != 0 && strcmp(h.checksum, base.checksum) != 0);
    h = run_command(e, command(CMD_VERIFY, NULL, NULL));
    CHECK(h.verified);
    engine_stop(e);
}

static void preview_is_commit(void)
{
    const struct device_ops *device[] = {&device_cpu, &device_far};
    char first[65] = "";

    for (int i = 0; i < 2; i++) {
        struct engine *a = start(tiny, device[i], NULL, false);
        struct engine *b;
        struct job_result previewed, after, direct, base = wait_until_open(a);

        previewed = run_command(a, command(CMD_PREVIEW, "Lily", "park"));
        CHECK(previewed.edits == 0 && strcmp(previewed.checksum, base.checksum) != 0);
        after = run_command(a, command(CMD_DISCARD, NULL, NULL));
        CHECK_STR(after.checksum, base.checksum);
        run_command(a, command(CMD_PREVIEW, "Lily", "park"));
        after = run_command(a, command(CMD_COMMIT, "Lily", "park"));
        engine_stop(a);
        b = start(tiny, device[i], NULL, false);
        wait_until_open(b);
        direct = run_command(b, command(CMD_COMMIT, "Lily", "park"));
        engine_stop(b);
        CHECK_STR(after.checksum, previewed.checksum);
        CHECK_STR(direct.checksum, previewed.checksum);
        if (i == 0)
            memcpy(first, direct.checksum, sizeof(first));
        else
            CHECK_STR(direct.checksum, first);
    }
}

static void a_bad_command_changes_nothing(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct job_result base = wait_until_open(e), h = {0};
    struct command c = command(CMD_UNDO, NULL, NULL);
    unsigned job = engine_post(e, &c);

    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    CHECK(h.err.text[0] && !strchr(h.err.text, '\n'));
    c = command(CMD_COMMIT, "", "park");
    job = engine_post(e, &c);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    CHECK(h.err.kind == ERR_USAGE);
    CHECK_STR(run_command(e, command(CMD_VERIFY, NULL, NULL)).checksum, base.checksum);
    engine_stop(e);
}

/* --- the default model: jobs long enough to be interrupted ----------------------------- */

/* Two rows: as many layers as with six, and less to compute in each. */
static struct command attribute_all(void)
{
    struct command c = {.kind = CMD_ATTRIBUTE, .count = 1, .all_layers = true};

    params_default(&c.params);
    CHECK(params_set(&c.params, "attr.prefixes", "1", FROM_COMMAND_LINE, NULL));
    c.facts = xcalloc(1, sizeof(*c.facts));
    c.facts[0] = golden_fact(0);
    return c;
}

static void cancelled(void)
{
    struct engine *e;
    struct command c;
    struct job_result h = {0};
    unsigned job;
    double began;

    if (!real)
        SKIP("the default model is missing: run `make model`");
    c = attribute_all();
    e = start(real, &device_cpu, NULL, false);
    wait_until_open(e);
    job = engine_post(e, &c);
    CHECK(wait_for_event(e, EV_LAYER, job, &h) == EV_LAYER);
    began = now();
    engine_cancel(e, job);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    printf("cancelled after %.0f ms: %s\n", (now() - began) * 1e3, h.err.text);
    CHECK(h.err.kind == ERR_CANCELLED);
    CHECK(h.attributed <= 0);
    /* the engine still works: the same job to its end, for one edited layer */
    c = attribute_all();
    CHECK(params_set(&c.params, "edit.layers", "5", FROM_COMMAND_LINE, NULL));
    c.all_layers = false;
    h = run_command(e, c);
    CHECK(h.layers == 1 && h.attributed > 0);
    engine_stop(e);
}

static void query_runs_during_a_job(void)
{
    struct engine *e;
    struct command c;
    struct command ask = {.kind = CMD_QUERY, .states = STATE_BASE, .tokens = 4, .top = 5};
    struct job_result h = {0};
    unsigned job;
    double asked;

    if (!real)
        SKIP("the default model is missing: run `make model`");
    c = attribute_all();
    e = start(real, &device_cpu, NULL, false);
    wait_until_open(e);
    job = engine_post(e, &c);
    CHECK(wait_for_event(e, EV_LAYER, job, &h) == EV_LAYER);
    params_default(&ask.params);
    ask.text = xstrdup("The capital of France is");
    asked = now();
    CHECK(wait_for_event(e, EV_DONE, engine_post(e, &ask), &h) == EV_DONE);
    printf("answered after %.0f ms, %d of 30 layers done\n", (h.answered - asked) * 1e3, h.layers);
    CHECK(h.answers == 1);
    CHECK(h.attributed <= 0 && h.layers < 30);
    CHECK(wait_for_event(e, EV_LAYER, job, &h) == EV_LAYER); /* and the attribution continues */
    engine_cancel(e, 0);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_FAILED);
    CHECK(h.err.kind == ERR_CANCELLED);
    engine_stop(e);
}

static void stop_during_a_job(void)
{
    struct engine *e = start(tiny, &device_cpu, NULL, false);
    struct command c = command(CMD_COMMIT, "Lily", "park");

    CHECK(engine_post(e, &c) != 0);
    engine_stop(e); /* does not wait for the edit, and leaks nothing */
}

static const struct test tests[] = {
    {"committed, undone, redone, reopened, rebuilt: the same bits", same_bits},
    {"an edit in the middle is undone", undo_in_the_middle},
    {"a preview that is committed gives the same bits", preview_is_commit},
    {"a bad command changes nothing", a_bad_command_changes_nothing},
#ifndef __SANITIZE_THREAD__ /* queue_test has the same on the small model */
    {"an attribution is cancelled", cancelled},
    {"a query runs during an attribution", query_runs_during_a_job},
#endif
    {"stop during a job", stop_during_a_job},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
