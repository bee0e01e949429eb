/* editscope verify: rebuilds the weights from the journal and compares checksums. */
#include <stdio.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static bool run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_VERIFY};
    json_t *o;

    if (!cli_start(c, NEED_SESSION | READS, err) || !cli_job(c, &cmd, NULL, NULL, err))
        return false;
    if (!cli_json(c)) {
        std_print("%d edit%s rebuilt: equal\nchecksum %s\n", c->state.edits,
                  c->state.edits == 1 ? "" : "s", c->state.checksum);
        return true;
    }
    o = cli_event(NULL);
    json_object_set_new(o, "edits", json_integer(c->state.edits));
    json_object_set_new(o, "checksum", json_string(c->state.checksum));
    json_object_set_new(o, "verified", json_boolean(c->state.verified));
    cli_print(o);
    return true;
}

const struct cli_ops cli_verify = {"verify", "", "Rebuild the weights from the journal and compare",
                                   FOR_SESSION | FOR_MODEL, run};
