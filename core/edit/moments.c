#include "core/edit/moments.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/sha256.h"

enum { KEY_VERSION = 1 };

struct moments *moments_new(struct device *dev, const struct moments_origin *origin, int layers,
                            const int *layer, int neurons, struct err *err)
{
    struct moments *m = xcalloc(1, sizeof *m);
    double room = 8.0 * neurons * neurons * layers;

    *m = (struct moments){.dev = dev, .origin = *origin, .layers = layers, .neurons = neurons};
    m->layer = xcalloc((size_t)layers, sizeof *m->layer);
    memcpy(m->layer, layer, (size_t)layers * sizeof *layer);
    m->sum = xcalloc((size_t)layers, sizeof *m->sum);
    for (int i = 0; i < layers; i++)
        m->sum[i] = mat_new(dev, DT_F64, neurons, neurons);
    if (device_sync(dev, err))
        return m;
    err_in(err, "second moments of %d layers (%.1f MB; name fewer with edit.layers)", layers,
           room / 1e6);
    moments_free(m);
    return NULL;
}

struct moments *moments_count(const struct moments *of)
{
    struct moments *m = xcalloc(1, sizeof *m);

    *m = (struct moments){
        .dev = of->dev, .origin = of->origin, .layers = of->layers, .neurons = of->neurons};
    m->layer = xcalloc((size_t)of->layers, sizeof *m->layer);
    memcpy(m->layer, of->layer, (size_t)of->layers * sizeof *m->layer);
    return m;
}

void moments_free(struct moments *m)
{
    if (!m)
        return;
    for (int i = 0; m->sum && i < m->layers; i++)
        mat_free(m->dev, &m->sum[i]);
    free(m->sum);
    free(m->layer);
    free(m);
}

void moments_add(struct moments *m, int index, struct mat coeff)
{
    device_gram(m->dev, coeff, m->sum[index]);
}

void moments_tokens_add(struct moments *m, int n)
{
    m->tokens += n;
}

long moments_checkpoint(int neurons, int i)
{
    static const int step[] = {20, 50, 100};
    long count = (long)neurons * step[i % 3];

    for (; i >= 3; i -= 3)
        count *= 10;
    return count;
}

long moments_whole(const struct moments *m, long tokens)
{
    int window = m->origin.window;

    return window > 0 ? (tokens + window - 1) / window * window : tokens;
}

long moments_next(const struct moments *m, long goal)
{
    long end = moments_whole(m, goal);

    if (m->tokens >= end || m->neurons <= 0)
        return 0;
    for (int i = 0;; i++) {
        long at = moments_checkpoint(m->neurons, i);

        if (at >= goal)
            return end;
        at = moments_whole(m, at);
        if (at > m->tokens)
            return at;
    }
}

void moments_key(const struct moments *m, int index, char hex[65])
{
    struct buf text = {0};

    buf_printf(&text, "moments %d\nmodel %s\ntext %s\nwindow %d\nlayer %d\nneurons %d\n",
               KEY_VERSION, m->origin.model, m->origin.text, m->origin.window, m->layer[index],
               m->neurons);
    sha256_of(text.data, text.len, hex);
    buf_free(&text);
}
