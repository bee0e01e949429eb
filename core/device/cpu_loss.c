/* Losses over the vocabulary and the optimiser's step on the CPU device. Logits are float32, sums
 * over a row are double. */
#include "core/device/cpu.h"

#include <math.h>

enum { PIECE = 1024 }; /* exponentials at a time */

struct loss {
    const struct cpu_loops *loops;
    struct mat logits, ref;
    const int *label;
    float weight, *out;
    bool grad;
};

static double log_sum_exp(const struct cpu_loops *loops, const float *x, int n)
{
    float max = loops->max(x, n), e[PIECE];
    double sum[4] = {0}; /* four sums hide the latency of an addition */

    for (int i = 0; i < n; i += PIECE) {
        int m = n - i < PIECE ? n - i : PIECE, k = 0;

        loops->exp(x + i, max, e, m);
        for (; k + 4 <= m; k += 4)
            for (int l = 0; l < 4; l++)
                sum[l] += (double)e[k + l];
        for (; k < m; k++)
            sum[0] += (double)e[k];
    }
    return (double)max + log((sum[0] + sum[1]) + (sum[2] + sum[3]));
}

/* The exponentials below use lse rounded to float32. This factor corrects for the rounding. */
static float lse_rounding(double lse)
{
    return (float)exp((double)(float)lse - lse);
}

static void lse_rows(void *context, int first, int end)
{
    const struct loss *j = context;

    for (int r = first; r < end; r++)
        j->out[r] = (float)log_sum_exp(j->loops, row_f32(j->logits, r), j->logits.cols);
}

void cpu_lse(struct device *dev, struct mat logits, struct mat out)
{
    struct loss j = {.loops = ((struct cpu *)dev)->loops, .logits = logits, .out = out.data};

    cpu_rows((struct cpu *)dev, logits.rows, 4 * (size_t)logits.cols, lse_rows, &j);
}

static void cross_entropy_rows(void *context, int first, int end)
{
    const struct loss *j = context;

    for (int r = first; r < end; r++) {
        float *x = row_f32(j->logits, r);
        double lse = log_sum_exp(j->loops, x, j->logits.cols);
        float scale;

        j->out[r] = (float)(lse - (double)x[j->label[r]]);
        if (!j->grad)
            continue;
        scale = j->weight * lse_rounding(lse);
        j->loops->exp(x, (float)lse, x, j->logits.cols);
        for (int i = 0; i < j->logits.cols; i++)
            x[i] *= scale;
        x[j->label[r]] -= j->weight;
    }
}

void cpu_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                       struct mat loss, bool grad)
{
    struct loss j = {.loops = ((struct cpu *)dev)->loops,
                     .logits = logits,
                     .label = label,
                     .weight = weight,
                     .out = loss.data,
                     .grad = grad};

    cpu_rows((struct cpu *)dev, logits.rows, 6 * (size_t)logits.cols, cross_entropy_rows, &j);
}

static void kl_rows(void *context, int first, int end)
{
    const struct loss *j = context;
    float p[PIECE];

    for (int r = first; r < end; r++) {
        float *x = row_f32(j->logits, r);
        const float *ref = row_f32(j->ref, r);
        int n = j->logits.cols;
        double lse = log_sum_exp(j->loops, x, n), sum = 0;
        float scale = lse_rounding(lse);

        for (int pass = 0; pass < (j->grad ? 2 : 1); pass++) {
            for (int i = 0; i < n; i += PIECE) {
                int m = n - i < PIECE ? n - i : PIECE;

                j->loops->exp(x + i, (float)lse, p, m);
                for (int k = 0; k < m; k++) {
                    double gap = (double)x[i + k] - lse - (double)ref[i + k];

                    if (pass)
                        x[i + k] = j->weight * (p[k] * scale) * (float)(gap - sum);
                    else
                        sum += (double)(p[k] * scale) * gap;
                }
            }
        }
        j->out[r] = (float)sum;
    }
}

void cpu_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
            bool grad)
{
    struct loss j = {.loops = ((struct cpu *)dev)->loops,
                     .logits = logits,
                     .ref = ref,
                     .weight = weight,
                     .out = loss.data,
                     .grad = grad};

    cpu_rows((struct cpu *)dev, logits.rows, 8 * (size_t)logits.cols, kl_rows, &j);
}

/* The decay adds this multiple of x to the gradient: d/dx decay ||x||^2 = 2 decay x, and
 * d/dx decay ||x|| = decay x / ||x||. */
static float decay_factor(struct adam a)
{
    const float *x = a.x.data;
    double square = 0;

    if (a.square)
        return (float)(2 * a.decay);
    for (int i = 0; i < a.x.cols; i++)
        square += (double)x[i] * (double)x[i];
    return square > 0 ? (float)(a.decay / sqrt(square)) : 0;
}

/* Like torch.optim.Adam: eps is added after the bias correction of the second moment. */
void cpu_adam(struct device *dev, struct mat grad, struct adam a)
{
    float *x = a.x.data, *m = a.m.data, *v = a.v.data;
    const float *g = grad.data;
    double step = *(double *)a.steps.data += 1;
    double fix1 = 1 - pow((double)a.beta1, step), fix2 = 1 - pow((double)a.beta2, step);
    float rate = (float)((double)a.lr / fix1), root = (float)sqrt(fix2), factor = decay_factor(a);
    double square = 0;

    (void)dev;
    for (int i = 0; i < a.x.cols; i++) {
        float gi = g[i] + factor * x[i];

        m[i] = a.beta1 * m[i] + (1 - a.beta1) * gi;
        v[i] = a.beta2 * v[i] + (1 - a.beta2) * gi * gi;
        x[i] -= rate * m[i] / (sqrtf(v[i]) / root + a.eps);
        square += (double)x[i] * (double)x[i];
    }
    if (a.max_norm > 0 && square > (double)a.max_norm * (double)a.max_norm) {
        float shrink = (float)((double)a.max_norm / sqrt(square));

        for (int i = 0; i < a.x.cols; i++)
            x[i] *= shrink;
    }
}
