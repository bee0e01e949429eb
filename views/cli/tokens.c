/* editscope tokens: text to token ids and back. It reads the tokenizer only, no weights. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/show.h"
#include "core/base/std.h"
#include "core/base/utf8.h"
#include "core/engine/vocab_tokenizer.h"
#include "views/cli/cli.h"

enum { INPUT_MOST = 64 << 20 };

/* --decode "1,2 3": the text of these ids. */
static bool decode_ids(struct cli *c, const struct vocab_tokenizer *tokenizer, struct err *err)
{
    const char *p = c->value[OPT_DECODE];
    int *id = xcalloc(strlen(p) + 1, sizeof(int)), count = 0;
    struct buf text = {0};
    bool ok = true;

    for (;;) {
        char *end;
        long n;

        p += strspn(p, " ,[]\n\t");
        if (!*p)
            break;
        errno = 0;
        n = strtol(p, &end, 10);
        if (end == p || errno || n < 0 || n > INT_MAX) {
            ok = err_set(err, ERR_USAGE, "--decode: '%.20s' is not a token id", p);
            break;
        }
        id[count++] = (int)n;
        p = end;
    }
    ok = ok && vocab_tokenizer_decode(tokenizer, id, count, &text, err);
    if (ok && cli_json(c)) {
        json_t *o = cli_event(NULL);

        utf8_encode_nul(&text);
        json_object_set_new(o, "text", cli_text(text.data));
        cli_print(o);
    } else if (ok) {
        std_bytes(text.data, text.len);
        std_text("\n");
    }
    buf_free(&text);
    free(id);
    return ok;
}

/* A line per token: its id and its text. */
static void print_tokens(struct cli *c, const struct token_list *tokens)
{
    json_t *o, *ids, *pieces;

    if (*tokens->notice && !cli_json(c))
        cli_notice(c, tokens->notice);
    if (!cli_json(c)) {
        for (int i = 0; i < tokens->count; i++)
            std_print("%8d  '%s'\n", tokens->id[i], tokens->piece[i]);
        return;
    }
    o = cli_event(NULL);
    ids = json_array();
    pieces = json_array();
    for (int i = 0; i < tokens->count; i++) {
        json_array_append_new(ids, json_integer(tokens->id[i]));
        json_array_append_new(pieces, cli_text(tokens->piece[i]));
    }
    json_object_set_new(o, "ids", ids);
    json_object_set_new(o, "pieces", pieces);
    if (*tokens->notice)
        json_object_set_new(o, "notice", cli_text(tokens->notice));
    cli_print(o);
}

/* The arguments with a blank between them, or all of standard input, byte by byte. */
static bool read_input(const struct cli *c, struct buf *text, struct err *err)
{
    bool words = c->rest_count > 1 || (c->rest_count && strcmp(c->rest[0], "-") != 0);
    char part[4096], most[16];
    size_t n;

    for (int i = 0; words && i < c->rest_count; i++)
        buf_printf(text, "%s%s", i ? " " : "", c->rest[i]);
    while (!words && (n = fread(part, 1, sizeof(part), stdin)) > 0) {
        buf_add(text, part, n);
        if (text->len > INPUT_MOST)
            return err_set(err, ERR_LIMIT, "tokens: more than %s of text",
                           show_bytes(INPUT_MOST, most));
    }
    return true;
}

static bool tokens_run(struct cli *c, struct err *err)
{
    struct vocab_tokenizer *tokenizer =
        cli_model_there(c, err) ? vocab_tokenizer_open(c->model, err) : NULL;
    struct buf text = {0};
    struct token_list tokens = {0};
    bool ok;

    if (!tokenizer)
        return false;
    if (cli_has(c, OPT_DECODE)) {
        ok = decode_ids(c, tokenizer, err);
    } else {
        ok = read_input(c, &text, err) &&
             vocab_tokenizer_encode(tokenizer, text.data ? text.data : "", text.len,
                                    !cli_has(c, OPT_NO_BOS), cli_has(c, OPT_SPECIAL), &tokens, err);
        if (ok)
            print_tokens(c, &tokens);
    }
    token_list_free(&tokens);
    buf_free(&text);
    vocab_tokenizer_close(tokenizer);
    return ok;
}

const struct cli_ops cli_tokens = {"tokens", "[TEXT]", "Show the tokens of a text",
                                   FOR_TOKENS | FOR_MODEL, tokens_run};
