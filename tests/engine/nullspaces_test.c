/* Null spaces that another run has left in the cache: edits use them, and have the same bits. */
#include <dirent.h>

#include "tests/engine/small.h"

static struct device_ops counting; /* the CPU, with its eigendecompositions counted */
static atomic_int decompositions;

static void counted_eigh(struct device *dev, struct mat a, struct mat values, struct eigh_top *top)
{
    decompositions++;
    device_cpu.eigh_top(dev, a, values, top);
}

static struct {
    struct engine *e;
    atomic_uint job;
    int before; /* decompositions that go on */
} to_cancel;

static void cancelled_eigh(struct device *dev, struct mat a, struct mat values,
                           struct eigh_top *top)
{
    while (!to_cancel.job)
        usleep(1000);
    if (decompositions == to_cancel.before)
        engine_cancel(to_cancel.e, to_cancel.job);
    counted_eigh(dev, a, values, top);
}

static struct command edit(void)
{
    struct command c = command(CMD_COMMIT, "Lily", "park");

    CHECK(params_assign(&c.params, "edit.layers=1,3", FROM_COMMAND_LINE, NULL));
    return c;
}

struct edited {
    struct job_result job;
    int decompositions, notices;
    char notice[NOTICE]; /* the last */
};

/* An engine that counts its decompositions, from 0. */
static struct engine *start_counting(void)
{
    struct engine *e;

    counting = device_cpu;
    counting.eigh_top = counted_eigh;
    decompositions = 0;
    e = start(tiny, &counting, NULL, false);
    wait_until_open(e);
    return e;
}

/* An edit in a session of its own, as another process makes it. */
static struct edited edit_once(void)
{
    struct edited out = {0};
    struct command c = edit();
    struct engine *e;
    struct event ev;
    unsigned job;
    bool go_on = true;

    e = start_counting();
    job = engine_post(e, &c);
    while (go_on && next_event(e, &ev)) {
        result_add(&out.job, &ev);
        if (ev.kind == EV_NOTICE) {
            out.notices++;
            memcpy(out.notice, ev.notice->text, sizeof(out.notice));
        }
        go_on = !ends_job(&ev, job);
        event_free(&ev);
    }
    CHECK_STR(out.job.err.text, "");
    CHECK(out.job.edits == 1);
    engine_stop(e);
    out.decompositions = decompositions;
    return out;
}

/* Calls change() with the bytes of each file of null spaces; returns how many there are. */
static int each_file(void (*change)(const char *path))
{
    char *path = in_home("editscope/nullspaces");
    DIR *dir = opendir(path);
    int count = 0;

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char *file = xasprintf("%s/%s", path, entry->d_name);

        if (entry->d_name[0] != '.') {
            count++;
            change(file);
        }
        free(file);
    }
    if (dir)
        closedir(dir);
    free(path);
    return count;
}

static void leave_file(const char *path)
{
    (void)path;
}

static void remove_file(const char *path)
{
    CHECK(unlink(path) == 0);
}

/* A bit in the middle. */
static void damage_file(const char *path)
{
    size_t size;
    char *bytes = file_read(path, 1 << 24, &size, NULL);

    CHECK(bytes != NULL);
    if (bytes)
        bytes[size / 2] ^= 1;
    CHECK(bytes && file_write(path, bytes, size, NULL));
    free(bytes);
}

static void cut_file(const char *path)
{
    CHECK(truncate(path, 5000) == 0);
}

static void the_same_bits(void)
{
    struct edited fresh = edit_once(), again, removed;

    CHECK(fresh.decompositions == 2 && fresh.notices == 0);
    CHECK(each_file(leave_file) == 2);
    again = edit_once();
    CHECK(again.decompositions == 0 && again.notices == 0);
    CHECK_STR(again.job.checksum, fresh.job.checksum);
    CHECK(each_file(remove_file) == 2);
    removed = edit_once();
    CHECK(removed.decompositions == 2);
    CHECK_STR(removed.job.checksum, fresh.job.checksum);
}

static void damage_is_said(void)
{
    static void (*const change[])(const char *) = {damage_file, cut_file};
    struct edited before = edit_once();

    for (int i = 0; i < 2; i++) {
        struct edited after, last;

        CHECK(each_file(change[i]) == 2);
        after = edit_once();
        CHECK(after.decompositions == 2 && after.notices == 2);
        CHECK(strstr(after.notice, "null space not used") != NULL);
        CHECK_STR(after.job.checksum, before.job.checksum);
        last = edit_once(); /* they were written again */
        CHECK(last.decompositions == 0 && last.notices == 0);
    }
}

/* A job that is cancelled in a decomposition ends there; the next one makes it. */
static void cancelled_inside(void)
{
    struct command c = edit();
    struct job_result h = {0};
    struct engine *e;
    struct event ev;
    unsigned job;
    bool ended = false;

    each_file(remove_file);
    counting = device_cpu;
    counting.eigh_top = cancelled_eigh;
    e = start(tiny, &counting, NULL, false);
    wait_until_open(e);
    to_cancel.e = e;
    to_cancel.before = 1; /* the second layer */
    decompositions = 0;
    job = engine_post(e, &c);
    to_cancel.job = job;
    while (!ended && next_event(e, &ev)) {
        result_add(&h, &ev);
        ended = ends_job(&ev, job);
        event_free(&ev);
    }
    CHECK(h.err.kind == ERR_CANCELLED && decompositions == 2 && h.edits == 0);
    CHECK(each_file(leave_file) == 1); /* the first layer's was made */
    to_cancel.before = -1;
    CHECK(run_command(e, edit()).edits == 1);
    CHECK(decompositions == 3);
    engine_stop(e);
}

struct summed {
    struct job_result job;
    int decompositions;
    bool read_text;      /* sums went on */
    char notice[NOTICE]; /* the last */
};

/* The statistics of the edited layers, in an engine of its own. */
static struct summed sum_up(const char *import, const char *export)
{
    struct command c = edit();
    struct summed out = {0};
    struct engine *e;
    struct event ev;
    unsigned job;
    bool ended = false;

    fact_free(c.facts);
    free(c.facts);
    c.facts = NULL;
    c.count = 0;
    c.kind = CMD_MOMENTS;
    c.text = import ? xstrdup(import) : NULL;
    c.export = export ? xstrdup(export) : NULL;
    e = start_counting();
    job = engine_post(e, &c);
    while (!ended && next_event(e, &ev)) {
        result_add(&out.job, &ev);
        out.read_text |= ev.kind == EV_PROGRESS && !strcmp(ev.progress->what, PROGRESS_MOMENTS);
        if (ev.kind == EV_NOTICE)
            memcpy(out.notice, ev.notice->text, sizeof(out.notice));
        ended = ends_job(&ev, job);
        event_free(&ev);
    }
    engine_stop(e);
    out.decompositions = decompositions;
    return out;
}

/* What one machine has summed and decomposed, another one takes; damaged files it does not. */
static void to_another_machine(void)
{
    char *taken = in_home("taken"), *other = in_home("other"), *third = in_home("third");
    char *key, *path;
    struct summed here, there;
    struct edited first, second;
    DIR *dir;

    first = edit_once();
    here = sum_up(NULL, taken);
    CHECK_STR(here.job.err.text, "");
    CHECK(strstr(here.notice, "2 second moments and 2 null spaces") != NULL);
    setenv("XDG_CACHE_HOME", other, 1);
    there = sum_up(taken, NULL);
    CHECK_STR(there.job.err.text, "");
    CHECK(there.decompositions == 0 && !there.read_text);
    second = edit_once();
    CHECK(second.decompositions == 0);
    CHECK_STR(second.job.checksum, first.job.checksum);

    setenv("XDG_CACHE_HOME", third, 1);
    path = xasprintf("%s/moments", taken);
    dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            key = xasprintf("%s/%s", path, entry->d_name);
            damage_file(key);
            free(key);
        }
    if (dir)
        closedir(dir);
    free(path);
    there = sum_up(taken, NULL);
    CHECK(there.job.err.kind == ERR_IO && strstr(there.job.err.text, "no second moments"));
    CHECK(strstr(there.notice, "not used") != NULL);
    setenv("XDG_CACHE_HOME", home, 1);
    free(taken);
    free(other);
    free(third);
}

static const struct test tests[] = {
    {"an edit has the same bits with null spaces of the cache", the_same_bits},
    {"a damaged one is said and not used", damage_is_said},
    {"a job ends inside a decomposition", cancelled_inside},
    {"statistics go to another machine", to_another_machine},
};

int main(void)
{
    return small_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
