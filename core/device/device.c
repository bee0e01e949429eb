/* The device_*() functions: each checks types and shapes, then calls the slot of the table. */
#include "core/device/device.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/job.h"
#include "core/device/finite.h"

const char *const precision_names[PRECISION_COUNT] = {"full", "split", "tf32", "bf16"};

/* Whether an operation may run: no earlier fault, and its arguments are valid (`ok`); if not valid,
 * "op: rule" becomes the fault. Shapes come from model files, so this is not an assertion. */
static bool args_ok(struct device *dev, bool ok, const char *op, const char *rule)
{
    if (dev->fault.kind)
        return false;
    return ok || err_set(&dev->fault, ERR_DEVICE, "%s: %s", op, rule);
}

/* A valid matrix: it has data unless it is empty, and its rows do not overlap. */
static bool is_mat(struct mat m)
{
    return m.rows >= 0 && m.cols >= 0 && (m.rows < 2 || m.stride >= m.cols) &&
           (m.data || !m.rows || !m.cols);
}

static bool is_f32(struct mat m)
{
    return is_mat(m) && m.type == DT_F32;
}

static bool is_f64(struct mat m)
{
    return is_mat(m) && m.type == DT_F64;
}

static bool is_stored(struct mat m)
{
    return is_mat(m) && m.type < DT_COUNT && m.type != DT_F64 && m.cols % dtype_block(m.type) == 0;
}

static bool same_shape(struct mat a, struct mat b)
{
    return a.rows == b.rows && a.cols == b.cols;
}

static bool is_row(struct mat m, int cols)
{
    return is_f32(m) && m.rows == 1 && m.cols == cols;
}

static bool all_within(const int *index, int n, int limit)
{
    for (int i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= limit)
            return false;
    return true;
}

struct device *device_open(const struct device_ops *ops, int index, int threads, struct err *err)
{
    struct device *dev = ops->open(index, threads, err);

    if (dev)
        dev->ops = ops;
    return dev;
}

void device_close(struct device *dev)
{
    if (dev)
        dev->ops->close(dev);
}

void *device_alloc(struct device *dev, size_t bytes)
{
    void *ptr = dev->fault.kind ? NULL : dev->ops->alloc(dev, bytes);

    if (ptr)
        dev->in_use += bytes;
    if (dev->in_use > dev->peak)
        dev->peak = dev->in_use;
    return ptr;
}

void device_release(struct device *dev, void *ptr, size_t bytes)
{
    if (!ptr)
        return;
    dev->ops->release(dev, ptr, bytes);
    dev->in_use -= bytes;
}

bool device_sync(struct device *dev, struct err *err)
{
    struct err fault;

    if (!dev->lost)
        dev->ops->finish(dev);
    fault = dev->fault;
    if (!dev->lost)
        memset(&dev->fault, 0, sizeof(dev->fault));
    if (fault.kind == ERR_FORMAT)
        return err_pass(err, &fault);
    if (fault.kind)
        return err_set(err, fault.kind, "%s: %s", dev->ops->name, fault.text);
    return true;
}

struct mat mat_new(struct device *dev, enum dtype type, int rows, int cols)
{
    struct mat m = {NULL, type, rows, cols, cols};

    if (!args_ok(dev, rows >= 0 && cols >= 0 && (type == DT_F32 || type == DT_F64), "mat_new",
                 "a new matrix is float32 or float64, and no size is negative"))
        return m;
    m.data = device_alloc(dev, mat_bytes(m));
    if (m.data && (!dev->ops->zeroed_from || mat_bytes(m) < dev->ops->zeroed_from))
        device_fill(dev, m, 0);
    return m;
}

void mat_free(struct device *dev, struct mat *m)
{
    device_release(dev, m->data, mat_bytes(*m));
    memset(m, 0, sizeof(*m));
}

struct mat mat_rows(struct mat m, int first, int count)
{
    if (m.data)
        m.data = (char *)m.data + (size_t)first * dtype_row_bytes(m.type, m.stride);
    m.rows = count;
    return m;
}

void mat_reshape(struct mat *m, int rows, int cols)
{
    m->rows = rows;
    m->cols = m->stride = cols;
}

struct mat mat_cols(struct mat m, int first, int count)
{
    if (m.data)
        m.data = (char *)m.data + dtype_row_bytes(m.type, first);
    m.cols = count;
    return m;
}

struct mat mat_as_row(struct mat m)
{
    m.cols *= m.rows;
    m.stride = m.cols;
    m.rows = 1;
    return m;
}

size_t mat_bytes(struct mat m)
{
    return (size_t)m.rows * dtype_row_bytes(m.type, m.cols);
}

/* A dense matrix is one transfer, any other one transfer a row. */
void device_upload(struct device *dev, struct mat dst, const void *src)
{
    size_t row = dtype_row_bytes(dst.type, dst.cols), step = dtype_row_bytes(dst.type, dst.stride);

    if (!args_ok(dev, is_mat(dst), "upload", "no such matrix") || !mat_bytes(dst))
        return;
    if (row == step || dst.rows == 1) {
        dev->ops->upload(dev, dst.data, src, mat_bytes(dst));
        return;
    }
    for (int r = 0; r < dst.rows && !dev->fault.kind; r++)
        dev->ops->upload(dev, (char *)dst.data + (size_t)r * step,
                         (const char *)src + (size_t)r * row, row);
}

void device_download(struct device *dev, void *dst, struct mat src)
{
    size_t row = dtype_row_bytes(src.type, src.cols), step = dtype_row_bytes(src.type, src.stride);

    if (!args_ok(dev, is_mat(src), "download", "no such matrix") || !mat_bytes(src))
        return;
    if (row == step || src.rows == 1) {
        dev->ops->download(dev, dst, src.data, mat_bytes(src));
        return;
    }
    for (int r = 0; r < src.rows && !dev->fault.kind; r++)
        dev->ops->download(dev, (char *)dst + (size_t)r * row,
                           (const char *)src.data + (size_t)r * step, row);
}

void device_fetch(struct device *dev, void *dst, struct mat src, const char *name, ...)
{
    size_t n = (size_t)src.rows * (size_t)src.cols;
    char text[160];
    long at;
    va_list ap;

    device_download(dev, dst, src);
    if (dev->fault.kind)
        return;
    at = src.type == DT_F64 ? not_finite_doubles(dst, n) : not_finite(dst, n);
    if (at < 0)
        return;
    va_start(ap, name);
    vsnprintf(text, sizeof(text), name, ap);
    va_end(ap);
    err_set(&dev->fault, ERR_FORMAT, "%s: row %ld, column %ld is %s, not a finite number", text,
            at / src.cols, at % src.cols,
            not_finite_name(src.type == DT_F64 ? ((const double *)dst)[at]
                                               : (double)((const float *)dst)[at]));
}

void device_copy(struct device *dev, struct mat src, struct mat dst)
{
    bool types = dst.type == DT_F32 || dst.type == DT_F64;

    if (args_ok(dev,
                types && is_mat(dst) && same_shape(src, dst) &&
                    (src.type == DT_F64 ? is_mat(src) : is_stored(src)),
                "copy", "sizes differ, or the target is neither float32 nor float64"))
        dev->ops->copy(dev, src, dst);
}

void device_fill(struct device *dev, struct mat x, double value)
{
    if (args_ok(dev, is_f32(x) || is_f64(x), "fill", "only float32 and float64 can be filled"))
        dev->ops->fill(dev, x, value);
}

void device_gather(struct device *dev, struct mat table, const int *index, struct mat out)
{
    if (args_ok(dev, is_stored(table) && is_f32(out) && table.cols == out.cols, "gather",
                "rows of the table and of the output differ in length") &&
        args_ok(dev, all_within(index, out.rows, table.rows), "gather", "a row outside the table"))
        dev->ops->gather(dev, table, index, out);
}

void device_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out)
{
    if (args_ok(dev, is_f32(x) && is_f32(out) && x.cols == out.cols, "scatter_add",
                "rows differ in length") &&
        args_ok(dev, all_within(index, x.rows, out.rows), "scatter_add",
                "a row outside the output"))
        dev->ops->scatter_add(dev, x, index, out);
}

void device_axpy(struct device *dev, float alpha, struct mat x, struct mat y)
{
    if (args_ok(dev,
                is_f32(x) && is_f32(y) && x.cols == y.cols && (x.rows == y.rows || x.rows == 1),
                "axpy", "sizes do not fit"))
        dev->ops->axpy(dev, alpha, x, y);
}

void device_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y)
{
    if (args_ok(dev, is_f32(x) && is_f32(y) && same_shape(x, y) && is_row(s, x.cols), "scale_cols",
                "sizes do not fit"))
        dev->ops->scale_cols(dev, x, s, y);
}

void device_scale_rows(struct device *dev, struct mat s, struct mat x)
{
    if (args_ok(dev, is_f32(x) && is_row(s, x.rows), "scale_rows", "sizes do not fit"))
        dev->ops->scale_rows(dev, s, x);
}

void device_col_norms(struct device *dev, struct mat x, struct mat out)
{
    if (args_ok(dev, is_f32(x) && is_row(out, x.cols), "col_norms", "sizes do not fit"))
        dev->ops->col_norms(dev, x, out);
}

void device_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                    struct mat choice)
{
    if (args_ok(dev,
                is_f32(x) && is_f32(key) && is_f32(choice) && x.cols == key.cols &&
                    is_row(radius, key.rows) && choice.rows == x.rows && choice.cols == key.rows,
                "nearest", "sizes do not fit"))
        dev->ops->nearest(dev, x, key, radius, choice);
}

void device_largest(struct device *dev, struct mat x, int k, struct mat out)
{
    if (args_ok(dev, is_f32(x) && is_f32(out) && same_shape(x, out) && k >= 0 && k <= x.cols,
                "largest", "sizes do not fit"))
        dev->ops->largest(dev, x, k, out);
}

void device_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                 double beta, struct mat c)
{
    int m = ta ? a.cols : a.rows, k = ta ? a.rows : a.cols;
    int k2 = tb ? b.cols : b.rows, n = tb ? b.rows : b.cols;
    bool types = (is_f32(a) && is_stored(b) && is_f32(c)) || (is_f64(a) && is_f64(b) && is_f64(c));

    if (dev->fault.kind)
        return;
    if (!types)
        err_set(&dev->fault, ERR_DEVICE, "gemm: types %s, %s and %s do not go together",
                dtype_name(a.type), dtype_name(b.type), dtype_name(c.type));
    else if (m != c.rows || n != c.cols || k != k2)
        err_set(&dev->fault, ERR_DEVICE, "gemm: %d x %d times %d x %d does not give %d x %d", m, k,
                k2, n, c.rows, c.cols);
    else
        dev->ops->gemm(dev, alpha, a, ta, b, tb, beta, c);
}

void device_gram(struct device *dev, struct mat x, struct mat c)
{
    if (args_ok(dev, is_f32(x) && is_f64(c) && c.rows == x.cols && c.cols == x.cols, "gram",
                "sizes do not fit"))
        dev->ops->gram(dev, x, c);
}

void device_eigh(struct device *dev, struct mat a, struct mat values)
{
    if (args_ok(dev,
                is_f64(a) && is_f64(values) && a.rows == a.cols && values.rows == 1 &&
                    values.cols == a.rows,
                "eigh", "sizes do not fit"))
        dev->ops->eigh(dev, a, values);
}

void device_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top)
{
    if (args_ok(dev,
                is_f64(a) && is_f64(values) && a.rows == a.cols && values.rows == 1 &&
                    values.cols == a.rows,
                "eigh_top", "sizes do not fit"))
        dev->ops->eigh_top(dev, a, values, top);
}

bool device_goes_on(struct device *dev, struct eigh_top *top, double share)
{
    if (share - top->reported >= 0.005) {
        job_progress(top->job, top->phase, top->begun + share, top->total);
        top->reported = share;
    }
    return !job_cancelled(top->job, &dev->fault);
}

void eigh_top_choose(struct eigh_top *top, const double *value, int n)
{
    int at = top->first < 0 ? 0 : top->first;
    double least = top->least > 0 ? top->least : at < n ? value[at] : (double)INFINITY;

    top->first = 0;
    while (top->first < n && value[top->first] < least)
        top->first++;
    top->trace = 0;
    for (int i = 0; i < n; i++)
        top->trace += value[i];
}

void device_cholesky(struct device *dev, struct mat a)
{
    if (args_ok(dev, is_f64(a) && a.rows == a.cols, "cholesky", "the matrix is not square"))
        dev->ops->cholesky(dev, a);
}

void device_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    if (args_ok(dev, is_f64(l) && is_f64(b) && l.rows == l.cols && l.rows == b.rows,
                "cholesky_solve", "sizes do not fit"))
        dev->ops->cholesky_solve(dev, l, b, half);
}

static bool is_norm(struct norm n, int cols)
{
    return is_row(n.gain, cols) && (!n.bias.data || is_row(n.bias, cols)) && n.eps >= 0;
}

void device_norm(struct device *dev, struct mat x, struct norm n, struct mat y)
{
    if (args_ok(dev, is_f32(x) && is_f32(y) && same_shape(x, y) && is_norm(n, x.cols), "norm",
                "sizes do not fit"))
        dev->ops->norm(dev, x, n, y);
}

void device_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy, struct mat dx)
{
    if (args_ok(dev,
                is_f32(x) && is_f32(dy) && is_f32(dx) && same_shape(x, dy) && same_shape(x, dx) &&
                    is_norm(n, x.cols),
                "norm_grad", "sizes do not fit"))
        dev->ops->norm_grad(dev, x, n, dy, dx);
}

void device_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward)
{
    if (args_ok(dev,
                is_f32(x) && heads > 0 && x.cols % (2 * heads) == 0 &&
                    x.cols / heads <= DEVICE_MAX_HEAD_DIM,
                "rope", "the heads do not fit the row, or are of odd length or too long"))
        dev->ops->rope(dev, x, pos, heads, freq, interleaved, backward);
}

static bool attention_fits(struct device *dev, const char *op, struct mat q, struct mat k,
                           struct mat v, const struct attn_seq *seq, int seqs, struct attn_shape s)
{
    bool shapes = is_f32(q) && is_f32(k) && is_f32(v) && s.heads > 0 && s.kv_heads > 0 &&
                  s.head_dim > 0 && s.heads % s.kv_heads == 0 && q.cols == s.heads * s.head_dim &&
                  k.cols == s.kv_heads * s.head_dim && same_shape(k, v) && s.window >= 0 &&
                  s.softcap >= 0;
    bool inside = true;

    for (int i = 0; i < seqs; i++) {
        const struct attn_seq *a = &seq[i];
        int keys = a->past + (a->exclude_self ? 0 : a->n);

        inside = inside && a->q0 >= 0 && a->n >= 0 && a->kv0 >= 0 && a->past >= 0 &&
                 a->n <= q.rows - a->q0 && keys <= k.rows - a->kv0 && (keys > 0 || !a->n);
    }
    return args_ok(dev, shapes, op, "the heads do not fit the rows") &&
           args_ok(dev, inside, op, "a sequence reaches outside the rows, or sees no key");
}

void device_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, struct attn_shape shape, struct mat out)
{
    if (attention_fits(dev, "attention", q, k, v, seq, seqs, shape) &&
        args_ok(dev, is_f32(out) && same_shape(q, out), "attention", "sizes do not fit"))
        dev->ops->attention(dev, q, k, v, seq, seqs, shape, out);
}

void device_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv)
{
    bool grads = is_f32(dout) && is_f32(dq) && is_f32(dk) && is_f32(dv) && same_shape(q, dout) &&
                 same_shape(q, dq) && same_shape(dk, dv) && dk.rows == q.rows && dk.cols == k.cols;

    if (attention_fits(dev, "attention_grad", q, k, v, seq, seqs, shape) &&
        args_ok(dev, grads, "attention_grad", "sizes do not fit"))
        dev->ops->attention_grad(dev, q, k, v, seq, seqs, shape, dout, dq, dk, dv);
}

/* A valid second factor of a gated FFN: shaped like the gate, or absent. */
static bool is_factor(struct mat up, struct mat gate)
{
    return !up.data || (is_f32(up) && same_shape(gate, up));
}

void device_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
                  struct mat out)
{
    if (args_ok(dev, is_f32(gate) && is_factor(up, gate) && is_f32(out) && same_shape(gate, out),
                "gated", "sizes do not fit"))
        dev->ops->gated(dev, act, gate, up, out);
}

void device_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup)
{
    if (args_ok(dev,
                is_f32(gate) && is_factor(up, gate) && is_f32(dout) && is_f32(dgate) &&
                    is_factor(dup, gate) && !up.data == !dup.data && same_shape(gate, dout) &&
                    same_shape(gate, dgate),
                "gated_grad", "sizes do not fit"))
        dev->ops->gated_grad(dev, act, gate, up, dout, dgate, dup);
}

void device_softcap(struct device *dev, float cap, struct mat x)
{
    if (args_ok(dev, is_f32(x) && cap > 0, "softcap",
                "sizes do not fit, or the cap is not positive"))
        dev->ops->softcap(dev, cap, x);
}

void device_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy)
{
    if (args_ok(dev, is_f32(y) && is_f32(dy) && same_shape(y, dy) && cap > 0, "softcap_grad",
                "sizes do not fit, or the cap is not positive"))
        dev->ops->softcap_grad(dev, cap, y, dy);
}

void device_lse(struct device *dev, struct mat logits, struct mat out)
{
    if (args_ok(dev, is_f32(logits) && logits.cols > 0 && is_row(out, logits.rows), "lse",
                "sizes do not fit"))
        dev->ops->lse(dev, logits, out);
}

void device_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad)
{
    if (args_ok(dev, is_f32(logits) && is_row(loss, logits.rows), "cross_entropy",
                "sizes do not fit") &&
        args_ok(dev, all_within(label, logits.rows, logits.cols), "cross_entropy",
                "a label outside the vocabulary"))
        dev->ops->cross_entropy(dev, logits, label, weight, loss, grad);
}

void device_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad)
{
    if (args_ok(dev,
                is_f32(logits) && logits.cols > 0 && is_f32(ref) && same_shape(logits, ref) &&
                    is_row(loss, logits.rows),
                "kl", "sizes do not fit"))
        dev->ops->kl(dev, logits, ref, weight, loss, grad);
}

void device_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                struct mat coeff, const int *target, int v0, struct lps_state s)
{
    int n = coeff.rows;
    bool tile = is_stored(head) && is_f32(values) && is_f32(base) && is_f32(coeff) &&
                head.cols == values.rows && base.rows == n && base.cols == head.rows &&
                coeff.cols == values.cols;
    bool state = is_f32(s.max) && s.sum.type == DT_F64 && is_f32(s.own) &&
                 same_shape(s.max, coeff) && same_shape(s.sum, coeff) && same_shape(s.own, coeff);
    bool moments = !s.mean.data || (is_f32(s.mean) && is_f32(s.square) && s.square.data &&
                                    same_shape(s.mean, coeff) && same_shape(s.square, coeff));
    bool scaled = !s.base_scale.data || (is_f32(s.base_scale) && same_shape(s.base_scale, coeff));
    bool bent = (!s.add.data || is_row(s.add, head.rows)) && s.cap >= 0 &&
                (!s.mean.data || (!s.add.data && s.cap <= 0));

    if (args_ok(dev, tile && state && moments && scaled && bent, "lps", "sizes do not fit"))
        dev->ops->lps(dev, head, values, base, coeff, target, v0, s);
}

struct adam adam_of(struct mat x, struct mat m, struct mat v, struct mat steps, double lr)
{
    return (struct adam){.x = mat_as_row(x),
                         .m = mat_as_row(m),
                         .v = mat_as_row(v),
                         .steps = steps,
                         .lr = (float)lr,
                         .beta1 = 0.9F,
                         .beta2 = 0.999F,
                         .eps = 1e-8F,
                         .square = true};
}

void device_adam(struct device *dev, struct mat grad, struct adam a)
{
    if (args_ok(dev,
                is_row(grad, a.x.cols) && is_row(a.x, grad.cols) && is_row(a.m, grad.cols) &&
                    is_row(a.v, grad.cols) && is_f64(a.steps) && a.steps.rows == 1 &&
                    a.steps.cols == 1,
                "adam", "sizes do not fit"))
        dev->ops->adam(dev, grad, a);
}

void device_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w)
{
    if (args_ok(dev,
                is_f32(r) && is_f32(xm) && is_f32(w) && r.rows == xm.rows && r.cols == w.rows &&
                    xm.cols == w.cols,
                "delta_apply", "sizes do not fit"))
        dev->ops->delta_apply(dev, r, xm, w);
}

void device_graph_begin(struct device *dev)
{
    if (!dev->fault.kind)
        dev->ops->graph_begin(dev);
}

void *device_graph_end(struct device *dev)
{
    return dev->ops->graph_end(dev);
}

void device_graph_launch(struct device *dev, void *graph)
{
    if (args_ok(dev, graph != NULL, "graph", "nothing was recorded"))
        dev->ops->graph_launch(dev, graph);
}

void device_graph_free(struct device *dev, void *graph)
{
    if (graph)
        dev->ops->graph_free(dev, graph);
}

void device_throttle(struct device *dev, int ahead)
{
    dev->ops->throttle(dev, ahead);
}

size_t device_free_memory(struct device *dev)
{
    return dev->ops->free_memory(dev);
}

const void *device_adopt(struct device *dev, const void *host, size_t bytes)
{
    return dev->fault.kind ? NULL : dev->ops->adopt(dev, host, bytes);
}
