/* Inside of the CPU device: its state, and the operations that device_cpu.c puts into the table.
 * Only cpu_*.c and tests/doubles/device_far.c include this.
 *
 * How work is split: an operation cuts its output into pieces from the shape alone, each piece is
 * computed by one thread from start to end, and no two pieces write the same element. So the bits
 * do not depend on the number of threads. The operations do what device.h says; they trust their
 * arguments. */
#ifndef CORE_DEVICE_CPU_H
#define CORE_DEVICE_CPU_H

#include "core/device/cpu_loops.h"
#include "core/device/cpu_pool.h"
#include "core/device/device.h"

struct cpu {
    struct device dev; /* first, so that a struct device * can be cast to struct cpu * */
    struct cpu_pool *pool;
    const struct cpu_loops *loops;
    void **scratch;       /* [threads] one buffer for each thread */
    size_t scratch_bytes; /* the size of each */
    void *shared;         /* one buffer for all threads */
    size_t shared_bytes;
};

/* Makes each cpu->scratch[worker] at least so large, 64-byte aligned, contents undefined. Valid
 * during the operation that asks. False and a fault if memory is short. */
bool cpu_scratch(struct cpu *cpu, size_t bytes);
/* The same for cpu->shared. */
bool cpu_shared(struct cpu *cpu, size_t bytes);
/* Calls work(context, first, end) on ranges that cover 0 .. rows, in parallel. cost: elements that
 * one row reads, from which the length of a range follows. */
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

/* The start of a row of any type. */
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
void cpu_largest(struct device *dev, struct mat x, int k, struct mat out);
void cpu_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                 struct mat choice);

/* OpenBLAS starts threads when it is loaded, and they would take signals meant for the main thread.
 * This restarts them with signals blocked, and sets the BLAS to one thread, because the device
 * splits work itself. Call it when a device is opened. */
void cpu_blas_start(void);
/* Sets the threads of the BLAS: more for one LAPACK call, then back to 1. */
void cpu_blas_threads(int threads);
void cpu_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
              double beta, struct mat c);
/* cpu_gemm() for a.rows <= DEVICE_FEW_ROWS and transposed b: c = alpha a b^T + beta c, b of any
 * stored type. Used when one token is generated at a time. */
void cpu_gemv(struct cpu *cpu, float alpha, struct mat a, struct mat b, float beta, struct mat c);
void cpu_gram(struct device *dev, struct mat x, struct mat c);
void cpu_eigh(struct device *dev, struct mat a, struct mat values);
void cpu_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top);
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
