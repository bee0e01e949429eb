/* The logit lens at every position. */
#include "core/engine/inside.h"

bool job_lens(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "lens is not built yet");
}
