/* The largest eigenvalues and their vectors of a tridiagonal matrix T of norm 1.
 *
 * Values: Sturm's theorem counts how many are below x, from the signs of the pivots of T - x; so
 * each is found by bisection, to the last bit of the norm, whatever its neighbours are.
 *
 * Vectors: inverse iteration, each from a random start of its own. Where eigenvalues are far apart,
 * beside rounding, the results are orthogonal to some digits. Where they are not, shifts are moved
 * apart, beyond what rounding can tell: the results are random vectors of the space that belongs to
 * all of these values, and so independent. One Cholesky
 * factorisation of all products, G = X X^T = L L^T, X := L^-1 X, makes them orthonormal without
 * leaving the space; where G is far from I, once more (Stathopoulos and Wu 2002, SIAM J. Sci.
 * Comput. 23). Vectors of close values are a basis of their common space, as those of LAPACK.
 *
 * Of all orthonormal x_i, the ones of the largest values have the largest sum of x_i T x_i, which
 * is the sum of these values (Ky Fan). The end compares the two sums. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/device/cpu_eigen.h"

void dpotrf_(const char *triangle, const int *n, double *a, const int *lda, int *info,
             size_t triangle_len);

enum {
    LANES = 8,     /* values that are bisected together */
    HALVINGS = 56, /* of an interval of length 2: below the last bit of 1 */
    SOLVES = 3,
    MOST_SOLVES = 12,
    TILE = 128, /* rows of G in a piece */
    SLAB = 64   /* columns of X in a piece */
};

static int min_of(int a, int b)
{
    return a < b ? a : b;
}

static int pieces_of(int n, int size)
{
    return (n + size - 1) / size;
}

/* below[k] = how many eigenvalues are below x[k]. */
static void count_below(const struct eigen *g, const double *x, int *below)
{
    double pivot[LANES], count[LANES] = {0};

    for (int k = 0; k < LANES; k++)
        pivot[k] = 1;
    for (int i = 0; i < g->n; i++) {
        double d = g->d[i], e = i ? g->e[i - 1] : 0, square = e * e;

        for (int k = 0; k < LANES; k++) {
            double p = d - x[k] - square / pivot[k];

            p = fabs(p) < DBL_MIN ? -DBL_MIN : p;
            pivot[k] = p;
            count[k] += p < 0 ? 1 : 0;
        }
    }
    for (int k = 0; k < LANES; k++)
        below[k] = (int)count[k];
}

/* [low, high[ becomes a last interval that holds the eigenvalue with this index. */
static void bisect_values(const struct eigen *g, const int *index, double *low, double *high)
{
    double x[LANES];
    int below[LANES];

    for (int k = 0; k < LANES; k++) {
        low[k] = -1 - 8 * DBL_EPSILON;
        high[k] = 1 + 8 * DBL_EPSILON;
    }
    for (int turn = 0; turn < HALVINGS; turn++) {
        for (int k = 0; k < LANES; k++)
            x[k] = (low[k] + high[k]) / 2;
        count_below(g, x, below);
        for (int k = 0; k < LANES; k++)
            *(below[k] > index[k] ? &high[k] : &low[k]) = x[k];
    }
}

void eigen_choose(struct eigen *g)
{
    double x[LANES], high[LANES];
    int index[LANES], below[LANES];

    for (int k = 0; k < LANES; k++) {
        index[k] = g->top->first < 0 ? 0 : g->top->first;
        x[k] = g->norm > 0 ? g->top->least / g->norm : g->top->least;
    }
    g->first = g->n;
    if (!(g->top->least > 0) && index[0] >= g->n)
        return;
    if (!(g->top->least > 0))
        bisect_values(g, index, x, high);
    count_below(g, x, below); /* with those that are equal to it */
    g->first = below[0];
}

/* Calls work() for pieces 0 .. pieces-1, some at a time, as long as the job goes on. */
struct round {
    struct eigen *g;
    void *data;
    void (*work)(struct eigen *g, void *data, int piece, int worker);
    int begin;
};

static void round_piece(void *context, int piece, int worker)
{
    const struct round *r = context;

    r->work(r->g, r->data, r->begin + piece, worker);
}

static bool run_rounds(struct eigen *g, int pieces, double from, double to,
                       void (*work)(struct eigen *g, void *data, int piece, int worker), void *data)
{
    struct round r = {g, data, work, 0};
    int step = g->cpu->dev.threads;

    for (; r.begin < pieces; r.begin += step) {
        int end = min_of(r.begin + step, pieces);

        cpu_pool_run(g->cpu->pool, end - r.begin, round_piece, &r);
        if (!eigen_goes_on(g, from + (to - from) * end / pieces))
            return false;
    }
    return true;
}

static void values_piece(struct eigen *g, void *data, int piece, int worker)
{
    double low[LANES], high[LANES];
    int index[LANES], last = g->n - g->first - 1;

    (void)data;
    (void)worker;
    for (int k = 0; k < LANES; k++)
        index[k] = g->first + min_of(piece * LANES + k, last);
    bisect_values(g, index, low, high);
    for (int k = 0; k < LANES && piece * LANES + k <= last; k++)
        g->value[piece * LANES + k] = (low[k] + high[k]) / 2;
}

bool eigen_values(struct eigen *g, double from, double to)
{
    return run_rounds(g, pieces_of(g->n - g->first, LANES), from, to, values_piece, NULL);
}

/* ---- vectors ---- */

struct factors { /* of T - x with row exchanges: L, of one number a row, and U, of three */
    double *l, *u, *u1, *u2; /* [n]; u: 1 / diagonal */
    bool *exchanged;         /* [n] */
};

/* Pivots that are zero to the last bit become that bit: the solution only has to be large. */
static double pivot_inverse(double pivot)
{
    return 1 / (fabs(pivot) < DBL_EPSILON / 4 ? copysign(DBL_EPSILON / 4, pivot) : pivot);
}

static void factorise(const struct eigen *g, double x, const struct factors *f)
{
    double p = g->d[0] - x, q = g->n > 1 ? g->e[0] : 0;
    int last = g->n - 1;

    for (int i = 0; i < last; i++) {
        double below = g->e[i], d = g->d[i + 1] - x, next = i + 1 < last ? g->e[i + 1] : 0, m;

        f->exchanged[i] = fabs(p) < fabs(below);
        if (f->exchanged[i]) {
            m = p / below;
            f->u[i] = pivot_inverse(below);
            f->u1[i] = d;
            f->u2[i] = next;
            p = q - m * d;
            q = -m * next;
        } else {
            m = p != 0 ? below / p : 0;
            f->u[i] = pivot_inverse(p);
            f->u1[i] = q;
            f->u2[i] = 0;
            p = d - m * q;
            q = next;
        }
        f->l[i] = m;
    }
    f->u[last] = pivot_inverse(p);
}

static void solve_factors(const struct factors *f, int n, double *y)
{
    double right = 0, next = 0;

    for (int i = 0; i + 1 < n; i++) {
        double a = y[i], b = y[i + 1];

        y[i] = f->exchanged[i] ? b : a;
        y[i + 1] = f->exchanged[i] ? a - f->l[i] * b : b - f->l[i] * a;
    }
    for (int i = n - 1; i >= 0; i--) {
        double value = y[i];

        if (i + 1 < n)
            value -= f->u1[i] * right;
        if (i + 2 < n)
            value -= f->u2[i] * next;
        next = right;
        right = y[i] = value * f->u[i];
    }
}

static void random_start(double *y, int n, uint64_t seed)
{
    for (int i = 0; i < n; i++)
        y[i] = rng_unit(&seed) - 0.5;
    cblas_dscal(n, 1 / cblas_dnrm2(n, y, 1), y, 1);
}

struct inversion {
    double *shift;   /* [n - first] */
    double *room;    /* [threads][4][n] */
    bool *exchanged; /* [threads][n] */
    bool *found;     /* [n - first] */
};

/* Values that differ by less than this are one to inverse iteration. */
#define APART (4 * DBL_EPSILON)

/* One vector. The solution of (T - x) y = start, of length 1, is 1 / |x - lambda| long. */
static void vectors_piece(struct eigen *g, void *data, int piece, int worker)
{
    const struct inversion *v = data;
    size_t n = (size_t)g->n;
    double *room = v->room + (size_t)worker * 4 * n, *y = g->vector + (size_t)piece * n;
    struct factors f = {room, room + n, room + 2 * n, room + 3 * n,
                        v->exchanged + (size_t)worker * n};

    factorise(g, v->shift[piece], &f);
    random_start(y, g->n, (uint64_t)(g->first + piece) + 1);
    for (int turn = 1; turn <= MOST_SOLVES && !v->found[piece]; turn++) {
        double length;

        solve_factors(&f, g->n, y);
        length = cblas_dnrm2(g->n, y, 1);
        if (!isfinite(length) || length <= 0)
            return;
        cblas_dscal(g->n, 1 / length, y, 1);
        v->found[piece] = turn >= SOLVES && length * APART * g->n > 1e-3;
    }
}

static bool fail_vectors(const struct eigen *g, const char *what)
{
    return err_set(&g->cpu->dev.fault, ERR_DEVICE, "eigenvectors of a %d x %d matrix failed: %s",
                   g->n, g->n, what);
}

static bool invert(struct eigen *g, double from, double to)
{
    int threads = g->cpu->dev.threads, wanted = g->n - g->first;
    size_t n = (size_t)g->n;
    struct inversion v = {malloc((size_t)wanted * sizeof(double)),
                          malloc((size_t)threads * 4 * n * sizeof(double)),
                          malloc((size_t)threads * n), calloc((size_t)wanted, 1)};
    bool ok = v.shift && v.room && v.exchanged && v.found;

    if (!ok)
        err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory for %d eigenvectors", wanted);
    for (int i = 0; ok && i < wanted; i++)
        v.shift[i] = i ? fmax(g->value[i], v.shift[i - 1] + APART) : g->value[i];
    ok = ok && run_rounds(g, wanted, from, to, vectors_piece, &v);
    for (int i = 0; ok && i < wanted; i++)
        ok = v.found[i] || fail_vectors(g, "inverse iteration does not converge");
    free(v.shift);
    free(v.room);
    free(v.exchanged);
    free(v.found);
    return ok;
}

/* ---- orthonormal ---- */

struct gram {
    double *a; /* [r][r] the lower triangle: G, then L */
    int r;
    int at, size; /* of the block column at work */
};

static double *gram_at(const struct gram *m, int row, int col)
{
    return m->a + (size_t)row * (size_t)m->r + col;
}

/* A row of tiles of G = X X^T. */
static void products_piece(struct eigen *g, void *data, int piece, int worker)
{
    const struct gram *m = data;
    int row = piece * TILE, rows = min_of(TILE, m->r - row);
    const double *x = g->vector + (size_t)row * (size_t)g->n;

    (void)worker;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, row + rows, g->n, 1, x, g->n,
                g->vector, g->n, 0, gram_at(m, row, 0), m->r);
}

/* The largest sum of a row of |G - I|. */
static double gram_distance(const struct gram *m)
{
    double *sum = calloc((size_t)m->r + 1, sizeof(*sum)), most = 0;

    for (int i = 0; sum && i < m->r; i++)
        for (int j = 0; j <= i; j++) {
            double off = fabs(*gram_at(m, i, j) - (i == j));

            sum[i] += off;
            sum[j] += i == j ? 0 : off;
        }
    for (int i = 0; sum && i < m->r; i++)
        most = sum[i] > most ? sum[i] : most;
    free(sum);
    return sum ? most : (double)INFINITY;
}

/* A tile below the diagonal of a block column: L_ik = G_ik L_kk^-T. */
static void column_piece(struct eigen *g, void *data, int piece, int worker)
{
    const struct gram *m = data;
    int row = m->at + m->size + piece * TILE;

    (void)g;
    (void)worker;
    cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit,
                min_of(TILE, m->r - row), m->size, 1, gram_at(m, m->at, m->at), m->r,
                gram_at(m, row, m->at), m->r);
}

/* A row of tiles behind it: G_ij -= L_ik L_jk^T. */
static void behind_piece(struct eigen *g, void *data, int piece, int worker)
{
    const struct gram *m = data;
    int begin = m->at + m->size, row = begin + piece * TILE, rows = min_of(TILE, m->r - row);

    (void)g;
    (void)worker;
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, rows, row + rows - begin, m->size, -1,
                gram_at(m, row, m->at), m->r, gram_at(m, begin, m->at), m->r, 1,
                gram_at(m, row, begin), m->r);
}

/* G becomes L. */
static bool gram_factorise(struct eigen *g, struct gram *m, double share)
{
    for (m->at = 0; m->at < m->r; m->at += m->size) {
        int info = 0, left;

        m->size = min_of(TILE, m->r - m->at);
        left = pieces_of(m->r - m->at - m->size, TILE);
        dpotrf_("U", &m->size, gram_at(m, m->at, m->at), &m->r, &info, 1);
        if (info)
            return fail_vectors(g, "they are not independent");
        if (!run_rounds(g, left, share, share, column_piece, m) ||
            !run_rounds(g, left, share, share, behind_piece, m))
            return false;
    }
    return true;
}

/* Some columns of X := L^-1 X. */
static void slab_piece(struct eigen *g, void *data, int piece, int worker)
{
    const struct gram *m = data;
    int at = piece * SLAB;

    (void)worker;
    cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, m->r,
                min_of(SLAB, g->n - at), 1, m->a, m->r, g->vector + at, g->n);
}

static bool orthonormalise(struct eigen *g, double from, double to)
{
    struct gram m = {.r = g->n - g->first};
    double middle = (from + to) / 2, distance = (double)INFINITY;
    bool ok;

    m.a = malloc(((size_t)m.r * (size_t)m.r + 1) * sizeof(*m.a));
    ok = m.a || err_set(&g->cpu->dev.fault, ERR_LIMIT, "no memory for %d eigenvectors", m.r);
    for (int turn = 0; ok && turn < 3 && distance > 0.5; turn++) {
        ok = run_rounds(g, pieces_of(m.r, TILE), from, middle, products_piece, &m);
        distance = ok ? gram_distance(&m) : 0;
        ok = ok && gram_factorise(g, &m, middle) &&
             run_rounds(g, pieces_of(g->n, SLAB), middle, to, slab_piece, &m);
    }
    free(m.a);
    return ok && (distance <= 0.5 || fail_vectors(g, "they are not orthonormal"));
}

/* Ky Fan's comparison. */
static bool compare_sums(const struct eigen *g)
{
    double difference = 0;

    for (int r = 0; r < g->n - g->first; r++) {
        const double *x = g->vector + (size_t)r * (size_t)g->n;

        difference += g->value[r];
        for (int i = 0; i < g->n; i++)
            difference -= x[i] * (g->d[i] * x[i] + (i ? 2 * g->e[i - 1] * x[i - 1] : 0));
    }
    return fabs(difference) <= 64 * DBL_EPSILON * g->n ||
           fail_vectors(g, "they belong to other values");
}

bool eigen_vectors(struct eigen *g, double from, double to)
{
    double middle = from + (to - from) * 0.3;

    return g->first == g->n ||
           (invert(g, from, middle) && orthonormalise(g, middle, to) && compare_sums(g));
}
