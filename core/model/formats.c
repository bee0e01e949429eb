/* The list of model file formats. The first one that accepts a path reads it. */
#include <stddef.h>

#include "core/model/format.h"

const struct format_ops *const formats[] = {
    &format_gguf,
    &format_safetensors,
    NULL,
};
