/* Losses over the vocabulary and the optimiser's step on the CPU device. Logits are float32, sums
 * over a row are double. */
#include "core/device/cpu.h"

#include <math.h>

struct loss {
    struct mat logits, ref;
    const int *label;
    float weight, *out;
    bool grad;
};

static double log_sum_exp(const float *x, int n)
{
    float max = x[0];
    double sum = 0;

    for (int i = 1; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (int i = 0; i < n; i++)
        sum += (double)expf(x[i] - max);
    return (double)max + log(sum);
}

static void lse_rows(void *context, int first, int end)
{
    const struct loss *j = context;

    for (int r = first; r < end; r++)
        j->out[r] = (float)log_sum_exp(row_f32(j->logits, r), j->logits.cols);
}

void cpu_lse(struct device *dev, struct mat logits, struct mat out)
{
    struct loss j = {.logits = logits, .out = out.data};

    cpu_rows((struct cpu *)dev, logits.rows, 4 * (size_t)logits.cols, lse_rows, &j);
}

static void cross_entropy_rows(void *context, int first, int end)
{
    const struct loss *j = context;

    for (int r = first; r < end; r++) {
        float *x = row_f32(j->logits, r);
        double lse = log_sum_exp(x, j->logits.cols);

        j->out[r] = (float)(lse - (double)x[j->label[r]]);
        if (!j->grad)
            continue;
        for (int i = 0; i < j->logits.cols; i++)
            x[i] = j->weight * expf((float)((double)x[i] - lse));
        x[j->label[r]] -= j->weight;
    }
}

void cpu_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                       struct mat loss, bool grad)
{
    struct loss j = {
        .logits = logits, .label = label, .weight = weight, .out = loss.data, .grad = grad};

    cpu_rows((struct cpu *)dev, logits.rows, 6 * (size_t)logits.cols, cross_entropy_rows, &j);
}

static void kl_rows(void *context, int first, int end)
{
    const struct loss *j = context;

    for (int r = first; r < end; r++) {
        float *x = row_f32(j->logits, r);
        const float *ref = row_f32(j->ref, r);
        double lse = log_sum_exp(x, j->logits.cols), sum = 0;

        for (int i = 0; i < j->logits.cols; i++) {
            double lp = (double)x[i] - lse;

            sum += (double)expf((float)lp) * (lp - (double)ref[i]);
        }
        j->out[r] = (float)sum;
        for (int i = 0; j->grad && i < j->logits.cols; i++) {
            double lp = (double)x[i] - lse;

            x[i] = j->weight * expf((float)lp) * (float)(lp - (double)ref[i] - sum);
        }
    }
}

void cpu_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
            bool grad)
{
    struct loss j = {
        .logits = logits, .ref = ref, .weight = weight, .out = loss.data, .grad = grad};

    cpu_rows((struct cpu *)dev, logits.rows, 8 * (size_t)logits.cols, kl_rows, &j);
}

/* torch.optim.Adam: eps is added after the bias correction of the second moment. */
void cpu_adam(struct device *dev, struct mat grad, struct adam a)
{
    float *x = a.x.data, *m = a.m.data, *v = a.v.data;
    const float *g = grad.data;
    double fix1 = 1 - pow((double)a.beta1, a.step), fix2 = 1 - pow((double)a.beta2, a.step);
    float rate = (float)((double)a.lr / fix1), root = (float)sqrt(fix2);
    double square = 0;

    (void)dev;
    for (int i = 0; i < a.x.cols; i++) {
        m[i] = a.beta1 * m[i] + (1 - a.beta1) * g[i];
        v[i] = a.beta2 * v[i] + (1 - a.beta2) * g[i] * g[i];
        x[i] -= rate * m[i] / (sqrtf(v[i]) / root + a.eps);
        square += (double)x[i] * (double)x[i];
    }
    if (a.max_norm > 0 && square > (double)a.max_norm * (double)a.max_norm) {
        float shrink = (float)((double)a.max_norm / sqrt(square));

        for (int i = 0; i < a.x.cols; i++)
            x[i] *= shrink;
    }
}
