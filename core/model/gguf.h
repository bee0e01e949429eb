/* The GGUF container, versions 2 and 3: metadata, tensor list, data. Bounded: every length in
 * the file is compared with the bytes that are left before anything is allocated for it. */
#ifndef CORE_MODEL_GGUF_H
#define CORE_MODEL_GGUF_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/model/weights.h"

enum gguf_kind {
    GGUF_U8,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64,
    GGUF_KINDS
};

/* Points into the file. */
struct gguf_value {
    const char *key;
    size_t key_len;
    enum gguf_kind kind; /* of the value, or of the elements if array */
    bool array;
    uint64_t count;      /* elements; 1 if no array */
    const uint8_t *data; /* elements; strings with their u64 lengths before them */
};

struct gguf {
    struct gguf_value *value; /* sorted by key */
    int values;
    struct tensor *tensor; /* in file order; names owned */
    int tensors;
};

/* Reads the list of what is in `bytes`, which must outlive the result. ERR_MODEL. */
bool gguf_parse(struct gguf *g, const void *bytes, size_t n, struct err *err);
void gguf_free(struct gguf *g); /* accepts a zeroed one */

const struct gguf_value *gguf_find(const struct gguf *g, const char *key); /* or NULL */
/* Element i of a number; false if the value is no number, or does not fit. */
bool gguf_int(const struct gguf_value *v, uint64_t i, long long *out);
bool gguf_number(const struct gguf_value *v, uint64_t i, double *out);
/* The string at *at, which moves to the next; start with v->data. */
const char *gguf_string(const uint8_t **at, size_t *len);

#endif
