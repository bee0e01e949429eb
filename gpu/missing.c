/* What is not on the GPU yet. Every function has its slot's parameters and uses none of them. */
#include "gpu/missing.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"

static void missing(struct device *dev, const char *operation)
{
    err_set(&dev->fault, ERR_DEVICE, "%s is not available on this device yet; use --device cpu",
            operation);
}

void missing_graph_begin(struct device *dev)
{
    missing(dev, "graph_begin");
}

void *missing_graph_end(struct device *dev)
{
    missing(dev, "graph_end");
    return NULL;
}

void missing_graph_launch(struct device *dev, void *graph)
{
    missing(dev, "graph_launch");
}

void missing_graph_free(struct device *dev, void *graph)
{
    /* there can be none */
}

void missing_gather(struct device *dev, struct mat table, const int *index, struct mat out)
{
    missing(dev, "gather");
}

void missing_scatter_add(struct device *dev, struct mat x, const int *index, struct mat out)
{
    missing(dev, "scatter_add");
}

void missing_gram(struct device *dev, struct mat x, struct mat c)
{
    missing(dev, "gram");
}

void missing_eigh(struct device *dev, struct mat a, struct mat values)
{
    missing(dev, "eigh");
}

void missing_cholesky(struct device *dev, struct mat a)
{
    missing(dev, "cholesky");
}

void missing_cholesky_solve(struct device *dev, struct mat l, struct mat b, bool half)
{
    missing(dev, "cholesky_solve");
}

void missing_rmsnorm(struct device *dev, struct mat x, struct mat gain, float eps, struct mat y)
{
    missing(dev, "rmsnorm");
}

void missing_rmsnorm_grad(struct device *dev, struct mat x, struct mat gain, float eps,
                          struct mat dy, struct mat dx)
{
    missing(dev, "rmsnorm_grad");
}

void missing_rope(struct device *dev, struct mat x, const int *pos, int heads, const float *freq,
                  bool interleaved, bool backward)
{
    missing(dev, "rope");
}

void missing_attention(struct device *dev, struct mat q, struct mat k, struct mat v,
                       const struct attn_seq *seq, int seqs, struct attn_shape shape,
                       struct mat out)
{
    missing(dev, "attention");
}

void missing_attention_grad(struct device *dev, struct mat q, struct mat k, struct mat v,
                            const struct attn_seq *seq, int seqs, struct attn_shape shape,
                            struct mat dout, struct mat dq, struct mat dk, struct mat dv)
{
    missing(dev, "attention_grad");
}

void missing_swiglu(struct device *dev, struct mat gate, struct mat up, struct mat out)
{
    missing(dev, "swiglu");
}

void missing_swiglu_grad(struct device *dev, struct mat gate, struct mat up, struct mat dout,
                         struct mat dgate, struct mat dup)
{
    missing(dev, "swiglu_grad");
}

void missing_lse(struct device *dev, struct mat logits, struct mat out)
{
    missing(dev, "lse");
}

void missing_cross_entropy(struct device *dev, struct mat logits, const int *label, float weight,
                           struct mat loss, bool grad)
{
    missing(dev, "cross_entropy");
}

void missing_kl(struct device *dev, struct mat logits, struct mat ref, float weight,
                struct mat loss, bool grad)
{
    missing(dev, "kl");
}

void missing_lps(struct device *dev, struct mat head, struct mat values, struct mat base,
                 struct mat coeff, const int *target, int v0, struct lps_state s)
{
    missing(dev, "lps");
}

void missing_adam(struct device *dev, struct mat grad, struct adam a)
{
    missing(dev, "adam");
}

void missing_delta_apply(struct device *dev, struct mat r, struct mat xm, struct mat w)
{
    missing(dev, "delta_apply");
}
