/* The kinds of commands: what each one needs before it may run, whether it overtakes longer work,
 * and who runs it. Both ways to a job, the queue and the gaps between slices, ask this table: a
 * command whose needs are not met stays in the queue. */
#include <string.h>

#include "core/engine/inside.h"

enum {
    NEEDS_MODEL = 1,   /* on its device, and the device works */
    NEEDS_SESSION = 2, /* open: the edited weights are there */
    NEEDS_BOTH = NEEDS_MODEL | NEEDS_SESSION,
};

static bool job_discard(struct engine *e, struct command *cmd, struct err *err)
{
    (void)cmd;
    preview_drop(e);
    return states_say(e, err);
}

static bool job_moments(struct engine *e, struct command *cmd, struct err *err)
{
    struct params *p = &cmd->params;

    if (cmd->all_layers) {
        p->layer_count = e->model->config->layers;
        memset(p->layer, 0, sizeof(p->layer));
        memset(p->layer, 1, (size_t)p->layer_count);
    }
    return ground_together(e, cmd, err) && ground_say(e);
}

static const struct command_row {
    const char *name;
    bool (*run)(struct engine *e, struct command *cmd, struct err *err);
    unsigned needs;
    bool urgent;
} rows[] = {
    [CMD_NONE] = {"", NULL, 0, false},
    [CMD_LOOK] = {"look", job_look, NEEDS_BOTH, true},
    [CMD_ATTRIBUTE] = {"attribute", job_attribute, NEEDS_BOTH, false},
    [CMD_WEIGH] = {"weigh", job_weigh, NEEDS_BOTH, false},
    [CMD_PREVIEW] = {"preview", job_edit, NEEDS_BOTH, false},
    [CMD_COMMIT] = {"commit", job_edit, NEEDS_BOTH, false},
    [CMD_DISCARD] = {"discard", job_discard, NEEDS_BOTH, false},
    [CMD_UNDO] = {"undo", job_undo, NEEDS_BOTH, false},
    [CMD_REDO] = {"redo", job_undo, NEEDS_BOTH, false},
    [CMD_QUERY] = {"query", job_query, NEEDS_BOTH, true},
    [CMD_NEURON] = {"neuron", job_neuron, NEEDS_BOTH, true},
    [CMD_HISTORY] = {"history", job_history, NEEDS_SESSION, true},
    [CMD_VERIFY] = {"verify", job_verify, NEEDS_BOTH, false},
    [CMD_MOMENTS] = {"moments", job_moments, NEEDS_BOTH, false},
    [CMD_LENS] = {"lens", job_lens, NEEDS_BOTH, true},
    [CMD_TRACE] = {"trace", job_trace, NEEDS_BOTH, false},
    [CMD_PROBE] = {"probe", job_probe, NEEDS_BOTH, false},
    [CMD_TRY] = {"try", job_try, NEEDS_BOTH, false},
    [CMD_DRIFT] = {"drift", job_drift, NEEDS_BOTH, false},
    [CMD_DIFF] = {"diff", job_diff, NEEDS_BOTH, false},
    [CMD_BISECT] = {"bisect", job_bisect, NEEDS_BOTH, false},
    [CMD_NOTE] = {"note", job_note, NEEDS_SESSION, true},
    [CMD_EXPORT] = {"export", job_export, NEEDS_BOTH, false},
    [CMD_APPLY] = {"apply", job_apply, NEEDS_BOTH, false},
    [CMD_SAVE] = {"save", job_save, NEEDS_BOTH, false},
    [CMD_DEVICE] = {"device", job_device, 0, false},
    [CMD_PULL] = {"pull", job_pull, 0, true},
    [CMD_QUIT] = {"quit", NULL, 0, false},
};

const char *command_name(enum command_kind kind)
{
    return rows[kind].name;
}

enum command_kind command_of_name(const char *name)
{
    for (size_t i = 1; i < sizeof(rows) / sizeof(*rows); i++)
        if (!strcmp(rows[i].name, name))
            return (enum command_kind)i;
    return CMD_NONE;
}

/* The base alone can be asked before a session is open, and without one. */
static unsigned command_needs(const struct command *cmd)
{
    bool base = cmd->kind == CMD_QUERY && cmd->states == STATE_BASE && !cmd->edit;

    return base ? NEEDS_MODEL : rows[cmd->kind].needs;
}

bool command_ready(const struct engine *e, const struct command *cmd, struct err *err)
{
    unsigned needs = command_needs(cmd);

    if ((needs & NEEDS_MODEL) && e->lost)
        return err_set(
            err, ERR_DEVICE,
            "the GPU is lost; the session is safe, and goes on with the CPU: :device cpu");
    if ((needs & NEEDS_MODEL) && !e->model)
        return err_set(err, ERR_MODEL, "no model is open");
    return !(needs & NEEDS_SESSION) || e->open || err_set(err, ERR_STATE, "no session is open");
}

bool command_urgent(const struct command *cmd)
{
    return rows[cmd->kind].urgent;
}

bool command_run(struct engine *e, struct command *cmd, struct err *err)
{
    const struct command_row *row = &rows[cmd->kind];

    return command_ready(e, cmd, err) && (!row->run || row->run(e, cmd, err));
}
