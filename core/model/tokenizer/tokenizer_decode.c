/* Decodes ids to text, all at once or one by one as they are sampled. A character may be spread
 * over several tokens (an emoji has 4 bytes): its bytes wait in decoder.pending until it is
 * complete. */
#include <string.h>

#include "core/base/utf8.h"
#include "core/model/tokenizer/tokenizer_impl.h"

void tokenizer_piece(const struct tokenizer *t, int id, struct buf *out)
{
    size_t n = strlen(t->blank), len;
    const char *text = bpe_text_of(&t->bpe, id, &len), *end = text ? text + len : NULL, *blank;
    int byte;

    if (!text)
        return;
    if (!n || (t->bpe.fallback && bpe_is_byte(text, len, &byte))) {
        bpe_piece(&t->bpe, id, out);
        return;
    }
    while ((blank = memmem(text, (size_t)(end - text), t->blank, n))) {
        buf_add(out, text, (size_t)(blank - text));
        buf_puts(out, " ");
        text = blank + n;
    }
    buf_add(out, text, (size_t)(end - text));
}

void decoder_begin(struct decoder *d, const struct tokenizer *t, unsigned flags)
{
    *d = (struct decoder){.t = t, .flags = flags, .strip = flags & DECODE_BEGINS ? t->strip : 0};
}

/* How many of n bytes can be written now: all but an unfinished character at the end. */
static size_t whole_part(const char *text, size_t n)
{
    const char *p = text, *end = text + n;
    size_t last = n > 4 ? n - 4 : 0; /* a character begins at most three bytes before the end */

    while (last && last < n && ((unsigned char)text[last] & 0xc0) == 0x80)
        last++;
    for (p = text + last; p < end;) {
        size_t start = (size_t)(p - text);
        unsigned char lead = (unsigned char)*p;

        if (utf8_next(&p, end) < 0 && p == end && lead >= 0xc2 && lead <= 0xf4)
            return start;
    }
    return n;
}

/* Appends the first n pending bytes to out, without the leading spaces that are to be removed. */
static void decoder_write(struct decoder *d, size_t n, struct buf *out)
{
    const char *text = d->pending.data;
    size_t from = 0;

    while (from < n && d->strip > 0 && text[from] == ' ') {
        from++;
        d->strip--;
    }
    if (from < n) {
        d->strip = 0;
        utf8_clean(out, text + from, n - from);
    }
    memmove(d->pending.data, text + n, d->pending.len - n);
    d->pending.len -= n;
}

void decoder_put(struct decoder *d, int id, struct buf *out)
{
    if (d->flags & DECODE_SKIP_SPECIAL && tokenizer_is_special(d->t, id))
        return;
    tokenizer_piece(d->t, id, &d->pending);
    if (d->pending.len)
        decoder_write(d, whole_part(d->pending.data, d->pending.len), out);
}

void decoder_end(struct decoder *d, struct buf *out)
{
    if (out && d->pending.len)
        decoder_write(d, d->pending.len, out);
    buf_free(&d->pending);
}

void tokenizer_decode(const struct tokenizer *t, const int *ids, int n, unsigned flags,
                      struct buf *out)
{
    struct decoder d;

    decoder_begin(&d, t, flags);
    for (int i = 0; i < n; i++)
        decoder_put(&d, ids[i], out);
    decoder_end(&d, out);
}
