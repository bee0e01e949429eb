/* Tokenises prompts and answers, plainly or in the chat form of the model. Special tokens that are
 * written in a text become tokens or stay characters, as the wording says. */
#include "core/edit/prompt_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/model/chat.h"

enum { NAMES = 3 }; /* special tokens that a notice names */

bool prompt_tokens_of(struct prompt_tokens *a, const struct wording *w, const struct model *m,
                      const char *prompt, struct err *err)
{
    size_t n = strlen(prompt);
    struct buf text = {0};
    bool ok = true;

    *a = (struct prompt_tokens){.stop = -1};
    while (w->join != JOIN_UNSAID && n > 1 && prompt[n - 1] == ' ')
        n--;
    a->flags = w->markup == MARKUP_TOKENS ? ENCODE_BOS | ENCODE_SPECIALS : ENCODE_BOS;
    if (w->form == ASK_CHAT) {
        a->flags = ENCODE_SPECIALS;
        ok = chat_text(m, prompt, NULL, &text, &a->at, &a->stop, err);
    } else {
        buf_add(&text, prompt, n);
    }
    a->text = buf_take(&text);
    ok = ok && tokenizer_encode(m->tokenizer, a->text, strlen(a->text), a->flags, &a->tokens, err);
    if (!ok)
        prompt_tokens_free(a);
    return ok;
}

bool answer_tokens_of(const struct prompt_tokens *a, const struct wording *w, const struct model *m,
                      const char *answer, struct tokens *out, struct err *err)
{
    unsigned special = w->markup == MARKUP_TOKENS ? ENCODE_SPECIALS : 0;
    char *text;
    bool ok;

    answer += strspn(answer, " ");
    text = xasprintf("%s%s", wording_join(w, a->text, answer), answer);
    ok = tokenizer_encode(m->tokenizer, text, strlen(text), ENCODE_CONTINUES | special, out, err);
    free(text);
    return ok;
}

void prompt_tokens_free(struct prompt_tokens *a)
{
    free(a->text);
    tokens_free(&a->tokens);
    *a = (struct prompt_tokens){.stop = -1};
}

/* Whether the i-th token is a special one that is written in the text. */
static bool is_written(const struct tokenizer *t, const char *text, const struct tokens *tokens,
                       int i)
{
    size_t n = (size_t)(tokens->end[i] - tokens->start[i]);
    struct buf piece = {0};
    bool yes;

    tokenizer_piece(t, tokens->ids[i], &piece);
    yes = n && piece.len && tokenizer_is_special(t, tokens->ids[i]) &&
          memmem(text + tokens->start[i], n, piece.data, piece.len);
    buf_free(&piece);
    return yes;
}

/* The special tokens written in the text, each once. Returns how many. */
static int written_specials(const struct tokenizer *t, const char *text, struct tokens *tokens,
                            struct buf *names)
{
    int count = 0;

    for (int i = 0; i < tokens->count; i++) {
        bool seen = false;

        if (!is_written(t, text, tokens, i))
            continue;
        for (int k = 0; k < i; k++)
            seen = seen || tokens->ids[k] == tokens->ids[i];
        if (seen)
            continue;
        if (count++ < NAMES) {
            buf_puts(names, count > 1 ? ", " : "");
            tokenizer_piece(t, tokens->ids[i], names);
        }
    }
    if (count > NAMES)
        buf_printf(names, " and %d more", count - NAMES);
    return count;
}

void special_tokens_notice(const struct wording *w, const struct tokenizer *t, const char *text,
                           char out[NOTICE])
{
    struct tokens tokens = {0};
    struct buf names = {0};
    int count = 0;

    if (tokenizer_encode(t, text, strlen(text), ENCODE_SPECIALS, &tokens, NULL))
        count = written_specials(t, text, &tokens, &names);
    *out = '\0';
    if (count && w->form == ASK_CHAT)
        snprintf(out, NOTICE, "%.120s in the text: taken as special, as the chat form has it",
                 names.data);
    else if (count && w->markup != MARKUP_TOKENS)
        snprintf(out, NOTICE,
                 "%.120s in the text: taken as plain characters; --parse-special (prompt.special = "
                 "token) takes %s",
                 names.data, count > 1 ? "them as special tokens" : "it as the special token");
    else if (count && tokenizer_adds_bos(t) && tokens.ids[0] == tokenizer_bos(t))
        snprintf(out, NOTICE, "the text begins with %.120s: no second one is put before it",
                 names.data);
    tokens_free(&tokens);
    buf_free(&names);
}
