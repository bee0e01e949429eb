/* A grid of parameters: what is accepted is within bounds, and every cell can be set. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/param_grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct param_grid g;
    struct err err = {0};
    struct params p;
    char *text = malloc(size + 1);
    bool ok;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    ok = param_grid_parse(&g, text, &err);
    free(text);
    if (ok != (err.kind == ERR_NONE) || (ok && (g.cells < 1 || g.cells > PARAM_GRID_CELLS)))
        abort();
    params_default(&p);
    if (ok && (!param_grid_set(&g, 0, &p, &err) || !param_grid_set(&g, g.cells - 1, &p, &err)))
        abort();
    return 0;
}
