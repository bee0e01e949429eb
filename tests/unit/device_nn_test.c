/* The operations of a transformer, losses and Adam on every device: values against plain loops in
 * double, gradients against finite differences of these loops. */
#include "tests/unit/device_cases.h"

#define LOOSE 1e-11 /* NMSE of float32 work */

/* d sum(weight * f(x)) / dx by central differences, f the reference filling out[n]. */
static double *differences(double *x, int count, void (*f)(const void *, double *),
                           const void *context, const double *weight, int n)
{
    const double h = 1e-5;
    double *grad = zeros(count), *lo = zeros(n), *hi = zeros(n);

    for (int i = 0; i < count; i++) {
        double keep = x[i];

        x[i] = keep + h;
        f(context, hi);
        x[i] = keep - h;
        f(context, lo);
        x[i] = keep;
        for (int j = 0; j < n; j++)
            grad[i] += weight[j] * (hi[j] - lo[j]) / (2 * h);
    }
    free(lo);
    free(hi);
    return grad;
}

struct plain {
    int rows, cols, other;
    double *x, *y, *z; /* inputs */
    const struct attn_seq *seq;
    struct attn_shape shape;
    const int *label;
    double eps, cap;
    enum norm_kind kind;
    enum activation act;
};

/* y = gain, z = bias or NULL */
static void norm_plain(const void *context, double *out)
{
    const struct plain *p = context;

    for (int r = 0; r < p->rows; r++) {
        const double *x = p->x + r * p->cols;
        double sum = 0, mean = 0;

        for (int i = 0; p->kind == NORM_LAYER && i < p->cols; i++)
            mean += x[i] / p->cols;
        for (int i = 0; i < p->cols; i++)
            sum += (x[i] - mean) * (x[i] - mean);
        for (int i = 0; i < p->cols; i++)
            out[r * p->cols + i] =
                (x[i] - mean) / sqrt(sum / p->cols + p->eps) * p->y[i] + (p->z ? p->z[i] : 0);
    }
}

static void norm_case(struct device *dev, enum norm_kind kind, bool biased, int rows, int cols,
                      int pad)
{
    int n = rows * cols;
    double *x = noise(n), *gain = noise(cols), *bias = noise(cols), *dy = noise(n);
    double *want = zeros(n), *grad, *start = noise(n);
    struct plain p = {.rows = rows,
                      .cols = cols,
                      .x = x,
                      .y = gain,
                      .z = biased ? bias : NULL,
                      .kind = kind,
                      .eps = (double)1e-5F};
    struct norm norm = {.kind = kind, .gain = make(dev, DT_F32, 1, cols, 0, gain), .eps = 1e-5F};
    struct mat mx, md, out;

    for (int i = 0; i < n; i++) /* rows that are not centred */
        x[i] += 3;
    mx = make(dev, DT_F32, rows, cols, pad, x);
    md = make(dev, DT_F32, rows, cols, pad, dy);
    out = make(dev, DT_F32, rows, cols, pad, start);
    if (biased)
        norm.bias = make(dev, DT_F32, 1, cols, 0, bias);
    grad = differences(x, n, norm_plain, &p, dy, n);
    for (int i = 0; i < n; i++)
        grad[i] += start[i];
    device_norm_grad(dev, mx, norm, md, out);
    check_mat(dev, "norm_grad", out, grad, LOOSE);
    norm_plain(&p, want);
    device_norm(dev, mx, norm, mx);
    check_mat(dev, "norm in place", mx, want, LOOSE);
    free(x);
    free(gain);
    free(bias);
    free(dy);
    free(want);
    free(grad);
    free(start);
}

static void test_norm(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        norm_case(dev, NORM_RMS, false, 1, 1, 0);
        norm_case(dev, NORM_RMS, false, 3, 17, 0);
        norm_case(dev, NORM_RMS, true, 9, 65, 2);
        norm_case(dev, NORM_LAYER, true, 3, 17, 0);
        norm_case(dev, NORM_LAYER, false, 9, 65, 2);
        finish(dev);
    }
}

static void rope_case(struct device *dev, int rows, int heads, int half, bool inter, bool back)
{
    int cols = heads * half * 2, *pos = xcalloc((size_t)rows, sizeof(*pos));
    double *x = noise(rows * cols), *want = zeros(rows * cols);
    float *freq = xcalloc((size_t)half, sizeof(*freq));
    struct mat m = make(dev, DT_F32, rows, cols, 1, x);

    for (int r = 0; r < rows; r++)
        pos[r] = r * r + 3;
    for (int i = 0; i < half; i++)
        freq[i] = powf(10000, -(float)i / (float)half);
    for (int r = 0; r < rows; r++)
        for (int h = 0; h < heads; h++)
            for (int i = 0; i < half; i++) {
                int at = r * cols + h * 2 * half, lo = at + (inter ? 2 * i : i);
                int hi = inter ? lo + 1 : lo + half;
                double angle = (double)((float)pos[r] * freq[i]) * (back ? -1 : 1);

                want[lo] = x[lo] * cos(angle) - x[hi] * sin(angle);
                want[hi] = x[hi] * cos(angle) + x[lo] * sin(angle);
            }
    device_rope(dev, m, pos, heads, freq, inter, back);
    check_mat(dev, "rope", m, want, LOOSE);
    free(pos);
    free(freq);
    free(x);
    free(want);
}

static void test_rope(void)
{
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        for (int flags = 0; flags < 4; flags++) {
            rope_case(dev, 1, 1, 1, flags & 1, flags & 2);
            rope_case(dev, 20, 3, 32, flags & 1, flags & 2);
        }
        finish(dev);
    }
}

/* x = q, y = k, z = v, out as q; other = rows of k. */
static void attention_plain(const void *context, double *out)
{
    const struct plain *p = context;
    int d = p->shape.head_dim, group = p->shape.heads / p->shape.kv_heads;
    int wide = p->shape.heads * d, narrow = p->shape.kv_heads * d;
    double *e = zeros(p->other);

    for (int s = 0; s < p->rows; s++)
        for (int i = 0; i < p->seq[s].n * p->shape.heads; i++) {
            const struct attn_seq *a = &p->seq[s];
            int row = i / p->shape.heads, head = i % p->shape.heads;
            int keys = a->past + (a->exclude_self ? 0 : row + 1), at = head / group * d;
            int window = p->shape.window, from = window && window < keys ? keys - window : 0;
            double cap = (double)p->shape.softcap;
            const double *q = p->x + (a->q0 + row) * wide + head * d;
            double sum = 0, *to = out + (a->q0 + row) * wide + head * d;

            for (int j = from; j < keys; j++) {
                double dot = 0, x;

                for (int t = 0; t < d; t++)
                    dot += q[t] * p->y[(a->kv0 + j) * narrow + at + t];
                x = dot * (double)p->shape.scale;
                e[j] = exp(cap > 0 ? cap * tanh(x / cap) : x);
                sum += e[j];
            }
            for (int t = 0; t < d; t++) {
                to[t] = 0;
                for (int j = from; j < keys; j++)
                    to[t] += e[j] / sum * p->z[(a->kv0 + j) * narrow + at + t];
            }
        }
    free(e);
}

/* Takes from the gradient of a cache that of the new rows, in the order of the batch. */
static double *of_new_rows(const double *grad, const struct attn_seq *seq, int seqs, int rows,
                           int cols)
{
    double *out = zeros(rows * cols);

    for (int s = 0; s < seqs; s++)
        for (int i = 0; i < seq[s].n && !seq[s].exclude_self; i++)
            memcpy(out + (seq[s].q0 + i) * cols, grad + (seq[s].kv0 + seq[s].past + i) * cols,
                   (size_t)cols * sizeof(*out));
    return out;
}

static void attention_case(struct device *dev, const struct attn_seq *seq, int seqs, int rows,
                           int cache, struct attn_shape shape, bool grads)
{
    int wide = shape.heads * shape.head_dim, narrow = shape.kv_heads * shape.head_dim;
    double *q = noise(rows * wide), *k = noise(cache * narrow), *v = noise(cache * narrow);
    double *want = zeros(rows * wide), *dout = noise(rows * wide);
    struct plain p = {
        .rows = seqs, .other = cache, .x = q, .y = k, .z = v, .seq = seq, .shape = shape};
    struct mat mq = make(dev, DT_F32, rows, wide, 2, q),
               mk = make(dev, DT_F32, cache, narrow, 0, k);
    struct mat mv = make(dev, DT_F32, cache, narrow, 1, v);
    struct mat out = make(dev, DT_F32, rows, wide, 0, NULL);

    attention_plain(&p, want);
    device_attention(dev, mq, mk, mv, seq, seqs, shape, out);
    check_mat(dev, "attention", out, want, LOOSE);
    if (grads) {
        struct mat md = make(dev, DT_F32, rows, wide, 0, dout);
        struct mat dq = make(dev, DT_F32, rows, wide, 0, dout);
        struct mat dk = make(dev, DT_F32, rows, narrow, 3, NULL);
        struct mat dv = make(dev, DT_F32, rows, narrow, 0, NULL);
        int n = rows * wide;
        double *gq = differences(q, n, attention_plain, &p, dout, n);
        double *gk = differences(k, cache * narrow, attention_plain, &p, dout, n);
        double *gv = differences(v, cache * narrow, attention_plain, &p, dout, n);
        double *new_k = of_new_rows(gk, seq, seqs, rows, narrow);
        double *new_v = of_new_rows(gv, seq, seqs, rows, narrow);

        device_attention_grad(dev, mq, mk, mv, seq, seqs, shape, md, dq, dk, dv);
        check_mat(dev, "attention_grad q", dq, gq, LOOSE);
        check_mat(dev, "attention_grad k", dk, new_k, LOOSE);
        check_mat(dev, "attention_grad v", dv, new_v, LOOSE);
        free(gq);
        free(gk);
        free(gv);
        free(new_k);
        free(new_v);
    }
    free(q);
    free(k);
    free(v);
    free(want);
    free(dout);
}

static void test_attention(void)
{
    static const struct attn_seq one[] = {{0, 1, 0, 0, false}};
    static const struct attn_seq mixed[] = {
        {0, 3, 0, 2, false}, {3, 1, 7, 4, true}, {4, 2, 12, 0, false}, {6, 1, 14, 5, false}};
    static const struct attn_seq length[] = {{0, 150, 1, 9, false}, {150, 70, 160, 0, false}};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        attention_case(dev, one, 1, 1, 1, (struct attn_shape){1, 1, 4, 0.5F, 0, 0}, true);
        attention_case(dev, mixed, 4, 7, 20, (struct attn_shape){6, 2, 5, 0.7F, 0, 0}, true);
        attention_case(dev, mixed, 4, 7, 20, (struct attn_shape){3, 3, 4, 1, 0, 1.5F}, true);
        attention_case(dev, mixed, 4, 7, 20, (struct attn_shape){6, 2, 5, 2, 2, 0.7F}, true);
        attention_case(dev, mixed, 4, 7, 20, (struct attn_shape){4, 2, 5, 2, 1, 0}, true);
        attention_case(dev, length, 2, 220, 230, (struct attn_shape){4, 1, 8, 0.35F, 0, 0}, false);
        attention_case(dev, length, 2, 220, 230, (struct attn_shape){4, 1, 8, 3, 33, 2}, false);
        finish(dev);
    }
}

/* Causal attention over more queries than one block: the gradient by an independent formula would
 * cost too many differences, so only some directions are tried. */
static void long_gradient(int window, float cap)
{
    enum { ROWS = 90, D = 4, N = ROWS * D };
    static const struct attn_seq seq[] = {{0, ROWS, 0, 0, false}};
    struct attn_shape shape = {1, 1, D, 0.5F, window, cap};
    double *x[3] = {noise(N), noise(N), noise(N)}, *dout = noise(N), *step = noise(N);
    struct plain p = {
        .rows = 1, .other = ROWS, .x = x[0], .y = x[1], .z = x[2], .seq = seq, .shape = shape};
    struct device *dev;

    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat m[3], g[3];

        for (int i = 0; i < 3; i++) {
            m[i] = make(dev, DT_F32, ROWS, D, 0, x[i]);
            g[i] = make(dev, DT_F32, ROWS, D, 0, NULL);
        }
        device_attention_grad(dev, m[0], m[1], m[2], seq, 1, shape,
                              make(dev, DT_F32, ROWS, D, 0, dout), g[0], g[1], g[2]);
        for (int i = 0; i < 3; i++) {
            double *grad = fetch(dev, g[i]), *lo = zeros(N), *hi = zeros(N), slope = 0, dot = 0;

            for (int j = 0; j < N; j++)
                x[i][j] += 1e-5 * step[j];
            attention_plain(&p, hi);
            for (int j = 0; j < N; j++)
                x[i][j] -= 2e-5 * step[j];
            attention_plain(&p, lo);
            for (int j = 0; j < N; j++) {
                x[i][j] += 1e-5 * step[j];
                slope += dout[j] * (hi[j] - lo[j]) / 2e-5;
                dot += grad[j] * step[j];
            }
            CHECK_NEAR(dot, slope, 1e-4 * (1 + fabs(slope)));
            free(grad);
            free(lo);
            free(hi);
        }
        finish(dev);
    }
    for (int i = 0; i < 3; i++)
        free(x[i]);
    free(dout);
    free(step);
}

static void test_long_gradient(void)
{
    long_gradient(0, 0);
    long_gradient(20, 0.5F);
    long_gradient(70, 0);
}

/* y NULL: no factor */
static void gated_plain(const void *context, double *out)
{
    const struct plain *p = context;

    for (int i = 0; i < p->rows * p->cols; i++) {
        double x = p->x[i], t = sqrt(2 / acos(-1.0)) * (x + 0.044715 * x * x * x);
        double a = p->act == ACT_SILU ? x / (1 + exp(-x)) : x * 0.5 * (1 + tanh(t));

        out[i] = p->y ? a * p->y[i] : a;
    }
}

static void gated_case(enum activation act, bool factor)
{
    enum { ROWS = 5, COLS = 37, N = ROWS * COLS };
    double *gate = noise(N), *up = noise(N), *dout = noise(N), *want = zeros(N), *dg, *du;
    struct plain p = {.rows = ROWS, .cols = COLS, .x = gate, .y = factor ? up : NULL, .act = act};
    struct device *dev;

    for (int i = 0; i < N; i++)
        gate[i] *= act == ACT_SILU ? 20 : 3;
    gate[0] = -200; /* e^200 is no float */
    gate[1] = 200;
    gated_plain(&p, want);
    dg = differences(gate, N, gated_plain, &p, dout, N);
    du = differences(up, N, gated_plain, &p, dout, N);
    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat mg = make(dev, DT_F32, ROWS, COLS, 0, gate);
        struct mat mu = factor ? make(dev, DT_F32, ROWS, COLS, 1, up) : (struct mat){0};
        struct mat md = make(dev, DT_F32, ROWS, COLS, 0, dout);
        struct mat out = make(dev, DT_F32, ROWS, COLS, 0, NULL);

        device_gated(dev, act, mg, mu, out);
        check_mat(dev, "gated", out, want, LOOSE);
        device_gated_grad(dev, act, mg, mu, md, mg, mu); /* in place */
        check_mat(dev, "gated_grad gate", mg, dg, LOOSE);
        if (factor)
            check_mat(dev, "gated_grad up", mu, du, LOOSE);
        finish(dev);
    }
    free(gate);
    free(up);
    free(dout);
    free(want);
    free(dg);
    free(du);
}

static void test_gated(void)
{
    gated_case(ACT_SILU, true);
    gated_case(ACT_SILU, false);
    gated_case(ACT_GELU, true);
    gated_case(ACT_GELU, false);
}

static void softcap_plain(const void *context, double *out)
{
    const struct plain *p = context;

    for (int i = 0; i < p->rows * p->cols; i++)
        out[i] = p->cap * tanh(p->x[i] / p->cap);
}

static void test_softcap(void)
{
    enum { ROWS = 3, COLS = 41, N = ROWS * COLS };
    double *x = noise(N), *dy = noise(N), *want = zeros(N), *grad;
    struct plain p = {.rows = ROWS, .cols = COLS, .x = x, .cap = 2.5};
    struct device *dev;

    for (int i = 0; i < N; i++)
        x[i] *= 6;
    x[0] = 1e4;
    softcap_plain(&p, want);
    grad = differences(x, N, softcap_plain, &p, dy, N);
    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat mx = make(dev, DT_F32, ROWS, COLS, 1, x);
        struct mat md = make(dev, DT_F32, ROWS, COLS, 0, dy);

        device_softcap(dev, 2.5F, mx);
        check_mat(dev, "softcap", mx, want, LOOSE);
        device_softcap_grad(dev, 2.5F, mx, md);
        check_mat(dev, "softcap_grad", md, grad, LOOSE);
        finish(dev);
    }
    free(x);
    free(dy);
    free(want);
    free(grad);
}

static double lse_plain(const double *x, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += exp(x[i]);
    return log(sum);
}

static void cross_entropy_plain(const void *context, double *out)
{
    const struct plain *p = context;

    for (int r = 0; r < p->rows; r++)
        out[r] = lse_plain(p->x + r * p->cols, p->cols) - p->x[r * p->cols + p->label[r]];
}

static void kl_plain(const void *context, double *out)
{
    const struct plain *p = context;

    for (int r = 0; r < p->rows; r++) {
        double lse = lse_plain(p->x + r * p->cols, p->cols);

        out[r] = 0;
        for (int i = r * p->cols; i < (r + 1) * p->cols; i++)
            out[r] += exp(p->x[i] - lse) * (p->x[i] - lse - p->y[i]);
    }
}

static void test_losses(void)
{
    enum { ROWS = 4, COLS = 131, N = ROWS * COLS };
    static const int label[] = {0, 130, 64, 5};
    double *x = noise(N), *ref = noise(N), want[ROWS], weight[ROWS], *ce, *kl;
    struct plain p = {.rows = ROWS, .cols = COLS, .x = x, .y = ref, .label = label};
    struct device *dev;

    for (int i = 0; i < N; i++) {
        x[i] *= 8;
        ref[i] -= 5;
    }
    for (int i = 0; i < ROWS; i++)
        weight[i] = 0.25;
    ce = differences(x, N, cross_entropy_plain, &p, weight, ROWS);
    kl = differences(x, N, kl_plain, &p, weight, ROWS);
    for (int d = 0; (dev = device_at(d, 2)); d++) {
        struct mat one = make(dev, DT_F32, ROWS, COLS, 1, x);
        struct mat two = make(dev, DT_F32, ROWS, COLS, 0, x);
        struct mat mr = make(dev, DT_F32, ROWS, COLS, 0, ref);
        struct mat loss = make(dev, DT_F32, 1, ROWS, 0, NULL);

        for (int r = 0; r < ROWS; r++)
            want[r] = lse_plain(x + r * COLS, COLS);
        device_lse(dev, one, loss);
        check_mat(dev, "lse", loss, want, LOOSE);
        for (int grad = 0; grad < 2; grad++) {
            cross_entropy_plain(&p, want);
            device_cross_entropy(dev, one, label, 0.25F, loss, grad);
            check_mat(dev, "cross_entropy", loss, want, LOOSE);
            kl_plain(&p, want);
            device_kl(dev, two, mr, 0.25F, loss, grad);
            check_mat(dev, "kl", loss, want, LOOSE);
        }
        check_mat(dev, "cross_entropy gradient", one, ce, LOOSE);
        check_mat(dev, "kl gradient", two, kl, LOOSE);
        finish(dev);
    }
    free(x);
    free(ref);
    free(ce);
    free(kl);
}

/* Five steps of the textbook form in double, with a bound that acts; then also with a decay of the
 * length, and of its square. */
static void adam_case(int kind)
{
    enum { N = 19, STEPS = 5 };
    double *start = noise(N), *x = zeros(N), m[N] = {0}, v[N] = {0}, *grad[STEPS];
    const double lr = (double)0.1F, b1 = (double)0.9F, b2 = (double)0.999F, eps = (double)1e-8F;
    struct device *dev;

    memcpy(x, start, N * sizeof(*x));
    for (int t = 1; t <= STEPS; t++) {
        double *g = grad[t - 1] = noise(N), square = 0, pull = kind == 2 ? 2 * 0.7 : 0;

        for (int i = 0; i < N; i++)
            square += x[i] * x[i];
        if (kind == 1)
            pull = 0.7 / sqrt(square);
        square = 0;
        for (int i = 0; i < N; i++) {
            double gi = g[i] + pull * x[i];

            m[i] = b1 * m[i] + (1 - b1) * gi;
            v[i] = b2 * v[i] + (1 - b2) * gi * gi;
            x[i] -= lr * (m[i] / (1 - pow(b1, t))) / (sqrt(v[i] / (1 - pow(b2, t))) + eps);
            square += x[i] * x[i];
        }
        for (int i = 0; i < N && square > 2 * 2; i++)
            x[i] *= 2 / sqrt(square);
    }
    for (int d = 0; (dev = device_at(d, 1)); d++) {
        struct adam a = {make(dev, DT_F32, 1, N, 0, start),
                         make(dev, DT_F32, 1, N, 0, NULL),
                         make(dev, DT_F32, 1, N, 0, NULL),
                         make(dev, DT_F64, 1, 1, 0, NULL),
                         0.1F,
                         0.9F,
                         0.999F,
                         1e-8F,
                         2,
                         kind ? 0.7 : 0,
                         kind == 2};

        for (int t = 0; t < STEPS; t++)
            device_adam(dev, make(dev, DT_F32, 1, N, 0, grad[t]), a);
        check_mat(dev, "adam", a.x, x, 1e-10);
        check_mat(dev, "steps of adam", a.steps, (double[1]){STEPS}, 0);
        finish(dev);
    }
    free(start);
    free(x);
    for (int t = 0; t < STEPS; t++)
        free(grad[t]);
}

static void test_adam(void)
{
    for (int kind = 0; kind < 3; kind++)
        adam_case(kind);
}

int main(void)
{
    static const struct test tests[] = {
        {"norm", test_norm},           {"rope", test_rope},
        {"attention", test_attention}, {"long gradient", test_long_gradient},
        {"gated", test_gated},         {"softcap", test_softcap},
        {"losses", test_losses},       {"adam", test_adam},
    };

    return test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
}
