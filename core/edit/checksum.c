#include "core/edit/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"

float *weights_fetch(const struct model_state *view, int layer, enum matrix which, struct err *err)
{
    struct device *dev = view->model->dev;
    struct mat w = state_matrix(view, layer, which), copy = {0};
    float *host = malloc((size_t)w.rows * (size_t)w.cols * sizeof(float));

    if (!host) {
        err_set(err, ERR_LIMIT, "no memory for a copy of layer %d's %s", layer, matrix_name(which));
        return NULL;
    }
    if (w.type != DT_F32) {
        copy = mat_new(dev, DT_F32, w.rows, w.cols);
        device_copy(dev, w, copy);
        w = copy;
    }
    device_download(dev, host, w);
    mat_free(dev, &copy);
    if (device_sync(dev, err))
        return host;
    free(host);
    return NULL;
}

/* The hash of a matrix is known from here on. */
static bool matrix_hash(const struct model_state *view, int layer, enum matrix which,
                        struct err *err)
{
    struct shared_mat *x = state_shared(view, layer, which);
    struct digest *sha;
    float *host;

    if (x->hashed)
        return true;
    host = weights_fetch(view, layer, which, err);
    if (!host)
        return false;
    sha = sha256_new();
    digest_add(sha, host, (size_t)x->w.rows * (size_t)x->w.cols * sizeof(float));
    digest_end(sha, x->hash);
    x->hashed = true;
    free(host);
    return true;
}

static bool add_matrix(struct digest *all, const struct model_state *view, int layer,
                       enum matrix which, struct err *err)
{
    char line[64];

    if (!matrix_hash(view, layer, which, err))
        return false;
    snprintf(line, sizeof(line), "matrix %d %s\n", layer, matrix_name(which));
    digest_add(all, line, strlen(line));
    digest_add(all, state_shared(view, layer, which)->hash, 32);
    return true;
}

static void add_bytes(struct digest *all, const char *what, const void *bytes, size_t n)
{
    char line[64];

    snprintf(line, sizeof(line), "%s %zu\n", what, n);
    digest_add(all, line, strlen(line));
    digest_add(all, bytes, n);
}

static void add_hook(struct digest *all, const struct hook_data *h)
{
    add_bytes(all, "hook", h->name, strlen(h->name));
    add_bytes(all, "params", h->params, strlen(h->params));
    add_bytes(all, "blob", h->blob, h->blob ? h->bytes : 0);
}

bool weights_checksum(const struct model_state *view, char hex[65], struct err *err)
{
    int layers = view->model->config->layers;
    struct digest *all;
    bool ok = true;

    all = sha256_new();
    for (int l = 0; ok && l < layers; l++) {
        ok = matrix_hash(view, l, MATRIX_DOWN, err);
        digest_add(all, state_shared(view, l, MATRIX_DOWN)->hash, 32);
    }
    for (int l = 0; ok && l < layers; l++)
        for (int i = 0; ok && i < MATRICES; i++)
            if (i != MATRIX_DOWN && state_replaced(view, l, (enum matrix)i))
                ok = add_matrix(all, view, l, (enum matrix)i, err);
    for (int i = 0; i < view->hooks; i++)
        add_hook(all, &view->hook[i]->data);
    for (int i = 0; i < view->prefixes; i++)
        add_bytes(all, "prefix", view->prefix[i].text, strlen(view->prefix[i].text));
    digest_end_hex(all, hex);
    return ok;
}

bool weights_unmasked_equal(const struct model_state *before, const struct model_state *after,
                            int layer, const float *weight, bool *equal, bool *changed,
                            struct err *err)
{
    struct mat w = state_matrix(before, layer, MATRIX_DOWN);
    float *a = weights_fetch(before, layer, MATRIX_DOWN, err);
    float *b = a ? weights_fetch(after, layer, MATRIX_DOWN, err) : NULL;

    *equal = true;
    *changed = false;
    for (long i = 0; b && i < (long)w.rows * w.cols; i++) {
        bool same = !memcmp(&a[i], &b[i], sizeof(float));

        if (weight && weight[i % w.cols] == 0.0F)
            *equal = *equal && same;
        else
            *changed = *changed || !same;
    }
    free(a);
    free(b);
    return b != NULL;
}
