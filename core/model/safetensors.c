/* Parses the header of a safetensors file (safetensors.h, editscope-formats(7) 2.1), and converts
 * the values of its tensors. The input is not trusted; tests/fuzz/safetensors_fuzz.c tries to break
 * the parser. */
#include "core/model/safetensors.h"

#include <jansson.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/base/file_type.h"
#include "core/base/mem.h"

enum { MAX_HEADER = 100000000, MAX_TENSORS = 1000000, MAX_NAME = 1024 };

struct safetensors {
    struct file_map map;
    json_t *header; /* owns the names and the metadata */
    struct st_tensor *tensor;
    size_t *begin; /* [count] offset of each tensor; only while parsing */
    int count;
    const struct st_tensor **by_name;
};

static const struct {
    const char *name;
    int bytes;
    int dtype; /* enum dtype, -1: none */
} types[ST_COUNT] = {
    [ST_BOOL] = {"BOOL", 1, -1},      [ST_U8] = {"U8", 1, -1},       [ST_I8] = {"I8", 1, -1},
    [ST_I16] = {"I16", 2, -1},        [ST_U16] = {"U16", 2, -1},     [ST_F16] = {"F16", 2, DT_F16},
    [ST_BF16] = {"BF16", 2, DT_BF16}, [ST_I32] = {"I32", 4, -1},     [ST_U32] = {"U32", 4, -1},
    [ST_F32] = {"F32", 4, DT_F32},    [ST_F64] = {"F64", 8, DT_F64}, [ST_I64] = {"I64", 8, -1},
    [ST_U64] = {"U64", 8, -1},
};

const char *st_type_name(enum st_type type)
{
    return (unsigned)type < ST_COUNT ? types[type].name : "?";
}

size_t st_type_bytes(enum st_type type)
{
    return (unsigned)type < ST_COUNT ? (size_t)types[type].bytes : 0;
}

bool st_type_dtype(enum st_type type, enum dtype *out)
{
    if ((unsigned)type >= ST_COUNT || types[type].dtype < 0)
        return false;
    *out = (enum dtype)types[type].dtype;
    return true;
}

/* --- reading the header ---------------------------------------------------------------- */

static bool read_type(struct st_tensor *t, const json_t *value, struct err *err)
{
    const char *word = json_string_value(value);

    if (!word)
        return err_set(err, ERR_FORMAT, "tensor %s: dtype is missing or no text", t->name);
    for (int i = 0; i < ST_COUNT; i++)
        if (!strcmp(types[i].name, word)) {
            t->type = (enum st_type)i;
            return true;
        }
    return err_set(err, ERR_FORMAT, "tensor %s: type '%.32s' is not supported", t->name, word);
}

/* Fills shape and t->bytes; each product is checked for overflow. */
static bool read_shape(struct st_tensor *t, const json_t *shape, struct err *err)
{
    size_t size = st_type_bytes(t->type);
    long elements = 1;

    if (!json_is_array(shape) || json_array_size(shape) > ST_MAX_DIMS)
        return err_set(err, ERR_FORMAT, "tensor %s: shape is not a list of at most %d", t->name,
                       ST_MAX_DIMS);
    t->ndim = (int)json_array_size(shape);
    for (int i = 0; i < t->ndim; i++) {
        const json_t *dim = json_array_get(shape, (size_t)i);

        if (!json_is_integer(dim) || json_integer_value(dim) < 0)
            return err_set(err, ERR_FORMAT, "tensor %s: dimension %d is not a whole number",
                           t->name, i);
        t->dim[i] = (long)json_integer_value(dim);
        if (__builtin_mul_overflow(elements, t->dim[i], &elements))
            return err_set(err, ERR_FORMAT, "tensor %s has too many elements", t->name);
    }
    if (__builtin_mul_overflow((size_t)elements, size, &t->bytes))
        return err_set(err, ERR_FORMAT, "tensor %s is too large for any file", t->name);
    return true;
}

/* `room` is the size of the data. */
static bool read_offsets(struct st_tensor *t, const json_t *offsets, size_t room, size_t *begin,
                         struct err *err)
{
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    json_int_t a = json_integer_value(from), b = json_integer_value(to);

    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to))
        return err_set(err, ERR_FORMAT, "tensor %s: data_offsets is not a pair of numbers",
                       t->name);
    if (a < 0 || b < a || (size_t)b > room)
        return err_set(err, ERR_FORMAT,
                       "tensor %s: offsets %lld to %lld do not lie in the file's %zu bytes of data",
                       t->name, (long long)a, (long long)b, room);
    if ((size_t)(b - a) != t->bytes)
        return err_set(err, ERR_FORMAT, "tensor %s: %lld bytes where its shape needs %zu", t->name,
                       (long long)(b - a), t->bytes);
    *begin = (size_t)a;
    return true;
}

static bool read_name(const char *name, struct err *err)
{
    size_t n = strlen(name);

    if (n == 0 || n > MAX_NAME)
        return err_set(err, ERR_FORMAT, "a tensor's name has %zu bytes; 1 to %d are valid", n,
                       MAX_NAME);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return err_set(err, ERR_FORMAT, "a tensor's name holds a control character");
    return true;
}

static bool read_metadata(const json_t *metadata, struct err *err)
{
    void *it;

    if (!metadata)
        return true;
    if (!json_is_object(metadata))
        return err_set(err, ERR_FORMAT, "__metadata__ is not an object");
    for (it = json_object_iter((json_t *)(size_t)metadata); it;
         it = json_object_iter_next((json_t *)(size_t)metadata, it))
        if (!json_is_string(json_object_iter_value(it)))
            return err_set(err, ERR_FORMAT, "__metadata__: a value is not text");
    return true;
}

static bool read_entries(struct safetensors *st, size_t room, struct err *err)
{
    size_t entries = json_object_size(st->header);
    void *it;

    if (entries > MAX_TENSORS)
        return err_set(err, ERR_FORMAT, "%zu tensors; at most %d are read", entries, MAX_TENSORS);
    st->tensor = xcalloc(entries + 1, sizeof(*st->tensor));
    st->begin = xcalloc(entries + 1, sizeof(*st->begin));
    for (it = json_object_iter(st->header); it; it = json_object_iter_next(st->header, it)) {
        const char *name = json_object_iter_key(it);
        const json_t *entry = json_object_iter_value(it);
        struct st_tensor *t = &st->tensor[st->count];

        if (!strcmp(name, "__metadata__"))
            continue;
        if (!read_name(name, err))
            return false;
        t->name = name;
        if (!json_is_object(entry) || json_object_size(entry) != 3)
            return err_set(err, ERR_FORMAT,
                           "tensor %s is not described by dtype, shape and data_offsets", name);
        if (!read_type(t, json_object_get(entry, "dtype"), err) ||
            !read_shape(t, json_object_get(entry, "shape"), err) ||
            !read_offsets(t, json_object_get(entry, "data_offsets"), room, &st->begin[st->count],
                          err))
            return false;
        st->count++;
    }
    return true;
}

static int by_data(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;

    if (x->data != y->data)
        return (uintptr_t)x->data < (uintptr_t)y->data ? -1 : 1;
    return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_name(const void *a, const void *b)
{
    const struct st_tensor *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* Sorts the tensors by offset, and checks that they cover the data without a hole or an overlap. */
static bool check_cover(struct safetensors *st, const uint8_t *data, size_t room, struct err *err)
{
    const uint8_t *end = data;

    for (int i = 0; i < st->count; i++)
        st->tensor[i].data = data + st->begin[i];
    qsort(st->tensor, (size_t)st->count, sizeof(*st->tensor), by_data);
    for (int i = 0; i < st->count; i++) {
        if (st->tensor[i].data != end)
            return err_set(err, ERR_FORMAT, "tensor %s %s the one before it", st->tensor[i].name,
                           (const uint8_t *)st->tensor[i].data < end ? "overlaps"
                                                                     : "leaves a hole after");
        end += st->tensor[i].bytes;
    }
    if ((size_t)(end - data) != room)
        return err_set(err, ERR_FORMAT, "%zu bytes of data, but the tensors take %zu", room,
                       (size_t)(end - data));
    st->by_name = xcalloc((size_t)st->count + 1, sizeof(struct st_tensor *));
    for (int i = 0; i < st->count; i++)
        st->by_name[i] = &st->tensor[i];
    qsort(st->by_name, (size_t)st->count, sizeof(struct st_tensor *), by_name);
    return true;
}

/* jansson accepts a NUL after a number and reads -0 as 0. The format allows neither NUL bytes nor
 * negative numbers, so both are refused before it parses. */
static bool has_invalid_bytes(const uint8_t *text, size_t n)
{
    bool quoted = false;

    for (size_t i = 0; i < n; i++) {
        if (text[i] == '\0' || (text[i] == '-' && !quoted))
            return true;
        if (text[i] == '"')
            quoted = !quoted;
        else if (text[i] == '\\' && quoted)
            i++;
    }
    return false;
}

static bool parse_bytes(struct safetensors *st, const uint8_t *bytes, size_t n, struct err *err)
{
    uint64_t header = 0;
    json_error_t why;
    size_t room;

    for (int i = 7; i >= 0 && n >= 8; i--)
        header = header << 8 | bytes[i];
    if (n >= 8 ? header == 0 || (n > 8 && bytes[8] != '{')
               : n && file_type_of_bytes(bytes, n) != FILE_TYPE_UNKNOWN) {
        const char *is = file_type_name(file_type_of_bytes(bytes, n));

        return err_set(err, ERR_FORMAT, "not a safetensors file: %s %s",
                       is ? "it is" : "the header does not begin with", is ? is : "{");
    }
    if (n < 8 || header > n - 8)
        return err_set(err, ERR_FORMAT,
                       "%zu bytes, the header alone needs %llu; is the download "
                       "complete?",
                       n, (unsigned long long)header + 8);
    if (header > MAX_HEADER)
        return err_set(err, ERR_FORMAT, "a header of %llu bytes; at most %d are valid",
                       (unsigned long long)header, MAX_HEADER);
    if (has_invalid_bytes(bytes + 8, (size_t)header))
        return err_set(err, ERR_FORMAT, "the header is damaged: a NUL byte or a negative number");
    st->header = json_loadb((const char *)bytes + 8, (size_t)header, JSON_REJECT_DUPLICATES, &why);
    if (!st->header)
        return err_set(err, ERR_FORMAT, "the header is damaged: %s", why.text);
    if (!json_is_object(st->header))
        return err_set(err, ERR_FORMAT, "the header is not an object");
    room = n - 8 - (size_t)header;
    return read_metadata(json_object_get(st->header, "__metadata__"), err) &&
           read_entries(st, room, err) && check_cover(st, bytes + 8 + header, room, err);
}

struct safetensors *safetensors_parse(const void *bytes, size_t n, struct err *err)
{
    struct safetensors *st = xcalloc(1, sizeof(*st));
    bool ok = parse_bytes(st, bytes, n, err);

    free(st->begin);
    st->begin = NULL;
    if (ok)
        return st;
    safetensors_close(st);
    return NULL;
}

struct safetensors *safetensors_open(const char *path, struct err *err)
{
    struct file_map map;
    struct err why = {0};
    struct safetensors *st;

    if (!file_map(&map, path, err))
        return NULL;
    st = safetensors_parse(map.data, map.size, &why);
    if (!st) {
        file_unmap(&map);
        err_in(&why, "%s", path);
        err_pass(err, &why);
        return NULL;
    }
    st->map = map;
    return st;
}

void safetensors_close(struct safetensors *st)
{
    if (!st)
        return;
    free(st->tensor);
    free(st->begin);
    free(st->by_name);
    json_decref(st->header);
    file_unmap(&st->map);
    free(st);
}

/* --- access ---------------------------------------------------------------------------- */

int safetensors_count(const struct safetensors *st)
{
    return st->count;
}

const struct st_tensor *safetensors_at(const struct safetensors *st, int i)
{
    return &st->tensor[i];
}

const struct st_tensor *safetensors_tensor(const struct safetensors *st, const char *name)
{
    struct st_tensor wanted = {.name = name};
    const struct st_tensor *key = &wanted, **found;

    if (!st->count)
        return NULL;
    found = bsearch(&key, st->by_name, (size_t)st->count, sizeof(key), by_name);
    return found ? *found : NULL;
}

const char *safetensors_meta(const struct safetensors *st, const char *key)
{
    return json_string_value(json_object_get(json_object_get(st->header, "__metadata__"), key));
}

long st_tensor_elements(const struct st_tensor *t)
{
    long elements = 1;

    for (int i = 0; i < t->ndim; i++)
        elements *= t->dim[i];
    return elements;
}

/* Element i as a double, whatever its type. */
static double tensor_element(const struct st_tensor *t, long i)
{
    const uint8_t *at = (const uint8_t *)t->data + (size_t)i * st_type_bytes(t->type);
    uint64_t raw = 0;
    double wide;
    float single;

    for (int b = (int)st_type_bytes(t->type) - 1; b >= 0; b--)
        raw = raw << 8 | at[b];
    switch (t->type) {
    case ST_I8:
        return (double)(int8_t)raw;
    case ST_I16:
        return (double)(int16_t)raw;
    case ST_I32:
        return (double)(int32_t)raw;
    case ST_I64:
        return (double)(int64_t)raw;
    case ST_F64:
        memcpy(&wide, at, sizeof(wide));
        return wide;
    case ST_F16:
    case ST_BF16:
    case ST_F32:
        dtype_to_float((enum dtype)types[t->type].dtype, at, &single, 1);
        return (double)single;
    default:
        return (double)raw;
    }
}

void st_tensor_doubles(const struct st_tensor *t, double *dst)
{
    long n = st_tensor_elements(t);

    if (t->type == ST_F64 && n)
        memcpy(dst, t->data, (size_t)n * sizeof(*dst));
    else
        for (long i = 0; i < n; i++)
            dst[i] = tensor_element(t, i);
}

void st_tensor_floats(const struct st_tensor *t, float *dst)
{
    long n = st_tensor_elements(t);
    int dtype = types[t->type].dtype;

    if (dtype >= 0 && dtype != DT_F64)
        dtype_to_float((enum dtype)dtype, t->data, dst, n);
    else
        for (long i = 0; i < n; i++)
            dst[i] = (float)tensor_element(t, i);
}
