/* Deltas: checks, copies, and their application to a state. */
#include "core/edit/delta.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/device/finite.h"
#include "core/model/state.h"

const char *delta_kind_name(enum delta_kind kind)
{
    static const char *const name[DELTA_KINDS] = {"low rank", "columns", "dense"};

    return name[kind];
}

void delta_place(const struct delta *d, char *out, size_t size)
{
    char matrix[16] = "", kind[16] = "";

    if (d->matrix != MATRIX_DOWN || d->kind != DELTA_LOW_RANK)
        snprintf(matrix, sizeof(matrix), ", %s", matrix_name(d->matrix));
    if (d->kind != DELTA_LOW_RANK)
        snprintf(kind, sizeof(kind), " (%s)", delta_kind_name(d->kind));
    snprintf(out, size, "layer %d%s%s", d->layer, matrix, kind);
}

size_t delta_values(const struct delta *d)
{
    return (size_t)d->rows * (size_t)(d->kind == DELTA_DENSE ? d->cols : d->rank);
}

static bool check_part(const struct delta *d, const char *what, const float *x, int rows, int cols,
                       struct err *err)
{
    long at = x ? not_finite(x, (size_t)rows * (size_t)cols) : -1;
    char place[48];

    delta_place(d, place, sizeof(place));
    return at < 0 || err_set(err, ERR_FORMAT,
                             "%s: the change's %s, row %ld, column %ld is %s, not a finite number",
                             place, what, at / cols, at % cols, not_finite_name((double)x[at]));
}

static bool check_columns(const struct delta *d, struct err *err)
{
    for (int t = 0; t < d->rank; t++)
        if (d->column[t] < (t ? d->column[t - 1] + 1 : 0) || d->column[t] >= d->cols)
            return err_set(err, ERR_FORMAT,
                           "layer %d, %s: the change's columns are not in ascending order within "
                           "%d (column %d of them is %d)",
                           d->layer, matrix_name(d->matrix), d->cols, t, d->column[t]);
    return true;
}

bool delta_check(const struct delta *d, struct err *err)
{
    switch (d->kind) {
    case DELTA_DENSE:
        return check_part(d, "values", d->r, d->rows, d->cols, err);
    case DELTA_COLUMNS:
        return check_columns(d, err) && check_part(d, "columns", d->r, d->rank, d->rows, err);
    default:
        break;
    }
    if (!isfinite(d->scale))
        return err_set(err, ERR_FORMAT, "layer %d: the change's scale is %s, not a finite number",
                       d->layer, not_finite_name(d->scale));
    return check_part(d, "r (delta_u)", d->r, d->rank, d->rows, err) &&
           check_part(d, "x (delta_v)", d->x, d->rank, d->cols, err) &&
           check_part(d, "mask", d->weight, 1, d->cols, err) &&
           check_part(d, "key", d->key, d->rank, d->cols, err);
}

bool delta_fits(const struct delta *d, const struct model_config *c)
{
    int rows, cols;

    return d->layer >= 0 && d->layer < c->layers && matrix_shape(c, d->matrix, &rows, &cols) &&
           d->rows == rows && d->cols == cols;
}

void delta_free(struct delta *d)
{
    free(d->r);
    free(d->x);
    free(d->weight);
    free(d->key);
    free(d->column);
    memset(d, 0, sizeof(*d));
}

void deltas_free(struct delta *d, int count)
{
    for (int i = 0; i < count; i++)
        delta_free(&d[i]);
    free(d);
}

/* A copy of `count` floats or ints; NULL for NULL. */
static void *copy_values(const void *from, size_t count)
{
    return from ? memcpy(xmalloc(count * 4 + 1), from, count * 4) : NULL;
}

struct delta delta_copy(const struct delta *d)
{
    size_t rank = (size_t)d->rank, cols = (size_t)d->cols;
    struct delta c = *d;

    c.r = copy_values(d->r, delta_values(d));
    c.x = copy_values(d->x, rank * cols);
    c.weight = copy_values(d->weight, cols);
    c.key = copy_values(d->key, rank * cols);
    c.column = copy_values(d->column, rank);
    return c;
}

struct delta delta_dense(int layer, enum matrix matrix, int rows, int cols, float *r)
{
    return (struct delta){.layer = layer,
                          .matrix = matrix,
                          .kind = DELTA_DENSE,
                          .rows = rows,
                          .cols = cols,
                          .r = r,
                          .scale = 1};
}

float *delta_masked_x(const struct delta *d)
{
    float *xm = xmalloc((size_t)d->rank * (size_t)d->cols * sizeof(float));
    float scale = (float)d->scale;

    for (int t = 0; t < d->rank; t++)
        for (int j = 0; j < d->cols; j++) {
            float w = d->weight ? d->weight[j] : 1.0F;
            float masked = w * d->x[t * d->cols + j];

            xm[t * d->cols + j] = scale * masked;
        }
    return xm;
}

static void apply_low_rank(struct device *dev, const struct delta *d, const float *xm, struct mat w)
{
    struct mat r = mat_new(dev, DT_F32, d->rank, d->rows);
    struct mat x = mat_new(dev, DT_F32, d->rank, d->cols);

    device_upload(dev, r, d->r);
    device_upload(dev, x, xm);
    device_delta_apply(dev, r, x, w);
    mat_free(dev, &r);
    mat_free(dev, &x);
}

/* Each row of r as a column, which lies the same in memory. */
static void apply_columns(struct device *dev, const struct delta *d, struct mat w)
{
    struct mat r = mat_new(dev, DT_F32, d->rank * d->rows, 1);

    device_upload(dev, r, d->r);
    for (int t = 0; t < d->rank; t++)
        device_axpy(dev, 1, mat_rows(r, t * d->rows, d->rows), mat_cols(w, d->column[t], 1));
    mat_free(dev, &r);
}

static double largest_of(const float *x, size_t n)
{
    double most = 0;

    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs((double)x[i]));
    return most;
}

/* The largest value that is added to a matrix; of low rank, of one rank alone. */
static double delta_largest(const struct delta *d, const float *xm)
{
    double most = 0;

    for (int t = 0; xm && t < d->rank; t++)
        most = fmax(most, largest_of(d->r + (size_t)t * (size_t)d->rows, (size_t)d->rows) *
                              largest_of(xm + (size_t)t * (size_t)d->cols, (size_t)d->cols));
    return xm ? most : largest_of(d->r, delta_values(d));
}

void delta_apply(struct model_state *s, const struct delta *d)
{
    struct device *dev = s->model->dev;
    struct mat w = state_writable(s, d->layer, d->matrix), r;
    float *xm = d->kind == DELTA_LOW_RANK ? delta_masked_x(d) : NULL;

    state_record_change(s, 0, d->layer, delta_largest(d, xm));
    if (d->kind == DELTA_LOW_RANK) {
        apply_low_rank(dev, d, xm, w);
    } else if (d->kind == DELTA_COLUMNS) {
        apply_columns(dev, d, w);
    } else {
        r = mat_new(dev, DT_F32, d->rows, d->cols);
        device_upload(dev, r, d->r);
        device_axpy(dev, 1, r, w);
        mat_free(dev, &r);
    }
    free(xm);
}

double low_rank_norm(const float *r, const float *x, int u, int rows, int cols)
{
    double sum = 0;

    for (int s = 0; s < u; s++)
        for (int t = 0; t < u; t++) {
            double rr = 0, xx = 0;

            for (int j = 0; j < rows; j++)
                rr += (double)r[s * rows + j] * (double)r[t * rows + j];
            for (int j = 0; j < cols; j++)
                xx += (double)x[s * cols + j] * (double)x[t * cols + j];
            sum += rr * xx;
        }
    return sqrt(fmax(sum, 0));
}
