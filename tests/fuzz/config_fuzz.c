/* Reads the input as a config.json; sizes of an accepted one must be within bounds. */
#include <stdint.h>
#include <stdlib.h>

#include "core/model/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct model_config c;
    struct err err = {0};
    bool ok = config_from_json(&c, (const char *)data, size, &err);

    if (ok != (err.kind == ERR_NONE) || (ok && !config_check(&c, NULL)))
        abort();
    return 0;
}
