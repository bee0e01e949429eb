/* The memory of past keys, and the solve by its small factor (editscope-method(7) 7.4).
 *
 * Appending u keys to n extends the factor L of G = lambda I + Q^T Q by a block row:
 *
 *   | L11     |   L11 [n, n] stays
 *   | L21 L22 |   L21 L11^T = Q2^T Q1,  L22 L22^T = lambda I + Q2^T Q2 - L21 L21^T
 *
 * which costs O(u n (n + M)), where a new factor would cost O(n^3 + n^2 M).
 *
 * A solve uses Woodbury's identity twice. Let B = P K, and A = lambda I + Q Q^T, the system of the
 * past keys alone. Then A^-1 B = Y / lambda with Y = B - Q G^-1 Q^T B, an n x n solve; and taking
 * in the new keys, X = (A + B B^T)^-1 B = Y (lambda I + B^T Y)^-1, a u x u solve. */
#include "core/edit/solve.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/edit/mat_f64.h"

enum { FIRST_CAPACITY = 64 };
static const double lambda_share = 0.1; /* solver_auto_lambda() */

static bool check_lambda(double lambda, struct err *err)
{
    if (lambda > 0)
        return true;
    return err_set(err, ERR_USAGE, "edit.lambda is %g: it must be greater than 0", lambda);
}

double solver_auto_lambda(const struct nullspace *null)
{
    double q = null->trace_lost * null->trace;

    return null->rank && q > 0 ? lambda_share * q : 1;
}

struct solver *solver_new(const struct nullspace *null, double lambda, struct err *err)
{
    struct solver *s;

    if (!(lambda > 0 || lambda < 0))
        lambda = solver_auto_lambda(null);
    if (!check_lambda(lambda, err))
        return NULL;
    s = xcalloc(1, sizeof *s);
    *s =
        (struct solver){.dev = null->dev, .null = null, .lambda = lambda, .neurons = null->neurons};
    return s;
}

static void prior_free(struct solver *s)
{
    mat_free(s->dev, &s->prior);
}

void solver_free(struct solver *s)
{
    if (!s)
        return;
    mat_free(s->dev, &s->raw);
    mat_free(s->dev, &s->keys);
    mat_free(s->dev, &s->factor);
    mat_free(s->dev, &s->prior);
    mat_free(s->dev, &s->moment);
    free(s);
}

/* A matrix of `capacity` rows; its first `count` rows and `used` columns are those of the old one.
 */
static struct mat grown_matrix(struct solver *s, struct mat old, enum dtype type, int capacity,
                               int width, int used)
{
    struct mat m = mat_new(s->dev, type, capacity, width);

    if (s->count)
        device_copy(s->dev, mat_window(old, 0, s->count, 0, used),
                    mat_window(m, 0, s->count, 0, used));
    return m;
}

static bool reserve_keys(struct solver *s, int need, struct err *err)
{
    int capacity = s->capacity ? s->capacity : FIRST_CAPACITY;
    struct mat raw, keys, factor;

    if (need <= s->capacity)
        return true;
    while (capacity < need)
        capacity *= 2;
    raw = grown_matrix(s, s->raw, DT_F32, capacity, s->neurons, s->neurons);
    keys = grown_matrix(s, s->keys, DT_F64, capacity, s->neurons, s->neurons);
    factor = grown_matrix(s, s->factor, DT_F64, capacity, capacity, s->count);
    if (!device_sync(s->dev, err)) {
        mat_free(s->dev, &raw);
        mat_free(s->dev, &keys);
        mat_free(s->dev, &factor);
        return err_in(err, "room for %d past keys", capacity);
    }
    mat_free(s->dev, &s->raw);
    mat_free(s->dev, &s->keys);
    mat_free(s->dev, &s->factor);
    s->raw = raw;
    s->keys = keys;
    s->factor = factor;
    s->capacity = capacity;
    return true;
}

/* Extends the factor from n keys to n + u: L21 and L22 of the comment above. */
static void extend_factor(struct solver *s, int n, int u)
{
    struct mat fresh = mat_rows(s->keys, n, u);
    struct mat corner = mat_window(s->factor, n, u, n, u);

    mat_identity(s->dev, s->lambda, corner);
    device_gemm(s->dev, 1, fresh, false, fresh, true, 1, corner);
    if (n) {
        struct mat cross = mat_new(s->dev, DT_F64, n, u);
        struct mat below = mat_window(s->factor, n, u, 0, n);

        mat_products(s->dev, mat_rows(s->keys, 0, n), fresh, cross);
        device_cholesky_solve(s->dev, mat_window(s->factor, 0, n, 0, n), cross, true);
        mat_transpose(s->dev, cross, below);
        device_gemm(s->dev, -1, below, false, below, true, 1, corner);
        mat_free(s->dev, &cross);
    }
    device_cholesky(s->dev, corner);
}

bool solver_append(struct solver *s, struct mat keys, struct err *err)
{
    int n = s->count, u = keys.rows;
    struct mat raw;

    if (!reserve_keys(s, n + u, err))
        return false;
    raw = mat_rows(s->raw, n, u);
    device_copy(s->dev, keys, raw);
    nullspace_project(s->null, raw, mat_rows(s->keys, n, u));
    extend_factor(s, n, u);
    if (s->prior.data)
        device_gram(s->dev, raw, s->prior);
    if (!device_sync(s->dev, err)) {
        prior_free(s);
        return err_in(err, "layer %d: key %d", s->null->layer, n + 1);
    }
    s->count += u;
    return true;
}

/* x [u, M] comes in as projected keys B and becomes B (lambda I + B^T x)^-1: of solve_lowrank(),
 * with x = Y, its last step. */
static void solve_new_keys(struct solver *s, struct mat kt, struct mat x)
{
    struct mat small = mat_new(s->dev, DT_F64, kt.rows, kt.rows);

    mat_identity(s->dev, s->lambda, small);
    device_gemm(s->dev, 1, kt, false, x, true, 1, small);
    device_cholesky(s->dev, small);
    device_cholesky_solve(s->dev, small, x, false);
    mat_free(s->dev, &small);
}

/* x [u, M] -= the part of it that coefficients [n, u] of the past keys make up */
static void subtract_past(struct solver *s, struct mat coefficients, struct mat past, struct mat x)
{
    if (x.rows == 1)
        device_gemm(s->dev, -1, mat_turned(coefficients), false, past, false, 1, x);
    else
        device_gemm(s->dev, -1, coefficients, true, past, false, 1, x);
}

/* All matrices are rows of M here: kt = B^T, past = Q^T, x begins as Y^T. */
bool solve_lowrank(struct solver *s, struct mat keys, struct mat x, struct err *err)
{
    int n = s->count, u = keys.rows;
    struct mat kt = mat_new(s->dev, DT_F64, u, s->neurons);

    nullspace_project(s->null, keys, kt);
    device_copy(s->dev, kt, x);
    if (n) {
        struct mat past = mat_rows(s->keys, 0, n);
        struct mat cross = mat_new(s->dev, DT_F64, n, u);

        mat_products(s->dev, past, kt, cross);
        device_cholesky_solve(s->dev, mat_window(s->factor, 0, n, 0, n), cross, false);
        subtract_past(s, cross, past, x);
        mat_free(s->dev, &cross);
    }
    solve_new_keys(s, kt, x);
    mat_free(s->dev, &kt);
    return device_sync(s->dev, err) || err_in(err, "layer %d: solve", s->null->layer);
}

/* A past key whose cosine with a new one is above this, both projected, is that of the same fact,
 * or of another one of its subject: it is written again. */
static const double same_key = 0.99;

/* Past keys that stay as they are: index [*count] of n, by the products of all past keys [n][n] and
 * of each with the new ones [n][u], whose squared lengths are `own` [u]. */
static void kept_keys(const double *gram, const double *cross, const double *own, int n, int u,
                      int *index, int *count)
{
    *count = 0;
    for (int i = 0; i < n; i++) {
        double length = gram[(size_t)i * (size_t)n + (size_t)i];
        bool again = false;

        for (int t = 0; t < u; t++) {
            double c = cross[(size_t)i * (size_t)u + (size_t)t];

            again |= c * c > same_key * same_key * length * own[t];
        }
        if (!again && length > 0)
            index[(*count)++] = i;
    }
}

/* The factor of Q^T Q + e I, Q the keys index [n], into a [n, n]. e is small beside them: a key
 * that is as good as a combination of others takes no direction away twice. */
static void past_factor(struct solver *s, const double *gram, int n, const int *index, struct mat a)
{
    const double least = 1e-10;
    size_t kept = (size_t)a.rows;
    double *host = xmalloc(kept * kept * sizeof(*host)), trace = 0;

    for (size_t i = 0; i < kept; i++)
        for (size_t j = 0; j < kept; j++)
            host[i * kept + j] = gram[(size_t)index[i] * (size_t)n + (size_t)index[j]];
    for (size_t i = 0; i < kept; i++)
        trace += host[i * kept + i];
    for (size_t i = 0; i < kept; i++)
        host[i * kept + i] += least * trace / (double)kept;
    device_upload(s->dev, a, host);
    device_cholesky(s->dev, a);
    free(host);
}

/* all [n][u] = (Q^T Q)^-1 times the rows index [kept] of cross [n][u], 0 in the other rows. */
static bool past_coefficients(struct solver *s, const double *gram, const double *cross,
                              const int *index, int kept, struct mat all, struct err *err)
{
    int u = all.cols;
    size_t row = (size_t)u * sizeof(double);
    struct mat a = mat_new(s->dev, DT_F64, kept, kept), c = mat_new(s->dev, DT_F64, kept, u);
    double *some = xmalloc((size_t)kept * row), *solved;
    double *full = xcalloc((size_t)all.rows, row);

    for (int i = 0; i < kept; i++)
        memcpy(some + (size_t)i * (size_t)u, cross + (size_t)index[i] * (size_t)u, row);
    past_factor(s, gram, all.rows, index, a);
    device_upload(s->dev, c, some);
    device_cholesky_solve(s->dev, a, c, false);
    solved = mat_download(s->dev, c, "the part of past keys", err);
    for (int i = 0; solved && i < kept; i++)
        memcpy(full + (size_t)index[i] * (size_t)u, solved + (size_t)i * (size_t)u, row);
    device_upload(s->dev, all, full);
    mat_free(s->dev, &a);
    mat_free(s->dev, &c);
    free(some);
    free(full);
    free(solved);
    return solved != NULL;
}

/* kt [u, M] projected keys: what lies along the past keys that stay is taken out of them. */
static bool leave_past_keys(struct solver *s, struct mat kt, struct err *err)
{
    int n = s->count, u = kt.rows, kept = 0, *index = xcalloc((size_t)n, sizeof(*index));
    struct mat past = mat_rows(s->keys, 0, n), gram = mat_new(s->dev, DT_F64, n, n);
    struct mat cross = mat_new(s->dev, DT_F64, n, u), new = mat_new(s->dev, DT_F64, u, u);
    double *host, *with = NULL, *own = NULL;
    bool ok;

    device_gemm(s->dev, 1, past, false, past, true, 0, gram);
    device_gemm(s->dev, 1, kt, false, kt, true, 0, new);
    mat_products(s->dev, past, kt, cross);
    host = mat_download(s->dev, gram, "the products of past keys", err);
    with = host ? mat_download(s->dev, cross, "their products with new ones", err) : NULL;
    own = with ? mat_download(s->dev, new, "the products of the keys", err) : NULL;
    ok = own != NULL;
    for (int t = 0; ok && t < u; t++)
        own[t] = own[(size_t)t * (size_t)u + (size_t)t];
    if (ok)
        kept_keys(host, with, own, n, u, index, &kept);
    if (ok && kept)
        ok = past_coefficients(s, host, with, index, kept, cross, err);
    if (ok && kept)
        subtract_past(s, cross, past, kt);
    mat_free(s->dev, &gram);
    mat_free(s->dev, &cross);
    mat_free(s->dev, &new);
    free(host);
    free(with);
    free(own);
    free(index);
    return ok;
}

bool solve_evolving(struct solver *s, struct mat keys, struct mat x, struct err *err)
{
    struct mat kt = mat_new(s->dev, DT_F64, keys.rows, s->neurons);
    bool ok;

    nullspace_project(s->null, keys, kt);
    ok = !s->count || leave_past_keys(s, kt, err);
    device_copy(s->dev, kt, x);
    solve_new_keys(s, kt, x);
    mat_free(s->dev, &kt);
    return ok && (device_sync(s->dev, err) || err_in(err, "layer %d: solve", s->null->layer));
}
