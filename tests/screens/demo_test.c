/* The recording that comes with the program plays in every view, without a model; and a recording
 * writes no file.
 *
 * The program: $EDITSCOPE, else build/editscope. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "tests/test.h"

static int replay(const char *arguments)
{
    const char *program = getenv("EDITSCOPE");
    char *line = xasprintf("EDITSCOPE_MODEL=/nowhere %s replay %s --batch </dev/null",
                           program ? program : "build/editscope", arguments);
    int status = system(line);

    free(line);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void the_demo_is_small_enough_to_be_shipped(void)
{
    size_t size = 0;
    struct err err = {0};
    char *bytes = file_read("samples/demo.rec.gz", 1 << 24, &size, &err);

    CHECK_STR(err.text, "");
    CHECK(size < 3 << 20);
    free(bytes);
}

static void the_demo_plays_and_every_view_opens(void)
{
    CHECK(replay("samples/demo.rec.gz --script tests/screens/demo.script") == 0);
}

static void a_user_takes_over_at_once(void)
{
    CHECK(replay("samples/demo.rec.gz --speed 6 --script tests/screens/takeover.script") == 0);
}

static void what_a_recording_lacks_is_refused(void)
{
    CHECK(replay("samples/demo.rec.gz --script tests/screens/asked-again.script") == 0);
}

static void the_demo_is_the_tour(void)
{
    CHECK(replay("samples/demo.rec.gz --speed 30 --script tests/screens/tour.script") == 0);
}

static void a_script_that_expects_too_much_fails(void)
{
    CHECK(replay("samples/demo.rec.gz --script tests/screens/wrong.script 2>/dev/null") == 1);
    CHECK(replay("samples/no-such-file 2>/dev/null") == 1);
    CHECK(replay("samples/facts.jsonl --speed 0 2>/dev/null") != 0);
}

/* What a stranger's recording types must not reach the files of whoever plays it. */
static void a_recording_writes_no_file(void)
{
    char folder[] = "/tmp/editscope-tape.XXXXXX";
    struct buf text = {0};
    char *tape, *victim, *line, *arguments;
    double t = 0;

    CHECK(mkdtemp(folder) != NULL);
    tape = xasprintf("%s/tape.rec", folder);
    victim = xasprintf("%s/victim.txt", folder);
    arguments = xasprintf("%s --speed max >/dev/null", tape);
    buf_puts(&text, "{\"schema\":1,\"recording\":\"editscope\",\"params\":{}}\n");
    for (int way = 0; way < 2; way++) {
        line = xasprintf(":%s %s\r", way ? "export!" : "dump", victim);
        for (const char *p = line; *p; p++)
            buf_printf(&text, "{\"t\":%.3f,\"key\":%d}\n", t += 0.001, *p);
        free(line);
    }
    CHECK(file_write(tape, text.data, text.len, NULL));
    CHECK(replay(arguments) == 0);
    CHECK(file_exists(tape) && !file_exists(victim));
    unlink(tape);
    unlink(victim);
    rmdir(folder);
    free(tape);
    free(victim);
    free(arguments);
    buf_free(&text);
}

static const struct test tests[] = {
    {"a recording writes no file", a_recording_writes_no_file},
    {"the demo is small enough to be shipped", the_demo_is_small_enough_to_be_shipped},
    {"the demo plays and every view opens", the_demo_plays_and_every_view_opens},
    {"a user takes over at once", a_user_takes_over_at_once},
    {"what a recording lacks is refused", what_a_recording_lacks_is_refused},
    {"the demo is the tour", the_demo_is_the_tour},
    {"a script that expects too much fails", a_script_that_expects_too_much_fails},
};
TEST_MAIN(tests)
