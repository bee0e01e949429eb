/* The hook "codebook" (GRACE, editscope-method(7) 7.18): keys and values at one layer. Where the
 * coefficients m of a prompt's last token are within the radius of the nearest key, the FFN adds
 * that key's value to the residual stream, in the place of what it computes:
 *
 *   j = argmin |m - K_j|        |m - K_j| <= radius_j:  x = h + V_j        h: the stream before
 *
 * A hook holds one entry: params {"layer": L, "radius": e, "label": [tokens]}; the blob is K [M],
 * then V [d], as float32. A state joins its hooks of a layer to one codebook, entry by entry in the
 * order of the edits, so radii depend on what is there:
 *
 *   nothing within e + radius_j           a new entry of radius e
 *   the nearest has another label         a new entry and the nearest share the way: d / 2
 *   the nearest has the same label        its value is replaced, its radius grows to d */
#include "core/model/hook_codebook.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/forward.h"

struct entry {
    double radius;
    int *label, labels;
    float *key, *value; /* [M], [d] */
};

/* Rows of one pass, from its first site to its gradient. */
struct pass {
    const struct batch *batch;       /* its address tells passes apart that are under way */
    int rows, *row;                  /* [rows] last tokens of prompts */
    struct mat h, x, back;           /* [rows, d] */
    struct mat q;                    /* [rows, M] */
    struct mat choice, hit;          /* [rows, entries], [1, rows] */
    struct mat choice64, x64, hit64; /* float64: [rows, entries], [rows, d], [rows, 1] */
};

struct codebook {
    const struct model *model;
    int layer, count, passes;
    struct entry *entry;
    struct mat key, radius; /* [count, M], [1, count] */
    struct mat value, ones; /* float64: [count, d], [count, 1] */
    struct pass **pass;
};

/* ---- entries ---- */

static struct entry entry_copy(const struct entry *e, const struct model *m)
{
    size_t keys = (size_t)m->config->ffn * sizeof(float),
           values = (size_t)m->config->hidden * sizeof(float),
           labels = (size_t)e->labels * sizeof(int);
    struct entry c = *e;

    c.key = memcpy(xmalloc(keys), e->key, keys);
    c.value = memcpy(xmalloc(values), e->value, values);
    c.label = memcpy(xmalloc(labels + 1), e->label, labels);
    return c;
}

static void entry_free(struct entry *e)
{
    free(e->key);
    free(e->value);
    free(e->label);
}

static double entry_distance(const struct entry *e, const float *key, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double d = (double)e->key[i] - (double)key[i];

        sum += d * d;
    }
    return sqrt(sum);
}

/* The index of the nearest entry, and how far it is; -1: there is none. */
static int nearest_entry(const struct codebook *c, const float *key, double *distance)
{
    int best = -1;

    for (int i = 0; i < c->count; i++) {
        double d = entry_distance(&c->entry[i], key, c->model->config->ffn);

        if (best < 0 || d < *distance) {
            best = i;
            *distance = d;
        }
    }
    return best;
}

/* Adds an entry by the rule above. Takes it over. */
static void add_entry(struct codebook *c, struct entry e)
{
    double d = 0;
    int at = nearest_entry(c, e.key, &d);
    struct entry *near = at < 0 ? NULL : &c->entry[at];
    bool meets = near && d <= e.radius + near->radius;

    if (meets && near->labels == e.labels &&
        !memcmp(near->label, e.label, (size_t)e.labels * sizeof(int))) {
        float *value = near->value;

        near->value = e.value;
        near->radius = fmax(near->radius, d);
        e.value = value;
        entry_free(&e);
        return;
    }
    if (meets) {
        e.radius = d / 2;
        near->radius = d / 2 - 1e-5;
    }
    c->entry = xrealloc(c->entry, (size_t)(c->count + 1) * sizeof(*c->entry));
    c->entry[c->count++] = e;
}

/* ---- the device's side ---- */

static void pass_free(struct pass *p, struct device *dev)
{
    struct mat *all[] = {&p->h,   &p->x,        &p->back, &p->q,    &p->choice,
                         &p->hit, &p->choice64, &p->x64,  &p->hit64};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(dev, all[i]);
    free(p->row);
    free(p);
}

static void codebook_close(void *ctx)
{
    struct codebook *c = ctx;
    struct device *dev = c->model->dev;

    for (int i = 0; i < c->count; i++)
        entry_free(&c->entry[i]);
    for (int i = 0; i < c->passes; i++)
        pass_free(c->pass[i], dev);
    mat_free(dev, &c->key);
    mat_free(dev, &c->radius);
    mat_free(dev, &c->value);
    mat_free(dev, &c->ones);
    free(c->entry);
    free(c->pass);
    free(c);
}

/* Once, at the first pass: a codebook that is only joined to the next never gets here. */
static void codebook_upload(struct codebook *c)
{
    struct device *dev = c->model->dev;
    int d = c->model->config->hidden, neurons = c->model->config->ffn;
    struct mat value;
    float *radius;

    if (c->key.data)
        return;
    value = mat_new(dev, DT_F32, c->count, d);
    radius = xmalloc((size_t)c->count * sizeof(float));
    c->key = mat_new(dev, DT_F32, c->count, neurons);
    c->radius = mat_new(dev, DT_F32, 1, c->count);
    c->value = mat_new(dev, DT_F64, c->count, d);
    c->ones = mat_new(dev, DT_F64, c->count, 1);
    for (int i = 0; i < c->count; i++) {
        device_upload(dev, mat_rows(c->key, i, 1), c->entry[i].key);
        device_upload(dev, mat_rows(value, i, 1), c->entry[i].value);
        radius[i] = (float)c->entry[i].radius;
    }
    device_upload(dev, c->radius, radius);
    device_copy(dev, value, c->value);
    device_fill(dev, c->ones, 1);
    mat_free(dev, &value);
    free(radius);
}

/* The memory of this batch: made once, kept until the hook goes, since a device may have recorded
 * the pass. NULL: no prompt ends in it. */
static struct pass *pass_of(struct codebook *c, const struct batch *batch)
{
    struct device *dev = c->model->dev;
    int d = c->model->config->hidden, rows = 0;
    struct pass *p = NULL;

    for (int s = 0; s < batch->seqs; s++)
        rows += batch->asked[s] >= 0;
    for (int i = 0; i < c->passes && !p; i++)
        if (c->pass[i]->batch == batch && c->pass[i]->rows == rows)
            p = c->pass[i];
    if (!rows)
        return NULL;
    if (!p) {
        codebook_upload(c);
        p = xcalloc(1, sizeof(*p));
        *p = (struct pass){.batch = batch, .rows = rows};
        p->row = xcalloc((size_t)rows, sizeof(int));
        p->h = mat_new(dev, DT_F32, rows, d);
        p->x = mat_new(dev, DT_F32, rows, d);
        p->back = mat_new(dev, DT_F32, rows, d);
        p->q = mat_new(dev, DT_F32, rows, c->model->config->ffn);
        p->choice = mat_new(dev, DT_F32, rows, c->count);
        p->hit = mat_new(dev, DT_F32, 1, rows);
        p->choice64 = mat_new(dev, DT_F64, rows, c->count);
        p->x64 = mat_new(dev, DT_F64, rows, d);
        p->hit64 = mat_new(dev, DT_F64, rows, 1);
        c->pass = xrealloc(c->pass, (size_t)(c->passes + 1) * sizeof(*c->pass));
        c->pass[c->passes++] = p;
    }
    for (int s = 0, i = 0; s < batch->seqs; s++)
        if (batch->asked[s] >= 0)
            p->row[i++] = batch->asked[s];
    return p;
}

/* Which key each row has, as ones and zeros. */
static void pass_choose(const struct codebook *c, struct pass *p, struct mat coeff)
{
    struct device *dev = c->model->dev;
    struct mat column = p->hit;

    mat_reshape(&column, p->rows, 1);
    device_gather(dev, coeff, p->row, p->q);
    device_nearest(dev, p->q, c->key, c->radius, p->choice);
    device_copy(dev, p->choice, p->choice64);
    device_gemm(dev, 1, p->choice64, false, c->ones, false, 0, p->hit64);
    device_copy(dev, p->hit64, column);
}

/* x + hit (h - x) + V, of the rows. The product is one of float64, so it picks a value exactly. */
static void pass_replace(const struct codebook *c, struct pass *p, struct mat x)
{
    struct device *dev = c->model->dev;

    device_gather(dev, x, p->row, p->x);
    device_axpy(dev, -1, p->x, p->h);
    device_scale_rows(dev, p->hit, p->h);
    device_gemm(dev, 1, p->choice64, false, c->value, false, 0, p->x64);
    device_copy(dev, p->x64, p->x);
    device_axpy(dev, 1, p->x, p->h);
    device_scatter_add(dev, p->h, p->row, x);
}

static void codebook_run(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                         struct mat x)
{
    struct codebook *c = ctx;
    struct pass *p = layer == c->layer && site != TAP_BLOCK_IN ? pass_of(c, batch) : NULL;

    if (!p)
        return;
    if (site == TAP_FFN_IN)
        device_gather(c->model->dev, x, p->row, p->h);
    else if (site == TAP_COEFF)
        pass_choose(c, p, x);
    else
        pass_replace(c, p, x);
}

/* What a row that was replaced gets back goes past the FFN, to the stream before it. */
static void codebook_grad(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                          struct mat dx)
{
    struct codebook *c = ctx;
    struct device *dev = c->model->dev;
    struct pass *p = layer == c->layer && (site == TAP_FFN_IN || site == TAP_BLOCK_OUT)
                         ? pass_of(c, batch)
                         : NULL;

    if (!p)
        return;
    if (site == TAP_BLOCK_OUT) {
        device_gather(dev, dx, p->row, p->back);
        device_scale_rows(dev, p->hit, p->back);
        device_fill(dev, p->x, 0);
        device_axpy(dev, -1, p->back, p->x);
        device_scatter_add(dev, p->x, p->row, dx);
    } else {
        device_scatter_add(dev, p->back, p->row, dx);
    }
}

/* How far each prompt is from its nearest key, and whether the pass took it. */
static bool codebook_routes(void *ctx, const struct batch *batch, int layer, struct hook_route *out,
                            struct err *err)
{
    struct codebook *c = ctx;
    struct device *dev = c->model->dev;
    struct pass *p = layer < 0 || layer == c->layer ? pass_of(c, batch) : NULL;
    int neurons = c->model->config->ffn;
    float *q, *hit;
    bool ok;

    if (!p)
        return true;
    q = xmalloc((size_t)p->rows * (size_t)neurons * sizeof(*q));
    hit = xmalloc((size_t)p->rows * sizeof(*hit));
    device_fetch(dev, q, p->q, "layer %d: what is compared with the keys", c->layer);
    device_fetch(dev, hit, p->hit, "layer %d: which prompts have a key", c->layer);
    ok = device_sync(dev, err);
    for (int s = 0, i = 0; ok && s < batch->seqs; s++) {
        double d = 0;
        int at;

        if (batch->asked[s] < 0)
            continue;
        at = nearest_entry(c, q + (size_t)i * (size_t)neurons, &d);
        out[s] = (struct hook_route){
            .routed = hit[i++] > 0,
            .below = true,
            .value = d,
            .limit = c->entry[at].radius,
            .entry = at,
        };
    }
    free(q);
    free(hit);
    return ok;
}

/* ---- stored entries ---- */

static bool read_label(const json_t *root, struct entry *e)
{
    const json_t *list = json_object_get(root, "label");

    e->labels = (int)json_array_size(list);
    e->label = xcalloc((size_t)e->labels + 1, sizeof(int));
    for (int i = 0; i < e->labels; i++)
        e->label[i] = (int)json_integer_value(json_array_get(list, (size_t)i));
    return e->labels > 0;
}

static bool read_entry(const struct model *m, const struct hook_data *data, struct entry *e,
                       int *layer, struct err *err)
{
    size_t keys = (size_t)m->config->ffn, values = (size_t)m->config->hidden;
    json_t *root = data->params ? json_loads(data->params, 0, NULL) : NULL;
    long long at = json_is_integer(json_object_get(root, "layer"))
                       ? json_integer_value(json_object_get(root, "layer"))
                       : -1;

    *e = (struct entry){.radius = json_number_value(json_object_get(root, "radius"))};
    *layer = (int)at;
    if (!read_label(root, e) || at < 0 || at >= m->config->layers || !(e->radius >= 0))
        err_set(err, ERR_FORMAT,
                "hook codebook: a layer of 0 to %d, a radius and a label are needed, not %.80s",
                m->config->layers - 1, data->params ? data->params : "nothing");
    else if (data->bytes != (keys + values) * sizeof(float) ||
             not_finite(data->blob, keys + values) >= 0)
        err_set(err, ERR_FORMAT,
                "hook codebook, layer %d: %zu bytes; a key and a value of finite numbers have %zu",
                *layer, data->bytes, (keys + values) * sizeof(float));
    else {
        e->key = memcpy(xmalloc(keys * sizeof(float)), data->blob, keys * sizeof(float));
        e->value = memcpy(xmalloc(values * sizeof(float)), (const float *)data->blob + keys,
                          values * sizeof(float));
    }
    json_decref(root);
    return e->key != NULL;
}

static void *codebook_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    struct codebook *c;
    struct entry e;
    int layer;

    if (!read_entry(m, data, &e, &layer, err)) {
        entry_free(&e);
        return NULL;
    }
    c = xcalloc(1, sizeof(*c));
    *c = (struct codebook){.model = m, .layer = layer};
    add_entry(c, e);
    return c;
}

static void *codebook_join(const void *before, const void *added)
{
    const struct codebook *part[2] = {before, added};
    struct codebook *c;

    if (part[0]->layer != part[1]->layer)
        return NULL;
    c = xcalloc(1, sizeof(*c));
    *c = (struct codebook){.model = part[0]->model, .layer = part[0]->layer};
    c->entry = xcalloc((size_t)part[0]->count, sizeof(*c->entry));
    for (; c->count < part[0]->count; c->count++) /* as they are: their radii are settled */
        c->entry[c->count] = entry_copy(&part[0]->entry[c->count], c->model);
    for (int i = 0; i < part[1]->count; i++)
        add_entry(c, entry_copy(&part[1]->entry[i], c->model));
    return c;
}

static int codebook_count(const void *ctx, int *layer)
{
    const struct codebook *c = ctx;

    *layer = c->layer;
    return c->count;
}

static const struct hook_kept codebook_keys = {"key", "keys", "distance", codebook_count};

const struct hook_ops hook_codebook = {.name = "codebook",
                                       .open = codebook_open,
                                       .run = codebook_run,
                                       .grad = codebook_grad,
                                       .close = codebook_close,
                                       .join = codebook_join,
                                       .routes = codebook_routes,
                                       .kept = &codebook_keys};

/* ---- for editors ---- */

bool codebook_nearest(const struct model_state *s, int layer, const float *key,
                      struct codebook_match *out)
{
    const struct codebook *c = NULL;
    int at;

    for (int i = 0; i < s->hooks; i++)
        if (s->hook[i]->ops == &hook_codebook &&
            ((const struct codebook *)s->hook[i]->ctx)->layer == layer)
            c = s->hook[i]->ctx;
    if (!c)
        return false;
    at = nearest_entry(c, key, &out->distance);
    out->radius = c->entry[at].radius;
    out->value = c->entry[at].value;
    out->label = c->entry[at].label;
    out->labels = c->entry[at].labels;
    return true;
}

struct hook_data codebook_entry(const struct model *m, int layer, double radius, const int *label,
                                int labels, const float *key, const float *value)
{
    size_t keys = (size_t)m->config->ffn, values = (size_t)m->config->hidden;
    struct hook_data out = {.name = xstrdup("codebook"), .bytes = (keys + values) * sizeof(float)};
    json_t *root = json_pack("{s:i, s:f, s:[]}", "layer", layer, "radius", radius, "label");
    float *blob = xmalloc(out.bytes);

    for (int i = 0; i < labels; i++)
        json_array_append_new(json_object_get(root, "label"), json_integer(label[i]));
    out.params = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    memcpy(blob, key, keys * sizeof(float));
    memcpy(blob + keys, value, values * sizeof(float));
    out.blob = blob;
    return out;
}
