/* The table of hook kinds, and the reference count of hooks that several states share. */
#include "core/model/hook.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

static const struct hook_ops *const kinds[] = {&hook_add, &hook_neurons, &hook_codebook, &hook_side,
                                               &hook_memory};
enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static const struct hook_ops *find_hook_kind(const char *name, struct err *err)
{
    struct buf known = {0};

    for (int i = 0; i < KINDS; i++)
        if (!strcmp(kinds[i]->name, name))
            return kinds[i];
    for (int i = 0; i < KINDS; i++)
        buf_printf(&known, "%s%s", i ? ", " : "", kinds[i]->name);
    err_set(err, ERR_FORMAT, "a hook is one of %s, not '%.40s'; a newer editscope may know it",
            known.data, name);
    buf_free(&known);
    return NULL;
}

/* Takes `data` over, and a reference to `before`, which may be NULL. */
static struct hook_part *hook_part_new(struct hook_data data, struct hook_part *before)
{
    struct hook_part *p = xcalloc(1, sizeof(*p));

    *p = (struct hook_part){data, before, before ? before->place + 1 : 0, 1};
    if (before)
        before->refs++;
    return p;
}

static void hook_part_release(struct hook_part *p)
{
    while (p && !--p->refs) {
        struct hook_part *before = p->before;

        hook_data_free(&p->data);
        free(p);
        p = before;
    }
}

struct hook *hook_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    const struct hook_ops *ops = find_hook_kind(data->name, err);
    void *ctx = ops ? ops->open(m, data, err) : NULL;
    struct hook *h;

    if (!ctx)
        return NULL;
    h = xcalloc(1, sizeof(*h));
    *h = (struct hook){ops, hook_part_new(hook_data_copy(data), NULL), ctx, 1};
    return h;
}

/* The parts of `added` behind those of `before`, which are shared. */
static struct hook_part *join_parts(const struct hook *before, const struct hook *added)
{
    int count;
    const struct hook_data **part = hook_parts(added, &count);
    struct hook_part *last = before->last;

    last->refs++;
    for (int i = 0; i < count; i++) {
        struct hook_part *next = hook_part_new(hook_data_copy(part[i]), last);

        hook_part_release(last);
        last = next;
    }
    free(part);
    return last;
}

struct hook *hook_join(const struct hook *before, const struct hook *added)
{
    void *ctx = before->ops == added->ops && added->ops->join
                    ? added->ops->join(before->ctx, added->ctx)
                    : NULL;
    struct hook *h;

    if (!ctx)
        return NULL;
    h = xcalloc(1, sizeof(*h));
    *h = (struct hook){added->ops, join_parts(before, added), ctx, 1};
    return h;
}

const struct hook_data **hook_parts(const struct hook *h, int *count)
{
    const struct hook_data **out;

    *count = h->last->place + 1;
    out = xcalloc((size_t)*count, sizeof(*out));
    for (const struct hook_part *p = h->last; p; p = p->before)
        out[p->place] = &p->data;
    return out;
}

struct hook *hook_retain(struct hook *h)
{
    h->refs++;
    return h;
}

void hook_release(struct hook *h)
{
    if (!h || --h->refs)
        return;
    h->ops->close(h->ctx);
    hook_part_release(h->last);
    free(h);
}

struct hook_data hook_data_copy(const struct hook_data *data)
{
    struct hook_data c = {.name = xstrdup(data->name), .params = xstrdup(data->params)};

    if (data->blob) {
        c.bytes = data->bytes;
        c.blob = memcpy(xmalloc(c.bytes + 1), data->blob, c.bytes);
    }
    return c;
}

void hook_data_free(struct hook_data *data)
{
    free(data->name);
    free(data->params);
    free(data->blob);
    *data = (struct hook_data){0};
}
