/* Cutting an adapter to a rank, on a matrix with known singular values. */
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/session/export/low_rank.h"
#include "tests/test.h"

enum { ROWS = 20, COLS = 31, RANK = 4 };

static const double sigma[RANK] = {5, 3, 2, 0.5};

/* Element [i][k] of the Householder reflection that maps the first unit vector to (1, 1, ...) /
 * sqrt(n). Its columns are orthonormal. */
static double reflection(int n, int i, int k)
{
    double w_i = (i == 0) - 1 / sqrt(n), w_k = (k == 0) - 1 / sqrt(n), norm2 = 2 - 2 / sqrt(n);

    return (i == k) - 2 * w_i * w_k / norm2;
}

/* D[i][j] of the first `rank` singular values. */
static double known_value(int i, int j, int rank)
{
    double sum = 0;

    for (int k = 0; k < rank; k++)
        sum += sigma[k] * reflection(ROWS, i, k + 1) * reflection(COLS, j, k + 1);
    return sum;
}

/* Factors of D that are not orthogonal: rows of up are sums, rows of down are differences. */
static struct low_rank mixed_factors(void)
{
    struct low_rank r = {.rank = RANK, .rows = ROWS, .cols = COLS};

    r.up = xcalloc(RANK * ROWS, sizeof(float));
    r.down = xcalloc(RANK * COLS, sizeof(float));
    for (int t = 0; t < RANK; t++) {
        for (int i = 0; i < ROWS; i++)
            for (int k = 0; k <= t; k++)
                r.up[t * ROWS + i] += (float)(sigma[k] * reflection(ROWS, i, k + 1));
        for (int j = 0; j < COLS; j++)
            r.down[t * COLS + j] = (float)(reflection(COLS, j, t + 1) -
                                           (t + 1 < RANK ? reflection(COLS, j, t + 2) : 0));
    }
    return r;
}

static double worst_error(const struct low_rank *r, int rank)
{
    double worst = 0;

    for (int i = 0; i < ROWS; i++)
        for (int j = 0; j < COLS; j++) {
            double sum = 0;

            for (int t = 0; t < r->rank; t++)
                sum += (double)r->up[t * ROWS + i] * (double)r->down[t * COLS + j];
            worst = fmax(worst, fabs(sum - known_value(i, j, rank)));
        }
    return worst;
}

static void the_nearest_matrix_of_each_rank(void)
{
    struct err err = {0};
    struct device *dev = device_open(&device_cpu, 0, 1, &err);
    struct low_rank exact = mixed_factors();
    double whole = 0;

    for (int k = 0; k < RANK; k++)
        whole += sigma[k] * sigma[k];
    CHECK(dev != NULL);
    CHECK(worst_error(&exact, RANK) < 1e-5);
    for (int rank = 1; dev && rank < RANK; rank++) {
        double loss2 = 0, total2 = 0, want = 0;
        struct low_rank cut;

        for (int k = rank; k < RANK; k++)
            want += sigma[k] * sigma[k];
        CHECK(low_rank_cut(&cut, &exact, rank, dev, &loss2, &total2, &err));
        CHECK_STR(err.text, "");
        CHECK(cut.rank == rank);
        CHECK(worst_error(&cut, rank) < 1e-5);
        CHECK_NEAR(loss2, want, 1e-4);
        CHECK_NEAR(total2, whole, 1e-4);
        low_rank_free(&cut);
    }
    low_rank_free(&exact);
    device_close(dev);
}

/* With more edits than rows the factors are the unit matrix and D itself. */
static void more_edits_than_rows(void)
{
    struct delta part[12] = {0};
    struct export_matrix l = {.rows = 8, .cols = COLS, .part = part, .parts = 12};
    struct err err = {0};
    struct low_rank r;

    for (int p = 0; p < 12; p++) {
        part[p] = (struct delta){.rank = 1, .rows = 8, .cols = COLS, .scale = 1};
        part[p].r = xcalloc(8, sizeof(float));
        part[p].x = xcalloc(COLS, sizeof(float));
        for (int i = 0; i < 8; i++)
            part[p].r[i] = (float)((i * 7 + p * 5) % 11 - 5);
        for (int j = 0; j < COLS; j++)
            part[p].x[j] = (float)((j * 3 + p) % 13 - 6);
        l.rank++;
    }
    CHECK(low_rank_exact(&r, &l, &err) && r.rank == 8);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < COLS; j++) {
            double want = 0, got = 0;

            for (int p = 0; p < 12; p++)
                want += (double)part[p].r[i] * (double)part[p].x[j];
            for (int t = 0; t < r.rank; t++)
                got += (double)r.up[t * 8 + i] * (double)r.down[t * COLS + j];
            CHECK_NEAR(got, want, 1e-6);
        }
    low_rank_free(&r);
    for (int p = 0; p < 12; p++)
        delta_free(&part[p]);
}

static const struct test tests[] = {
    {"the nearest matrix of each rank", the_nearest_matrix_of_each_rank},
    {"more edits than rows", more_edits_than_rows},
};
TEST_MAIN(tests)
