/* The recorded run that comes with the program plays, without a model, in every view. The
 * program: $EDITSCOPE, else build/editscope. */
#include <stdlib.h>
#include <sys/wait.h>

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
    CHECK(size < 2500 * 1024);
    free(bytes);
}

static void the_demo_plays_and_every_view_opens(void)
{
    CHECK(replay("samples/demo.rec.gz --script tests/screens/demo.script") == 0);
}

static void a_script_that_expects_too_much_fails(void)
{
    CHECK(replay("samples/demo.rec.gz --script tests/screens/wrong.script 2>/dev/null") == 1);
    CHECK(replay("samples/no-such-file 2>/dev/null") == 1);
    CHECK(replay("samples/facts.jsonl --speed 0 2>/dev/null") != 0);
}

static const struct test tests[] = {
    {"the demo is small enough to be shipped", the_demo_is_small_enough_to_be_shipped},
    {"the demo plays and every view opens", the_demo_plays_and_every_view_opens},
    {"a script that expects too much fails", a_script_that_expects_too_much_fails},
};
TEST_MAIN(tests)
