/* editscope doctor: checks what the program needs, one line per check ("ok" or "BAD"). The model
 * check loads the model and generates one token. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/engine/model_shape.h"
#include "tui/term.h"
#include "views/cli/cli.h"

struct report {
    struct cli *c;
    bool bad;
};

/* Prints one check; a bad one decides the exit status. */
static void print_check(struct report *r, const char *what, bool good, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void print_check(struct report *r, const char *what, bool good, const char *fmt, ...)
{
    char one[600];
    va_list ap;

    va_start(ap, fmt);
    show_vprint(one, sizeof(one), fmt, ap);
    va_end(ap);
    r->bad = r->bad || !good;
    if (cli_json(r->c)) {
        json_t *o = cli_event("check");

        json_object_set_new(o, "what", json_string(what));
        json_object_set_new(o, "ok", json_boolean(good));
        json_object_set_new(o, "text", cli_text(one));
        cli_print(o);
    } else {
        std_print("%-4s %-10s %s\n", good ? "ok" : "BAD", what, one);
    }
}

/* What the screen would find. A terminal of an unknown family is a fault although the screen
 * opens: keys and colours may be wrong. */
static void check_terminal(struct report *r)
{
    struct term_report t;

    term_report(&t);
    print_check(r, "terminal", t.good, "%s", t.terminal);
    print_check(r, "colours", true, "%s", t.colours);
    print_check(r, "glyphs", true, "%s", t.glyphs);
}

/* Where the program looks for its files; only a missing text is an error. */
static void check_files(struct report *r)
{
    char *config = file_config_path("config"), *cache = file_cache_path("moments");
    char *spaces = file_cache_path("nullspaces");
    char *state = file_state_path("");
    const struct cli *c = r->c;

    print_check(r, "config", true, "%s%s", config, file_exists(config) ? "" : " (none)");
    print_check(r, "preset", true, "%s%s", c->preset ? c->preset : "none: the paper's values",
                c->preset && preset_is_general(c->preset)
                    ? " (none of its own: `editscope tune` measures one)"
                    : "");
    print_check(r, "text", c->text && file_exists(c->text), "%s",
                c->text ? c->text : "no text for the second moments; give --text FILE");
    print_check(r, "moments", true, "%s%s", cache, file_exists(cache) ? "" : " (none yet)");
    print_check(r, "nullspaces", true, "%s%s", spaces, file_exists(spaces) ? "" : " (none yet)");
    print_check(r, "sessions", true, "%s", state);
    free(config);
    free(cache);
    free(spaces);
    free(state);
}

/* One line per device that main.c knows. */
static void check_devices(struct report *r)
{
    struct buf found = {0};
    char *save = NULL;

    r->c->devices->survey(&found);
    for (char *l = found.data ? strtok_r(found.data, "\n", &save) : NULL; l;
         l = strtok_r(NULL, "\n", &save)) {
        char *text = strchr(l, '\t');

        if (text)
            *text++ = '\0';
        print_check(r, l, true, "%s", text ? text : "");
    }
    buf_free(&found);
}

/* Loads the model, asks for one token, and estimates the memory of an edit. */
static void check_model(struct report *r)
{
    struct cli *c = r->c;
    struct command cmd = {
        .kind = CMD_QUERY, .states = STATE_BASE, .text = xstrdup("The"), .tokens = 1, .top = 1};
    struct err err = {0};
    char beside[16], more[16];
    double work, stays;

    if (!cli_start(c, ONLY_LOOKS, &err)) {
        free(cmd.text);
        print_check(r, "model", false, "%s", err.text);
        return;
    }
    if (!cli_job(c, &cmd, NULL, NULL, &err)) {
        print_check(r, "model", false, "%s", err.text);
        return;
    }
    stays = model_edit_bytes(c->info.neurons, c->info.hidden, &work);
    print_check(r, "model", true,
                "%s: %s, %d layers of %d neurons, width %d, stored as %s, computed "
                "in %s, loaded in %.1f s",
                c->info.path, c->info.arch, c->info.layers, c->info.neurons, c->info.hidden,
                c->info.stored, c->info.type, c->info.load_seconds);
    print_check(r, "edits", true,
                "each edited layer takes %s beside the weights, the one at work %s more; "
                "--memory is for weights alone",
                show_bytes(stays, beside), show_bytes(work, more));
    print_check(r, "device", true, "%s, %d threads%s%s", c->info.device, c->info.threads,
                *c->info.notice ? "; " : "", c->info.notice);
}

static bool doctor_run(struct cli *c, struct err *err)
{
    struct report r = {.c = c};

    print_check(&r, "program", true, EDITSCOPE_VERSION ", %ld processors",
                sysconf(_SC_NPROCESSORS_ONLN));
    check_terminal(&r);
    check_files(&r);
    check_devices(&r);
    check_model(&r);
    if (c->signal)
        return err_set(err, ERR_CANCELLED, "interrupted");
    return !r.bad || err_set(err, ERR_MODEL, "something is missing; see the lines marked BAD");
}

const struct cli_ops cli_doctor = {"doctor", "", "Check what is installed and what is missing",
                                   FOR_MODEL | FOR_PARAMS | FOR_TEXT, doctor_run};
