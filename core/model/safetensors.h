/* The safetensors container: a JSON header and packed little-endian arrays.
 *
 *    u64 length of the header
 *    {"blk": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, "__metadata__": {...}}
 *    the data; offsets are relative to its start, and the tensors cover it without gaps
 *
 * The reader is stricter than the official one, which accepts more than its README describes:
 * duplicate names, unknown fields, null metadata and empty names are refused. Used for model files,
 * RUN files and caches of moments. */
#ifndef CORE_MODEL_SAFETENSORS_H
#define CORE_MODEL_SAFETENSORS_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/device/dtype.h"

enum st_type { /* in the order of the official implementation, which files are sorted by */
               ST_BOOL,
               ST_U8,
               ST_I8,
               ST_I16,
               ST_U16,
               ST_F16,
               ST_BF16,
               ST_I32,
               ST_U32,
               ST_F32,
               ST_F64,
               ST_I64,
               ST_U64,
               ST_COUNT
};

enum { ST_MAX_DIMS = 8 };

struct st_tensor {
    const char *name;
    enum st_type type;
    int ndim;              /* 0: a scalar */
    long dim[ST_MAX_DIMS]; /* the last is contiguous */
    const void *data;      /* may be unaligned */
    size_t bytes;
};

struct st_meta {
    const char *key, *value;
};

struct safetensors;

/* Maps a file and parses its header. ERR_IO: it cannot be read; ERR_FORMAT: it is not a valid
 * safetensors file, and why. Close with safetensors_close(). */
struct safetensors *safetensors_open(const char *path, struct err *err);
/* The same for bytes in memory, which must outlive the result. */
struct safetensors *safetensors_parse(const void *bytes, size_t n, struct err *err);
void safetensors_close(struct safetensors *st);

int safetensors_count(const struct safetensors *st);
const struct st_tensor *safetensors_at(const struct safetensors *st, int i); /* in file order */
/* The tensor of this name, or NULL. */
const struct st_tensor *safetensors_tensor(const struct safetensors *st, const char *name);
const char *safetensors_meta(const struct safetensors *st, const char *key); /* or NULL */

const char *st_type_name(enum st_type type); /* "BF16" */
size_t st_type_bytes(enum st_type type);     /* bytes of an element */
long st_tensor_elements(const struct st_tensor *t);
/* dst[elements] = the values. What dst cannot represent is rounded: integers beyond 2^53 for
 * doubles; doubles, and integers beyond 2^24, for floats. */
void st_tensor_doubles(const struct st_tensor *t, double *dst);
void st_tensor_floats(const struct st_tensor *t, float *dst);
/* The matching type of a struct mat; false for integers. */
bool st_type_dtype(enum st_type type, enum dtype *out);

/* For writers that stream: sorts `tensors` into the official order, fills in their `bytes`, and
 * appends to `header` everything that comes before the data. Errors of safetensors_save(). */
bool safetensors_layout(struct st_tensor *tensors, int count, const struct st_meta *meta, int metas,
                        struct buf *header, struct err *err);
/* Writes a file in the official order (type, then name), with the header padded to 8 bytes. `bytes`
 * of a tensor may be 0; it follows from type and shape. "format": "pt" is added unless meta has a
 * "format". Writes a temporary file, syncs it and renames it, so that on error the old file is
 * still there. ERR_IO; ERR_FORMAT for a duplicate name or text that is not UTF-8. */
bool safetensors_save(const char *path, const struct st_tensor *tensors, int count,
                      const struct st_meta *meta, int metas, struct err *err);

#endif
