/* The hook "add": adds a vector to every row at one site of one layer (activation steering).
 * params: {"layer": L, "site": "block_in" | "ffn_in" | "coefficients" | "block_out"}. The blob is
 * the vector as float32: [M] at the site "coefficients", else [d]. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/hook.h"

struct add {
    struct device *dev;
    int layer;
    enum tap_site site;
    struct mat vector; /* [1, d or M] */
};

static bool find_site(const char *name, enum tap_site *site)
{
    static const char *const names[] = {"block_in", "ffn_in", "coefficients", "block_out"};

    for (int i = 0; name && i < 4; i++)
        if (!strcmp(names[i], name)) {
            *site = (enum tap_site)i;
            return true;
        }
    return false;
}

static bool read_params(const struct model *m, const struct hook_data *data, struct add *a,
                        struct err *err)
{
    json_t *root = data->params ? json_loads(data->params, 0, NULL) : NULL;
    const json_t *layer = json_object_get(root, "layer");
    bool ok = json_is_integer(layer) && json_integer_value(layer) >= 0 &&
              json_integer_value(layer) < m->config->layers &&
              find_site(json_string_value(json_object_get(root, "site")), &a->site);

    a->layer = ok ? (int)json_integer_value(layer) : 0;
    json_decref(root);
    return ok || err_set(err, ERR_FORMAT,
                         "hook add: a layer of 0 to %d and a site (block_in, ffn_in, coefficients, "
                         "block_out) are needed, not %.80s",
                         m->config->layers - 1, data->params ? data->params : "nothing");
}

static void *add_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    struct add a = {.dev = m->dev}, *out;
    float *values;
    long at;
    int n;

    if (!read_params(m, data, &a, err))
        return NULL;
    n = a.site == TAP_COEFF ? m->config->ffn : m->config->hidden;
    if (data->bytes != (size_t)n * sizeof(float)) {
        err_set(err, ERR_FORMAT, "hook add, layer %d: its vector has %zu bytes, not %zu", a.layer,
                data->bytes, (size_t)n * sizeof(float));
        return NULL;
    }
    values = memcpy(xmalloc(data->bytes), data->blob, data->bytes);
    at = not_finite(values, (size_t)n);
    if (at >= 0) {
        err_set(err, ERR_FORMAT, "hook add, layer %d: component %ld is %s, not a finite number",
                a.layer, at, not_finite_name((double)values[at]));
    } else {
        a.vector = mat_new(m->dev, DT_F32, 1, n);
        device_upload(m->dev, a.vector, values);
    }
    free(values);
    if (at >= 0)
        return NULL;
    out = xmalloc(sizeof(*out));
    *out = a;
    return out;
}

static void add_run(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                    struct mat x)
{
    const struct add *a = ctx;

    (void)batch; /* all rows get the vector */
    if (layer == a->layer && site == a->site)
        device_axpy(a->dev, 1, a->vector, x);
}

static void add_close(void *ctx)
{
    struct add *a = ctx;

    mat_free(a->dev, &a->vector);
    free(a);
}

const struct hook_ops hook_add = {
    .name = "add", .open = add_open, .run = add_run, .close = add_close};
