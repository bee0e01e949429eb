/* editscope keys: the keys and `:` commands of the screen, from the tables the screen itself uses,
 * with the bindings of the config file applied. */
#include <stdio.h>
#include <string.h>

#include "core/base/std.h"
#include "views/cli/cli.h"
#include "views/commands.h"
#include "views/keymap.h"

/* The `:` commands: name, argument, help. */
static void print_commands(struct cli *c)
{
    if (!cli_json(c))
        std_print("\nCommands after :\n");
    for (const struct command_info *info = command_infos; info->name; info++) {
        json_t *o;

        if (!cli_json(c)) {
            std_print("  :%-10s %-27s %s\n", info->name, info->argument, info->help);
            continue;
        }
        o = cli_event("command");
        json_object_set_new(o, "command", json_string(info->name));
        json_object_set_new(o, "argument", json_string(info->argument));
        json_object_set_new(o, "help", cli_text(info->help));
        cli_print(o);
    }
}

static bool keys_run(struct cli *c, struct err *err)
{
    const char *group = "";

    (void)err;
    for (int a = 1; a < ACTION_COUNT; a++) {
        const struct action_info *info = &action_infos[a];
        char keys[KEYMAP_TEXT];
        json_t *o;

        keymap_keys(keymap_current(), NULL, (enum action)a, keys);
        if (!cli_json(c)) {
            if (strcmp(group, info->group))
                std_print("%s%s\n", *group ? "\n" : "", info->group);
            std_print("  %-12s %-16s %s\n", keys, info->name, info->help);
            group = info->group;
            continue;
        }
        o = cli_event("key");
        json_object_set_new(o, "action", json_string(info->name));
        json_object_set_new(o, "keys", cli_text(keys));
        json_object_set_new(o, "group", json_string(info->group));
        json_object_set_new(o, "help", cli_text(info->help));
        cli_print(o);
    }
    print_commands(c);
    if (c->notes.len)
        std_error_text(c->notes.data);
    return true;
}

const struct cli_ops cli_keys = {"keys", "", "List the keys of the screen", 0, keys_run};
