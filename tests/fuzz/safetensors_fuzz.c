/* Parses the input as a safetensors file. */
#include <stdint.h>
#include <stdlib.h>

#include "core/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct safetensors *st = safetensors_parse(data, size, &err);

    if (!st != (err.kind == ERR_FORMAT))
        abort(); /* failed without an error, or succeeded with one */
    if (!st)
        return 0;
    for (int i = 0; i < safetensors_count(st); i++) {
        const struct st_tensor *t = safetensors_at(st, i);
        size_t n = (size_t)st_tensor_elements(t);
        double *values = malloc(n * sizeof(*values) + 1);

        if (safetensors_tensor(st, t->name) != t)
            abort();
        if (values) {
            st_tensor_doubles(t, values);
            st_tensor_floats(t, (float *)values);
        }
        free(values);
    }
    safetensors_meta(st, "format");
    safetensors_close(st);
    return 0;
}
