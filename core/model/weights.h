/* A model file as named tensors and a configuration.
 *
 * Tensors carry the GGUF names whatever the file's own are: token_embd.weight,
 * output_norm.weight, output.weight (absent when tied), rope_freqs.weight (optional), and for
 * each block N blk.N.{attn_norm,attn_q,attn_k,attn_v,attn_output,ffn_norm,ffn_gate,ffn_up,
 * ffn_down}.weight, with blk.N.attn_{q,k,v}.bias where the architecture has them. Their data
 * points into the mapped file: nothing is copied, nothing is written. A struct weights never
 * changes once open and may be read from any thread. */
#ifndef CORE_MODEL_WEIGHTS_H
#define CORE_MODEL_WEIGHTS_H

#include "core/base/job.h"
#include "core/device/dtype.h"

struct tensor {
    char *name;
    enum dtype type;
    int ndim;         /* 1 to 4 */
    long dim[4];      /* dim[0] = rows (out), dim[1] = columns (in); the last is contiguous */
    const void *data; /* in a safetensors file of any alignment: copy, do not cast, if odd */
    size_t bytes;
};

enum rope_scaling {
    ROPE_NONE,
    ROPE_LINEAR, /* f / factor */
    ROPE_LLAMA3, /* by wavelength; low, high and orig say where */
};

struct model_config {
    char arch[32];  /* "llama", "qwen2" */
    char name[128]; /* the file's own name for the model, else that of the file or folder */
    int layers, hidden, ffn, heads, kv_heads, head_dim, vocab;
    int context; /* tokens; at most the sliding window, so that a window never acts */
    float norm_eps;
    double rope_theta;
    bool rope_interleaved; /* pairs (2i, 2i+1): Llama in GGUF; else half split (i, i + hd/2) */
    bool tied;             /* the head is the embedding; there is no output.weight */
    bool qkv_bias;
    enum rope_scaling rope_scaling;
    double rope_factor, rope_low, rope_high, rope_orig; /* rope_orig in tokens */
};

struct weights;

/* Opens a .gguf file, a folder of config.json and safetensors (one file or shards with an
 * index), or a .safetensors file beside its config.json. All tensors the architecture needs
 * are there with the right shapes, and none that it does not know. ERR_MODEL says what is
 * missing, damaged or unknown. */
struct weights *weights_open(const char *path, struct err *err);
void weights_close(struct weights *w);

const struct tensor *weights_tensor(const struct weights *w, const char *name); /* or NULL */
int weights_count(const struct weights *w);
const struct tensor *weights_at(const struct weights *w, int i); /* in the file's order */
const struct model_config *weights_config(const struct weights *w);
const char *weights_path(const struct weights *w);   /* as given */
const char *weights_dir(const struct weights *w);    /* the folder that holds the files */
const char *weights_format(const struct weights *w); /* "gguf", "safetensors" */
/* The files the identity is made of; full paths. */
int weights_files(const struct weights *w);
const char *weights_file(const struct weights *w, int i);

/* GGUF metadata; a safetensors model has none, and every key is absent then.
 * Text is not NUL-terminated and lives as long as the weights; NULL if the key is absent or
 * no string. */
const char *weights_meta_text(const struct weights *w, const char *key, size_t *len);
/* False, value untouched, if the key is absent, no number or too large. Bools are 0 and 1. */
bool weights_meta_int(const struct weights *w, const char *key, long long *value);
bool weights_meta_number(const struct weights *w, const char *key, double *value);
/* Arrays: the count, or -1 if the key is absent or of another kind. The caller frees *text
 * and *len (not the strings), or *values. An integer beyond int's range gives -1. */
long weights_meta_strings(const struct weights *w, const char *key, const char ***text,
                          size_t **len);
long weights_meta_ints(const struct weights *w, const char *key, int **values);
long weights_meta_floats(const struct weights *w, const char *key, float **values);

/* Which model this is: sha256 over the lines "NAME SIZE SHA256\n" of its files, sorted by name
 * (names without folders). The files' own sums are kept in the user's cache by device, inode,
 * size and times, so that a second call is immediate. Reads whole files: a long job the first
 * time. ERR_CANCELLED, ERR_IO. */
bool weights_identity(const struct weights *w, struct job *job, char hex[65], struct err *err);

#endif
