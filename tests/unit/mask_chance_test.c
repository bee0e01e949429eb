#include <stdlib.h>

#include "core/base/rng.h"
#include "core/edit/mask_chance.h"
#include "tests/test.h"

enum { M = 101 };

static float key[M], x[M], weight[M];
static double C[M][M];

static void make_up(void)
{
    uint64_t seed = 5;

    for (int i = 0; i < M; i++) {
        key[i] = (float)rng_unit(&seed) + 0.1f;
        x[i] = (float)rng_unit(&seed) + 0.1f;
        weight[i] = i % 3 ? 0 : 1;
        for (int j = 0; j <= i; j++)
            C[i][j] = C[j][i] = i == j ? 4 : rng_unit(&seed) - 0.5;
    }
}

/* The same by the formula, in double, with its own shuffles of the same stream. */
static double by_formula(int draws, uint64_t seed, double *gain_percentile)
{
    float w[M];
    double gain0 = 0, ratio0 = 0, gains = 0, ratios = 0;

    memcpy(w, weight, sizeof(w));
    for (int d = 0; d <= draws; d++) {
        double gain = 0, leak = 0;

        for (int i = M - 1; d && i > 0; i--) {
            uint32_t j = rng_below(&seed, (uint32_t)i + 1);
            float t = w[i];

            w[i] = w[j];
            w[j] = t;
        }
        for (int i = 0; i < M; i++) {
            gain += (double)key[i] * (double)w[i] * (double)x[i];
            for (int j = 0; j < M; j++)
                leak += (double)(w[i] * x[i]) * C[i][j] * (double)(w[j] * x[j]);
        }
        leak /= gain * gain;
        gain0 = d ? gain0 : gain;
        ratio0 = d ? ratio0 : leak;
        gains += d && gain < gain0;
        ratios += d && leak < ratio0;
    }
    *gain_percentile = 100 * gains / draws;
    return 100 * ratios / draws;
}

static void agrees_with_the_formula(void)
{
    double gain, ratio, want_gain, want_ratio;

    make_up();
    want_ratio = by_formula(200, 9, &want_gain);
    mask_chance(key, x, weight, M, &C[0][0], 200, 9, &gain, &ratio);
    CHECK(want_gain > 0 && want_gain < 100 && want_ratio > 0 && want_ratio < 100);
    CHECK_NEAR(gain, want_gain, 0.01);
    CHECK_NEAR(ratio, want_ratio, 0.01);
}

static void extremes(void)
{
    double gain, ratio;

    make_up();
    for (int i = 0; i < M; i++) /* all that counts is in the mask */
        key[i] = i % 3 ? 0 : 1;
    mask_chance(key, x, weight, M, NULL, 200, 1, &gain, &ratio);
    CHECK_NEAR(gain, 100, 0);
    CHECK(isnan(ratio));
    for (int i = 0; i < M; i++) /* all that leaks is outside of it */
        for (int j = 0; j < M; j++)
            C[i][j] = i == j && i % 3 ? 1 : 0;
    mask_chance(key, x, weight, M, &C[0][0], 200, 1, &gain, &ratio);
    CHECK_NEAR(ratio, 0, 0);
    mask_chance(key, x, NULL, M, &C[0][0], 200, 1, &gain, &ratio);
    CHECK_NEAR(gain, 50, 0);
    CHECK_NEAR(ratio, 50, 0);
}

static const struct test all[] = {
    {"agrees with the formula", agrees_with_the_formula},
    {"extremes", extremes},
};

TEST_MAIN(all)
