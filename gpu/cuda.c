/* The table of the CUDA device. Each function here handles empty matrices, copies host arrays to
 * the device (cuda_stage()), and launches a kernel. It is plain C: the CUDA runtime has a C
 * interface, so only the kernels need nvcc. */
#include "gpu/cuda.h"

#include "gpu/internal.h"
#include "gpu/kernels.h"

static void cuda_copy(struct device *dev, struct mat src, struct mat dst)
{
    if (empty(src))
        return;
    if (src.type == DT_F32 || src.type == DT_F64)
        kernel_copy(cuda_of(dev)->stream, src, dst);
    else
        kernel_unpack(cuda_of(dev)->stream, src, NULL, dst);
}

static void cuda_fill(struct device *dev, struct mat x, double value)
{
    if (!empty(x))
        kernel_fill(cuda_of(dev)->stream, x, value);
}

static void cuda_gather(struct device *dev, struct mat table, const int *index, struct mat out)
{
    const int *rows = empty(out) ? NULL : cuda_stage(dev, index, (size_t)out.rows * sizeof(*index));

    if (rows)
        kernel_unpack(cuda_of(dev)->stream, table, rows, out);
}

static void cuda_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out)
{
    const int *rows = empty(x) ? NULL : cuda_stage(dev, index, (size_t)x.rows * sizeof(*index));

    if (rows)
        kernel_scatter_add(cuda_of(dev)->stream, x, rows, out);
}

static void cuda_axpy(struct device *dev, float alpha, struct mat x, struct mat y)
{
    if (!empty(y))
        kernel_axpy(cuda_of(dev)->stream, alpha, x, y);
}

static void cuda_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y)
{
    if (!empty(x))
        kernel_scale_cols(cuda_of(dev)->stream, x, s, y);
}

static void cuda_scale_rows(struct device *dev, struct mat s, struct mat x)
{
    if (!empty(x))
        kernel_scale_rows(cuda_of(dev)->stream, s, x);
}

static void cuda_col_norms(struct device *dev, struct mat x, struct mat out)
{
    if (!empty(out))
        kernel_col_norms(cuda_of(dev)->stream, x, out);
}

static void cuda_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                         struct mat choice)
{
    if (!empty(choice))
        kernel_nearest(cuda_of(dev)->stream, x, key, radius, choice);
}

static void cuda_largest(struct device *dev, struct mat x, int k, struct mat out)
{
    if (!empty(out))
        kernel_largest(cuda_of(dev)->stream, x, k, out);
}

static void cuda_norm(struct device *dev, struct mat x, struct norm n, struct mat y)
{
    if (!empty(x))
        kernel_norm(cuda_of(dev)->stream, x, n, y);
}

static void cuda_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy,
                           struct mat dx)
{
    if (!empty(x))
        kernel_norm_grad(cuda_of(dev)->stream, x, n, dy, dx);
}

static void cuda_rope(struct device *dev, struct mat x, const int *pos, int heads,
                      const float *freq, bool interleaved, bool backward)
{
    size_t pairs = (size_t)(x.cols / heads / 2);
    const int *at = empty(x) ? NULL : cuda_stage(dev, pos, (size_t)x.rows * sizeof(*pos));
    const float *turn = at ? cuda_stage(dev, freq, pairs * sizeof(*freq)) : NULL;

    if (turn)
        kernel_rope(cuda_of(dev)->stream, x, at, heads, turn, interleaved, backward);
}

/* New rows of the longest sequence; 0: nothing to do. */
static int longest_seq(const struct attn_seq *seq, int seqs)
{
    int most = 0;

    for (int i = 0; i < seqs; i++)
        most = seq[i].n > most ? seq[i].n : most;
    return most;
}

static void cuda_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, struct attn_shape shape,
                           struct mat out)
{
    int most = longest_seq(seq, seqs);
    const struct attn_seq *there = most ? cuda_stage(dev, seq, (size_t)seqs * sizeof(*seq)) : NULL;

    if (there)
        kernel_attention(cuda_of(dev)->stream, q, k, v, there, seqs, most, shape, out);
}

static void cuda_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                                const struct attn_seq *seq, int seqs, struct attn_shape shape,
                                struct mat dout, struct mat dq, struct mat dk, struct mat dv)
{
    int most = longest_seq(seq, seqs);
    size_t each = (size_t)shape.heads * (size_t)q.rows;
    const struct attn_seq *there = most ? cuda_stage(dev, seq, (size_t)seqs * sizeof(*seq)) : NULL;
    float *scratch = there ? cuda_scratch(dev, SCRATCH_WORK, 2 * each * sizeof(*scratch)) : NULL;

    cuda_fill(dev, dq, 0); /* rows of no sequence have no gradient */
    cuda_fill(dev, dk, 0);
    cuda_fill(dev, dv, 0);
    if (scratch)
        kernel_attention_grad(cuda_of(dev)->stream, q, k, v, there, seqs, most, shape, dout, dq, dk,
                              dv, scratch, scratch + each);
}

static void cuda_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
                       struct mat out)
{
    if (!empty(gate))
        kernel_gated(cuda_of(dev)->stream, act, gate, up, out);
}

static void cuda_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                            struct mat dout, struct mat dgate, struct mat dup)
{
    if (!empty(gate))
        kernel_gated_grad(cuda_of(dev)->stream, act, gate, up, dout, dgate, dup);
}

static void cuda_softcap(struct device *dev, float cap, struct mat x)
{
    if (!empty(x))
        kernel_softcap(cuda_of(dev)->stream, cap, x);
}

static void cuda_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy)
{
    if (!empty(y))
        kernel_softcap_grad(cuda_of(dev)->stream, cap, y, dy);
}

static void cuda_lse(struct device *dev, struct mat logits, struct mat out)
{
    if (!empty(logits))
        kernel_lse(cuda_of(dev)->stream, logits, out);
}

static void cuda_cross_entropy(struct device *dev, struct mat logits, const int *label,
                               float weight, struct mat loss, bool grad)
{
    const int *own =
        empty(logits) ? NULL : cuda_stage(dev, label, (size_t)logits.rows * sizeof(*label));

    if (own)
        kernel_cross_entropy(cuda_of(dev)->stream, logits, own, weight, loss, grad);
}

static void cuda_kl(struct device *dev, struct mat logits, struct mat ref, float weight,
                    struct mat loss, bool grad)
{
    if (!empty(logits))
        kernel_kl(cuda_of(dev)->stream, logits, ref, weight, loss, grad);
}

static void cuda_adam(struct device *dev, struct mat grad, struct adam a)
{
    if (!empty(grad))
        kernel_adam(cuda_of(dev)->stream, grad, a);
}

static void cuda_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w)
{
    if (!empty(w))
        kernel_delta_apply(cuda_of(dev)->stream, r, xm, w);
}

const struct device_ops device_cuda = {
    .name = "cuda",
    .own_memory = true,
    .graphs = true,
    .queues = true,
    .count = cuda_count,
    .check = cuda_check,
    .survey = cuda_survey,
    .open = cuda_open,
    .close = cuda_close,
    .free_memory = cuda_free_memory,
    .alloc = cuda_alloc,
    .release = cuda_release,
    .adopt = cuda_adopt,
    .upload = cuda_upload,
    .download = cuda_download,
    .finish = cuda_finish,
    .graph_begin = cuda_graph_begin,
    .graph_end = cuda_graph_end,
    .graph_launch = cuda_graph_launch,
    .graph_free = cuda_graph_free,
    .throttle = cuda_throttle,
    .copy = cuda_copy,
    .fill = cuda_fill,
    .gather = cuda_gather,
    .scatter_add = cuda_scatter_add,
    .axpy = cuda_axpy,
    .scale_cols = cuda_scale_cols,
    .scale_rows = cuda_scale_rows,
    .col_norms = cuda_col_norms,
    .nearest = cuda_nearest,
    .largest = cuda_largest,
    .gemm = cuda_gemm,
    .gram = cuda_gram,
    .eigh = cuda_eigh,
    .eigh_top = cuda_eigh_top,
    .cholesky = cuda_cholesky,
    .cholesky_solve = cuda_cholesky_solve,
    .norm = cuda_norm,
    .norm_grad = cuda_norm_grad,
    .rope = cuda_rope,
    .attention = cuda_attention,
    .attention_grad = cuda_attention_grad,
    .gated = cuda_gated,
    .gated_grad = cuda_gated_grad,
    .softcap = cuda_softcap,
    .softcap_grad = cuda_softcap_grad,
    .lse = cuda_lse,
    .cross_entropy = cuda_cross_entropy,
    .kl = cuda_kl,
    .lps = cuda_lps,
    .adam = cuda_adam,
    .delta_apply = cuda_delta_apply,
};
