/* The tiny models of tests/data/architectures and ways to change their configuration. */
#ifndef TESTS_UNIT_FAMILIES_H
#define TESTS_UNIT_FAMILIES_H

#include <jansson.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/format.h"
#include "tests/test.h"

#define FOLDER "tests/data/architectures/"

static bool says(const char *text, const char *part)
{
    if (strstr(text, part) && !strchr(text, '\n'))
        return true;
    printf("'%s' is not in '%s'\n", part, text);
    return false;
}

/* --- changing a file -------------------------------------------------------------------- */

/* Merges `patch` into `base`: objects are merged key by key; the value "-" removes a key. */
static void lay_over(json_t *base, json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach(patch, key, value)
    {
        json_t *there = json_object_get(base, key);

        if (json_is_string(value) && !strcmp(json_string_value(value), "-"))
            json_object_del(base, key);
        else if (json_is_object(value) && json_is_object(there) && json_object_size(value))
            lay_over(there, value);
        else
            json_object_set(base, key, value);
    }
}

/* The config.json of a model with a patch merged in. Caller frees. */
static char *changed(const char *name, const char *patch)
{
    char *path = xasprintf(FOLDER "%s/config.json", name), *text;
    json_t *base = json_load_file(path, 0, NULL), *over = json_loads(patch, 0, NULL);

    CHECK(base && over);
    lay_over(base, over);
    text = json_dumps(base, 0);
    json_decref(base);
    json_decref(over);
    free(path);
    return text;
}

struct change {
    const char *name, *patch, *says;
};

#endif
