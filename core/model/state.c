/* States of a model. Their matrices are shared until one is written to; state.h explains. */
#include "core/model/state.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

static size_t matrix_count(const struct model *m)
{
    return (size_t)m->config->layers * MATRICES;
}

struct model_state *state_new(const struct model *m, unsigned generation)
{
    struct model_state *s = xcalloc(1, sizeof(*s));

    s->model = m;
    s->generation = generation;
    s->matrix = xcalloc(matrix_count(m), sizeof(*s->matrix));
    for (size_t i = 0; i < matrix_count(m); i++) {
        s->matrix[i] = xcalloc(1, sizeof(**s->matrix));
        *s->matrix[i] =
            (struct shared_mat){.w = m->block[i / MATRICES].w[i % MATRICES], .states = 1};
    }
    return s;
}

static void add_prefix(struct model_state *s, const char *text, const int *id, int count)
{
    struct prefix *p;

    s->prefix = xrealloc(s->prefix, (size_t)(s->prefixes + 1) * sizeof(*s->prefix));
    p = &s->prefix[s->prefixes++];
    *p = (struct prefix){xstrdup(text), xmalloc((size_t)(count + 1) * sizeof(int)), count};
    memcpy(p->id, id, (size_t)count * sizeof(int));
}

struct model_state *state_copy(const struct model_state *s, unsigned generation)
{
    struct model_state *c = xcalloc(1, sizeof(*c));

    c->model = s->model;
    c->generation = generation;
    c->matrix = xcalloc(matrix_count(s->model), sizeof(*c->matrix));
    for (size_t i = 0; i < matrix_count(s->model); i++) {
        c->matrix[i] = s->matrix[i];
        c->matrix[i]->states++;
    }
    for (int i = 0; i < s->hooks; i++)
        state_add_hook(c, s->hook[i]);
    for (int i = 0; i < s->prefixes; i++)
        add_prefix(c, s->prefix[i].text, s->prefix[i].id, s->prefix[i].count);
    for (int i = 0; i < s->changes; i++)
        state_record_change(c, s->change[i].edit, s->change[i].layer, s->change[i].largest);
    return c;
}

/* One state less reads x; the last one frees it. The base's own matrix belongs to the model. */
static void shared_release(struct device *dev, struct shared_mat *x)
{
    if (--x->states)
        return;
    if (x->replaced)
        mat_free(dev, &x->w);
    free(x);
}

void state_free(struct model_state *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < matrix_count(s->model); i++)
        shared_release(s->model->dev, s->matrix[i]);
    for (int i = 0; i < s->hooks; i++)
        hook_release(s->hook[i]);
    for (int i = 0; i < s->prefixes; i++) {
        free(s->prefix[i].text);
        free(s->prefix[i].id);
    }
    free(s->change);
    free(s->prefix);
    free(s->hook);
    free(s->matrix);
    free(s);
}

struct shared_mat *state_shared(const struct model_state *s, int layer, enum matrix which)
{
    return s->matrix[(size_t)layer * MATRICES + which];
}

struct mat state_matrix(const struct model_state *s, int layer, enum matrix which)
{
    return state_shared(s, layer, which)->w;
}

bool state_replaced(const struct model_state *s, int layer, enum matrix which)
{
    return state_shared(s, layer, which)->replaced;
}

struct mat state_writable(struct model_state *s, int layer, enum matrix which)
{
    struct device *dev = s->model->dev;
    struct shared_mat **slot = &s->matrix[(size_t)layer * MATRICES + which], *was = *slot;

    if (!was->replaced || was->states > 1) {
        *slot = xcalloc(1, sizeof(**slot));
        **slot = (struct shared_mat){
            .w = mat_new(dev, DT_F32, was->w.rows, was->w.cols), .replaced = true, .states = 1};
        device_copy(dev, was->w, (*slot)->w);
        shared_release(dev, was);
    }
    (*slot)->hashed = false;
    return (*slot)->w;
}

void state_add_hook(struct model_state *s, struct hook *hook)
{
    for (int i = 0; i < s->hooks; i++) {
        struct hook *joined = hook_join(s->hook[i], hook);

        if (!joined)
            continue;
        hook_release(s->hook[i]);
        s->hook[i] = joined;
        return;
    }
    s->hook = xrealloc(s->hook, (size_t)(s->hooks + 1) * sizeof(struct hook *));
    s->hook[s->hooks++] = hook_retain(hook);
}

static bool hook_is_of(const struct hook *h, const struct hook_ops *ops, int layer)
{
    int own = -1;

    if (h->ops != ops)
        return false;
    ops->kept->count(h->ctx, &own);
    return own == layer;
}

struct hook *state_hook_of(const struct model_state *s, const struct hook_ops *ops, int layer)
{
    for (int i = 0; i < s->hooks; i++)
        if (hook_is_of(s->hook[i], ops, layer))
            return s->hook[i];
    return NULL;
}

void state_drop_hooks(struct model_state *s, const struct hook_ops *ops, int layer)
{
    int kept = 0;

    for (int i = 0; i < s->hooks; i++)
        if (hook_is_of(s->hook[i], ops, layer))
            hook_release(s->hook[i]);
        else
            s->hook[kept++] = s->hook[i];
    s->hooks = kept;
}

bool state_add_prefix(struct model_state *s, const char *text, struct err *err)
{
    struct tokens t = {0};
    bool ok = tokenizer_encode(s->model->tokenizer, text, strlen(text), 0, &t, err);

    if (ok)
        add_prefix(s, text, t.ids, t.count);
    tokens_free(&t);
    return ok;
}

void state_record_change(struct model_state *s, int edit, int layer, double largest)
{
    s->change = xrealloc(s->change, (size_t)(s->changes + 1) * sizeof(*s->change));
    s->change[s->changes++] = (struct state_change){edit, layer, largest};
}

void state_assign_edit(struct model_state *s, int edit)
{
    for (int i = 0; i < s->changes; i++)
        if (!s->change[i].edit)
            s->change[i].edit = edit;
}

const struct state_change *state_largest_change(const struct model_state *s, int layer)
{
    const struct state_change *most = NULL;

    for (int i = 0; i < s->changes; i++)
        if (s->change[i].layer <= layer && (!most || s->change[i].largest > most->largest))
            most = &s->change[i];
    return most;
}

/* Encodes prefixes and prompt as one text, where only the prompt's first token changes by it: a
 * prefix that ends in a blank gives it to the first word. False: they do not fit so. */
static bool prompt_join(const struct model_state *s, const int *ids, int count, struct prompt *p)
{
    const struct tokenizer *tok = s->model->tokenizer;
    int rest = count - p->begin, prefix;
    struct buf text = {0};
    struct tokens t = {0};
    bool ok = rest > 0;

    for (int i = 0; i < s->prefixes; i++)
        buf_puts(&text, s->prefix[i].text);
    if (ok)
        tokenizer_decode(tok, ids + p->begin, rest, 0, &text);
    ok = ok && tokenizer_encode(tok, text.data, text.len, 0, &t, NULL);
    prefix = t.count - rest;
    ok = ok && prefix > 0 &&
         !memcmp(t.ids + prefix + 1, ids + p->begin + 1, (size_t)(rest - 1) * sizeof(int));
    if (ok) {
        p->prefix = prefix;
        p->count = p->begin + t.count;
        p->id = xmalloc((size_t)(p->count + 1) * sizeof(int));
        memcpy(p->id, ids, (size_t)p->begin * sizeof(int));
        memcpy(p->id + p->begin, t.ids, (size_t)t.count * sizeof(int));
    }
    tokens_free(&t);
    buf_free(&text);
    return ok;
}

struct prompt state_prompt(const struct model_state *s, const int *ids, int count)
{
    struct prompt p = {.count = count};
    int at;

    if (s->prefixes && count)
        p.begin = ids[0] >= 0 && ids[0] == tokenizer_bos(s->model->tokenizer);
    if (s->prefixes && prompt_join(s, ids, count, &p))
        return p;
    for (int i = 0; i < s->prefixes; i++)
        p.prefix += s->prefix[i].count;
    p.count += p.prefix;
    p.id = xmalloc((size_t)(p.count + 1) * sizeof(int));
    memcpy(p.id, ids, (size_t)p.begin * sizeof(int));
    at = p.begin;
    for (int i = 0; i < s->prefixes; at += s->prefix[i++].count)
        memcpy(p.id + at, s->prefix[i].id, (size_t)s->prefix[i].count * sizeof(int));
    memcpy(p.id + at, ids + p.begin, (size_t)(count - p.begin) * sizeof(int));
    return p;
}

int prompt_position(const struct prompt *p, int i)
{
    return i < p->begin ? i : i + p->prefix;
}

void prompt_free(struct prompt *p)
{
    free(p->id);
    *p = (struct prompt){0};
}

int state_room(const struct model_state *s, const int *ids, int count)
{
    struct prompt p = state_prompt(s, ids, count);
    int room = s->model->config->context - p.count;

    prompt_free(&p);
    return room;
}

bool state_same(const struct model_state *a, const struct model_state *b)
{
    bool same = a->model == b->model && a->hooks == b->hooks && a->prefixes == b->prefixes &&
                !memcmp(a->matrix, b->matrix, matrix_count(a->model) * sizeof(*a->matrix));

    for (int i = 0; same && i < a->hooks; i++)
        same = a->hook[i] == b->hook[i];
    for (int i = 0; same && i < a->prefixes; i++)
        same = !strcmp(a->prefix[i].text, b->prefix[i].text);
    return same;
}
