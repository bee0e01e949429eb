/* The known regular expressions (editscope-formats(7) 5.5) as PCRE2 patterns with the character
 * classes of Unicode 16, and the loop that cuts a text with them. */
#include "core/model/tokenizer/pretokenize.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"

/* Members of character classes. PCRE2 10.42 knows Unicode 14; the tokenizers library, whose pieces
 * the vocabularies were made from, knows Unicode 16 and a white space without U+180E. So white
 * space is spelled out, and letters and numbers assigned since are added. */
#define WHITE                                 \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}" \
    "\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define LETTER                                                                  \
    "\\p{L}\\x{1C89}-\\x{1C8A}\\x{A7CB}-\\x{A7CD}\\x{A7DA}-\\x{A7DC}"           \
    "\\x{105C0}-\\x{105F3}\\x{10D4A}-\\x{10D65}\\x{10D6F}-\\x{10D85}"           \
    "\\x{10EC2}-\\x{10EC4}\\x{1123F}-\\x{11240}\\x{11380}-\\x{11389}\\x{1138B}" \
    "\\x{1138E}\\x{11390}-\\x{113B5}\\x{113B7}\\x{113D1}\\x{113D3}"             \
    "\\x{11BC0}-\\x{11BE0}\\x{11F02}\\x{11F04}-\\x{11F10}\\x{11F12}-\\x{11F33}" \
    "\\x{1342F}\\x{13441}-\\x{13446}\\x{13460}-\\x{143FA}\\x{16100}-\\x{1611D}" \
    "\\x{16D40}-\\x{16D6C}\\x{18CFF}\\x{1B132}\\x{1B155}\\x{1DF25}-\\x{1DF2A}"  \
    "\\x{1E030}-\\x{1E06D}\\x{1E4D0}-\\x{1E4EB}\\x{1E5D0}-\\x{1E5ED}\\x{1E5F0}" \
    "\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}"
#define NUMBER                                                              \
    "\\p{N}\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}" \
    "\\x{11F50}-\\x{11F59}\\x{16130}-\\x{16139}\\x{16D70}-\\x{16D79}"       \
    "\\x{1CCF0}-\\x{1CCF9}\\x{1D2C0}-\\x{1D2D3}\\x{1E4F0}-\\x{1E4F9}"       \
    "\\x{1E5F1}-\\x{1E5FA}"
/* Rust's is_numeric(), newer still; the Digits step uses it. */
#define NUMERIC NUMBER "\\x{11DE0}-\\x{11DE9}\\x{16FF4}-\\x{16FF6}"

/* A long run of white space backtracks once for each character, so the limit is generous. */
enum { MATCH_LIMIT = 10000000, DEPTH_LIMIT = 1000000, HEAP_LIMIT_KIB = 1 << 18 };
enum { MAX_STEPS = 8 };

static const struct {
    const char *regex; /* as tokenizer.json writes it; NULL when it has no such form */
    const char *pcre;
} splits[SPLIT_KINDS] = {
    [SPLIT_GPT2] = {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                    "\\s+(?!\\S)|\\s+",
                    "'s|'t|'re|'ve|'m|'ll|'d| ?[" LETTER "]+| ?[" NUMBER "]+"
                    "| ?[^" WHITE LETTER NUMBER "]+|[" WHITE "]+(?![^" WHITE "])|[" WHITE "]+"},
    [SPLIT_LLAMA3] = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}|"
                      " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n" LETTER NUMBER "]?[" LETTER "]+"
                      "|[" NUMBER "]{1,3}| ?[^" WHITE LETTER NUMBER "]+[\\r\\n]*"
                      "|[" WHITE "]*[\\r\\n]+|[" WHITE "]+(?![^" WHITE "])|[" WHITE "]+"},
    [SPLIT_QWEN2] = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|"
                     " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
                     "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n" LETTER NUMBER "]?[" LETTER "]+"
                     "|[" NUMBER "]| ?[^" WHITE LETTER NUMBER "]+[\\r\\n]*"
                     "|[" WHITE "]*[\\r\\n]+|[" WHITE "]+(?![^" WHITE "])|[" WHITE "]+"},
    [SPLIT_DIGIT] = {NULL, "[" NUMERIC "]"},
    [SPLIT_DIGITS] = {NULL, "[" NUMERIC "]+"},
};

struct pretok {
    pcre2_code *step[MAX_STEPS];
    enum split_behavior behavior[MAX_STEPS];
    int count;
};

struct pretok_run {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

/* One call of pretok_split(): what each step hands to the next. */
struct split {
    const struct pretok *pretok;
    struct pretok_run *run;
    bool (*piece)(void *ctx, const char *text, size_t len);
    void *ctx;
    struct err *err;
};

bool pretok_known(const char *regex, enum split_kind *kind)
{
    for (int k = 0; k < SPLIT_KINDS; k++)
        if (splits[k].regex && !strcmp(splits[k].regex, regex)) {
            *kind = (enum split_kind)k;
            return true;
        }
    return false;
}

struct pretok *pretok_new(void)
{
    return xcalloc(1, sizeof(struct pretok));
}

static bool add_step(struct pretok *pretok, const char *pattern, uint32_t options,
                     enum split_behavior behavior, struct err *err)
{
    PCRE2_UCHAR text[128] = {0};
    PCRE2_SIZE where = 0;
    pcre2_code *code;
    int problem;

    if (pretok->count == MAX_STEPS)
        return err_set(err, ERR_MODEL, "pre-tokenizer has more than %d steps", MAX_STEPS);
    code =
        pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &problem, &where, NULL);
    if (!code) {
        pcre2_get_error_message(problem, text, sizeof(text));
        return err_set(err, ERR_MODEL,
                       "pre-tokenizer: PCRE2 says '%s' at %zu; is it built with Unicode?",
                       (const char *)text, where);
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* may fail: matching is then slower, not wrong */
    pretok->behavior[pretok->count] = behavior;
    pretok->step[pretok->count++] = code;
    return true;
}

bool pretok_add(struct pretok *pretok, enum split_kind kind, struct err *err)
{
    return add_step(pretok, splits[kind].pcre, PCRE2_UTF | PCRE2_UCP, SPLIT_ISOLATED, err);
}

bool pretok_add_text(struct pretok *pretok, const char *text, enum split_behavior behavior,
                     struct err *err)
{
    return add_step(pretok, text, PCRE2_UTF | PCRE2_LITERAL, behavior, err);
}

int pretok_steps(const struct pretok *pretok)
{
    return pretok->count;
}

void pretok_free(struct pretok *pretok)
{
    for (int i = 0; pretok && i < pretok->count; i++)
        pcre2_code_free(pretok->step[i]);
    free(pretok);
}

struct pretok_run *pretok_run_new(void)
{
    struct pretok_run *run = xcalloc(1, sizeof(*run));

    run->match = pcre2_match_data_create(1, NULL);
    run->context = pcre2_match_context_create(NULL);
    run->stack = pcre2_jit_stack_create(32 * 1024, 1024 * 1024, NULL);
    if (run->context) {
        pcre2_set_depth_limit(run->context, DEPTH_LIMIT);
        pcre2_set_heap_limit(run->context, HEAP_LIMIT_KIB);
        if (run->stack)
            pcre2_jit_stack_assign(run->context, NULL, run->stack);
    }
    return run;
}

void pretok_run_free(struct pretok_run *run)
{
    if (!run)
        return;
    pcre2_match_data_free(run->match);
    pcre2_match_context_free(run->context);
    pcre2_jit_stack_free(run->stack);
    free(run);
}

static bool split_from(const struct split *s, int step, const char *text, size_t len);

static bool next_step(const struct split *s, int step, const char *text, size_t len)
{
    if (!len)
        return true;
    if (step == s->pretok->count)
        return s->piece(s->ctx, text, len);
    return split_from(s, step, text, len);
}

/* The next match at or after `at`; *from = *to = len if there is none. No expression here matches
 * the empty string, so the caller's loop always advances. */
static bool find_match(const struct split *s, int step, const char *text, size_t len, size_t at,
                       size_t *from, size_t *to)
{
    const PCRE2_SIZE *found;
    int rc = at == len ? PCRE2_ERROR_NOMATCH
                       : pcre2_match(s->pretok->step[step], (PCRE2_SPTR)text, len, at,
                                     PCRE2_NO_UTF_CHECK, s->run->match, s->run->context);

    *from = *to = len;
    if (rc == PCRE2_ERROR_NOMATCH)
        return true;
    if (rc < 0)
        return err_set(s->err, ERR_LIMIT,
                       "cannot cut the text into words (PCRE2 error %d, %zu bytes into a piece); "
                       "split the text",
                       rc, at);
    found = pcre2_get_ovector_pointer(s->run->match);
    *from = found[0];
    *to = found[1];
    return true;
}

/* Cuts text with one step and hands the pieces to the next step. With SPLIT_WITH_NEXT a match is
 * held back in [held, at) until the text after it is known. */
static bool split_from(const struct split *s, int step, const char *text, size_t len)
{
    enum split_behavior behavior = s->pretok->behavior[step];
    size_t at = 0, held = 0, from, to;

    while (held < len) {
        bool gap;

        if (!find_match(s, step, text, len, at, &from, &to))
            return false;
        gap = from > at;
        if (behavior == SPLIT_WITH_PREVIOUS && gap)
            from = to; /* the match goes with the gap */
        if (behavior == SPLIT_WITH_NEXT && !gap && held < at &&
            !next_step(s, step + 1, text + held, at - held))
            return false; /* no text follows the match held back: it is a piece of its own */
        if (gap && !next_step(s, step + 1, text + held, from - held))
            return false;
        if ((behavior == SPLIT_ISOLATED || behavior == SPLIT_WITH_PREVIOUS) &&
            !next_step(s, step + 1, text + from, to - from))
            return false;
        held = behavior == SPLIT_WITH_NEXT && to > from ? from : to;
        at = to;
    }
    return true;
}

bool pretok_split(const struct pretok *pretok, struct pretok_run *run, const char *text, size_t len,
                  bool (*piece)(void *ctx, const char *text, size_t len), void *ctx,
                  struct err *err)
{
    struct split s = {pretok, run, piece, ctx, err};
    uint32_t limit = len < UINT32_MAX / 16 ? (uint32_t)len * 8 : UINT32_MAX / 2;

    if (!run->match || !run->context)
        return err_set(err, ERR_LIMIT, "not enough memory for the pre-tokenizer");
    pcre2_set_match_limit(run->context, limit > MATCH_LIMIT ? limit : MATCH_LIMIT);
    return next_step(&s, 0, text, len);
}
