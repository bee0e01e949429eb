/* Builds a tokenizer from the vocabulary of a GGUF file (editscope-formats(7) 5.4). A byte-level
 * vocabulary has merges, and tokenizer.ggml.pre names the regular expressions. A SentencePiece
 * vocabulary has a score for each token instead of merges; the merges are worked out from these. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/float_order.h"
#include "core/base/mem.h"
#include "core/model/tokenizer/tokenizer_impl.h"

#define BLANK "\xe2\x96\x81" /* U+2581, how SentencePiece writes a space */

enum {
    TYPE_NORMAL = 1,
    TYPE_UNKNOWN = 2,
    TYPE_CONTROL = 3,
    TYPE_USER_DEFINED = 4,
    TYPE_UNUSED = 5,
    TYPE_BYTE = 6,
};
/* The longest SentencePiece token in bytes. Trainers stop at 16 characters; working out the merges
 * of a token takes time with the square of its length. */
enum { MOST_MERGED = 256 };

/* What each value of tokenizer.ggml.pre means. */
static const struct family {
    const char *name;
    enum split_kind step[2];
    int steps;
    bool nfc, ignore_merges, add_bos;
} families[] = {
    {"gpt-2", {SPLIT_GPT2}, 1, false, false, false},
    {"smollm", {SPLIT_DIGIT, SPLIT_GPT2}, 2, false, false, false},
    {"starcoder", {SPLIT_DIGIT, SPLIT_GPT2}, 2, false, false, false},
    {"qwen2", {SPLIT_QWEN2}, 1, true, false, false},
    {"llama-bpe", {SPLIT_LLAMA3}, 1, false, true, true},
    {"llama3", {SPLIT_LLAMA3}, 1, false, true, true},
    {"llama-v3", {SPLIT_LLAMA3}, 1, false, true, true},
};

static const struct family *find_family(const char *pre, struct err *err)
{
    for (size_t i = 0; pre && i < sizeof(families) / sizeof(*families); i++)
        if (!strcmp(families[i].name, pre))
            return &families[i];
    err_set(err, ERR_MODEL,
            "tokenizer.ggml.pre is %s%.80s%s; supported are smollm, starcoder, gpt-2, llama-bpe, "
            "qwen2",
            pre ? "'" : "", pre ? pre : "missing", pre ? "'" : "");
    return NULL;
}

static bool check_id(const struct vocab *vocab, const char *name, int id, struct err *err)
{
    if (id >= -1 && id < vocab->count)
        return true;
    return err_set(err, ERR_MODEL, "the %s token's id is %d; the vocabulary has %d tokens", name,
                   id, vocab->count);
}

static bool add_tokens(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    for (int id = 0; id < vocab->count; id++)
        if (!bpe_add(&t->bpe, id, vocab->text[id], vocab->len[id], err))
            return false;
    for (int id = 0; vocab->type && id < vocab->count; id++) {
        struct added_token token = {.id = id};

        token.special = vocab->type[id] == TYPE_CONTROL || vocab->type[id] == TYPE_UNKNOWN;
        if ((token.special || vocab->type[id] == TYPE_USER_DEFINED) &&
            !tokenizer_add_special(t, token, vocab->text[id], vocab->len[id], false, err))
            return false;
    }
    return true;
}

static bool add_merges(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    for (int rank = 0; rank < vocab->merge_count; rank++) {
        const char *merge = vocab->merge[rank];
        size_t len = vocab->merge_len[rank];
        const char *gap = len ? memchr(merge, ' ', len) : NULL;
        size_t left = gap ? (size_t)(gap - merge) : 0;

        if (!gap || memchr(gap + 1, ' ', len - left - 1))
            return err_set(err, ERR_MODEL, "merge %d, '%.*s', is not two tokens and a space", rank,
                           len < 40 ? (int)len : 40, len ? merge : "");
        if (!bpe_merge(&t->bpe, rank, (struct bpe_text){merge, left},
                       (struct bpe_text){gap + 1, len - left - 1}, err))
            return false;
    }
    return true;
}

/* --- SentencePiece --------------------------------------------------------------------- */

/* Whether a token takes part in merges. Control and user-defined tokens are found in the text, byte
 * tokens are a fallback. */
static bool is_piece(const struct vocab *vocab, int id)
{
    int type = vocab->type ? vocab->type[id] : TYPE_NORMAL;

    return type == TYPE_NORMAL || type == TYPE_UNUSED;
}

struct scored {
    float score;
    int id;
};

static int compare_scores(const void *a, const void *b)
{
    const struct scored *x = a, *y = b;

    return number_order((double)y->score, (double)x->score);
}

/* The rank of each token [count]: 0 for the highest score. Tokens of equal score share a rank and
 * are merged from left to right, as SentencePiece does. NULL: a score is NaN. Caller frees. */
static int *token_ranks(const struct vocab *vocab, struct err *err)
{
    struct scored *order = xcalloc((size_t)vocab->count, sizeof(*order));
    int *rank = xcalloc((size_t)vocab->count, sizeof(*rank)), last = 0;

    for (int id = 0; id < vocab->count; id++)
        order[id] = (struct scored){vocab->score[id], id};
    for (int id = 0; rank && id < vocab->count; id++)
        if (isnan(vocab->score[id])) {
            err_set(err, ERR_MODEL, "the score of token %d is not a number", id);
            free(rank);
            rank = NULL;
        }
    if (rank)
        qsort(order, (size_t)vocab->count, sizeof(*order), compare_scores);
    for (int i = 0; rank && i < vocab->count; i++) {
        if (i && order[i].score < order[i - 1].score)
            last = i;
        rank[order[i].id] = last;
    }
    free(order);
    return rank;
}

/* Every way to cut a token into two other tokens is a merge. Adds their number to *count, and adds
 * the merges if `rank` is given. */
static bool add_token_merges(struct tokenizer *t, const struct vocab *vocab, int id,
                             const int *rank, int *count, struct err *err)
{
    const char *text = vocab->text[id];
    size_t len = vocab->len[id];

    if (len > MOST_MERGED)
        return err_set(err, ERR_MODEL, "token %d has %zu bytes; at most %d are supported", id, len,
                       MOST_MERGED);
    for (size_t at = 1; at < len; at++) {
        struct bpe_text left = {text, at}, right = {text + at, len - at};
        int a, b;

        if (((unsigned char)text[at] & 0xc0) == 0x80)
            continue;
        a = bpe_find(&t->bpe, left.data, left.len);
        b = a < 0 ? -1 : bpe_find(&t->bpe, right.data, right.len);
        if (b < 0 || !is_piece(vocab, a) || !is_piece(vocab, b))
            continue;
        ++*count;
        if (rank && !bpe_merge(&t->bpe, rank[id], left, right, err))
            return false;
    }
    return true;
}

static bool add_score_merges(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    int *rank = vocab->score ? token_ranks(vocab, err) : NULL, count = 0;
    bool ok = rank != NULL;

    if (!vocab->score)
        return err_set(err, ERR_MODEL, "tokenizer.ggml.scores is missing");
    for (int id = 0; ok && id < vocab->count; id++)
        ok = !is_piece(vocab, id) || add_token_merges(t, vocab, id, NULL, &count, err);
    if (ok && count > BPE_MAX_ID)
        ok = err_set(err, ERR_MODEL, "the vocabulary has %d merges; at most %d are supported",
                     count, BPE_MAX_ID);
    if (ok)
        bpe_room(&t->bpe, count);
    for (int id = 0; ok && id < vocab->count; id++)
        ok = !is_piece(vocab, id) || add_token_merges(t, vocab, id, rank, &count, err);
    free(rank);
    return ok;
}

/* Checks that tokens of type byte are written "<0x0A>"; if there are any, turns on the fallback. */
static bool check_bytes(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    for (int id = 0; vocab->type && id < vocab->count; id++) {
        int byte;

        if (vocab->type[id] != TYPE_BYTE)
            continue;
        if (!bpe_is_byte(vocab->text[id], vocab->len[id], &byte))
            return err_set(err, ERR_MODEL,
                           "token %d is of type byte, but is '%.*s', not of the form <0x0A>", id,
                           vocab->len[id] < 40 ? (int)vocab->len[id] : 40, vocab->text[id]);
        t->bpe.fallback = true;
    }
    return true;
}

static bool read_spm(struct tokenizer *t, const struct vocab *vocab, struct err *err)
{
    bool prefix = !vocab->no_space_prefix;

    t->bpe.characters = true;
    t->bpe.fuse_unk = true;
    t->bpe.unk = vocab->unk;
    t->strip = prefix;
    memcpy(t->blank, BLANK, sizeof(BLANK));
    return (!prefix || normalizer_add(&t->normalizer, NORMAL_PREPEND, "", BLANK, err)) &&
           normalizer_add(&t->normalizer, NORMAL_REPLACE, " ", BLANK, err) &&
           add_tokens(t, vocab, err) && check_bytes(t, vocab, err) &&
           add_score_merges(t, vocab, err);
}

/* --- byte-level ------------------------------------------------------------------------ */

static bool read_byte_level(struct tokenizer *t, const struct vocab *vocab,
                            const struct family *family, struct err *err)
{
    t->bpe.ignore_merges = family->ignore_merges;
    if (family->nfc && !normalizer_add(&t->normalizer, NORMAL_NFC, "", "", err))
        return false;
    for (int i = 0; i < family->steps; i++)
        if (!pretok_add(t->pretok, family->step[i], err))
            return false;
    return add_tokens(t, vocab, err) && add_merges(t, vocab, err);
}

struct tokenizer *tokenizer_from_vocab(const struct vocab *vocab, struct err *err)
{
    const struct family *family = vocab->spm ? NULL : find_family(vocab->pre, err);
    bool add_bos = vocab->spm || (family && family->add_bos);
    struct tokenizer *t;

    if (!vocab->spm && !family)
        return NULL;
    if (vocab->count < 1 || vocab->count > BPE_MAX_ID || vocab->merge_count < 0 ||
        vocab->merge_count > BPE_MAX_ID) {
        err_set(err, ERR_MODEL, "the vocabulary has %d tokens and %d merges; 1 to %d are supported",
                vocab->count, vocab->merge_count, BPE_MAX_ID);
        return NULL;
    }
    if (!check_id(vocab, "bos", vocab->bos, err) || !check_id(vocab, "eos", vocab->eos, err) ||
        !check_id(vocab, "padding", vocab->pad, err) ||
        !check_id(vocab, "unknown", vocab->unk, err))
        return NULL;
    t = tokenizer_begin(vocab->count, vocab->merge_count);
    t->bos = vocab->bos;
    t->eos = vocab->eos;
    if (t->bos >= 0 && (vocab->add_bos < 0 ? add_bos : vocab->add_bos > 0))
        t->prefix[t->prefix_count++] = t->bos;
    if (vocab->spm ? !read_spm(t, vocab, err) : !read_byte_level(t, vocab, family, err)) {
        tokenizer_free(t);
        return NULL;
    }
    tokenizer_end(t);
    return t;
}
