/* The directions of a matrix in which a loss is flat, against plain loops over all of them: the
 * sorted sum where the cut lies, the projection, and the files of all eigenvectors. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/curvature.h"
#include "core/edit/mat_f64.h"
#include "tests/folder.h"

enum { M = 24, D = 10, TOKENS = 60, ROWS = 3 };

static char folder[64];

/* Random rows whose columns differ in size. */
static float *random_rows(uint64_t seed, int rows, int cols)
{
    float *x = xmalloc((size_t)rows * (size_t)cols * sizeof(*x));

    for (int i = 0; i < rows * cols; i++)
        x[i] = (float)(rng_unit(&seed) - 0.4) / (float)(1 + i % cols);
    return x;
}

static struct mat on_device(struct device *dev, const float *x, int rows, int cols)
{
    struct mat m = mat_new(dev, DT_F32, rows, cols);

    device_upload(dev, m, x);
    return m;
}

/* All eigenvectors of the sum of some random rows, by the cache. */
static struct nullspace *eigenvectors(struct device *dev, enum moments_kind kind, int width)
{
    static const int layer[] = {3};
    struct moments_origin origin = {.kind = kind, .model = "model", .text = "text", .window = 8};
    struct moments *m = moments_new(dev, &origin, 1, layer, width, NULL);
    float *x = random_rows(kind, TOKENS, width);
    struct mat rows = on_device(dev, x, TOKENS, width);
    struct nullspace *made, *read;
    struct nullspace_rule rule = {.none = true};
    struct err err = {0};

    moments_add(m, 0, rows);
    moments_tokens_add(m, TOKENS);
    CHECK(moments_save(m, &err));
    made = nullspace_cached(m, 0, rule, NULL, NULL, &err);
    read = nullspace_cached(m, 0, rule, NULL, NULL, &err);
    CHECK_STR(err.text, "");
    CHECK(made && made->rank == width && read && read->rank == width);
    CHECK(!memcmp(made->value, read->value, (size_t)width * sizeof(double)));
    nullspace_free(made);
    mat_free(dev, &rows);
    moments_free(m);
    free(x);
    return read;
}

static int descending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? 1 : x > y ? -1 : 0;
}

/* The curvatures sorted, and the first index where their sum reaches gamma of all. */
static double plain_cut(const struct nullspace *in, const struct nullspace *out, double gamma,
                        int *rank)
{
    double all[M * D], total = 0, sum = 0;

    for (int j = 0; j < D; j++)
        for (int i = 0; i < M; i++)
            total += all[j * M + i] = fmax(in->value[i], 0) * fmax(out->value[j], 0);
    qsort(all, M * D, sizeof(*all), descending);
    for (*rank = 0; *rank < M * D;) {
        sum += all[(*rank)++];
        if (sum >= gamma * total)
            break;
    }
    return all[*rank - 1];
}

/* out [D][M] = the free part of x, one direction after the other. */
static void plain_project(const struct nullspace *in, const struct nullspace *out, double tau,
                          const float *x, double *free_part)
{
    double *ua = offload_download(&in->vectors, 0, M, NULL);
    double *ub = offload_download(&out->vectors, 0, D, NULL);

    memset(free_part, 0, M * D * sizeof(*free_part));
    for (int j = 0; j < D; j++)
        for (int i = 0; i < M; i++) {
            double along = 0;

            if (fmax(in->value[i], 0) * fmax(out->value[j], 0) >= tau)
                continue;
            for (int r = 0; r < D; r++)
                for (int c = 0; c < M; c++)
                    along += ub[j * D + r] * (double)x[r * M + c] * ua[i * M + c];
            for (int r = 0; r < D; r++)
                for (int c = 0; c < M; c++)
                    free_part[r * M + c] += ub[j * D + r] * along * ua[i * M + c];
        }
    free(ua);
    free(ub);
}

static double largest_difference(struct device *dev, struct mat got, const double *want)
{
    double *x = mat_download(dev, got, "a projection", NULL), worst = 0;

    for (int i = 0; x && i < M * D; i++)
        worst = fmax(worst, fabs(x[i] - want[i]));
    free(x);
    return x ? worst : (double)INFINITY;
}

static void the_cut_is_that_of_a_sorted_sum(void)
{
    static const double gamma[] = {0.5, 0.9, 0.99, 0.9999};
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct nullspace *in = eigenvectors(dev, MOMENTS_LOSS_INPUT, M);
    struct nullspace *out = eigenvectors(dev, MOMENTS_LOSS_GRADIENT, D);
    int before = 0;

    for (int g = 0; g < 4; g++) {
        struct free_space f;
        struct err err = {0};
        int rank;
        double tau = plain_cut(in, out, gamma[g], &rank);

        CHECK(free_space_new(&f, in, out, gamma[g], ROWS, &err));
        CHECK_STR(err.text, "");
        CHECK(f.rank == rank && f.rank > before && f.rank < M * D);
        CHECK_NEAR(f.tau, tau, 1e-12 * tau);
        before = f.rank;
        free_space_free(&f);
    }
    nullspace_free(in);
    nullspace_free(out);
    device_close(dev);
}

static void what_is_left_is_free(void)
{
    struct device *dev = device_open(&device_cpu, 0, 1, NULL);
    struct nullspace *in = eigenvectors(dev, MOMENTS_LOSS_INPUT, M);
    struct nullspace *out = eigenvectors(dev, MOMENTS_LOSS_GRADIENT, D);
    float *hm = random_rows(7, ROWS, M), *hg = random_rows(8, ROWS, D), product[D * M] = {0};
    struct mat m = on_device(dev, hm, ROWS, M), g = on_device(dev, hg, ROWS, D), x, grad;
    double want[D * M], length[2], square[2] = {0};
    struct free_space f;

    CHECK(free_space_new(&f, in, out, 0.99, ROWS + 2, NULL));
    for (int r = 0; r < D; r++)
        for (int c = 0; c < M; c++)
            for (int t = 0; t < ROWS; t++)
                product[r * M + c] += hg[t * D + r] * hm[t * M + c];
    plain_project(in, out, f.tau, product, want);
    for (int i = 0; i < D * M; i++) {
        square[0] += (double)product[i] * (double)product[i];
        square[1] += want[i] * want[i];
    }
    x = on_device(dev, product, D, M);
    grad = mat_new(dev, DT_F32, D, M);
    free_space_gradient(&f, m, g, grad);
    CHECK(largest_difference(dev, grad, want) < 1e-6);
    free_space_project(&f, x);
    CHECK(largest_difference(dev, x, want) < 1e-6);
    free_space_project(&f, x);
    CHECK(largest_difference(dev, x, want) < 1e-6);
    CHECK(free_space_lengths(&f, m, g, length, NULL));
    CHECK_NEAR(length[0], sqrt(square[0]), 1e-5);
    CHECK_NEAR(length[1], sqrt(square[1]), 1e-5);
    CHECK(length[1] > 0 && length[1] < 0.9 * length[0]);
    free_space_free(&f);
    mat_free(dev, &x);
    mat_free(dev, &grad);
    mat_free(dev, &m);
    mat_free(dev, &g);
    nullspace_free(in);
    nullspace_free(out);
    device_close(dev);
    free(hm);
    free(hg);
}

static const struct test tests[] = {
    {"the cut is that of a sorted sum", the_cut_is_that_of_a_sorted_sum},
    {"what is left is free", what_is_left_is_free},
};

int main(void)
{
    return folder_main(folder, sizeof(folder), tests, sizeof(tests) / sizeof(*tests));
}
