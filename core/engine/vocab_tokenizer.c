/* Opens a tokenizer without loading its model; text to ids and back. For the `tokens` subcommand.
 */
#include "core/engine/vocab_tokenizer.h"

#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/edit/prompt_tokens.h"
#include "core/model/tokenizer/tokenizer.h"
#include "core/model/vocabulary.h"

struct vocab_tokenizer {
    struct tokenizer *tokenizer;
};

struct vocab_tokenizer *vocab_tokenizer_open(const char *model, struct err *err)
{
    struct tokenizer *t = tokenizer_at(model, err);
    struct vocab_tokenizer *c;

    if (!t) { /* a missing or damaged file: exit status of a bad model */
        if (err && (err->kind == ERR_IO || err->kind == ERR_FORMAT))
            err->kind = ERR_MODEL;
        return NULL;
    }
    c = xcalloc(1, sizeof(*c));
    c->tokenizer = t;
    return c;
}

void vocab_tokenizer_close(struct vocab_tokenizer *c)
{
    if (c)
        tokenizer_free(c->tokenizer);
    free(c);
}

bool vocab_tokenizer_encode(const struct vocab_tokenizer *c, const char *text, size_t len, bool bos,
                            bool special, struct token_list *out, struct err *err)
{
    const struct wording w = {.markup = special ? MARKUP_TOKENS : MARKUP_TEXT};
    unsigned flags = (bos ? ENCODE_BOS : 0) | (special ? ENCODE_SPECIALS : 0);
    struct tokens t = {0};

    *out = (struct token_list){0};
    if (!tokenizer_encode(c->tokenizer, text, len, flags, &t, err))
        return false;
    if (bos || !special)
        special_tokens_notice(&w, c->tokenizer, text, out->notice);
    out->count = t.count;
    out->id = xcalloc((size_t)t.count + 1, sizeof(int));
    out->piece = xcalloc((size_t)t.count + 1, sizeof(char *));
    for (int i = 0; i < t.count; i++) {
        struct buf piece = {0};

        out->id[i] = t.ids[i];
        tokenizer_piece(c->tokenizer, t.ids[i], &piece);
        utf8_encode_nul(&piece);
        out->piece[i] = buf_take(&piece);
    }
    tokens_free(&t);
    return true;
}

void token_list_free(struct token_list *coded)
{
    texts_free(coded->piece, coded->count);
    free(coded->id);
    *coded = (struct token_list){0};
}

bool vocab_tokenizer_decode(const struct vocab_tokenizer *c, const int *id, int count,
                            struct buf *out, struct err *err)
{
    for (int i = 0; i < count; i++)
        if (id[i] < 0 || id[i] >= tokenizer_vocab(c->tokenizer))
            return err_set(err, ERR_USAGE, "--decode: no token %d; ids are 0 to %d", id[i],
                           tokenizer_vocab(c->tokenizer) - 1);
    tokenizer_decode(c->tokenizer, id, count, DECODE_BEGINS, out);
    return true;
}
