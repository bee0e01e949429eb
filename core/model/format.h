/* What a model file format must do, and what is inside a struct weights. Only the formats,
 * weights.c and identity.c see this; everyone else asks weights.h.
 *
 * To add a format: one file that ends in a const struct format_ops, one line in formats.c.
 * To add an architecture: one line in config.c. */
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
};

struct format_ops {
    const char *name;
    bool (*accepts)(const char *path); /* by name and what lies there; no content is read */
    /* Fills config, tensor, count, file; on failure weights_close() frees what is there. */
    bool (*read)(struct weights *w, struct err *err);
};

extern const struct format_ops format_gguf, format_safetensors;
extern const struct format_ops *const formats[]; /* ends in NULL */

struct arch {
    const char *name; /* GGUF general.architecture, and model_type of config.json */
    bool interleaved; /* how GGUF files order the rotated pairs */
    bool qkv_bias;
};

const struct arch *arch_find(const char *name); /* or NULL */
/* ERR_MODEL, naming the architecture and those that are known. */
bool arch_unknown(const char *name, struct err *err);
/* Sizes within bounds and consistent with one another. ERR_MODEL. */
bool config_check(const struct model_config *c, struct err *err);
/* From the text of a config.json. `tied` is what it says; the file's tensors decide. */
bool config_from_json(struct model_config *c, const char *text, size_t len, struct err *err);
/* From GGUF metadata and the embedding's shape. */
bool config_from_gguf(struct model_config *c, const struct gguf *g, struct err *err);

/* What a file says about itself, made fit to be shown anywhere: printable ASCII. */
void text_make_ascii(char *text);
void weights_add_file(struct weights *w, const char *path); /* for the identity */
/* Sorts the names and checks config and tensors against one another. */
bool weights_check(struct weights *w, struct err *err);
/* A GGUF file in memory, for tests; the bytes must outlive the result. */
struct weights *weights_from_gguf(const void *bytes, size_t n, struct err *err);

#endif
