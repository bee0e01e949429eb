/* editscope verify: rebuilds the weights from the base and the deltas of the session, and compares
 * their checksum with the recorded one. A difference is an error (ERR_STATE), printed by the
 * engine. */
#include <stdio.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static bool verify_run(struct cli *c, struct err *err)
{
    struct command cmd = {.kind = CMD_VERIFY};
    struct event history = {.kind = EV_NONE};
    int facts = 0;
    json_t *o;

    if (!cli_start(c, NEED_SESSION | READS, err) || !cli_job(c, &cmd, NULL, NULL, err) ||
        !cli_history(c, &history, err))
        return false;
    for (int i = 0; i < history.history->count; i++)
        facts += history.history->entry[i].active ? history.history->entry[i].facts : 0;
    event_free(&history);
    if (!cli_json(c)) {
        std_print("%d edit%s", c->state.edits, c->state.edits == 1 ? "" : "s");
        if (facts != c->state.edits)
            std_print(" of %d facts", facts);
        std_print(" rebuilt: equal\nchecksum %s\n", c->state.checksum);
        return true;
    }
    o = cli_event(NULL);
    cli_fields(o, &state_info_fields, &c->state, "edits checksum");
    json_object_set_new(o, "facts", json_integer(facts));
    cli_fields(o, &state_info_fields, &c->state, "verified");
    cli_print(o);
    return true;
}

const struct cli_ops cli_verify = {"verify", "", "Rebuild the weights from the session and compare",
                                   FOR_SESSION | FOR_MODEL, verify_run};
