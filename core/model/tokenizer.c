#include "core/model/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"
#include "core/model/nfc.h"

enum { TEXT_LIMIT = 1 << 28 };

/* One call of tokenizer_encode(). Positions are in `base`, which is a stretch of the text that
 * begins at `origin`, or that stretch normalised. */
struct encoder {
    const struct tokenizer *t;
    struct tokens *out;
    const char *base;
    size_t origin;
    bool specials, changed;
    struct nfc nfc;
    struct bpe_work work;
    struct pretok_run *run;
    struct err *err;
};

struct tokenizer *tokenizer_begin(int tokens, int merges)
{
    struct tokenizer *t = xcalloc(1, sizeof(*t));

    t->bos = t->eos = t->pad = -1;
    t->pretok = pretok_new();
    bpe_begin(&t->bpe, tokens, merges);
    return t;
}

bool tokenizer_add_special(struct tokenizer *t, struct added_token token, const char *text,
                           size_t len, bool normalized, struct err *err)
{
    struct nfc nfc = {0};

    if (!utf8_valid(text, len, NULL)) /* it would cut texts inside a character */
        return err_set(err, ERR_MODEL, "the special token with id %d is not UTF-8", token.id);
    if (token.id >= t->special_count) {
        int count = t->bpe.count > token.id ? t->bpe.count : token.id + 1;

        t->special = xrealloc(t->special, (size_t)count);
        memset(t->special + t->special_count, 0, (size_t)(count - t->special_count));
        t->special_count = count;
    }
    t->special[token.id] = token.special;
    if (normalized && t->nfc) {
        nfc_apply(&nfc, text, len);
        added_put(&t->normal, nfc.text.data, nfc.text.len, token);
        nfc_free(&nfc);
    } else {
        added_put(normalized ? &t->normal : &t->raw, text, len, token);
    }
    return true;
}

void tokenizer_end(struct tokenizer *t)
{
    added_end(&t->raw);
    added_end(&t->normal);
    bpe_end(&t->bpe);
}

void tokenizer_free(struct tokenizer *t)
{
    if (!t)
        return;
    added_free(&t->raw);
    added_free(&t->normal);
    pretok_free(t->pretok);
    bpe_free(&t->bpe);
    free(t->special);
    free(t);
}

static void put_token(struct tokens *out, int id, size_t start, size_t end)
{
    if (out->count == out->cap) {
        size_t cap = out->cap ? (size_t)out->cap * 2 : 64;

        out->ids = xrealloc(out->ids, cap * sizeof(int));
        out->start = xrealloc(out->start, cap * sizeof(int));
        out->end = xrealloc(out->end, cap * sizeof(int));
        out->cap = (int)cap;
    }
    out->ids[out->count] = id;
    out->start[out->count] = (int)start;
    out->end[out->count++] = (int)end;
}

static void emit(struct encoder *e, int id, size_t start, size_t end)
{
    if (e->changed) {
        start = nfc_origin(&e->nfc, start, false);
        end = nfc_origin(&e->nfc, end, true);
    }
    put_token(e->out, id, e->origin + start, e->origin + end);
}

static bool encode_piece(void *ctx, const char *text, size_t len)
{
    struct encoder *e = ctx;
    size_t at = (size_t)(text - e->base);

    bpe_encode(&e->t->bpe, text, len, &e->work);
    for (int i = 0; i < e->work.count; i++) {
        const struct bpe_symbol *s = &e->work.symbol[i];

        emit(e, s->id, at + s->start, at + s->start + s->len);
    }
    return true;
}

/* A stretch of the text between tokens found in it: normalise, find the others, cut, encode. */
static bool encode_stretch(struct encoder *e, const char *text, size_t origin, size_t len)
{
    struct added_match m;
    size_t at = 0;

    e->base = text;
    e->origin = origin;
    e->changed = false;
    if (e->t->nfc && len) {
        nfc_apply(&e->nfc, text, len);
        if (e->nfc.count) {
            e->changed = true;
            e->base = e->nfc.text.data;
            len = e->nfc.text.len;
        }
    }
    while (added_next(&e->t->normal, e->base, len, at, e->specials, &m)) {
        if (!pretok_split(e->t->pretok, e->run, e->base + at, m.start - at, encode_piece, e,
                          e->err))
            return false;
        emit(e, m.id, m.start, m.end);
        at = m.end;
    }
    return pretok_split(e->t->pretok, e->run, e->base + at, len - at, encode_piece, e, e->err);
}

static bool encode_text(struct encoder *e, const char *text, size_t len)
{
    struct added_match m;
    size_t at = 0;

    while (added_next(&e->t->raw, text, len, at, e->specials, &m)) {
        if (!encode_stretch(e, text + at, at, m.start - at))
            return false;
        put_token(e->out, m.id, m.start, m.end);
        at = m.end;
    }
    return encode_stretch(e, text + at, at, len - at);
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                      struct tokens *out, struct err *err)
{
    struct encoder e = {.t = t, .out = out, .specials = flags & ENCODE_SPECIALS, .err = err};
    size_t bad;
    bool ok;

    out->count = 0;
    if (len >= TEXT_LIMIT)
        return err_set(err, ERR_LIMIT, "the text has %zu bytes; at most %d can be tokenised", len,
                       TEXT_LIMIT - 1);
    if (!utf8_valid(text, len, &bad))
        return err_set(err, ERR_FORMAT, "the text is not UTF-8: byte 0x%02x at offset %zu",
                       (unsigned char)text[bad], bad);
    for (int i = 0; flags & ENCODE_BOS && i < t->prefix_count; i++)
        put_token(out, t->prefix[i], 0, 0);
    if (!len)
        return true;
    e.run = pretok_run_new();
    ok = encode_text(&e, text, len);
    pretok_run_free(e.run);
    bpe_work_free(&e.work);
    nfc_free(&e.nfc);
    return ok;
}

void tokens_free(struct tokens *tokens)
{
    free(tokens->ids);
    free(tokens->start);
    free(tokens->end);
    *tokens = (struct tokens){0};
}

void tokenizer_piece(const struct tokenizer *t, int id, struct buf *out)
{
    bpe_piece(&t->bpe, id, out);
}

void tokenizer_decode(const struct tokenizer *t, const int *ids, int n, bool skip_special,
                      struct buf *out)
{
    struct buf bytes = {0};

    for (int i = 0; i < n; i++)
        if (!skip_special || !tokenizer_is_special(t, ids[i]))
            bpe_piece(&t->bpe, ids[i], &bytes);
    if (bytes.len)
        utf8_clean(out, bytes.data, bytes.len);
    buf_free(&bytes);
}

int tokenizer_find(const struct tokenizer *t, const char *text)
{
    return bpe_find(&t->bpe, text, strlen(text));
}

int tokenizer_vocab(const struct tokenizer *t)
{
    return t->bpe.count;
}

int tokenizer_bos(const struct tokenizer *t)
{
    return t->bos;
}

int tokenizer_eos(const struct tokenizer *t)
{
    return t->eos;
}

int tokenizer_pad(const struct tokenizer *t)
{
    return t->pad;
}

bool tokenizer_adds_bos(const struct tokenizer *t)
{
    return t->prefix_count > 0;
}

bool tokenizer_is_special(const struct tokenizer *t, int id)
{
    return id >= 0 && id < t->special_count && t->special[id];
}
