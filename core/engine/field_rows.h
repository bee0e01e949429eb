/* Macros for the rows of field tables: each makes one struct field_info (fields.h). `s` is the
 * struct, `f` the member, which is also its JSON name.
 *
 *     static const struct field_info answer_field[] = {
 *         INT(answer, edit),                       an int; COUNT: of 0 or more; RANGE; BOOL, REAL
 *         LAYER(neuron_info, layer),               a layer of the model; NEURON, LAYERS, NEURONS
 *         CHARS(notice, text), TEXT(answer, prompt),         char [n]; char *, owned
 *         FIXED(commit_report, p_target, FIELD_DOUBLE),             an array in the struct
 *         FIXED_OF(moments_info, trace, FIELD_DOUBLE, layers),   the first `layers` of it
 *         OWNED(attribution_header, order, FIELD_INT, order_count),        a pointer to so many
 *         LIST(prompt_info, next, shown_token_fields, nexts),               structs of their own
 *     };
 *     FIELDS(answer);                               answer_fields: the table under its name
 *
 * FIELDS_READY() names a function that is called on what was read. */
#ifndef CORE_ENGINE_FIELD_ROWS_H
#define CORE_ENGINE_FIELD_ROWS_H

#include "core/engine/fields.h"

enum { MOST_LAYERS = 4096, MOST_TOKENS = 1 << 22 };

#define AT(s, f)           offsetof(struct s, f)
#define ELEM(s, f)         sizeof(((struct s *)0)->f)
#define NAMED(s, f, t, st) .name = #f, .type = t, .store = st, .offset = AT(s, f)
#define NONE               \
    {                      \
        NO_COUNT, NO_COUNT \
    }

#define ONE(s, f, t)                                                 \
    {                                                                \
        NAMED(s, f, t, STORE_ONE), .size = ELEM(s, f), .count = NONE \
    }
#define INT(s, f) ONE(s, f, FIELD_INT)
/* An int of low..high. */
#define RANGE(s, f, l, h)                                                                          \
    {                                                                                              \
        NAMED(s, f, FIELD_INT, STORE_ONE), .size = sizeof(int), .low = l, .most = h, .count = NONE \
    }
#define COUNT(s, f) RANGE(s, f, 0, MOST_TOKENS)
#define BOOL(s, f)  ONE(s, f, FIELD_BOOL)
#define REAL(s, f)  ONE(s, f, FIELD_DOUBLE)
#define CHARS(s, f) ONE(s, f, FIELD_CHARS)
#define TEXT(s, f)  ONE(s, f, FIELD_TEXT)
#define TEXT_OR_NULL(s, f)                                                         \
    {                                                                              \
        NAMED(s, f, FIELD_TEXT, STORE_ONE), .size = sizeof(char *), .count = NONE, \
                                            .optional = true                       \
    }
/* Numbers about the recorded model: how many layers and neurons it has, or which one. */
#define OF_MODEL(s, f, h, m)                                                                   \
    {                                                                                          \
        NAMED(s, f, FIELD_INT, STORE_ONE), .size = sizeof(int), .most = h, .means = MEANS_##m, \
                                           .count = NONE                                       \
    }
#define LAYERS(s, f)  OF_MODEL(s, f, MOST_LAYERS, LAYERS)
#define NEURONS(s, f) OF_MODEL(s, f, MOST_TOKENS, NEURONS)
#define LAYER(s, f)   OF_MODEL(s, f, MOST_LAYERS, LAYER)
#define NEURON(s, f)  OF_MODEL(s, f, MOST_TOKENS, NEURON)
#define PATH(s, f, t)                                                                     \
    {                                                                                     \
        NAMED(s, f, t, STORE_ONE), .size = ELEM(s, f), .means = MEANS_PATH, .count = NONE \
    }
#define PART(s, f, sh)                                                                       \
    {                                                                                        \
        NAMED(s, f, FIELD_PART, STORE_ONE), .size = ELEM(s, f), .count = NONE, .part = &(sh) \
    }
/* Arrays in the struct: all elements, or the first `n`. */
#define FIXED(s, f, t)                                                                   \
    {                                                                                    \
        NAMED(s, f, t, STORE_FIXED), .size = ELEM(s, f[0]),                              \
                                     .most = sizeof(((struct s *)0)->f) / ELEM(s, f[0]), \
                                     .count = NONE                                       \
    }
#define FIXED_OF(s, f, t, n)                                                                      \
    {                                                                                             \
        NAMED(s, f, t, STORE_FIXED),                                                              \
            .size = ELEM(s, f[0]), .most = sizeof(((struct s *)0)->f) / ELEM(s, f[0]), .count = { \
                AT(s, n),                                                                         \
                NO_COUNT                                                                          \
            }                                                                                     \
    }
#define LAYERS_OF(s, f, n)                                                                       \
    {                                                                                            \
        NAMED(s, f, FIELD_INT, STORE_FIXED), .size = ELEM(s, f[0]),                              \
                                             .most = sizeof(((struct s *)0)->f) / ELEM(s, f[0]), \
                                             .means = MEANS_LAYER, .count = {                    \
                                                 AT(s, n),                                       \
                                                 NO_COUNT                                        \
                                             }                                                   \
    }
#define PARTS_OF(s, f, sh, n)                                                                     \
    {                                                                                             \
        NAMED(s, f, FIELD_PART, STORE_FIXED), .size = ELEM(s, f[0]),                              \
                                              .most = sizeof(((struct s *)0)->f) / ELEM(s, f[0]), \
                                              .count = {AT(s, n), NO_COUNT}, .part = &(sh)        \
    }
/* Pointers to owned arrays of `n` (times `m`) elements. */
#define OWNED(s, f, t, n)                                                                   \
    {                                                                                       \
        NAMED(s, f, t, STORE_OWNED), .size = ELEM(s, f[0]), .count = { AT(s, n), NO_COUNT } \
    }
#define OR_NULL(s, f, t, n, m)                                                      \
    {                                                                               \
        NAMED(s, f, t, STORE_OWNED), .size = ELEM(s, f[0]), .count = {AT(s, n), m}, \
                                     .optional = true                               \
    }
#define LIST(s, f, sh, n)                                                                  \
    {                                                                                      \
        NAMED(s, f, FIELD_PART, STORE_OWNED), .size = ELEM(s, f[0]),                       \
                                              .count = {AT(s, n), NO_COUNT}, .part = &(sh) \
    }
#define LIST_2(s, f, sh, n, m)                                                             \
    {                                                                                      \
        NAMED(s, f, FIELD_PART, STORE_OWNED), .size = ELEM(s, f[0]),                       \
                                              .count = {AT(s, n), AT(s, m)}, .part = &(sh) \
    }
#define FLOATS(s, f, n, m, p, o)                                                              \
    {                                                                                         \
        NAMED(s, f, FIELD_FLOAT, STORE_OWNED), .size = sizeof(float), .count = {AT(s, n), m}, \
                                               .small = p, .optional = o                      \
    }

#define FIELDS_READY(s, ready)                                                \
    const struct struct_fields s##_fields = {#s, sizeof(struct s), s##_field, \
                                             sizeof(s##_field) / sizeof(*s##_field), ready}
#define FIELDS(s) FIELDS_READY(s, NULL)

#endif
