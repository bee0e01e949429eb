/* The table of actions as an array, and what it means to move or step by one. */
#include "views/actions.h"

#include <string.h>

#include "views/keymap.h"

const struct action_info action_infos[ACTION_COUNT] = {{"", "", "", "", false, NULL, NULL},
#define V(id, name, keys, group, help, where) {name, keys, group, help, false, NULL, where},
#define O(id, name, keys, group, help, view)  {name, keys, group, help, false, #view, NULL},
#define X(id, name, keys, group, help, ...)   {name, keys, group, help, false, NULL, NULL},
#define W(id, name, keys, group, help, ...)   {name, keys, group, help, true, NULL, NULL},
                                                       ACTIONS(V, O, X, W)
#undef V
#undef O
#undef X
#undef W
};

bool action_needs_model(enum action action)
{
    return action_infos[action].writes || action == ACTION_ATTRIBUTE || action == ACTION_PREVIEW ||
           action == ACTION_PROBE || action == ACTION_VERIFY || action == ACTION_ASK ||
           action == ACTION_EDIT_FACT || action == ACTION_RELATION || action == ACTION_SILENCE;
}

enum action action_of_key(int32_t code)
{
    return keymap_action(keymap_current(), NULL, code);
}

enum action action_of_name(const char *name)
{
    for (int a = 1; a < ACTION_COUNT; a++)
        if (!strcmp(action_infos[a].name, name))
            return (enum action)a;
    return ACTION_NONE;
}

/* Several actions may open a view, such as "alpha" the view Edit; those of the group Views do
 * nothing else. */
enum action action_of_view(const char *view)
{
    enum action found = ACTION_NONE;

    for (int a = ACTION_COUNT - 1; a > 0; a--) {
        const struct action_info *info = &action_infos[a];

        if (info->view && !strcmp(info->view, view) &&
            (!found || !strcmp(info->group, "Views") ||
             strcmp(action_infos[found].group, "Views") != 0))
            found = (enum action)a;
    }
    return found;
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

int action_across(enum action action, int all)
{
    switch (action) {
    case ACTION_LEFT:
        return -1;
    case ACTION_RIGHT:
        return 1;
    case ACTION_ROW_START:
        return -all;
    case ACTION_ROW_END:
        return all;
    default:
        return 0;
    }
}

int action_change(enum action action)
{
    switch (action) {
    case ACTION_LEFT:
    case ACTION_LESS:
        return -1;
    case ACTION_RIGHT:
    case ACTION_MORE:
        return 1;
    case ACTION_MUCH_LESS:
        return -10;
    case ACTION_MUCH_MORE:
        return 10;
    default:
        return 0;
    }
}
