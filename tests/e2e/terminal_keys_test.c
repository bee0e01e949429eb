/* Keys, pastes, the mouse and plain mode, in a terminal of its own (a pty). */
#include "tests/e2e/pty.h"

/* The first frame stands before the model is loaded, and says so. */
static void the_first_frame_does_not_wait(void)
{
    const char *end, *loading, *loaded;
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "\033[?2026l", 10));
    CHECK(wait_for(&p, 0, "BASE", 20));
    end = strstr(p.out.data, "\033[?2026l"); /* one read may bring more than a frame */
    loading = strstr(p.out.data, "loading");
    loaded = strstr(p.out.data, "the model is being loaded");
    CHECK(end && loading && loading < end && loaded && loaded < end);
    CHECK(strstr(p.out.data, "BASE") > end);
    quit_screen(&p);
}

/* y copies by OSC 52, as base64; the mouse is taken unless the user says not to. */
static void the_clipboard_and_the_mouse(void)
{
    const char *const argv[] = {program, "-m", "tests/data/architectures/llama3/model.gguf",
                                "--no-mouse", NULL};
    struct pty p;
    size_t from;

    start_small(&p);
    CHECK(strstr(p.out.data, "1000h") != NULL);
    type_keys(&p, "x");
    CHECK(wait_for(&p, 0, "layers scored", 20));
    from = p.out.len;
    type_keys(&p, "2y");
    CHECK(wait_for(&p, from, "\033]52;c;TDBOM", 5)); /* L0N and a digit */
    quit_screen(&p);
    start_in(&p, NULL, argv);
    CHECK(wait_for(&p, 0, "BASE", 20));
    type_keys(&p, ":q!\r");
    CHECK(end_of(&p, 20) == 0);
    CHECK(!strstr(p.out.data, "1000h"));
    end_pty(&p);
}

/* Plain mode on the small model, ready. */
static void start_plain(struct pty *p)
{
    const char *const argv[] = {
        program, "--plain",           "-m",    "tests/data/architectures/llama3/model.gguf",
        "--set", "stats.tokens=3000", "--set", "stats.window=64",
        NULL};

    start_in(p, NULL, argv);
    CHECK(wait_for(p, 0, "is ready", 20));
}

/* Plain mode at a terminal: what is typed before a question is read out does not answer it; Ctrl-C
 * stops what runs and does not end the program. */
static void lines_typed_ahead_answer_no_question(void)
{
    struct pty p;
    int status;

    start_plain(&p);
    type_keys(&p, "commit\nyes\n");
    CHECK(wait_for(&p, 0, "answer yes or no", 10));
    wait_for(&p, 0, NULL, 0.5);
    CHECK(!strstr(p.out.data, "editing") && !strstr(p.out.data, "cancelled"));
    type_keys(&p, "no\n");
    CHECK(wait_for(&p, 0, "cancelled; nothing was changed", 10));
    type_keys(&p, "\003");
    CHECK(wait_for(&p, 0, "nothing is running", 10));
    type_keys(&p, "state\n");
    CHECK(wait_for(&p, 0, "0 edits", 10));
    type_keys(&p, "compare\nlens\npreview\njobs\n"); /* nobody has to wait to type */
    CHECK(wait_for(&p, 0, "preview Eiffel Tower → Rome: queued behind", 20));
    CHECK(wait_for(&p, 0, "job ", 20) && wait_for(&p, 0, "would NOT hold", 60));
    CHECK(wait_for(&p, 0, "variants tried", 120));
    type_keys(&p, "q!\n");
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(!strchr(p.out.data, '\033'));
    end_pty(&p);
}

/* What the preview left for later (other layers of the map) ends too, and the board says so. */
static bool the_board_empties(struct pty *p)
{
    for (int i = 0; i < 40; i++) {
        size_t from = p->out.len;

        type_keys(p, "J\n");
        if (!wait_for(p, from, "Jobs:", 10))
            return false;
        if (wait_for(p, from, "nothing runs", 0.5))
            return true;
    }
    return false;
}

/* Another session numbers its jobs from 1 again; each is announced as before. */
static void jobs_of_another_session_are_announced(void)
{
    struct pty p;
    size_t from;
    int status;

    start_plain(&p);
    type_keys(&p, "attribute\nlens\npreview\n");
    CHECK(wait_for(&p, 0, "would NOT hold", 60) && wait_for(&p, 0, "probes: ", 60));
    from = p.out.len;
    type_keys(&p, "model tests/data/architectures/gemma3/model.gguf\n");
    CHECK(wait_for(&p, from, "answer yes or no", 10));
    from = p.out.len;
    type_keys(&p, "yes\n");
    CHECK(wait_for(&p, from, "is ready", 20));
    from = p.out.len;
    type_keys(&p, "preview\n");
    CHECK(wait_for(&p, from, "preview Eiffel Tower", 20));
    CHECK(wait_for(&p, from, "would NOT hold", 60) && wait_for(&p, from, "probes: ", 60));
    from = p.out.len;
    type_keys(&p, "log\nverdict\n"); /* views, in their own words */
    CHECK(wait_for(&p, from, "Log:", 10) && wait_for(&p, from, "opening tests/data", 10));
    CHECK(wait_for(&p, from, "Verdict:", 10) && wait_for(&p, from, "verdict of Eiffel Tower", 10));
    CHECK(the_board_empties(&p));
    type_keys(&p, "q!\n");
    status = end_of(&p, 10);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    end_pty(&p);
}

static void a_paste_is_text(void)
{
    struct pty p;
    size_t from;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, NULL);
    CHECK(wait_for(&p, 0, "BASE", 20));
    type_keys(&p, "e\025\033[200~Lou\rvre:q!\033[201~");
    CHECK(wait_for(&p, 0, "Lou vre:q!", 5)); /* one line; nothing in it was a command */
    from = p.out.len;
    type_keys(&p, "\033");
    wait_for(&p, from, NULL, 0.3);
    quit_screen(&p);
}

/* In any view; q, x and C among them are no keys. */
static void lines_that_are_pasted_are_facts(void)
{
    static const char *const views[] = {"1", "8", "9"};

    for (int i = 0; i < 3; i++) {
        struct pty p;
        size_t from;

        start_small(&p);
        type_keys(&p, views[i]);
        from = p.out.len;
        type_keys(&p, "\033[200~Louvre; The {} is in; qxC\rBig Ben; The {} is in; Oslo\r\033[201~");
        CHECK(wait_for(&p, from, "2 facts added", 5));
        CHECK(!strstr(p.out.data + from, "Commit"));
        quit_screen(&p);
    }
}

static void read_only_refuses_what_writes(void)
{
    struct pty p;

    if (!model)
        SKIP("the default model is missing: run `make model`");
    start_screen(&p, NULL, "--read-only");
    CHECK(wait_for(&p, 0, "READ-ONLY", 20));
    type_keys(&p, "C");
    CHECK(wait_for(&p, 0, "commit: the session is open read-only", 5));
    wait_for(&p, 0, NULL, 1); /* keys that follow a refusal at once are ignored */
    quit_screen(&p);
}

/* At one frame a second, ten keys are answered before ten seconds have passed. */
static void a_key_is_answered_at_once(void)
{
    const char *const argv[] = {program,     "-m", "tests/data/architectures/llama3/model.gguf",
                                "--refresh", "1",  NULL};
    struct pty p;
    double began;

    start_in(&p, NULL, argv);
    CHECK(wait_for(&p, 0, "BASE", 20));
    began = clock_seconds();
    for (int i = 0; i < 10; i++) {
        size_t from = p.out.len;

        type_keys(&p, i % 2 ? "1" : "8");
        CHECK(wait_for(&p, from, i % 2 ? "Fact" : "History", 5));
    }
    CHECK(clock_seconds() - began < 8);
    quit_screen(&p);
}

static const struct test tests[] = {
    {"the first frame does not wait for the model", the_first_frame_does_not_wait},
    {"a key is answered at once", a_key_is_answered_at_once},
    {"the clipboard and the mouse", the_clipboard_and_the_mouse},
    {"lines typed ahead answer no question", lines_typed_ahead_answer_no_question},
    {"jobs of another session are announced", jobs_of_another_session_are_announced},
    {"a paste is text", a_paste_is_text},
    {"lines that are pasted are facts", lines_that_are_pasted_are_facts},
    {"read-only refuses what writes", read_only_refuses_what_writes},
};

int main(void)
{
    return pty_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
