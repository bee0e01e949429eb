/* The model file formats there are; the first that accepts a path reads it. */
#include <stddef.h>

#include "core/model/format.h"

const struct format_ops *const formats[] = {
    &format_gguf,
    &format_safetensors,
    NULL,
};
