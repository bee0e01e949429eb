/* What a model file format must do, and what is inside a struct weights. Only the formats,
 * weights.c and identity.c see this; everyone else asks weights.h.
 *
 * To add a format: one file that ends in a const struct format_ops, one line in formats.c.
 * To add an architecture: an entry in arch.c. */
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
    struct file_map *map;          /* [maps] what the tensors point into */
    int maps;
    struct safetensors **shard; /* [shards] */
    int shards;
    char **file; /* [files] what the identity is made of */
    int files;
    struct gguf gguf; /* zeroed if the file is none */
    char *note;       /* weights_note() */
};

struct format_ops {
    const char *name;
    bool (*accepts)(const char *path); /* by name and what lies there */
    /* Fills config, tensor, count, file; on failure weights_close() frees what is there. */
    bool (*read)(struct weights *w, struct err *err);
};

extern const struct format_ops format_gguf, format_safetensors;
extern const struct format_ops *const formats[]; /* ends in NULL */

/* Lists of these end in NULL. */
struct tensor_name {
    const char *theirs, *ours;
    bool transposed; /* their matrix is [in, out] */
};

struct config_keys {
    const char *layers, *hidden, *ffn, *heads, *context, *eps, *act;
};

/* Which layers have the sliding window. */
enum windows {
    WINDOW_NONE,
    WINDOW_ALL,
    WINDOW_IF_USED, /* use_sliding_window: layer_types, or those from max_window_layers on */
    WINDOW_PATTERN, /* layer_types, or all but every sixth (sliding_window_pattern) */
};

struct arch {
    const char *name;               /* model_config.arch */
    const char *type;               /* model_type of config.json */
    const char *multimodal_wrapper; /* that of a model with more senses, which has this one as
                                       text_config */
    const char *gguf;               /* general.architecture; NULL: GGUF has no name of its own */
    unsigned parts, maybe;          /* enum model_part: always; if the file says so */
    enum norm_kind norm;
    enum activation act;
    bool fused;       /* files keep q, k and v in one, attn_qkv */
    bool interleaved; /* GGUF files order the rotated pairs (2i, 2i+1) */
    bool gemma; /* gains are w of 1 + w, the embedding is scaled, the scores by a number given */
    enum windows windows, gguf_windows;
    const char *gguf_eps; /* key, without the architecture */
    const struct config_keys *keys;
    const char *block; /* what a block's number stands behind */
    const struct tensor_name *prefixes, *globals, *names;
    const char *const *ignored_tensors; /* tensors that mean nothing here: NAME, START*, *END */
    /* what config.json says by saying nothing; 0 for kv_heads: as many as heads, for head_dim:
     * hidden / heads, for heads and vocab: they must be there */
    bool tied;
    int heads, vocab, kv_heads, head_dim, context, window;
    double eps, theta, theta_swa;
};

/* By model_type, or NULL; *wrapped: the model itself is config.json's text_config. */
const struct arch *arch_of_type(const char *type, bool *wrapped);
const struct arch *arch_of_gguf(const char *name); /* by general.architecture; or NULL */
const struct arch *arch_of(const struct model_config *c);
/* ERR_MODEL, naming the architecture and those that are known. */
bool arch_unknown(const char *name, struct err *err);
bool arch_ignored(const struct arch *arch, const char *name);
/* Our name for a tensor of theirs, or its own: the check then names it. The caller frees it. */
char *arch_canonical(const struct arch *arch, const char *name, bool *transposed);
/* Their name for a tensor of ours; `like` is a name of the same file, which shows what stands
 * before all of them, or NULL. Caller frees; NULL: they have none. */
char *arch_file_name(const struct arch *arch, const char *ours, const char *like);
/* What the table says of the architecture, put into an empty configuration. */
void arch_defaults(const struct arch *arch, struct model_config *c);
/* Sizes within bounds and consistent with one another. ERR_MODEL. */
bool config_check(const struct model_config *c, struct err *err);
/* From the text of a config.json. `tied` is what it says; the file's tensors decide. */
bool config_from_json(struct model_config *c, const char *text, size_t len, struct err *err);
/* From GGUF metadata and the embedding's shape. */
bool config_from_gguf(struct model_config *c, const struct gguf *g, struct err *err);

/* What a file says about itself, made fit to be shown anywhere: printable ASCII. */
void make_printable_ascii(char *text);
void weights_add_file(struct weights *w, const char *path); /* for the identity */
/* Sorts the names and checks config and tensors against one another. */
bool weights_check(struct weights *w, struct err *err);
/* Whether a model so configured asks for the tensor that its files call so. */
bool weights_requires(const struct model_config *c, const char *theirs);
/* A GGUF file in memory, for tests; the bytes must outlive the result. */
struct weights *weights_from_gguf(const void *bytes, size_t n, struct err *err);

#endif
