/* A model file as named tensors and a configuration.
 *
 * How a file becomes tensors. weights_open() asks each format (formats.c) whether it accepts the
 * path, and then:
 *
 *   GGUF, one file                         safetensors, a folder
 *   header, metadata, tensor list          config.json; one file, or shards with an index
 *   gguf.c parses, bounds checked          safetensors.c parses, bounds checked
 *   config_from_gguf()                     config_from_json()
 *   names are GGUF's already               arch_canonical(): model.layers.0.mlp.up_proj.weight
 *                                                            becomes blk.0.ffn_up.weight
 *                    weights_check(): fused q, k, v split in three; every tensor that the
 *                    configuration requires is there with its shape; no tensor is left over
 *
 * The result is the same for both formats. Names are GGUF's: token_embd.weight, output_norm.weight,
 * output.weight (absent when tied), rope_freqs.weight (optional); for each block N
 * blk.N.{attn_norm,attn_q,attn_k,attn_v,attn_output,ffn_norm,ffn_up,ffn_down}.weight; and those
 * that model_config.parts adds. A matrix is [out, in]: ffn_up [M, d], ffn_down [d, M].
 *
 * Data points into the mapped file; nothing is copied and nothing is written, so opening a file of
 * 16 GB takes milliseconds and no memory. model.h puts the weights on a device and converts them.
 * A struct weights never changes once open and may be read from any thread. */
#ifndef CORE_MODEL_WEIGHTS_H
#define CORE_MODEL_WEIGHTS_H

#include "core/base/job.h"
#include "core/device/device.h"

struct tensor {
    char *name;   /* GGUF's */
    char *origin; /* the file's own name; the same for q, k and v if the file stores them as one */
    int file;     /* weights_file() that holds it */
    enum dtype type;
    int ndim;         /* 1 to 4 */
    long dim[4];      /* dim[0] = rows (out), dim[1] = columns (in); the last is contiguous */
    const void *data; /* in a safetensors file of any alignment: copy, do not cast, if odd */
    size_t bytes;     /* that dim takes; contiguous from `data` on if the stride is 0 */
    bool transposed;  /* stored as [in, out]; never with quantised types */
    long stride;      /* elements between the starts of two stored rows; 0: no gaps */
};

/* How rotary frequencies f are scaled for long contexts: editscope-formats(7) 4.3. */
enum rope_scaling {
    ROPE_NONE,
    ROPE_LINEAR, /* f / factor */
    ROPE_LLAMA3, /* f or f / factor, by wavelength; rope_low, rope_high, rope_orig are the limits */
};

/* Parts that a model may have besides embedding, norm, attention, norm, ungated FFN and head. */
enum model_part {
    PART_GATE = 1 << 0,       /* ffn_gate.weight: the FFN's coefficients are act(gate) * up */
    PART_QKV_BIAS = 1 << 1,   /* attn_{q,k,v}.bias */
    PART_OUT_BIAS = 1 << 2,   /* attn_output.bias */
    PART_FFN_BIAS = 1 << 3,   /* ffn_{gate,up,down}.bias */
    PART_NORM_BIAS = 1 << 4,  /* attn_norm.bias, ffn_norm.bias, output_norm.bias */
    PART_QK_NORM = 1 << 5,    /* attn_{q,k}_norm.weight: a norm on each head of q and k */
    PART_POST_NORMS = 1 << 6, /* post_attention_norm, post_ffw_norm: a norm on each output */
    PART_POSITIONS = 1 << 7,  /* position_embd.weight: learned positions; without it, rotary */
};

enum { MODEL_MAX_LAYERS = 512 };

struct model_config {
    char arch[32];  /* "gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma3" */
    char name[128]; /* the model's name in the file, else the name of the file or folder */
    int layers, hidden, ffn, heads, kv_heads, head_dim, vocab;
    int context;           /* tokens */
    unsigned parts, maybe; /* enum model_part: present; possible, decided tensor by tensor */
    enum norm_kind norm;
    enum activation act;
    float norm_eps;
    float norm_offset; /* added to stored gains: Gemma's safetensors store w and mean 1 + w */
    float embed_scale; /* factor of embeddings; 0: none */
    float attn_scale;  /* factor of attention scores; 0: 1 / sqrt(head_dim) */
    bool attn_scale_by_layer;          /* divide the scores of layer l by l + 1 as well */
    float attn_softcap, logit_softcap; /* s becomes cap tanh(s / cap); 0: no cap */
    int window;                        /* keys a row sees in windowed layers; 0: no such layer */
    bool windowed[MODEL_MAX_LAYERS];   /* layers with sliding-window attention */
    double rope_theta, rope_theta_swa; /* base; base of windowed layers, unscaled; 0: the same */
    bool rope_interleaved; /* pairs (2i, 2i+1): Llama in GGUF; else half split (i, i + hd/2) */
    bool tied;             /* the head is the embedding matrix; there is no output.weight */
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low, rope_high, rope_orig; /* rope_orig in tokens */
};

struct weights;

/* Opens a .gguf file, a folder with config.json and safetensors (one file, or shards with an
 * index), or a .safetensors file beside its config.json. On success every required tensor is there
 * with the right shape, and no unknown one. ERR_MODEL says what is missing, damaged or unknown.
 * Close with weights_close(). */
struct weights *weights_open(const char *path, struct err *err);
/* Opens the metadata of a GGUF file for its vocabulary. The file need not contain tensors. */
struct weights *weights_open_vocabulary(const char *path, struct err *err);
void weights_close(struct weights *w); /* accepts NULL */
/* Whether a path is read as GGUF: the name ends in .gguf, or the file begins with "GGUF" (other
 * programs store models under names that are hashes). Never true for a folder. */
bool weights_is_gguf(const char *path);

const struct tensor *weights_tensor(const struct weights *w, const char *name); /* or NULL */
int weights_count(const struct weights *w);
const struct tensor *weights_at(const struct weights *w, int i); /* in the file's order */
const struct model_config *weights_config(const struct weights *w);
/* Asks the system to read ahead the tensors whose names begin with `start` ("blk.7."). */
void weights_prefetch(const struct weights *w, const char *start);
const char *weights_path(const struct weights *w);   /* as given */
const char *weights_dir(const struct weights *w);    /* the folder that holds the files */
const char *weights_format(const struct weights *w); /* "gguf", "safetensors" */
/* A line for the user if a folder holds two models and one was chosen; else NULL. */
const char *weights_note(const struct weights *w);
/* The files that the identity is made of, as full paths. */
int weights_files(const struct weights *w);
const char *weights_file(const struct weights *w, int i);

/* GGUF metadata. For a safetensors model every key is absent. The text is not NUL-terminated and
 * lives as long as the weights. NULL: the key is absent or its value is not a string. */
const char *weights_meta_text(const struct weights *w, const char *key, size_t *len);
/* False, with *value unchanged, if the key is absent, not a whole number, or too large. Booleans
 * count as 0 and 1. */
bool weights_meta_int(const struct weights *w, const char *key, long long *value);
/* Arrays: return the number of elements, or -1 if the key is absent or has another type (also if an
 * integer does not fit int). The caller frees *text and *len (not the strings), or *values. */
long weights_meta_strings(const struct weights *w, const char *key, const char ***text,
                          size_t **len);
long weights_meta_ints(const struct weights *w, const char *key, int **values);
long weights_meta_floats(const struct weights *w, const char *key, float **values);

/* Which model this is, by the content of its files. */
struct identity {
    /* SHA-256 over the sorted lines "SIZE SHA256\n" of the files. Names do not count, and neither
     * does an index of shards, which holds only names. So a renamed or copied model stays the same
     * one; a model that was converted or split into other shards is a different one. */
    char hex[65];
    struct file_sum {
        char *name; /* without folders */
        long long bytes;
        char sha256[65];
    } * file; /* [files] */
    int files;
};

/* Reads all files to the end the first time, which takes a while (16 GB). The sum of each file is
 * cached by device, inode, size and times, so a second call is immediate. ERR_CANCELLED, ERR_IO: on
 * failure *id is empty. Free with identity_free(). */
bool weights_identity(const struct weights *w, struct job *job, struct identity *id,
                      struct err *err);
/* The identity that version 0.1.0 gave this model: SHA-256 over the sorted lines "NAME SIZE
 * SHA256\n" of all files. `name`: the file's name at that time, for a model of one file; NULL: its
 * present name. */
void identity_named(const struct identity *id, const char *name, char hex[65]);
void identity_free(struct identity *id);

#endif
