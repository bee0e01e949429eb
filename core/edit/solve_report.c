/* The effect of a solution (editscope-method(7) 7.10): how much of the residual the key receives
 * (gain), how much the output moves on ordinary text (leak), how the mask compares with random ones
 * of the same size, and which past edits it moves most. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/edit/mat_f64.h"
#include "core/edit/solve.h"

/* Rows of keys and solution on the host. */
struct rows {
    int u, width;
    double *k, *x;
};

static bool rows_fetch(struct rows *r, const struct solver *s, struct mat keys, struct mat x,
                       struct err *err)
{
    *r = (struct rows){.u = keys.rows, .width = s->neurons};
    r->k = mat_download(s->dev, keys, "the keys", err);
    r->x = r->k ? mat_download(s->dev, x, "the solution", err) : NULL;
    return r->x != NULL;
}

static void rows_free(struct rows *r)
{
    free(r->k);
    free(r->x);
}

/* Weights of neurons: a row of M for each fact, NULL for all ones; `order` [M] puts them on other
 * neurons, NULL leaves them where they are. */
struct weights {
    const float *row;
    const int *order;
};

static double weight_at(struct weights w, int t, int i, int width)
{
    return w.row ? (double)w.row[(size_t)t * (size_t)width + (size_t)(w.order ? w.order[i] : i)]
                 : 1;
}

/* Mean over the facts of sum_i weight_i k_i x_i. */
static double gain_of(const struct rows *r, struct weights w)
{
    double sum = 0;

    for (int t = 0; t < r->u; t++) {
        const double *k = r->k + (size_t)t * (size_t)r->width;
        const double *x = r->x + (size_t)t * (size_t)r->width;

        for (int i = 0; i < r->width; i++)
            sum += weight_at(w, t, i, r->width) * k[i] * x[i];
    }
    return sum / r->u;
}

/* The mean q = k^T P k = ||P k||^2. */
static bool measure_q(const struct solver *s, struct mat keys, double *q, struct err *err)
{
    struct mat kt = mat_new(s->dev, DT_F64, keys.rows, s->neurons);
    double *host;

    nullspace_project(s->null, keys, kt);
    host = mat_download(s->dev, kt, "the projected keys", err);
    mat_free(s->dev, &kt);
    *q = 0;
    for (size_t i = 0; host && i < (size_t)keys.rows * (size_t)s->neurons; i++)
        *q += host[i] * host[i];
    *q /= keys.rows;
    free(host);
    return host != NULL;
}

/* out [M] = fact t's solution x [M], weighed and scaled. */
static void mask_row(const double *x, struct weights w, int t, double scale, int width, double *out)
{
    for (int i = 0; i < width; i++)
        out[i] = scale * weight_at(w, t, i, width) * x[i];
}

/* leak[i] of n dense host rows. */
static bool measure_leak(const struct solver *s, const double *rows, int n, double *leak,
                         struct err *err)
{
    struct mat m = mat_new(s->dev, DT_F64, n, s->neurons);
    bool ok;

    device_upload(s->dev, m, rows);
    ok = nullspace_leak(s->null, m, leak, err);
    mat_free(s->dev, &m);
    return ok;
}

/* (leak / gain_mask^2) / (leak_unmasked / gain^2): the leak for the same gain, with the mask over
 * without; NAN where a gain or the plain leak is 0. */
static double leak_ratio_of(const struct layer_report *p)
{
    double plain = p->gain != 0 ? p->leak_unmasked / (p->gain * p->gain) : 0;

    if (p->gain_mask == 0 || plain <= 0)
        return (double)NAN;
    return p->leak / (p->gain_mask * p->gain_mask) / plain;
}

bool solver_report(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                   double scale, struct layer_report *report, struct err *err)
{
    struct weights masked = {.row = weight}, plain = {0};
    struct rows r;
    double *both = NULL, *leak = NULL;
    bool ok = false;

    report->leak = report->leak_unmasked = 0;
    if (!rows_fetch(&r, s, keys, x, err) || !measure_q(s, keys, &report->q, err))
        goto out;
    report->gain = gain_of(&r, plain);
    report->gain_mask = scale * gain_of(&r, masked);
    both = xcalloc(2 * (size_t)r.u * (size_t)r.width, sizeof *both); /* masked, then plain */
    leak = xcalloc(2 * (size_t)r.u, sizeof *leak);
    for (int t = 0; t < r.u; t++) {
        const double *row = r.x + (size_t)t * (size_t)r.width;

        mask_row(row, masked, t, scale, r.width, both + (size_t)t * (size_t)r.width);
        mask_row(row, plain, t, 1, r.width, both + (size_t)(r.u + t) * (size_t)r.width);
    }
    if (!measure_leak(s, both, 2 * r.u, leak, err))
        goto out;
    for (int t = 0; t < r.u; t++) {
        report->leak += leak[t] / r.u;
        report->leak_unmasked += leak[r.u + t] / r.u;
    }
    report->leak_ratio = leak_ratio_of(report);
    ok = true;
out:
    free(both);
    free(leak);
    rows_free(&r);
    return ok;
}

static void shuffle_order(int *order, int n, uint64_t *state)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(state, (uint32_t)i + 1), o = order[i];

        order[i] = order[j];
        order[j] = o;
    }
}

/* Rows whose leaks are measured at once, between two looks at a job: about a tenth of a second. The
 * fewer, the more often all of the moment is read. One on the host or
 * in a file passes the device each time, so that all go at once there. */
static int rows_at_once(const struct solver *s, int n)
{
    const double products = 2e9;
    double rows = products / s->neurons / s->neurons;

    return !s->null->sum.on_device.data || rows > n ? n : rows < 1 ? 1 : (int)rows;
}

/* gain [n], and ratio [n] = mean leak / gain^2, of the weights in each of n orders [n][M]. */
static bool measure_orders(const struct solver *s, const struct rows *r, const float *weight,
                           const int *orders, int n, double *gain, double *ratio, struct job *job,
                           struct err *err)
{
    int step = rows_at_once(s, n);
    size_t width = (size_t)r->width;
    double *rows = xcalloc((size_t)n * width, sizeof *rows);
    double *leak = xcalloc((size_t)n, sizeof *leak);
    bool ok = true;

    memset(ratio, 0, (size_t)n * sizeof *ratio);
    for (int t = 0; ok && t < r->u; t++) {
        for (int i = 0; i < n; i++)
            mask_row(r->x + (size_t)t * width, (struct weights){weight, orders + (size_t)i * width},
                     t, 1, r->width, rows + (size_t)i * width);
        for (int at = 0; ok && at < n; at += step)
            ok = !job_cancelled(job, err) &&
                 measure_leak(s, rows + (size_t)at * width, n - at < step ? n - at : step,
                              leak + at, err);
        for (int i = 0; ok && i < n; i++)
            ratio[i] += leak[i] / r->u;
    }
    for (int i = 0; i < n; i++) {
        gain[i] = gain_of(r, (struct weights){weight, orders + (size_t)i * width});
        ratio[i] = gain[i] != 0 ? ratio[i] / (gain[i] * gain[i]) : (double)INFINITY;
    }
    free(rows);
    free(leak);
    return ok;
}

/* Share in percent of value[1..n] below value[0]; equal ones count half. */
static double percentile_of(const double *value, int n)
{
    double below = 0;

    for (int i = 1; i <= n; i++)
        below += value[i] < value[0] ? 1 : value[i] > value[0] ? 0 : 0.5;
    return n ? 100 * below / n : 50;
}

bool solver_percentiles(const struct solver *s, struct mat keys, struct mat x, const float *weight,
                        int trials, unsigned long long seed, double *gain_percentile,
                        double *leak_percentile, struct job *job, struct err *err)
{
    size_t width = (size_t)s->neurons;
    int *orders = xcalloc((size_t)(trials + 1) * width, sizeof *orders);
    double *gain = xcalloc(2 * (size_t)(trials + 1), sizeof *gain), *ratio = gain + trials + 1;
    uint64_t state = seed;
    struct rows r;
    bool ok;

    for (int i = 0; i <= trials; i++) {
        int *order = orders + (size_t)i * width;

        for (int j = 0; j < s->neurons; j++)
            order[j] = j;
        if (i) /* 0: the mask itself */
            shuffle_order(order, s->neurons, &state);
    }
    ok = rows_fetch(&r, s, keys, x, err) &&
         measure_orders(s, &r, weight, orders, trials + 1, gain, ratio, job, err);
    if (ok) {
        *gain_percentile = percentile_of(gain, trials);
        *leak_percentile = percentile_of(ratio, trials);
    }
    rows_free(&r);
    free(orders);
    free(gain);
    return ok;
}

bool solver_hits(const struct solver *s, struct mat x, const float *weight, double *hit,
                 struct err *err)
{
    int n = s->count, u = x.rows;
    double *rows, *product = NULL;
    struct mat masked = {0}, past = {0}, out = {0};

    if (n == 0)
        return true;
    rows = mat_download(s->dev, x, "the solution", err);
    if (rows) {
        for (int t = 0; t < u; t++) {
            double *row = rows + (size_t)t * (size_t)s->neurons;

            mask_row(row, (struct weights){.row = weight}, t, 1, s->neurons, row);
        }
        masked = mat_new(s->dev, DT_F64, u, s->neurons);
        past = mat_new(s->dev, DT_F64, n, s->neurons);
        out = mat_new(s->dev, DT_F64, u, n);
        device_upload(s->dev, masked, rows);
        device_copy(s->dev, mat_rows(s->raw, 0, n), past);
        device_gemm(s->dev, 1, masked, false, past, true, 0, out);
        product = mat_download(s->dev, out, "products of the solution", err);
    }
    for (int i = 0; product && i < u * n; i++)
        hit[i] = fabs(product[i]);
    mat_free(s->dev, &masked);
    mat_free(s->dev, &past);
    mat_free(s->dev, &out);
    free(product);
    free(rows);
    return product != NULL;
}
