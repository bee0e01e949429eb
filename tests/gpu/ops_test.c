/* Every operation of the device's table, CPU and CUDA, over odd shapes and strides drawn by seed.
 */
#include "gpu/internal.h"
#include "tests/gpu/pair.h"

#ifdef EMULATED
enum { CASES = 6, MOST = 70 };
#else
enum { CASES = 48, MOST = 2049 };
#endif
#define LOOSE 2e-6 /* of float32 arithmetic in another order */

/* Fewer where a tool that watches every access makes each case slow. */
static int number_of_cases(void)
{
    const char *asked = getenv("GPU_CASES");
    long n = asked ? strtol(asked, NULL, 10) : CASES;

    return n > 0 && n < 100000 ? (int)n : CASES;
}

/* --- moving and elementwise ------------------------------------------------------- */

static void copy_case(void)
{
    int rows = some_size(MOST), cols = some_size(MOST);
    struct trio *x = make(DT_F32, rows, cols, 3), *wide = make(DT_F64, rows, cols, 0);
    struct trio *y = make(DT_F32, rows, cols, 0), *z = make(DT_F32, rows, cols, 0);

    ABOUT("%d x %d", rows, cols);
    EACH_RUN(r)
    {
        device_copy(pair.dev[r], x->m[r], wide->m[r]);
        device_copy(pair.dev[r], wide->m[r], y->m[r]);
        device_copy(pair.dev[r], x->m[r], z->m[r]);
    }
    same("copy to float64", wide, 0);
    same("copy to float32", y, 0);
    same("copy", z, 0);
}

static void stored_case(void)
{
    enum dtype type = (enum dtype)below(DT_COUNT);
    int block, rows = some_size(MOST), cols, index[3];
    struct trio *w, *x, *y;

    if (type == DT_F64)
        type = DT_BF16;
    block = dtype_block(type);
    cols = block > 1 ? block * (1 + below(MOST / block + 1)) : some_size(MOST);
    for (int i = 0; i < 3; i++)
        index[i] = below(rows);
    ABOUT("%s %d x %d", dtype_name(type), rows, cols);
    w = make_stored(type, rows, cols);
    x = make(DT_F32, rows, cols, 0);
    y = make(DT_F32, 3, cols, 0);
    EACH_RUN(r)
    {
        device_copy(pair.dev[r], w->m[r], x->m[r]);
        device_gather(pair.dev[r], w->m[r], index, y->m[r]);
    }
    same("copy of stored", x, 0);
    same("gather of stored", y, 0);
}

static void elementwise_case(void)
{
    int rows = some_size(MOST), cols = some_size(MOST), into = some_size(MOST);
    int *index = xcalloc((size_t)rows, sizeof(*index));
    struct trio *x = make(DT_F32, rows, cols, 1), *y = make(DT_F32, rows, cols, 1);
    struct trio *row = make(DT_F32, 1, cols, 1), *column = make(DT_F32, 1, rows, 1);
    struct trio *z = make(DT_F32, rows, cols, 0), *sum = make(DT_F32, into, cols, 1);
    struct trio *filled = make(DT_F64, rows, cols, 0), *norms = make(DT_F32, 1, cols, 0);
    struct trio *radius = make(DT_F32, 1, rows, 1), *choice = make(DT_F32, rows, rows, 0);
    struct trio *top = make(DT_F32, rows, cols, 0);

    ABOUT("%d x %d into %d", rows, cols, into);
    for (int i = 0; i < rows; i++)
        index[i] = below(into);
    EACH_RUN(r)
    {
        struct device *dev = pair.dev[r];

        device_axpy(dev, 0.5F, x->m[r], y->m[r]);
        device_axpy(dev, -2, row->m[r], y->m[r]);
        device_scale_cols(dev, x->m[r], row->m[r], z->m[r]);
        device_scale_rows(dev, column->m[r], z->m[r]);
        device_scatter_add(dev, x->m[r], index, sum->m[r]);
        device_fill(dev, filled->m[r], -1.25);
        device_col_norms(dev, x->m[r], norms->m[r]);
        device_fill(dev, radius->m[r], 1e3);
        device_nearest(dev, x->m[r], y->m[r], radius->m[r], choice->m[r]);
        device_largest(dev, x->m[r], (cols + 2) / 3, top->m[r]);
    }
    same("axpy", y, LOOSE);
    same("scale", z, LOOSE);
    same("scatter_add", sum, LOOSE);
    same("fill", filled, 0);
    same("col_norms", norms, 1e-6);
    same("nearest", choice, 0);
    same("largest", top, 0);
    free(index);
}

/* --- algebra -------------------------------------------------------------------------------------
 */

static void product(bool wide)
{
    static const double tolerance[PRECISION_COUNT] = {2e-6, 4e-5, 2e-3, 2e-2};
    enum precision p = wide ? PRECISION_FULL : (enum precision)below(PRECISION_COUNT);
    int m = below(3) ? some_size(MOST) : 1 + below(8), n = some_size(MOST), k = some_size(MOST);
    bool ta = below(2), tb = below(2);
    double beta = below(3) - 1;
    enum dtype type = wide ? DT_F64 : DT_F32;
    enum dtype stored = wide ? DT_F64 : (enum dtype)below(DT_COUNT);
    struct trio *a, *b, *c;

    if (stored != DT_F64 && stored != DT_F32) /* rows of stored types are whole blocks */
        *(tb ? &k : &n) = dtype_block(stored) * (1 + below(4));
    else
        stored = type;
    ABOUT("%d x %d x %d, %s%s%s, beta %g, %s", m, n, k, dtype_name(stored), ta ? ", A^T" : "",
          tb ? ", B^T" : "", beta, precision_names[p]);
    a = make(type, ta ? k : m, ta ? m : k, 1);
    b = stored == type ? make(type, tb ? n : k, tb ? k : n, 1)
                       : make_stored(stored, tb ? n : k, tb ? k : n);
    c = make(type, m, n, beta != 0 ? 1 : 0);
    EACH_RUN(r)
    {
        pair.dev[r]->precision = p;
        device_gemm(pair.dev[r], 0.75, a->m[r], ta, b->m[r], tb, beta, c->m[r]);
        pair.dev[r]->precision = PRECISION_FULL;
    }
    same("gemm", c, wide ? 1e-13 : tolerance[p]);
}

static void gemm_case(void)
{
    product(false);
}

static void wide_gemm_case(void)
{
    product(true);
}

/* Eigenvectors are only theirs up to a sign, so they are put back together: V^T diag(w) V. */
static void factors_case(void)
{
    int n = some_size(MOST < 300 ? MOST : 300), rows = 2 * n + 5, u = 1 + below(8);
    struct trio *x = make(DT_F32, rows, n, 1), *c = make_filled(DT_F64, n, n, 0);
    struct trio *l = make(DT_F64, n, n, 0), *b = make(DT_F64, n, u, 1);
    struct trio *half = make(DT_F64, n, u, 0), *values = make(DT_F64, 1, n, 0);
    struct trio *vectors = make(DT_F64, n, n, 0), *scaled = make(DT_F64, n, n, 0);
    struct trio *back = make(DT_F64, n, n, 0), *weight = make_filled(DT_F64, n, n, 0);

    ABOUT("%d x %d, %d right sides", rows, n, u);
    EACH_RUN(r)
    {
        struct device *dev = pair.dev[r];
        double *w = xcalloc((size_t)n, sizeof(*w));

        device_gram(dev, x->m[r], c->m[r]);
        device_copy(dev, c->m[r], l->m[r]);
        device_copy(dev, b->m[r], half->m[r]);
        device_cholesky(dev, l->m[r]);
        device_cholesky_solve(dev, l->m[r], b->m[r], false);
        device_cholesky_solve(dev, l->m[r], half->m[r], true);
        device_copy(dev, c->m[r], vectors->m[r]);
        device_eigh(dev, vectors->m[r], values->m[r]);
        device_download(dev, w, values->m[r]);
        for (int i = 0; i < n; i++) {
            struct mat at = mat_cols(mat_rows(weight->m[r], i, 1), i, 1);

            device_fill(dev, at, w[i]);
        }
        device_gemm(dev, 1, weight->m[r], false, vectors->m[r], false, 0, scaled->m[r]);
        device_gemm(dev, 1, vectors->m[r], true, scaled->m[r], false, 0, back->m[r]);
        free(w);
    }
    same("gram", c, 1e-13);
    same("cholesky", l, 1e-11);
    same("cholesky_solve", b, 1e-8);
    same("half of cholesky_solve", half, 1e-9);
    same("eigenvalues", values, 1e-11);
    same("vectors and values together", back, 1e-11);
}

/* --- the transformer -------------------------------------------------------------- */

static void norm_case(void)
{
    int rows = some_size(MOST), cols = some_size(MOST);
    bool layer = below(2);
    struct trio *x = make(DT_F32, rows, cols, 4), *gain = make(DT_F32, 1, cols, 1);
    struct trio *bias = make(DT_F32, 1, cols, 1), *dy = make(DT_F32, rows, cols, 1);
    struct trio *y = make(DT_F32, rows, cols, 0), *dx = make(DT_F32, rows, cols, 1);

    ABOUT("%d x %d, %s", rows, cols, layer ? "layer" : "rms");
    EACH_RUN(r)
    {
        struct norm n = {.kind = layer ? NORM_LAYER : NORM_RMS, .gain = gain->m[r], .eps = 1e-3F};

        if (layer)
            n.bias = bias->m[r];
        device_norm(pair.dev[r], x->m[r], n, y->m[r]);
        device_norm_grad(pair.dev[r], x->m[r], n, dy->m[r], dx->m[r]);
    }
    same("norm", y, 5e-6);
    same("norm_grad", dx, 2e-5);
}

static void gated_case(void)
{
    int rows = some_size(MOST), cols = some_size(MOST);
    enum activation act = below(2) ? ACT_SILU : ACT_GELU;
    bool two = below(3) > 0;
    struct trio *gate = make(DT_F32, rows, cols, 6), *up = make(DT_F32, rows, cols, 2);
    struct trio *out = make(DT_F32, rows, cols, 0), *dout = make(DT_F32, rows, cols, 1);
    struct trio *dgate = make(DT_F32, rows, cols, 0), *dup = make(DT_F32, rows, cols, 0);
    struct trio *cap = make(DT_F32, rows, cols, 40), *dcap = make(DT_F32, rows, cols, 1);

    ABOUT("%d x %d, %s%s", rows, cols, act == ACT_SILU ? "silu" : "gelu", two ? " up" : "");
    EACH_RUN(r)
    {
        struct device *dev = pair.dev[r];
        struct mat none = {0};

        device_gated(dev, act, gate->m[r], two ? up->m[r] : none, out->m[r]);
        device_gated_grad(dev, act, gate->m[r], two ? up->m[r] : none, dout->m[r], dgate->m[r],
                          two ? dup->m[r] : none);
        device_softcap(dev, 10, cap->m[r]);
        device_softcap_grad(dev, 10, cap->m[r], dcap->m[r]);
    }
    same("gated", out, 5e-6);
    same("gated_grad, gate", dgate, 1e-5);
    if (two)
        same("gated_grad, up", dup, 5e-6);
    same("softcap", cap, 5e-6);
    same("softcap_grad", dcap, 1e-4);
}

static void rope_case(void)
{
    int rows = some_size(MOST), heads = 1 + below(6), half = 1 + below(MOST < 128 ? 8 : 64);
    bool interleaved = below(2), backward = below(2);
    struct trio *x = make(DT_F32, rows, heads * half * 2, 1);
    int *pos = xcalloc((size_t)rows, sizeof(*pos));
    float freq[64];

    ABOUT("%d x %d heads of %d%s%s", rows, heads, 2 * half, interleaved ? ", interleaved" : "",
          backward ? ", back" : "");
    for (int i = 0; i < rows; i++)
        pos[i] = below(4000);
    for (int i = 0; i < half; i++)
        freq[i] = (float)pow(10000, -(double)i / half);
    EACH_RUN(r)
    device_rope(pair.dev[r], x->m[r], pos, heads, freq, interleaved, backward);
    same("rope", x, 1e-4); /* an angle of 4000 has 12 bits less */
    free(pos);
}

/* A batch of sequences, some with a past, some blind; *cache: rows of K and V. */
static int sequences(struct attn_seq *seq, int most, int *rows, int *cache)
{
    int n = 1 + below(4);

    *rows = *cache = 0;
    for (int i = 0; i < n; i++) {
        int past = below(2) ? below(most) : 0;
        bool exclude_self = past && !below(4);
        int new = exclude_self ? 1 : 1 + below(most);

        seq[i] = (struct attn_seq){
            .q0 = *rows, .n = new, .kv0 = *cache, .past = past, .exclude_self = exclude_self};
        *rows += new;
        *cache += past + new + below(3);
    }
    return n;
}

static void attention_case(void)
{
    static const int dims[] = {2, 4, 8, 16, 32, 64, 80, 128};
    int most = MOST < 128 ? 12 : 150, rows, cache;
    int kv = 1 + below(3), heads = kv * (1 + below(3)), dim = dims[below(MOST < 128 ? 4 : 8)];
    struct attn_seq seq[4];
    int seqs = sequences(seq, most, &rows, &cache);
    struct attn_shape shape = {
        heads, kv, dim, 0.3F, below(3) ? 0 : 1 + below(most), below(3) ? 0 : 5.0F};
    struct trio *q = make(DT_F32, rows, heads * dim, 1), *k = make(DT_F32, cache, kv * dim, 1);
    struct trio *v = make(DT_F32, cache, kv * dim, 1), *out = make(DT_F32, rows, heads * dim, 0);
    struct trio *dout = make(DT_F32, rows, heads * dim, 1);
    struct trio *dq = make(DT_F32, rows, heads * dim, 0), *dk = make(DT_F32, rows, kv * dim, 0);
    struct trio *dv = make(DT_F32, rows, kv * dim, 0);

    ABOUT("%d sequences, %d rows, cache %d, %d/%d heads of %d, window %d, cap %g", seqs, rows,
          cache, heads, kv, dim, shape.window, (double)shape.softcap);
    EACH_RUN(r)
    {
        device_attention(pair.dev[r], q->m[r], k->m[r], v->m[r], seq, seqs, shape, out->m[r]);
        device_attention_grad(pair.dev[r], q->m[r], k->m[r], v->m[r], seq, seqs, shape, dout->m[r],
                              dq->m[r], dk->m[r], dv->m[r]);
    }
    same("attention", out, 1e-5);
    same("attention_grad, q", dq, 1e-4);
    same("attention_grad, k", dk, 1e-4);
    same("attention_grad, v", dv, 1e-5);
}

static void loss_case(void)
{
    int rows = 1 + below(8), cols = below(2) ? some_size(MOST) : 1 + below(MOST * 4);
    bool grad = below(2);
    int label[8];
    struct trio *x = make(DT_F32, rows, cols, 12), *y = make(DT_F32, rows, cols, 12);
    struct trio *ref = make(DT_F32, rows, cols, 8), *lse = make(DT_F32, 1, rows, 0);
    struct trio *loss = make(DT_F32, 1, rows, 0), *kl = make(DT_F32, 1, rows, 0);

    ABOUT("%d x %d%s", rows, cols, grad ? ", gradient" : "");
    for (int i = 0; i < rows; i++)
        label[i] = below(cols);
    EACH_RUN(r)
    {
        device_lse(pair.dev[r], x->m[r], lse->m[r]);
        device_cross_entropy(pair.dev[r], x->m[r], label, 0.3F, loss->m[r], grad);
        device_kl(pair.dev[r], y->m[r], ref->m[r], 0.2F, kl->m[r], grad);
    }
    same("lse", lse, 2e-6);
    same("cross_entropy", loss, 5e-6);
    same("logits after cross_entropy", x, 2e-5);
    same("kl", kl, 5e-6);
    same("logits after kl", y, 5e-5);
}

/* --- the method ----------------------------------------------------------------------------------
 */

/* a = a op b over the window, on the host; sums that belong to a maximum are only comparable once
 * they have met it. */
static void settle(struct trio *max, struct trio *sum, struct trio *first, struct trio *second)
{
    int n = max->m[0].cols;

    EACH_RUN(r)
    for (int b = 0; b < max->m[0].rows; b++) {
        float *top = xcalloc((size_t)n, sizeof(*top)), *e = xcalloc((size_t)n, sizeof(*e));
        double *s = xcalloc((size_t)n, sizeof(*s));
        struct trio *more[] = {first, second};

        device_download(pair.dev[r], top, mat_rows(max->m[r], b, 1));
        device_download(pair.dev[r], s, mat_rows(sum->m[r], b, 1));
        for (int k = 0; k < 2 && first; k++) {
            device_download(pair.dev[r], e, mat_rows(more[k]->m[r], b, 1));
            for (int i = 0; i < n; i++)
                e[i] = (float)((double)e[i] / s[i]);
            device_upload(pair.dev[r], mat_rows(more[k]->m[r], b, 1), e);
        }
        for (int i = 0; i < n; i++)
            s[i] = (double)top[i] + log(s[i]);
        device_upload(pair.dev[r], mat_rows(sum->m[r], b, 1), s);
        free(top);
        free(e);
        free(s);
    }
}

/* Both ways of the CUDA device in every precision; U's error is multiplied by coefficients of 6. */
static void lps_case(void)
{
    static const double tolerance[PRECISION_COUNT] = {5e-6, 2e-4, 2e-2, 0.1};
    enum precision p = (enum precision)below(PRECISION_COUNT);
    bool curves = below(2), scaled = below(2), stored = below(2), fused = below(2), even = below(2);
    int vocab = below(2) ? some_size(MOST) : 1 + below(3 * MOST), d = some_size(MOST / 4 + 1);
    int m = some_size(MOST), rows = 1 + below(8), tile, target[8];
    struct trio *head, *values, *base, *coeff, *scale, *max, *own, *sum, *mean, *square;

    if (even) { /* as the matrix units want it */
        d = (d + 7) / 8 * 8;
        m = (m + 7) / 8 * 8;
    }
    tile = 1 + below(vocab);
    head = stored ? make_stored(DT_BF16, vocab, d) : make(DT_F32, vocab, d, 0.5);
    values = make(DT_F32, d, m, 0.5);
    base = make(DT_F32, rows, vocab, 9);
    coeff = make(DT_F32, rows, m, 6);
    scale = make_filled(DT_F32, rows, m, 0.75);
    max = make_filled(DT_F32, rows, m, -1e30);
    own = make(DT_F32, rows, m, 0);
    sum = make_filled(DT_F64, rows, m, 0);
    mean = make_filled(DT_F32, rows, m, 0);
    square = make_filled(DT_F32, rows, m, 0);
    ABOUT("vocabulary %d in tiles of %d, d %d, %d neurons, %d rows%s%s%s, %s, %s", vocab, tile, d,
          m, rows, curves ? ", curves" : "", scaled ? ", scaled" : "", stored ? ", bfloat16" : "",
          precision_names[p], fused ? "fused" : "tiles");
    for (int i = 0; i < rows; i++)
        target[i] = below(vocab);
    cuda_of(pair.dev[1])->lps.path = fused ? LPS_FUSED : LPS_TILES;
    pair.dev[1]->precision = p;
    EACH_RUN(r)
    {
        struct lps_state s = {.max = max->m[r], .own = own->m[r], .sum = sum->m[r]};

        if (curves) {
            s.mean = mean->m[r];
            s.square = square->m[r];
        }
        if (scaled)
            s.base_scale = scale->m[r];
        for (int v0 = 0; v0 < vocab; v0 += tile) {
            int n = vocab - v0 < tile ? vocab - v0 : tile;

            device_lps(pair.dev[r], mat_rows(head->m[r], v0, n), values->m[r],
                       mat_cols(base->m[r], v0, n), coeff->m[r], target, v0, s);
        }
    }
    pair.dev[1]->precision = PRECISION_FULL;
    settle(max, sum, curves ? mean : NULL, square);
    same("lps, log of the sum", sum, tolerance[p]);
    same("lps, own", own, tolerance[p]);
    if (curves && p <= PRECISION_SPLIT) {
        same("lps, mean", mean, 20 * tolerance[p]);
        same("lps, square", square, 20 * tolerance[p]);
    }
}

static void adam_case(void)
{
    int d = some_size(MOST), steps = 1 + below(4), before = below(20);
    struct trio *grad = make(DT_F32, 1, d, 1), *x = make(DT_F32, 1, d, 1);
    struct trio *m = make(DT_F32, 1, d, 0.1), *v = make_filled(DT_F32, 1, d, 0.01);
    struct trio *taken = make_filled(DT_F64, 1, 1, before);
    float norm = below(2) ? 0.5F : 0;
    double decay = below(2) ? 0.3 : 0;
    bool square = below(2);

    ABOUT("%d, %d steps after %d, bound %g, decay %g%s", d, steps, before, (double)norm, decay,
          square ? " squared" : "");
    EACH_RUN(r)
    for (int i = 0; i < steps; i++)
        device_adam(pair.dev[r], grad->m[r],
                    (struct adam){.x = x->m[r],
                                  .m = m->m[r],
                                  .v = v->m[r],
                                  .steps = taken->m[r],
                                  .lr = 0.5F,
                                  .beta1 = 0.9F,
                                  .beta2 = 0.999F,
                                  .eps = 1e-8F,
                                  .max_norm = norm,
                                  .decay = decay,
                                  .square = square});
    same("adam", x, 1e-5);
    same("adam, first moment", m, 1e-5);
    same("adam, second moment", v, 1e-5);
    same("adam, steps", taken, 0);
}

static void delta_case(void)
{
    int rank = 1 + below(9), rows = some_size(MOST), cols = some_size(MOST);
    struct trio *r = make(DT_F32, rank, rows, 1), *x = make(DT_F32, rank, cols, 1);
    struct trio *w = make(DT_F32, rows, cols, 1);
    int out = below(cols);

    ABOUT("rank %d, %d x %d", rank, rows, cols);
    EACH_RUN(i)
    {
        device_fill(pair.dev[i], mat_cols(x->m[i], out, 1), 0);
        device_delta_apply(pair.dev[i], r->m[i], x->m[i], w->m[i]);
    }
    same("delta_apply", w, 0);
}

/* --- recorded ------------------------------------------------------------------------------------
 */

struct sequence {
    struct trio *x, *w, *y, *g, *loss, *grad, *a, *m, *v;
};

/* A few operations that read what they wrote before, as a step of an optimisation does. */
static void some_steps(struct device *dev, int r, const struct sequence *s, const int *label)
{
    device_gemm(dev, 1, s->x->m[r], false, s->w->m[r], true, 0, s->y->m[r]);
    device_cross_entropy(dev, s->y->m[r], label, 0.5F, s->loss->m[r], true);
    device_gemm(dev, 1, s->y->m[r], false, s->w->m[r], false, 0, s->g->m[r]);
    device_fill(dev, s->grad->m[r], 0);
    for (int i = 0; i < s->x->m[r].rows; i++)
        device_axpy(dev, 1, mat_rows(s->g->m[r], i, 1), s->grad->m[r]);
    device_axpy(dev, -0.1F, s->grad->m[r], s->x->m[r]);
}

/* Run 1 calls the operations one by one, run 2 launches their recording. */
static void recorded_case(void)
{
    int rows = 1 + below(7), d = some_size(MOST), cols = some_size(MOST), label[8];
    struct sequence s = {.x = make(DT_F32, rows, d, 1), .w = make(DT_F32, cols, d, 1)};
    enum { TIMES = 4 };

    ABOUT("%d x %d x %d", rows, d, cols);
    s.y = make(DT_F32, rows, cols, 0);
    s.g = make(DT_F32, rows, d, 0);
    s.loss = make(DT_F32, 1, rows, 0);
    s.grad = make(DT_F32, 1, d, 0);
    for (int i = 0; i < rows; i++)
        label[i] = below(cols);
    for (int r = 0; r < RUNS; r++) {
        struct device *dev = pair.dev[r];
        void *graph = NULL;
        int at = 0;

        some_steps(dev, r, &s, label); /* rooms grow outside of a recording */
        at++;
        if (r == 2 && dev->ops->graphs) {
            device_graph_begin(dev);
            some_steps(dev, r, &s, label);
            graph = device_graph_end(dev);
            CHECK(graph != NULL);
        }
        for (; at < TIMES; at++)
            if (graph)
                device_graph_launch(dev, graph);
            else
                some_steps(dev, r, &s, label);
        if (graph)
            device_graph_free(dev, graph);
    }
    same("recorded", s.x, 1e-5);
    same("recorded, loss", s.loss, 1e-5);
}

/* --- beyond 2^31 elements ----------------------------------------------------------------------
 */

#ifndef EMULATED
static void large(void)
{
    enum { ROWS = 40000, COLS = 60000 };
    struct device *dev = pair.dev[1];
    struct mat x, last;
    float end[3] = {0};
    struct err err = {0};

    if (getenv("GPU_CASES"))
        SKIP("GPU_CASES asks for little");
    if (device_free_memory(dev) < (size_t)ROWS * COLS * 4 + ((size_t)2 << 30))
        SKIP("less than 12 GB of memory are free on the GPU");
    x = mat_new(dev, DT_F32, ROWS, COLS);
    last = mat_cols(mat_rows(x, ROWS - 1, 1), COLS - 3, 3);
    device_fill(dev, x, 0.5);
    device_axpy(dev, 2, mat_rows(x, ROWS - 1, 1), mat_rows(x, ROWS / 2, ROWS / 2));
    device_download(dev, end, last);
    CHECK(device_sync(dev, &err));
    CHECK_STR(err.text, "");
    for (int i = 0; i < 3; i++)
        CHECK_NEAR((double)end[i], 1.5, 1e-6);
    mat_free(dev, &x);
}
#endif

#define CASE_TEST(name)                               \
    static void name(void)                            \
    {                                                 \
        cases(#name, number_of_cases(), name##_case); \
    }
CASE_TEST(copy)
CASE_TEST(stored)
CASE_TEST(elementwise)
CASE_TEST(gemm)
CASE_TEST(wide_gemm)
CASE_TEST(factors)
CASE_TEST(norm)
CASE_TEST(gated)
CASE_TEST(rope)
CASE_TEST(attention)
CASE_TEST(loss)
CASE_TEST(lps)
CASE_TEST(adam)
CASE_TEST(delta)
CASE_TEST(recorded)

static const struct test tests[] = {
    {"copy", copy},
    {"stored types", stored},
    {"elementwise", elementwise},
    {"gemm in every precision and type", gemm},
    {"gemm in float64", wide_gemm},
    {"gram, cholesky, eigenvectors", factors},
    {"norm", norm},
    {"gated", gated},
    {"rope", rope},
    {"attention", attention},
    {"losses", loss},
    {"log probability shift", lps},
    {"adam", adam},
    {"delta", delta},
    {"recorded", recorded},
#ifndef EMULATED
    {"more than 2^31 elements", large},
#endif
};

int main(void)
{
    struct err err = {0};
    int status;

    if (!pair_open(&err)) {
        printf("skip all: %s\n0 passed, 0 failed, %d skipped\n", err.text,
               (int)(sizeof(tests) / sizeof(*tests)));
        return 0;
    }
    status = test_main(tests, (int)(sizeof(tests) / sizeof(*tests)));
    pair_close();
    return status;
}
