/* Slots of the CUDA device that are not on the GPU yet: each is a fault that names the operation.
 * Seen by cuda.c only. */
#ifndef GPU_MISSING_H
#define GPU_MISSING_H

#include "core/device/device.h"

void missing_graph_begin(struct device *dev);
void *missing_graph_end(struct device *dev);
void missing_graph_launch(struct device *dev, void *graph);
void missing_graph_free(struct device *dev, void *graph);
void missing_gather(struct device *dev, struct mat table, const int *index, struct mat out);
void missing_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out);
void missing_gram(struct device *dev, struct mat x, struct mat c);
void missing_eigh(struct device *dev, struct mat a, struct mat values);
void missing_cholesky(struct device *dev, struct mat a);
void missing_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half);
void missing_rmsnorm(struct device *dev, struct mat x, struct mat gain, float eps, struct mat y);
void missing_rmsnorm_grad(struct device *dev, struct mat x, struct mat gain, float eps,
                          struct mat dy, struct mat dx);
void missing_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                  bool interleaved, bool backward);
void missing_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                       const struct attn_seq *seq, int seqs, struct attn_shape shape,
                       struct mat out);
void missing_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                            const struct attn_seq *seq, int seqs, struct attn_shape shape,
                            struct mat dout, struct mat dq, struct mat dk, struct mat dv);
void missing_swiglu(struct device *dev, struct mat gate, struct mat up, struct mat out);
void missing_swiglu_grad(struct device *dev, struct mat gate, struct mat up, struct mat dout,
                         struct mat dgate, struct mat dup);
void missing_lse(struct device *dev, struct mat logits, struct mat out);
void missing_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                           struct mat loss, bool grad);
void missing_kl(struct device *dev, struct mat logits, struct mat ref, float weight,
                struct mat loss, bool grad);
void missing_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                 struct mat coeff, const int *target, int v0, struct lps_state s);
void missing_adam(struct device *dev, struct mat grad, struct adam a);
void missing_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w);

#endif
