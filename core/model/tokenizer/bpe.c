/* Byte pair encoding with two hash tables (text to id; pair of ids to merge) and a heap.
 *
 * A piece starts as a linked list of symbols, one for each byte or character. The heap holds all
 * pairs of neighbours that a merge joins, by rank, then position. Taking the best one merges the
 * two symbols and enters the two new pairs. Candidates that refer to merged symbols stay in the
 * heap and are skipped when they come up, so that a piece of n bytes takes O(n log n). */
#include "core/model/tokenizer/bpe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/mem.h"
#include "core/base/utf8.h"

#define FREE_SLOT UINT32_MAX

/* GPT-2's byte alphabet: a printable Latin-1 byte is that character; the other 68 bytes are U+0100,
 * U+0101, ... in order. So the space, 0x20, is U+0120 "Ġ". */
static int32_t byte_to_char(unsigned byte)
{
    if (byte < 33)
        return (int32_t)(0x100 + byte);
    if (byte >= 127 && byte <= 160)
        return (int32_t)(0x100 + 33 + byte - 127);
    return byte == 173 ? 0x100 + 67 : (int32_t)byte;
}

static int char_to_byte(int32_t code)
{
    if (code >= 0x100 && code <= 0x100 + 67) {
        code -= 0x100;
        return code < 33 ? code : code < 67 ? code - 33 + 127 : 173;
    }
    if (code < 33 || code > 255 || (code >= 127 && code <= 160) || code == 173)
        return -1;
    return code;
}

/* One step of the hash: multiply by 2^64 / golden ratio, fold the high bits down. */
static uint64_t hash_mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint64_t hash_text(uint64_t h, const char *text, size_t n)
{
    uint64_t word = 0;

    h = hash_mix(h, n);
    for (; n >= 8; text += 8, n -= 8) {
        memcpy(&word, text, 8);
        h = hash_mix(h, word);
    }
    word = 0;
    memcpy(&word, text, n);
    return hash_mix(hash_mix(h, word), 0);
}

static uint32_t pair_slot(const struct bpe *bpe, uint32_t left, uint32_t right)
{
    uint64_t h = ((uint64_t)left << 32 | right) ^ bpe->seed;

    h *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((h ^ h >> 32) >> 7) & bpe->merge_mask;
}

/* A power of two that leaves at least a third of the slots free. */
static uint32_t table_size(int items)
{
    uint32_t size = 16;

    while (size < (uint32_t)items + (uint32_t)items / 2)
        size *= 2;
    return size;
}

void bpe_room(struct bpe *bpe, int merges)
{
    uint32_t rules = table_size(merges);

    free(bpe->merge);
    bpe->merge = xmalloc(rules * sizeof(*bpe->merge));
    memset(bpe->merge, 0xff, rules * sizeof(*bpe->merge));
    bpe->merge_mask = rules - 1;
}

void bpe_begin(struct bpe *bpe, int tokens, int merges)
{
    uint32_t slots = table_size(tokens);

    *bpe = (struct bpe){.unk = -1, .slot_mask = slots - 1};
    /* without the system's randomness the hash still works; it is only predictable */
    if (getrandom(&bpe->seed, sizeof(bpe->seed), GRND_NONBLOCK) != sizeof(bpe->seed))
        bpe->seed = (uint64_t)(uintptr_t)bpe;
    bpe->slot = xmalloc(slots * sizeof(*bpe->slot));
    memset(bpe->slot, 0xff, slots * sizeof(*bpe->slot));
    bpe_room(bpe, merges);
    bpe->cap = tokens;
    bpe->offset = xcalloc((size_t)tokens + 1, sizeof(*bpe->offset));
    bpe->length = xcalloc((size_t)tokens + 1, sizeof(*bpe->length));
}

void bpe_free(struct bpe *bpe)
{
    buf_free(&bpe->text);
    free(bpe->offset);
    free(bpe->length);
    free(bpe->slot);
    free(bpe->merge);
    *bpe = (struct bpe){0};
}

/* The slot that holds the text (1 or 2 parts joined), or the free slot where it belongs. */
static uint32_t *find_slot(const struct bpe *bpe, const struct bpe_text *part, int parts)
{
    char small[256], *joined = small;
    const char *text = part[0].data;
    size_t len = part[0].len;
    uint32_t at, id;

    if (parts == 2) {
        len = part[0].len + part[1].len;
        if (len > sizeof(small))
            joined = xmalloc(len);
        memcpy(joined, part[0].data, part[0].len);
        memcpy(joined + part[0].len, part[1].data, part[1].len);
        text = joined;
    }
    at = (uint32_t)(hash_text(bpe->seed, text, len) >> 16) & bpe->slot_mask;
    while ((id = bpe->slot[at]) != FREE_SLOT) {
        if (bpe->length[id] == len && !memcmp(bpe->text.data + bpe->offset[id], text, len))
            break;
        at = (at + 1) & bpe->slot_mask;
    }
    if (joined != small)
        free(joined);
    return &bpe->slot[at];
}

int bpe_find(const struct bpe *bpe, const char *text, size_t len)
{
    struct bpe_text part = {text, len};
    uint32_t id = len ? *find_slot(bpe, &part, 1) : FREE_SLOT;

    return id == FREE_SLOT || id >= (uint32_t)bpe->count ? -1 : (int)id;
}

static void grow_ids(struct bpe *bpe, int count)
{
    int cap = bpe->cap + bpe->cap / 2 > count ? bpe->cap + bpe->cap / 2 : count;

    bpe->offset = xrealloc(bpe->offset, (size_t)cap * sizeof(*bpe->offset));
    bpe->length = xrealloc(bpe->length, (size_t)cap * sizeof(*bpe->length));
    for (int i = bpe->cap; i < cap; i++)
        bpe->offset[i] = bpe->length[i] = 0;
    bpe->cap = cap;
}

bool bpe_add(struct bpe *bpe, int64_t id, const char *text, size_t len, struct err *err)
{
    struct bpe_text part = {text, len};
    uint32_t *slot;

    if (id < 0 || id >= BPE_MAX_ID)
        return err_set(err, ERR_MODEL, "token '%.*s' has id %lld; ids are 0 to %d",
                       len < 40 ? (int)len : 40, text, (long long)id, BPE_MAX_ID - 1);
    if (id >= bpe->cap)
        grow_ids(bpe, (int)id + 1);
    if (id >= bpe->count)
        bpe->count = (int)id + 1;
    if (!len)
        return true;
    if (bpe->length[id])
        return err_set(err, ERR_MODEL, "id %lld has two tokens, '%.*s' and '%.*s'", (long long)id,
                       bpe->length[id] < 40 ? (int)bpe->length[id] : 40,
                       bpe->text.data + bpe->offset[id], len < 40 ? (int)len : 40, text);
    if (bpe->text.len + len > UINT32_MAX / 2)
        return err_set(err, ERR_LIMIT, "the vocabulary's text is over 2.1 GB");
    slot = find_slot(bpe, &part, 1);
    *slot = (uint32_t)id;
    bpe->offset[id] = (uint32_t)bpe->text.len;
    bpe->length[id] = (uint32_t)len;
    buf_add(&bpe->text, text, len);
    if (len > bpe->longest)
        bpe->longest = (uint32_t)len;
    bpe->tokens++;
    return true;
}

/* The merge of a pair, or the free slot where it belongs. */
static struct bpe_rule *find_rule(const struct bpe *bpe, uint32_t left, uint32_t right)
{
    uint32_t at = pair_slot(bpe, left, right);

    while (bpe->merge[at].left != FREE_SLOT &&
           (bpe->merge[at].left != left || bpe->merge[at].right != right))
        at = (at + 1) & bpe->merge_mask;
    return &bpe->merge[at];
}

bool bpe_merge(struct bpe *bpe, int rank, struct bpe_text left, struct bpe_text right,
               struct err *err)
{
    struct bpe_text part[2] = {left, right};
    uint32_t a = left.len ? *find_slot(bpe, part, 1) : FREE_SLOT;
    uint32_t b = right.len ? *find_slot(bpe, part + 1, 1) : FREE_SLOT;
    uint32_t ab = a != FREE_SLOT && b != FREE_SLOT ? *find_slot(bpe, part, 2) : FREE_SLOT;

    if (ab == FREE_SLOT)
        return err_set(err, ERR_MODEL,
                       "merge %d joins '%.*s' and '%.*s': %s is not in the vocabulary", rank,
                       left.len < 40 ? (int)left.len : 40, left.data,
                       right.len < 40 ? (int)right.len : 40, right.data,
                       a == FREE_SLOT   ? "the first"
                       : b == FREE_SLOT ? "the second"
                                        : "the result");
    *find_rule(bpe, a, b) = (struct bpe_rule){a, b, (uint32_t)rank, ab};
    return true;
}

/* The value of a hexadecimal digit, or -1. bpe_end() looks for capital ones, as trainers write. */
static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

bool bpe_is_byte(const char *text, size_t len, int *byte)
{
    int high, low;

    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>')
        return false;
    high = hex_digit(text[3]);
    low = hex_digit(text[4]);
    *byte = high * 16 + low;
    return high >= 0 && low >= 0;
}

void bpe_end(struct bpe *bpe)
{
    for (int byte = 0; byte < 256; byte++) {
        char text[8];
        int n = utf8_put(text, byte_to_char((unsigned)byte));

        if (bpe->characters)
            n = snprintf(text, sizeof(text), "<0x%02X>", (unsigned)byte);
        bpe->byte_id[byte] = bpe_find(bpe, text, (size_t)n);
    }
}

const char *bpe_text_of(const struct bpe *bpe, int id, size_t *len)
{
    bool has = id >= 0 && id < bpe->count && bpe->length[id];

    *len = has ? bpe->length[id] : 0;
    return has ? bpe->text.data + bpe->offset[id] : NULL;
}

void bpe_piece(const struct bpe *bpe, int id, struct buf *out)
{
    size_t start = out->len, len;
    const char *text = bpe_text_of(bpe, id, &len), *p = text, *end = text ? text + len : NULL;
    int byte;

    if (!text)
        return;
    if (bpe->characters && bpe->fallback && bpe_is_byte(text, len, &byte)) {
        char c = (char)byte;

        buf_add(out, &c, 1);
        return;
    }
    while (!bpe->characters && p < end) {
        char c;

        byte = char_to_byte(utf8_next(&p, end));
        c = (char)byte;
        if (byte < 0) /* not in the alphabet: the token is plain text as a whole */
            break;
        buf_add(out, &c, 1);
        if (p == end)
            return;
    }
    out->len = start;
    buf_add(out, text, len);
}

/* The token whose text is the whole piece, or -1. */
static int whole_piece(const struct bpe *bpe, const char *bytes, size_t n, struct bpe_work *work)
{
    if (bpe->characters)
        return bpe_find(bpe, bytes, n);
    buf_clear(&work->text);
    for (size_t i = 0; i < n; i++) {
        char text[4];
        int len = utf8_put(text, byte_to_char((unsigned char)bytes[i]));

        buf_add(&work->text, text, (size_t)len);
    }
    return bpe_find(bpe, work->text.data, work->text.len);
}

static bool candidate_before(const struct bpe_candidate *a, const struct bpe_candidate *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->pos < b->pos;
}

/* Adds the pair that starts at symbol `pos` to the heap, if there is a merge for it. */
static void heap_push(const struct bpe *bpe, struct bpe_work *work, int pos)
{
    struct bpe_symbol *s = work->symbol;
    struct bpe_candidate item;
    const struct bpe_rule *rule;
    size_t at;

    if (pos < 0 || s[pos].next < 0)
        return;
    rule = find_rule(bpe, (uint32_t)s[pos].id, (uint32_t)s[s[pos].next].id);
    if (rule->left == FREE_SLOT)
        return;
    item = (struct bpe_candidate){rule->rank, (uint32_t)pos, rule->id};
    if (work->heap_count == work->heap_cap) {
        work->heap_cap = work->heap_cap ? work->heap_cap * 2 : 64;
        work->heap = xrealloc(work->heap, work->heap_cap * sizeof(*work->heap));
    }
    at = work->heap_count++;
    while (at && candidate_before(&item, &work->heap[(at - 1) / 2])) {
        work->heap[at] = work->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    work->heap[at] = item;
}

static struct bpe_candidate heap_pop(struct bpe_work *work)
{
    struct bpe_candidate top = work->heap[0], last = work->heap[--work->heap_count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < work->heap_count) {
        if (child + 1 < work->heap_count &&
            candidate_before(&work->heap[child + 1], &work->heap[child]))
            child++;
        if (!candidate_before(&work->heap[child], &last))
            break;
        work->heap[at] = work->heap[child];
        at = child;
    }
    work->heap[at] = last;
    return top;
}

static void put_symbol(struct bpe_work *work, int id, size_t start, size_t len)
{
    work->symbol[work->count] = (struct bpe_symbol){.id = id,
                                                    .prev = work->count - 1,
                                                    .next = work->count + 1,
                                                    .start = (uint32_t)start,
                                                    .len = (uint32_t)len};
    work->count++;
}

/* Appends the tokens of a character's bytes. False: fallback is off, or a byte has no token. */
static bool put_byte_tokens(const struct bpe *bpe, const char *bytes, size_t start, size_t len,
                            struct bpe_work *work)
{
    for (size_t i = 0; i < len; i++)
        if (!bpe->fallback || bpe->byte_id[(unsigned char)bytes[i]] < 0)
            return false;
    for (size_t i = 0; i < len; i++)
        put_symbol(work, bpe->byte_id[(unsigned char)bytes[i]], start + i, 1);
    return true;
}

/* The token of the first byte or character, or -1; *len is its number of bytes. */
static int first_token(const struct bpe *bpe, const char *bytes, size_t n, size_t *len)
{
    const char *p = bytes;

    *len = 1;
    if (!bpe->characters)
        return bpe->byte_id[(unsigned char)*bytes];
    utf8_next(&p, bytes + n);
    *len = (size_t)(p - bytes);
    return bpe_find(bpe, bytes, *len);
}

/* Makes one symbol for each byte or character. One without a token becomes its bytes, unk, or
 * nothing. Like the tokenizers library, holds an unk back until the next token or unk, so that
 * fallback bytes which follow it in the text come before it in the result. */
static void start_symbols(const struct bpe *bpe, const char *bytes, size_t n, struct bpe_work *work)
{
    size_t len, unk = 0, at = 0; /* bytes of the unk that waits, and where it will be put */

    if (n > work->symbol_cap) {
        work->symbol_cap = n < 64 ? 64 : n;
        free(work->symbol);
        work->symbol = xmalloc(work->symbol_cap * sizeof(*work->symbol));
    }
    work->count = 0;
    for (size_t i = 0; i < n; i += len) {
        int id = first_token(bpe, bytes + i, n - i, &len);

        if (id < 0 && bpe->characters && put_byte_tokens(bpe, bytes + i, unk ? at : i, len, work)) {
            at += len;
            continue;
        }
        if (unk && (id >= 0 || !bpe->fuse_unk)) {
            put_symbol(work, bpe->unk, at, unk);
            unk = 0;
        }
        if (id >= 0) {
            put_symbol(work, id, i, len);
        } else if (bpe->unk >= 0) {
            at = unk ? at : i;
            unk += len;
        }
    }
    if (unk)
        put_symbol(work, bpe->unk, at, unk);
    if (work->count)
        work->symbol[work->count - 1].next = -1;
}

bool bpe_crosses(const struct bpe *bpe, const char *mark)
{
    size_t n = strlen(mark), left, right;

    for (uint32_t i = 0; i <= bpe->merge_mask; i++) {
        const struct bpe_rule *rule = &bpe->merge[i];
        const char *a, *b;

        if (rule->left == FREE_SLOT)
            continue;
        a = bpe_text_of(bpe, (int)rule->left, &left);
        b = bpe_text_of(bpe, (int)rule->right, &right);
        if (right >= n && !memcmp(b, mark, n) && (left < n || memcmp(a + left - n, mark, n) != 0))
            return true;
    }
    return false;
}

void bpe_encode(const struct bpe *bpe, const char *bytes, size_t n, struct bpe_work *work)
{
    struct bpe_symbol *s;
    int id, count = 0;

    start_symbols(bpe, bytes, n, work);
    s = work->symbol;
    if (bpe->ignore_merges && n && n <= bpe->longest &&
        (id = whole_piece(bpe, bytes, n, work)) >= 0) {
        s[0] = (struct bpe_symbol){.id = id, .prev = -1, .next = -1, .len = (uint32_t)n};
        work->count = 1;
        return;
    }
    work->heap_count = 0;
    for (int i = 0; i + 1 < work->count; i++)
        heap_push(bpe, work, i);
    while (work->heap_count) {
        struct bpe_candidate c = heap_pop(work);
        int pos = (int)c.pos, right = s[pos].next;
        const struct bpe_rule *rule;

        /* skip candidates whose symbols have been merged since */
        if (!s[pos].len || right < 0)
            continue;
        rule = find_rule(bpe, (uint32_t)s[pos].id, (uint32_t)s[right].id);
        if (rule->left == FREE_SLOT || rule->id != c.id)
            continue;
        s[pos].id = (int)rule->id;
        s[pos].len = s[right].start + s[right].len - s[pos].start;
        s[pos].next = s[right].next;
        s[right].len = 0;
        if (s[pos].next >= 0)
            s[s[pos].next].prev = pos;
        heap_push(bpe, work, s[pos].prev);
        heap_push(bpe, work, pos);
    }
    for (int i = 0; work->count && i >= 0; i = s[i].next)
        s[count++] = s[i];
    work->count = count;
}

void bpe_work_free(struct bpe_work *work)
{
    free(work->symbol);
    free(work->heap);
    buf_free(&work->text);
    *work = (struct bpe_work){0};
}
