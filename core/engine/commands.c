/* Whether a command can run now, and the function that runs it, by the rows of ENGINE_COMMANDS.
 * Used for commands from the queue and for urgent ones in the middle of a job (engine.c). Also the
 * jobs of a few lines. */
#include <string.h>

#include "core/base/mpi.h"
#include "core/edit/stats_files.h"
#include "core/engine/internal.h"

bool job_none(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    (void)err;
    return true;
}

bool job_discard(struct engine *e, struct command *cmd, struct err *err)
{
    (void)cmd;
    preview_drop(e);
    return emit_state(e, err);
}

/* Statistics of another machine, before any are summed here. */
static bool import_statistics(struct engine *e, struct command *cmd, struct err *err)
{
    struct buf notes = {0};
    struct stats_files count;
    bool ok;

    if (!cmd->text)
        return true;
    ok = edit_stats_open(e, &cmd->params, err) &&
         stats_files_import(e->stats.moments, cmd->text, &count, &notes, err);
    if (ok)
        buf_printf(&notes, "%d second moments and %d null spaces are in the cache now\n",
                   count.moments, count.nullspaces);
    notice_lines(e, &notes);
    edit_stats_free(e); /* it is opened again, with what the cache holds now */
    return ok;
}

static bool export_statistics(struct engine *e, struct command *cmd, struct err *err)
{
    struct buf notes = {0};
    struct stats_files count;

    if (!cmd->export || mpi_rank())
        return true;
    if (!stats_files_export(e->stats.moments, cmd->export, &count, err))
        return false;
    buf_printf(&notes, "%s holds %d second moments and %d null spaces\n", cmd->export,
               count.moments, count.nullspaces);
    notice_lines(e, &notes);
    return true;
}

bool job_moments(struct engine *e, struct command *cmd, struct err *err)
{
    struct params *p = &cmd->params;

    if (cmd->all_layers) {
        p->layer_count = e->model->config->layers;
        memset(p->layer, 0, sizeof(p->layer));
        memset(p->layer, 1, (size_t)p->layer_count);
    }
    return import_statistics(e, cmd, err) && edit_stats_sum_ranks(e, cmd, err) &&
           export_statistics(e, cmd, err) && emit_moments(e);
}

const struct command_traits command_traits[] = {
#define X(id, name, busy, run, flags) [CMD_##id] = {name, busy, flags},
    ENGINE_COMMANDS(X)
#undef X
};

static bool (*const functions[])(struct engine *e, struct command *cmd, struct err *err) = {
#define X(id, name, busy, run, flags) [CMD_##id] = run,
    ENGINE_COMMANDS(X)
#undef X
};

enum command_kind command_of_name(const char *name)
{
    for (size_t i = 1; i < sizeof(command_traits) / sizeof(*command_traits); i++)
        if (!strcmp(command_traits[i].name, name))
            return (enum command_kind)i;
    return CMD_NONE;
}

enum command_rank command_rank(const struct command *cmd)
{
    unsigned flags = command_traits[cmd->kind].flags;

    if (cmd->idle)
        return RANK_IDLE;
    return flags & BATCH ? RANK_BATCH : flags & YIELDS ? RANK_YIELDS : RANK_WANTED;
}

/* Its flags, except that a query of the base alone needs no session. */
static unsigned command_needs(const struct command *cmd)
{
    bool base = cmd->kind == CMD_QUERY && cmd->states == STATE_BASE && !cmd->edit;

    return base ? NEEDS_MODEL : command_traits[cmd->kind].flags;
}

bool command_ready(const struct engine *e, const struct command *cmd, struct err *err)
{
    unsigned needs = command_needs(cmd);

    if ((needs & NEEDS_MODEL) && e->lost)
        return err_set(err, ERR_DEVICE,
                       "the GPU has failed and all edits are in the session; continue on the CPU "
                       "with :device cpu");
    if ((needs & NEEDS_MODEL) && !e->model)
        return err_set(err, ERR_MODEL, "no model is open");
    return !(needs & NEEDS_SESSION) || e->open || err_set(err, ERR_STATE, "no session is open");
}

bool command_run(struct engine *e, struct command *cmd, struct err *err)
{
    if (!command_ready(e, cmd, err))
        return false;
    if (command_traits[cmd->kind].flags & (KEY_EDIT | KEY_SCORES))
        e->params = cmd->params; /* what background work makes ready */
    return functions[cmd->kind](e, cmd, err);
}
