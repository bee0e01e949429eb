/* The GGUF container, versions 2 and 3, little-endian:
 *
 *    "GGUF", u32 version, u64 tensors, u64 values
 *    values   times   u64 length, key, u32 kind, value       (an array: u32 kind, u64 count,
 * elements) tensors  times   u64 length, name, u32 dims, u64 dim[], u32 type, u64 offset padding to
 * general.alignment (32), then the data of the tensors, each padded
 *
 * A string is a u64 length and its bytes. dim[0] of the file is the contiguous dimension; here, as
 * in all of this program, it is the last. Every length is compared with the bytes left in the file
 * before it is multiplied or anything is allocated for it. */
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

/* A key and its value. Pointers go into the file. */
struct gguf_value {
    const char *key;
    size_t key_len;
    enum gguf_kind kind; /* of the value, or of an array's elements */
    bool array;
    uint64_t count;      /* elements; 1 if not an array */
    const uint8_t *data; /* the elements as stored; may be unaligned */
};

struct gguf {
    struct gguf_value *value; /* sorted by key */
    int values;
    struct tensor *tensor; /* in file order; names owned */
    int tensors;
};

/* Parses a file in memory; `bytes` must outlive the result. On success all values and tensors lie
 * within the n bytes, and names are unique printable ASCII. ERR_MODEL says what is damaged and at
 * which byte. Call gguf_free() in either case. */
bool gguf_parse(struct gguf *g, const void *bytes, size_t n, struct err *err);
void gguf_free(struct gguf *g); /* accepts a zeroed one */

const struct gguf_value *gguf_find(const struct gguf *g, const char *key); /* or NULL */
/* Element i of a value, as a number. False if it is not a number or does not fit. */
bool gguf_int(const struct gguf_value *v, uint64_t i, long long *out);
bool gguf_number(const struct gguf_value *v, uint64_t i, double *out);
/* The string at *at; moves *at to the next one. Start with v->data. Not NUL-terminated. */
const char *gguf_string(const uint8_t **at, size_t *len);

#endif
