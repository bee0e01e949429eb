/* The Models view while a model is downloaded. */
#include <unistd.h>

#include "tests/folder.h"
#include "tests/screens/fixture.h"

static struct command posted; /* owns nothing any more */
static char name[64];
static unsigned refuse; /* 0: no job is given */

static unsigned keep_post(struct host *host, struct command *cmd)
{
    posted = *cmd;
    snprintf(name, sizeof(name), "%s", cmd->text ? cmd->text : "");
    if (refuse) {
        no_post(host, cmd);
        return 0;
    }
    ui_add_job(host->ui, 7, ui_card_of(host->ui, cmd));
    no_post(host, cmd);
    return 7;
}

static void no_reopen(struct host *host, const char *path)
{
    (void)host, (void)path;
}

static void progress(struct ui_state *d, double done, double total, double left)
{
    struct event ev = {.kind = EV_PROGRESS, .job = 7};

    ev.progress = xcalloc(1, sizeof(*ev.progress));
    snprintf(ev.progress->what, sizeof(ev.progress->what), "org/name");
    ev.progress->done = done;
    ev.progress->total = total;
    ev.progress->seconds_left = left;
    ui_event(d, &ev);
}

static void a_pull_is_shown_and_disturbs_nobody(void)
{
    char root[128];
    struct event end = {.kind = EV_FAILED, .job = 7, .err = {.kind = ERR_CANCELLED}};
    struct ui_state d;
    struct host host;
    struct view *v;
    struct screen screen;

    CHECK(folder_make(root, sizeof(root))); /* nothing is on this machine */
    setenv("XDG_CACHE_HOME", root, 1);
    setenv("HF_HUB_CACHE", root, 1);
    unsetenv("EDITSCOPE_MODEL");
    make_full_ui_state(&d);
    snprintf(d.model.path, sizeof(d.model.path), "/models/tiny.gguf");
    host = host_of(&d);
    host.post = keep_post;
    v = view_open(view_find("models"), &host);
    v->ops->open(v);
    CHECK(v->ops->command(v, "pull", "org/name:Q4_0")); /* a recorded run: not asked for */
    CHECK(!posted.kind && strstr(last_said, "recording"));
    host.reopen = no_reopen;
    refuse = 1; /* read-only: the host says so */
    CHECK(v->ops->command(v, "pull", "org/name:Q4_0") && posted.kind == CMD_PULL && !d.pull_job);
    refuse = 0;
    CHECK(v->ops->command(v, "pull", "org/name:Q4_0"));
    CHECK(d.pull_job == 7 && ui_busy(&d) == CMD_NONE);
    CHECK_STR(name, "org/name:Q4_0");
    v->ops->open(v);
    screen = (struct screen){.ui = &d, .view = v};
    compare_golden("models-asking", &screen, 24, 80);
    progress(&d, 412e6, 1.23e9, 41);
    CHECK(ui_cards(&d, (const struct ui_job *[UI_JOBS]){NULL}) == 0); /* it is no card */
    compare_golden("models-fetching", &screen, 24, 80);
    compare_golden("models-fetching", &screen, 36, 120);
    CHECK(v->ops->command(v, "pull", "org/other") && strstr(last_said, "is being downloaded"));
    CHECK_STR(name, "org/name:Q4_0");
    ui_event(&d, &end);
    CHECK(!d.pull_job && d.pull.total <= 0);
    view_close(v);
    ui_free(&d);
    folder_remove(root);
}

static const struct test tests[] = {
    {"a pull is shown and disturbs nobody", a_pull_is_shown_and_disturbs_nobody},
};
TEST_MAIN(tests)
