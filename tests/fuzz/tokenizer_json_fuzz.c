/* Builds a tokenizer from the input (a tokenizer.json, and after the first NUL, if there is one, a
 * tokenizer_config.json) and encodes a text full of difficult characters. */
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
        abort(); /* failed without an error, or succeeded with one */
    if (!t)
        return 0;
    through_tokens(t, text, sizeof(text) - 1, DECODE_SKIP_SPECIAL);
    tokenizer_free(t);
    return 0;
}
