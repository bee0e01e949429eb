/* The names of views, for code that only names them: keymaps, the command line, help. The views
 * themselves are listed in screens/views.c. */
#include "views/view.h"

#include <limits.h>
#include <string.h>

#include "core/base/closest_name.h"

#define VIEW_NAME(name) #name,
const char *const view_names[] = {VIEWS(VIEW_NAME) NULL};
#undef VIEW_NAME

const char *view_named(const char *name)
{
    for (int i = 0; view_names[i]; i++)
        if (!strcmp(view_names[i], name))
            return view_names[i];
    return NULL;
}

const char *view_nearest(const char *name)
{
    struct closest_name near = {name, "", INT_MAX};

    for (int i = 0; view_names[i]; i++)
        closest_name_try(&near, view_names[i]);
    return near.name;
}
