/* A tokenizer.json (up to the first NUL; behind it a tokenizer_config.json, if there is one) and a
 * text full of what tokenizers stumble over. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/tokens.h"

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

    if (!t != (err.kind != ERR_NONE) || strlen(err.text) >= sizeof(err.text))
        abort(); /* a refusal without a reason, or a reason without one */
    if (!t)
        return 0;
    through_tokens(t, text, sizeof(text) - 1, DECODE_SKIP_SPECIAL);
    tokenizer_free(t);
    return 0;
}
