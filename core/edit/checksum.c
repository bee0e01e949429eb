#include "core/edit/checksum.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sha256.h"

float *weights_fetch(const struct weights_view *view, int layer, struct err *err)
{
    struct device *dev = view->model->dev;
    struct mat w = view_down(view, layer), copy = {0};
    float *host = malloc((size_t)w.rows * (size_t)w.cols * sizeof(float));

    if (!host) {
        err_set(err, ERR_LIMIT, "no memory for a copy of layer %d", layer);
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

bool weights_checksum(struct weights_view *view, char hex[65], struct err *err)
{
    int layers = view->model->config->layers;
    struct sha256 *all;
    unsigned char digest[32];

    for (int l = 0; l < layers; l++) {
        struct mat w = view_down(view, l);
        struct sha256 *one;
        float *host;

        if (view->hashed[l])
            continue;
        host = weights_fetch(view, l, err);
        if (!host)
            return false;
        one = sha256_new();
        sha256_add(one, host, (size_t)w.rows * (size_t)w.cols * sizeof(float));
        sha256_end(one, view->hash[l]);
        view->hashed[l] = true;
        free(host);
    }
    all = sha256_new();
    sha256_add(all, view->hash, (size_t)layers * sizeof(*view->hash));
    sha256_end(all, digest);
    sha256_hex(digest, hex);
    return true;
}

bool weights_unmasked_equal(const struct weights_view *before, const struct weights_view *after,
                            int layer, const float *weight, bool *equal, bool *changed,
                            struct err *err)
{
    struct mat w = view_down(before, layer);
    float *a = weights_fetch(before, layer, err), *b = a ? weights_fetch(after, layer, err) : NULL;

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
