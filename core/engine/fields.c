/* Writes and reads structs as JSON by their tables; arrays of floats are base64. */
#include "core/engine/fields.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/base64.h"
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/params.h"
#include "core/base/utf8.h"
#include "core/device/dtype.h"
#include "core/engine/float16.h"
#include "core/eval/metric.h"

/* Number of elements, from the counts beside them; negative counts are 0. */
static long length_of(const struct field_info *f, const char *base)
{
    long n = f->store == STORE_FIXED ? f->most : 1;

    for (int i = 0; i < 2; i++)
        if (f->count[i] != NO_COUNT) {
            int count;

            memcpy(&count, base + f->count[i], sizeof(count));
            if (f->store == STORE_FIXED)
                n = count < 0 ? 0 : count < f->most ? count : f->most;
            else
                n *= count < 0 ? 0 : count;
        }
    return n;
}

/* Address of the first element. */
static const char *items_of(const struct field_info *f, const char *base)
{
    const char *at = base + f->offset;

    if (f->store == STORE_OWNED)
        memcpy(&at, base + f->offset, sizeof(at));
    return at;
}

/* ---- writing ---- */

void json_put_text(struct buf *out, const char *text)
{
    size_t n = strlen(text);

    if (!utf8_valid(text, n, NULL)) {
        buf_puts(out, "{\"b64\":\"");
        base64_put(out, text, n);
        buf_puts(out, "\"}");
        return;
    }
    buf_add(out, "\"", 1);
    for (const char *p = text; *p; p++) {
        if (*p == '"' || *p == '\\')
            buf_printf(out, "\\%c", *p);
        else if ((unsigned char)*p < 0x20 || *p == 0x7f)
            buf_printf(out, "\\u%04x", (unsigned char)*p);
        else
            buf_add(out, p, 1);
    }
    buf_add(out, "\"", 1);
}

/* As few digits as give the same double again. */
static void json_put_double(struct buf *out, double value)
{
    char text[40];

    if (!isfinite(value)) {
        buf_puts(out, isnan(value) ? "\"nan\"" : value > 0 ? "\"inf\"" : "\"-inf\"");
        return;
    }
    snprintf(text, sizeof(text), "%.15g", value); /* 15 digits mostly do */
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof(text), "%.17g", value);
    buf_puts(out, text);
}

/* "f32:...", "f16:..." or "f8:...". */
static void put_floats(struct buf *out, const float *x, size_t n, enum float_format precision)
{
    buf_puts(out, precision == EXACT ? "\"f32:" : precision == HALF ? "\"f16:" : "\"f8:");
    if (precision == EXACT) {
        base64_put(out, x, n * sizeof(*x));
    } else {
        unsigned char *bytes = xmalloc(2 * n + 1);

        for (size_t i = 0; i < n; i++) {
            uint16_t h = half_of_float(x[i], precision == HALF ? 10 : 2);

            if (precision == HALF) {
                bytes[2 * i] = (unsigned char)(h & 0xff);
                bytes[2 * i + 1] = (unsigned char)(h >> 8);
            } else {
                bytes[i] = (unsigned char)(h >> 8);
            }
        }
        base64_put(out, bytes, precision == HALF ? 2 * n : n);
        free(bytes);
    }
    buf_add(out, "\"", 1);
}

static void put_params(struct buf *out, const struct params *p)
{
    char *text = params_to_json(p);

    buf_puts(out, text);
    free(text);
}

static void put_text(const struct field_info *f, const char *text, bool small, struct buf *out)
{
    json_put_text(out, small && f->means == MEANS_PATH ? file_name(text) : text);
}

static void put_one(const struct field_info *f, const char *at, bool small, enum float_format least,
                    struct buf *out)
{
    switch (f->type) {
    case FIELD_INT:
        buf_printf(out, "%d", *(const int *)at);
        break;
    case FIELD_UNSIGNED:
        buf_printf(out, "%u", *(const unsigned *)at);
        break;
    case FIELD_LONG:
        buf_printf(out, "%ld", *(const long *)at);
        break;
    case FIELD_BOOL:
        buf_puts(out, *(const bool *)at ? "true" : "false");
        break;
    case FIELD_DOUBLE:
        json_put_double(out, *(const double *)at);
        break;
    case FIELD_FLOAT:
        json_put_double(out, (double)*(const float *)at);
        break;
    case FIELD_TEXT:
        if (*(char *const *)at)
            put_text(f, *(char *const *)at, small, out);
        else
            buf_puts(out, "null");
        break;
    case FIELD_CHARS:
        put_text(f, at, small, out);
        break;
    case FIELD_PART:
        fields_write(f->part, at, small, least, out);
        break;
    case FIELD_PARAMS:
        put_params(out, (const struct params *)(const void *)at);
        break;
    case FIELD_METRICS: /* put_metrics() */
        break;
    }
}

/* The metrics that were measured, each under its own key. */
static void put_metrics(struct buf *out, const struct measured *m, const char **comma)
{
    for (int i = 0; i < metric_count; i++) {
        const struct metric *row = &metric_table[i];

        if (!(m[i].whole > 0))
            continue;
        buf_printf(out, "%s\"%s\":", *comma, row->key);
        *comma = ",";
        if (row->show == METRIC_YES) {
            buf_puts(out, m[i].part > 0 ? "true" : "false");
        } else if (row->has_before) {
            buf_puts(out, "[");
            json_put_double(out, m[i].before);
            buf_puts(out, ",");
            json_put_double(out, m[i].part);
            buf_puts(out, "]");
        } else {
            json_put_double(out, m[i].part);
        }
        if (row->whole_key) {
            buf_printf(out, ",\"%s\":", row->whole_key);
            json_put_double(out, m[i].whole);
        }
    }
}

static bool all_zero(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i])
            return false;
    return true;
}

void fields_write(const struct struct_fields *table, const void *from, bool small,
                  enum float_format at_least, struct buf *out)
{
    const char *base = from, *comma = "";

    buf_add(out, "{", 1);
    for (const struct field_info *f = table->field; f < table->field + table->fields; f++) {
        const char *at = items_of(f, base);
        long n = length_of(f, base);
        enum float_format p = small && f->small < at_least ? at_least : small ? f->small : EXACT;

        if (f->type == FIELD_METRICS) {
            put_metrics(out, (const struct measured *)(const void *)at, &comma);
            continue;
        }
        if (!at || (f->store != STORE_OWNED && all_zero(at, (size_t)n * f->size)) ||
            (f->type == FIELD_CHARS && !*at && f->store == STORE_ONE) ||
            (p == DROPPED && f->optional))
            continue;
        buf_printf(out, "%s\"%s\":", comma, f->name);
        comma = ",";
        if (f->store == STORE_ONE) {
            put_one(f, at, small, at_least, out);
        } else if (f->type == FIELD_FLOAT) {
            put_floats(out, (const float *)(const void *)at, (size_t)n, p);
        } else {
            buf_add(out, "[", 1);
            for (long i = 0; i < n; i++) {
                if (i)
                    buf_add(out, ",", 1);
                put_one(f, at + (size_t)i * f->size, small, at_least, out);
            }
            buf_add(out, "]", 1);
        }
    }
    buf_add(out, "}", 1);
}

/* ---- reading ---- */

/* Sets ERR_FORMAT "STRUCT.FIELD: why"; false. */
static bool field_error(const struct struct_fields *table, const struct field_info *f,
                        const char *why, struct err *err)
{
    return err_set(err, ERR_FORMAT, "%s.%s: %s", table->name, f->name, why);
}

static bool get_double(const json_t *v, double *out)
{
    const char *s = json_string_value(v);

    if (json_is_number(v))
        *out = json_number_value(v);
    else if (s && !strcmp(s, "nan"))
        *out = (double)NAN;
    else if (s && (!strcmp(s, "inf") || !strcmp(s, "-inf")))
        *out = *s == '-' ? -(double)INFINITY : (double)INFINITY;
    else
        return false;
    return true;
}

/* Owned text, or NULL. */
static char *get_text(const json_t *v)
{
    const json_t *coded = json_object_get(v, "b64");
    const char *s = json_string_value(coded ? coded : v);
    size_t n = json_string_length(coded ? coded : v), bytes;
    char *text;

    if (!s || !coded)
        return s ? xstrdup(s) : NULL;
    bytes = base64_size(s, n);
    if (bytes == (size_t)-1)
        return NULL;
    text = xcalloc(bytes + 1, 1);
    if (base64_get(text, s, n) && !memchr(text, '\0', bytes))
        return text;
    free(text);
    return NULL;
}

static bool get_chars(const json_t *v, char *at, size_t size)
{
    char *text = get_text(v);
    bool fits = text && strlen(text) < size;

    if (fits)
        memcpy(at, text, strlen(text) + 1);
    free(text);
    return fits;
}

static bool get_integer(const json_t *v, long long low, long long high, long long *out)
{
    *out = json_integer_value(v);
    return json_is_integer(v) && *out >= low && *out <= high;
}

static bool get_params(const json_t *v, struct params *p, struct err *err)
{
    char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
    bool ok;

    params_default(p);
    ok = text && params_from_json(p, text, FROM_SESSION, err);
    free(text);
    return ok;
}

/* All metrics from their keys in the object. Older recordings leave out a count of 0. */
static bool get_metrics(const struct struct_fields *table, const struct field_info *f,
                        const json_t *from, struct measured *m, struct err *err)
{
    bool ok = true;

    for (int i = 0; ok && i < metric_count; i++) {
        const struct metric *row = &metric_table[i];
        const json_t *v = json_object_get(from, row->key), *whole;

        m[i].whole = v != NULL;
        if (row->whole_key) {
            whole = json_object_get(from, row->whole_key);
            m[i].whole = 0;
            ok = !whole || get_double(whole, &m[i].whole);
        }
        if (!v)
            continue;
        if (row->show == METRIC_YES)
            m[i].part = json_is_true(v);
        else if (row->has_before)
            ok = ok && json_array_size(v) == 2 && get_double(json_array_get(v, 0), &m[i].before) &&
                 get_double(json_array_get(v, 1), &m[i].part);
        else
            ok = ok && get_double(v, &m[i].part);
    }
    return ok || field_error(table, f, "not numbers", err);
}

static bool get_one(const struct struct_fields *table, const struct field_info *f, const json_t *v,
                    char *at, struct err *err)
{
    bool ranged = f->most && f->store == STORE_ONE, ok = true;
    long long i = 0;
    double x = 0;

    switch (f->type) {
    case FIELD_INT:
        ok = get_integer(v, ranged ? f->low : INT_MIN, ranged ? f->most : INT_MAX, &i);
        *(int *)at = (int)i;
        break;
    case FIELD_UNSIGNED:
        ok = get_integer(v, 0, ranged ? f->most : (long long)UINT_MAX, &i);
        *(unsigned *)at = (unsigned)i;
        break;
    case FIELD_LONG:
        ok = get_integer(v, LONG_MIN, LONG_MAX, &i);
        *(long *)at = (long)i;
        break;
    case FIELD_BOOL:
        ok = json_is_boolean(v);
        *(bool *)at = json_is_true(v);
        break;
    case FIELD_DOUBLE:
        ok = get_double(v, (double *)at);
        break;
    case FIELD_FLOAT:
        ok = get_double(v, &x);
        *(float *)at = (float)x;
        break;
    case FIELD_TEXT:
        *(char **)at = get_text(v);
        ok = *(char **)at || json_is_null(v);
        if (!*(char **)at && !f->optional)
            *(char **)at = xstrdup("");
        break;
    case FIELD_CHARS:
        ok = get_chars(v, at, f->size);
        break;
    case FIELD_PART:
        return fields_read(f->part, v, at, err);
    case FIELD_PARAMS:
        return get_params(v, (struct params *)(void *)at, err);
    case FIELD_METRICS: /* get_metrics() */
        break;
    }
    return ok || field_error(table, f, "wrong type, or out of range", err);
}

/* n floats from their base64 string, or NULL. Caller frees. */
static float *get_floats(const json_t *v, size_t n)
{
    static const struct {
        const char *prefix;
        size_t bytes;
    } form[] = {{"f32:", 4}, {"f16:", 2}, {"f8:", 1}};
    const char *s = json_string_value(v);
    size_t length = json_string_length(v);

    for (int k = 0; s && k < 3; k++) {
        size_t skip = strlen(form[k].prefix), bytes = form[k].bytes;
        unsigned char *raw;
        float *x;
        bool ok;

        if (strncmp(s, form[k].prefix, skip) || base64_size(s + skip, length - skip) != n * bytes)
            continue;
        raw = xmalloc(n * 4 + 1);
        x = xmalloc((n + 1) * sizeof(*x));
        ok = base64_get(raw, s + skip, length - skip);
        for (size_t i = n; k == 2 && i--;) { /* the upper byte of a half */
            raw[2 * i + 1] = raw[i];
            raw[2 * i] = 0;
        }
        dtype_to_float(k ? DT_F16 : DT_F32, raw, x, (long)n);
        free(raw);
        if (ok)
            return x;
        free(x);
        return NULL;
    }
    return NULL;
}

static bool get_many(const struct struct_fields *table, const struct field_info *f, const json_t *v,
                     char *base, struct err *err)
{
    size_t n = (size_t)length_of(f, base);
    char *at = base + f->offset;

    if (f->store == STORE_OWNED && f->type == FIELD_FLOAT) {
        float *x = get_floats(v, n);

        memcpy(at, &x, sizeof(x));
        return x || field_error(table, f, "number of values differs from its count", err);
    }
    if (!json_is_array(v) || json_array_size(v) != n)
        return field_error(table, f, "number of values differs from its count", err);
    if (f->store == STORE_OWNED) {
        char *items = xcalloc(n + 1, f->size);

        memcpy(at, &items, sizeof(items));
        at = items;
    }
    for (size_t i = 0; i < n; i++)
        if (!get_one(table, f, json_array_get(v, i), at + i * f->size, err))
            return false;
    return true;
}

/* One field of the object. A missing one stays zero, unless its count says that there are some. */
static bool get_field(const struct struct_fields *table, const struct field_info *f,
                      const json_t *from, char *base, struct err *err)
{
    const json_t *v = json_object_get(from, f->name);

    if (f->type == FIELD_METRICS)
        return get_metrics(table, f, from, (struct measured *)(void *)(base + f->offset), err);
    for (int i = 0; i < 2; i++)
        if (f->count[i] != NO_COUNT) {
            int count;

            memcpy(&count, base + f->count[i], sizeof(count));
            if (count < 0 || (f->store == STORE_FIXED && count > f->most))
                return field_error(table, f, "its count is out of range", err);
        }
    if (!v && f->store == STORE_OWNED && !f->optional && length_of(f, base))
        return field_error(table, f, "missing", err);
    if (!v && f->type == FIELD_TEXT && f->store != STORE_OWNED && !f->optional)
        for (long i = 0; i < length_of(f, base); i++)
            *(char **)(void *)(base + f->offset + (size_t)i * f->size) = xstrdup("");
    if (!v)
        return true;
    return f->store == STORE_ONE ? get_one(table, f, v, base + f->offset, err)
                                 : get_many(table, f, v, base, err);
}

bool fields_read(const struct struct_fields *table, const json_t *from, void *into, struct err *err)
{
    bool ok = json_is_object(from) || err_set(err, ERR_FORMAT, "%s: not an object", table->name);
    struct err why = {0};

    for (int i = 0; ok && i < table->fields; i++)
        ok = get_field(table, &table->field[i], from, into, err);
    if (ok && table->ready && !table->ready(into, &why))
        ok = err_set(err, ERR_FORMAT, "%s: %s", table->name,
                     why.kind ? why.text : "its numbers contradict each other");
    if (!ok)
        fields_free(table, into);
    return ok;
}

/* ---- other uses of the tables ---- */

static bool fits_model(const struct field_info *f, int value, int layers, int neurons)
{
    switch (f->means) {
    case MEANS_LAYERS:
        return value == layers || (f->optional && !value);
    case MEANS_NEURONS:
        return value == neurons;
    case MEANS_LAYER:
        return value >= 0 && value < layers;
    case MEANS_NEURON:
        return value >= 0 && value < neurons;
    case MEANS_NOTHING:
    case MEANS_PATH:
        break;
    }
    return true;
}

bool fields_fit_model(const struct struct_fields *table, const void *what, int layers, int neurons)
{
    for (const struct field_info *f = table->field; f < table->field + table->fields; f++) {
        const char *at = items_of(f, what);

        for (long i = 0, n = at ? length_of(f, what) : 0; i < n; i++, at += f->size) {
            if (f->type == FIELD_PART && !fields_fit_model(f->part, at, layers, neurons))
                return false;
            if (f->type == FIELD_INT &&
                !fits_model(f, *(const int *)(const void *)at, layers, neurons))
                return false;
        }
    }
    return true;
}

void fields_free(const struct struct_fields *table, void *what)
{
    char *base = what;

    for (const struct field_info *f = table->field; f < table->field + table->fields; f++) {
        long n = length_of(f, base);
        char *at = (char *)(size_t)items_of(f, base);

        for (long i = 0; at && i < n; i++) {
            if (f->type == FIELD_TEXT)
                free(*(char **)(void *)(at + (size_t)i * f->size));
            else if (f->type == FIELD_PART)
                fields_free(f->part, at + (size_t)i * f->size);
        }
        if (f->store == STORE_OWNED)
            free(at);
    }
    memset(what, 0, table->size);
}
