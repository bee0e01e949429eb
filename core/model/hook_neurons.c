/* The hook "neurons": multiplies the coefficients of chosen neurons by a factor ("scale", 0 mutes
 * one), or replaces them by a value ("set"). Runs at TAP_COEFF, on the columns of those neurons.
 * params: {"change": [[LAYER, NEURON, "scale" | "set", NUMBER], ...]}; there is no blob. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "core/base/mem.h"
#include "core/model/hook.h"

struct change {
    int layer, neuron;
    bool scale;
    double value;
};

struct neurons {
    struct device *dev;
    int count;
    struct change *change; /* [count] */
    struct mat factor;     /* [1, count] d(new) / d(old) of each change: its factor, 0 for "set" */
};

static bool read_change(const struct model *m, json_t *from, struct change *c, struct err *err)
{
    const struct model_config *cfg = m->config;
    const char *how = json_string_value(json_array_get(from, 2));
    long long layer = json_integer_value(json_array_get(from, 0));
    long long neuron = json_integer_value(json_array_get(from, 1));

    if (!how || (strcmp(how, "scale") != 0 && strcmp(how, "set") != 0) ||
        !json_is_number(json_array_get(from, 3)))
        return err_set(err, ERR_FORMAT,
                       "hook neurons: a change is [layer, neuron, \"scale\" or \"set\", number]");
    *c = (struct change){.scale = !strcmp(how, "scale"),
                         .value = json_number_value(json_array_get(from, 3))};
    if (layer < 0 || layer >= cfg->layers || neuron < 0 || neuron >= cfg->ffn)
        return err_set(err, ERR_USAGE, "no neuron L%lldN%lld: layers 0 to %d, neurons 0 to %d",
                       layer, neuron, cfg->layers - 1, cfg->ffn - 1);
    c->layer = (int)layer;
    c->neuron = (int)neuron;
    return isfinite((float)c->value) ||
           err_set(err, ERR_USAGE, "L%dN%d: a coefficient has to be a finite number", c->layer,
                   c->neuron);
}

static void neurons_close(void *ctx)
{
    struct neurons *n = ctx;

    mat_free(n->dev, &n->factor);
    free(n->change);
    free(n);
}

static void *neurons_open(const struct model *m, const struct hook_data *data, struct err *err)
{
    json_t *root = data->params ? json_loads(data->params, 0, NULL) : NULL;
    json_t *list = json_object_get(root, "change");
    struct neurons *n = xcalloc(1, sizeof(*n));
    float *factor = xcalloc(json_array_size(list) + 1, sizeof(float));
    bool ok = json_array_size(list) > 0 ||
              err_set(err, ERR_FORMAT, "hook neurons: the list of changes is empty");

    n->dev = m->dev;
    n->change = xcalloc(json_array_size(list) + 1, sizeof(*n->change));
    for (size_t i = 0; ok && i < json_array_size(list); i++, n->count++) {
        ok = read_change(m, json_array_get(list, i), &n->change[i], err);
        factor[i] = n->change[i].scale ? (float)n->change[i].value : 0;
    }
    if (ok) {
        n->factor = mat_new(m->dev, DT_F32, 1, n->count);
        device_upload(m->dev, n->factor, factor);
    }
    free(factor);
    json_decref(root);
    if (ok)
        return n;
    neurons_close(n);
    return NULL;
}

static void neurons_run(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                        struct mat x)
{
    const struct neurons *n = ctx;

    (void)batch;
    for (int i = 0; site == TAP_COEFF && i < n->count; i++) {
        struct mat coefficient = mat_cols(x, n->change[i].neuron, 1);

        if (n->change[i].layer != layer)
            continue;
        if (n->change[i].scale)
            device_scale_cols(n->dev, coefficient, mat_cols(n->factor, i, 1), coefficient);
        else
            device_fill(n->dev, coefficient, n->change[i].value);
    }
}

/* Last change first, since a neuron may be listed twice. The gradient of a neuron that was set is
 * 0: its new value does not depend on the old one. */
static void neurons_grad(void *ctx, const struct batch *batch, int layer, enum tap_site site,
                         struct mat dx)
{
    const struct neurons *n = ctx;

    (void)batch;
    for (int i = n->count - 1; site == TAP_COEFF && i >= 0; i--) {
        struct mat coefficient = mat_cols(dx, n->change[i].neuron, 1);

        if (n->change[i].layer == layer)
            device_scale_cols(n->dev, coefficient, mat_cols(n->factor, i, 1), coefficient);
    }
}

const struct hook_ops hook_neurons = {.name = "neurons",
                                      .open = neurons_open,
                                      .run = neurons_run,
                                      .grad = neurons_grad,
                                      .close = neurons_close};
