/* Bootstrap, sign flips and Holm against SciPy and NumPy (tests/reference/eval_statistics.py). */
#include "core/eval/statistics.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "tests/test.h"

static json_t *reference;

/* The numbers of a list; *n: how many. Caller frees. */
static double *numbers_of(const json_t *list, int *n)
{
    double *x = xcalloc(json_array_size(list) + 1, sizeof(*x));

    *n = (int)json_array_size(list);
    for (int i = 0; i < *n; i++)
        x[i] = json_number_value(json_array_get(list, (size_t)i));
    return x;
}

static double number_at(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

static void intervals_and_p_values(void)
{
    json_t *all = json_object_get(reference, "cases"), *c;
    size_t at;

    CHECK(json_array_size(all) == 7);
    json_array_foreach(all, at, c)
    {
        const json_t *scipy = json_object_get(c, "scipy"), *same = json_object_get(c, "restated");
        double p = json_number_value(json_object_get(c, "p")), sd = 0, wide, got;
        int n;
        double *x = numbers_of(json_object_get(c, "x"), &n);
        struct interval i = bootstrap_mean(x, 1, n, STATISTICS_RESAMPLES, 11);

        for (int k = 0; k < n; k++)
            sd += (x[k] - i.value) * (x[k] - i.value) / (n - 1);
        wide = sqrt(sd / n);
        CHECK(i.n == n);
        CHECK_NEAR(i.value, json_number_value(json_object_get(c, "mean")), 1e-12);
        CHECK_NEAR(i.low, number_at(same, 1), 1e-9);
        CHECK_NEAR(i.high, number_at(same, 2), 1e-9);
        /* other draws: a few standard errors of a quantile of 10,000; hits come in steps of 1/n */
        CHECK_NEAR(i.low, number_at(scipy, 0), 0.12 * wide + 1e-9);
        CHECK_NEAR(i.high, number_at(scipy, 1), 0.12 * wide + 1e-9);
        got = sign_flip_p(x, n, STATISTICS_RESAMPLES, 3);
        CHECK_NEAR(got, p,
                   json_is_true(json_object_get(c, "exact")) ? 1e-12 : 5 * sqrt(p / 10000) + 2e-4);
        free(x);
    }
}

static void several_orders(void)
{
    json_t *o = json_object_get(reference, "orders"), *list = json_object_get(o, "x");
    const json_t *want = json_object_get(o, "restated");
    double x[3 * 22];
    struct interval i;

    for (size_t k = 0; k < 3; k++)
        for (size_t r = 0; r < 22; r++) /* the last two records of each order were not measured */
            x[k * 22 + r] = r < 20 ? number_at(json_array_get(list, k), r) : (double)NAN;
    i = bootstrap_mean(x, 3, 22, STATISTICS_RESAMPLES, 5);
    CHECK(i.n == 60);
    CHECK_NEAR(i.value, number_at(want, 0), 1e-12);
    CHECK_NEAR(i.low, number_at(want, 1), 1e-9);
    CHECK_NEAR(i.high, number_at(want, 2), 1e-9);
}

static void corrections(void)
{
    json_t *o = json_object_get(reference, "holm"), *pair;
    double p[8] = {(double)NAN};
    size_t at;
    int n;
    double *from = numbers_of(json_object_get(o, "p"), &n);

    memcpy(p + 1, from, (size_t)n * sizeof(*p)); /* after one that is no comparison */
    holm(p, n + 1);
    CHECK(isnan(p[0]));
    for (int i = 0; i < n; i++)
        CHECK_NEAR(p[i + 1], number_at(json_object_get(o, "adjusted"), (size_t)i), 1e-12);
    free(from);
    json_array_foreach(json_object_get(reference, "normal"), at, pair)
    {
        CHECK_NEAR(normal_quantile(number_at(pair, 0)), number_at(pair, 1), 1e-9);
        CHECK_NEAR(normal_cdf(number_at(pair, 1)), number_at(pair, 0), 1e-9);
    }
}

static void nothing_and_constants(void)
{
    const double none[] = {(double)NAN, (double)NAN}, one[] = {1, 1, 1};
    struct interval i = bootstrap_mean(none, 1, 2, 100, 0);

    CHECK(i.n == 0 && isnan(i.value) && isnan(i.low));
    CHECK(isnan(sign_flip_p(none, 2, 100, 0)));
    i = bootstrap_mean(one, 1, 3, 100, 0);
    CHECK(i.n == 3);
    CHECK_NEAR(i.value, 1, 0);
    CHECK_NEAR(i.low, 1, 0);
    CHECK_NEAR(i.high, 1, 0);
    CHECK_NEAR(sign_flip_p(one, 3, 100, 0), 0.25, 0); /* +++ and --- of eight */
}

/* Shares of Newcombe, Two-sided confidence intervals for the single proportion, Statistics in
 * Medicine 1998, Table I, method 3. */
static void intervals_of_shares(void)
{
    static const struct {
        int right, n;
        double low, high;
    } of[] = {
        {81, 263, .2553, .3662}, {15, 148, .0624, .1605}, {0, 20, 0, .1611}, {1, 29, .0061, .1718}};
    struct interval i;

    for (int k = 0; k < 4; k++) {
        i = wilson_interval((double)of[k].right / of[k].n, of[k].n);
        CHECK_NEAR(i.low, of[k].low, 5e-5);
        CHECK_NEAR(i.high, of[k].high, 5e-5);
        CHECK(i.n == of[k].n && i.low >= 0);
        i = wilson_interval(1 - i.value, of[k].n); /* the other way round */
        CHECK_NEAR(i.high, 1 - of[k].low, 5e-5);
        CHECK(i.high <= 1);
    }
    i = wilson_interval((double)NAN, 0);
    CHECK(isnan(i.low) && isnan(i.high));
    i = normal_interval(-5, 0.5, 9);
    CHECK_NEAR(i.low, -5.98, 1e-4);
    CHECK_NEAR(i.high, -4.02, 1e-4);
}

static const struct test tests[] = {{"intervals of shares", intervals_of_shares},
                                    {"intervals and p values", intervals_and_p_values},
                                    {"several orders", several_orders},
                                    {"Holm, and the normal distribution", corrections},
                                    {"nothing, and constants", nothing_and_constants}};

int main(void)
{
    int status;

    reference = json_load_file("tests/data/statistics.json", 0, NULL);
    CHECK(reference);
    status = test_main(tests, sizeof(tests) / sizeof(*tests));
    json_decref(reference);
    return status;
}
