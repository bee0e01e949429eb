/* States that were: drift, differences, bisection, notes. */
#include "core/engine/inside.h"

bool job_drift(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "drift is not built yet");
}

bool job_diff(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "diff is not built yet");
}

bool job_bisect(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "bisect is not built yet");
}

bool job_note(struct engine *e, struct command *cmd, struct err *err)
{
    (void)e;
    (void)cmd;
    return err_set(err, ERR_USAGE, "note is not built yet");
}
