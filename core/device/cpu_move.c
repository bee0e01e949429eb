/* Copies, gather and scatter, and elementwise operations on the CPU. Each works on ranges of rows
 * (cpu_rows()), except the few that must run in order. */
#include "core/device/cpu.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The arguments of an operation: y from x, with a scale s, an index or a factor. */
struct move_job {
    struct mat x, s, y;
    const int *index;
    float alpha;
};

static void copy_row(struct mat src, struct mat dst, int r)
{
    if (dst.type == DT_F64 && src.type == DT_F64) {
        memcpy(row_f64(dst, r), row_f64(src, r), (size_t)src.cols * sizeof(double));
    } else if (dst.type == DT_F32 && src.type == DT_F64) {
        const double *from = row_f64(src, r);
        float *to = row_f32(dst, r);

        for (int i = 0; i < src.cols; i++)
            to[i] = (float)from[i];
    } else if (dst.type == DT_F32) {
        dtype_to_float(src.type, row_bytes(src, r), row_f32(dst, r), src.cols);
    } else {
        /* any stored type to F64: by way of float32, 256 elements (whole blocks) at a time */
        float piece[256];
        double *to = row_f64(dst, r);
        const char *from = row_bytes(src, r);

        for (int i = 0; i < src.cols; i += 256) {
            int n = src.cols - i < 256 ? src.cols - i : 256;

            dtype_to_float(src.type, from + dtype_row_bytes(src.type, i), piece, n);
            for (int j = 0; j < n; j++)
                to[i + j] = (double)piece[j];
        }
    }
}

static void copy_rows(void *context, int first, int end)
{
    const struct move_job *p = context;

    for (int r = first; r < end; r++)
        copy_row(p->x, p->y, r);
}

void cpu_copy(struct device *dev, struct mat src, struct mat dst)
{
    struct move_job p = {.x = src, .y = dst};

    cpu_rows((struct cpu *)dev, src.rows, (size_t)src.cols, copy_rows, &p);
}

void cpu_fill(struct device *dev, struct mat x, double value)
{
    (void)dev;
    for (int r = 0; r < x.rows; r++) {
        if (value == 0) { /* -0 becomes 0 */
            memset((char *)x.data + (size_t)r * dtype_row_bytes(x.type, x.stride), 0,
                   dtype_row_bytes(x.type, x.cols));
        } else if (x.type == DT_F64) {
            for (int i = 0; i < x.cols; i++)
                row_f64(x, r)[i] = value;
        } else {
            for (int i = 0; i < x.cols; i++)
                row_f32(x, r)[i] = (float)value;
        }
    }
}

static void gather_rows(void *context, int first, int end)
{
    const struct move_job *p = context;

    for (int r = first; r < end; r++)
        dtype_to_float(p->x.type, row_bytes(p->x, p->index[r]), row_f32(p->y, r), p->y.cols);
}

void cpu_gather(struct device *dev, struct mat table, const int *index, struct mat out)
{
    struct move_job p = {.x = table, .y = out, .index = index};

    cpu_rows((struct cpu *)dev, out.rows, (size_t)out.cols, gather_rows, &p);
}

void cpu_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out)
{
    (void)dev;
    for (int r = 0; r < x.rows; r++) {
        const float *from = row_f32(x, r);
        float *to = row_f32(out, index[r]);

        for (int i = 0; i < x.cols; i++)
            to[i] += from[i];
    }
}

static void axpy_rows(void *context, int first, int end)
{
    const struct move_job *p = context;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(p->x, p->x.rows == 1 ? 0 : r);
        float *y = row_f32(p->y, r);

        for (int i = 0; i < p->y.cols; i++)
            y[i] += p->alpha * x[i];
    }
}

void cpu_axpy(struct device *dev, float alpha, struct mat x, struct mat y)
{
    struct move_job p = {.x = x, .y = y, .alpha = alpha};

    cpu_rows((struct cpu *)dev, y.rows, (size_t)y.cols, axpy_rows, &p);
}

static void scale_cols_rows(void *context, int first, int end)
{
    const struct move_job *p = context;
    const float *s = p->s.data;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(p->x, r);
        float *y = row_f32(p->y, r);

        for (int i = 0; i < p->y.cols; i++)
            y[i] = x[i] * s[i];
    }
}

void cpu_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y)
{
    struct move_job p = {.x = x, .s = s, .y = y};

    cpu_rows((struct cpu *)dev, y.rows, (size_t)y.cols, scale_cols_rows, &p);
}

static void scale_rows_rows(void *context, int first, int end)
{
    const struct move_job *p = context;

    for (int r = first; r < end; r++) {
        float s = ((const float *)p->s.data)[r], *x = row_f32(p->x, r);

        for (int i = 0; i < p->x.cols; i++)
            x[i] *= s;
    }
}

void cpu_scale_rows(struct device *dev, struct mat s, struct mat x)
{
    struct move_job p = {.x = x, .s = s};

    cpu_rows((struct cpu *)dev, x.rows, (size_t)x.cols, scale_rows_rows, &p);
}

/* Here the range is one of columns. Each is summed from its first row to its last. */
static void col_norms_cols(void *context, int first, int end)
{
    const struct move_job *p = context;
    double sum[64];

    for (int i = first; i < end; i += 64) {
        int n = end - i < 64 ? end - i : 64;
        float *out = (float *)p->y.data + i;

        memset(sum, 0, sizeof(sum));
        for (int r = 0; r < p->x.rows; r++) {
            const float *x = row_f32(p->x, r) + i;

            for (int k = 0; k < n; k++)
                sum[k] += (double)x[k] * (double)x[k];
        }
        for (int k = 0; k < n; k++)
            out[k] = (float)sqrt(sum[k]);
    }
}

void cpu_col_norms(struct device *dev, struct mat x, struct mat out)
{
    struct move_job p = {.x = x, .y = out};

    cpu_rows((struct cpu *)dev, x.cols, (size_t)x.rows, col_norms_cols, &p);
}

static double distance_of(const float *a, const float *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++) {
        double d = (double)a[i] - (double)b[i];

        sum += d * d;
    }
    return sqrt(sum);
}

/* x: the rows; s: the keys; y: the choice. */
struct nearest_job {
    struct move_job move;
    const float *radius;
};

static void nearest_rows(void *context, int first, int end)
{
    const struct nearest_job *p = context;
    const struct move_job *m = &p->move;

    for (int r = first; r < end; r++) {
        float *choice = row_f32(m->y, r);
        double least = (double)INFINITY;
        int best = -1;

        for (int j = 0; j < m->s.rows; j++) {
            double d = distance_of(row_f32(m->x, r), row_f32(m->s, j), m->x.cols);

            choice[j] = 0;
            if (d < least) {
                least = d;
                best = j;
            }
        }
        if (best >= 0 && least <= (double)p->radius[best])
            choice[best] = 1;
    }
}

void cpu_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                 struct mat choice)
{
    struct nearest_job p = {{.x = x, .s = key, .y = choice}, radius.data};

    cpu_rows((struct cpu *)dev, x.rows, (size_t)key.rows * (size_t)x.cols, nearest_rows, &p);
}

/* The bits of |x|, which are ordered as the numbers are. */
static uint32_t magnitude(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof(bits));
    return bits & 0x7fffffffU;
}

/* How many of the row are at least so large. */
static int count_from(const float *row, int n, uint32_t least)
{
    int count = 0;

    for (int i = 0; i < n; i++)
        count += magnitude(row[i]) >= least;
    return count;
}

struct largest_job {
    struct move_job move;
    int k;
};

static void largest_rows(void *context, int first, int end)
{
    const struct largest_job *p = context;
    int n = p->move.x.cols;

    for (int r = first; r < end; r++) {
        const float *row = row_f32(p->move.x, r);
        float *out = row_f32(p->move.y, r);
        uint32_t least = 0; /* the k-th largest, bit by bit */
        int equal;

        for (uint32_t bit = 1U << 30; bit; bit >>= 1)
            if (count_from(row, n, least | bit) >= p->k)
                least |= bit;
        equal = p->k - count_from(row, n, least + 1);
        for (int i = 0; i < n; i++)
            out[i] = magnitude(row[i]) > least || (magnitude(row[i]) == least && equal-- > 0);
    }
}

void cpu_largest(struct device *dev, struct mat x, int k, struct mat out)
{
    struct largest_job p = {{.x = x, .y = out}, k};

    cpu_rows((struct cpu *)dev, x.rows, 33 * (size_t)x.cols, largest_rows, &p);
}
