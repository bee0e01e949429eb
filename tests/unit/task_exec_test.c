/* Programs that a model may have written, in the sandbox: what ends well passes, and nothing
 * reaches the network, the files, the environment, or more time and memory than is allowed. */
#include "core/eval/task_exec.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/eval/task.h"
#include "tests/folder.h"
#include "tests/test.h"

static const struct exec_limits little = {.seconds = 1, .megabytes = 128};

static bool passes(const char *program)
{
    struct err err = {0};
    bool passed = false;

    CHECK(task_exec(program, &little, &passed, &err));
    CHECK_STR(err.text, "");
    return passed;
}

static void good_programs_pass(void)
{
    CHECK(passes("from typing import List\nimport math\n\ndef f(x: List[int]) -> int:\n"
                 "    return sum(x)\n\nassert f([1, 2]) == 3\n"));
    CHECK(passes("import os\nassert os.listdir('.') == [] and 'TASK_SECRET' not in os.environ\n"
                 "open('a', 'w').write('x')\nassert open('a').read() == 'x'\n"));
    CHECK(passes("import sys\nassert sys.stdin is None and len('é') == 1\nprint('a' * 100000)\n"));
}

static void bad_programs_fail(void)
{
    CHECK(!passes("assert False"));
    CHECK(!passes("def f(:\n"));
    CHECK(!passes("import sys\nsys.exit(0)"));
    CHECK(!passes("import os\nos._exit(0)"));
    CHECK(!passes("import os\nos.write(3, b'x' * 32)\nos._exit(0)"));
}

static void an_endless_loop_is_ended(void)
{
    double begin = clock_seconds();

    CHECK(!passes("while True:\n    pass\n"));
    CHECK(clock_seconds() - begin < 20); /* the limit is one second */
}

static void there_is_no_network(void)
{
    CHECK(passes("import os\nassert os.listdir('/run') == []\n")); /* sockets of others */
    CHECK(!passes("import socket\nsocket.create_connection(('127.0.0.1', 1), 1)\n"));
    CHECK(passes(
        "import socket\n"
        "try:\n"
        "    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))\n"
        "except OSError as e:\n"
        "    assert e.errno == 101\n" /* ENETUNREACH */
        "else:\n"
        "    raise ValueError\n"));
}

static void memory_is_limited(void)
{
    CHECK(!passes("x = bytearray(1 << 30)\n"));
    CHECK(passes("x = bytearray(1 << 20)\n"));
}

/* A file of this user, which the program may read and must not change. */
static void files_are_read_only(void)
{
    char folder[64], *path, *program, *text;

    CHECK(folder_make(folder, sizeof(folder)));
    path = xasprintf("%s/precious", folder);
    CHECK(file_write(path, "kept", 4, NULL));
    program = xasprintf("open('%s', 'w').write('lost')", path);
    CHECK(!passes(program));
    free(program);
    program = xasprintf("import os\nos.unlink('%s')", path);
    CHECK(!passes(program));
    free(program);
    text = file_read(path, 100, NULL, NULL);
    CHECK_STR(text ? text : "", "kept");
    free(text);
    free(path);
    folder_remove(folder);
}

/* HumanEval's task with a body that is right, and one that is not. */
static void a_body_is_judged(void)
{
    static char prompt[] = "def twice(x):\n", entry[] = "twice",
                test[] = "def check(f):\n    assert f(2) == 4\n";
    struct task_question q = {.text = prompt, .test = test, .entry = entry};
    static const char *const body[] = {"    return 2 * x\n", "    return x\n"};

    for (int i = 0; i < 2; i++) {
        struct task_answer a = {.said = xstrdup(body[i])}, base = a;

        task_humaneval.judge(&q, &a, &base);
        CHECK_NEAR(a.score[1], 1, 0);
        CHECK(task_humaneval.execute(&q, &a, NULL));
        CHECK_NEAR(a.score[0], !i, 0);
        task_answer_free(&a);
    }
}

/* Where there are no namespaces nothing is executed, and a test of what they keep says nothing. */
static void nothing_runs_unguarded(void)
{
    struct err err = {0};
    bool passed = true;

    CHECK(!task_exec("open('/tmp/editscope-escaped', 'w')", &little, &passed, &err) && !passed);
    CHECK(err.kind == ERR_STATE && strstr(err.text, "none is executed"));
    CHECK(access("/tmp/editscope-escaped", F_OK) != 0);
}

int main(void)
{
    static const struct test tests[] = {{"good programs pass", good_programs_pass},
                                        {"bad programs fail", bad_programs_fail},
                                        {"an endless loop is ended", an_endless_loop_is_ended},
                                        {"there is no network", there_is_no_network},
                                        {"memory is limited", memory_is_limited},
                                        {"files are read-only", files_are_read_only},
                                        {"a body is judged", a_body_is_judged}};
    static const struct test unguarded[] = {{"nothing runs unguarded", nothing_runs_unguarded}};

    setenv("TASK_SECRET", "1", 1);
    return task_exec_possible(NULL)
               ? test_main(tests, (int)(sizeof(tests) / sizeof(*tests)))
               : test_main(unguarded, (int)(sizeof(unguarded) / sizeof(*unguarded)));
}
