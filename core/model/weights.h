/* A model file as named tensors and a configuration.
 *
 * Tensors carry the GGUF names whatever the file's own are: token_embd.weight,
 * output_norm.weight, output.weight (absent when tied), rope_freqs.weight (optional), and for
 * each block N blk.N.{attn_norm,attn_q,attn_k,attn_v,attn_output,ffn_norm,ffn_up,
 * ffn_down}.weight; and what struct model_config's parts name. Shapes are the same in every
 * format too: a matrix is [out, in], and W_down [d, M]. Their data points into the mapped file:
 * nothing is copied, nothing is written. A struct weights never changes once open and may be
 * read from any thread. */
#ifndef CORE_MODEL_WEIGHTS_H
#define CORE_MODEL_WEIGHTS_H

#include "core/base/job.h"
#include "core/device/device.h"

struct tensor {
    char *name;   /* GGUF's */
    char *origin; /* the file's own; several have the same where it keeps q, k and v in one */
    int file;     /* weights_file() that holds it */
    enum dtype type;
    int ndim;         /* 1 to 4 */
    long dim[4];      /* dim[0] = rows (out), dim[1] = columns (in); the last is contiguous */
    const void *data; /* in a safetensors file of any alignment: copy, do not cast, if odd */
    size_t bytes;     /* of dim; from `data` on they are all its own if the stride is 0 */
    bool transposed;  /* stored the other way round, [in, out]: only of unquantised types */
    long stride;      /* elements between the starts of two stored rows; 0: they are dense */
};

enum rope_scaling {
    ROPE_NONE,
    ROPE_LINEAR, /* f / factor */
    ROPE_LLAMA3, /* by wavelength; low, high and orig say where */
};

/* What a block may have beyond norm, attention, norm and an ungated FFN. */
enum model_part {
    PART_GATE = 1 << 0,       /* ffn_gate.weight: the FFN's coefficients are act(gate) * up */
    PART_QKV_BIAS = 1 << 1,   /* attn_{q,k,v}.bias */
    PART_OUT_BIAS = 1 << 2,   /* attn_output.bias */
    PART_FFN_BIAS = 1 << 3,   /* ffn_{gate,up,down}.bias */
    PART_NORM_BIAS = 1 << 4,  /* attn_norm.bias, ffn_norm.bias, output_norm.bias */
    PART_QK_NORM = 1 << 5,    /* attn_{q,k}_norm.weight: each head's q and k pass a norm */
    PART_POST_NORMS = 1 << 6, /* post_attention_norm, post_ffw_norm: their sums pass a norm */
    PART_POSITIONS = 1 << 7,  /* position_embd.weight; without it positions are rotary */
};

enum { MODEL_MAX_LAYERS = 512 };

struct model_config {
    char arch[32];  /* "gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma3" */
    char name[128]; /* the file's own name for the model, else that of the file or folder */
    int layers, hidden, ffn, heads, kv_heads, head_dim, vocab;
    int context;           /* tokens */
    unsigned parts, maybe; /* enum model_part: what there is; what there may be, tensor by tensor */
    enum norm_kind norm;
    enum activation act;
    float norm_eps;
    float norm_offset; /* added to the gains the file has: Gemma's safetensors hold w of 1 + w */
    float embed_scale; /* of the embedding's rows; 0: none */
    float attn_scale;  /* of the scores; 0: 1 / sqrt(head_dim) */
    bool attn_scale_by_layer;          /* and divided by the layer's number, from 1 */
    float attn_softcap, logit_softcap; /* 0: none */
    int window;                        /* keys a row sees in layers that have one; 0: none has */
    bool windowed[MODEL_MAX_LAYERS];   /* which layers do */
    double rope_theta, rope_theta_swa; /* swa: of windowed layers, never scaled; 0: as the rest */
    bool rope_interleaved; /* pairs (2i, 2i+1): Llama in GGUF; else half split (i, i + hd/2) */
    bool tied;             /* the head is the embedding; there is no output.weight */
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low, rope_high, rope_orig; /* rope_orig in tokens */
};

struct weights;

/* Opens a .gguf file, a folder of config.json and safetensors (one file or shards with an
 * index), or a .safetensors file beside its config.json. All tensors the architecture needs
 * are there with the right shapes, and none that it does not know. ERR_MODEL says what is
 * missing, damaged or unknown. */
struct weights *weights_open(const char *path, struct err *err);
/* Of a GGUF file its metadata only, for the vocabulary in it: there need be no model. */
struct weights *weights_open_vocabulary(const char *path, struct err *err);
void weights_close(struct weights *w);
/* Whether a path is read as GGUF: by its name, or by how the file begins where the name says
 * nothing, as in the stores of other programs. A folder never is. */
bool weights_is_gguf(const char *path);

const struct tensor *weights_tensor(const struct weights *w, const char *name); /* or NULL */
int weights_count(const struct weights *w);
const struct tensor *weights_at(const struct weights *w, int i); /* in the file's order */
const struct model_config *weights_config(const struct weights *w);
/* The tensors whose names begin so will be read next: the system may fetch them ahead. */
void weights_prefetch(const struct weights *w, const char *start);
const char *weights_path(const struct weights *w);   /* as given */
const char *weights_dir(const struct weights *w);    /* the folder that holds the files */
const char *weights_format(const struct weights *w); /* "gguf", "safetensors" */
/* One line for the user where a folder held more than was taken; NULL: nothing to say. */
const char *weights_note(const struct weights *w);
/* The files the identity is made of; full paths. */
int weights_files(const struct weights *w);
const char *weights_file(const struct weights *w, int i);

/* GGUF metadata; a safetensors model has none, and every key is absent then.
 * Text is not NUL-terminated and lives as long as the weights; NULL if the key is absent or
 * no string. */
const char *weights_meta_text(const struct weights *w, const char *key, size_t *len);
/* False, value untouched, if the key is absent, no number or too large. Bools are 0 and 1. */
bool weights_meta_int(const struct weights *w, const char *key, long long *value);
/* Arrays: the count, or -1 if the key is absent or of another kind. The caller frees *text
 * and *len (not the strings), or *values. An integer beyond int's range gives -1. */
long weights_meta_strings(const struct weights *w, const char *key, const char ***text,
                          size_t **len);
long weights_meta_ints(const struct weights *w, const char *key, int **values);
long weights_meta_floats(const struct weights *w, const char *key, float **values);

/* Which model this is, told by what its files hold. */
struct identity {
    /* sha256 over the sorted lines "SIZE SHA256\n" of the files. Names do not count, nor does an
     * index of shards, which holds nothing but names: a renamed or copied model is the same one,
     * a model that was converted or cut into other shards is another. */
    char hex[65];
    struct file_sum {
        char *name; /* without folders */
        long long bytes;
        char sha256[65];
    } * file; /* [files] */
    int files;
};

/* The files' own sums are kept in the user's cache by device, inode, size and times, so that a
 * second call is immediate. Reads whole files: a long job the first time. On failure *id is empty.
 * ERR_CANCELLED, ERR_IO. Caller frees with identity_free(). */
bool weights_identity(const struct weights *w, struct job *job, struct identity *id,
                      struct err *err);
/* What version 0.1.0 called the same model: sha256 over the sorted lines "NAME SIZE SHA256\n" of
 * all files. `name`: what the file of a model of one file was called then; NULL: as it is now. */
void identity_named(const struct identity *id, const char *name, char hex[65]);
void identity_free(struct identity *id);

#endif
