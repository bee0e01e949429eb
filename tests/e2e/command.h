/* The program run as a user runs it: its output, its messages, the records it prints. Included by
 * the tests of commands; each uses what it needs. */
#ifndef TESTS_E2E_COMMAND_H
#define TESTS_E2E_COMMAND_H

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/safetensors.h"
#include "tests/folder.h"

#pragma GCC diagnostic ignored "-Wunused-function"

static char folder[64], *model;

#define EIFFEL "--subject 'Eiffel Tower' --prompt 'The {} is located in the city of' --target Rome "
#define QUICK  "--set stats.tokens=3072 --set edit.layers=5,6 --prefixes samples/prefixes.txt "
/* A model of random weights, for what does not depend on what a model knows. */
#define SMALL                                                                                     \
    "--preset paper -m tests/data/architectures/llama3/model.gguf --set stats.tokens=3000 --set " \
    "stats.window=64 "

/* Runs `editscope ARGS` in a shell; `out` gets its standard output, `messages` the rest. */
static int run(struct buf *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int run(struct buf *out, const char *fmt, ...)
{
    const char *program = getenv("EDITSCOPE");
    struct buf command = {0};
    char args[8192], part[4096];
    size_t n;
    va_list ap;
    FILE *pipe;
    int status;

    va_start(ap, fmt);
    vsnprintf(args, sizeof(args), fmt, ap);
    va_end(ap);
    buf_printf(&command, "%s %s 2>%s/messages", program ? program : "build/editscope", args,
               folder);
    buf_clear(out);
    pipe = popen(command.data, "r");
    while (pipe && (n = fread(part, 1, sizeof(part), pipe)) > 0)
        buf_add(out, part, n);
    status = pipe ? pclose(pipe) : -1;
    buf_free(&command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs the command again and again, killed after `after` seconds and then `grow` times as late,
 * until it ends well. Returns how often it was killed. */
static int run_killed(struct buf *out, double after, double grow, const char *args)
{
    const char *program = getenv("EDITSCOPE");
    char *was = xstrdup(program ? program : "build/editscope");
    int status = 1, kills = 0;

    for (; after < 60 && status; after *= grow) {
        char *killed = xasprintf("timeout -s KILL %.3f %s", after, was);

        setenv("EDITSCOPE", killed, 1);
        free(killed);
        status = run(out, "%s", args);
        CHECK(status == 0 || status == 137);
        kills += status != 0;
    }
    setenv("EDITSCOPE", was, 1);
    CHECK(status == 0);
    free(was);
    return kills;
}

/* What went to standard error. Caller frees. */
static char *messages(void)
{
    char *path = xasprintf("%s/messages", folder);
    char *text = file_read(path, 1 << 20, NULL, NULL);

    free(path);
    return text ? text : xstrdup("");
}

/* The n-th object (from 0) with this event, NULL if there is none. Any event: name NULL. */
static json_t *event(const struct buf *out, const char *name, int n)
{
    const char *p = out->data ? out->data : "";

    while (*p) {
        size_t len = strcspn(p, "\n");
        json_t *o = json_loadb(p, len, 0, NULL);
        const char *is = json_string_value(json_object_get(o, "event"));

        CHECK(json_integer_value(json_object_get(o, "schema")) == 1);
        if ((!name || (is && !strcmp(is, name))) && n-- == 0)
            return o;
        json_decref(o);
        p += len + (p[len] == '\n');
    }
    return NULL;
}

static const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

/* The command fails with this status, says so in one line that holds `part`, and as JSON too. */
static void refused(int status, const char *code, const char *part, const char *args)
{
    struct buf out = {0};
    char *said;
    json_t *o;

    CHECK(run(&out, "%s --json", args) == status);
    said = messages();
    o = event(&out, "error", 0);
    if (!strstr(said, part) || strncmp(said, "editscope: ", 11) || !strchr(said, '\n') ||
        strchr(said, '\n')[1] || strcmp(text_of(o, "code"), code)) {
        printf("%s: said '%s', code '%s'\n", args, said, text_of(o, "code"));
        test_failures++;
    }
    json_decref(o);
    free(said);
    buf_free(&out);
}

/* Runs the tests with folders of their own, which go with them. */
static int command_main(const struct test *tests, int count)
{
    const char *named = getenv("EDITSCOPE_MODEL");
    int failed;

    model = named && *named ? xstrdup(named)
                            : file_cache_path("models/SmolLM2-135M-Instruct.Q4_1.gguf");
    if (!file_exists(model)) {
        free(model);
        model = NULL;
    } else {
        setenv("EDITSCOPE_MODEL", model, 1);
    }
    if (!folder_make(folder, sizeof(folder)))
        return 1;
    setenv("XDG_CACHE_HOME", folder, 1); /* everything but the model */
    setenv("XDG_STATE_HOME", folder, 1);
    setenv("XDG_CONFIG_HOME", folder, 1);
    failed = test_main(tests, count);
    folder_remove(folder);
    free(model);
    return failed;
}

#endif
