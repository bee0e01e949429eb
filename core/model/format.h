/* What a model file format must provide, and the members of struct weights. Private to the readers
 * of formats, weights.c, config.c, arch.c and identity.c; everyone else uses weights.h, which
 * explains how a file becomes tensors.
 *
 * To add a format: a file that ends in a const struct format_ops, and a line in formats.c.
 * To add an architecture: a row in arch.c. */
#ifndef CORE_MODEL_FORMAT_H
#define CORE_MODEL_FORMAT_H

#include "core/base/file.h"
#include "core/model/gguf.h"
#include "core/model/weights.h"

struct weights {
    char *path, *dir;
    const struct format_ops *format;
    struct model_config config;
    struct tensor *tensor; /* [count], canonical names, owned */
    int count;
    const struct tensor **by_name; /* [count], sorted */
    struct file_map *map;          /* [maps] the mapped files that tensors point into */
    int maps;
    struct safetensors **shard; /* [shards] */
    int shards;
    char **file; /* [files] paths of all files of the model; the identity is made of them */
    int files;
    struct gguf gguf; /* metadata of a GGUF file; else zeroed */
    char *note;       /* weights_note() */
};

struct format_ops {
    const char *name;
    bool (*accepts)(const char *path); /* by the name, and by what is at the path */
    /* Fills config, tensor, count, file. On failure the caller frees with weights_close(). */
    bool (*read)(struct weights *w, struct err *err);
};

extern const struct format_ops format_gguf, format_safetensors;
extern const struct format_ops *const formats[]; /* ends in NULL */

/* A pair of names for the same tensor: the file's and GGUF's. Lists end with theirs NULL. */
struct tensor_name {
    const char *theirs, *ours;
    bool transposed; /* their matrix is [in, out] */
};

/* The keys of config.json that hold these sizes. */
struct config_keys {
    const char *layers, *hidden, *ffn, *heads, *context, *eps, *act;
};

/* Which layers use sliding-window attention. */
enum windows {
    WINDOW_NONE,
    WINDOW_ALL,
    WINDOW_IF_USED, /* if use_sliding_window: by layer_types, or layers from max_window_layers on */
    WINDOW_PATTERN, /* by layer_types, or all but every sixth layer (sliding_window_pattern) */
};

/* One model family: a row of the table in arch.c, which explains it. */
struct arch {
    const char *name;               /* model_config.arch */
    const char *type;               /* model_type of config.json */
    const char *multimodal_wrapper; /* model_type of the wrapper whose text_config is this family */
    const char *gguf;               /* general.architecture; NULL: not found in GGUF files */
    unsigned parts, maybe;          /* enum model_part: always; if the file says so */
    enum norm_kind norm;
    enum activation act;
    bool fused;       /* q, k and v are stored as one tensor, attn_qkv */
    bool interleaved; /* GGUF files order the rotated pairs (2i, 2i+1) */
    bool gemma; /* stored gains w mean 1 + w; embeddings are scaled by sqrt(d); own score scale */
    enum windows windows, gguf_windows;
    const char *gguf_eps; /* key, without the architecture */
    const struct config_keys *keys;
    const char *block; /* the text before a block's number: "model.layers." */
    const struct tensor_name *prefixes, *globals, *names;
    const char *const *ignored_tensors; /* tensors to skip: NAME, START*, *END */
    /* Defaults for keys that config.json lacks. 0 for kv_heads: equal to heads; for head_dim:
     * hidden / heads; for heads and vocab: the key must be there. */
    bool tied;
    int heads, vocab, kv_heads, head_dim, context, window;
    double eps, theta, theta_swa;
};

/* The family of a model_type, or NULL. *wrapped: the type is that of a multimodal wrapper, and the
 * language model's sizes are in config.json's text_config. */
const struct arch *arch_of_type(const char *type, bool *wrapped);
const struct arch *arch_of_gguf(const char *name); /* by general.architecture; or NULL */
const struct arch *arch_of(const struct model_config *c);
/* Sets ERR_MODEL with the architecture's name and the list of supported ones. Returns false. */
bool arch_unknown(const char *name, struct err *err);
/* Whether the tensor is to be skipped. */
bool arch_ignored(const struct arch *arch, const char *name);
/* GGUF's name for a tensor of a safetensors file. A name that no table has is returned as it is,
 * and weights_check() then refuses it by that name. *transposed: stored as [in, out]. Caller frees.
 */
char *arch_canonical(const struct arch *arch, const char *name, bool *transposed);
/* The inverse: the file's name for a GGUF name. `like` is another name of the same file, whose
 * wrapper prefix is used as well, or NULL. Caller frees; NULL: the family has no such tensor. */
char *arch_file_name(const struct arch *arch, const char *ours, const char *like);
/* Sets *c to an empty configuration with the family's name, parts, norm and activation. */
void arch_defaults(const struct arch *arch, struct model_config *c);
/* ERR_MODEL: a size is out of bounds, or two sizes contradict each other. */
bool config_check(const struct model_config *c, struct err *err);
/* Reads the text of a config.json. c->tied is what the text says; the tensors may overrule it.
 * ERR_MODEL: malformed, or a setting that is not supported. */
bool config_from_json(struct model_config *c, const char *text, size_t len, struct err *err);
/* Reads GGUF metadata; the vocabulary size comes from the shape of token_embd.weight. ERR_MODEL. */
bool config_from_gguf(struct model_config *c, const struct gguf *g, struct err *err);

/* Replaces all bytes of `text` that are not printable ASCII by '?'. */
void make_printable_ascii(char *text);
void weights_add_file(struct weights *w, const char *path); /* appends to w->file */
/* Last step of opening: sorts the names, splits fused tensors, and checks that the tensors are
 * those that the configuration requires, with their shapes, and no others. ERR_MODEL. */
bool weights_check(struct weights *w, struct err *err);
/* Whether a model with this configuration needs the tensor that its files call `theirs`. */
bool weights_requires(const struct model_config *c, const char *theirs);
/* A GGUF file in memory, for tests. The bytes must outlive the result. */
struct weights *weights_from_gguf(const void *bytes, size_t n, struct err *err);

#endif
