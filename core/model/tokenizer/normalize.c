/* The steps of normalisation. Each writes an offset_map; offsets of the result are taken back to
 * the original text through all of them (normalized_origin()). */
#include "core/model/tokenizer/normalize.h"

#include <stdio.h>
#include <string.h>

#include "core/model/tokenizer/nfc.h"

#define RESULT_LIMIT ((size_t)1 << 30)

bool normalizer_add(struct normalizer *n, enum normal_kind kind, const char *from, const char *to,
                    struct err *err)
{
    struct normal_step *step = &n->step[n->count];

    if (n->count == NORMAL_STEPS)
        return err_set(err, ERR_MODEL, "normalizer has more than %d steps", NORMAL_STEPS);
    if (strlen(from) >= NORMAL_TEXT || strlen(to) >= NORMAL_TEXT)
        return err_set(err, ERR_MODEL, "normalizer: '%.40s' to '%.40s' is too long", from, to);
    if (kind == NORMAL_REPLACE && !*from)
        return err_set(err, ERR_MODEL, "normalizer 'Replace' without a text to replace");
    step->kind = kind;
    snprintf(step->from, sizeof(step->from), "%s", from);
    snprintf(step->to, sizeof(step->to), "%s", to);
    n->count++;
    return true;
}

/* Replaces every `from` by `to`, from left to right. */
static bool replace_all(const struct normal_step *s, struct offset_map *out, const char *text,
                        size_t len, struct err *err)
{
    size_t at = 0, from = strlen(s->from);
    const char *found;

    offset_map_clear(out);
    while (at < len && (found = memmem(text + at, len - at, s->from, from))) {
        size_t next = (size_t)(found - text), start;

        buf_add(&out->text, text + at, next - at);
        start = out->text.len;
        buf_puts(&out->text, s->to);
        at = next + from;
        offset_map_note(out, start, next, at);
        if (out->text.len >= RESULT_LIMIT)
            return err_set(err, ERR_LIMIT, "the text grows over 1.1 GB in the tokenizer");
    }
    if (out->count)
        buf_add(&out->text, text + at, len - at);
    return true;
}

static void put_before(const struct normal_step *s, struct offset_map *out, const char *text,
                       size_t len)
{
    offset_map_clear(out);
    buf_puts(&out->text, s->to);
    offset_map_note(out, 0, 0, 0);
    buf_add(&out->text, text, len);
}

/* Whether a step has to put its text before this stretch. */
static bool puts_before(const struct normal_step *s, const char *text, size_t len,
                        enum normal_place place)
{
    size_t n = strlen(s->to);

    if (!n || place == PLACE_CONTINUES || (s->kind == NORMAL_FIRST && place != PLACE_BEGINS))
        return false;
    return s->kind == NORMAL_PREPEND || len < n || memcmp(text, s->to, n) != 0;
}

bool normalizer_apply(const struct normalizer *n, struct normalized *run, const char *text,
                      size_t len, enum normal_place place, struct err *err)
{
    run->count = 0;
    run->text = text;
    run->len = len;
    for (int i = 0; i < n->count && run->len; i++) {
        struct offset_map *out = &run->map[run->count];

        offset_map_clear(out);
        if (n->step[i].kind == NORMAL_NFC)
            nfc_apply(out, run->text, run->len);
        else if (n->step[i].kind != NORMAL_REPLACE &&
                 puts_before(&n->step[i], run->text, run->len, place))
            put_before(&n->step[i], out, run->text, run->len);
        else if (n->step[i].kind == NORMAL_REPLACE &&
                 !replace_all(&n->step[i], out, run->text, run->len, err))
            return false;
        if (!out->count)
            continue;
        run->count++;
        run->text = out->text.data ? out->text.data : "";
        run->len = out->text.len;
    }
    return true;
}

size_t normalized_origin(const struct normalized *run, size_t pos, bool end)
{
    for (int i = run->count; i-- > 0;)
        pos = offset_map_origin(&run->map[i], pos, end);
    return pos;
}

void normalized_free(struct normalized *run)
{
    for (int i = 0; i < NORMAL_STEPS; i++)
        offset_map_free(&run->map[i]);
    *run = (struct normalized){0};
}
