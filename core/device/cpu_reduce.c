/* Symmetric matrices to tridiagonal form and back, with Householder reflectors in panels, as
 * LAPACK's dsytrd and dormtr do it (Golub and Van Loan, Matrix Computations, 8.3.1).
 *
 * To the BLAS, which stores by columns, a symmetric matrix by rows is the same matrix. All
 * comments here see columns: A(i, j) is a[j * lda + i], and only i >= j is used. Reflector c is
 * H = I - tau v v^T with v(c + 1) = 1, and v takes the place of column c below the diagonal.
 *
 * Half of the operations, 2/3 n^3, are products A v of the rest of the matrix, each of which reads
 * 4 (n - c)^2 bytes: 4/3 n^3 bytes in all, which is what limits it. */
#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/device/cpu_eigen.h"

enum {
    PANEL = 32,  /* reflectors before the rest of the matrix is updated */
    TILE = 384,  /* columns of A in a piece; a tile of TILE^2 numbers is in a core's cache */
    BLOCK = 128, /* reflectors that go back at a time */
    ROWS = 64    /* vectors in a piece on the way back */
};

static int min_of(int a, int b)
{
    return a < b ? a : b;
}

static int pieces_of(int n, int size)
{
    return (n + size - 1) / size;
}

struct product { /* y = S v, S the lower triangle a [n, n] */
    const double *a, *v;
    long lda;
    int n;
    double *part; /* [pieces][n]: what each column of tiles adds */
};

/* One column of tiles: the triangle on the diagonal, and below it tiles that count twice. A tile is
 * read from memory once: the second product finds it in the cache. */
static void product_piece(void *context, int piece, int worker)
{
    const struct product *s = context;
    int at = piece * TILE, cols = min_of(TILE, s->n - at);
    const double *a = s->a + (size_t)at * (size_t)s->lda;
    double *y = s->part + (size_t)piece * (size_t)s->n;

    (void)worker;
    cblas_dsymv(CblasColMajor, CblasLower, cols, 1, a + at, (int)s->lda, s->v + at, 1, 0, y + at,
                1);
    for (int r = at + cols; r < s->n; r += TILE) {
        int rows = min_of(TILE, s->n - r);

        cblas_dgemv(CblasColMajor, CblasNoTrans, rows, cols, 1, a + r, (int)s->lda, s->v + at, 1, 0,
                    y + r, 1);
        cblas_dgemv(CblasColMajor, CblasTrans, rows, cols, 1, a + r, (int)s->lda, s->v + r, 1, 1,
                    y + at, 1);
    }
}

static void symmetric_product(struct cpu *cpu, struct product *s, double *y)
{
    int pieces = pieces_of(s->n, TILE);

    cpu_pool_run(cpu->pool, pieces, product_piece, s);
    memcpy(y, s->part, (size_t)s->n * sizeof(*y));
    for (int p = 1; p < pieces; p++)
        for (int i = p * TILE; i < s->n; i++)
            y[i] += s->part[(size_t)p * (size_t)s->n + (size_t)i];
}

struct panel {
    double *w;     /* [PANEL][n] columns W: A := A - V W^T - W V^T */
    double *left;  /* [2 PANEL][n] columns V, W, and */
    double *right; /* [2 PANEL][n] W, V, of the update */
    double *part;  /* of struct product */
    double small[PANEL];
};

/* Makes x(2:) zero: H x = beta e1. v takes x's place, v(1) = 1. Returns beta. */
static double make_reflector(double *x, int n, double *tau)
{
    double alpha = x[0], rest = n > 1 ? cblas_dnrm2(n - 1, x + 1, 1) : 0, beta;

    x[0] = 1;
    *tau = 0;
    if (!(rest > 1e-290)) { /* nothing to do; or NaN, which is found at the end */
        memset(x + 1, 0, (size_t)(n - 1) * sizeof(*x));
        return isnan(rest) ? rest : alpha;
    }
    beta = -copysign(hypot(alpha, rest), alpha);
    *tau = (beta - alpha) / beta;
    cblas_dscal(n - 1, 1 / (alpha - beta), x + 1, 1);
    return beta;
}

/* out -= V (W^T x) + W (V^T x) over the first j columns of the panel; V and W begin at row `at`. */
static void subtract_update(const struct eigen *g, struct panel *p, int k, int j, int at, int rows,
                            const double *x, double *out)
{
    const double *v = g->a + (size_t)k * (size_t)g->lda + at, *w = p->w + at;

    if (!j)
        return;
    cblas_dgemv(CblasColMajor, CblasTrans, rows, j, 1, w, g->n, x, 1, 0, p->small, 1);
    cblas_dgemv(CblasColMajor, CblasNoTrans, rows, j, -1, v, (int)g->lda, p->small, 1, 1, out, 1);
    cblas_dgemv(CblasColMajor, CblasTrans, rows, j, 1, v, (int)g->lda, x, 1, 0, p->small, 1);
    cblas_dgemv(CblasColMajor, CblasNoTrans, rows, j, -1, w, g->n, p->small, 1, 1, out, 1);
}

/* Column c = k + j of the panel that begins at k. */
static void reduce_column(struct eigen *g, struct panel *p, int k, int j)
{
    int c = k + j, rows = g->n - c - 1;
    double *column = g->a + (size_t)c * (size_t)g->lda + c, *v = column + 1;
    double *w = p->w + (size_t)j * (size_t)g->n + c + 1;
    struct product s = {.a = v + g->lda, .v = v, .lda = g->lda, .n = rows, .part = p->part};

    if (j) { /* what the panel's columns before this one have changed in it */
        const double *above = g->a + (size_t)k * (size_t)g->lda + c;

        cblas_dgemv(CblasColMajor, CblasNoTrans, rows + 1, j, -1, above, (int)g->lda, p->w + c,
                    g->n, 1, column, 1);
        cblas_dgemv(CblasColMajor, CblasNoTrans, rows + 1, j, -1, p->w + c, g->n, above,
                    (int)g->lda, 1, column, 1);
    }
    g->d[c] = column[0];
    if (!rows)
        return;
    g->e[c] = make_reflector(v, rows, &g->tau[c]);
    symmetric_product(g->cpu, &s, w);
    subtract_update(g, p, k, j, c + 1, rows, v, w);
    cblas_dscal(rows, g->tau[c], w, 1);
    cblas_daxpy(rows, -0.5 * g->tau[c] * cblas_ddot(rows, w, 1, v, 1), v, 1, w, 1);
}

struct update { /* of the rest of the matrix by a panel of `count` */
    struct eigen *g;
    const struct panel *p;
    int at, count; /* the rest begins there */
};

static void update_piece(void *context, int piece, int worker)
{
    const struct update *u = context;
    int c = u->at + piece * TILE, n = u->g->n;

    (void)worker;
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, n - c, min_of(TILE, n - c), 2 * u->count,
                -1, u->p->left + c, n, u->p->right + c, n, 1,
                u->g->a + (size_t)c * (size_t)u->g->lda + c, (int)u->g->lda);
}

static void update_rest(struct eigen *g, struct panel *p, int k, int count)
{
    struct update u = {g, p, k + count, count};
    size_t n = (size_t)g->n, rest = n - (size_t)u.at;

    if (!rest)
        return;
    for (int j = 0; j < count; j++) {
        size_t v = (size_t)j * n + (size_t)u.at, w = (size_t)(count + j) * n + (size_t)u.at;
        const double *from = g->a + (size_t)(k + j) * (size_t)g->lda + u.at;

        memcpy(p->left + v, from, rest * sizeof(double));
        memcpy(p->left + w, p->w + v, rest * sizeof(double));
        memcpy(p->right + v, p->w + v, rest * sizeof(double));
        memcpy(p->right + w, from, rest * sizeof(double));
    }
    cpu_pool_run(g->cpu->pool, pieces_of((int)rest, TILE), update_piece, &u);
}

/* Operations still to do, as a share of all. */
static double share_left(int n, int c)
{
    double left = (double)(n - c) / n;

    return left * left * left;
}

static bool reduce_panels(struct eigen *g, struct panel *p, double from, double to)
{
    for (int k = 0; k < g->n; k += PANEL) {
        int count = min_of(PANEL, g->n - k);

        for (int j = 0; j < count; j++) {
            if (!eigen_goes_on(g, from + (to - from) * (1 - share_left(g->n, k + j))))
                return false;
            reduce_column(g, p, k, j);
        }
        update_rest(g, p, k, count);
    }
    return true;
}

/* The largest sum of a row of |T|; not finite if T is not. */
static double tridiagonal_norm(const struct eigen *g)
{
    double norm = 0;

    for (int i = 0; i < g->n; i++) {
        double row =
            fabs(g->d[i]) + (i ? fabs(g->e[i - 1]) : 0) + (i + 1 < g->n ? fabs(g->e[i]) : 0);

        if (!isfinite(row))
            return row;
        norm = row > norm ? row : norm;
    }
    return norm;
}

bool eigen_reduce(struct eigen *g, double from, double to)
{
    size_t n = (size_t)g->n, tiles = (size_t)pieces_of(g->n, TILE);
    double *room = malloc((5 * PANEL + tiles) * n * sizeof(*room));
    struct panel p = {.w = room};
    bool ok;

    if (!room)
        return err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory to decompose a %d x %d matrix",
                       g->n, g->n);
    p.left = room + PANEL * n;
    p.right = p.left + 2 * PANEL * n;
    p.part = p.right + 2 * PANEL * n;
    ok = reduce_panels(g, &p, from, to);
    free(room);
    if (!ok)
        return false;
    g->norm = tridiagonal_norm(g);
    if (!isfinite(g->norm))
        return err_set(&g->cpu->dev.fault, ERR_DEVICE,
                       "eigenvectors of a %d x %d matrix failed; is every value finite?", g->n,
                       g->n);
    for (int i = 0; i < g->n && g->norm > 0; i++) {
        g->d[i] /= g->norm;
        g->e[i] /= g->norm;
    }
    return true;
}

/* BLOCK reflectors from k on as I - V S V^T, S [count, count] upper triangular, by columns. */
static void block_factor(const struct eigen *g, int k, int count, double *s)
{
    const double *v = g->a + (size_t)k * (size_t)g->lda + k + 1;
    double gram[BLOCK * BLOCK];

    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, count, count, g->n - k - 1, 1, v,
                (int)g->lda, v, (int)g->lda, 0, gram, BLOCK);
    for (int j = 0; j < count; j++) {
        double *column = s + j * BLOCK, tau = g->tau[k + j];

        memset(column, 0, BLOCK * sizeof(*column));
        for (int i = 0; i < j; i++)
            column[i] = -tau * gram[j * BLOCK + i];
        if (j)
            cblas_dtrmv(CblasColMajor, CblasUpper, CblasNoTrans, CblasNonUnit, j, s, BLOCK, column,
                        1);
        column[j] = tau;
    }
}

struct expansion {
    const struct eigen *g;
    const double *s;
    int k, count;
    int row, rows; /* vectors */
    double *room;  /* [pieces][ROWS][BLOCK] */
};

/* X := X - (X V) S^T V^T for some rows of X. Their columns before k + 1 stay. */
static void expand_piece(void *context, int piece, int worker)
{
    const struct expansion *x = context;
    const struct eigen *g = x->g;
    int row = x->row + piece * ROWS, rows = min_of(ROWS, x->row + x->rows - row);
    int cols = g->n - x->k - 1;
    const double *v = g->a + (size_t)x->k * (size_t)g->lda + x->k + 1; /* by rows: V^T */
    double *to = g->vector + (size_t)row * (size_t)g->n + x->k + 1;
    double *room = x->room + (size_t)piece * ROWS * BLOCK;

    (void)worker;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, x->count, cols, 1, to, g->n, v,
                (int)g->lda, 0, room, BLOCK);
    /* S by columns is S^T by rows */
    cblas_dtrmm(CblasRowMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, rows, x->count,
                1, x->s, BLOCK, room, BLOCK);
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rows, cols, x->count, -1, room, BLOCK, v,
                (int)g->lda, 1, to, g->n);
}

/* The places of V above its ones hold what is left of A: zero. */
static void clear_above(struct eigen *g, int k, int count)
{
    for (int j = 1; j < count; j++)
        memset(g->a + (size_t)(k + j) * (size_t)g->lda + k + 1, 0, (size_t)j * sizeof(double));
}

bool eigen_expand(struct eigen *g, double from, double to)
{
    int reflectors = g->n - 1, blocks = pieces_of(reflectors, BLOCK), wanted = g->n - g->first;
    int step = 4 * g->cpu->dev.threads * ROWS;
    size_t factor = (size_t)BLOCK * BLOCK;
    double *s = malloc(((size_t)blocks * factor + (size_t)step * BLOCK + 1) * sizeof(*s));
    bool ok = s != NULL;

    if (!ok)
        return err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory for %d eigenvectors", wanted);
    for (int b = 0; ok && b < blocks; b++) {
        clear_above(g, b * BLOCK, min_of(BLOCK, reflectors - b * BLOCK));
        block_factor(g, b * BLOCK, min_of(BLOCK, reflectors - b * BLOCK), s + (size_t)b * factor);
        ok = eigen_goes_on(g, from);
    }
    for (int row = 0; ok && row < wanted; row += step)
        for (int b = blocks - 1; ok && b >= 0; b--) {
            struct expansion x = {.g = g,
                                  .s = s + (size_t)b * factor,
                                  .k = b * BLOCK,
                                  .count = min_of(BLOCK, reflectors - b * BLOCK),
                                  .row = row,
                                  .rows = min_of(step, wanted - row),
                                  .room = s + (size_t)blocks * factor};

            cpu_pool_run(g->cpu->pool, pieces_of(x.rows, ROWS), expand_piece, &x);
            ok = eigen_goes_on(g, from + (to - from) * (row + x.rows * (1 - (double)b / blocks)) /
                                             wanted);
        }
    free(s);
    return ok;
}
