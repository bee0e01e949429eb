/* A text through a tokenizer that was read from hostile bytes: every id and span is believed by
 * what comes after, so none may lie. */
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
