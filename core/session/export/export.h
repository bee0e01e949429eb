/* What was edited, as files other programs use.
 *
 * An exporter writes one kind of files from the base model's files and the edited layers. It only
 * says which bytes come where: staging.h keeps the promises about crashes and full disks. To add
 * one: a file of statics ending in a const struct export_ops, a line in export.c.
 *
 * Belongs to the engine's thread. Model files are read, never written. */
#ifndef CORE_SESSION_EXPORT_EXPORT_H
#define CORE_SESSION_EXPORT_EXPORT_H

#include "core/device/device.h"
#include "core/edit/delta.h"
#include "core/model/weights.h"
#include "core/session/export/staging.h"
#include "core/session/session.h"

/* An edited matrix W [rows, cols] and what was added to it. */
struct export_matrix {
    int layer, rows, cols;
    enum matrix which;
    float *w;           /* [rows][cols] edited, float32 */
    double delta_norm;  /* Frobenius norm of W minus the base's */
    struct delta *part; /* [parts] masked (weight NULL, scale 1), in the order they apply */
    int parts, rank;    /* rank: of all parts together, dense ones aside */
};

struct export_source {
    const struct weights *weights; /* the base model's files */
    struct device *dev;            /* for factorisations */
    struct session *session;
    const struct export_matrix *matrix; /* [matrices] layer by layer */
    int matrices;
    const struct edit_record *edits; /* [edit_count] that the state stands for, with facts */
    int edit_count;
    int until;            /* edit:N, 0: all */
    const char *identity; /* of the base model */
    const char *name;     /* what a user calls it */
    const char *where;    /* that finds it again: org/name of the Hub, or an absolute path */
    const char *revision; /* the Hub's commit, or NULL */
    const char *tool;     /* program and version */
};

struct export_options {
    const char *dtype; /* "f16", "bf16", "f32", "same"; NULL: the exporter's default */
    int rank;          /* of an adapter; 0: exact */
};

struct export_result {
    char dtype[32];   /* what the edited tensors became */
    int tensors;      /* edited ones written */
    double loss;      /* |round(W + D) - (W + D)| / |D| over all of them; 0: exact */
    int rank;         /* of an adapter */
    double truncated; /* |D - D_rank| / |D| */
};

/* What an edit can leave, for what an exporter holds: changes by their kind, hooks, prefixes. */
enum {
    HOLDS_LOW_RANK = 1 << DELTA_LOW_RANK,
    HOLDS_COLUMNS = 1 << DELTA_COLUMNS,
    HOLDS_DENSE = 1 << DELTA_DENSE,
    HOLDS_HOOK = 1 << DELTA_KINDS,
    HOLDS_PREFIX = 2 << DELTA_KINDS,
    HOLDS_DELTAS = HOLDS_LOW_RANK | HOLDS_COLUMNS | HOLDS_DENSE,
    HOLDS_ALL = HOLDS_DELTAS | HOLDS_HOOK | HOLDS_PREFIX
};

struct export_ops {
    const char *name;
    unsigned holds; /* HOLDS_ bits: with anything else in the state it is not asked */
    bool many;      /* writes a folder */
    bool journal;   /* writes the session, not a model: nothing of it can be asked */
    const char *help;
    /* What cannot be done is told before the first byte is written. ERR_USAGE, ERR_IO. */
    bool (*write)(const struct export_source *s, const struct export_options *options,
                  struct staging_dir *p, struct export_result *r, struct err *err);
    /* The deltas that the written files stand for, to be added to the base; NULL: the place holds
     * a model of its own. Caller frees each and the array. */
    bool (*read_back)(const char *path, const struct weights *w, struct delta **delta, int *count,
                      struct err *err);
};

const struct export_ops *export_find(const char *name, struct err *err); /* ERR_USAGE lists them */
/* Whether it can write what this edit left; else ERR_USAGE names what it cannot, and who can. `rec`
 * as session_load_change() fills it. */
bool export_holds(const struct export_ops *ops, const struct edit_record *rec, struct err *err);

extern const struct export_ops export_safetensors, export_gguf, export_lora, export_delta,
    export_json;

/* --- what exporters share ------------------------------------------------------------------ */

/* The model's tensor of a matrix; NULL where it has none. */
const struct tensor *export_tensor(const struct weights *w, int layer, enum matrix which);
/* The edited matrix that this tensor is, by our name ("blk.3.ffn_down.weight") or its file's; NULL:
 * none. */
const struct export_matrix *export_edited(const struct export_source *s, const char *tensor);

/* hf_fused.c: a file may keep q, k and v of a layer in one tensor */
/* Whether the matrix is a part of such a tensor. */
bool export_fused(const struct weights *w, int layer, enum matrix which);
/* The same source with a matrix for each tensor of the file: q, k and v that are one there are one
 * here too, and called MATRIX_Q. Freed also where it failed; the original outlives it. */
struct export_fusion {
    struct export_source source;
    struct export_matrix *matrix; /* borrowed from the original up to `own` */
    int own;
};
bool export_fuse(const struct export_source *s, struct export_fusion *out, struct err *err);
void export_fusion_free(struct export_fusion *f);

/* The type a wish names; `same` gives `stored`. ERR_USAGE: not a type, or none that can be
 * written, and then what to choose. */
bool export_type(const struct export_options *options, enum dtype absent, enum dtype stored,
                 enum dtype *out, struct err *err);
/* An edited matrix in a file's type, [rows][cols] or with `transposed` [cols][rows]; the rounding
 * is added to *lost2 as a sum of squares. Blocks that are still those of `base` (stored in the
 * same type; may be NULL) keep their bytes. Caller frees; NULL: no memory. */
void *export_encode(const struct export_matrix *l, enum dtype type, bool transposed,
                    const void *base, double *lost2, size_t *bytes, struct err *err);
/* loss of the result from the sums of squares */
void export_loss(const struct export_source *s, double lost2, struct export_result *r);

/* hf_names.c: what Hugging Face calls a model's parts, by architecture */
/* The module of a matrix ("model.layers.3.mlp.down_proj"), which it may share (export_fused()).
 * NULL: it has none. Caller frees. */
char *hf_module(const struct weights *w, int layer, enum matrix which);
/* Of how many heads the matrix's rows are rotated pairs, which transformers has half after half; 0:
 * they are in its order. */
int hf_paired_heads(const struct model_config *c, enum matrix which);
/* Which row of such a file's is row `row` of transformers' matrix. */
long hf_row(long row, long rows, int heads);
/* A tensor's name from ours ("blk.3.ffn_down.weight"). NULL: it has none. Caller frees. */
char *hf_tensor_name(const struct model_config *c, const char *ours);
/* Whether its linear layers hold [in, out] (GPT-2's Conv1D). */
bool hf_transposed(const struct model_config *c);

/* hf_config.c, hf_tokenizer.c: a GGUF file's metadata as the files transformers reads. ERR_USAGE
 * names what cannot be said. */
bool hf_config(const struct weights *w, enum dtype type, struct buf *out, struct err *err);
bool hf_generation_config(const struct weights *w, struct buf *out);
bool hf_tokenizer(const struct weights *w, struct buf *tokenizer, struct buf *config,
                  struct err *err);

/* hf_folder.c: a GGUF model as such a folder */
bool export_gguf_as_folder(const struct export_source *s, const struct export_options *options,
                           struct staging_dir *p, struct export_result *r, struct err *err);

#endif
