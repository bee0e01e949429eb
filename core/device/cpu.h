/* The rooms of the CPU device: what device_cpu.c's table is made of. Only the cpu_*.c files and
 * tests/doubles/device_far.c look in here. */
#ifndef CORE_DEVICE_CPU_H
#define CORE_DEVICE_CPU_H

#include "core/device/cpu_loops.h"
#include "core/device/cpu_pool.h"
#include "core/device/device.h"

struct cpu {
    struct device dev; /* first: a struct device * is a struct cpu * */
    struct cpu_pool *pool;
    const struct cpu_loops *loops;
    void **scratch;       /* [threads] one buffer for each worker */
    size_t scratch_bytes; /* of each */
    void *shared;         /* one buffer for all */
    size_t shared_bytes;
};

/* At least this much room for each worker in cpu->scratch[worker] until the next call, 64-byte
 * aligned. False and a fault if there is not enough memory. */
bool cpu_scratch(struct cpu *cpu, size_t bytes);
bool cpu_shared(struct cpu *cpu, size_t bytes);
/* Runs f32 or f64 work over rows: work(context, first, end) on ranges of fixed length, chosen
 * from the cost of one row. */
void cpu_rows(struct cpu *cpu, int rows, size_t cost, void (*work)(void *, int, int),
              void *context);

static inline float *row_f32(struct mat m, int row)
{
    return (float *)m.data + (size_t)row * (size_t)m.stride;
}

static inline double *row_f64(struct mat m, int row)
{
    return (double *)m.data + (size_t)row * (size_t)m.stride;
}

/* Start of a row of any stored type. */
static inline const char *row_bytes(struct mat m, int row)
{
    return (const char *)m.data + (size_t)row * dtype_row_bytes(m.type, m.stride);
}

void cpu_copy(struct device *dev, struct mat src, struct mat dst);
void cpu_fill(struct device *dev, struct mat x, double value);
void cpu_gather(struct device *dev, struct mat table, const int *index, struct mat out);
void cpu_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out);
void cpu_axpy(struct device *dev, float alpha, struct mat x, struct mat y);
void cpu_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y);
void cpu_scale_rows(struct device *dev, struct mat s, struct mat x);
void cpu_col_norms(struct device *dev, struct mat x, struct mat out);

/* OpenBLAS starts threads when it is loaded; this makes them block all signals, so that a signal
 * reaches the thread that waits for it. The BLAS then runs on one thread: the device has its own.
 */
void cpu_blas_start(void);
/* Lends threads to one call; set it back to 1. */
void cpu_blas_threads(int threads);
void cpu_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
              double beta, struct mat c);
/* c = alpha a b^T + beta c in float32, b of any stored type; a.rows <= DEVICE_FEW_ROWS. */
void cpu_gemv(struct cpu *cpu, float alpha, struct mat a, struct mat b, float beta, struct mat c);
void cpu_gram(struct device *dev, struct mat x, struct mat c);
void cpu_eigh(struct device *dev, struct mat a, struct mat values);
void cpu_cholesky(struct device *dev, struct mat a);
void cpu_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);

void cpu_norm(struct device *dev, struct mat x, struct norm n, struct mat y);
void cpu_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy, struct mat dx);
void cpu_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
              bool interleaved, bool backward);
void cpu_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                   const struct attn_seq *seq, int seqs, struct attn_shape shape, struct mat out);
void cpu_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                        const struct attn_seq *seq, int seqs, struct attn_shape shape,
                        struct mat dout, struct mat dq, struct mat dk, struct mat dv);
void cpu_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
               struct mat out);
void cpu_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                    struct mat dout, struct mat dgate, struct mat dup);
void cpu_softcap(struct device *dev, float cap, struct mat x);
void cpu_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy);
void cpu_lse(struct device *dev, struct mat logits, struct mat out);
void cpu_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                       struct mat loss, bool grad);
void cpu_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
            bool grad);

void cpu_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
             struct mat coeff, const int *target, int v0, struct lps_state s);
void cpu_adam(struct device *dev, struct mat grad, struct adam a);
void cpu_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w);

#endif
