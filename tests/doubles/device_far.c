/* A test device that computes on the CPU but has memory of its own, like a GPU. Its buffers are
 * readable and writable only while one of its operations runs (mprotect), and its operations refuse
 * operands outside its buffers. Code that works here touches device memory only through the table
 * of device.h. */
#include "tests/doubles/device_far.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/base/mem.h"
#include "core/device/cpu.h"

#define REGION ((size_t)1 << 37) /* addresses, not memory */
#define ALIGN  ((size_t)64)

struct hole {
    size_t at, bytes;
};

struct far {
    struct device dev;
    struct device *cpu;
    char *region;
    size_t end;        /* bytes of the region in use or in holes */
    struct hole *hole; /* given back below end, in order of address */
    int holes;
};

static void far_close(struct device *dev)
{
    struct far *far = (struct far *)dev;

    if (!far)
        return;
    if (far->region)
        munmap(far->region, REGION);
    device_close(far->cpu);
    free(far->hole);
    free(far);
}

static struct device *far_open(int index, int threads, struct err *err)
{
    struct far *far = xcalloc(1, sizeof(*far));

    far->cpu = device_open(&device_cpu, index, threads, err);
    far->region = mmap(NULL, REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (far->region == MAP_FAILED) {
        far->region = NULL;
        err_set(err, ERR_LIMIT, "no addresses left for a far device");
    }
    if (!far->cpu || !far->region) {
        far_close(&far->dev);
        return NULL;
    }
    far->dev.threads = far->cpu->threads;
    return &far->dev;
}

static int far_count(void)
{
    return 1;
}

static enum device_presence far_check(int index, struct err *err)
{
    return device_cpu.check(index, err);
}

static void far_survey(struct buf *out)
{
    device_cpu.survey(out);
}

static size_t rounded(size_t bytes)
{
    return bytes ? (bytes + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
}

static void *far_alloc(struct device *dev, size_t bytes)
{
    struct far *far = (struct far *)dev;
    size_t want = rounded(bytes);

    for (int i = 0; i < far->holes; i++) {
        struct hole *h = &far->hole[i];

        if (h->bytes >= want) {
            char *at = far->region + h->at;

            h->at += want;
            h->bytes -= want;
            return at;
        }
    }
    if (bytes > REGION || want > REGION - far->end) {
        err_set(&dev->fault, ERR_LIMIT, "no room for %zu bytes", bytes);
        return NULL;
    }
    far->end += want;
    return far->region + far->end - want;
}

/* Puts the hole in its place and joins neighbours. */
static void far_release(struct device *dev, void *ptr, size_t bytes)
{
    struct far *far = (struct far *)dev;
    struct hole fresh = {(size_t)((char *)ptr - far->region), rounded(bytes)};
    int n = 0, i;

    far->hole = xrealloc(far->hole, (size_t)(far->holes + 1) * sizeof(*far->hole));
    for (i = far->holes; i > 0 && far->hole[i - 1].at > fresh.at; i--)
        far->hole[i] = far->hole[i - 1];
    far->hole[i] = fresh;
    far->holes++;
    for (i = 0; i < far->holes; i++) {
        if (n && far->hole[n - 1].at + far->hole[n - 1].bytes == far->hole[i].at)
            far->hole[n - 1].bytes += far->hole[i].bytes;
        else if (far->hole[i].bytes)
            far->hole[n++] = far->hole[i];
    }
    far->holes = n;
}

static const void *far_adopt(struct device *dev, const void *host, size_t bytes)
{
    (void)dev;
    (void)host;
    (void)bytes;
    return NULL;
}

static size_t far_free_memory(struct device *dev)
{
    struct device *cpu = ((struct far *)dev)->cpu;

    return cpu->ops->free_memory(cpu);
}

static bool is_far(const struct far *far, const void *data, size_t bytes)
{
    size_t at = (uintptr_t)data - (uintptr_t)far->region;

    return (uintptr_t)data >= (uintptr_t)far->region && at <= far->end && bytes <= far->end - at;
}

static size_t mat_span(struct mat m)
{
    if (!m.rows || !m.cols)
        return 0;
    return (size_t)(m.rows - 1) * dtype_row_bytes(m.type, m.stride) +
           dtype_row_bytes(m.type, m.cols);
}

/* Opens or closes the pages that hold these bytes, and so something of their neighbours. */
static void guard(struct far *far, const void *data, size_t bytes, int protection)
{
    const size_t page = 65536; /* a multiple of every machine's */
    size_t first = (size_t)((const char *)data - far->region) / page * page;
    size_t end = ((size_t)((const char *)data - far->region) + bytes + page - 1) / page * page;

    if (bytes && mprotect(far->region + first, end - first, protection))
        err_set(&far->dev.fault, ERR_DEVICE, "cannot change the protection of memory");
}

/* Opens the operands for an operation; NULL and a fault if one lies elsewhere. */
static struct device *enter(struct device *dev, const char *op, const struct mat *m, int count)
{
    struct far *far = (struct far *)dev;

    for (int i = 0; i < count; i++)
        if (mat_span(m[i]) && !is_far(far, m[i].data, mat_span(m[i]))) {
            err_set(&dev->fault, ERR_DEVICE, "operand of %s is not device memory", op);
            return NULL;
        }
    for (int i = 0; i < count; i++)
        guard(far, m[i].data, mat_span(m[i]), PROT_READ | PROT_WRITE);
    return dev->fault.kind ? NULL : far->cpu;
}

static void leave(struct device *dev, const struct mat *m, int count)
{
    struct far *far = (struct far *)dev;

    for (int i = 0; i < count; i++)
        guard(far, m[i].data, mat_span(m[i]), PROT_NONE);
    if (far->cpu->fault.kind && !dev->fault.kind)
        dev->fault = far->cpu->fault;
    far->cpu->fault.kind = ERR_NONE;
}

/* Runs CALL on the CPU device `cpu` with the memory open, given operands that are in it. */
#define RUN(op, call, ...)                                              \
    do {                                                                \
        const struct mat operand_[] = {__VA_ARGS__};                    \
        const int count_ = (int)(sizeof(operand_) / sizeof(*operand_)); \
        struct device *cpu = enter(dev, op, operand_, count_);          \
                                                                        \
        if (cpu) {                                                      \
            call;                                                       \
            leave(dev, operand_, count_);                               \
        }                                                               \
    } while (0)

static void far_upload(struct device *dev, void *dst, const void *src, size_t bytes)
{
    struct far *far = (struct far *)dev;

    if (!is_far(far, dst, bytes) || is_far(far, src, bytes)) {
        err_set(&dev->fault, ERR_DEVICE, "upload goes from host memory to device memory");
    } else {
        guard(far, dst, bytes, PROT_READ | PROT_WRITE);
        if (!dev->fault.kind)
            memcpy(dst, src, bytes);
        guard(far, dst, bytes, PROT_NONE);
    }
}

static void far_download(struct device *dev, void *dst, const void *src, size_t bytes)
{
    struct far *far = (struct far *)dev;

    if (is_far(far, dst, bytes) || !is_far(far, src, bytes)) {
        err_set(&dev->fault, ERR_DEVICE, "download goes from device memory to host memory");
    } else {
        guard(far, src, bytes, PROT_READ);
        if (!dev->fault.kind)
            memcpy(dst, src, bytes);
        guard(far, src, bytes, PROT_NONE);
    }
}

static void far_nothing(struct device *dev)
{
    (void)dev;
}

static void *far_graph_end(struct device *dev)
{
    return dev;
}

static void far_graph_use(struct device *dev, void *graph)
{
    (void)dev;
    (void)graph;
}

static void far_throttle(struct device *dev, int ahead)
{
    (void)dev;
    (void)ahead;
}

static void far_copy(struct device *dev, struct mat src, struct mat dst)
{
    RUN("copy", cpu_copy(cpu, src, dst), src, dst);
}

static void far_fill(struct device *dev, struct mat x, double value)
{
    RUN("fill", cpu_fill(cpu, x, value), x);
}

static void far_gather(struct device *dev, struct mat table, const int *index, struct mat out)
{
    RUN("gather", cpu_gather(cpu, table, index, out), table, out);
}

static void far_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out)
{
    RUN("scatter_add", cpu_scatter_add(cpu, x, index, out), x, out);
}

static void far_axpy(struct device *dev, float alpha, struct mat x, struct mat y)
{
    RUN("axpy", cpu_axpy(cpu, alpha, x, y), x, y);
}

static void far_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y)
{
    RUN("scale_cols", cpu_scale_cols(cpu, x, s, y), x, s, y);
}

static void far_scale_rows(struct device *dev, struct mat s, struct mat x)
{
    RUN("scale_rows", cpu_scale_rows(cpu, s, x), s, x);
}

static void far_col_norms(struct device *dev, struct mat x, struct mat out)
{
    RUN("col_norms", cpu_col_norms(cpu, x, out), x, out);
}

static void far_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                        struct mat choice)
{
    RUN("nearest", cpu_nearest(cpu, x, key, radius, choice), x, key, radius, choice);
}

static void far_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                     double beta, struct mat c)
{
    RUN("gemm", cpu_gemm(cpu, alpha, a, ta, b, tb, beta, c), a, b, c);
}

static void far_gram(struct device *dev, struct mat x, struct mat c)
{
    RUN("gram", cpu_gram(cpu, x, c), x, c);
}

static void far_eigh(struct device *dev, struct mat a, struct mat values)
{
    RUN("eigh", cpu_eigh(cpu, a, values), a, values);
}

static void far_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top)
{
    RUN("eigh_top", cpu_eigh_top(cpu, a, values, top), a, values);
}

static void far_cholesky(struct device *dev, struct mat a)
{
    RUN("cholesky", cpu_cholesky(cpu, a), a);
}

static void far_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    RUN("cholesky_solve", cpu_cholesky_solve(cpu, l, b, half), l, b);
}

static void far_largest(struct device *dev, struct mat x, int k, struct mat out)
{
    RUN("largest", cpu_largest(cpu, x, k, out), x, out);
}

static void far_norm(struct device *dev, struct mat x, struct norm n, struct mat y)
{
    RUN("norm", cpu_norm(cpu, x, n, y), x, n.gain, n.bias, y);
}

static void far_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy,
                          struct mat dx)
{
    RUN("norm_grad", cpu_norm_grad(cpu, x, n, dy, dx), x, n.gain, n.bias, dy, dx);
}

static void far_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                     bool interleaved, bool backward)
{
    RUN("rope", cpu_rope(cpu, x, pos, heads, freq, interleaved, backward), x);
}

static void far_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                          const struct attn_seq *seq, int seqs, struct attn_shape shape,
                          struct mat out)
{
    RUN("attention", cpu_attention(cpu, q, k, v, seq, seqs, shape, out), q, k, v, out);
}

static void far_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                               const struct attn_seq *seq, int seqs, struct attn_shape shape,
                               struct mat dout, struct mat dq, struct mat dk, struct mat dv)
{
    RUN("attention_grad", cpu_attention_grad(cpu, q, k, v, seq, seqs, shape, dout, dq, dk, dv), q,
        k, v, dout, dq, dk, dv);
}

static void far_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
                      struct mat out)
{
    RUN("gated", cpu_gated(cpu, act, gate, up, out), gate, up, out);
}

static void far_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                           struct mat dout, struct mat dgate, struct mat dup)
{
    RUN("gated_grad", cpu_gated_grad(cpu, act, gate, up, dout, dgate, dup), gate, up, dout, dgate,
        dup);
}

static void far_softcap(struct device *dev, float cap, struct mat x)
{
    RUN("softcap", cpu_softcap(cpu, cap, x), x);
}

static void far_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy)
{
    RUN("softcap_grad", cpu_softcap_grad(cpu, cap, y, dy), y, dy);
}

static void far_lse(struct device *dev, struct mat logits, struct mat out)
{
    RUN("lse", cpu_lse(cpu, logits, out), logits, out);
}

static void far_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                              struct mat loss, bool grad)
{
    RUN("cross_entropy", cpu_cross_entropy(cpu, logits, label, weight, loss, grad), logits, loss);
}

static void far_kl(struct device *dev, struct mat logits, struct mat ref, float weight,
                   struct mat loss, bool grad)
{
    RUN("kl", cpu_kl(cpu, logits, ref, weight, loss, grad), logits, ref, loss);
}

static void far_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                    struct mat coeff, const int *target, int v0, struct lps_state s)
{
    struct mat mean = s.mean.data ? s.mean : s.sum, square = s.mean.data ? s.square : s.sum;
    struct mat scale = s.base_scale.data ? s.base_scale : s.sum;

    RUN("lps", cpu_lps(cpu, head, values, base, coeff, target, v0, s), head, values, base, coeff,
        s.max, s.sum, s.own, mean, square, scale, s.add);
}

static void far_adam(struct device *dev, struct mat grad, struct adam a)
{
    RUN("adam", cpu_adam(cpu, grad, a), grad, a.x, a.m, a.v, a.steps);
}

static void far_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w)
{
    RUN("delta_apply", cpu_delta_apply(cpu, r, xm, w), r, xm, w);
}

const struct device_ops device_far = {
    .name = "far",
    .count = far_count,
    .check = far_check,
    .survey = far_survey,
    .open = far_open,
    .close = far_close,
    .free_memory = far_free_memory,
    .alloc = far_alloc,
    .release = far_release,
    .adopt = far_adopt,
    .upload = far_upload,
    .download = far_download,
    .finish = far_nothing,
    .graph_begin = far_nothing,
    .graph_end = far_graph_end,
    .graph_launch = far_graph_use,
    .graph_free = far_graph_use,
    .throttle = far_throttle,
    .copy = far_copy,
    .fill = far_fill,
    .gather = far_gather,
    .scatter_add = far_scatter_add,
    .axpy = far_axpy,
    .scale_cols = far_scale_cols,
    .scale_rows = far_scale_rows,
    .col_norms = far_col_norms,
    .nearest = far_nearest,
    .largest = far_largest,
    .gemm = far_gemm,
    .gram = far_gram,
    .eigh = far_eigh,
    .eigh_top = far_eigh_top,
    .cholesky = far_cholesky,
    .cholesky_solve = far_cholesky_solve,
    .norm = far_norm,
    .norm_grad = far_norm_grad,
    .rope = far_rope,
    .attention = far_attention,
    .attention_grad = far_attention_grad,
    .gated = far_gated,
    .gated_grad = far_gated_grad,
    .softcap = far_softcap,
    .softcap_grad = far_softcap_grad,
    .lse = far_lse,
    .cross_entropy = far_cross_entropy,
    .kl = far_kl,
    .lps = far_lps,
    .adam = far_adam,
    .delta_apply = far_delta_apply,
};
