/* For tests of the engine: a small model with a tokenizer of bytes, an engine that has loaded it,
 * and what its events said. Included by the tests; each uses what it needs. */
#ifndef TESTS_ENGINE_SMALL_H
#define TESTS_ENGINE_SMALL_H

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "core/engine/engine.h"
#include "tests/engine/golden.h"
#include "tests/folder.h"

#pragma GCC diagnostic ignored "-Wunused-function"

#define STORIES "tests/data/stories260K"

/* Under ThreadSanitizer all takes ten times as long: a test's work may be less there, and tests on
 * the default model are left out whose threads meet as those of another test on the small one do.
 */
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN(there, elsewhere) there
#else
#define UNDER_TSAN(there, elsewhere) elsewhere
#endif

static char home[64];  /* everything this program writes */
static char *real;     /* the default model's path, or NULL */
static char *tiny;     /* folder of a small model with a tokenizer */
static char *text;     /* what its moments are summed over */
static char *prefixes; /* of the goldens */

static char *in_home(const char *name)
{
    return xasprintf("%s/%s", home, name);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- a small model --------------------------------------------------------------------- */

/* GPT-2's printable stand-in for a byte. */
static int stand_in(int byte)
{
    int next = 256;

    for (int b = 0; b < 256; b++) {
        bool plain = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;

        if (b == byte)
            return plain ? b : next;
        next += !plain;
    }
    return -1;
}

/* A tokenizer.json of 256 tokens, a byte each. */
static void write_tokenizer(const char *path)
{
    json_t *vocab = json_object();
    json_t *root;

    for (int b = 0; b < 256; b++) {
        int c = stand_in(b);
        char key[3] = {(char)c, 0, 0};

        if (c >= 0x80) {
            key[0] = (char)(0xC0 | c >> 6);
            key[1] = (char)(0x80 | (c & 0x3F));
        }
        json_object_set_new(vocab, key, json_integer(b));
    }
    root = json_pack("{s:s, s:[], s:n, s:{s:s, s:b, s:b, s:b}, s:n, s:{s:s, s:b, s:b, s:b}, "
                     "s:{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:o, s:[]}}",
                     "version", "1.0", "added_tokens", "normalizer", "pre_tokenizer", "type",
                     "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1, "use_regex", 1,
                     "post_processor", "decoder", "type", "ByteLevel", "add_prefix_space", 0,
                     "trim_offsets", 1, "use_regex", 1, "model", "type", "BPE", "dropout",
                     "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                     "byte_fallback", 0, "vocab", vocab, "merges");
    CHECK(root && !json_dump_file(root, path, 0));
    json_decref(root);
}

static void copy(const char *from, const char *to, size_t most)
{
    size_t len;
    char *bytes = file_read(from, 1 << 26, &len, NULL);

    CHECK(bytes && file_make_parents(to, NULL) &&
          file_write(to, bytes, len < most ? len : most, NULL));
    free(bytes);
}

static void make_tiny(void)
{
    char *path;

    path = in_home("tiny/config.json");
    copy(STORIES "/config.json", path, SIZE_MAX);
    free(path);
    path = in_home("tiny/model.safetensors");
    copy(STORIES "/model.safetensors", path, SIZE_MAX);
    free(path);
    path = in_home("tiny/tokenizer.json");
    write_tokenizer(path);
    free(path);
    tiny = in_home("tiny");
    text = in_home("text.txt");
    copy("samples/text/wikitext2-test.txt", text, 20000);
    prefixes = xstrdup("tests/data/goldens/prefixes.txt");
}

/* --- an engine and its events -------------------------------------------------------- */

struct job_result { /* what the events of a job said */
    struct err err; /* of the job that failed */
    char checksum[65], previewed[65], committed[65];
    long moments; /* tokens of those of the preview or commit */
    int edits, layers, answers;
    bool verified, unmasked_unchanged;
    double attributed, answered; /* when */
};

static struct engine *start(const char *model, const struct device_ops *device, const char *session,
                            bool readonly)
{
    struct engine_options o = {.model = model,
                               .session = session,
                               .create = true,
                               .readonly = readonly,
                               .device = device,
                               .threads = 2,
                               .prefixes = prefixes,
                               .text = text};
    struct err err = {0};
    struct engine *e = engine_start(&o, &err);

    CHECK_STR(err.text, "");
    return e;
}

static void result_add(struct job_result *h, const struct event *ev)
{
    if (ev->kind == EV_STATE) {
        memcpy(h->checksum, ev->state->checksum, sizeof(h->checksum));
        h->edits = ev->state->edits;
        h->verified = ev->state->verified;
    } else if (ev->kind == EV_PREVIEW) {
        memcpy(h->previewed, ev->edit_report->checksum, sizeof(h->previewed));
        h->moments = ev->edit_report->moment_tokens;
    } else if (ev->kind == EV_COMMIT) {
        memcpy(h->committed, ev->edit_report->checksum, sizeof(h->committed));
        h->moments = ev->edit_report->moment_tokens;
    } else if (ev->kind == EV_COMMITTED) {
        h->unmasked_unchanged = ev->commit_report->unmasked_unchanged;
    } else if (ev->kind == EV_LAYER) {
        h->layers += ev->attribution->strategy != STRATEGY_MPC; /* scores, not estimates */
    } else if (ev->kind == EV_ATTRIBUTED) {
        h->attributed = now();
    } else if (ev->kind == EV_ANSWER && !ev->answer->partial) {
        h->answers++;
        h->answered = now();
    } else if (ev->kind == EV_FAILED || ev->kind == EV_STOPPED) {
        h->err = ev->err;
    }
}

/* The next event, which the caller frees; false: none came within two minutes. */
static bool next_event(struct engine *e, struct event *ev)
{
    struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};

    while (!engine_next(e, ev))
        if (poll(&fd, 1, 120000) <= 0)
            return false;
    return true;
}

/* This job has ended with this event. */
static bool ends_job(const struct event *ev, unsigned job)
{
    return ev->job == job && (ev->kind == EV_DONE || ev->kind == EV_FAILED);
}

/* Takes events until one of this kind (and job, if not 0), or until the job fails. */
static enum event_kind wait_for_event(struct engine *e, enum event_kind kind, unsigned job,
                                      struct job_result *h)
{
    struct event ev;

    while (next_event(e, &ev)) {
        enum event_kind got = ev.kind;
        unsigned of = ev.job;

        result_add(h, &ev);
        event_free(&ev);
        if (got == EV_STOPPED || ((!job || of == job) && (got == kind || got == EV_FAILED)))
            return got;
    }
    return EV_NONE;
}

static struct params draft(void)
{
    struct params p;

    params_default(&p);
    CHECK(params_set(&p, "stats.tokens", "4096", FROM_COMMAND_LINE, NULL));
    CHECK(params_set(&p, "edit.v_steps", "8", FROM_COMMAND_LINE, NULL));
    return p;
}

static struct command command(enum command_kind kind, const char *subject, const char *target)
{
    struct command c = {.kind = kind, .params = draft()};

    if (subject) {
        c.facts = xcalloc(1, sizeof(*c.facts));
        c.facts[0] = (struct fact){.subject = xstrdup(subject),
                                   .prompt = xstrdup("One day {} went to the"),
                                   .target = xstrdup(target)};
        c.count = 1;
    }
    return c;
}

/* Runs a command to its end; it must succeed. */
static struct job_result run_command(struct engine *e, struct command c)
{
    struct job_result h = {0};
    unsigned job = engine_post(e, &c);

    CHECK(job != 0);
    CHECK(wait_for_event(e, EV_DONE, job, &h) == EV_DONE);
    CHECK_STR(h.err.text, "");
    return h;
}

static struct job_result wait_until_open(struct engine *e)
{
    struct job_result h = {0};

    CHECK(wait_for_event(e, EV_STATE, 0, &h) == EV_STATE);
    CHECK_STR(h.err.text, "");
    return h;
}

/* Runs the tests in a folder of their own, and removes it. */
static int small_main(const struct test *tests, int count)
{
    int status;

    if (!folder_make(home, sizeof(home)))
        return 1;
    real = golden_model_path();
    setenv("XDG_CACHE_HOME", home, 1);
    setenv("XDG_STATE_HOME", home, 1);
    make_tiny();
    status = test_main(tests, count);
    folder_remove(home);
    free(real);
    free(tiny);
    free(text);
    free(prefixes);
    return status;
}

#endif
