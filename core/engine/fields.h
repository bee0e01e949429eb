/* Structs as JSON and back, driven by tables of their fields.
 *
 * A struct of plain data is described by a row for each member: name, type, where it is, how many
 * there are. From one such table follow writing (fields_write), reading with checks (fields_read),
 * freeing (fields_free) and comparing with a model's size (fields_fit_model). So an event is
 * written down in one place, and a new member is one more row. For example
 *
 *     struct drift {                         static const struct field_info drift_field[] = {
 *         int points;                            COUNT(drift, points),
 *         struct drift_point *point;             LIST(drift, point, drift_point_fields, points),
 *     };                                     };
 *                                            FIELDS(drift);
 *
 *     drift = {.points = 2, .point = {{.edit = 1, .asked = 1, .held = 1}, {.edit = 3, .asked = 2}}}
 *     {"points":2,"point":[{"edit":1,"asked":1,"held":1},{"edit":3,"asked":2}]}
 *
 * The macros are in field_rows.h. A member is stored in one of three ways: a single value, an array
 * in the struct, or a pointer to an array that the struct owns. An array's length is in another int
 * member (or the product of two); its row comes after the row of that member, because rows are read
 * in order.
 *
 * Writing leaves out what is zero, and reading fills what is missing with zero, so old recordings
 * can be read after members were added. Numbers that are not finite are the strings "nan", "inf",
 * "-inf". Arrays of floats are one string: "f32:", "f16:" or "f8:" and base64 of little-endian
 * float32, IEEE float16, or the upper byte of float16. Text that is not UTF-8 is {"b64": ...}.
 *
 * Reading trusts nothing. An array is only as long as the text has values for, and must agree with
 * its count. Integers are checked against the range of their row. A table's `ready` function then
 * checks what involves several members. Pure functions; any thread. */
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
    STORE_FIXED, /* an array of `most` in the struct; count[0] of them are in use, or all */
    STORE_OWNED, /* a pointer to count[0] x count[1] elements; may be NULL */
};
enum { NO_COUNT = -1 };

/* How exactly floats are written: every bit, float16 (11 significant bits), one byte (3 bits). */
enum float_format { EXACT, HALF, COARSE, DROPPED /* not written; only if optional */ };

/* Values that mean something to readers of the table. */
enum field_meaning {
    MEANS_NOTHING,
    MEANS_LAYERS,  /* the number of the model's layers; `optional`: or 0 */
    MEANS_NEURONS, /* its neurons in a layer */
    MEANS_LAYER,   /* a layer, from 0 */
    MEANS_NEURON,
    MEANS_PATH, /* a text: a path, of which a small recording only has the last name */
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
    enum float_format small; /* of FIELD_FLOAT arrays in a small recording */
    enum field_meaning means;
    bool optional; /* text or STORE_OWNED that may be NULL */
};

struct struct_fields {
    const char *name;
    size_t size;
    const struct field_info *field;
    int fields;
    /* Optional; called on what was read. Fills in what older files do not have. False: numbers
     * contradict each other; err may say how. */
    bool (*ready)(void *what, struct err *err);
};

/* Appends the struct as one JSON object. `small` (a recording to be given to others): arrays of
 * floats in their row's format, or in `at_least` if that is coarser, and the last name of paths.
 * Otherwise everything is exact. */
void fields_write(const struct struct_fields *table, const void *from, bool small,
                  enum float_format at_least, struct buf *out);
/* Fills a zeroed struct. ERR_FORMAT names the field; what was read so far is then freed and the
 * struct zeroed. */
bool fields_read(const struct struct_fields *table, const json_t *from, void *into,
                 struct err *err);
/* Whether every layer and neuron in it exists in a model with so many. */
bool fields_fit_model(const struct struct_fields *table, const void *what, int layers, int neurons);
void fields_free(const struct struct_fields *table, void *what); /* what it owns; zeroes it */
/* Appends text as a JSON value: a string, or {"b64": ...} where it is not UTF-8. */
void json_put_text(struct buf *out, const char *text);

#endif
