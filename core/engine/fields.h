/* Structs as JSON, by tables: a field is a name, a place and a type.
 *
 * A shape describes a struct of plain data whose pointers are all owned. Writing leaves out what
 * is zero; reading fills what is missing with zero. Reading trusts nothing: lengths are those
 * that the text really holds, and must agree with the counts beside them. Pure; any thread. */
#ifndef CORE_ENGINE_FIELDS_H
#define CORE_ENGINE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "core/base/buf.h"
#include "core/base/err.h"

enum field_type {
    FIELD_INT,
    FIELD_UNSIGNED,
    FIELD_LONG,
    FIELD_BOOL,
    FIELD_DOUBLE,
    FIELD_FLOAT,   /* arrays of them are base64 of little-endian F32, F16 or F8 */
    FIELD_TEXT,    /* char *, owned */
    FIELD_CHARS,   /* char [size] */
    FIELD_PART,    /* a struct */
    FIELD_PARAMS,  /* a struct params, by names */
    FIELD_METRICS, /* struct measured [METRICS_MOST], by their keys among the other fields */
};
enum field_store {
    STORE_ONE,
    STORE_FIXED, /* an array of `most` in the struct; the first count[0] count, or all */
    STORE_OWNED, /* a pointer to count[0] x count[1]; NULL allowed */
};
enum { NO_COUNT = -1 };

/* How exactly floats are kept: bit by bit, as halves (11 bits), as their upper byte (3 bits). */
enum float_format { EXACT, HALF, COARSE, DROPPED /* optional ones only */ };

/* What a value stands for, where somebody must know. */
enum field_meaning {
    MEANS_NOTHING,
    MEANS_LAYERS, /* the number of the model's layers; `optional`: or 0 */
    MEANS_NEURONS,
    MEANS_LAYER, /* one of them, from 0 */
    MEANS_NEURON,
    MEANS_PATH, /* a text: where its maker keeps files, which what is made to be passed on leaves
                   out */
};

struct field_info {
    const char *name;
    enum field_type type;
    enum field_store store;
    size_t offset, size; /* size: of one element */
    int most;            /* STORE_FIXED: elements; FIELD_INT: the highest value, 0: any */
    int low;             /* FIELD_INT with `most`: the lowest value */
    int count[2];        /* offsets of the int fields that count it */
    const struct struct_fields *part;
    enum float_format small; /* of FIELD_FLOAT arrays where a recording is to be small */
    enum field_meaning means;
    bool optional; /* text or STORE_OWNED that may be NULL */
};

struct struct_fields {
    const char *name;
    size_t size;
    const struct field_info *field;
    int fields;
    /* Optional: looks at what was read. Completes what older files do not have; false: its numbers
     * contradict each other, and err may say how. */
    bool (*ready)(void *what, struct err *err);
};

/* Appends the struct as one JSON object. `small`: to be passed on: arrays of floats as the table
 * allows, and no finer than `at_least`, and of paths the last name; else all of it is exact. */
void fields_write(const struct struct_fields *table, const void *from, bool small,
                  enum float_format at_least, struct buf *out);
/* Fills a zeroed struct. ERR_FORMAT names the field; what was read so far is then given back and
 * the struct zeroed. */
bool fields_read(const struct struct_fields *table, const json_t *from, void *into,
                 struct err *err);
/* Whether all in it that is about layers and neurons is about a model that has so many. */
bool fields_fit_model(const struct struct_fields *table, const void *what, int layers, int neurons);
void fields_free(const struct struct_fields *table, void *what); /* what it owns; zeroes it */
/* Appends text as a JSON value: a string, or {"b64": ...} where it is not UTF-8. */
void json_put_text(struct buf *out, const char *text);

#endif
