/* The table of hook kinds, and the reference count of hooks that several states share. */
#include "core/model/hook.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"

static const struct hook_ops *const kinds[] = {&hook_add, &hook_neurons, &hook_codebook,
                                               &hook_side};
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

struct hook *hook_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    const struct hook_ops *ops = find_hook_kind(data->name, err);
    void *ctx = ops ? ops->open(m, data, err) : NULL;
    struct hook *h;

    if (!ctx)
        return NULL;
    h = xcalloc(1, sizeof(*h));
    *h = (struct hook){.ops = ops, .data = hook_data_copy(data), .ctx = ctx, .refs = 1};
    return h;
}

/* The data of both, one behind the other: a checksum reads it. */
static struct hook_data data_join(const struct hook_data *a, const struct hook_data *b)
{
    struct hook_data out = {.name = xstrdup(b->name),
                            .params = xasprintf("%s\n%s", a->params, b->params),
                            .bytes = a->bytes + b->bytes};

    out.blob = xmalloc(out.bytes + 1);
    if (a->bytes)
        memcpy(out.blob, a->blob, a->bytes);
    if (b->bytes)
        memcpy((char *)out.blob + a->bytes, b->blob, b->bytes);
    return out;
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
    *h = (struct hook){
        .ops = added->ops, .data = data_join(&before->data, &added->data), .ctx = ctx, .refs = 1};
    return h;
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
    hook_data_free(&h->data);
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
