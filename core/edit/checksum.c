/* Copies edited matrices from the device and hashes them. The hash of a matrix is stored with it,
 * so that only matrices that changed are hashed again. */
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
        err_set(err, ERR_LIMIT, "not enough memory for a copy of layer %d's %s", layer,
                matrix_name(which));
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

/* The hash of a matrix, computed once and stored with it. */
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

/* The line before so many bytes. */
static void add_size(struct digest *all, const char *what, size_t n)
{
    char line[64];

    snprintf(line, sizeof(line), "%s %zu\n", what, n);
    digest_add(all, line, strlen(line));
}

static void add_text(struct digest *all, const char *what, const char *text)
{
    add_size(all, what, strlen(text));
    digest_add(all, text, strlen(text));
}

/* Parameters of joined hooks have a line each; their blobs follow one another. */
static void add_hook(struct digest *all, const struct hook *h)
{
    int parts;
    const struct hook_data **part = hook_parts(h, &parts);
    size_t params = (size_t)parts - 1, bytes = 0;

    for (int i = 0; i < parts; i++) {
        params += strlen(part[i]->params);
        bytes += part[i]->bytes;
    }
    add_text(all, "hook", h->ops->name);
    add_size(all, "params", params);
    for (int i = 0; i < parts; i++) {
        digest_add(all, "\n", i > 0);
        digest_add(all, part[i]->params, strlen(part[i]->params));
    }
    add_size(all, "blob", bytes);
    for (int i = 0; i < parts; i++)
        digest_add(all, part[i]->blob, part[i]->bytes);
    free(part);
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
        add_hook(all, view->hook[i]);
    for (int i = 0; i < view->prefixes; i++)
        add_text(all, "prefix", view->prefix[i].text);
    digest_end_hex(all, hex);
    return ok;
}

/* written [cols]: columns that a delta of the matrix may write. */
static void add_written(const struct delta *d, bool *written)
{
    for (int t = 0; d->kind == DELTA_COLUMNS && t < d->rank; t++)
        written[d->column[t]] = true;
    for (int j = 0; d->kind != DELTA_COLUMNS && j < d->cols; j++)
        written[j] = written[j] || !d->weight || d->weight[j] != 0.0F;
}

static bool others_equal(const struct model_state *before, const struct model_state *after,
                         int layer, enum matrix which, const bool *written, bool *equal,
                         struct err *err)
{
    struct mat w = state_matrix(before, layer, which);
    float *a = weights_fetch(before, layer, which, err);
    float *b = a ? weights_fetch(after, layer, which, err) : NULL;

    for (long i = 0; b && i < (long)w.rows * w.cols; i++)
        *equal = *equal && (written[i % w.cols] || !memcmp(&a[i], &b[i], sizeof(float)));
    free(a);
    free(b);
    return b != NULL;
}

bool deltas_wrote_alone(const struct model_state *before, const struct model_state *after,
                        const struct delta *delta, int deltas, bool *alone, struct err *err)
{
    bool ok = true;

    *alone = true;
    for (int i = 0; ok && i < before->model->config->layers * MATRICES; i++) {
        int layer = i / MATRICES;
        enum matrix which = (enum matrix)(i % MATRICES);
        bool *written;

        if (state_shared(before, layer, which) == state_shared(after, layer, which))
            continue; /* the same memory */
        written = xcalloc((size_t)state_matrix(before, layer, which).cols, sizeof(*written));
        for (int t = 0; t < deltas; t++)
            if (delta[t].layer == layer && delta[t].matrix == which)
                add_written(&delta[t], written);
        ok = others_equal(before, after, layer, which, written, alone, err);
        free(written);
    }
    return ok;
}
