/* Normalises to form C with utf8proc, segment by segment, and notes which bytes each changed
 * segment came from. Text is cut at characters that never combine with what precedes them; most
 * text consists of such characters and is copied unchanged. */
#include "core/model/tokenizer/nfc.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

/* Whether text can be cut before c: c never combines with what precedes it, and is unchanged on its
 * own. These ranges cover most text; other characters are normalised with their neighbours. */
static bool is_boundary(int32_t c)
{
    return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x4e00 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x3041 && c <= 0x3096) ||
           (c >= 0x30a1 && c <= 0x30fa) || (c >= 0x2010 && c <= 0x2027) ||
           (c >= 0x3001 && c <= 0x3029) || (c >= 0x1f300 && c <= 0x1faff);
}

/* Combining marks of Unicode 10 to 15, which the tokenizers library treats as ordinary characters:
 * marks are not reordered across them and do not combine with them. U+11930 is no mark but
 * combines; U+11A7, just before the Hangul trailing consonants, would be dropped by utf8proc 2.8.
 */
static const struct {
    int32_t first, last;
} recent[] = {{0x7fd, 0x7fd},     {0x898, 0x89f},     {0x8ca, 0x8d3},     {0x9fe, 0x9fe},
              {0xc3c, 0xc3c},     {0xd3b, 0xd3c},     {0xeba, 0xeba},     {0x11a7, 0x11a7},
              {0x1715, 0x1715},   {0x1abf, 0x1ace},   {0x1df6, 0x1dfa},   {0xa82c, 0xa82c},
              {0x10d24, 0x10d27}, {0x10eab, 0x10eac}, {0x10efd, 0x10eff}, {0x10f46, 0x10f50},
              {0x10f82, 0x10f85}, {0x11070, 0x11070}, {0x1133b, 0x1133b}, {0x1145e, 0x1145e},
              {0x11839, 0x1183a}, {0x11930, 0x11930}, {0x1193d, 0x1193e}, {0x11943, 0x11943},
              {0x119e0, 0x119e0}, {0x11a34, 0x11a34}, {0x11a47, 0x11a47}, {0x11a99, 0x11a99},
              {0x11d42, 0x11d42}, {0x11d44, 0x11d45}, {0x11d97, 0x11d97}, {0x11f41, 0x11f42},
              {0x16ff0, 0x16ff1}, {0x1e08f, 0x1e08f}, {0x1e130, 0x1e136}, {0x1e2ae, 0x1e2ae},
              {0x1e2ec, 0x1e2ef}, {0x1e4ec, 0x1e4ef}};

static bool is_recent(int32_t c)
{
    int low = 0, high = (int)(sizeof(recent) / sizeof(*recent));

    while (low < high) {
        int mid = (low + high) / 2;

        if (recent[mid].last < c)
            low = mid + 1;
        else
            high = mid;
    }
    return low < (int)(sizeof(recent) / sizeof(*recent)) && recent[low].first <= c;
}

static int combining_class(int32_t code)
{
    return utf8proc_get_property(code)->combining_class;
}

struct mark {
    int32_t code;
    int order, class;
};

static int compare_marks(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;

    return x->class != y->class ? x->class - y->class : x->order - y->order;
}

/* Sorts each run of combining marks into canonical order. utf8proc does that too, but in quadratic
 * time: a text of 100,000 marks would hang. */
static void order_marks(int32_t *code, size_t n)
{
    size_t end;

    for (size_t i = 0; i < n; i = end + 1) {
        struct mark *mark;
        bool sorted = true;

        for (end = i; end < n && combining_class(code[end]); end++)
            if (end > i && combining_class(code[end]) < combining_class(code[end - 1]))
                sorted = false;
        if (sorted)
            continue;
        mark = xmalloc((end - i) * sizeof(*mark));
        for (size_t k = i; k < end; k++)
            mark[k - i] = (struct mark){code[k], (int)(k - i), combining_class(code[k])};
        qsort(mark, end - i, sizeof(*mark), compare_marks);
        for (size_t k = i; k < end; k++)
            code[k] = mark[k - i].code;
        free(mark);
    }
}

/* Code points of a segment: scratch memory of one call. */
struct codes {
    int32_t *code;
    size_t cap;
};

/* Normalises text[from, to) and appends it. */
static void add_segment(struct offset_map *out, struct codes *codes, const char *text, size_t from,
                        size_t to)
{
    const char *p = text + from, *end = text + to;
    size_t n = 0, start = out->text.len;
    utf8proc_ssize_t left;

    while (p < end) {
        utf8proc_ssize_t wrote;

        if (n + 32 > codes->cap) { /* no character decomposes into more than 18 */
            codes->cap = 2 * codes->cap + 64;
            codes->code = xrealloc(codes->code, codes->cap * sizeof(*codes->code));
        }
        codes->code[n] = utf8_next(&p, end);
        wrote = utf8proc_decompose_char(codes->code[n], codes->code + n, 32,
                                        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE, NULL);
        n += wrote > 0 && wrote <= 32 ? (size_t)wrote : 1;
    }
    order_marks(codes->code, n);
    left = utf8proc_normalize_utf32(codes->code, (utf8proc_ssize_t)n,
                                    UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    for (utf8proc_ssize_t i = 0; i < left; i++) {
        char bytes[4];
        int len = utf8_put(bytes, codes->code[i]);

        buf_add(&out->text, bytes, (size_t)len);
    }
    if (out->text.len - start != to - from ||
        memcmp(out->text.data + start, text + from, to - from) != 0)
        offset_map_note(out, start, from, to);
}

void nfc_apply(struct offset_map *out, const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    size_t done = 0, last = 0; /* how much of text is in out; start of the character before p */
    struct codes codes = {0};

    offset_map_clear(out);
    while (p < end) {
        size_t here = (size_t)(p - text), stop = len;
        int32_t c = utf8_next(&p, end);

        if (is_boundary(c) || is_recent(c)) {
            last = is_recent(c) ? (size_t)(p - text) : here;
            continue;
        }
        while (p < end && stop == len) {
            here = (size_t)(p - text);
            c = utf8_next(&p, end);
            if (is_boundary(c) || is_recent(c))
                stop = here;
        }
        buf_add(&out->text, text + done, last - done);
        add_segment(out, &codes, text, last, stop);
        done = last = stop;
        p = text + stop;
    }
    buf_add(&out->text, text + done, len - done);
    free(codes.code);
}
