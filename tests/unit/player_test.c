/* Recording a run and playing it: driving, answering, damaged files. */
#include "core/record/player.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <zlib.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/record/event_json.h"
#include "core/record/recorder.h"
#include "tests/test.h"

static char path[64];

static struct fact a_fact(const char *subject)
{
    struct fact f = {
        .subject = xstrdup(subject), .prompt = xstrdup("The {} is in"), .target = xstrdup("Rome")};

    return f;
}

static void record_event(struct recorder *r, enum event_kind kind, unsigned job, void *what)
{
    struct event ev = {.kind = kind, .job = job, .id = kind == EV_ATTRIBUTED ? 7 : 0};

    ev.progress = what;
    recorder_event(r, &ev);
    event_free(&ev);
}

static struct model_info *a_model(void)
{
    struct model_info *m = xcalloc(1, sizeof(*m));

    *m = (struct model_info){.name = "Tiny", .layers = 3, .neurons = 4};
    return m;
}

static struct prompt_info *a_prompt_info(double p)
{
    struct prompt_info *l = xcalloc(1, sizeof(*l));

    l->p_target = p;
    return l;
}

static void record_post(struct recorder *r, unsigned job, enum command_kind kind,
                        const char *subject, int neuron)
{
    struct command cmd = {.kind = kind, .neuron = neuron};
    struct fact f = a_fact(subject ? subject : "");
    char *about;

    params_default(&cmd.params);
    cmd.facts = subject ? &f : NULL;
    cmd.count = subject ? 1 : 0;
    about = recorder_command_key(r, &cmd);
    recorder_post(r, job, kind, about);
    free(about);
    fact_free(&f);
}

/* Records a model, a fact that is inspected, a neuron, an attribution, an edit. */
static void record(void)
{
    struct recorder_options how = {.most = 0};
    struct params params;
    struct fact fact = a_fact("Eiffel Tower");
    struct err err = {0};
    struct recorder *r;
    struct attribution *a = attribution_new(1, 2, 4, false);

    params_default(&params);
    params.value[P_RATIO_GE_A] = 0.2;
    how.params = &params;
    how.fact = &fact;
    r = recorder_open(path, &how, &err);
    CHECK_STR(err.text, "");
    recorder_size(r, 36, 120);
    record_event(r, EV_MODEL, 0, a_model());
    record_post(r, 1, CMD_INSPECT, "Eiffel Tower", 0);
    record_event(r, EV_PROMPT, 1, a_prompt_info(0.25));
    record_event(r, EV_DONE, 1, NULL);
    recorder_key(r, 'x', 0, 0, NULL);
    record_post(r, 2, CMD_ATTRIBUTE, "Eiffel Tower", 0);
    a->layers = 3;
    for (int i = 0; i < 8; i++)
        a->score[i] = 1.0f / (float)(i + 3);
    record_event(r, EV_LAYER, 2, a);
    record_event(r, EV_ATTRIBUTED, 2, NULL);
    record_event(r, EV_DONE, 2, NULL);
    record_post(r, 3, CMD_NEURON, NULL, 2);
    record_event(r, EV_NEURON, 3, xcalloc(1, sizeof(struct neuron_info)));
    record_event(r, EV_DONE, 3, NULL);
    CHECK(recorder_failure(r) == NULL);
    recorder_close(r);
    fact_free(&fact);
}

static struct engine *play(struct err *err)
{
    static const struct play_options at_once = {0};
    struct params params;
    struct fact fact;
    struct engine *e = engine_play(path, &at_once, &params, &fact, err);

    if (e) {
        CHECK(params.value[P_RATIO_GE_A] == 0.2);
        CHECK_STR(fact.subject, "Eiffel Tower");
    }
    fact_free(&fact);
    return e;
}

/* The next event, within five seconds; false: none came. */
static bool next(struct engine *e, struct event *ev)
{
    for (int i = 0; i < 500; i++) {
        struct pollfd fd = {.fd = engine_fd(e), .events = POLLIN};

        if (engine_next(e, ev))
            return true;
        poll(&fd, 1, 10);
    }
    return false;
}

static unsigned post(struct engine *e, enum command_kind kind, const char *subject, int neuron)
{
    struct command cmd = {.kind = kind, .neuron = neuron};

    params_default(&cmd.params);
    if (subject) {
        cmd.facts = xcalloc(1, sizeof(*cmd.facts));
        cmd.facts[0] = a_fact(subject);
        cmd.count = 1;
    }
    return engine_post(e, &cmd);
}

/* Takes events until one of this kind, which the caller frees. */
static bool until(struct engine *e, enum event_kind kind, struct event *ev)
{
    while (next(e, ev)) {
        if (ev->kind == kind)
            return true;
        event_free(ev);
    }
    memset(ev, 0, sizeof(*ev));
    return false;
}

static void it_drives_as_recorded(void)
{
    struct err err = {0};
    struct engine *e = play(&err);
    struct event ev;
    unsigned look, attribute;

    CHECK_STR(err.text, "");
    CHECK(until(e, EV_MODEL, &ev) && ev.model->layers == 3);
    event_free(&ev);
    look = post(e, CMD_INSPECT, "Eiffel Tower", 0);
    CHECK(until(e, EV_PROMPT, &ev) && ev.job == look && ev.prompt->p_target == 0.25);
    event_free(&ev);
    while (next(e, &ev) && !(ev.kind == EV_REPLAY && ev.replay->what == REPLAY_KEY))
        event_free(&ev);
    CHECK(ev.kind == EV_REPLAY && ev.replay->code == 'x');
    event_free(&ev);
    attribute = post(e, CMD_ATTRIBUTE, "Eiffel Tower", 0);
    CHECK(until(e, EV_LAYER, &ev) && ev.job == attribute);
    CHECK(ev.attribution && ev.attribution->score[7] == 1.0f / 10);
    event_free(&ev);
    CHECK(until(e, EV_ATTRIBUTED, &ev) && ev.id == 7);
    while (next(e, &ev) && !(ev.kind == EV_REPLAY && ev.replay->what == REPLAY_END))
        event_free(&ev);
    CHECK(ev.kind == EV_REPLAY);
    event_free(&ev);
    engine_stop(e);
}

static void then_it_answers_what_it_can(void)
{
    struct err err = {0};
    struct engine *e = play(&err);
    struct event ev;
    unsigned job;

    while (next(e, &ev) && !(ev.kind == EV_REPLAY && ev.replay->what == REPLAY_END))
        event_free(&ev);
    event_free(&ev);
    job = post(e, CMD_INSPECT, "Eiffel Tower", 0);
    CHECK(until(e, EV_PROMPT, &ev) && ev.job == job && ev.prompt->p_target == 0.25);
    event_free(&ev);
    CHECK(until(e, EV_DONE, &ev) && ev.job == job);
    job = post(e, CMD_INSPECT, "Big Ben", 0);
    CHECK(until(e, EV_DONE, &ev) && ev.job == job); /* nothing is known of it */
    job = post(e, CMD_PREVIEW, "Big Ben", 0);
    CHECK(until(e, EV_FAILED, &ev) && ev.job == job &&
          strstr(ev.err.text, "a recording cannot preview; open a model"));
    job = post(e, CMD_NEURON, NULL, 3); /* not recorded: an empty answer */
    CHECK(until(e, EV_NEURON, &ev) && ev.job == job && ev.neuron->neuron == 3);
    event_free(&ev);
    job = post(e, CMD_COMMIT, "Eiffel Tower", 0);
    CHECK(until(e, EV_FAILED, &ev) && ev.job == job &&
          strstr(ev.err.text, "a recording cannot commit; open a model"));
    engine_stop(e);
}

/* The key that takes over may post a command at once: answers that the recording has later are
 * found too. */
static void after_hold_it_answers_at_once(void)
{
    static const struct play_options slow = {.speed = 0.05};
    struct params params;
    struct fact fact;
    struct err err = {0};
    struct engine *e = engine_play(path, &slow, &params, &fact, &err);
    struct event ev;
    unsigned job;

    CHECK_STR(err.text, "");
    fact_free(&fact);
    engine_play_hold(e);
    job = post(e, CMD_ATTRIBUTE, "Eiffel Tower", 0);
    CHECK(until(e, EV_LAYER, &ev) && ev.job == job);
    event_free(&ev);
    CHECK(until(e, EV_ATTRIBUTED, &ev) && ev.id == 7);
    engine_stop(e);
}

/* Writes the recording as text with other bytes after the text `before`. */
static bool spoiled(const char *before, const char *bytes)
{
    gzFile file = gzopen(path, "rb");
    char *text = xcalloc(1, 1 << 20), *at;
    int n = file ? gzread(file, text, (1 << 20) - 1) : 0;
    bool ok;

    at = strstr(text, before);
    if (at)
        memcpy(at + strlen(before), bytes, strlen(bytes));
    ok = at && file_write(path, text, (size_t)n, NULL);
    if (file)
        gzclose(file);
    free(text);
    return ok;
}

/* An event with a NaN among its scores is reported, and the rest is played. */
static void invalid_numbers_are_reported(void)
{
    struct err err = {0};
    struct engine *e;
    struct event ev;

    CHECK(spoiled("\"score\":\"f32:", "AADAfwAA")); /* 0x7fc00000 and two bytes */
    e = play(&err);
    CHECK(e && until(e, EV_FAILED, &ev) && ev.err.kind == ERR_FORMAT);
    CHECK(strstr(ev.err.text, "score of neuron 0 in row 0 is nan, not a finite number"));
    CHECK(until(e, EV_ATTRIBUTED, &ev));
    engine_stop(e);
    record();
    CHECK(spoiled("\n{\"t\":", "1e999,\"")); /* JSON, but no double */
    e = play(&err);
    CHECK(e && until(e, EV_FAILED, &ev) && strstr(ev.err.text, "line 2 is damaged"));
    engine_stop(e);
    record();
}

static void a_cut_file_is_played_to_the_cut(void)
{
    size_t size;
    char *bytes = file_read(path, 1 << 20, &size, NULL);
    struct err err = {0};
    struct engine *e;
    struct event ev;

    CHECK(file_write(path, bytes, size - size / 8, &err));
    e = play(&err);
    CHECK_STR(err.text, "");
    CHECK(e && until(e, EV_MODEL, &ev) && ev.model->layers == 3);
    event_free(&ev);
    engine_stop(e);
    CHECK(file_write(path, "not a recording\n", 16, &err));
    CHECK(!play(&err) && err.kind == ERR_FORMAT);
    free(bytes);
    record();
}

static const struct test tests[] = {
    {"it drives as recorded", it_drives_as_recorded},
    {"then it answers what it can", then_it_answers_what_it_can},
    {"after hold it answers at once", after_hold_it_answers_at_once},
    {"invalid numbers are reported", invalid_numbers_are_reported},
    {"a cut file is played up to the cut", a_cut_file_is_played_to_the_cut},
};

int main(void)
{
    int status;

    snprintf(path, sizeof(path), "/tmp/editscope-player-%d.rec.gz", (int)getpid());
    record();
    status = test_main(tests, sizeof(tests) / sizeof(*tests));
    unlink(path);
    return status;
}
