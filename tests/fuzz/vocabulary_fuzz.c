/* Opens the input as a GGUF vocabulary, and encodes a text with it. */
#include <stdint.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/model/format.h"
#include "core/model/vocabulary.h"
#include "tests/fuzz/tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = " a  ab\nba<x><s> \xe5\x8c\x97\0aab \xe2\x96\x81\xe2\x96\x81z";
    struct weights *w = xcalloc(1, sizeof(*w));
    struct tokenizer *t = NULL;
    struct err err = {0};

    w->format = &format_gguf;
    w->path = xstrdup("memory");
    w->dir = xstrdup(".");
    if (gguf_parse(&w->gguf, data, size, &err))
        t = tokenizer_from_gguf(w, &err);
    if (!t != (err.kind == ERR_MODEL || err.kind == ERR_LIMIT))
        abort(); /* failed without an error, or succeeded with one */
    if (t)
        through_tokens(t, text, sizeof(text) - 1, DECODE_BEGINS);
    tokenizer_free(t);
    weights_close(w);
    return 0;
}
