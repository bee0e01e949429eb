/* Opens the input as a GGUF model: container, configuration, required tensors, metadata. */
#include <stdint.h>
#include <stdlib.h>

#include "core/model/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(const struct weights *w)
{
    static const char *const keys[] = {"tokenizer.ggml.tokens", "tokenizer.ggml.merges",
                                       "tokenizer.ggml.scores", "tokenizer.ggml.token_type",
                                       "general.name",          "general.alignment"};
    const char **text;
    size_t *len, one, bytes = 0;
    long long whole;
    float *floats;
    int *ints;

    for (size_t k = 0; k < sizeof(keys) / sizeof(*keys); k++) {
        long n = weights_meta_strings(w, keys[k], &text, &len);

        for (long i = 0; i < n; i++)
            bytes += len[i] ? (unsigned char)text[i][len[i] - 1] : 0;
        if (n >= 0) {
            free(text);
            free(len);
        }
        if (weights_meta_ints(w, keys[k], &ints) >= 0)
            free(ints);
        if (weights_meta_floats(w, keys[k], &floats) >= 0)
            free(floats);
        weights_meta_text(w, keys[k], &one);
        weights_meta_int(w, keys[k], &whole);
    }
    for (int i = 0; i < weights_count(w); i++) {
        const struct tensor *t = weights_at(w, i);

        bytes += ((const unsigned char *)t->data)[t->bytes - 1]; /* ASan reports a read outside */
    }
    (void)bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err err = {0};
    struct weights *w = weights_from_gguf(data, size, &err);

    if (!w != (err.kind == ERR_MODEL))
        abort(); /* failed without an error, or succeeded with one */
    if (w)
        ask(w);
    weights_close(w);
    return 0;
}
