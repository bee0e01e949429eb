/* Exporters: write an edited model, or its edits, as files that other programs read.
 *
 *   safetensors   a folder for transformers     the whole edited model
 *   gguf          a file for llama.cpp          the whole edited model
 *   lora          a PEFT adapter                only the edits, as two thin matrices each
 *   delta         one safetensors file          only the edits, exact to the bit, for `apply`
 *   json          one JSON file                 the session's journal, with hashes of all values
 *
 * An exporter is one struct export_ops. The engine (core/engine/job_export.c) calls it like this:
 *
 *   export_find()         by name, from the table in export.c
 *   staging_begin()       check the target; make a folder beside it for the files
 *   export_holds()        for each edit: refuse what the format cannot express
 *   ops->write()          write the files into that folder
 *   ops->read_back()      or model_open(): read them again; both models must answer alike
 *   staging_commit()      only now the files get their names
 *
 * What an exporter holds. An edit can leave five kinds of things: a change of a matrix of low rank,
 * of some columns, or of all values (enum delta_kind); a hook in the forward pass; a text before
 * every prompt. `holds` has one bit for each kind that the format can express. For example, a LoRA
 * adapter is a product of two thin matrices, so it says HOLDS_LOW_RANK | HOLDS_COLUMNS (a change of
 * k columns has rank k). An edit with anything else is refused, and the message names the exporters
 * that can hold it. So an export contains everything the state contains, or it is not made.
 *
 * An exporter decides which bytes go where. Crashes, full disks, locks and verification are handled
 * in staging.h. To add an exporter: a file that ends in a const struct export_ops, and a line in
 * export.c.
 *
 * All of this runs in the engine's thread. The model's files are read, never written. */
#ifndef CORE_SESSION_EXPORT_EXPORT_H
#define CORE_SESSION_EXPORT_EXPORT_H

#include "core/device/device.h"
#include "core/edit/delta.h"
#include "core/model/weights.h"
#include "core/session/export/staging.h"
#include "core/session/session.h"

/* An edited matrix W + D [rows, cols]: W is the base's, D what the edits added. A row is an output
 * of the matrix, a column an input. */
struct export_matrix {
    int layer, rows, cols;
    enum matrix which;
    float *w;           /* [rows][cols] W + D, float32 */
    double delta_norm;  /* |D|, the Frobenius norm */
    struct delta *part; /* [parts] in the order they apply, masks multiplied in */
    int parts, rank;    /* rank: sum over the parts that are not dense */
};

/* What is exported: one state of a session. The engine owns all of it. */
struct export_source {
    const struct weights *weights; /* the base model's files */
    struct device *dev;            /* for eigendecompositions */
    struct session *session;
    const struct export_matrix *matrix; /* [matrices] all edited ones, by layer */
    int matrices;
    const struct edit_record *edits; /* [edit_count] edits of the state, with their facts */
    int edit_count;
    int until;            /* the state after edit N; 0: with all active edits */
    const char *identity; /* of the base model (core/model/identity.h) */
    const char *name;     /* the base model's, for people */
    const char *where;    /* finds the base again: org/name on the Hub, or an absolute path */
    const char *revision; /* its commit on the Hub, or NULL */
    const char *tool;     /* this program and its version */
};

/* What the user can choose besides the format. */
struct export_options {
    const char *dtype; /* "f16", "bf16", "f32", "same"; NULL: the exporter's default */
    int rank;          /* cut an adapter to this rank; 0: exact */
};

/* What write() reports about the files. */
struct export_result {
    char dtype[32];   /* type of the edited tensors */
    int tensors;      /* number of edited tensors */
    double loss;      /* by rounding to that type: |round(W + D) - (W + D)| / |D|; 0: exact */
    int rank;         /* of an adapter */
    double truncated; /* by cutting the rank: |D - D_rank| / |D|; 0: exact */
};

/* Bits of export_ops.holds: what an edit can leave. The first three are 1 << enum delta_kind. */
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
    const char *name; /* as typed after --as */
    unsigned holds;   /* HOLDS_ bits; a state with anything else is not exported */
    bool is_folder;   /* the target is a folder; false: a single file */
    bool journal;     /* writes the session, not a model: there is nothing to ask afterwards */
    const char *help; /* one line */
    /* Writes all files. Checks its options before the first byte. ERR_USAGE: the model or the
     * options cannot be written in this format; ERR_IO, ERR_LIMIT, ERR_CANCELLED. */
    bool (*write)(const struct export_source *s, const struct export_options *options,
                  struct staging_dir *staging, struct export_result *r, struct err *err);
    /* Reads the files at `path` as deltas that are added to the base: *delta [*count]. The caller
     * frees each and the array. NULL: the files are a complete model, opened by model_open(). */
    bool (*read_back)(const char *path, const struct weights *w, struct delta **delta, int *count,
                      struct err *err);
};

/* The exporter of that name; NULL: ERR_USAGE lists the names. */
const struct export_ops *export_find(const char *name, struct err *err);
struct editor_ops;
/* Whether the exporter can write everything that this edit left (`rec` from session_load_change()).
 * Otherwise ERR_USAGE names what it cannot hold, of which method, and the exporters that can. */
bool export_holds(const struct export_ops *ops, const struct edit_record *rec,
                  const struct editor_ops *method, struct err *err);

extern const struct export_ops export_safetensors, export_gguf, export_lora, export_delta,
    export_json;

/* --- what exporters share ------------------------------------------------------------------ */

/* The base model's tensor of a matrix; NULL if it has none. */
const struct tensor *export_tensor(const struct weights *w, int layer, enum matrix which);
/* The edited matrix that belongs to a tensor's name: ours ("blk.3.ffn_down.weight") or its file's.
 * NULL: it was not edited. */
const struct export_matrix *export_edited(const struct export_source *s, const char *tensor);

/* --- hf_fused.c: files that keep q, k and v of a layer in one tensor (GPT-2) --- */

/* Whether the matrix is one third of such a tensor. */
bool export_fused(const struct weights *w, int layer, enum matrix which);
/* A copy of a source with one matrix for each tensor of the file: where the file has q, k and v in
 * one tensor, so has the copy, as MATRIX_Q with rows of all three. The original must outlive it.
 * Call export_fusion_free() also after a failure. */
struct export_fusion {
    struct export_source source;
    struct export_matrix *matrix; /* the first `own` are borrowed from the original */
    int own;
};
bool export_fuse(const struct export_source *s, struct export_fusion *out, struct err *err);
void export_fusion_free(struct export_fusion *f);

/* The type that options->dtype names; `otherwise` if it is NULL, `stored` for "same". ERR_USAGE:
 * not a type, or `stored` is a quantised type that is not written here. */
bool export_type(const struct export_options *options, enum dtype otherwise, enum dtype stored,
                 enum dtype *out, struct err *err);
/* An edited matrix in a file's type: [rows][cols], or [cols][rows] with `transposed`. *bytes is its
 * size; *loss2 grows by the sum of squared rounding errors. `base` (may be NULL): the matrix before
 * the edit in the same type; blocks whose values did not change keep its bytes, so that quantising
 * again does not alter them. Caller frees; NULL: ERR_LIMIT. */
void *export_encode(const struct export_matrix *l, enum dtype type, bool transposed,
                    const void *base, double *loss2, size_t *bytes, struct err *err);
/* Fills r->tensors and r->loss = sqrt(loss2) / |D|, with |D| over all edited matrices. */
void export_loss(const struct export_source *s, double loss2, struct export_result *r);

/* --- hf_names.c: Hugging Face's names of a model's parts --- */

/* The module of a matrix, "model.layers.3.mlp.down_proj"; several matrices may share one
 * (export_fused()). NULL: it has none. Caller frees. */
char *hf_module(const struct weights *w, int layer, enum matrix which);
/* Llama's GGUF files interleave the two halves of each head's rotary rows; transformers keeps them
 * apart. The number of heads if the matrix's rows are interleaved so, 0 if they are not. */
int hf_paired_heads(const struct model_config *c, enum matrix which);
/* The row of the interleaved matrix [rows, ...] that is row `row` of transformers'. With heads 0,
 * `row` itself. With 2 heads of 4 rows, transformers' rows 0 to 7 are our rows 0 2 1 3 4 6 5 7. */
long hf_row(long row, long rows, int heads);
/* Transformers' name of a tensor that we call "blk.3.ffn_down.weight". Caller frees; NULL: none. */
char *hf_tensor_name(const struct model_config *c, const char *ours);
/* Whether linear layers are stored [in, out], as GPT-2's Conv1D does. */
bool hf_transposed(const struct model_config *c);

/* --- hf_config.c, hf_tokenizer.c: a GGUF file's metadata as transformers' JSON files ---
 * They append text to `out`. ERR_USAGE names what transformers has no words for. */

/* config.json of weights in this type. */
bool hf_config(const struct weights *w, enum dtype type, struct buf *out, struct err *err);
/* generation_config.json: the special tokens. */
bool hf_generation_config(const struct weights *w, struct buf *out);
/* tokenizer.json and tokenizer_config.json. */
bool hf_tokenizer(const struct weights *w, struct buf *tokenizer, struct buf *config,
                  struct err *err);

/* hf_folder.c: the write() of "safetensors" for a model from a GGUF file. */
bool export_gguf_as_folder(const struct export_source *s, const struct export_options *options,
                           struct staging_dir *staging, struct export_result *r, struct err *err);

#endif
