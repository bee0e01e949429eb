/* The scoreboard of a fact. */
#include "core/engine/inside.h"

bool job_probe(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "probe is not built yet");
}
