#include "core/model/nfc.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

/* Characters that never join with what stands before them and, alone, stay as they are: text may
 * be cut in front of them. These ranges hold most of what is written; the rest is normalised
 * together with its neighbours. */
static bool stands_apart(int32_t c)
{
    return c < 0x300 || (c >= 0x400 && c <= 0x482) || (c >= 0x4e00 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x3041 && c <= 0x3096) ||
           (c >= 0x30a1 && c <= 0x30fa) || (c >= 0x2010 && c <= 0x2027) ||
           (c >= 0x3001 && c <= 0x3029) || (c >= 0x1f300 && c <= 0x1faff);
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

/* Puts each run of combining marks in canonical order. utf8proc can, but in quadratic time. */
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

/* Scratch memory of one call. */
struct codes {
    int32_t *code;
    size_t cap;
};

/* Normalises text[from, to) and appends it. */
static void add_segment(struct rewrite *out, struct codes *codes, const char *text, size_t from,
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
        rewrite_note(out, start, from, to);
}

void nfc_apply(struct rewrite *out, const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    size_t done = 0, last = 0; /* text before it is in; start of the character before p */
    struct codes codes = {0};

    rewrite_clear(out);
    while (p < end) {
        size_t here = (size_t)(p - text), stop = len;

        if (stands_apart(utf8_next(&p, end))) {
            last = here;
            continue;
        }
        while (p < end && stop == len) {
            here = (size_t)(p - text);
            if (stands_apart(utf8_next(&p, end)))
                stop = here;
        }
        buf_add(&out->text, text + done, last - done);
        add_segment(out, &codes, text, last, stop);
        done = last = stop;
    }
    buf_add(&out->text, text + done, len - done);
    free(codes.code);
}
