/* Products of a few rows with a transposed matrix, c = alpha a b^T + beta c. Generating a token is
 * little else, and it is limited by reading b. So each row of b is read once, in its stored type,
 * from start to end. A sum is made in the same order whatever the type, the number of rows and the
 * number of threads: a stored weight and its float32 copy give the same bits. */
#include "core/device/cpu.h"
#include "core/device/dtype_avx2.h"

enum {
    CHUNK = 2048,      /* elements of b converted at a time: a multiple of every type's block */
    PIECE = 1 << 15,   /* elements of b in a piece */
    ALONE = 2 * PIECE, /* up to this many are not worth waking another thread */
};

struct gemv {
    const struct cpu_loops *loops;
    float alpha, beta;
    struct mat a, b, c;
    int step; /* rows of b in a piece */
};

/* Adds the products of rows of a with elements k .. k + count - 1 of row n of b to sum. A single
 * row is multiplied while b is converted: the same bits, and nothing is stored. */
static void product_chunk(const struct gemv *g, int n, int k, int count, float *sum)
{
    float converted[CHUNK], alone;
    const void *stored = row_bytes(g->b, n) + dtype_row_bytes(g->b.type, k);
    const float *b = converted;

    if (g->a.rows == 1 && dtype_avx2_dot(g->b.type, stored, row_f32(g->a, 0) + k, count, &alone)) {
        *sum += alone;
        return;
    }
    if (g->b.type == DT_F32)
        b = row_f32(g->b, n) + k;
    else
        dtype_to_float(g->b.type, stored, converted, count);
    for (int i = 0; i < g->a.rows; i++)
        sum[i] += g->loops->dot(row_f32(g->a, i) + k, b, count);
}

/* Computes column n of c: row n of b, chunk by chunk in order. */
static void product_column(const struct gemv *g, int n)
{
    float sum[DEVICE_FEW_ROWS] = {0};

    for (int k = 0; k < g->b.cols; k += CHUNK)
        product_chunk(g, n, k, g->b.cols - k < CHUNK ? g->b.cols - k : CHUNK, sum);
    for (int i = 0; i < g->a.rows; i++) {
        float *c = row_f32(g->c, i) + n, x = g->alpha * sum[i];

        *c = g->beta != 0 ? g->beta * *c + x : x;
    }
}

static void product_columns(void *context, int piece, int worker)
{
    const struct gemv *g = context;
    int first = piece * g->step;

    (void)worker;
    for (int n = first; n < first + g->step && n < g->b.rows; n++)
        product_column(g, n);
}

void cpu_gemv(struct cpu *cpu, float alpha, struct mat a, struct mat b, float beta, struct mat c)
{
    struct gemv g = {cpu->loops, alpha, beta, a, b, c, b.rows};

    if ((long)b.rows * b.cols > ALONE)
        g.step = (PIECE + b.cols - 1) / b.cols;
    cpu_pool_run(cpu->pool, (b.rows + g.step - 1) / g.step, product_columns, &g);
}
