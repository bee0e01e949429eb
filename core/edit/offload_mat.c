/* Reads, writes and adds to a matrix wherever it lies; one on the host passes the device in bands.
 */
#include "core/edit/offload_mat.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/invariant.h"
#include "core/base/job.h"
#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/edit/mat_f64.h"
#include "core/model/safetensors.h"

/* bytes of a matrix on the host, or in a file, that are on the device at a time */
#define BAND      ((size_t)128 << 20)
#define FILE_BAND ((size_t)16 << 20) /* near what a cache of the processor holds */

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

void offload_of_file(struct offload_mat *s, struct device *dev, int n, struct safetensors *file,
                     const char *triangle)
{
    *s = (struct offload_mat){.dev = dev, .rows = n, .cols = n, .file = file, .triangle = triangle};
}

void offload_free(struct offload_mat *s)
{
    bool last = !s->sharers || !--*s->sharers;

    if (last && s->on_device.data)
        mat_free(s->dev, &s->on_device);
    if (last) {
        free(s->host);
        safetensors_close(s->file);
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

bool offload_owns(const struct offload_mat *s)
{
    return !s->file && (!s->sharers || *s->sharers == 1);
}

/* Row r of the triangle; column c >= r of the matrix is element c. Behind rows of n, n - 1, ...
 * numbers it begins with column r. */
static const char *triangle_row(const struct offload_mat *s, size_t r)
{
    return s->triangle + (r * (size_t)s->cols - r * (r + 1) / 2) * sizeof(double);
}

/* out [rows][cols - from]: rows r0 on, from column `from` on, which is r0 at most. Left of the
 * diagonal stands the mirror image of the triangle: of each of its rows a piece, in parts of a few
 * rows that a cache holds. */
static void unpack_rows(const struct offload_mat *s, size_t r0, size_t rows, size_t from,
                        double *out)
{
    enum { PART = 64 };
    size_t n = (size_t)s->cols, width = n - from;
    double piece[PART];

    for (size_t p0 = 0; p0 < rows; p0 += PART) {
        size_t part = rows - p0 < PART ? rows - p0 : PART, first = r0 + p0;
        double *to = out + p0 * width;

        for (size_t c = from; c < first + part; c++) {
            size_t skip = c < first ? 0 : c - first, at = c - from;

            memcpy(piece + skip, triangle_row(s, c) + (first + skip) * sizeof(*out),
                   (part - skip) * sizeof(*out));
            for (size_t r = skip; r < part; r++)
                to[r * width + at] = piece[r];
            if (c >= first)
                memcpy(to + skip * width + at, triangle_row(s, c) + c * sizeof(*out),
                       (n - c) * sizeof(*out));
        }
    }
}

/* The rows of `from`, wherever they are, become those of `to`. */
static bool copy_rows(const struct offload_mat *from, struct offload_mat *to, struct job *job,
                      struct err *err)
{
    enum { ROWS_AT_ONCE = 64 };
    double *band;

    if (from->on_device.data) {
        device_copy(from->dev, from->on_device, to->on_device);
        return true;
    }
    if (!from->file) {
        memcpy(to->host, from->host, count_of(from, from->rows) * sizeof(double));
        return true;
    }
    band = xmalloc(count_of(from, ROWS_AT_ONCE) * sizeof(*band));
    for (int r = 0; r < from->rows; r += ROWS_AT_ONCE) {
        int rows = from->rows - r < ROWS_AT_ONCE ? from->rows - r : ROWS_AT_ONCE;

        unpack_rows(from, (size_t)r, (size_t)rows, 0, band);
        offload_upload(to, r, rows, band);
        if (!device_sync(from->dev, err) || job_cancelled(job, err)) {
            free(band);
            return false;
        }
    }
    free(band);
    return true;
}

bool offload_own(struct offload_mat *s, struct job *job, struct err *err)
{
    bool on_host = s->host || (s->file && s->dev->moments_on_host);
    struct offload_mat own;

    if (offload_owns(s))
        return true;
    if (!offload_new(&own, s->dev, s->rows, s->cols, on_host, err))
        return false;
    if (!copy_rows(s, &own, job, err)) {
        offload_free(&own);
        return false;
    }
    offload_free(s);
    *s = own;
    return true;
}

int offload_band(const struct offload_mat *s)
{
    size_t row = (size_t)(s->cols ? s->cols : 1) * sizeof(double);
    size_t fit = (s->dev->host_band ? s->dev->host_band : s->file ? FILE_BAND : BAND) / row;

    if (s->on_device.data || fit >= (size_t)s->rows)
        return s->rows;
    return fit ? (int)fit : 1;
}

/* Uploads rows `first` on of a file, from column `from` on. */
static void upload_from_file(const struct offload_mat *s, int first, int from, struct mat to)
{
    double *rows = xmalloc((size_t)to.rows * (size_t)to.cols * sizeof(*rows));

    unpack_rows(s, (size_t)first, (size_t)to.rows, (size_t)from, rows);
    device_upload(s->dev, to, rows);
    free(rows);
}

/* Rows first .. first+count from column `from` on, which is `first` at most. */
static struct mat map_from(const struct offload_mat *s, int first, int count, int from,
                           struct mat *room)
{
    struct mat band;

    if (s->on_device.data)
        return mat_cols(mat_rows(s->on_device, first, count), from, s->cols - from);
    if (!room->data)
        *room = mat_new(s->dev, DT_F64, offload_band(s), s->cols);
    band = mat_rows(*room, 0, count);
    if (!room->data)
        return band;
    if (s->file)
        upload_from_file(s, first, from, mat_cols(band, from, s->cols - from));
    else
        device_upload(s->dev, band, s->host + count_of(s, first));
    return mat_cols(band, from, s->cols - from);
}

struct mat offload_map_rows(const struct offload_mat *s, int first, int count, struct mat *room)
{
    return map_from(s, first, count, 0, room);
}

struct mat offload_map_upper(const struct offload_mat *s, int first, int count, struct mat *room)
{
    return map_from(s, first, count, first, room);
}

void offload_unmap_rows(struct offload_mat *s, int first, struct mat band)
{
    invariant(offload_owns(s));
    if (s->host && band.data)
        device_download(s->dev, s->host + count_of(s, first), band);
}

void offload_fill(struct offload_mat *s, double value)
{
    invariant(offload_owns(s));
    if (!s->host)
        device_fill(s->dev, s->on_device, value);
    for (size_t i = 0; s->host && i < count_of(s, s->rows); i++)
        s->host[i] = value;
}

double *offload_download(const struct offload_mat *s, int first, int count, struct err *err)
{
    size_t n = count_of(s, count);
    double *rows;

    if (s->on_device.data)
        return mat_download(s->dev, mat_rows(s->on_device, first, count), NULL, err);
    rows = malloc(n ? n * sizeof(double) : 1);
    if (rows && s->file)
        unpack_rows(s, (size_t)first, (size_t)count, 0, rows);
    else if (rows)
        memcpy(rows, s->host + count_of(s, first), n * sizeof(double));
    else
        err_set(err, ERR_LIMIT, "not enough memory for a matrix of %d by %d on the host", count,
                s->cols);
    return rows;
}

void offload_upload(struct offload_mat *s, int first, int count, const double *rows)
{
    invariant(offload_owns(s));
    if (s->host)
        memcpy(s->host + count_of(s, first), rows, count_of(s, count) * sizeof(double));
    else
        device_upload(s->dev, mat_rows(s->on_device, first, count), rows);
}
