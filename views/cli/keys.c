/* editscope keys: the screen's keys, from the table the screen itself uses. */
#include <stdio.h>
#include <string.h>

#include "views/actions.h"
#include "views/cli/cli.h"

static bool run(struct cli *c, struct err *err)
{
    const char *group = "";

    (void)err;
    for (int a = 1; a < ACTION_COUNT; a++) {
        const struct action_info *info = &action_infos[a];
        json_t *o;

        if (!cli_json(c)) {
            if (strcmp(group, info->group))
                printf("%s%s\n", *group ? "\n" : "", info->group);
            printf("  %-12s %-16s %s\n", info->keys, info->name, info->help);
            group = info->group;
            continue;
        }
        o = cli_event("key");
        json_object_set_new(o, "action", json_string(info->name));
        json_object_set_new(o, "keys", json_string(info->keys));
        json_object_set_new(o, "group", json_string(info->group));
        json_object_set_new(o, "help", cli_text(info->help));
        cli_print(o);
    }
    return true;
}

const struct cli_ops cli_keys = {"keys", "", "The keys of the screen", 0, run};
