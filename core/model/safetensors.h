/* The safetensors container: a JSON header and packed little-endian arrays.
 *
 * Stricter than the official reader where that is laxer than its README: duplicate names,
 * unknown fields, null metadata, empty names are refused. Used for model files, RUN files and
 * caches of moments. */
#ifndef CORE_MODEL_SAFETENSORS_H
#define CORE_MODEL_SAFETENSORS_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/device/dtype.h"

enum st_type { /* in the official order of rank */
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
    int ndim;              /* 0: one element */
    long dim[ST_MAX_DIMS]; /* the last is contiguous */
    const void *data;      /* of any alignment */
    size_t bytes;
};

struct st_meta {
    const char *key, *value;
};

struct safetensors;

/* Maps the file. ERR_IO if it cannot be read, ERR_FORMAT with the reason if it is no valid
 * safetensors file. */
struct safetensors *safetensors_open(const char *path, struct err *err);
/* The same over bytes of the caller's, which must outlive the result. */
struct safetensors *safetensors_parse(const void *bytes, size_t n, struct err *err);
void safetensors_close(struct safetensors *st);

int safetensors_count(const struct safetensors *st);
const struct st_tensor *safetensors_at(const struct safetensors *st, int i); /* by offset */
const struct st_tensor *safetensors_tensor(const struct safetensors *st, const char *name);
const char *safetensors_meta(const struct safetensors *st, const char *key); /* or NULL */

const char *st_type_name(enum st_type type); /* "BF16" */
size_t st_type_bytes(enum st_type type);     /* an element's */
long st_tensor_elements(const struct st_tensor *t);
/* dst[elements] = the values; integers beyond 2^53 (2^24) and doubles are rounded. */
void st_tensor_doubles(const struct st_tensor *t, double *dst);
void st_tensor_floats(const struct st_tensor *t, float *dst);
/* The matching matrix type; false for integers. */
bool st_type_dtype(enum st_type type, enum dtype *out);

/* Sorts into the official order, fills in `bytes`, and appends to `header` all that comes before
 * the first tensor's bytes: for writers that stream. Errors as of safetensors_save(). */
bool safetensors_layout(struct st_tensor *tensors, int count, const struct st_meta *meta, int metas,
                        struct buf *header, struct err *err);
/* Writes a file in the official order (type, then name), the header padded to 8 bytes.
 * `bytes` of each tensor may be 0: it follows from type and shape. "format": "pt" is added
 * unless meta has a "format". Written beside, synced and renamed: on error the old file
 * stands. ERR_IO; ERR_FORMAT for a duplicate name or text that is not UTF-8. */
bool safetensors_save(const char *path, const struct st_tensor *tensors, int count,
                      const struct st_meta *meta, int metas, struct err *err);

#endif
