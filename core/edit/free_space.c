/* The projection on the directions of a matrix in which a loss is flat: two rotations and a cut.
 * Eigenvalues ascend, so what is free for an eigenvector of B is the first so many of A: a stair,
 * and no mask of d M numbers is kept. */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/curvature.h"
#include "core/edit/mat_f64.h"

/* An eigenvalue of a sum of squares; rounding leaves some below 0. */
static double eigenvalue(const struct nullspace *n, int i)
{
    return fmax(n->value[i], 0);
}

/* How many eigenvalues of A have a product with b below tau: those before. */
static int free_below(const struct nullspace *in, double b, double tau)
{
    int low = 0, high = in->neurons;

    while (low < high) {
        int mid = low + (high - low) / 2;

        if (eigenvalue(in, mid) * b < tau)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

/* What the products of at least tau add up to. after [M + 1]: sums of the eigenvalues of A from
 * each one on. */
static double kept_sum(const struct nullspace *in, const struct nullspace *out, const double *after,
                       double tau)
{
    double sum = 0;

    for (int j = 0; j < out->neurons; j++)
        sum += eigenvalue(out, j) * after[free_below(in, eigenvalue(out, j), tau)];
    return sum;
}

static double double_of(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof(x));
    return x;
}

/* The largest tau whose products hold the share gamma of all: positive doubles are in the order of
 * their bits, so a search by halves finds the very product where a sorted sum would stop. */
static double cut_of(const struct nullspace *in, const struct nullspace *out, double gamma)
{
    double *after = xcalloc((size_t)in->neurons + 1, sizeof(*after)), most = DBL_MAX, wanted;
    uint64_t low = 0, high;

    for (int i = in->neurons - 1; i >= 0; i--)
        after[i] = after[i + 1] + eigenvalue(in, i);
    wanted = gamma * kept_sum(in, out, after, 0);
    memcpy(&high, &most, sizeof(high));
    while (wanted > 0 && high - low > 1) {
        uint64_t mid = low + (high - low) / 2;

        if (kept_sum(in, out, after, double_of(mid)) >= wanted)
            low = mid;
        else
            high = mid;
    }
    free(after);
    return double_of(low);
}

/* All eigenvectors as float32. */
static struct mat vectors_of(const struct nullspace *n)
{
    struct mat u = mat_new(n->dev, DT_F32, n->neurons, n->neurons), room = {0};
    int step = offload_band(&n->vectors);

    for (int at = 0; u.data && at < n->neurons; at += step) {
        int count = n->neurons - at < step ? n->neurons - at : step;

        device_copy(n->dev, offload_map_rows(&n->vectors, at, count, &room),
                    mat_rows(u, at, count));
    }
    mat_free(n->dev, &room);
    return u;
}

bool free_space_new(struct free_space *f, const struct nullspace *in, const struct nullspace *out,
                    double gamma, int rows, struct err *err)
{
    int d = out->neurons, m = in->neurons;

    *f = (struct free_space){.dev = in->dev, .tau = cut_of(in, out, gamma)};
    if (!(f->tau > 0))
        return err_set(err, ERR_FORMAT, "layer %d: the text's loss has no curvature", in->layer);
    f->free = xcalloc((size_t)d, sizeof(*f->free));
    for (int j = 0; j < d; j++) {
        f->free[j] = free_below(in, eigenvalue(out, j), f->tau);
        f->rank += m - f->free[j];
    }
    f->ua = vectors_of(in);
    f->ub = vectors_of(out);
    for (int k = 0; k < 2; k++) {
        f->room[k] = mat_new(f->dev, DT_F32, d, m);
        f->rotated[k] = mat_new(f->dev, DT_F32, rows, k ? d : m);
    }
    return device_sync(f->dev, err);
}

void free_space_free(struct free_space *f)
{
    struct mat *all[] = {&f->ua, &f->ub, &f->room[0], &f->room[1], &f->rotated[0], &f->rotated[1]};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        mat_free(f->dev, all[i]);
    free(f->free);
    f->free = NULL;
}

/* What is not free becomes 0, in the coordinates of the eigenvectors; equal steps at once. */
static void cut(const struct free_space *f, struct mat x)
{
    for (int j = 0, n; j < x.rows; j += n) {
        for (n = 1; j + n < x.rows && f->free[j + n] == f->free[j];)
            n++;
        if (f->free[j] < x.cols)
            device_fill(f->dev, mat_window(x, j, n, f->free[j], x.cols - f->free[j]), 0);
    }
}

/* Back from the coordinates of the eigenvectors, by room[1]. */
static void rotate_back(const struct free_space *f, struct mat e, struct mat out)
{
    device_gemm(f->dev, 1, f->ub, true, e, false, 0, f->room[1]);
    device_gemm(f->dev, 1, f->room[1], false, f->ua, false, 0, out);
}

void free_space_project(struct free_space *f, struct mat x)
{
    device_gemm(f->dev, 1, f->ub, false, x, false, 0, f->room[1]);
    device_gemm(f->dev, 1, f->room[1], false, f->ua, true, 0, f->room[0]);
    cut(f, f->room[0]);
    rotate_back(f, f->room[0], x);
}

/* room[0] = g^T m in the coordinates of the eigenvectors. */
static void rotate_gradient(const struct free_space *f, struct mat m, struct mat g)
{
    struct mat y = mat_rows(f->rotated[0], 0, m.rows), z = mat_rows(f->rotated[1], 0, m.rows);

    device_gemm(f->dev, 1, m, false, f->ua, true, 0, y);
    device_gemm(f->dev, 1, g, false, f->ub, true, 0, z);
    device_gemm(f->dev, 1, z, true, y, false, 0, f->room[0]);
}

void free_space_gradient(struct free_space *f, struct mat m, struct mat g, struct mat grad)
{
    rotate_gradient(f, m, g);
    cut(f, f->room[0]);
    rotate_back(f, f->room[0], grad);
}

bool free_space_lengths(struct free_space *f, struct mat m, struct mat g, double length[2],
                        struct err *err)
{
    rotate_gradient(f, m, g);
    if (!mat_length(f->dev, f->room[0], "the gradient", &length[0], err))
        return false;
    cut(f, f->room[0]);
    return mat_length(f->dev, f->room[0], "its free part", &length[1], err);
}
