/* The list of views, and making and freeing one. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "views/view.h"

#define VIEW(name) &view_##name,
/* In the order of VIEWS; the first eight have tabs and the keys 1 to 8. */
const struct view_ops *const views[] = {VIEWS(VIEW) NULL};
#undef VIEW

const struct view_ops *view_find(const char *name)
{
    for (int i = 0; views[i]; i++)
        if (!strcmp(views[i]->name, name))
            return views[i];
    return NULL;
}

/* Makes a view with zeroed state. The app calls ops->open each time it is shown. */
struct view *view_open(const struct view_ops *ops, struct host *host)
{
    struct view *v = xcalloc(1, sizeof(*v));

    v->ops = ops;
    v->host = host;
    v->state = xcalloc(1, ops->size ? ops->size : 1);
    return v;
}

void view_close(struct view *v)
{
    if (!v)
        return;
    if (v->ops->close)
        v->ops->close(v);
    free(v->state);
    free(v);
}
