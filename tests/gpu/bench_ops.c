/* Benchmarks of every operation of the device table at the shapes of one model. The numbers of rows
 * are those of a step of the target's optimisation and of a batch of text for second moments. */
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "tests/gpu/bench.h"

enum { STEP_ROWS = 96, BATCH_ROWS = 512, SCORED = 6, LABELS = 6, CONTEXT = 32, MOST_SEQS = 16 };

struct ops {
    struct bench *b;
    const struct shape *s;
    struct mat in, out, weight; /* pools: float32 read, float32 written, bfloat16 read */
    int step, batch, context;   /* rows of the two kinds; of a sequence */
    int rows;                   /* of the case at hand */
    int *index;                 /* [batch] rows, positions or labels */
    float *freq;
    struct attn_seq seq[MOST_SEQS];
    int seqs;
    struct attn_shape heads;
    struct mat wide, small, values; /* float64: [M, M] or less; factors */
    struct mat losses;
    struct mat state, unit; /* of Adam, [3, d]; numbers near 1, [1, d] */
    struct mat taken;       /* its steps */
    struct lps_state lps;
    int tile;
};

static struct mat window(struct mat pool, int rows, int cols, int turn)
{
    long n = (long)rows * cols, room = pool.stride - n, step = n / 64 * 64 + 64;
    size_t at = (size_t)(room > 0 ? (long)turn * step % room / 64 * 64 : 0);

    return (struct mat){(char *)pool.data + at * (pool.type == DT_BF16 ? 2 : 4), pool.type, rows,
                        cols, cols};
}

static struct mat in(struct ops *o, int rows, int cols, int turn)
{
    return window(o->in, rows, cols, turn);
}

/* A second operand never is the first one's place. */
static struct mat other(struct ops *o, int rows, int cols, int turn)
{
    return window(o->in, rows, cols, 2 * turn + 7);
}

static struct mat out(struct ops *o, int rows, int cols, int turn)
{
    return window(o->out, rows, cols, turn);
}

/* --- the cases -------------------------------------------------------------------- */

static void up_product(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gemm(o->b->dev, 1, in(o, o->rows, o->s->hidden, turn), false,
                window(o->weight, o->s->ffn, o->s->hidden, turn), true, 0,
                out(o, o->rows, o->s->ffn, turn));
}

static void down_product(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gemm(o->b->dev, 1, in(o, o->rows, o->s->ffn, turn), false,
                window(o->weight, o->s->hidden, o->s->ffn, turn), true, 1,
                out(o, o->rows, o->s->hidden, turn));
}

static void back_product(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gemm(o->b->dev, 1, in(o, o->rows, o->s->ffn, turn), false,
                window(o->weight, o->s->ffn, o->s->hidden, turn), false, 0,
                out(o, o->rows, o->s->hidden, turn));
}

static void head_product(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gemm(o->b->dev, 1, in(o, LABELS, o->s->hidden, turn), false,
                window(o->weight, o->s->vocab, o->s->hidden, turn), true, 0,
                out(o, LABELS, o->s->vocab, turn));
}

static void gram(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gram(o->b->dev, in(o, o->batch, o->s->ffn, turn), o->wide);
}

static void refill(struct ops *o)
{
    device_gram(o->b->dev, in(o, 2 * o->small.rows, o->small.rows, 1), o->small);
}

static void cholesky(void *ctx, int turn)
{
    struct ops *o = ctx;

    (void)turn;
    device_fill(o->b->dev, o->small, 0);
    refill(o);
    device_cholesky(o->b->dev, o->small);
}

static void eigh(void *ctx, int turn)
{
    struct ops *o = ctx;

    (void)turn;
    device_fill(o->b->dev, o->small, 0);
    refill(o);
    device_eigh(o->b->dev, o->small, o->values);
}

static void widen(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_copy(o->b->dev, window(o->weight, o->s->hidden, o->s->ffn, turn),
                out(o, o->s->hidden, o->s->ffn, turn));
}

static void fill(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_fill(o->b->dev, out(o, o->rows, o->s->ffn, turn), 0.5);
}

static void gather(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gather(o->b->dev, window(o->weight, o->s->vocab, o->s->hidden, 0), o->index,
                  out(o, o->rows, o->s->hidden, turn));
}

static void scatter_add(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_scatter_add(o->b->dev, in(o, o->rows, o->s->hidden, turn), o->index,
                       out(o, o->s->vocab < 4096 ? o->s->vocab : 4096, o->s->hidden, turn));
}

static void axpy(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_axpy(o->b->dev, 0.01F, in(o, o->rows, o->s->hidden, turn),
                out(o, o->rows, o->s->hidden, turn));
}

static void scale_cols(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_scale_cols(o->b->dev, in(o, o->rows, o->s->hidden, turn), in(o, 1, o->s->hidden, 3),
                      out(o, o->rows, o->s->hidden, turn));
}

static void scale_rows(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_scale_rows(o->b->dev, o->unit, out(o, o->s->hidden, o->s->ffn, turn));
}

static void col_norms(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_col_norms(o->b->dev, in(o, o->s->hidden, o->s->ffn, turn), out(o, 1, o->s->ffn, turn));
}

static struct norm norm_of(struct ops *o, enum norm_kind kind)
{
    return (struct norm){.kind = kind,
                         .gain = o->unit,
                         .bias = kind == NORM_LAYER ? in(o, 1, o->s->hidden, 3) : (struct mat){0},
                         .eps = 1e-5F};
}

static void rms_norm(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_norm(o->b->dev, in(o, o->rows, o->s->hidden, turn), norm_of(o, NORM_RMS),
                out(o, o->rows, o->s->hidden, turn));
}

static void layer_norm(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_norm(o->b->dev, in(o, o->rows, o->s->hidden, turn), norm_of(o, NORM_LAYER),
                out(o, o->rows, o->s->hidden, turn));
}

static void norm_grad(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_norm_grad(o->b->dev, in(o, o->rows, o->s->hidden, turn), norm_of(o, NORM_RMS),
                     other(o, o->rows, o->s->hidden, turn), out(o, o->rows, o->s->hidden, turn));
}

static void gated(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gated(o->b->dev, ACT_SILU, in(o, o->rows, o->s->ffn, turn),
                 other(o, o->rows, o->s->ffn, turn), out(o, o->rows, o->s->ffn, turn));
}

static void gated_grad(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_gated_grad(o->b->dev, ACT_SILU, in(o, o->rows, o->s->ffn, turn),
                      other(o, o->rows, o->s->ffn, turn), in(o, o->rows, o->s->ffn, turn + 5),
                      out(o, o->rows, o->s->ffn, 2 * turn),
                      out(o, o->rows, o->s->ffn, 2 * turn + 1));
}

static void softcap(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_softcap(o->b->dev, 30, out(o, LABELS, o->s->vocab, turn));
}

static void rope(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_rope(o->b->dev, out(o, o->rows, o->s->heads * o->s->head_dim, turn), o->index,
                o->s->heads, o->freq, false, false);
}

static void attention(void *ctx, int turn)
{
    struct ops *o = ctx;
    int q = o->s->heads * o->s->head_dim, kv = o->s->kv_heads * o->s->head_dim;

    device_attention(o->b->dev, in(o, o->rows, q, turn), other(o, o->rows, kv, turn),
                     in(o, o->rows, kv, turn + 3), o->seq, o->seqs, o->heads,
                     out(o, o->rows, q, turn));
}

static void attention_grad(void *ctx, int turn)
{
    struct ops *o = ctx;
    int q = o->s->heads * o->s->head_dim, kv = o->s->kv_heads * o->s->head_dim;

    device_attention_grad(o->b->dev, in(o, o->rows, q, turn), other(o, o->rows, kv, turn),
                          in(o, o->rows, kv, turn + 3), o->seq, o->seqs, o->heads,
                          in(o, o->rows, q, turn + 5), out(o, o->rows, q, 3 * turn),
                          out(o, o->rows, kv, 3 * turn + 1 + 2 * (q / kv)),
                          out(o, o->rows, kv, 3 * turn + 3 + 4 * (q / kv)));
}

static void lse(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_lse(o->b->dev, in(o, LABELS, o->s->vocab, turn), out(o, 1, LABELS, turn));
}

static void cross_entropy(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_cross_entropy(o->b->dev, out(o, LABELS, o->s->vocab, turn), o->index, 0.2F, o->losses,
                         true);
}

static void kl(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_kl(o->b->dev, out(o, 1, o->s->vocab, turn), in(o, 1, o->s->vocab, turn), 0.1F,
              mat_cols(o->losses, 0, 1), true);
}

static void adam(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_adam(o->b->dev, in(o, 1, o->s->hidden, turn),
                (struct adam){.x = mat_rows(o->state, 0, 1),
                              .m = mat_rows(o->state, 1, 1),
                              .v = mat_rows(o->state, 2, 1),
                              .steps = o->taken,
                              .lr = 1e-4F,
                              .beta1 = 0.9F,
                              .beta2 = 0.999F,
                              .eps = 1e-8F});
}

static void delta_apply(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_delta_apply(o->b->dev, in(o, 1, o->s->hidden, turn), in(o, 1, o->s->ffn, turn),
                       out(o, o->s->hidden, o->s->ffn, turn));
}

static void lps(void *ctx, int turn)
{
    struct ops *o = ctx;

    device_lps(o->b->dev, window(o->weight, o->tile, o->s->hidden, turn),
               in(o, o->s->hidden, o->s->ffn, 0), in(o, SCORED, o->tile, turn),
               in(o, SCORED, o->s->ffn, 5), o->index, 0, o->lps);
}

/* --- the list --------------------------------------------------------------------- */

/* What an operation cannot do without: each input read once, each output written once. */
static void simple_cases(struct ops *o, const char *part)
{
    const struct shape *s = o->s;
    double n = o->rows, d = s->hidden, m = s->ffn, v = s->vocab, q = s->heads * s->head_dim;
    double kv = s->kv_heads * s->head_dim, pairs = n * (o->context + 1) / 2;
    const char *nd = bench_shape("%dx%d", o->rows, s->hidden);
    const char *dm = bench_shape("%dx%d", s->hidden, s->ffn);
    const char *nm = bench_shape("%dx%d", o->rows, s->ffn);
    const char *lv = bench_shape("%dx%d", LABELS, s->vocab);
    const char *at = bench_shape("%dx(%d+%d)x%d", o->rows, s->heads, s->kv_heads, s->head_dim);
    const struct {
        const char *what, *shape;
        bench_fn *fn;
        struct cost cost;
    } list[] = {
        {"copy bfloat16 to float32", dm, widen, {0, 6 * d * m, 0}},
        {"fill", nm, fill, {0, 4 * n * m, 0}},
        {"gather", nd, gather, {0, 6 * n * d, 0}},
        {"scatter_add", nd, scatter_add, {n * d, 12 * n * d, 0}},
        {"axpy", nd, axpy, {2 * n * d, 12 * n * d, 0}},
        {"scale_cols", nd, scale_cols, {n * d, 8 * n * d, 0}},
        {"scale_rows", dm, scale_rows, {d * m, 8 * d * m, 0}},
        {"col_norms", dm, col_norms, {2 * d * m, 4 * d * m, 0}},
        {"norm, root mean square", nd, rms_norm, {4 * n * d, 8 * n * d, 0}},
        {"norm, layer", nd, layer_norm, {8 * n * d, 8 * n * d, 0}},
        {"norm_grad, root mean square", nd, norm_grad, {8 * n * d, 16 * n * d, 0}},
        {"gated, silu", nm, gated, {6 * n * m, 12 * n * m, 0}},
        {"gated_grad, silu", nm, gated_grad, {12 * n * m, 20 * n * m, 0}},
        {"softcap", lv, softcap, {4 * LABELS * v, 8 * LABELS * v, 0}},
        {"rope", at, rope, {3 * n * q, 8 * n * q, 0}},
        {"attention", at, attention, {4 * pairs * q, 4 * n * (2 * q + 2 * kv), 0}},
        {"attention_grad", at, attention_grad, {10 * pairs * q, 4 * n * (3 * q + 4 * kv), 0}},
        {"lse", lv, lse, {2 * LABELS * v, 4 * LABELS * v, 0}},
        {"cross_entropy, gradient", lv, cross_entropy, {4 * LABELS * v, 8 * LABELS * v, 0}},
        {"kl, gradient", bench_shape("1x%d", s->vocab), kl, {6 * v, 12 * v, 0}},
        {"adam", bench_shape("1x%d", s->hidden), adam, {12 * d, 32 * d, 0}},
        {"delta_apply, rank 1", dm, delta_apply, {2 * d * m, 8 * d * m, 0}},
    };

    for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
        bench_measure(o->b, part, list[i].what, list[i].shape, list[i].cost, list[i].fn, o);
}

/* What a product of float32 with stored bfloat16 runs on in this precision. */
static enum rate unit_of(enum precision p)
{
    return p == PRECISION_BF16 ? RATE_STORED_BF16 : (enum rate)p;
}

/* One tile of the vocabulary by both ways: U by the library and a reduction, or one kernel. */
static void shift_cases(struct ops *o, const char *part, enum precision p)
{
    double d = o->s->hidden, m = o->s->ffn;
    const char *shape = bench_shape("%dx%dx%d, %d rows", o->tile, o->s->ffn, o->s->hidden, SCORED);
    struct cost cost = {2 * o->tile * d * m,
                        2 * d * o->tile + 4 * d * m + 4.0 * SCORED * (o->tile + 5 * m), unit_of(p)};

    for (int fused = 0; fused < 2; fused++) {
        if (!bench_fuse(o->b, p, fused))
            continue;
        device_fill(o->b->dev, o->lps.max, -1e30);
        device_fill(o->b->dev, o->lps.sum, 0);
        bench_measure(o->b, part,
                      bench_shape("lps, %s, %s", fused ? "fused" : "tiles", precision_names[p]),
                      shape, cost, lps, o);
    }
    bench_fuse(o->b, p, false);
}

static void product_cases(struct ops *o, const char *part)
{
    static const struct {
        const char *what;
        bench_fn *fn;
    } list[] = {{"x W^T, up", up_product}, {"x W^T, down", down_product}, {"dy W", back_product}};
    double d = o->s->hidden, m = o->s->ffn, v = o->s->vocab;
    bool cuda = !strcmp(o->b->dev->ops->name, "cuda");

    for (int p = 0; p < (cuda ? PRECISION_COUNT : 1); p++) {
        enum rate rate = unit_of((enum precision)p);

        o->b->dev->precision = (enum precision)p;
        for (o->rows = o->step; o->rows <= o->batch; o->rows += o->batch - o->step)
            for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
                bench_measure(
                    o->b, part, bench_shape("%s, %s", list[i].what, precision_names[p]),
                    bench_shape("%dx%dx%d", o->rows, o->s->ffn, o->s->hidden),
                    (struct cost){2 * o->rows * d * m, 2 * d * m + 4 * o->rows * (d + m), rate},
                    list[i].fn, o);
        bench_measure(o->b, part, bench_shape("x W^T, head, %s", precision_names[p]),
                      bench_shape("%dx%dx%d", LABELS, o->s->vocab, o->s->hidden),
                      (struct cost){2 * LABELS * v * d, 2 * d * v + 4 * LABELS * (d + v), rate},
                      head_product, o);
        shift_cases(o, part, (enum precision)p);
    }
    o->b->dev->precision = PRECISION_FULL;
}

static void wide_cases(struct ops *o, const char *part)
{
    double m = o->s->ffn;
    int n = o->b->small ? 24 : 1024;

    o->wide = mat_new(o->b->dev, DT_F64, o->s->ffn, o->s->ffn);
    o->small = mat_new(o->b->dev, DT_F64, n, n);
    o->values = mat_new(o->b->dev, DT_F64, 1, n);
    bench_measure(o->b, part, "gram, float64", bench_shape("%dx%d", o->batch, o->s->ffn),
                  (struct cost){2 * o->batch * m * m, 16 * m * m + 4 * o->batch * m, RATE_F64},
                  gram, o);
    bench_measure(o->b, part, "gram + cholesky", bench_shape("%dx%d", n, n),
                  (struct cost){4.33 * n * (double)n * n, 24 * (double)n * n, RATE_F64}, cholesky,
                  o);
    bench_measure(o->b, part, "gram + eigh", bench_shape("%dx%d", n, n),
                  (struct cost){13 * n * (double)n * n, 24 * (double)n * n, RATE_F64}, eigh, o);
    mat_free(o->b->dev, &o->wide);
    mat_free(o->b->dev, &o->small);
    mat_free(o->b->dev, &o->values);
}

static void prepare(struct ops *o)
{
    const struct shape *s = o->s;
    long ffn = (long)s->hidden * s->ffn, vocab = (long)s->hidden * s->vocab;
    long batch = (long)o->batch * s->ffn, logits = (long)LABELS * s->vocab;
    long most = ffn > batch ? ffn : batch;
    struct device *dev = o->b->dev;

    most = most > logits ? most : logits;
    o->in = bench_noise(o->b, DT_F32, 2 * most, 11);
    o->out = bench_noise(o->b, DT_F32, 2 * most, 12);
    o->weight = bench_noise(o->b, DT_BF16, vocab > 2 * ffn ? vocab : 2 * ffn, 13);
    o->tile = s->vocab < 4096 ? s->vocab : 4096;
    o->index = xcalloc((size_t)o->batch, sizeof(*o->index));
    for (int i = 0; i < o->batch; i++)
        o->index[i] = i * 7 % (s->vocab < 4096 ? s->vocab : 4096);
    o->freq = xcalloc((size_t)s->head_dim / 2, sizeof(*o->freq));
    for (int i = 0; i < s->head_dim / 2; i++)
        o->freq[i] = 1 / (1 + (float)i);
    o->heads = (struct attn_shape){
        .heads = s->heads, .kv_heads = s->kv_heads, .head_dim = s->head_dim, .scale = 0.1F};
    o->state = mat_new(dev, DT_F32, 3, s->hidden);
    device_fill(dev, o->state, 0.1);
    o->taken = mat_new(dev, DT_F64, 1, 1);
    o->unit = mat_new(dev, DT_F32, 1, s->hidden);
    device_fill(dev, o->unit, 1); /* so that what is scaled again and again stays in range */
    device_axpy(dev, 1e-4F, in(o, 1, s->hidden, 0), o->unit);
    o->losses = mat_new(dev, DT_F32, 1, LABELS);
    o->lps.max = mat_new(dev, DT_F32, SCORED, s->ffn);
    o->lps.own = mat_new(dev, DT_F32, SCORED, s->ffn);
    o->lps.sum = mat_new(dev, DT_F64, SCORED, s->ffn);
}

void bench_ops(struct bench *b, const struct shape *s)
{
    struct ops o = {.b = b,
                    .s = s,
                    .step = b->small ? 24 : STEP_ROWS,
                    .batch = b->small ? 40 : BATCH_ROWS,
                    .context = b->small ? 8 : CONTEXT};
    const int rows[] = {o.step, o.batch};

    prepare(&o);
    for (int i = 0; i < 2; i++) {
        o.rows = rows[i];
        o.seqs = o.rows / o.context;
        for (int q = 0; q < o.seqs; q++)
            o.seq[q] = (struct attn_seq){.q0 = q * o.context, .n = o.context, .kv0 = q * o.context};
        simple_cases(&o, bench_shape("operations, %d rows", o.rows));
    }
    product_cases(&o, "products and scores");
    wide_cases(&o, "float64");
    bench_drop(b, &o.in);
    bench_drop(b, &o.out);
    bench_drop(b, &o.weight);
    mat_free(b->dev, &o.state);
    mat_free(b->dev, &o.taken);
    mat_free(b->dev, &o.unit);
    mat_free(b->dev, &o.losses);
    mat_free(b->dev, &o.lps.max);
    mat_free(b->dev, &o.lps.own);
    mat_free(b->dev, &o.lps.sum);
    free(o.index);
    free(o.freq);
}
