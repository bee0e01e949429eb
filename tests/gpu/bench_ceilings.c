/* The ceilings of this machine, measured with NVIDIA's libraries in the same run: copy bandwidth
 * and products. All other measurements are compared with them. */
#include <string.h>

#include "tests/gpu/bench.h"
#if HAVE_CUDA
#include "gpu/cuda.h"
#include "gpu/internal.h"
#endif

enum { U_TILE = 4096 };

static bool is_cuda(const struct bench *b)
{
    return !strcmp(b->dev->ops->name, "cuda");
}

bool bench_fuse(struct bench *b, enum precision p, bool fused)
{
    bool units = p == PRECISION_SPLIT || p == PRECISION_BF16; /* the kernel multiplies bfloat16 */

    if (!is_cuda(b))
        return !fused;
#if HAVE_CUDA
    cuda_of(b->dev)->lps.path = fused && units ? LPS_FUSED : LPS_TILES;
#endif
    return !fused || units;
}

/* A window of an operand at a place of its own. */
static void *place(struct mat pool, long elements, int turn, size_t each)
{
    long room = pool.stride - elements, step = elements / 64 * 64 + 64;

    return (char *)pool.data + (size_t)(room > 0 ? (long)turn * step % room / 64 * 64 : 0) * each;
}

struct copy {
    struct bench *b;
    struct mat from, to;
    long bytes;
};

static void copy_turn(void *ctx, int turn)
{
    struct copy *c = ctx;
    long n = c->bytes / 4;

    (void)turn;
#if HAVE_CUDA
    if (is_cuda(c->b)) {
        cuda_ok(c->b->dev,
                cudaMemcpyAsync(c->to.data, c->from.data, (size_t)c->bytes,
                                cudaMemcpyDeviceToDevice, cuda_of(c->b->dev)->stream),
                "copy");
        return;
    }
#endif
    device_copy(c->b->dev, (struct mat){c->from.data, DT_F32, 1, (int)n, n},
                (struct mat){c->to.data, DT_F32, 1, (int)n, n});
}

struct square {
    struct bench *b;
    int m, n, k;
    struct mat a, w, c; /* pools: float32, bfloat16 if `stored`, float32 */
    bool wide;          /* float64 */
    bool stored;        /* both factors are bfloat16: cuBLAS itself */
};

#if HAVE_CUDA
/* c = a w, bfloat16 in, float32 out, on the tensor cores: what cuBLAS takes. */
static void stored_product(struct square *s, int turn)
{
    struct cuda *self = cuda_of(s->b->dev);
    float one = 1, zero = 0;
    cublasStatus_t rc =
        self->api->gemm_ex(self->blas, CUBLAS_OP_N, CUBLAS_OP_N, s->n, s->m, s->k, &one,
                           place(s->w, (long)s->k * s->n, turn, 2), CUDA_R_16BF, s->n,
                           place(s->w, (long)s->m * s->k, turn + 1, 2), CUDA_R_16BF, s->k, &zero,
                           s->c.data, CUDA_R_32F, s->n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);

    if (rc != CUBLAS_STATUS_SUCCESS)
        err_set(&s->b->dev->fault, ERR_DEVICE, "gemm: %s", self->api->status(rc));
}
#endif

static void square_turn(void *ctx, int turn)
{
    struct square *s = ctx;
    enum dtype type = s->wide ? DT_F64 : DT_F32;
    size_t each = s->wide ? 8 : 4;
    struct mat a = {place(s->a, (long)s->m * s->k, turn, each), type, s->m, s->k, s->k};
    struct mat b = {place(s->a, (long)s->k * s->n, turn + 1, each), type, s->k, s->n, s->n};
    struct mat c = {s->c.data, type, s->m, s->n, s->n};

#if HAVE_CUDA
    if (s->stored) {
        stored_product(s, turn);
        return;
    }
#endif
    device_gemm(s->b->dev, 1, a, false, b, false, 0, c);
}

/* Operations a second of c [m, n] = a [m, k] b [k, n]. */
static double rate_of(struct bench *b, struct square s, enum precision precision)
{
    double seconds;

    b->dev->precision = precision;
    seconds = bench_time(b, square_turn, &s, true, NULL, NULL);
    b->dev->precision = PRECISION_FULL;
    return 2.0 * s.m * s.n * s.k / seconds;
}

static void products(struct bench *b, struct square s, double *rate)
{
    for (int p = 0; p < PRECISION_COUNT; p++)
        if (is_cuda(b) || p == PRECISION_FULL) /* the CPU has one way */
            rate[p] = rate_of(b, s, (enum precision)p);
    if (!is_cuda(b))
        return;
    s.stored = true;
    rate[RATE_STORED_BF16] = rate_of(b, s, PRECISION_FULL);
}

/* float64, on numbers widened from float32. */
static double wide_rate(struct bench *b, int n)
{
    struct mat a = mat_new(b->dev, DT_F64, n, n), w = mat_new(b->dev, DT_F64, n, n);
    struct mat c = mat_new(b->dev, DT_F64, n, n);
    struct mat noise = bench_noise(b, DT_F32, (long)n * n, 5);
    struct square s = {.b = b, .m = n, .n = n, .k = n, .a = w, .c = c, .wide = true};
    double rate;

    device_copy(b->dev, (struct mat){noise.data, DT_F32, n, n, n}, a);
    device_copy(b->dev, (struct mat){noise.data, DT_F32, n, n, n}, w);
    s.a = a;
    s.a.stride = (long)n * n;
    rate = rate_of(b, s, PRECISION_FULL);
    bench_drop(b, &noise);
    mat_free(b->dev, &a);
    mat_free(b->dev, &w);
    mat_free(b->dev, &c);
    return rate;
}

void bench_ceilings(struct bench *b, const struct shape *s)
{
    int n = b->small ? 64 : is_cuda(b) ? 8192 : 1024, tile = b->small ? 128 : U_TILE;
    long most = (long)tile * s->ffn, square = (long)n * n;
    long each = square > most ? square : most, ffn = (long)s->hidden * s->ffn;
    struct copy copy = {.b = b, .bytes = b->small ? 1 << 16 : is_cuda(b) ? 1L << 30 : 1L << 26};
    struct square sq = {.b = b, .m = n, .n = n, .k = n};

    copy.from = bench_noise(b, DT_F32, copy.bytes / 4, 1);
    copy.to = bench_noise(b, DT_F32, copy.bytes / 4, 2);
    b->copy = 2.0 * (double)copy.bytes / bench_time(b, copy_turn, &copy, true, NULL, NULL);
    bench_drop(b, &copy.from);
    bench_drop(b, &copy.to);
    sq.a = bench_noise(b, DT_F32, 2 * (ffn > each ? ffn : each) + 256, 3);
    sq.w = bench_noise(b, DT_BF16, 2 * (ffn > each ? ffn : each) + 256, 4);
    sq.c = bench_noise(b, DT_F32, each, 5);
    products(b, sq, b->rate);
    sq.m = tile;
    sq.n = s->ffn;
    sq.k = s->hidden;
    products(b, sq, b->u_rate);
    bench_drop(b, &sq.a);
    bench_drop(b, &sq.w);
    bench_drop(b, &sq.c);
    b->rate[RATE_F64] = b->u_rate[RATE_F64] = wide_rate(b, b->small ? 48 : is_cuda(b) ? 4096 : 512);
}
