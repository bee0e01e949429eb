/* The elementwise parts of a transformer on the CPU: norms, rotary positions, the gated activation
 * and the soft cap, each with its gradient. */
#include "core/device/cpu.h"

#include <math.h>
#include <stdlib.h>

struct norm_job {
    struct mat x, dy, y;
    struct norm n;
};

/* The statistics of a row: its mean (0 for NORM_RMS) and 1 / s, s = sqrt(mean((x - mean)^2) + eps).
 */
struct spread {
    float mean;
    double inv;
};

static struct spread spread_of(const struct norm_job *j, const float *x)
{
    double sum = 0, mean = 0;
    int n = j->x.cols;

    for (int i = 0; j->n.kind == NORM_LAYER && i < n; i++)
        mean += (double)x[i] / n;
    for (int i = 0; i < n; i++)
        sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    return (struct spread){(float)mean, 1 / sqrt(sum / n + (double)j->n.eps)};
}

static void norm_rows(void *context, int first, int end)
{
    const struct norm_job *j = context;
    const float *gain = j->n.gain.data, *bias = j->n.bias.data;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(j->x, r);
        float *y = row_f32(j->y, r);
        struct spread s = spread_of(j, x);
        float inv = (float)s.inv;

        for (int i = 0; i < j->x.cols; i++)
            y[i] = (x[i] - s.mean) * inv * gain[i];
        for (int i = 0; bias && i < j->x.cols; i++)
            y[i] += bias[i];
    }
}

void cpu_norm(struct device *dev, struct mat x, struct norm n, struct mat y)
{
    struct norm_job j = {.x = x, .y = y, .n = n};

    cpu_rows((struct cpu *)dev, x.rows, 3 * (size_t)x.cols, norm_rows, &j);
}

/* y = g (x - mean) / s: dx = (g dy - mean(g dy)) / s - (x - mean) (sum g dy (x - mean)) / (n s^3);
 * for NORM_RMS both means are 0. */
static void norm_grad_rows(void *context, int first, int end)
{
    const struct norm_job *j = context;
    const float *gain = j->n.gain.data;
    int n = j->x.cols;

    for (int r = first; r < end; r++) {
        const float *x = row_f32(j->x, r), *dy = row_f32(j->dy, r);
        float *dx = row_f32(j->y, r), scale, back, mean;
        struct spread s = spread_of(j, x);
        double dot = 0, sum = 0;

        for (int i = 0; i < n; i++)
            dot += (double)(x[i] - s.mean) * (double)(gain[i] * dy[i]);
        for (int i = 0; j->n.kind == NORM_LAYER && i < n; i++)
            sum += (double)(gain[i] * dy[i]);
        scale = (float)s.inv;
        back = (float)(dot * s.inv * s.inv * s.inv / n);
        mean = (float)(sum / n);
        for (int i = 0; i < n; i++)
            dx[i] += (gain[i] * dy[i] - mean) * scale - (x[i] - s.mean) * back;
    }
}

void cpu_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy, struct mat dx)
{
    struct norm_job j = {.x = x, .dy = dy, .y = dx, .n = n};

    cpu_rows((struct cpu *)dev, x.rows, 4 * (size_t)x.cols, norm_grad_rows, &j);
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
    enum activation act;
    struct mat gate, up, out, dout, dgate, dup;
};

static float *row_or_none(struct mat m, int row)
{
    return m.data ? row_f32(m, row) : NULL;
}

static void gated_rows(void *context, int first, int end)
{
    const struct gated *j = context;

    for (int r = first; r < end; r++)
        j->loops->gated[j->act](row_f32(j->gate, r), row_or_none(j->up, r), row_f32(j->out, r),
                                j->gate.cols);
}

void cpu_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
               struct mat out)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct gated j = {.loops = cpu->loops, .act = act, .gate = gate, .up = up, .out = out};

    cpu_rows(cpu, gate.rows, 2 * (size_t)gate.cols, gated_rows, &j);
}

static void gated_grad_rows(void *context, int first, int end)
{
    const struct gated *j = context;

    for (int r = first; r < end; r++)
        j->loops->gated_grad[j->act](row_f32(j->gate, r), row_or_none(j->up, r),
                                     row_f32(j->dout, r), row_f32(j->dgate, r),
                                     row_or_none(j->dup, r), j->gate.cols);
}

void cpu_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                    struct mat dout, struct mat dgate, struct mat dup)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct gated j = {.loops = cpu->loops,
                      .act = act,
                      .gate = gate,
                      .up = up,
                      .dout = dout,
                      .dgate = dgate,
                      .dup = dup};

    cpu_rows(cpu, gate.rows, 3 * (size_t)gate.cols, gated_grad_rows, &j);
}

struct cap {
    float cap;
    struct mat y, dy;
};

static void softcap_rows(void *context, int first, int end)
{
    const struct cap *j = context;

    for (int r = first; r < end; r++)
        for (int i = 0; i < j->y.cols; i++)
            row_f32(j->y, r)[i] = j->cap * tanhf(row_f32(j->y, r)[i] / j->cap);
}

void cpu_softcap(struct device *dev, float cap, struct mat x)
{
    struct cap j = {.cap = cap, .y = x};

    cpu_rows((struct cpu *)dev, x.rows, 8 * (size_t)x.cols, softcap_rows, &j);
}

static void softcap_grad_rows(void *context, int first, int end)
{
    const struct cap *j = context;

    for (int r = first; r < end; r++)
        for (int i = 0; i < j->y.cols; i++) {
            float t = row_f32(j->y, r)[i] / j->cap;

            row_f32(j->dy, r)[i] *= 1 - t * t;
        }
}

void cpu_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy)
{
    struct cap j = {cap, y, dy};

    cpu_rows((struct cpu *)dev, y.rows, (size_t)y.cols, softcap_grad_rows, &j);
}
