#include "views/actions.h"

#include <string.h>

#include "views/keymap.h"

const struct action_info action_infos[ACTION_COUNT] = {{"", "", "", "", false},
#define V(id, name, keys, group, help)      {name, keys, group, help, false},
#define X(id, name, keys, group, help, ...) {name, keys, group, help, false},
#define W(id, name, keys, group, help, ...) {name, keys, group, help, true},
                                                       ACTIONS(V, X, X, W)
#undef V
#undef X
#undef W
};

enum action action_of_key(int32_t code)
{
    return keymap_action(keymap_used(), NULL, code);
}

enum action action_of_name(const char *name)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        if (!strcmp(action_infos[a].name, name))
            return (enum action)a;
    return ACTION_NONE;
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
