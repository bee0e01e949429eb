/* All masks are taken through C at once: eight lie side by side in a group, four rows of C pass
 * over all groups before the next four, and of the symmetric C only one half is read. */
#include "core/edit/mask_chance.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

enum { GROUP = 8, ROWS = 4 };

typedef float lane __attribute__((vector_size(16)));

struct crowd {
    int neurons, masks, groups; /* the mask that is judged is the first */
    float *xm;                  /* [groups][neurons][GROUP] masked solutions; surplus masks are 0 */
    double *gain, *leak;        /* [groups * GROUP] */
};

static void shuffle(float *weight, int n, uint64_t *seed)
{
    for (int i = n - 1; i > 0; i--) {
        uint32_t j = rng_below(seed, (uint32_t)i + 1);
        float w = weight[i];

        weight[i] = weight[j];
        weight[j] = w;
    }
}

static void crowd_fill(struct crowd *c, const float *key, const float *x, const float *weight,
                       uint64_t seed)
{
    size_t n = (size_t)c->neurons;
    float *w = xmalloc(n * sizeof(*w));

    for (size_t i = 0; i < n; i++)
        w[i] = weight ? weight[i] : 1;
    for (int d = 0; d < c->masks; d++) {
        float *xm = c->xm + (size_t)(d / GROUP) * n * GROUP + d % GROUP;

        if (d)
            shuffle(w, c->neurons, &seed);
        for (size_t i = 0; i < n; i++) {
            xm[i * GROUP] = w[i] * x[i];
            c->gain[d] += (double)key[i] * (double)xm[i * GROUP];
        }
    }
    free(w);
}

/* sums[r] += rows[j][r] * xm[j] over j < n, for four rows and the eight masks of a group. */
static void products(const float *rows, const float *xm, int n, lane sums[ROWS][2])
{
    lane a0 = sums[0][0], a1 = sums[0][1], b0 = sums[1][0], b1 = sums[1][1];
    lane c0 = sums[2][0], c1 = sums[2][1], d0 = sums[3][0], d1 = sums[3][1];

    for (int j = 0; j < n; j++) {
        const float *c = rows + (size_t)j * ROWS;
        lane low, high;

        memcpy(&low, xm + (size_t)j * GROUP, sizeof(low));
        memcpy(&high, xm + (size_t)j * GROUP + 4, sizeof(high));
        a0 += low * c[0];
        a1 += high * c[0];
        b0 += low * c[1];
        b1 += high * c[1];
        c0 += low * c[2];
        c1 += high * c[2];
        d0 += low * c[3];
        d1 += high * c[3];
    }
    memcpy(sums, (lane[ROWS][2]){{a0, a1}, {b0, b1}, {c0, c1}, {d0, d1}}, 8 * sizeof(lane));
}

/* Adds what rows first .. first+3 of C contribute: twice the part left of their own square, for
 * the symmetric other half, and the square once. `rows` [neurons][ROWS] is work space. */
static void add_rows(struct crowd *c, const double *C, int first, float *rows)
{
    int count = c->neurons - first < ROWS ? c->neurons - first : ROWS;
    size_t n = (size_t)c->neurons;

    for (int j = 0; j < first + count; j++)
        for (int r = 0; r < ROWS; r++)
            rows[(size_t)j * ROWS + (size_t)r] =
                r < count ? (float)C[(size_t)(first + r) * n + (size_t)j] * (j < first ? 2 : 1) : 0;
    for (int g = 0; g < c->groups; g++) {
        const float *xm = c->xm + (size_t)g * n * GROUP;
        lane sums[ROWS][2] = {{{0}}};
        float product[ROWS][GROUP];

        products(rows, xm, first + count, sums);
        memcpy(product, sums, sizeof(product));
        for (int r = 0; r < count; r++)
            for (int d = 0; d < GROUP; d++)
                c->leak[g * GROUP + d] +=
                    (double)xm[(size_t)(first + r) * GROUP + (size_t)d] * (double)product[r][d];
    }
}

/* Share in percent of value[1..n-1] below value[0]; equal ones count half. */
static double percentile(const double *value, int n)
{
    double below = 0;

    for (int i = 1; i < n; i++)
        below += value[i] < value[0] ? 1 : value[i] > value[0] ? 0 : 0.5;
    return n > 1 ? 100 * below / (n - 1) : 50;
}

void mask_chance(const float *key, const float *x, const float *weight, int M, const double *C,
                 int draws, unsigned seed, double *gain_percentile, double *leak_ratio_percentile)
{
    struct crowd c = {.neurons = M, .masks = draws + 1, .groups = draws / GROUP + 1};
    size_t places = (size_t)c.groups * GROUP;

    c.xm = xcalloc((size_t)M * places, sizeof(float));
    c.gain = xcalloc(places, sizeof(double));
    c.leak = xcalloc(places, sizeof(double));
    crowd_fill(&c, key, x, weight, seed);
    *gain_percentile = percentile(c.gain, c.masks);
    *leak_ratio_percentile = (double)NAN;
    if (C) {
        float *rows = xmalloc((size_t)M * ROWS * sizeof(float));

        for (int i = 0; i < M; i += ROWS)
            add_rows(&c, C, i, rows);
        free(rows);
        for (int d = 0; d < c.masks; d++) {
            double square = c.gain[d] * c.gain[d];

            c.leak[d] = square > 0 ? c.leak[d] / square : (double)INFINITY;
        }
        *leak_ratio_percentile = percentile(c.leak, c.masks);
    }
    free(c.xm);
    free(c.gain);
    free(c.leak);
}
