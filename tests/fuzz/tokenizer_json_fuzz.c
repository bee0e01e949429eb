/* A tokenizer.json (up to the first NUL; behind it a tokenizer_config.json, if there is one) and a
 * text full of what tokenizers stumble over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/tokenizer_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] =
        "<s> a<x>b ab  abc 12\n\r\n'S e\xcc\x81 \xe3\x81\x8b\xe3\x82\x99\0word";
    const char *json = (const char *)data, *nul = size ? memchr(json, 0, size) : NULL;
    size_t len = nul ? (size_t)(nul - json) : size;
    struct err err = {0};
    struct tokenizer *t =
        tokenizer_parse(json, len, nul ? nul + 1 : NULL, nul ? size - len - 1 : 0, &err);
    struct tokens tokens = {0};
    struct buf out = {0};

    if (!t != (err.kind != ERR_NONE) || strlen(err.text) >= sizeof(err.text))
        abort(); /* a refusal without a reason, or a reason without one */
    if (!t)
        return 0;
    for (unsigned flags = 0; flags < 8; flags++)
        if (tokenizer_encode(t, text, sizeof(text) - 1, flags, &tokens, NULL))
            for (int i = 0; i < tokens.count; i++)
                if (tokens.ids[i] < 0 || tokens.ids[i] >= tokenizer_vocab(t) ||
                    tokens.start[i] > tokens.end[i] || tokens.end[i] >= (int)sizeof(text))
                    abort();
    tokenizer_decode(t, tokens.ids, tokens.count, DECODE_SKIP_SPECIAL, &out);
    tokens_free(&tokens);
    buf_free(&out);
    tokenizer_free(t);
    return 0;
}
