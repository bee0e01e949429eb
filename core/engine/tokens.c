#include "core/engine/tokens.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/asked.h"
#include "core/model/tokenizer/tokenizer.h"
#include "core/model/vocabulary.h"

struct codec {
    struct tokenizer *tokenizer;
};

struct codec *codec_open(const char *model, struct err *err)
{
    struct tokenizer *t = tokenizer_at(model, err);
    struct codec *c;

    if (!t) { /* whichever of its files is missing or damaged: there is no tokenizer */
        if (err && (err->kind == ERR_IO || err->kind == ERR_FORMAT))
            err->kind = ERR_MODEL;
        return NULL;
    }
    c = xcalloc(1, sizeof(*c));
    c->tokenizer = t;
    return c;
}

void codec_close(struct codec *c)
{
    if (c)
        tokenizer_free(c->tokenizer);
    free(c);
}

bool codec_encode(const struct codec *c, const char *text, size_t len, bool bos, bool special,
                  struct coded *out, struct err *err)
{
    const struct wording w = {.markup = special ? MARKUP_TOKENS : MARKUP_TEXT};
    unsigned flags = (bos ? ENCODE_BOS : 0) | (special ? ENCODE_SPECIALS : 0);
    struct tokens t = {0};

    *out = (struct coded){0};
    if (!tokenizer_encode(c->tokenizer, text, len, flags, &t, err))
        return false;
    if (bos || !special)
        asked_notice(&w, c->tokenizer, text, out->notice);
    out->count = t.count;
    out->id = xcalloc((size_t)t.count + 1, sizeof(int));
    out->piece = xcalloc((size_t)t.count + 1, sizeof(char *));
    for (int i = 0; i < t.count; i++) {
        struct buf piece = {0};

        out->id[i] = t.ids[i];
        tokenizer_piece(c->tokenizer, t.ids[i], &piece);
        utf8_carry(&piece);
        out->piece[i] = buf_take(&piece);
    }
    tokens_free(&t);
    return true;
}

void coded_free(struct coded *coded)
{
    for (int i = 0; i < coded->count; i++)
        free(coded->piece[i]);
    free(coded->piece);
    free(coded->id);
    *coded = (struct coded){0};
}

bool codec_decode(const struct codec *c, const int *id, int count, struct buf *out, struct err *err)
{
    for (int i = 0; i < count; i++)
        if (id[i] < 0 || id[i] >= tokenizer_vocab(c->tokenizer))
            return err_set(err, ERR_USAGE, "--decode: no token %d; ids are 0 to %d", id[i],
                           tokenizer_vocab(c->tokenizer) - 1);
    tokenizer_decode(c->tokenizer, id, count, DECODE_BEGINS, out);
    return true;
}
