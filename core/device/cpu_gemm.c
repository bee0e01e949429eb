/* Matrix products on the CPU. The output is cut into pieces, and the BLAS computes each piece on
 * one thread. The pieces depend on the shape alone, and a stored weight is converted to float32
 * piece by piece into scratch. So neither the number of threads nor a float32 copy of the weight
 * changes the bits. */
#include "core/device/cpu.h"

#include <cblas.h>
#include <pthread.h>

#include "core/base/thread.h"

enum {
    PIECE_ROWS = 512,  /* rows of c in a piece at most */
    PIECE_COLS = 256,  /* columns of c in a piece at most: a multiple of every type's block */
    DEPTH = 512,       /* rows of b converted at a time if the sum runs over them */
    PIECES_WANTED = 8, /* make pieces smaller until there are this many */
    FEWEST_ROWS = 64,  /* but not of fewer rows: every piece packs its columns of b */
    SMALL = 1 << 16    /* products of fewer multiply-adds are not split */
};

struct product {
    struct cpu *cpu;
    double alpha, beta;
    struct mat a, b, c;
    bool ta, tb;
    int depth;          /* length of the sums */
    int step_m, step_n; /* rows and columns of c in a piece */
    int count_n;        /* pieces side by side */
};

/* OpenBLAS exports it without declaring it; builds without threads do not have it. */
int blas_thread_shutdown_(void) __attribute__((weak));

/* Threads that OpenBLAS starts meanwhile inherit the signal mask. */
static void set_threads(int threads, bool restart)
{
    sigset_t old;

    thread_mask(&old);
    if (restart && blas_thread_shutdown_)
        blas_thread_shutdown_();
    openblas_set_num_threads(threads);
    thread_unmask(&old);
}

static void restart_threads(void)
{
    set_threads(1, true);
}

void cpu_blas_start(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, restart_threads);
    cpu_blas_threads(1);
}

void cpu_blas_threads(int threads)
{
    set_threads(threads, false);
}

static CBLAS_TRANSPOSE blas_trans(bool transposed)
{
    return transposed ? CblasTrans : CblasNoTrans;
}

static void product_f64(const struct product *p, int m0, int m, int n0, int n)
{
    const double *a = row_f64(p->a, p->ta ? 0 : m0) + (p->ta ? m0 : 0);
    const double *b = row_f64(p->b, p->tb ? n0 : 0) + (p->tb ? 0 : n0);

    cblas_dgemm(CblasRowMajor, blas_trans(p->ta), blas_trans(p->tb), m, n, p->depth, p->alpha, a,
                (int)p->a.stride, b, (int)p->b.stride, p->beta, row_f64(p->c, m0) + n0,
                (int)p->c.stride);
}

/* c = alpha op(a) op(b) + beta c on float32 windows of m x k, k x n and m x n. */
static void product_f32(const struct product *p, int m, int n, int k, const float *a,
                        const float *b, long ldb, float beta, float *c)
{
    float alpha = (float)p->alpha;
    long lda = p->a.stride;

    if (m > DEVICE_FEW_ROWS) { /* for fewer rows gemv reads b up to five times faster */
        cblas_sgemm(CblasRowMajor, blas_trans(p->ta), blas_trans(p->tb), m, n, k, alpha, a,
                    (int)lda, b, (int)ldb, beta, c, (int)p->c.stride);
        return;
    }
    for (int i = 0; i < m; i++)
        cblas_sgemv(CblasRowMajor, p->tb ? CblasNoTrans : CblasTrans, p->tb ? n : k, p->tb ? k : n,
                    alpha, b, (int)ldb, p->ta ? a + i : a + i * lda, p->ta ? (int)lda : 1, beta,
                    c + i * p->c.stride, 1);
}

/* Rows r0 .. r0+rows, columns c0 .. c0+cols of b as float32: b itself, or converted into the
 * worker's scratch. */
static const float *product_window(const struct product *p, int worker, int r0, int rows, int c0,
                                   int cols, long *ld)
{
    float *out = p->cpu->scratch[worker];

    if (p->b.type == DT_F32) {
        *ld = p->b.stride;
        return row_f32(p->b, r0) + c0;
    }
    for (int r = 0; r < rows; r++)
        dtype_to_float(p->b.type, row_bytes(p->b, r0 + r) + dtype_row_bytes(p->b.type, c0),
                       out + (size_t)r * (size_t)cols, cols);
    *ld = cols;
    return out;
}

static void product_piece(void *context, int piece, int worker)
{
    const struct product *p = context;
    int m0 = piece / p->count_n * p->step_m, n0 = piece % p->count_n * p->step_n;
    int m = p->c.rows - m0 < p->step_m ? p->c.rows - m0 : p->step_m;
    int n = p->c.cols - n0 < p->step_n ? p->c.cols - n0 : p->step_n;
    float *c = row_f32(p->c, m0) + n0;
    long ld;

    if (p->c.type == DT_F64) {
        product_f64(p, m0, m, n0, n);
    } else if (p->tb) {
        const float *b = product_window(p, worker, n0, n, 0, p->depth, &ld);
        const float *a = p->ta ? row_f32(p->a, 0) + m0 : row_f32(p->a, m0);

        product_f32(p, m, n, p->depth, a, b, ld, (float)p->beta, c);
    } else {
        for (int k0 = 0; k0 < p->depth; k0 += DEPTH) {
            int k = p->depth - k0 < DEPTH ? p->depth - k0 : DEPTH;
            const float *b = product_window(p, worker, k0, k, n0, n, &ld);
            const float *a = p->ta ? row_f32(p->a, k0) + m0 : row_f32(p->a, m0) + k0;

            product_f32(p, m, n, k, a, b, ld, k0 ? 1.0F : (float)p->beta, c);
        }
    }
}

static int product_pieces(const struct product *p)
{
    return (p->c.rows + p->step_m - 1) / p->step_m * ((p->c.cols + p->step_n - 1) / p->step_n);
}

/* Chooses the size of the pieces from the shape alone. Columns are cut at whole blocks. */
static void product_plan(struct product *p)
{
    int block = !p->tb && p->c.cols % 256 == 0 ? 256 : 32;

    p->step_m = PIECE_ROWS;
    p->step_n = PIECE_COLS;
    if (p->tb) /* a piece converts step_n whole rows of b: at most 4 MiB, near the cache */
        while (p->step_n > 32 && (long)p->step_n * p->depth > 1L << 20)
            p->step_n /= 2;
    if ((double)p->c.rows * p->c.cols * p->depth <= (double)SMALL) {
        p->step_n = p->c.cols > 0 && p->c.cols < PIECE_COLS ? p->c.cols : PIECE_COLS;
    } else {
        while (p->step_n > block && product_pieces(p) < PIECES_WANTED)
            p->step_n /= 2;
        while (p->step_m > FEWEST_ROWS && product_pieces(p) < PIECES_WANTED &&
               p->c.rows > FEWEST_ROWS)
            p->step_m /= 2;
    }
    p->count_n = (p->c.cols + p->step_n - 1) / p->step_n;
}

void cpu_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
              double beta, struct mat c)
{
    struct cpu *cpu = (struct cpu *)dev;
    struct product p = {.cpu = cpu,
                        .alpha = alpha,
                        .beta = beta,
                        .a = a,
                        .b = b,
                        .c = c,
                        .ta = ta,
                        .tb = tb,
                        .depth = ta ? a.rows : a.cols};

    if (!c.rows || !c.cols)
        return;
    if (c.type == DT_F32 && !ta && tb && c.rows <= DEVICE_FEW_ROWS) {
        cpu_gemv(cpu, (float)alpha, a, b, (float)beta, c);
        return;
    }
    product_plan(&p);
    if (c.type == DT_F32 && b.type != DT_F32) {
        size_t rows = tb ? (size_t)p.step_n : DEPTH, cols = tb ? (size_t)p.depth : (size_t)p.step_n;

        if (!cpu_scratch(cpu, rows * cols * sizeof(float) + 64))
            return;
    }
    if (!p.depth) { /* empty sums: c = beta c */
        for (int r = 0; r < c.rows; r++)
            for (int i = 0; i < c.cols; i++) {
                if (c.type == DT_F64)
                    row_f64(c, r)[i] = beta != 0 ? beta * row_f64(c, r)[i] : 0;
                else
                    row_f32(c, r)[i] = beta != 0 ? (float)beta * row_f32(c, r)[i] : 0;
            }
        return;
    }
    cpu_pool_run(cpu->pool, product_pieces(&p), product_piece, &p);
}
