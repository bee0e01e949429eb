/* Causal tracing (ROME): which states carry the fact. */
#include "core/engine/inside.h"

bool job_trace(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "trace is not built yet");
}
