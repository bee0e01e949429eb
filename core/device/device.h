/* What the engine needs from a piece of hardware.
 *
 * A device owns memory and runs operations on it in the order given. Operations return
 * nothing: the first fault sticks to the device, the operations after it do nothing, and
 * device_sync() reports it. So a forward pass reads as mathematics and is checked once, at
 * its end.
 *
 * Shapes are checked here, in the device_*() functions; an implementation may trust its
 * arguments. One device belongs to one thread. All slots are filled by every device. */
#ifndef CORE_DEVICE_DEVICE_H
#define CORE_DEVICE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/device/dtype.h"

enum {
    DEVICE_MAX_HEAD_DIM = 1024, /* of rotary positions */
    DEVICE_FEW_ROWS = 6, /* up to so many rows of a, the CPU's a b^T takes as long as reading b */
};

/* A row-major window on device memory (or, for weights of a file, on host memory the device
 * was given with device_adopt()). It owns nothing. Quantised types: cols counts elements,
 * stride too, and windows begin at whole rows. */
struct mat {
    void *data;
    enum dtype type;
    int rows, cols;
    long stride; /* elements between the starts of two rows */
};

/* One sequence of a packed batch, for attention over a cache of keys and values. Its new rows
 * are q0 .. q0+n of the query matrix; its cached rows kv0 .. kv0+past of K and V, and the new
 * rows' own keys stand behind them at kv0+past ... Row i sees the cache and new rows <= i. */
struct attn_seq {
    int q0, n, kv0, past;
    bool exclude_self; /* new rows see the cache only, not themselves (reading at a pad position) */
};

struct attn_shape {
    int heads, kv_heads, head_dim;
    float scale;
    int window;    /* keys a row sees, its own included; 0: all before it. Counted from the last
                      key it could see, so a blind row from the last of the cache */
    float softcap; /* scores s become cap tanh(s / cap); 0: none */
};

enum norm_kind {
    NORM_RMS,   /* x / rms(x) */
    NORM_LAYER, /* (x - mean) / standard deviation */
};

struct norm {
    enum norm_kind kind;
    struct mat gain, bias; /* F32 [1, d]; bias data NULL: none */
    float eps;             /* added to the mean square */
};

enum activation {
    ACT_SILU, /* x / (1 + e^-x) */
    ACT_GELU, /* x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
};

/* One optimisation state of target optimisation, kept on the device: a recorded step can be
 * launched again and counts for itself. */
struct adam {
    struct mat x, m, v; /* [1, d]: variable, first and second moment */
    struct mat steps;   /* F64 [1, 1]: steps taken so far; 0 before the first */
    float lr, beta1, beta2, eps;
    float max_norm; /* project onto ||x|| <= max_norm; <= 0: no bound */
    double decay;   /* its share of the loss is decay ||x||, or decay ||x||^2 if square; 0: none */
    bool square;    /* ||x|| has no derivative at 0: taken as 0 */
};

/* Scores of a tile of the vocabulary for N rows and M neurons, see device_lps(). */
struct lps_state {
    struct mat max, own;     /* F32 [N, M] running maximum, U_y */
    struct mat sum;          /* F64 [N, M] sum of exponentials relative to max: in double, since one
                                term may be nearly all of it */
    struct mat mean, square; /* [N, M] sums of e U and e U^2, or data NULL: not wanted */
    struct mat base_scale;   /* [N, M] multiplies base[b, j] for neuron i; data NULL: 1 */
    bool same_values; /* head is another tile, values are the ones of the call before: what the
                   device has made of them may be used once more */
    /* Terms may be bent: x becomes x + add[j], then cap tanh(x / cap). Then no mean and square. */
    struct mat add; /* [1, T], the tile's part; data NULL: none */
    float cap;      /* 0: none */
};

/* How float32 products are made where the hardware has faster ways. All add up in float32; they
 * differ in what is multiplied. A device without a way takes the next more exact one: the CPU has
 * only the first. */
enum precision {
    PRECISION_FULL,  /* float32 */
    PRECISION_SPLIT, /* each factor as a sum of bfloat16 numbers: 2^-16 of a term or better */
    PRECISION_TF32,  /* factors rounded to 11 bits */
    PRECISION_BF16,  /* factors rounded to 8 bits */
    PRECISION_COUNT
};
/* What is used unless --precision asks for another: the fastest whose masks agree with full in
 * 99.5 % of the neurons, as `make bench-gpu` finds it. Not yet measured on a GPU: full. */
enum { PRECISION_DEFAULT = PRECISION_FULL };
extern const char *const precision_names[PRECISION_COUNT]; /* "full", "split", "tf32", "bf16" */

enum device_presence {
    DEVICE_ABSENT,   /* there is none, and no sign of one */
    DEVICE_UNUSABLE, /* something is here that cannot be used: err says what is wrong with it */
    DEVICE_READY,
};

struct buf;

struct device {
    const struct device_ops *ops;
    struct err fault;
    bool lost; /* nothing more can come from it: every operation from now on is a fault, which
                  device_sync() reports each time; only closing it makes sense */
    enum precision precision;             /* set by whoever opened it, before its first operation */
    bool moments_on_host, spaces_on_host; /* set by whoever planned its memory: second moments, and
                                  null spaces, stay on the host and pass in bands */
    size_t host_band;                     /* bytes of such a band; 0: 128 MiB */
    size_t in_use, peak;                  /* bytes, kept by device_alloc() and device_release() */
    int threads;
};

struct device_ops {
    const char *name;   /* "cpu", "cuda": what --device takes */
    bool own_memory;    /* what is to be computed with must be brought to it, and fit */
    bool graphs;        /* recorded operations can be launched; if not, call them every time */
    bool queues;        /* operations return before they are done */
    int (*count)(void); /* how many can be opened now; 0 is no error */
    /* Whether this one can be opened; err says why not, whichever of the two it is. */
    enum device_presence (*check)(int index, struct err *err);
    /* What is here, for `doctor`: lines "NAME<tab>TEXT". */
    void (*survey)(struct buf *out);
    struct device *(*open)(int index, int threads, struct err *err);
    void (*close)(struct device *dev);
    size_t (*free_memory)(struct device *dev);
    void *(*alloc)(struct device *dev, size_t bytes);
    void (*release)(struct device *dev, void *ptr, size_t bytes);
    /* device address of host bytes that stay mapped as long as the device lives; NULL: cannot
     * (then the caller uploads) */
    const void *(*adopt)(struct device *dev, const void *host, size_t bytes);
    void (*upload)(struct device *dev, void *dst, const void *src, size_t bytes);
    void (*download)(struct device *dev, void *dst, const void *src, size_t bytes);
    void (*finish)(struct device *dev); /* wait for everything queued */
    /* Where graphs: operations between begin and end are recorded, not run, and a launch runs
     * them, as often as wanted, on what is in their matrices then; arrays of the host are as they
     * were when recorded. The operations must have run once before with these shapes. Meanwhile
     * no memory is taken or released and nothing is copied from or to the host. The matrices live
     * as long as the graph. A fault while recording ends it: end returns NULL. */
    void (*graph_begin)(struct device *dev);
    void *(*graph_end)(struct device *dev);
    void (*graph_launch)(struct device *dev, void *graph);
    void (*graph_free)(struct device *dev, void *graph);
    void (*throttle)(struct device *dev, int ahead);

    /* moving and elementwise; F32 unless said */
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

    /* algebra: c = alpha op(a) op(b) + beta c. F32 (b of any stored type) or all F64 */
    void (*gemm)(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                 double beta, struct mat c);
    void (*gram)(struct device *dev, struct mat x, struct mat c); /* F64 c += x^T x, x F32 */
    void (*eigh)(struct device *dev, struct mat a,
                 struct mat values);                    /* F64, a becomes rows of vectors */
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

struct device *device_open(const struct device_ops *ops, int index, int threads, struct err *err);
void device_close(struct device *dev);
/* NULL (and a sticking fault naming the bytes) when there is not enough. */
void *device_alloc(struct device *dev, size_t bytes);
void device_release(struct device *dev, void *ptr, size_t bytes);
size_t device_free_memory(struct device *dev);
/* Host bytes as device memory, read-only, for as long as they stay mapped; NULL: not possible. */
const void *device_adopt(struct device *dev, const void *host, size_t bytes);
/* Reports and clears the first fault. Waits for all that was queued. A lost device stays at fault.
 * What is wrong with numbers (ERR_FORMAT) is no fault of the hardware, and its name is not said. */
bool device_sync(struct device *dev, struct err *err);

/* A fresh matrix of F32 or F64, zeroed; data NULL after a fault. */
struct mat mat_new(struct device *dev, enum dtype type, int rows, int cols);
void mat_free(struct device *dev, struct mat *m); /* only of mat_new(); zeroes it */
struct mat mat_rows(struct mat m, int first, int count);
struct mat mat_cols(struct mat m, int first, int count); /* not of quantised types */
size_t mat_bytes(struct mat m);

/* Whole matrices between host (dense, row-major, the mat's type) and device. */
void device_upload(struct device *dev, struct mat dst, const void *src);
void device_download(struct device *dev, void *dst, struct mat src);
/* The same of results that are to be numbers: one that is NaN or infinite is a fault, which says
 * the name, the row and the column. Whatever leaves the device to be shown, compared, sorted or
 * kept comes this way; F32 or F64. */
void device_fetch(struct device *dev, void *dst, struct mat src, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

void device_copy(struct device *dev, struct mat src, struct mat dst);
void device_fill(struct device *dev, struct mat x, double value);
/* out[i] = table[index[i]] as F32; index[] is host memory, copied before return. */
void device_gather(struct device *dev, struct mat table, const int *index, struct mat out);
/* out[index[i]] += x[i], in order of i */
void device_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out);
void device_axpy(struct device *dev, float alpha, struct mat x, struct mat y);
void device_scale_cols(struct device *dev, struct mat x, struct mat s, struct mat y);
void device_scale_rows(struct device *dev, struct mat s, struct mat x);
/* out [1, cols] = the length of each column of x, summed up in double */
void device_col_norms(struct device *dev, struct mat x, struct mat out);
void device_gemm(struct device *dev, double alpha, struct mat a, bool ta, struct mat b, bool tb,
                 double beta, struct mat c);
void device_gram(struct device *dev, struct mat x, struct mat c);
/* a [n, n] symmetric, becomes the eigenvectors as rows, values [1, n] ascending. */
void device_eigh(struct device *dev, struct mat a, struct mat values);
/* a [n, n] becomes its lower factor L (the upper triangle is zeroed). A matrix that is not
 * positive definite is a fault. */
void device_cholesky(struct device *dev, struct mat a);
/* b [n, u] becomes (L L^T)^-1 b, or L^-1 b if half. */
void device_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);
/* y = norm of each row of x, times the gain, plus the bias; x and y may be the same. */
void device_norm(struct device *dev, struct mat x, struct norm n, struct mat y);
/* dx += gradient through the norm of x */
void device_norm_grad(struct device *dev, struct mat x, struct norm n, struct mat dy,
                      struct mat dx);
/* Rotates each head of each row in place by pos[row] * freq[i]; freq [head_dim / 2] host. */
void device_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                 bool interleaved, bool backward);
/* q, out [rows, heads * head_dim]; k, v [cache rows, kv_heads * head_dim]. */
void device_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                      const struct attn_seq *seq, int seqs, struct attn_shape shape,
                      struct mat out);
/* dq is written; dk, dv [rows, kv_heads * head_dim] are of the new rows (row i of the packed
 * batch) and are written; cached rows get no gradient. */
void device_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                           const struct attn_seq *seq, int seqs, struct attn_shape shape,
                           struct mat dout, struct mat dq, struct mat dk, struct mat dv);
/* out = act(gate) * up; up data NULL (then dup too): out = act(gate). In place is allowed. */
void device_gated(struct device *dev, enum activation act, struct mat gate, struct mat up,
                  struct mat out);
void device_gated_grad(struct device *dev, enum activation act, struct mat gate, struct mat up,
                       struct mat dout, struct mat dgate, struct mat dup);
/* x becomes cap tanh(x / cap); cap > 0 */
void device_softcap(struct device *dev, float cap, struct mat x);
/* dy *= 1 - (y / cap)^2, y what device_softcap() made: the gradient with respect to its input */
void device_softcap_grad(struct device *dev, float cap, struct mat y, struct mat dy);
/* out [1, rows] = log sum exp of each row */
void device_lse(struct device *dev, struct mat logits, struct mat out);
/* loss [1, rows] = -log p(label) of each row; with grad the logits become
 * weight * (softmax - onehot). label[] host. */
void device_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                          struct mat loss, bool grad);
/* loss [1, rows] = sum_j p_j (log p_j - ref_j), p = softmax(logits), ref log-probabilities;
 * with grad the logits become weight * p_j (log p_j - ref_j - loss). */
void device_kl(struct device *dev, struct mat logits, struct mat ref, float weight, struct mat loss,
               bool grad);
/* Returns when, of what was queued before earlier calls of this, only the last `ahead` (at most 15)
 * portions may be undone still: bounds how far the host runs ahead, and so how long a cancel takes.
 * At once where operations do not queue. */
void device_throttle(struct device *dev, int ahead);
/* Log probability shift, one tile of the vocabulary (Eq. 2, 3; editscope-method(7) 3.5). With
 * U = head values (head [T, d]: rows v0 .. v0+T of the unembedding; values [d, M]: the value
 * vectors scaled by the final norm's gain), for each row b and neuron i the terms
 * base_scale[b, i] * base[b, j] + coeff[b, i] * U[j, i] (bent by s.add and s.cap) enter the running
 * max and sum; s.own takes U[target[b]] when the target lies in the tile. base [N, T] is the
 * tile's part of the unperturbed lens.
 * U never leaves the tile. Before the first tile the caller fills max with -INFINITY and sum,
 * mean and square with 0. */
void device_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                struct mat coeff, const int *target, int v0, struct lps_state s);
/* One step of Adam on a.x with grad [1, d] plus the gradient of the decay, then the projection
 * (moments untouched). */
void device_adam(struct device *dev, struct mat grad, struct adam a);
/* w += r^T xm in the one defined way (core/edit/delta.h): r [u, rows], xm [u, cols]. Columns
 * where xm is 0 for every rank keep their bits. */
void device_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w);
void device_graph_begin(struct device *dev);
void *device_graph_end(struct device *dev); /* NULL after a fault; whoever began must end */
void device_graph_launch(struct device *dev, void *graph);
void device_graph_free(struct device *dev, void *graph);

#endif
