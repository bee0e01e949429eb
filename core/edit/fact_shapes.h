/* Reads the records of data sets: which facts a JSON record holds. */
#ifndef CORE_EDIT_FACT_SHAPES_H
#define CORE_EDIT_FACT_SHAPES_H

#include <jansson.h>

#include "core/edit/fact.h"

struct fact_list {
    struct fact *fact; /* owned, as the array */
    int count, room;
};

void fact_list_free(struct fact_list *list);
/* Appends the facts of one record, not normalised. A record of no known shape is ERR_FORMAT, with
 * a list of the shapes; a value that should be a text and is not is ERR_USAGE with its key. On
 * error some facts may have been appended. */
bool fact_shapes_read(const json_t *record, struct fact_list *list, struct err *err);

#endif
