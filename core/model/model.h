/* A model on a device: its weights, by role. A model never changes; what an edit makes of it is a
 * state (state.h). Engine thread only. */
#ifndef CORE_MODEL_MODEL_H
#define CORE_MODEL_MODEL_H

#include "core/base/job.h"
#include "core/device/device.h"
#include "core/model/matrix.h"
#include "core/model/tokenizer/tokenizer.h"
#include "core/model/weights.h"

/* One block. A part that the model lacks has data NULL. Biases are [1, out] of their matrix, gains
 * [1, d] unless said otherwise. */
struct block {
    struct norm attn_norm, ffn_norm;           /* before attention and before the FFN */
    struct norm q_norm, k_norm;                /* gain [1, hd]: on each head, before the rotation */
    struct norm post_attn_norm, post_ffn_norm; /* on the outputs of attention and FFN */
    struct mat w[MATRICES], bias[MATRICES];    /* by enum matrix */
    struct attn_shape shape;
    const float *freq; /* model.freq or model.freq_swa; NULL: no rotary positions */
};

/* Weights are float32 copies as far as memory allows, and otherwise stay in the stored type (F16,
 * Q4_K, ...), which operations convert as they read. */
struct model {
    struct weights *file;
    const struct model_config *config;
    struct tokenizer *tokenizer;
    struct device *dev;
    struct block *block;    /* [layers] */
    struct mat embed;       /* [V, d] */
    struct mat embed_scale; /* [1, d] factor of embeddings, or data NULL */
    struct mat positions;   /* [context, d] added to embeddings, or data NULL */
    struct mat head;        /* [V, d]; the same as embed when tied */
    struct norm final_norm;
    float *freq, *freq_swa; /* [head_dim / 2] radians a position, rope scaling applied; swa: those
                               of layers with a window, NULL: the same */
    bool *tensor_checked;   /* [weights_count] tensors that were looked at and are finite */
    bool
        *layer_checked; /* [layers + 1] blocks, then the rest: all theirs were (finite_weights.h) */
    struct mat *owned;  /* what mat_free() gives back */
    int owned_count;
    struct float_copy
        *copy; /* by address: float32 copies whose stored weights can be read as well */
    int copies;
    double load_seconds;
};

/* Opens a .gguf file or a folder of safetensors and brings it onto the device, as float32 as
 * far as `memory` bytes allow (0: three quarters of what is free; negative: none), else in its
 * stored type. On a device with memory of its own the bytes are those beyond the stored ones. The
 * device must outlive the model. `job` may be NULL. */
struct model *model_open(const char *path, struct device *dev, long long memory, struct job *job,
                         struct err *err);
/* The same of weights that are open already, and a tokenizer (NULL: token ids are given directly).
 * Both belong to the model from here on, also when it fails. */
struct model *model_of(struct weights *file, struct tokenizer *tokenizer, struct device *dev,
                       long long memory, struct job *job, struct err *err);
void model_close(struct model *m); /* accepts NULL; frees file and tokenizer as well */

/* The weight w for a product of x with w transposed, x of so many rows: for few, the stored one
 * where there are both, since that is fewer bytes to read. The bits of the product are the same. */
struct mat model_weight(const struct model *m, struct mat w, int rows);

#endif
