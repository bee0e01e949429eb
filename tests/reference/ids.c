/* Token ids of many texts in one process, for tests/reference/many.py to compare.
 *
 *   ids FILE FLAGS DECODE   < a JSON string a line   > ids a line, behind them " 1" if they decode
 *                                                      to the text, else " 0" */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/model/tokenizer/tokenizer.h"
#include "core/model/vocabulary.h"

static bool one(const struct tokenizer *t, const char *line, unsigned flags, unsigned decode,
                struct err *err)
{
    json_t *text = json_loads(line, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    struct tokens tokens = {0};
    struct buf back = {0};
    bool same;

    if (!tokenizer_encode(t, json_string_value(text), json_string_length(text), flags, &tokens,
                          err))
        return false;
    for (int i = 0; i < tokens.count; i++)
        printf("%d ", tokens.ids[i]);
    tokenizer_decode(t, tokens.ids, tokens.count, decode, &back);
    same = back.len == json_string_length(text) &&
           (!back.len || !memcmp(back.data, json_string_value(text), back.len));
    printf("%d\n", same);
    buf_free(&back);
    tokens_free(&tokens);
    json_decref(text);
    return true;
}

int main(int argc, char **argv)
{
    struct err err = {0};
    struct tokenizer *t = argc == 4 ? tokenizer_at(argv[1], &err) : NULL;
    char *line = NULL;
    size_t cap = 0;
    bool ok = t != NULL;

    while (ok && getline(&line, &cap, stdin) > 0)
        ok = one(t, line, (unsigned)strtoul(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0),
                 &err);
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    free(line);
    tokenizer_free(t);
    return !ok;
}
