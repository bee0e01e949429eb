/* Delta files (editscope-session(5)): edits without a model. The exporter "delta" writes them,
 * `editscope apply` and the command apply read them. */
#ifndef CORE_SESSION_EXPORT_DELTA_FILE_H
#define CORE_SESSION_EXPORT_DELTA_FILE_H

#include "core/model/safetensors.h"
#include "core/session/export/export.h"

/* What a delta file holds. Free with delta_file_free(). */
struct delta_file {
    struct fact *facts; /* [count] the facts that were edited */
    int count;
    struct delta *delta; /* [deltas] in the order they apply */
    int deltas;
    char base[65];     /* identity of the base model */
    char *params_json; /* of the last edit, or NULL */
    char *tool;        /* program and version that wrote it, or NULL */
};
/* Reads the file for the model `w`. ERR_FORMAT: not a delta file. ERR_STATE: made for another
 * model: a matrix of the base has another hash or shape. On failure `f` is zeroed. */
bool delta_file_open(struct delta_file *f, const char *path, const struct weights *w,
                     struct err *err);
/* The same from n bytes in memory. */
bool delta_file_parse(struct delta_file *f, const void *bytes, size_t n, const struct weights *w,
                      struct err *err);
void delta_file_free(struct delta_file *f);
/* Whether the file calls itself a delta, from its head alone and without a model. ERR_FORMAT: it is
 * something else. */
bool delta_file_is(const char *path, struct err *err);

/* --- shared by writer and reader ----------------------------------------------------------- */

/* The tensors of low rank, and their suffixes: "delta_u", "delta_v", "delta_key". */
enum delta_tensor { DELTA_U, DELTA_V, DELTA_KEY, DELTA_TENSORS };
extern const char *const delta_suffix[DELTA_TENSORS];
/* NAME of a matrix in a delta file: its tensor's name in the model's file, or our own name
 * ("blk.3.attn_q.weight") if that tensor holds several matrices. Caller frees. */
char *delta_file_name(const struct weights *w, int layer, enum matrix which);
/* SHA-256, as hex, of the tensor's bytes in the model's file. */
void delta_file_base_sha256(const struct tensor *t, char hex[65]);

#endif
