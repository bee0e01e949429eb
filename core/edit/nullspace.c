/* The null space of a layer: eigenvectors of its second moment, and which directions count as null
 * (editscope-method(7) 6.3).
 *
 * C [M, M] is the second moment of the coefficients over a text. A direction x with x^T C x = 0 has
 * never been used by that text, so an update along x changes nothing for it. Exact zeroes do not
 * occur; but the eigenvalues of C fall over orders of magnitude, and the smaller ones, 70 % of all
 * directions by default, hold a small part of the trace (trace_lost, which reports give):
 *
 *   eigenvalue
 *     |                                 *
 *     |                                *     the last r = M - null eigenvectors, value >= theta,
 *     |                             **       are the rows of U
 *     |......................*****........ theta
 *     |********************** |
 *     +----------- null ------+-- r --->  index, ascending
 *
 *   P = I - U^T U          P k = k - U^T (U k): O(M r), P itself is never formed
 *
 * We keep U, the smaller part, 8 M r bytes a layer, and the sum itself, 8 M^2 bytes: the leak
 * x^T C x of a report has to be exact, and for x in the null space U says nothing of it. Both may
 * be on the host (core/edit/offload_mat.h); they then pass the device in bands of rows.
 *
 * The decomposition is the costly part: 4/3 M^3 operations to a tridiagonal matrix and 2 r M^2 for
 * the way back (core/device/cpu_eigen.c). */
#include "core/edit/nullspace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/digest.h"
#include "core/base/mem.h"
#include "core/edit/mat_f64.h"
#include "core/edit/nullspace_file.h"

static void name_projector(struct nullspace *n, const struct moments *m, int index,
                           struct nullspace_rule rule)
{
    struct buf text = {0};
    char key[65];

    moments_key(m, index, key);
    buf_printf(&text, "projector 2\nmoments %s\ntokens %ld\n", key, m->tokens);
    if (rule.none)
        buf_puts(&text, "all\n");
    else if (rule.threshold > 0)
        buf_printf(&text, "threshold %.17g\n", rule.threshold);
    else
        buf_printf(&text, "fraction %.17g\n", rule.fraction);
    sha256_of(text.data, text.len, n->hash);
    buf_free(&text);
}

/* Fills in what follows from the eigenvalues of the sum that are not null, value[null ..], and from
 * its trace: rank, threshold, share of the trace that is lost. */
static bool set_values(struct nullspace *n, const double *value, int null, double trace,
                       struct nullspace_rule rule, struct err *err)
{
    double tokens = (double)n->tokens, kept = 0;

    n->trace = trace / tokens;
    if (!isfinite(n->trace) || n->trace <= 0)
        return err_set(err, ERR_FORMAT,
                       "layer %d: the second moment has trace %g; compute it again (stats)",
                       n->layer, n->trace);
    if (null == 0 && !rule.none)
        return err_set(err, ERR_USAGE,
                       "layer %d: no eigenvalue of the second moment is below the null "
                       "threshold (smallest %g): raise edit.null_threshold or edit.null_frac",
                       n->layer, value[0] / tokens);
    n->rank = n->neurons - null;
    n->null_fraction = (double)null / n->neurons;
    n->value = xcalloc((size_t)n->rank + 1, sizeof *n->value);
    for (int i = 0; i < n->rank; i++) {
        n->value[i] = value[null + i] / tokens;
        kept += n->value[i];
    }
    n->trace_lost = kept < n->trace ? (n->trace - kept) / n->trace : 0;
    n->threshold = rule.threshold > 0 || !n->rank ? rule.threshold : n->value[0];
    return true;
}

/* Copies the last `rank` rows of a [M, M], the eigenvectors of U, to n->vectors. */
static bool store_vectors(struct nullspace *n, struct device *from, struct mat a, struct err *err)
{
    struct mat rest = mat_rows(a, n->neurons - n->rank, n->rank);
    double *host = NULL;

    if (!n->rank)
        return true;
    if (!offload_new(&n->vectors, n->dev, n->rank, n->neurons, n->dev->spaces_on_host, err))
        return false;
    if (from == n->dev && n->vectors.on_device.data) {
        device_copy(n->dev, rest, n->vectors.on_device);
        return true;
    }
    host = mat_download(from, rest, "eigenvectors", err);
    if (host)
        offload_upload(&n->vectors, 0, n->rank, host);
    free(host);
    return host != NULL;
}

/* The index of the first eigenvalue that is not null, if no threshold says so. The sum of fewer
 * tokens than neurons has no more rank than tokens: what is above 0 besides is rounding. */
static int first_of(const struct nullspace *n, struct nullspace_rule rule)
{
    long first = lround(rule.fraction * n->neurons), zeroes = n->neurons - n->tokens;

    return (int)(zeroes > first && !rule.none ? zeroes : first);
}

/* Decomposes the sum on `dev`, which may be another device than the one the result is for. */
static bool decompose_on(struct nullspace *n, struct device *dev, const struct offload_mat *sum,
                         struct nullspace_rule rule, const struct nullspace_job *by,
                         struct err *err)
{
    struct eigh_top top = {.least = rule.threshold * (double)n->tokens,
                           .first = first_of(n, rule),
                           .job = by ? by->job : NULL,
                           .phase = "null space",
                           .begun = by ? by->done : 0,
                           .total = by ? by->all : 1};
    struct mat a = mat_new(dev, DT_F64, n->neurons, n->neurons);
    struct mat values = mat_new(dev, DT_F64, 1, n->neurons);
    double *value = NULL, *host = NULL;
    bool ok = a.data != NULL;

    if (sum->on_device.data && dev == n->dev)
        device_copy(dev, sum->on_device, a);
    else if (sum->host && ok)
        device_upload(dev, a, sum->host);
    else if (ok && (host = offload_download(sum, 0, n->neurons, err)) != NULL)
        device_upload(dev, a, host);
    free(host);
    device_eigh_top(dev, a, values, &top);
    value = mat_download(dev, values, NULL, err);
    ok = value && set_values(n, value, top.first, top.trace, rule, err) &&
         store_vectors(n, dev, a, err);
    free(value);
    mat_free(dev, &values);
    mat_free(dev, &a);
    return device_sync(dev, err) && ok;
}

/* On a GPU a decomposition needs the matrix and about twice as much to work in. Where the GPU has
 * not that much free memory the CPU does it: minutes instead of seconds. */
static bool nullspace_decompose(struct nullspace *n, const struct offload_mat *sum,
                                struct nullspace_rule rule, const struct nullspace_job *by,
                                struct err *err)
{
    double wants = 3.2 * 8 * (double)n->neurons * (double)n->neurons;
    struct device *cpu;
    bool ok;

    if (!(n->dev->moments_on_host || n->dev->spaces_on_host) ||
        wants < (double)device_free_memory(n->dev))
        return decompose_on(n, n->dev, sum, rule, by, err);
    cpu = device_open(&device_cpu, 0, 0, err);
    ok = cpu && decompose_on(n, cpu, sum, rule, by, err);
    device_close(cpu);
    return ok && device_sync(n->dev, err);
}

/* The moments may go on counting: they then copy their sum first (offload_own()). Where the two are
 * in different places the sum is copied here. All eigenvectors hold it: it is not needed then. */
static bool keep_sum(struct nullspace *n, struct offload_mat *sum, struct err *err)
{
    bool far = n->dev->spaces_on_host;
    double *host;

    if (n->rank == n->neurons)
        return true;
    if (sum->file || far == !sum->on_device.data) {
        offload_share(sum, &n->sum);
        return true;
    }
    if (!offload_new(&n->sum, n->dev, n->neurons, n->neurons, far, err))
        return false;
    host = offload_download(sum, 0, n->neurons, err);
    if (host)
        offload_upload(&n->sum, 0, n->neurons, host);
    free(host);
    return host && device_sync(n->dev, err);
}

/* Without sum and vectors. NULL and ERR_STATE where no token has been summed. */
static struct nullspace *nullspace_begin(const struct moments *m, int index, struct err *err)
{
    struct nullspace *n;

    if (m->tokens <= 0) {
        err_set(err, ERR_STATE, "layer %d: no second moments yet; compute them first (stats)",
                m->layer[index]);
        return NULL;
    }
    n = xcalloc(1, sizeof *n);
    *n = (struct nullspace){
        .dev = m->dev, .layer = m->layer[index], .neurons = m->neurons, .tokens = m->tokens};
    return n;
}

struct nullspace *nullspace_new(const struct moments *m, int index, struct nullspace_rule rule,
                                const struct nullspace_job *by, struct err *err)
{
    struct nullspace *n = nullspace_begin(m, index, err);

    if (!n)
        return NULL;
    name_projector(n, m, index, rule);
    if (nullspace_decompose(n, &m->sum[index], rule, by, err) && keep_sum(n, &m->sum[index], err))
        return n;
    nullspace_free(n);
    return NULL;
}

/* Says in notes what went wrong with a file, which is no reason to fail. */
static void note_file(struct buf *notes, const char *what, const struct err *why)
{
    if (why->kind && notes)
        buf_printf(notes, "%s: %s\n", what, why->text);
}

struct nullspace *nullspace_cached(const struct moments *m, int index, struct nullspace_rule rule,
                                   const struct nullspace_job *by, struct buf *notes,
                                   struct err *err)
{
    struct nullspace *n = nullspace_begin(m, index, err);
    struct err why = {0};

    if (!n)
        return NULL;
    name_projector(n, m, index, rule);
    if (nullspace_file_read(n, m, index, &why)) {
        if (keep_sum(n, &m->sum[index], err))
            return n;
        nullspace_free(n);
        return NULL;
    }
    nullspace_free(n);
    if (why.kind == ERR_CANCELLED) {
        err_pass(err, &why);
        return NULL;
    }
    note_file(notes, "null space not used", &why);
    n = nullspace_new(m, index, rule, by, err);
    why = (struct err){0};
    if (n && !nullspace_file_write(n, m, index, &why))
        note_file(notes, "null space not kept", &why);
    return n;
}

struct nullspace *nullspace_none(const struct moments *m, int index, struct err *err)
{
    struct nullspace *n = nullspace_begin(m, index, err);

    if (!n || keep_sum(n, &m->sum[index], err))
        return n;
    nullspace_free(n);
    return NULL;
}

void nullspace_free(struct nullspace *n)
{
    if (!n)
        return;
    offload_free(&n->vectors);
    offload_free(&n->sum);
    free(n->value);
    free(n);
}

void nullspace_project(const struct nullspace *n, struct mat keys, struct mat out)
{
    int step = n->rank ? offload_band(&n->vectors) : 0;
    struct mat part, k = out, room = {0};

    device_copy(n->dev, keys, out);
    if (!n->rank)
        return;
    if (step < n->rank) { /* every band projects the keys themselves */
        k = mat_new(n->dev, DT_F64, keys.rows, keys.cols);
        device_copy(n->dev, keys, k);
    }
    part = mat_new(n->dev, DT_F64, keys.rows, step);
    for (int at = 0; at < n->rank; at += step) {
        int count = n->rank - at < step ? n->rank - at : step;
        struct mat u = offload_map_rows(&n->vectors, at, count, &room),
                   p = mat_cols(part, 0, count);

        device_gemm(n->dev, 1, k, false, u, true, 0, p);
        device_gemm(n->dev, -1, p, false, u, false, 1, out);
    }
    if (k.data != out.data)
        mat_free(n->dev, &k);
    mat_free(n->dev, &room);
    mat_free(n->dev, &part);
}

void nullspace_subtract(const struct nullspace *n, struct mat out)
{
    int step = n->rank ? offload_band(&n->vectors) : 0;
    struct mat room = {0};

    for (int at = 0; at < n->rank; at += step) {
        int count = n->rank - at < step ? n->rank - at : step;
        struct mat u = offload_map_rows(&n->vectors, at, count, &room);

        device_gemm(n->dev, -1, u, true, u, false, 1, out);
    }
    mat_free(n->dev, &room);
}

static double dot_product(const double *a, const double *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* x^T C x by bands of the upper triangle: a band's square once, what lies right of it twice. */
bool nullspace_leak(const struct nullspace *n, struct mat x, double *leak, struct err *err)
{
    enum { BANDS = 8 };
    struct mat y = mat_new(n->dev, DT_F64, x.rows, x.cols), room = {0};
    int step = offload_band(&n->sum), most = (n->neurons + BANDS - 1) / BANDS;
    double *hx, *hy = NULL, once = 1 / (double)n->tokens;

    step = step < most ? step : most;
    for (int at = 0; at < n->neurons; at += step) {
        int count = n->neurons - at < step ? n->neurons - at : step;
        int right = n->neurons - at - count;
        struct mat c = offload_map_upper(&n->sum, at, count, &room), out = mat_cols(y, at, count);

        device_gemm(n->dev, once, mat_cols(x, at, count), false, mat_cols(c, 0, count), false, 0,
                    out);
        if (right)
            device_gemm(n->dev, 2 * once, mat_cols(x, at + count, right), false,
                        mat_cols(c, count, right), true, 1, out);
    }
    mat_free(n->dev, &room);
    hx = mat_download(n->dev, x, "vectors to project", err);
    if (hx)
        hy = mat_download(n->dev, y, "their products with the moment", err);
    for (int i = 0; hy && i < x.rows; i++)
        leak[i] =
            dot_product(hx + (size_t)i * (size_t)x.cols, hy + (size_t)i * (size_t)x.cols, x.cols);
    mat_free(n->dev, &y);
    free(hx);
    free(hy);
    return hy != NULL;
}
