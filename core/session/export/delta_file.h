/* Delta files (editscope-session(5)): the changes alone, as export_delta writes and `editscope
 * apply` reads them. */
#ifndef CORE_SESSION_EXPORT_DELTA_FILE_H
#define CORE_SESSION_EXPORT_DELTA_FILE_H

#include "core/model/safetensors.h"
#include "core/session/export/export.h"

/* A delta file, as export_delta writes it. */
struct delta_file {
    struct fact *facts; /* [count] what it says */
    int count;
    struct delta *delta; /* [deltas] */
    int deltas;
    char base[65];     /* identity of the model it was made for */
    char *params_json; /* of its last edit, or NULL */
    char *tool;        /* or NULL */
};
/* ERR_FORMAT: not such a file. ERR_STATE: made for another model, or a tensor differs. */
bool delta_file_open(struct delta_file *f, const char *path, const struct weights *w,
                     struct err *err);
/* The same of bytes in memory. */
bool delta_file_parse(struct delta_file *f, const void *bytes, size_t n, const struct weights *w,
                      struct err *err);
void delta_file_free(struct delta_file *f);

/* --- what writing and reading share -------------------------------------------------------- */

enum delta_tensor { DELTA_U, DELTA_V, DELTA_KEY, DELTA_TENSORS };
extern const char *const delta_suffix[DELTA_TENSORS];
/* What a matrix is called in it: the tensor's name in the model's file, or ours
 * ("blk.3.attn_q.weight") where that holds several. Caller frees. */
char *delta_file_name(const struct weights *w, int layer, enum matrix which);
/* Hex sha256 of the bytes the model's file has for it. */
void delta_file_sum(const struct tensor *t, char hex[65]);

#endif
