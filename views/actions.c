#include "views/actions.h"

#include <stdio.h>
#include <string.h>

#include "tui/key.h"

const struct action_info action_infos[ACTION_COUNT] = {{"", "", "", ""},
#define X(id, name, keys, group, help) {name, keys, group, help},
                                                       ACTIONS(X)
#undef X
};

enum action action_of_key(int32_t code)
{
    for (int a = 1; a < ACTION_COUNT; a++) {
        const char *p = action_infos[a].keys;

        while (*p) {
            size_t n = strcspn(p, " ");
            char name[16];

            snprintf(name, sizeof(name), "%.*s", (int)n, p);
            if (key_parse(name) == code)
                return (enum action)a;
            p += n + (p[n] == ' ');
        }
    }
    return ACTION_NONE;
}

enum action action_of_name(const char *name)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        if (!strcmp(action_infos[a].name, name))
            return (enum action)a;
    return ACTION_NONE;
}

const char *action_key(enum action action, char out[16])
{
    snprintf(out, 16, "%.*s", (int)strcspn(action_infos[action].keys, " "),
             action_infos[action].keys);
    return out;
}

int action_steps(enum action action, int page, int all)
{
    switch (action) {
    case ACTION_UP:
        return -1;
    case ACTION_DOWN:
        return 1;
    case ACTION_PAGE_UP:
        return -page;
    case ACTION_PAGE_DOWN:
        return page;
    case ACTION_FIRST:
        return -all;
    case ACTION_LAST:
        return all;
    default:
        return 0;
    }
}
