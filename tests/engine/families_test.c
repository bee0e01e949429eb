/* A fact edited into a model of every family, through the engine's door: the stream becomes what
 * the optimisation asked for, the new answer is given, undo brings the very bits back, and what is
 * longer than the model's context is refused in words. */
#include "core/model/weights.h"
#include "tests/engine/architectures.h"
#include "tests/engine/small.h"

/* Which layers are edited. */
static const char *layers;

/* A norm bounds what an FFN can say, and these add to a stream of many others: the answer becomes
 * likelier, no more. */
static bool is_bounded(const char *file)
{
    return !strncmp(file, "gemma3", 6);
}

static struct engine *start_on(const char *file, struct job_result *base)
{
    char *path = xasprintf(FOLDER "%s", file);
    struct engine *e = start(path, &device_cpu, NULL, false);

    layers = "0-1";
    *base = wait_until_open(e);
    free(path);
    return e;
}

/* "The subject is its own prompt": what is written at its last token is what is said next. */
static struct command say(enum command_kind kind, const char *prompt, const char *method)
{
    static const char *const set[][2] = {
        {"attr.prefixes", "0"},   {"edit.v_steps", "25"}, {"edit.v_clamp", "50"},
        {"edit.v_wd", "0"},       {"edit.v_kl", "0"},     {"edit.lambda", "0.01"},
        {"stats.tokens", "2048"},
    };
    struct command c = command(kind, "Al", "k");

    free(c.facts[0].prompt);
    c.facts[0].prompt = xstrdup(prompt);
    for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++)
        CHECK(params_set(&c.params, set[i][0], set[i][1], FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.layers", layers, FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&c.params, "edit.method", method, FROM_COMMAND_LINE, NULL));
    return c;
}

/* The report of the last commit. */
struct report {
    double z_error, p[2];
    char says[48], why[400];
};

/* What came out of the last commit, a word each. */
static struct buf doing;

static struct report commit(struct engine *e, struct command c)
{
    unsigned job = engine_post(e, &c);
    struct report r = {.z_error = 1};
    bool done = false;
    struct event ev;

    buf_clear(&doing);
    while (!done && next_event(e, &ev)) {
        done = ends_job(&ev, job);
        if (ev.kind == EV_FAILED)
            snprintf(r.why, sizeof(r.why), "%s", ev.err.text);
        /* of results alone: a newer progress takes the place of an unread one */
        if (ev.kind == EV_STEP || ev.kind == EV_LAYER)
            buf_puts(&doing, ev.kind == EV_STEP ? "target\n" : "attribution\n");
        if (ev.kind == EV_COMMIT) {
            r.z_error = ev.edit_report->z_error;
            r.p[0] = ev.edit_report->p_before;
            r.p[1] = ev.edit_report->p_after;
        }
        if (ev.kind == EV_COMMITTED)
            snprintf(r.says, sizeof(r.says), "%s", ev.commit_report->argmax[1]);
        event_free(&ev);
    }
    return r;
}

/* Without a mask and with hardly any ridge the stream behind the last edited block is z, and the
 * new object's first token is what the model says. With post-norms that holds for one layer: of
 * several, each takes a part, and what the first ones disturb is not made good to the last bit. */
static void the_stream_becomes_z(void)
{
    for (int i = 0; i < FILES; i++) {
        struct job_result base;
        struct engine *e;
        struct report r;
        int before = test_failures;

        e = start_on(files[i], &base);
        layers = is_bounded(files[i]) ? "1" : layers;
        r = commit(e, say(CMD_COMMIT, "{}", "memit"));
        CHECK_STR(r.why, "");
        CHECK(r.z_error < 1e-3);
        CHECK(r.p[1] > (is_bounded(files[i]) ? 2 : 5) * r.p[0]);
        if (!is_bounded(files[i]))
            CHECK_STR(r.says, " ");
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
        if (test_failures > before)
            printf("    %s: z error %.1e, p %.4f to %.4f, says '%s'\n", files[i], r.z_error, r.p[0],
                   r.p[1], r.says);
        engine_stop(e);
    }
}

/* The published method: a mask from scores; only its columns change; undo and redo. */
static void a_masked_edit(void)
{
    for (int i = 0; i < FILES; i++) {
        struct job_result base, edited;
        struct engine *e;

        e = start_on(files[i], &base);
        edited = run_command(e, say(CMD_COMMIT, "{}", "nmke"));
        CHECK(edited.edits == 1 && edited.unmasked_unchanged);
        CHECK(strcmp(edited.checksum, base.checksum) != 0);
        CHECK(run_command(e, command(CMD_VERIFY, NULL, NULL)).verified);
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
        CHECK_STR(run_command(e, command(CMD_REDO, NULL, NULL)).checksum, edited.checksum);
        engine_stop(e);
    }
}

/* An editor's row says what it needs; nothing else is computed. What one had made stays for the
 * next and changes none of its bits. */
static void what_an_editor_does_not_need_is_not_made(void)
{
    static const struct {
        const char *method;
        bool kept, scores; /* there is a null space by then; scores are made */
    } step[] = {{"memit", false, false},
                {"alphaedit", true, false},
                {"memit", true, false},
                {"nmke", true, true},
                {"alphaedit", true, false}};
    char *cache = xasprintf("%s/cache", home), *kept = xasprintf("%s/editscope/nullspaces", cache);
    struct job_result base;
    struct engine *e;
    struct job_result first = {0};

    setenv("XDG_CACHE_HOME", cache, 1); /* what a null space is kept in when it is made */
    e = start_on("llama3/model.gguf", &base);
    for (size_t i = 0; i < sizeof(step) / sizeof(*step); i++) {
        struct report r = commit(e, say(CMD_COMMIT, "{}", step[i].method));
        struct job_result after;

        CHECK_STR(r.why, "");
        CHECK(strstr(doing.data, "target"));
        CHECK((access(kept, F_OK) == 0) == step[i].kept);
        CHECK(!strstr(doing.data, "attribution") == !step[i].scores);
        after = run_command(e, command(CMD_VERIFY, NULL, NULL));
        if (i == 0)
            first = after;
        if (i == 2)
            CHECK_STR(after.checksum, first.checksum);
        CHECK_STR(run_command(e, command(CMD_UNDO, NULL, NULL)).checksum, base.checksum);
    }
    engine_stop(e);
    setenv("XDG_CACHE_HOME", home, 1);
    buf_free(&doing);
    free(kept);
    free(cache);
}

/* Learned positions exist only up to the context length. */
static void longer_than_the_context(void)
{
    static const char *const learnt[] = {"gpt2", "gpt2-prefixed"}; /* 32 and 20 tokens */

    for (int i = 0; i < 2; i++) {
        struct command q = {.kind = CMD_QUERY, .tokens = 30, .text = xstrdup("what is said here")};
        struct job_result base, h = {0};
        struct engine *e;
        struct report r;
        unsigned job;

        e = start_on(learnt[i], &base);
        r = commit(e, say(CMD_COMMIT, "{} is one who lives in a house that is", "nmke"));
        if (!strstr(r.why, "holds"))
            printf("    %s: '%s'\n", learnt[i], r.why);
        CHECK(strstr(r.why, "holds"));
        params_default(&q.params);
        job = engine_post(e, &q); /* succeeds up to the limit; beyond it an error */
        CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_DONE || strstr(h.err.text, "holds"));
        CHECK_STR(run_command(e, command(CMD_VERIFY, NULL, NULL)).checksum, base.checksum);
        engine_stop(e);
    }
}

static const struct test tests[] = {
    {"the stream becomes what was asked for", the_stream_becomes_z},
    {"a masked edit, undone and redone", a_masked_edit},
    {"what an editor does not need is not made", what_an_editor_does_not_need_is_not_made},
    {"longer than the context", longer_than_the_context},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
