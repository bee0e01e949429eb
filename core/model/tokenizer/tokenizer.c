/* Encodes a text by the steps that tokenizer.h explains, and works out the offsets of each token:
 *
 *    encode_text       finds the raw added tokens; what is between them is a stretch
 *    encode_stretch    normalises, finds the other added tokens; what is between is a part
 *    encode_part       puts a blank before it if the family does, cuts it into pieces
 *    encode_piece      cuts a piece before each blank where that changes nothing
 *    encode_word       applies the merges */
#include "core/model/tokenizer/tokenizer_impl.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

enum { TEXT_LIMIT = 1 << 28, MAX_UNEMBEDDED = 4096, SLICE = 1 << 14 };

/* State of one call of tokenizer_encode(). */
struct encoder {
    const struct tokenizer *t;
    struct tokens *out;
    bool specials, continues;
    size_t origin; /* byte offset of the stretch in the text */
    size_t offset; /* byte offset of the part in the normalised stretch */
    struct normalized stretch, part;
    struct bpe_work work;
    struct pretok_run *run;
    struct job *job; /* looked at every SLICE bytes of words */
    size_t slice;    /* bytes since then */
    struct err *err;
};

struct tokenizer *tokenizer_begin(int tokens, int merges)
{
    struct tokenizer *t = xcalloc(1, sizeof(*t));

    t->bos = t->eos = -1;
    t->pretok = pretok_new();
    bpe_begin(&t->bpe, tokens, merges);
    return t;
}

bool tokenizer_add_special(struct tokenizer *t, struct added_token token, const char *text,
                           size_t len, bool normalized, struct err *err)
{
    struct normalized run = {0};
    bool ok = true;

    if (!utf8_valid(text, len, NULL)) /* matching it could cut a text inside a character */
        return err_set(err, ERR_MODEL, "the special token with id %d is not UTF-8", token.id);
    if (token.id >= t->special_count) {
        int count = t->bpe.count > token.id ? t->bpe.count : token.id + 1;

        t->special = xrealloc(t->special, (size_t)count);
        memset(t->special + t->special_count, 0, (size_t)(count - t->special_count));
        t->special_count = count;
    }
    t->special[token.id] = token.special;
    if (normalized) { /* it is searched for in normalised text */
        ok = normalizer_apply(&t->normalizer, &run, text, len, PLACE_INSIDE, err);
        text = run.text;
        len = run.len;
    }
    if (ok)
        added_put(normalized ? &t->normal : &t->raw, text, len, token);
    normalized_free(&run);
    return ok;
}

void tokenizer_end(struct tokenizer *t)
{
    added_end(&t->raw);
    added_end(&t->normal);
    bpe_end(&t->bpe);
    t->cuts = t->bpe.characters && *t->blank && !t->bpe.ignore_merges &&
              bpe_find(&t->bpe, t->blank, strlen(t->blank)) >= 0 && !bpe_crosses(&t->bpe, t->blank);
}

bool tokenizer_limit(struct tokenizer *t, int rows, struct err *err)
{
    size_t len;

    for (int id = rows; id < t->bpe.count; id++)
        if (id - rows == MAX_UNEMBEDDED || (bpe_text_of(&t->bpe, id, &len) &&
                                            !added_has(&t->raw, id) && !added_has(&t->normal, id)))
            return err_set(err, ERR_MODEL, "the tokenizer has ids up to %d, the model embeds %d",
                           t->bpe.count - 1, rows);
    for (int i = 0; i < t->prefix_count; i++)
        if (t->prefix[i] >= rows)
            return err_set(err, ERR_MODEL, "a text begins with token %d, the model embeds %d",
                           t->prefix[i], rows);
    if (rows >= t->bpe.count)
        return true;
    added_limit(&t->raw, rows);
    added_limit(&t->normal, rows);
    t->bpe.count = rows; /* bpe_find() no longer returns ids from here on */
    bpe_end(&t->bpe);
    t->bpe.unk = t->bpe.unk < rows ? t->bpe.unk : -1;
    t->bos = t->bos < rows ? t->bos : -1;
    t->eos = t->eos < rows ? t->eos : -1;
    return true;
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

static void tokens_put(struct tokens *out, int id, size_t start, size_t end)
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

/* Appends a token; start and end are bytes of the normalised part, taken back to the text here. */
static void emit_token(struct encoder *e, int id, size_t start, size_t end)
{
    start = e->offset + normalized_origin(&e->part, start, false);
    end = e->offset + normalized_origin(&e->part, end, true);
    tokens_put(e->out, id, e->origin + normalized_origin(&e->stretch, start, false),
               e->origin + normalized_origin(&e->stretch, end, true));
}

static bool encode_word(struct encoder *e, const char *text, size_t len)
{
    size_t at = (size_t)(text - e->part.text);

    bpe_encode(&e->t->bpe, text, len, &e->work);
    for (int i = 0; i < e->work.count; i++) {
        const struct bpe_symbol *s = &e->work.symbol[i];

        emit_token(e, s->id, at + s->start, at + s->start + s->len);
    }
    e->slice += len;
    if (e->slice < SLICE)
        return true;
    e->slice = 0;
    return !job_cancelled(e->job, e->err);
}

static bool encode_piece(void *ctx, const char *text, size_t len)
{
    struct encoder *e = ctx;
    const char *end = text + len, *p = text;
    size_t n = strlen(e->t->blank);

    /* cut before each blank that follows something else: words are short, and without this a piece
     * of a SentencePiece family would be the whole text */
    while (e->t->cuts && (p = memmem(p, (size_t)(end - p), e->t->blank, n))) {
        if (p > text) {
            if (!encode_word(e, text, (size_t)(p - text)))
                return false;
            text = p;
        }
        while ((size_t)(end - p) >= n && !memcmp(p, e->t->blank, n))
            p += n;
    }
    return encode_word(e, text, (size_t)(end - text));
}

static bool encode_part(struct encoder *e, const char *text, size_t len, enum normal_place place)
{
    return normalizer_apply(&e->t->lead, &e->part, text, len, place, e->err) &&
           pretok_split(e->t->pretok, e->run, e->part.text, e->part.len, encode_piece, e, e->err);
}

/* Encodes a stretch of the text between two raw added tokens. */
static bool encode_stretch(struct encoder *e, const char *text, size_t origin, size_t len)
{
    enum normal_place place = origin ? PLACE_INSIDE : e->continues ? PLACE_CONTINUES : PLACE_BEGINS;
    struct added_match m;
    size_t at = 0;

    e->origin = origin;
    if (!normalizer_apply(&e->t->normalizer, &e->stretch, text, len, place, e->err))
        return false;
    text = e->stretch.text;
    len = e->stretch.len;
    while (added_next(&e->t->normal, text, len, at, e->specials, &m)) {
        e->offset = at;
        if (!encode_part(e, text + at, m.start - at, at ? PLACE_INSIDE : place))
            return false;
        e->offset = 0;
        e->part.count = 0;
        emit_token(e, m.id, m.start, m.end);
        at = m.end;
    }
    e->offset = at;
    return encode_part(e, text + at, len - at, at ? PLACE_INSIDE : place);
}

static bool encode_text(struct encoder *e, const char *text, size_t len)
{
    struct added_match m;
    size_t at = 0;

    while (added_next(&e->t->raw, text, len, at, e->specials, &m)) {
        if (!encode_stretch(e, text + at, at, m.start - at))
            return false;
        tokens_put(e->out, m.id, m.start, m.end);
        at = m.end;
    }
    return encode_stretch(e, text + at, at, len - at);
}

/* Removes the BOS that was put before the text if the text itself begins with one. */
static void drop_second_bos(const struct tokenizer *t, struct tokens *out)
{
    int n = t->prefix_count;

    if (!n || out->count <= n || t->prefix[n - 1] != t->bos || out->ids[n] != t->bos ||
        out->start[n])
        return;
    out->count--;
    memmove(out->ids + n - 1, out->ids + n, (size_t)(out->count - n + 1) * sizeof(int));
    memmove(out->start + n - 1, out->start + n, (size_t)(out->count - n + 1) * sizeof(int));
    memmove(out->end + n - 1, out->end + n, (size_t)(out->count - n + 1) * sizeof(int));
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                      struct tokens *out, struct err *err)
{
    return tokenizer_encode_text(t, text, len, flags, out, NULL, err);
}

bool tokenizer_encode_text(const struct tokenizer *t, const char *text, size_t len, unsigned flags,
                           struct tokens *out, struct job *job, struct err *err)
{
    struct encoder e = {.t = t,
                        .out = out,
                        .specials = flags & ENCODE_SPECIALS,
                        .continues = flags & ENCODE_CONTINUES,
                        .job = job,
                        .err = err};
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
        tokens_put(out, t->prefix[i], 0, 0);
    if (!len)
        return true;
    e.run = pretok_run_new();
    ok = encode_text(&e, text, len);
    if (ok && flags & ENCODE_BOS && e.specials)
        drop_second_bos(t, out);
    pretok_run_free(e.run);
    bpe_work_free(&e.work);
    normalized_free(&e.stretch);
    normalized_free(&e.part);
    return ok;
}

void tokens_free(struct tokens *tokens)
{
    free(tokens->ids);
    free(tokens->start);
    free(tokens->end);
    *tokens = (struct tokens){0};
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

bool tokenizer_adds_bos(const struct tokenizer *t)
{
    return t->prefix_count > 0;
}

bool tokenizer_is_special(const struct tokenizer *t, int id)
{
    return id >= 0 && id < t->special_count && t->special[id];
}
