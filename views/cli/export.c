/* editscope export: writes the edited model as files. editscope apply: adds a delta file to a
 * session. The engine writes, reopens and tests an export before it is put in place
 * (core/session/export/). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "views/cli/cli.h"
#include "views/view_tables.h"

static void export_json(const struct export_report *x)
{
    json_t *o = cli_event("exported"), *files = json_array();

    for (int i = 0; i < x->files; i++) {
        json_t *f = json_object();

        cli_fields(f, &exported_file_fields, &x->file[i], "path=name");
        json_object_set_new(f, "bytes", json_integer((json_int_t)x->file[i].bytes));
        cli_fields(f, &exported_file_fields, &x->file[i], "sha256");
        json_array_append_new(files, f);
    }
    cli_fields(o, &export_report_fields, x, "path as");
    json_object_set_new(o, "files", files);
    cli_fields(o, &export_report_fields, x, "dtype=type tensors loss");
    json_object_set_new(o, "rank", x->rank ? json_integer(x->rank) : json_null());
    cli_fields(o, &export_report_fields, x, "rank_error=truncated prompts same_top=same");
    json_object_set_new(o, "max_logit_diff",
                        x->prompts ? cli_real(x->max_logit_diff) : json_null());
    cli_fields(o, &export_report_fields, x, "facts facts_all");
    json_object_set_new(o, "held",
                        json_pack("{s:i, s:i}", "session", x->held[0], "files", x->held[1]));
    cli_fields(o, &export_report_fields, x, "seconds");
    cli_print(o);
}

/* Each file with its size and SHA-256, then what was lost by rounding or rank, then the test of the
 * reopened files. */
static void export_text(const struct export_report *x)
{
    double bytes = 0;
    char some[64], size[16];

    snprintf(some, sizeof(some), " asked (a sample of all %d)", x->facts_all);
    for (int i = 0; i < x->files; i++) {
        std_print("%14.0f bytes  %.12s  %s\n", x->file[i].bytes, x->file[i].sha256,
                  x->file[i].name);
        bytes += x->file[i].bytes;
    }
    std_print("%s as %s: %d file%s, %s, %.1f s\n", x->path, x->as, x->files,
              x->files == 1 ? "" : "s", show_bytes(bytes, size), x->seconds);
    if (export_is_unedited(x))
        std_puts("no edit is in it: the model as it was");
    if (x->tensors)
        std_print("edited tensors: %d %s%s, ", x->tensors,
                  strncmp(x->type, "as ", 3) ? "as " : "stored ", x->type);
    if (x->tensors && x->loss > 0)
        std_print("rounding lost %.3g %% of the edit%s\n", 100 * x->loss,
                  x->loss > 0.1 ? "; --dtype f32 keeps all of it" : "");
    else if (x->tensors)
        std_puts("exact");
    if (x->rank)
        std_print("rank %d, %.3g %% of the edit left out\n", x->rank, 100 * x->truncated);
    if (x->prompts)
        std_print(
            "reopened: logits differ by at most %.2g over %d prompts, %d of %d have the same next "
            "token\n",
            x->max_logit_diff, x->prompts, x->same, x->prompts);
    if (x->facts)
        std_print("facts that hold: %d of %d%s; in the session %d\n", x->held[1], x->facts,
                  x->facts < x->facts_all ? some : "", x->held[0]);
}

static void export_on_event(struct cli *c, struct event *ev, void *ctx)
{
    (void)ctx;
    if (ev->kind != EV_EXPORT)
        return;
    if (cli_json(c))
        export_json(ev->export);
    else
        export_text(ev->export);
}

bool cli_one_state(const struct cli *c, struct command *cmd, struct err *err)
{
    const char *word = c->value[OPT_ONE_STATE];
    char *end = NULL;
    long n;

    if (!word || !strcmp(word, "edited"))
        return true;
    if (!strcmp(word, "base")) {
        cmd->states = STATE_BASE;
        return true;
    }
    n = strncmp(word, "edit:", 5) ? 0 : strtol(word + 5, &end, 10);
    if (n < 1 || n > EDIT_NUMBER_MAX || *end)
        return err_set(err, ERR_USAGE, "--state %.40s: not one of base, edited, edit:N", word);
    cmd->edit = (int)n;
    return true;
}

static bool export_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_EXPORT};
    long rank;

    if (c->rest_count && !c->value[OPT_SESSION])
        c->value[OPT_SESSION] = c->rest[0];
    if (!cli_has(c, OPT_AS))
        return err_set(err, ERR_USAGE, "export needs --as safetensors, gguf, lora, delta or json");
    if (!cli_has(c, OPT_TARGET_PATH))
        return err_set(err, ERR_USAGE, "export needs --to PATH");
    if (!cli_number(c, OPT_RANK, 1, 1000000, 0, &rank, err) || !cli_one_state(c, &cmd, err) ||
        !cli_start(c, (cmd.states == STATE_BASE ? 0 : NEED_SESSION) | READS, err))
        return false;
    cmd.text = xstrdup(c->value[OPT_TARGET_PATH]);
    cmd.export = xstrdup(c->value[OPT_AS]);
    cmd.dtype = xstrdup(c->value[OPT_DTYPE]);
    cmd.rank = (int)rank;
    cmd.force = cli_has(c, OPT_FORCE);
    return cli_job(c, &cmd, export_on_event, NULL, err);
}

static bool apply_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_APPLY};
    json_t *o;

    if (c->rest_count != 1)
        return err_set(err, ERR_USAGE, "apply needs one FILE, written by `export --as delta`");
    if (!cli_start(c, NEED_SESSION | MAY_CREATE, err) || !cli_wait_open(c, err))
        return false;
    cmd.text = xstrdup(c->rest[0]);
    cmd.force = cli_has(c, OPT_APPLY_AGAIN);
    if (!cli_job(c, &cmd, NULL, NULL, err))
        return false;
    if (!cli_json(c)) {
        std_print("applied as one edit; %d edit%s\nchecksum %s\n", c->state.edits,
                  c->state.edits == 1 ? "" : "s", c->state.checksum);
        return true;
    }
    o = cli_event("applied");
    cli_fields(o, &state_info_fields, &c->state, "edits checksum state");
    cli_print(o);
    return true;
}

const struct cli_ops cli_export = {
    "export", "[SESSION]", "Write the edited model as safetensors, GGUF, LoRA, delta or JSON",
    FOR_EXPORT | FOR_SESSION | FOR_MODEL, export_run};
const struct cli_ops cli_apply = {"apply", "FILE", "Add a delta file to a session as one edit",
                                  FOR_APPLY | FOR_SESSION | FOR_MODEL, apply_run};
