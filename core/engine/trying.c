/* Variants of one edit. */
#include "core/engine/inside.h"

bool job_try(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "try is not built yet");
}
