/* Normalisation: changes to a text before it is cut into words. Unicode form C, replacements, and
 * the SentencePiece families' "▁" for spaces. Step 2 of the pipeline in tokenizer.h. */
#ifndef CORE_MODEL_TOKENIZER_NORMALIZE_H
#define CORE_MODEL_TOKENIZER_NORMALIZE_H

#include "core/base/err.h"
#include "core/model/tokenizer/offset_map.h"

enum { NORMAL_STEPS = 4, NORMAL_TEXT = 64 };

enum normal_kind {
    NORMAL_NFC,
    NORMAL_REPLACE, /* every `from` becomes `to` */
    NORMAL_PREPEND, /* `to` is put before every stretch of text between special tokens */
    NORMAL_PREFIX,  /* the same, unless the stretch begins with `to` */
    NORMAL_FIRST,   /* the same as NORMAL_PREFIX, at the beginning of the text only */
};

struct normal_step {
    enum normal_kind kind;
    char from[NORMAL_TEXT], to[NORMAL_TEXT]; /* NUL-terminated */
};

/* The steps, applied in order. Zero-initialise. */
struct normalizer {
    struct normal_step step[NORMAL_STEPS];
    int count;
};

/* Scratch memory, and the result until the next call. Zero-initialise. */
struct normalized {
    struct offset_map map[NORMAL_STEPS]; /* one for each step that changed something */
    int count;
    const char *text; /* in the last map, or the text given */
    size_t len;
};

/* Where a stretch begins. */
enum normal_place {
    PLACE_INSIDE,    /* after a token found in the text */
    PLACE_BEGINS,    /* at the beginning of a text */
    PLACE_CONTINUES, /* at the beginning of what continues another text: nothing is put before it
                      */
};

/* Appends a step. ERR_MODEL: too many steps, `from` or `to` is too long, or `from` of a replacement
 * is empty. */
bool normalizer_add(struct normalizer *n, enum normal_kind kind, const char *from, const char *to,
                    struct err *err);
/* Applies all steps to `text`, valid UTF-8, which must live as long as run->text is used.
 * ERR_LIMIT: the result would be 1 GiB or more. */
bool normalizer_apply(const struct normalizer *n, struct normalized *run, const char *text,
                      size_t len, enum normal_place place, struct err *err);
/* As offset_map_origin(), through all steps. */
size_t normalized_origin(const struct normalized *run, size_t pos, bool end);
void normalized_free(struct normalized *run);

#endif
