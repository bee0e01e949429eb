/* Fuzzes a delta file, read for a tiny model. Run from the repository's root. */
#include <stdint.h>
#include <stdlib.h>

#include "core/session/export/delta_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct weights *w;
    struct err err = {0};
    struct delta_file f;
    bool ok;

    if (!w)
        w = weights_open("tests/data/architectures/llama2", &err);
    if (!w)
        return 0;
    ok = delta_file_parse(&f, data, size, w, &err);
    if (ok == (err.kind != ERR_NONE))
        abort(); /* a failure must set err, success must not */
    for (int i = 0; i < f.deltas; i++)
        if (!delta_fits(&f.delta[i], weights_config(w)) || !delta_check(&f.delta[i], NULL))
            abort();
    delta_file_free(&f);
    return 0;
}
