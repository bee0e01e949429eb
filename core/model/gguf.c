/* Parses the header of a GGUF file (gguf.h, editscope-formats(7) 1.1). The input is not trusted: a
 * cursor knows how many bytes are left, and no length from the file is used before it is compared
 * with that. tests/fuzz/gguf_fuzz.c tries to break it. */
#include "core/model/gguf.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file_type.h"
#include "core/base/mem.h"
#include "core/base/utf8.h"

enum {
    MAX_VALUES = 65536,
    MAX_TENSORS = 1000000,
    MAX_KEY = 65535,
    MAX_NAME = 63,
    MIN_VALUE_BYTES = 8 + 1 + 4 + 1,          /* bytes of the shortest key and value */
    MIN_TENSOR_BYTES = 8 + 1 + 4 + 8 + 4 + 8, /* bytes of the shortest tensor entry */
};

/* A place in the file, and the bytes left from there. */
struct cursor {
    const uint8_t *start, *at;
    size_t left;
};

/* ggml's tensor types, by their number in the file. Types with -1 are known by name, and refused.
 */
static const struct {
    const char *name;
    int type; /* enum dtype, -1: not supported */
} ggml_types[] = {
    [0] = {"F32", DT_F32},    [1] = {"F16", DT_F16},    [2] = {"Q4_0", DT_Q4_0},
    [3] = {"Q4_1", DT_Q4_1},  [4] = {"Q4_2", -1},       [5] = {"Q4_3", -1},
    [6] = {"Q5_0", DT_Q5_0},  [7] = {"Q5_1", DT_Q5_1},  [8] = {"Q8_0", DT_Q8_0},
    [9] = {"Q8_1", -1},       [10] = {"Q2_K", DT_Q2_K}, [11] = {"Q3_K", DT_Q3_K},
    [12] = {"Q4_K", DT_Q4_K}, [13] = {"Q5_K", DT_Q5_K}, [14] = {"Q6_K", DT_Q6_K},
    [15] = {"Q8_K", -1},      [16] = {"IQ2_XXS", -1},   [17] = {"IQ2_XS", -1},
    [18] = {"IQ3_XXS", -1},   [19] = {"IQ1_S", -1},     [20] = {"IQ4_NL", -1},
    [21] = {"IQ3_S", -1},     [22] = {"IQ2_S", -1},     [23] = {"IQ4_XS", -1},
    [24] = {"I8", -1},        [25] = {"I16", -1},       [26] = {"I32", -1},
    [27] = {"I64", -1},       [28] = {"F64", -1},       [29] = {"IQ1_M", -1},
    [30] = {"BF16", DT_BF16}, [34] = {"TQ1_0", -1},     [35] = {"TQ2_0", -1},
    [39] = {"MXFP4", -1},     [40] = {"NVFP4", -1},     [41] = {"Q1_0", -1},
    [42] = {"Q2_0", -1},
};

static const unsigned char kind_bytes[GGUF_KINDS] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,   [GGUF_U16] = 2, [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};

static size_t cursor_offset(const struct cursor *c)
{
    return (size_t)(c->at - c->start);
}

static bool err_truncated(const struct cursor *c, const char *what, struct err *err)
{
    return err_set(err, ERR_MODEL, "the file ends inside %s (byte %zu); is the download complete?",
                   what, cursor_offset(c) + c->left);
}

static bool cursor_skip(struct cursor *c, uint64_t n)
{
    if (n > c->left)
        return false;
    c->at += n;
    c->left -= (size_t)n;
    return true;
}

/* The number in `bytes` bytes at p, lowest byte first. */
static uint64_t little_endian(const uint8_t *p, int bytes)
{
    uint64_t value = 0;

    for (int i = bytes - 1; i >= 0; i--)
        value = value << 8 | p[i];
    return value;
}

static bool cursor_read(struct cursor *c, int bytes, uint64_t *value)
{
    const uint8_t *p = c->at;

    if (!cursor_skip(c, (uint64_t)bytes))
        return false;
    *value = little_endian(p, bytes);
    return true;
}

/* A string: *text points into the file. False: the file is too short. */
static bool cursor_read_string(struct cursor *c, const char **text, uint64_t *len)
{
    if (!cursor_read(c, 8, len))
        return false;
    *text = (const char *)c->at;
    return cursor_skip(c, *len);
}

static bool read_elements(struct cursor *c, struct gguf_value *v, struct err *err)
{
    uint64_t bytes, len;
    const char *text;

    v->data = c->at;
    if (v->kind != GGUF_STRING) {
        if (__builtin_mul_overflow(v->count, (uint64_t)kind_bytes[v->kind], &bytes) ||
            !cursor_skip(c, bytes))
            return err_truncated(c, "a metadata value", err);
        return true;
    }
    if (v->count > c->left / 8)
        return err_truncated(c, "a metadata list", err);
    for (uint64_t i = 0; i < v->count; i++)
        if (!cursor_read_string(c, &text, &len))
            return err_truncated(c, "a metadata string", err);
    return true;
}

static bool read_value(struct cursor *c, struct gguf_value *v, struct err *err)
{
    uint64_t kind, len;

    if (!cursor_read_string(c, &v->key, &len))
        return err_truncated(c, "a metadata key", err);
    if (len == 0 || len > MAX_KEY)
        return err_set(err, ERR_MODEL, "metadata key of %llu bytes at byte %zu; 1 to %d are valid",
                       (unsigned long long)len, cursor_offset(c), MAX_KEY);
    v->key_len = (size_t)len;
    for (size_t i = 0; i < v->key_len; i++)
        if (v->key[i] < 0x20 || v->key[i] > 0x7e)
            return err_set(err, ERR_MODEL, "metadata key at byte %zu is not printable ASCII",
                           cursor_offset(c) - v->key_len);
    if (!cursor_read(c, 4, &kind))
        return err_truncated(c, "a metadata type", err);
    v->count = 1;
    if (kind == GGUF_ARRAY) {
        v->array = true;
        if (!cursor_read(c, 4, &kind) || !cursor_read(c, 8, &v->count))
            return err_truncated(c, "a metadata list", err);
    }
    if (kind >= GGUF_KINDS || kind == GGUF_ARRAY)
        return err_set(err, ERR_MODEL, "metadata '%.*s' has unknown type %llu%s",
                       (int)(len > 64 ? 64 : len), v->key, (unsigned long long)kind,
                       kind == GGUF_ARRAY ? " (a list of lists)" : "");
    v->kind = (enum gguf_kind)kind;
    return read_elements(c, v, err);
}

static int compare_keys(const void *a, const void *b)
{
    const struct gguf_value *x = a, *y = b;
    size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
    int order = memcmp(x->key, y->key, n);

    return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

static bool read_values(struct gguf *g, struct cursor *c, uint64_t count, struct err *err)
{
    if (count > MAX_VALUES || count > c->left / MIN_VALUE_BYTES)
        return err_set(
            err, ERR_MODEL,
            "%llu metadata entries; the file can hold %zu at most; is the download complete?",
            (unsigned long long)count,
            c->left / MIN_VALUE_BYTES < MAX_VALUES ? c->left / MIN_VALUE_BYTES : MAX_VALUES);
    g->value = xcalloc((size_t)count + 1, sizeof(*g->value));
    for (uint64_t i = 0; i < count; i++, g->values++)
        if (!read_value(c, &g->value[i], err))
            return false;
    qsort(g->value, (size_t)g->values, sizeof(*g->value), compare_keys);
    for (int i = 1; i < g->values; i++)
        if (compare_keys(&g->value[i - 1], &g->value[i]) == 0)
            return err_set(err, ERR_MODEL, "metadata '%.*s' appears twice",
                           (int)(g->value[i].key_len > 64 ? 64 : g->value[i].key_len),
                           g->value[i].key);
    return true;
}

static bool set_tensor_type(struct tensor *t, uint64_t number, struct err *err)
{
    const char *name =
        number < sizeof(ggml_types) / sizeof(*ggml_types) ? ggml_types[number].name : NULL;

    if (!name)
        return err_set(err, ERR_MODEL, "tensor %s has unknown type %llu", t->name,
                       (unsigned long long)number);
    if (ggml_types[number].type < 0)
        return err_set(err, ERR_MODEL,
                       "tensor %s is stored as %s, which is not supported; use a file in F32, F16, "
                       "BF16, Q4_0 to Q8_0 or Q2_K to Q6_K",
                       t->name, name);
    t->type = (enum dtype)ggml_types[number].type;
    return true;
}

/* Computes t->bytes from type and shape; each product is checked for overflow. */
static bool set_tensor_bytes(struct tensor *t, struct err *err)
{
    long elements = 1;
    size_t row = dtype_row_bytes(t->type, t->dim[t->ndim - 1]);
    bool over = false;

    for (int i = 0; i < t->ndim; i++)
        over = over || __builtin_mul_overflow(elements, t->dim[i], &elements);
    if (over)
        return err_set(err, ERR_MODEL, "tensor %s has too many elements", t->name);
    if (!row)
        return err_set(err, ERR_MODEL, "tensor %s: rows of %ld are not a multiple of %s's %d",
                       t->name, t->dim[t->ndim - 1], dtype_name(t->type), dtype_block(t->type));
    if (__builtin_mul_overflow(row, (size_t)(elements / t->dim[t->ndim - 1]), &t->bytes))
        return err_set(err, ERR_MODEL, "tensor %s is too large for any file", t->name);
    return true;
}

/* One entry of the tensor list; *at is the tensor's offset in the data. */
static bool read_tensor(struct cursor *c, struct tensor *t, uint64_t *at, struct err *err)
{
    const char *text;
    uint64_t len, dims, number, dim;

    if (!cursor_read_string(c, &text, &len))
        return err_truncated(c, "a tensor's name", err);
    if (len == 0 || len > MAX_NAME)
        return err_set(err, ERR_MODEL,
                       "tensor name of %llu bytes before byte %zu; 1 to %d are valid",
                       (unsigned long long)len, cursor_offset(c), MAX_NAME);
    for (uint64_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] > 0x7e)
            return err_set(err, ERR_MODEL, "the tensor name before byte %zu is not printable ASCII",
                           cursor_offset(c));
    t->name = xasprintf("%.*s", (int)len, text);
    if (!cursor_read(c, 4, &dims))
        return err_truncated(c, "the tensor list", err);
    if (dims < 1 || dims > 4)
        return err_set(err, ERR_MODEL, "tensor %s has %llu dimensions; 1 to 4 are valid", t->name,
                       (unsigned long long)dims);
    t->ndim = (int)dims;
    for (int i = t->ndim - 1; i >= 0; i--) { /* the file has the contiguous dimension first */
        if (!cursor_read(c, 8, &dim))
            return err_truncated(c, "the tensor list", err);
        if (dim == 0 || dim > LONG_MAX)
            return err_set(err, ERR_MODEL, "tensor %s has a dimension of %llu", t->name,
                           (unsigned long long)dim);
        t->dim[i] = (long)dim;
    }
    if (!cursor_read(c, 4, &number) || !cursor_read(c, 8, at))
        return err_truncated(c, "the tensor list", err);
    return set_tensor_type(t, number, err) && set_tensor_bytes(t, err);
}

static bool read_alignment(const struct gguf *g, uint64_t *alignment, struct err *err)
{
    const struct gguf_value *v = gguf_find(g, "general.alignment");

    *alignment = 32;
    if (!v)
        return true;
    if (v->array || v->kind != GGUF_U32)
        return err_set(err, ERR_MODEL, "metadata general.alignment is not a 32-bit number");
    *alignment = little_endian(v->data, 4);
    if (*alignment < 8 || (*alignment & (*alignment - 1)))
        return err_set(err, ERR_MODEL,
                       "metadata general.alignment is %llu; a power of two from 8 on is required",
                       (unsigned long long)*alignment);
    return true;
}

/* *out = value rounded up to a multiple of `alignment`, a power of two. False: overflow. */
static bool round_up(uint64_t value, uint64_t alignment, uint64_t *out)
{
    uint64_t up;

    if (__builtin_add_overflow(value, alignment - 1, &up))
        return false;
    *out = up & ~(alignment - 1);
    return true;
}

static bool check_names_unique(const struct gguf *g, struct err *err)
{
    char **name = xcalloc((size_t)g->tensors + 1, sizeof(*name));
    bool ok = true;

    for (int i = 0; i < g->tensors; i++)
        name[i] = g->tensor[i].name;
    qsort(name, (size_t)g->tensors, sizeof(*name), utf8_compare);
    for (int i = 1; i < g->tensors && ok; i++)
        if (!strcmp(name[i - 1], name[i]))
            ok = err_set(err, ERR_MODEL, "tensor %s appears twice", name[i]);
    free(name);
    return ok;
}

static bool read_tensors(struct gguf *g, struct cursor *c, uint64_t count, uint64_t alignment,
                         struct err *err)
{
    uint64_t sum = 0, start, end, at = 0;

    if (count > MAX_TENSORS || count > c->left / MIN_TENSOR_BYTES)
        return err_set(err, ERR_MODEL,
                       "%llu tensors; the file can hold %zu at most; is the download complete?",
                       (unsigned long long)count,
                       c->left / MIN_TENSOR_BYTES < MAX_TENSORS ? c->left / MIN_TENSOR_BYTES
                                                                : MAX_TENSORS);
    g->tensor = xcalloc((size_t)count + 1, sizeof(*g->tensor));
    for (uint64_t i = 0; i < count; i++) {
        struct tensor *t = &g->tensor[g->tensors++];

        if (!read_tensor(c, t, &at, err))
            return false;
        if (at != sum)
            return err_set(err, ERR_MODEL, "tensor %s begins at %llu of the data, not at %llu",
                           t->name, (unsigned long long)at, (unsigned long long)sum);
        if (__builtin_add_overflow(sum, (uint64_t)t->bytes, &sum) ||
            !round_up(sum, alignment, &sum))
            return err_set(err, ERR_MODEL, "tensor %s ends beyond any file", t->name);
    }
    if (!count) /* metadata alone: the file need not be padded */
        return true;
    if (!check_names_unique(g, err))
        return false;
    if (!round_up(cursor_offset(c), alignment, &start) || __builtin_add_overflow(start, sum, &end))
        return err_set(err, ERR_MODEL, "the tensors end beyond any file");
    if (end > cursor_offset(c) + c->left)
        return err_set(err, ERR_MODEL,
                       "the tensors end at byte %llu, the file at %zu; is the download complete?",
                       (unsigned long long)end, cursor_offset(c) + c->left);
    at = start;
    for (int i = 0; i < g->tensors; i++) {
        g->tensor[i].data = c->start + at;
        at += g->tensor[i].bytes;
        round_up(at, alignment, &at); /* `end` did not overflow, so this does not */
    }
    return true;
}

bool gguf_parse(struct gguf *g, const void *bytes, size_t n, struct err *err)
{
    struct cursor c = {bytes, bytes, n};
    uint64_t version, tensors, values, alignment;

    *g = (struct gguf){0};
    if (n < 4 || memcmp(bytes, "GGUF", 4)) {
        const char *is = file_type_name(file_type_of_bytes(bytes, n));

        return err_set(err, ERR_MODEL, "not a GGUF file: it %s %s",
                       is ? "is" : "does not begin with", is ? is : "GGUF");
    }
    cursor_skip(&c, 4);
    if (!cursor_read(&c, 4, &version))
        return err_truncated(&c, "the header", err);
    if (version && (version & 0xffff) == 0)
        return err_set(err, ERR_MODEL, "GGUF of a big-endian machine; convert it to little-endian");
    if (version != 2 && version != 3)
        return err_set(err, ERR_MODEL, "GGUF version %llu; 2 and 3 are supported",
                       (unsigned long long)version);
    if (!cursor_read(&c, 8, &tensors) || !cursor_read(&c, 8, &values))
        return err_truncated(&c, "the header", err);
    return read_values(g, &c, values, err) && read_alignment(g, &alignment, err) &&
           read_tensors(g, &c, tensors, alignment, err);
}

void gguf_free(struct gguf *g)
{
    for (int i = 0; i < g->tensors; i++)
        free(g->tensor[i].name);
    free(g->tensor);
    free(g->value);
    *g = (struct gguf){0};
}

const struct gguf_value *gguf_find(const struct gguf *g, const char *key)
{
    struct gguf_value wanted = {.key = key, .key_len = strlen(key)};

    if (!g->values)
        return NULL;
    return bsearch(&wanted, g->value, (size_t)g->values, sizeof(*g->value), compare_keys);
}

bool gguf_int(const struct gguf_value *v, uint64_t i, long long *out)
{
    int bytes = kind_bytes[v->kind];
    uint64_t raw;

    if (!bytes || v->kind == GGUF_F32 || v->kind == GGUF_F64 || i >= v->count)
        return false;
    raw = little_endian(v->data + i * (uint64_t)bytes, bytes);
    switch (v->kind) {
    case GGUF_I8:
        *out = (int8_t)raw;
        return true;
    case GGUF_I16:
        *out = (int16_t)raw;
        return true;
    case GGUF_I32:
        *out = (int32_t)raw;
        return true;
    case GGUF_U64:
        if (raw > LLONG_MAX)
            return false;
        break;
    case GGUF_BOOL:
        raw = raw != 0;
        break;
    default:
        break;
    }
    *out = (long long)raw;
    return true;
}

bool gguf_number(const struct gguf_value *v, uint64_t i, double *out)
{
    long long whole;
    float single;

    if (v->kind == GGUF_F32 && i < v->count) {
        memcpy(&single, v->data + 4 * i, 4);
        *out = (double)single;
        return true;
    }
    if (v->kind == GGUF_F64 && i < v->count) {
        memcpy(out, v->data + 8 * i, 8);
        return true;
    }
    if (!gguf_int(v, i, &whole))
        return false;
    *out = (double)whole;
    return true;
}

const char *gguf_string(const uint8_t **at, size_t *len)
{
    const char *text = (const char *)*at + 8;

    *len = (size_t)little_endian(*at, 8);
    *at += 8 + *len;
    return text;
}
