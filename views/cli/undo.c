/* editscope undo, redo: which edits are active. Nothing is ever deleted. */
#include <stdio.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static bool step(struct cli *c, enum command_kind kind, struct err *err)
{
    struct command cmd = {.kind = kind, .params = c->params};
    long edit;
    json_t *o;

    if (!cli_number(c, OPT_EDIT, 1, 1000000000, 0, &edit, err) || !cli_start(c, NEED_SESSION, err))
        return false;
    cmd.edit = (int)edit;
    if (!cli_job(c, &cmd, NULL, NULL, err))
        return false;
    if (!cli_json(c)) {
        std_print("%d edit%s\nchecksum %s\n", c->state.edits, c->state.edits == 1 ? "" : "s",
                  c->state.checksum);
        return true;
    }
    o = cli_event(NULL);
    json_object_set_new(o, "edits", json_integer(c->state.edits));
    json_object_set_new(o, "checksum", json_string(c->state.checksum));
    json_object_set_new(o, "state", json_string(c->state.state));
    cli_print(o);
    return true;
}

static bool undo(struct cli *c, struct err *err)
{
    return step(c, CMD_UNDO, err);
}

static bool redo(struct cli *c, struct err *err)
{
    return step(c, CMD_REDO, err);
}

const struct cli_ops cli_undo = {"undo", "", "Take back the last edit, or any",
                                 FOR_STEP | FOR_SESSION | FOR_MODEL, undo};
const struct cli_ops cli_redo = {"redo", "", "Bring back what was undone last, or any",
                                 FOR_STEP | FOR_SESSION | FOR_MODEL, redo};
