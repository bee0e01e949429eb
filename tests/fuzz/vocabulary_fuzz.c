/* A GGUF file that holds a vocabulary, and a text for it. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/format.h"
#include "core/model/tokenizer_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct tokenizer *t)
{
    static const char text[] = " a  ab\nba<x><s> \xe5\x8c\x97\0aab \xe2\x96\x81\xe2\x96\x81z";
    struct tokens tokens = {0};
    struct buf out = {0};

    for (unsigned flags = 0; flags < 8; flags++)
        if (tokenizer_encode(t, text, sizeof(text) - 1, flags, &tokens, NULL))
            for (int i = 0; i < tokens.count; i++)
                if (tokens.ids[i] < 0 || tokens.ids[i] >= tokenizer_vocab(t) ||
                    tokens.start[i] > tokens.end[i] || tokens.end[i] >= (int)sizeof(text))
                    abort();
    tokenizer_decode(t, tokens.ids, tokens.count, DECODE_BEGINS, &out);
    tokens_free(&tokens);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weights *w = xcalloc(1, sizeof(*w));
    struct tokenizer *t = NULL;
    struct err err = {0};

    w->format = &format_gguf;
    w->path = xstrdup("memory");
    w->dir = xstrdup(".");
    if (gguf_parse(&w->gguf, data, size, &err))
        t = tokenizer_from_gguf(w, &err);
    if (!t != (err.kind == ERR_MODEL || err.kind == ERR_LIMIT))
        abort(); /* a refusal without a reason, or a reason without one */
    if (t)
        use(t);
    tokenizer_free(t);
    weights_close(w);
    return 0;
}
