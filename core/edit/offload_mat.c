/* Reads, writes and adds to a matrix wherever it lies; one on the host passes the device in bands.
 */
#include "core/edit/offload_mat.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/mat_f64.h"

#define BAND \
    ((size_t)128 << 20) /* bytes of a matrix on the host that are on the device at a time */

static size_t count_of(const struct offload_mat *s, int rows)
{
    return (size_t)rows * (size_t)s->cols;
}

bool offload_new(struct offload_mat *s, struct device *dev, int rows, int cols, bool on_host,
                 struct err *err)
{
    char size[16];

    *s = (struct offload_mat){.dev = dev, .rows = rows, .cols = cols};
    if (!on_host) {
        s->on_device = mat_new(dev, DT_F64, rows, cols);
        return s->on_device.data || device_sync(dev, err);
    }
    s->host = calloc(count_of(s, rows) + 1, sizeof(double));
    return s->host ||
           err_set(err, ERR_LIMIT, "not enough memory on the host for a matrix of %d by %d (%s)",
                   rows, cols, show_bytes(8.0 * rows * cols, size));
}

void offload_free(struct offload_mat *s)
{
    bool last = !s->sharers || !--*s->sharers;

    if (last && s->on_device.data)
        mat_free(s->dev, &s->on_device);
    if (last) {
        free(s->host);
        free(s->sharers);
    }
    *s = (struct offload_mat){0};
}

void offload_share(struct offload_mat *s, struct offload_mat *with)
{
    if (!s->sharers) {
        s->sharers = xmalloc(sizeof(*s->sharers));
        *s->sharers = 1;
    }
    ++*s->sharers;
    *with = *s;
}

bool offload_shared(const struct offload_mat *s)
{
    return s->sharers && *s->sharers > 1;
}

bool offload_own(struct offload_mat *s, struct err *err)
{
    struct offload_mat own;

    if (!offload_shared(s))
        return true;
    if (!offload_new(&own, s->dev, s->rows, s->cols, s->host, err))
        return false;
    if (s->host)
        memcpy(own.host, s->host, count_of(s, s->rows) * sizeof(double));
    else
        device_copy(s->dev, s->on_device, own.on_device);
    offload_free(s);
    *s = own;
    return true;
}

int offload_band(const struct offload_mat *s)
{
    size_t row = (size_t)(s->cols ? s->cols : 1) * sizeof(double);
    size_t fit = (s->dev->host_band ? s->dev->host_band : BAND) / row;

    if (!s->host || fit >= (size_t)s->rows)
        return s->rows;
    return fit ? (int)fit : 1;
}

struct mat offload_map_rows(const struct offload_mat *s, int first, int count, struct mat *room)
{
    struct mat band;

    if (!s->host)
        return mat_rows(s->on_device, first, count);
    if (!room->data)
        *room = mat_new(s->dev, DT_F64, offload_band(s), s->cols);
    band = mat_rows(*room, 0, count);
    if (room->data)
        device_upload(s->dev, band, s->host + count_of(s, first));
    return band;
}

void offload_unmap_rows(struct offload_mat *s, int first, struct mat band)
{
    invariant(!offload_shared(s));
    if (s->host && band.data)
        device_download(s->dev, s->host + count_of(s, first), band);
}

void offload_fill(struct offload_mat *s, double value)
{
    invariant(!offload_shared(s));
    if (!s->host)
        device_fill(s->dev, s->on_device, value);
    for (size_t i = 0; s->host && i < count_of(s, s->rows); i++)
        s->host[i] = value;
}

double *offload_download(const struct offload_mat *s, int first, int count, struct err *err)
{
    size_t n = count_of(s, count);
    double *rows;

    if (!s->host)
        return mat_download(s->dev, mat_rows(s->on_device, first, count), NULL, err);
    rows = malloc(n ? n * sizeof(double) : 1);
    if (rows)
        memcpy(rows, s->host + count_of(s, first), n * sizeof(double));
    else
        err_set(err, ERR_LIMIT, "not enough memory for a matrix of %d by %d on the host", count,
                s->cols);
    return rows;
}

void offload_upload(struct offload_mat *s, int first, int count, const double *rows)
{
    invariant(!offload_shared(s));
    if (s->host)
        memcpy(s->host + count_of(s, first), rows, count_of(s, count) * sizeof(double));
    else
        device_upload(s->dev, mat_rows(s->on_device, first, count), rows);
}
