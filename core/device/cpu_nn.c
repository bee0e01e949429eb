/* Norm, rotary positions and the gated activation of the CPU device, with their gradients. */
#include "core/device/cpu.h"

#include <math.h>
#include <stdlib.h>

struct norm {
    struct mat x, dy, y;
    const float *gain;
    float eps;
};

static double mean_square(const float *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    return sum / n;
}

static void rmsnorm_rows(void *context, int first, int end)
{
    const struct norm *j = context;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(j->x, r);
        float *y = row_f32(j->y, r);
        float inv = (float)(1 / sqrt(mean_square(x, j->x.cols) + (double)j->eps));

        for (int i = 0; i < j->x.cols; i++)
            y[i] = x[i] * inv * j->gain[i];
    }
}

void cpu_rmsnorm(struct device *dev, struct mat x, struct mat gain, float eps, struct mat y)
{
    struct norm j = {.x = x, .y = y, .gain = gain.data, .eps = eps};

    cpu_rows((struct cpu *)dev, x.rows, 3 * (size_t)x.cols, rmsnorm_rows, &j);
}

/* y = g x / s, s = sqrt(mean x^2 + eps): dx = g dy / s - x (sum g dy x) / (n s^3) */
static void rmsnorm_grad_rows(void *context, int first, int end)
{
    const struct norm *j = context;
    int n = j->x.cols;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(j->x, r), *dy = row_f32(j->dy, r);
        float *dx = row_f32(j->y, r);
        double inv = 1 / sqrt(mean_square(x, n) + (double)j->eps), dot = 0;
        float scale, back;

        for (int i = 0; i < n; i++)
            dot += (double)x[i] * (double)(j->gain[i] * dy[i]);
        scale = (float)inv;
        back = (float)(dot * inv * inv * inv / n);
        for (int i = 0; i < n; i++)
            dx[i] += j->gain[i] * dy[i] * scale - x[i] * back;
    }
}

void cpu_rmsnorm_grad(struct device *dev, struct mat x, struct mat gain, float eps, struct mat dy,
                      struct mat dx)
{
    struct norm j = {.x = x, .dy = dy, .y = dx, .gain = gain.data, .eps = eps};

    cpu_rows((struct cpu *)dev, x.rows, 4 * (size_t)x.cols, rmsnorm_grad_rows, &j);
}

struct rope {
    struct mat x;
    const int *pos;
    const float *freq;
    int heads, half;
    bool interleaved, backward;
};

static void rope_head(const struct rope *j, float *x, const float *cosine, const float *sine)
{
    int step = j->interleaved ? 2 : 1, other = j->interleaved ? 1 : j->half;

    for (int i = 0; i < j->half; i++) {
        float *lo = x + i * step, *hi = lo + other, a = *lo, b = *hi;

        *lo = a * cosine[i] - b * sine[i];
        *hi = b * cosine[i] + a * sine[i];
    }
}

static void rope_rows(void *context, int first, int end)
{
    const struct rope *j = context;
    float cosine[512], sine[512];

    for (int r = first; r < end; r++) {
        float *x = row_f32(j->x, r);

        for (int i = 0; i < j->half; i++) {
            float angle = (float)j->pos[r] * j->freq[i];

            cosine[i] = cosf(angle);
            sine[i] = j->backward ? -sinf(angle) : sinf(angle);
        }
        for (int h = 0; h < j->heads; h++)
            rope_head(j, x + h * 2 * j->half, cosine, sine);
    }
}

void cpu_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
              bool interleaved, bool backward)
{
    struct rope j = {x, pos, freq, heads, x.cols / heads / 2, interleaved, backward};

    cpu_rows((struct cpu *)dev, x.rows, 2 * (size_t)x.cols, rope_rows, &j);
}

struct gated {
    const struct cpu_loops *loops;
    struct mat gate, up, out, dout, dgate, dup;
};

static void swiglu_rows(void *context, int first, int end)
{
    const struct gated *j = context;

    for (int r = first; r < end; r++)
        j->loops->swiglu(row_f32(j->gate, r), row_f32(j->up, r), row_f32(j->out, r), j->gate.cols);
}

void cpu_swiglu(struct device *dev, struct mat gate, struct mat up, struct mat out)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct gated j = {.loops = cpu->loops, .gate = gate, .up = up, .out = out};

    cpu_rows(cpu, gate.rows, 2 * (size_t)gate.cols, swiglu_rows, &j);
}

static void swiglu_grad_rows(void *context, int first, int end)
{
    const struct gated *j = context;

    for (int r = first; r < end; r++)
        j->loops->swiglu_grad(row_f32(j->gate, r), row_f32(j->up, r), row_f32(j->dout, r),
                              row_f32(j->dgate, r), row_f32(j->dup, r), j->gate.cols);
}

void cpu_swiglu_grad(struct device *dev, struct mat gate, struct mat up, struct mat dout,
                     struct mat dgate, struct mat dup)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct gated j = {cpu->loops, .gate = gate, .up = up, .dout = dout, .dgate = dgate, .dup = dup};

    cpu_rows(cpu, gate.rows, 3 * (size_t)gate.cols, swiglu_grad_rows, &j);
}
