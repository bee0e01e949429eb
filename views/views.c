/* The list of views. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/near.h"
#include "views/view.h"

const struct view_ops *const views[] = {
    &view_edit,    &view_heatmap, &view_neurons, &view_ratios, &view_lens,   &view_query,
    &view_compare, &view_history, &view_sweep,   &view_facts,  &view_models, &view_relations,
    &view_options, &view_log,     &view_help,    NULL,
};

const struct view_ops *view_find(const char *name)
{
    for (int i = 0; views[i]; i++)
        if (!strcmp(views[i]->name, name))
            return views[i];
    return NULL;
}

const char *view_nearest(const char *name)
{
    struct near near = {name, "", INT_MAX};

    for (int i = 0; views[i]; i++)
        near_try(&near, views[i]->name);
    return near.name;
}

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
