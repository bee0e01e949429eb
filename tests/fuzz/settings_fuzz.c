/* The config file, read by all who look into it: parameters, keys. And :bind. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/params.h"
#include "views/keymap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keymap m;
    static struct keymap_reading keys;
    static const struct config_section sections[] = {
        {.name = ""}, {.name = "k*", .take = keymap_line, .ctx = &keys}, {0}};
    char *text = memcpy(xcalloc(size + 1, 1), data, size);
    struct buf notes = {0};
    struct params p;
    struct err err = {0};

    params_default(&p);
    if (params_parse(&p, text, FROM_CONFIG, &err) != (err.kind == ERR_NONE))
        abort();
    err = (struct err){0};
    keymap_default(&keys.map);
    keys.notes = &notes;
    if (config_read(text, sections, &err) != (err.kind == ERR_NONE) || keys.map.count > KEYMAP_MAX)
        abort();
    keymap_apply(&m, &keys);
    err = (struct err){0};
    if (keymap_command(&m, text, size % 2, &notes, &err) != (err.kind == ERR_NONE))
        abort();
    buf_free(&notes);
    free(text);
    return 0;
}
