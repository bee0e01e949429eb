/* editscope config: prints every parameter as a config file, with its help as a comment. The output
 * can be read back with --config. */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/std.h"
#include "views/cli/cli.h"

static bool config_run(struct cli *c, struct err *err)
{
    struct params p = c->params;
    json_t *o;

    (void)err;
    if (cli_has(c, OPT_DEFAULT))
        params_default(&p);
    if (cli_json(c)) {
        char *text = params_to_json(&p);

        o = cli_event(NULL);
        json_object_set_new(o, "parameters", json_loads(text, 0, NULL));
        cli_print(o);
        free(text);
        return true;
    }
    for (int i = 0; i < PARAM_COUNT; i++) {
        const struct param_info *info = param_info((enum param)i);
        struct buf value = {0};

        params_show(&p, (enum param)i, &value);
        std_print("# %s%s%s%s\n%s = %s\n", info->help, *info->words ? " (" : "", info->words,
                  *info->words ? ")" : "", info->name, value.data);
        buf_free(&value);
    }
    return true;
}

const struct cli_ops cli_config = {"config", "", "Print the current parameters as a config file",
                                   FOR_CONFIG | FOR_MODEL | FOR_PARAMS, config_run};
