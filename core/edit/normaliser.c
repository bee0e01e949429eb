/* Running means and scatters, joined by the formula of Chan, Golub and LeVeque. */
#include "core/edit/normaliser.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* The released code's float32 resolution, added wherever it divides. */
static const double tiny = 1.0 / (1 << 23);

struct normaliser *normaliser_new(int width)
{
    struct normaliser *n = xcalloc(1, sizeof(*n));

    n->width = width;
    n->mean = xcalloc((size_t)width, sizeof(double));
    n->scatter = xcalloc((size_t)width, sizeof(double));
    return n;
}

void normaliser_free(struct normaliser *n)
{
    if (!n)
        return;
    free(n->mean);
    free(n->scatter);
    free(n);
}

static void join(struct normaliser *n, double count, const double *mean, const double *scatter)
{
    double all = n->count + count;

    for (int i = 0; count > 0 && i < n->width; i++) {
        double step = mean[i] - n->mean[i];

        n->mean[i] += count * step / all;
        n->scatter[i] += scatter[i] + n->count * count * step * step / all;
    }
    n->count = all;
}

void normaliser_add(struct normaliser *n, const struct normaliser *more)
{
    join(n, more->count, more->mean, more->scatter);
}

void normaliser_add_batch(struct normaliser *n, const float *x, int count)
{
    struct normaliser *batch = normaliser_new(n->width);
    double share = count > 1 ? (double)count / (count - 1) : 0;

    batch->count = count;
    for (int i = 0; i < n->width; i++) {
        for (int t = 0; t < count; t++)
            batch->mean[i] += (double)x[(size_t)t * (size_t)n->width + (size_t)i];
        batch->mean[i] /= count;
        for (int t = 0; t < count; t++) {
            double off = (double)x[(size_t)t * (size_t)n->width + (size_t)i] - batch->mean[i];

            batch->scatter[i] += share * off * off;
        }
    }
    normaliser_add(n, batch);
    normaliser_free(batch);
}

double normaliser_deviation(const struct normaliser *n, int i)
{
    return sqrt(n->scatter[i] / (n->count - 1 + tiny)) + tiny;
}

double *normaliser_numbers(const struct normaliser *n, int *count)
{
    size_t width = (size_t)n->width;
    double *value = xmalloc((1 + 2 * width) * sizeof(*value));

    value[0] = n->count;
    memcpy(value + 1, n->mean, width * sizeof(*value));
    memcpy(value + 1 + width, n->scatter, width * sizeof(*value));
    *count = 1 + 2 * n->width;
    return value;
}

bool normaliser_add_numbers(struct normaliser *n, const double *value, int count)
{
    if (count != 1 + 2 * n->width || !(value[0] >= 1))
        return false;
    join(n, value[0], value + 1, value + 1 + n->width);
    return true;
}
