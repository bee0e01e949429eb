/* Encodes a text with a tokenizer built from untrusted bytes, and checks every id and offset, since
 * the code that uses them does not check them again. */
#ifndef TESTS_FUZZ_TOKENS_H
#define TESTS_FUZZ_TOKENS_H

#include <stdlib.h>

#include "core/model/tokenizer/tokenizer_impl.h"

static void through_tokens(const struct tokenizer *t, const char *text, size_t len, unsigned decode)
{
    struct tokens tokens = {0};
    struct buf out = {0};

    for (unsigned flags = 0; flags < 8; flags++)
        if (tokenizer_encode(t, text, len, flags, &tokens, NULL))
            for (int i = 0; i < tokens.count; i++)
                if (tokens.ids[i] < 0 || tokens.ids[i] >= tokenizer_vocab(t) ||
                    tokens.start[i] > tokens.end[i] || tokens.end[i] > (int)len)
                    abort();
    tokenizer_decode(t, tokens.ids, tokens.count, decode, &out);
    tokens_free(&tokens);
    buf_free(&out);
}

#endif
