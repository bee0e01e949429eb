/* A device: memory, and the operations on matrices that the engine needs (CPU or GPU).
 *
 * The table. `struct device_ops` is a table of functions, one for each operation. core/device/
 * device_cpu.c fills it with the reference implementation, gpu/cuda.c with CUDA's. Every device
 * fills every slot. The engine calls device_gemm(), device_norm() ..., which check types and shapes
 * once and then call the slot, so an implementation trusts its arguments. Shapes come from model
 * files, so a wrong one is a fault, not an assertion.
 *
 * Sticky faults. Operations return nothing. The first fault is stored in the device, all operations
 * after it do nothing, and device_sync() reports and clears it. So a forward pass reads like
 * mathematics and is checked once, at its end:
 *
 *   device_norm(dev, x, layer->norm, h);
 *   device_gemm(dev, 1, h, false, layer->gate, true, 0, g);        g = h gate^T
 *   device_gemm(dev, 1, h, false, layer->up, true, 0, u);
 *   device_gated(dev, ACT_SILU, g, u, m);
 *   device_gemm(dev, 1, m, false, layer->down, true, 1, x);        x += m down^T
 *   return device_sync(dev, err);
 *
 * After a fault, matrices may hold anything, and memory that could not be allocated has data NULL;
 * neither is read, because nothing runs. A device that is `lost` (a GPU that fell off the bus)
 * reports its fault on every sync; the only thing left to do is to close it.
 *
 * Queueing. On the CPU an operation is finished when its function returns. A GPU queues it: the
 * host runs ahead, and operations run in the order in which they were called. Only device_sync(),
 * device_download() and device_fetch() wait. Arrays of the host (index[], pos[], label[], freq[])
 * are copied before the function returns. device_throttle() limits how far the host runs ahead,
 * because queued work cannot be cancelled.
 *
 * Recording. Launching a small operation takes the host longer than the GPU needs to run it. A
 * sequence that repeats with the same matrices (a step of the target's optimisation: some hundred
 * operations) is recorded once and launched as one unit:
 *
 *   run the step once                           kernels are loaded, scratch memory has its size
 *   device_graph_begin(dev), the step, graph = device_graph_end(dev)         recorded, not run
 *   device_graph_launch(dev, graph), as often as needed
 *
 * What changes from launch to launch must be in device memory (Adam counts its own steps there).
 * While recording, allocating, releasing, copying from or to the host and waiting are faults.
 * ops->graphs says whether a device can record; if not, call the operations each time.
 *
 * Results are reproducible: the same calls on the same device give the same bits, whatever the
 * number of threads. Between devices only dtype conversion and device_delta_apply() promise equal
 * bits. One device belongs to one thread. */
#ifndef CORE_DEVICE_DEVICE_H
#define CORE_DEVICE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/device/dtype.h"

enum {
    DEVICE_MAX_HEAD_DIM = 1024, /* for rotary positions */
    DEVICE_FEW_ROWS = 6, /* with at most this many rows of a, the CPU's a b^T is limited by reading
                            b, so it uses a different loop */
};

/* A row-major window on device memory. It owns nothing and is passed by value. Element (r, c) is at
 * data[r * stride + c]:
 *
 *            cols
 *        |---------|
 *      - x x x x x x . . .      stride >= cols: a window on some columns of a larger matrix
 *  rows| x x x x x x . . .      (mat_cols), or on some of its rows (mat_rows)
 *      - x x x x x x . . .
 *        |---------------|
 *             stride
 *
 * Weights of a model file may be host memory that the device took with device_adopt(). Their type
 * may be quantised; cols and stride count elements then too, and a window begins at a whole row. */
struct mat {
    void *data;
    enum dtype type;
    int rows, cols;
    long stride; /* elements from the start of one row to the next */
};

/* One sequence of a packed batch, for attention over a cache of keys and values.
 *
 *   Q        ... [ q0 .. q0+n-1 ] ...                       the sequence's new rows
 *   K, V     ... [ kv0 .. kv0+past-1 ][ kv0+past .. kv0+past+n-1 ] ...
 *                  cached rows          the new rows' own keys and values
 *
 * New row i sees all cached rows and the new rows 0 .. i. */
struct attn_seq {
    int q0, n, kv0, past;
    bool exclude_self; /* new rows see only the cache (a query at a padding position) */
};

struct attn_shape {
    int heads, kv_heads, head_dim;
    float scale;
    int window;    /* sliding window: the last `window` of the keys that the row would see, its own
                      included; 0: all of them */
    float softcap; /* scores s become softcap tanh(s / softcap); 0: none */
};

enum norm_kind {
    NORM_RMS,   /* x / rms(x) */
    NORM_LAYER, /* (x - mean) / standard deviation */
};

struct norm {
    enum norm_kind kind;
    struct mat gain, bias; /* F32 [1, d]; bias data NULL: none */
    float eps;             /* added to the mean square (RMS) or variance (LAYER) */
};

enum activation {
    ACT_SILU, /* x / (1 + e^-x) */
    ACT_GELU, /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
};

/* Adam's variable and state. All of it is on the device, the step counter too, so that a recorded
 * step can be launched again. */
struct adam {
    struct mat x, m, v; /* F32 [1, d]: the variable, its first and second moment */
    struct mat steps;   /* F64 [1, 1]: steps so far; fill with 0 before the first */
    float lr, beta1, beta2, eps;
    float max_norm; /* after the step, shrink x to ||x|| <= max_norm; <= 0: no bound */
    double decay;   /* weight decay adds decay ||x||, or decay ||x||^2 if square, to the loss */
    bool square;    /* if not, the gradient at x = 0, which does not exist, is taken as 0 */
};

/* The running sums of the log probability shift for N rows and M neurons; see device_lps(). */
struct lps_state {
    struct mat max, own;     /* F32 [N, M] maximum so far; U of the explained token */
    struct mat sum;          /* F64 [N, M] sum of e^(term - max). Double, because one term may be
                                nearly all of the sum and the others must still count */
    struct mat mean, square; /* F32 [N, M] sums of e U and e U^2; data NULL: not computed */
    struct mat base_scale;   /* F32 [N, M] factor of base[b, j] for neuron i; data NULL: 1 */
    bool same_values; /* `values` are unchanged since the previous call: a device may reuse what it
                         has derived from them */
    /* For models whose head has a bias or a soft cap: a term x becomes x + add[j], then
     * cap tanh(x / cap). mean and square are not available then. */
    struct mat add; /* F32 [1, T], the tile's part; data NULL: none */
    float cap;      /* 0: none */
};

/* How the factors of float32 products are rounded. All sums are float32. Faster ways need tensor
 * cores; a device without them uses the next more exact one, and the CPU has only the first. */
enum precision {
    PRECISION_FULL,  /* not rounded */
    PRECISION_SPLIT, /* sums of two or three bfloat16 numbers: error 2^-16 of a term or less */
    PRECISION_TF32,  /* 11 bits */
    PRECISION_BF16,  /* 8 bits */
    PRECISION_COUNT
};
/* The precision without --precision: the fastest one whose masks agree with those of `full` in
 * 99.5 % of the neurons, as `make bench-gpu` measures. Not measured on a GPU yet, so full. */
enum { PRECISION_DEFAULT = PRECISION_FULL };
extern const char *const precision_names[PRECISION_COUNT]; /* "full", "split", "tf32", "bf16" */

struct job;

/* Which eigenvectors device_eigh_top() computes, and who may stop it. */
struct eigh_top {
    double least;    /* > 0: those whose eigenvalue is at least this */
    int first;       /* otherwise those with this index and above, eigenvalues ascending, and those
                        whose eigenvalue is equal to that one's. Then: the first index there is */
    double trace;    /* then: of the matrix */
    struct job *job; /* may be NULL; looked at every few milliseconds on the CPU */
    const char *phase; /* of its progress, which goes from `begun` to `begun` + 1 of `total` */
    double begun, total;
    double reported; /* share of the last progress; 0 before */
};

enum device_presence {
    DEVICE_ABSENT,   /* the machine has none */
    DEVICE_UNUSABLE, /* there is one, but it cannot be used: err says why */
    DEVICE_READY,
};

struct buf;

struct device {
    const struct device_ops *ops;
    struct err fault; /* the first fault since the last device_sync() */
    bool lost;        /* it will never work again: its fault stays, only closing makes sense */
    enum precision precision; /* set after opening, before the first operation */
    /* Set by core/edit/gpu_memory.c when memory is short: second moments, null spaces, stay on the
     * host and are copied to the device band by band. */
    bool moments_on_host, spaces_on_host;
    size_t host_band;    /* bytes of a band; 0: 128 MiB */
    size_t in_use, peak; /* bytes allocated now, and at most so far */
    int threads;
};

struct device_ops {
    const char *name;   /* "cpu", "cuda": what --device takes */
    bool own_memory;    /* data must be copied to its memory, and fit there */
    bool graphs;        /* it can record operations; if not, call them every time */
    bool queues;        /* operations return before they are done */
    size_t zeroed_from; /* alloc gives zeros if asked for so many bytes or more; 0: never */
    int (*count)(void); /* devices of this kind in the machine; 0 is not an error */
    /* Whether device `index` can be opened; if not, err says why. */
    enum device_presence (*check)(int index, struct err *err);
    /* Appends what `doctor` prints: lines "NAME<tab>TEXT". */
    void (*survey)(struct buf *out);
    struct device *(*open)(int index, int threads, struct err *err); /* threads 0: choose */
    void (*close)(struct device *dev);
    size_t (*free_memory)(struct device *dev); /* bytes; 0: unknown */
    void *(*alloc)(struct device *dev, size_t bytes);
    void (*release)(struct device *dev, void *ptr, size_t bytes);
    /* The device's address of host bytes that stay mapped while the device lives; NULL: it cannot
     * read host memory, so the caller uploads. */
    const void *(*adopt)(struct device *dev, const void *host, size_t bytes);
    void (*upload)(struct device *dev, void *dst, const void *src, size_t bytes);
    void (*download)(struct device *dev, void *dst, const void *src, size_t bytes);
    void (*finish)(struct device *dev); /* waits for everything queued */
    /* If ops->graphs: operations between begin and end are recorded and not run. A launch runs them
     * on what their matrices hold then; host arrays are those of the recording. The operations must
     * have run once before with the same shapes. The matrices must outlive the graph. After a fault
     * while recording, end returns NULL. */
    void (*graph_begin)(struct device *dev);
    void *(*graph_end)(struct device *dev);
    void (*graph_launch)(struct device *dev, void *graph);
    void (*graph_free)(struct device *dev, void *graph);
    void (*throttle)(struct device *dev, int ahead);

    /* copies and elementwise operations; F32 unless said otherwise */
    void (*copy)(struct device *dev, struct mat src,
                 struct mat dst); /* any type to F32/F64, F64 to F32 */
    void (*fill)(struct device *dev, struct mat x, double value); /* F32 or F64 */
    void (*gather)(struct device *dev, struct mat table, const int *index, struct mat out);
    void (*scatter_add)(struct device *dev, struct mat x, const int *index, struct mat out);
    void (*axpy)(struct device *dev, float alpha, struct mat x,
                 struct mat y); /* x one row: to each */
    void (*scale_cols)(struct device *dev, struct mat x, struct mat s,
                       struct mat y); /* y = x diag(s) */
    void (*scale_rows)(struct device *dev, struct mat s,
                       struct mat x); /* x = diag(s) x, s [1, rows] */
    void (*col_norms)(struct device *dev, struct mat x, struct mat out);
    void (*nearest)(struct device *dev, struct mat x, struct mat key, struct mat radius,
                    struct mat choice);
    void (*largest)(struct device *dev, struct mat x, int k, struct mat out);

    /* algebra: c = alpha op(a) op(b) + beta c. F32 (b of any stored type) or all F64 */
    void (*gemm)(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                 double beta, struct mat c);
    void (*gram)(struct device *dev, struct mat x, struct mat c); /* F64 c += x^T x, x F32 */
    void (*eigh)(struct device *dev, struct mat a,
                 struct mat values); /* F64, a becomes rows of vectors */
    void (*eigh_top)(struct device *dev, struct mat a, struct mat values, struct eigh_top *top);
    void (*cholesky)(struct device *dev, struct mat a); /* F64, lower, in place */
    void (*cholesky_solve)(struct device *dev, struct mat l, struct mat b,
                           bool half); /* F64, in place */

    /* transformer */
    void (*norm)(struct device *dev, struct mat x, struct norm n, struct mat y);
    void (*norm_grad)(struct device *dev, struct mat x, struct norm n, struct mat dy,
                      struct mat dx);
    void (*rope)(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward);
    void (*attention)(struct device *dev, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, struct attn_shape shape,
                      struct mat out);
    void (*attention_grad)(struct device *dev, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv);
    void (*gated)(struct device *dev, enum activation act, struct mat gate, struct mat up,
                  struct mat out);
    void (*gated_grad)(struct device *dev, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup);
    void (*softcap)(struct device *dev, float cap, struct mat x);
    void (*softcap_grad)(struct device *dev, float cap, struct mat y, struct mat dy);
    void (*lse)(struct device *dev, struct mat logits, struct mat out);
    void (*cross_entropy)(struct device *dev, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad);
    void (*kl)(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad);

    /* the method */
    void (*lps)(struct device *dev, struct mat head, struct mat values, struct mat base,
                struct mat coeff, const int *target, int v0, struct lps_state s);
    void (*adam)(struct device *dev, struct mat grad, struct adam a);
    void (*delta_apply)(struct device *dev, struct mat r, struct mat xm, struct mat w);
};

extern const struct device_ops device_cpu;

/* Opens device `index` of a kind. threads: of the CPU device; 0: one for each processor. */
struct device *device_open(const struct device_ops *ops, int index, int threads, struct err *err);
void device_close(struct device *dev); /* accepts NULL */
/* Uninitialised memory. NULL and a sticky fault (ERR_LIMIT, names the bytes) if there is not
 * enough. */
void *device_alloc(struct device *dev, size_t bytes);
/* `bytes` must be those of the allocation. Accepts NULL. Works after a fault. */
void device_release(struct device *dev, void *ptr, size_t bytes);
size_t device_free_memory(struct device *dev); /* bytes; 0: unknown */
/* The device's view of host bytes, read-only, valid while they stay mapped; NULL: not possible. */
const void *device_adopt(struct device *dev, const void *host, size_t bytes);
/* Waits for everything queued, then reports and clears the first fault. A lost device keeps its
 * fault. The text begins with the device's name, unless the fault is one of numbers (ERR_FORMAT),
 * which is not the hardware's. */
bool device_sync(struct device *dev, struct err *err);

/* A new matrix, F32 or F64, filled with zeros; data NULL after a fault. Free it with mat_free(). */
struct mat mat_new(struct device *dev, enum dtype type, int rows, int cols);
void mat_free(struct device *dev, struct mat *m); /* zeroes *m; accepts a zeroed one */
/* Windows on `count` rows or columns of m, from `first` on. mat_cols(): no quantised types. */
struct mat mat_rows(struct mat m, int first, int count);
void mat_reshape(struct mat *m, int rows, int cols); /* dense, at most as large as it was made */
struct mat mat_cols(struct mat m, int first, int count);
struct mat mat_as_row(struct mat m); /* all elements of a dense matrix, [1, rows * cols] */
/* The bytes of a dense matrix of m's size. */
size_t mat_bytes(struct mat m);

/* Copy a whole matrix between host memory (dense, row-major, the same type) and the device. */
void device_upload(struct device *dev, struct mat dst, const void *src);
void device_download(struct device *dev, void *dst, struct mat src);
/* Downloads F32 or F64 results that must be finite. A NaN or infinity is a fault that names the
 * matrix (`name`, printf-style), row and column. Every result that is shown, compared, sorted or
 * stored is downloaded this way. */
void device_fetch(struct device *dev, void *dst, struct mat src, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

/* Operations. Matrices are F32 unless said otherwise, and outputs must not overlap inputs unless
 * said otherwise. */

/* dst = src, converted: any type to F32 or F64, F64 to F32. */
void device_copy(struct device *dev, struct mat src, struct mat dst);
/* Sets every element. F32 or F64. */
void device_fill(struct device *dev, struct mat x, double value);
/* out[i] = table[index[i]]: rows of a table of any stored type, as F32. index[] is on the host. */
void device_gather(struct device *dev, struct mat table, const int *index, struct mat out);
/* out[index[i]] += x[i] for each row i of x, in order. index[] is on the host. */
void device_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out);
/* y += alpha x. If x has one row, it is added to each row of y. */
void device_axpy(struct device *dev, float alpha, struct mat x, struct mat y);
/* y = x diag(s), s [1, cols]; y may be x. */
void device_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y);
/* x = diag(s) x, s [1, rows]. */
void device_scale_rows(struct device *dev, struct mat s, struct mat x);
/* out [1, cols] = the Euclidean norm of each column of x; sums in double. */
void device_col_norms(struct device *dev, struct mat x, struct mat out);
/* choice [n, k] = 1 where row j of key [k, m] is the nearest to row i of x [n, m], by Euclidean
 * distance, and within radius [1, k] of it; else 0. The first of equal ones; sums in double. */
void device_nearest(struct device *dev, struct mat x, struct mat key, struct mat radius,
                    struct mat choice);
/* out [n, m] = 1 at the k elements of each row of x [n, m] whose |x| is the largest, the first of
 * equal ones; else 0. 0 <= k <= m. */
void device_largest(struct device *dev, struct mat x, int k, struct mat out);
/* c = alpha op(a) op(b) + beta c, op = transposed if ta, tb. All F64, or a and c F32 and b of any
 * stored type. beta 0: c need not be initialised. */
void device_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                 double beta, struct mat c);
/* c += x^T x; x [n, m] F32, c [m, m] F64. Products of two float32 numbers are exact in double. */
void device_gram(struct device *dev, struct mat x, struct mat c);
/* Eigendecomposition in F64. a [n, n] symmetric becomes the eigenvectors, one a row; values [1, n]
 * become the eigenvalues, ascending. */
void device_eigh(struct device *dev, struct mat a, struct mat values);
/* The same for the largest eigenvalues, which `top` chooses: the rows of `a` and the values from
 * top->first on. Those before are undefined and finite. The work can be stopped: then the fault is
 * ERR_CANCELLED. */
void device_eigh_top(struct device *dev, struct mat a, struct mat values, struct eigh_top *top);
/* For devices. Between two slices: reports a share of the work, and whether it goes on. If not,
 * the fault says so. */
bool device_goes_on(struct device *dev, struct eigh_top *top, double share);
/* Sets what follows from all n eigenvalues, ascending. */
void eigh_top_choose(struct eigh_top *top, const double *value, int n);
/* F64: a [n, n] becomes its lower Cholesky factor L, a = L L^T; the upper triangle becomes 0. A
 * matrix that is not positive definite is a fault. */
void device_cholesky(struct device *dev, struct mat a);
/* F64: b [n, u] becomes (L L^T)^-1 b, or L^-1 b if half. */
void device_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);
/* y = norm(x) * gain + bias, for each row; y may be x. */
void device_norm(struct device *dev, struct mat x, struct norm n, struct mat y);
/* dx += the gradient of the norm at x, given dy. */
void device_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy,
                      struct mat dx);
/* Rotary positions, in place: rotates pair i of each head of each row by pos[row] * freq[i].
 * pos [rows] and freq [head_dim / 2] are on the host. A pair is elements 2i and 2i+1 if
 * interleaved, else i and i + head_dim / 2. backward rotates the other way: the gradient. */
void device_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward);
/* Causal attention: out = softmax(scale q k^T) v for each head of each sequence. q, out [rows,
 * heads
 * * head_dim]; k, v [cache rows, kv_heads * head_dim]. heads is a multiple of kv_heads (grouped
 * queries). Rows of no sequence are not written. seq[] is on the host. */
void device_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, struct attn_shape shape,
                      struct mat out);
/* Its gradient. dq, and dk, dv [rows, kv_heads * head_dim] of the new rows (row i of the packed
 * batch), are overwritten. Cached rows get no gradient. */
void device_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv);
/* out = act(gate) * up. up data NULL: out = act(gate), as in GPT-2. out may be gate or up. */
void device_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
                  struct mat out);
/* Its gradient: dgate and dup are overwritten and may be gate and up. up and dup are both given, or
 * data NULL both. */
void device_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup);
/* x = cap tanh(x / cap), in place; cap > 0. */
void device_softcap(struct device *dev, float cap, struct mat x);
/* Its gradient, in place: dy *= 1 - (y / cap)^2, y being the output of device_softcap(). */
void device_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy);
/* out [1, rows] = log sum_j e^(logits[row, j]). */
void device_lse(struct device *dev, struct mat logits, struct mat out);
/* loss [1, rows] = -log p(label) of each row. With grad the logits are overwritten by
 * weight * (softmax - onehot(label)). label[] is on the host. */
void device_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad);
/* Kullback-Leibler divergence of each row: loss [1, rows] = sum_j p_j (log p_j - ref_j), where p =
 * softmax(logits) and ref are log-probabilities. With grad the logits are overwritten by
 * weight * p_j (log p_j - ref_j - loss). */
void device_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad);
/* Call it after each portion of queued work. Waits until at most the last `ahead` portions (0 to
 * 15) are unfinished, so that a cancel takes no longer than these. Returns at once on devices that
 * do not queue. */
void device_throttle(struct device *dev, int ahead);
/* Log probability shift, one tile of the vocabulary (Eq. 2, 3; editscope-method(7) 3.5).
 *
 *   head   [T, d]  rows v0 .. v0+T-1 of the unembedding, any stored type
 *   values [d, M]  value vectors of the layer's neurons, scaled by the final norm's gain
 *   base   [N, T]  the tile's part of the unperturbed logits of the lens
 *   coeff  [N, M]  how much is added of neuron i's value vector in row b
 *   U = head values [T, M]: what one unit of neuron i adds to logit j
 *
 * For each row b and neuron i the logits of the perturbed lens,
 *   base_scale[b, i] * base[b, j] + coeff[b, i] * U[j, i]      (changed by s.add and s.cap),
 * enter the running maximum and sum of exponentials in s, from which the caller computes
 * log p(target). s.own[b, i] becomes U[target[b], i] when the target is in the tile; target[N] is
 * on the host. All V x M of U would be 7 GB for an 8B model; so only tiles of it exist at a time.
 * Before the first tile the caller fills max with -INFINITY and sum, mean and square with 0. */
void device_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                struct mat coeff, const int *target, int v0, struct lps_state s);
/* Adam with the moments' decay and eps of Kingma and Ba 2015, without weight decay or bound. x, m
 * and v are dense, of one size. */
struct adam adam_of(struct mat x, struct mat m, struct mat v, struct mat steps, double lr);
/* One step of Adam on a.x with grad [1, d] plus the gradient of the decay, then the projection to
 * max_norm (which does not change the moments). */
void device_adam(struct device *dev, struct mat grad, struct adam a);
/* w += r^T xm in the one defined order (core/edit/delta.h), the same bits on every device.
 * r [u, rows], xm [u, cols], w [rows, cols]. Columns where xm is 0 in every rank keep their bits.
 */
void device_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w);
/* Recording, as explained above. Every begin needs an end, also after a fault. */
void device_graph_begin(struct device *dev);
void *device_graph_end(struct device *dev); /* NULL after a fault */
void device_graph_launch(struct device *dev, void *graph);
void device_graph_free(struct device *dev, void *graph);

#endif
