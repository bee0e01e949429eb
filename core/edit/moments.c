/* Sums of outer products, on the device or on the host; the token counts at which results exist;
 * the names of their cache files. */
#include "core/edit/moments.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/base/show.h"

enum { KEY_VERSION = 2, PIECE = 256 /* rows converted to float64 at a time */ };
#define WAITING ((size_t)256 << 20) /* bytes of rows of a layer that wait for a sum on the host */

/* Checked as a whole: the pages of fresh matrices are taken when they are written. */
static bool sums_fit(struct device *dev, double bytes, struct err *err)
{
    size_t left = dev->moments_on_host ? 0 : device_free_memory(dev);
    char size[16], there[16];

    return !left || bytes <= (double)left ||
           err_set(err, ERR_LIMIT, "they take %s of memory, %s are free", show_bytes(bytes, size),
                   show_bytes((double)left, there));
}

/* Without matrices; `sums`: there will be one a layer. */
static struct moments *moments_begin(struct device *dev, const struct moments_origin *origin,
                                     int layers, const int *layer, int neurons, bool sums)
{
    struct moments *m = xcalloc(1, sizeof *m);

    *m = (struct moments){.dev = dev, .origin = *origin, .layers = layers, .neurons = neurons};
    m->layer = xcalloc((size_t)layers, sizeof *m->layer);
    memcpy(m->layer, layer, (size_t)layers * sizeof *layer);
    if (!sums)
        return m;
    m->sum = xcalloc((size_t)layers, sizeof *m->sum);
    m->waiting = xcalloc((size_t)layers, sizeof *m->waiting);
    m->pending = xcalloc((size_t)layers, sizeof *m->pending);
    m->hash = xcalloc((size_t)layers, sizeof *m->hash);
    return m;
}

/* Whether the multiples of `stride` modulo `windows` meet every window, and lie evenly at any time:
 * no quotient of Euclid's algorithm is large. */
static bool stride_spreads(long windows, long stride)
{
    enum { MOST = 5 }; /* some stride has it for every count (Zaremba) */

    while (stride) {
        long rest = windows % stride;

        if (windows / stride > MOST)
            return false;
        windows = stride;
        stride = rest;
    }
    return windows == 1;
}

long moments_window(long count, int window, long i)
{
    long windows = count / window, end = (MOMENTS_TEXT_END + window - 1) / window, stride;

    if (windows > end)
        windows -= end;
    if (i >= windows)
        return i * window;
    stride = (long)((double)windows * 0.6180339887498949);
    while (!stride_spreads(windows, stride))
        stride++;
    return i * stride % windows * window;
}

struct moments *moments_new(struct device *dev, const struct moments_origin *origin, int layers,
                            const int *layer, int neurons, struct err *err)
{
    struct moments *m = moments_begin(dev, origin, layers, layer, neurons, true);
    double room = 8.0 * neurons * neurons * layers;
    char size[16];
    bool ok = sums_fit(dev, room, err);

    for (int i = 0; ok && i < layers; i++)
        ok = offload_new(&m->sum[i], dev, neurons, neurons, dev->moments_on_host, err);
    if (device_sync(dev, err) && ok)
        return m;
    err_in(err, "second moments of %d layers (%s; name fewer layers)", layers,
           show_bytes(room, size));
    moments_free(m);
    return NULL;
}

struct moments *moments_count(const struct moments *of)
{
    return moments_begin(of->dev, &of->origin, of->layers, of->layer, of->neurons, false);
}

struct moments *moments_sharing(const struct moments *of)
{
    struct moments *m =
        moments_begin(of->dev, &of->origin, of->layers, of->layer, of->neurons, true);

    for (int i = 0; i < m->layers; i++)
        offload_share(&of->sum[i], &m->sum[i]);
    m->tokens = of->tokens;
    return m;
}

void moments_free(struct moments *m)
{
    if (!m)
        return;
    for (int i = 0; m->sum && i < m->layers; i++)
        offload_free(&m->sum[i]);
    for (int i = 0; m->waiting && i < m->layers; i++)
        free(m->waiting[i]);
    free(m->waiting);
    free(m->pending);
    free(m->hash);
    free(m->sum);
    free(m->layer);
    free(m);
}

bool moments_room(const struct moments *m, struct err *err)
{
    double bytes = 0;

    for (int i = 0; i < m->layers; i++)
        if (!offload_owns(&m->sum[i]))
            bytes += 8.0 * m->neurons * m->neurons;
    return bytes <= 0 || sums_fit(m->dev, bytes, err) ||
           err_in(err, "copies of the second moments of %d layers that are in use", m->layers);
}

static int waiting_capacity(const struct moments *m)
{
    size_t rows = WAITING / ((size_t)m->neurons * sizeof(float));

    return rows < PIECE ? PIECE : rows > 8192 ? 8192 : (int)rows;
}

/* The sum of one layer, on the host, += rows^T rows. Its bands pass the device; the rows stay
 * there. */
static void flush_layer(struct moments *m, int index)
{
    struct offload_mat *sum = &m->sum[index];
    int n = m->neurons, rows = m->pending[index], step = offload_band(sum);
    struct mat x = mat_new(m->dev, DT_F32, rows, n), wide = mat_new(m->dev, DT_F64, PIECE, n);
    struct mat room = {0};

    if (x.data)
        device_upload(m->dev, x, m->waiting[index]);
    for (int at = 0; x.data && wide.data && at < n; at += step) {
        int count = n - at < step ? n - at : step;
        struct mat band = offload_map_rows(sum, at, count, &room);

        for (int r = 0; band.data && r < rows; r += PIECE) {
            int some = rows - r < PIECE ? rows - r : PIECE;
            struct mat piece = mat_rows(wide, 0, some);

            device_copy(m->dev, mat_rows(x, r, some), piece);
            device_gemm(m->dev, 1, mat_cols(piece, at, count), true, piece, false, 1, band);
        }
        offload_unmap_rows(sum, at, band);
    }
    m->pending[index] = 0;
    mat_free(m->dev, &room);
    mat_free(m->dev, &wide);
    mat_free(m->dev, &x);
}

void moments_flush(struct moments *m)
{
    for (int i = 0; m->pending && i < m->layers; i++)
        if (m->pending[i])
            flush_layer(m, i);
}

void moments_add(struct moments *m, int index, struct mat coeff)
{
    size_t width = (size_t)m->neurons;
    int most = waiting_capacity(m);
    struct err why = {0};

    m->hash[index][0] = '\0';
    if (!offload_own(&m->sum[index], NULL, &why)) {
        if (!m->dev->fault.kind)
            m->dev->fault = why;
        return;
    }
    if (m->sum[index].on_device.data) {
        device_gram(m->dev, coeff, m->sum[index].on_device);
        return;
    }
    if (!m->waiting[index])
        m->waiting[index] = xmalloc((size_t)most * width * sizeof(float));
    for (int r = 0, some; r < coeff.rows; r += some) {
        some =
            coeff.rows - r < most - m->pending[index] ? coeff.rows - r : most - m->pending[index];
        device_download(m->dev, m->waiting[index] + (size_t)m->pending[index] * width,
                        mat_rows(coeff, r, some));
        m->pending[index] += some;
        if (m->pending[index] == most)
            flush_layer(m, index);
    }
}

void moments_tokens_add(struct moments *m, int n)
{
    m->tokens += n;
}

long moments_checkpoint(int neurons, int i)
{
    static const int step[] = {5, 10, 20};
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
    static const char *const of[] = {"", "of what enters, but the last\n", "of loss gradients\n"};
    struct buf text = {0};

    buf_printf(&text, "moments %d\nmodel %s\ntext %s\nwindow %d\nlayer %d\nneurons %d\n",
               KEY_VERSION, m->origin.model, m->origin.text, m->origin.window, m->layer[index],
               m->neurons);
    buf_puts(&text, of[m->origin.kind]);
    sha256_of(text.data, text.len, hex);
    buf_free(&text);
}
