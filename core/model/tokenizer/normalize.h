/* What becomes of a text before it is cut into words: normalisation, and the visible blanks of the
 * SentencePiece families. */
#ifndef CORE_MODEL_TOKENIZER_NORMALIZE_H
#define CORE_MODEL_TOKENIZER_NORMALIZE_H

#include "core/base/err.h"
#include "core/model/tokenizer/offset_map.h"

enum { NORMAL_STEPS = 4, NORMAL_TEXT = 64 };

enum normal_kind {
    NORMAL_NFC,
    NORMAL_REPLACE, /* every `from` becomes `to` */
    NORMAL_PREPEND, /* `to` before every stretch */
    NORMAL_PREFIX,  /* the same, unless the stretch begins with it */
    NORMAL_FIRST,   /* the same, at the beginning of the text only */
};

struct normal_step {
    enum normal_kind kind;
    char from[NORMAL_TEXT], to[NORMAL_TEXT]; /* NUL-terminated */
};

/* The steps, one after the other. Zero-initialise. */
struct normalizer {
    struct normal_step step[NORMAL_STEPS];
    int count;
};

/* Scratch memory, and the result until the next call. Zero-initialise. */
struct normalized {
    struct offset_map pass[NORMAL_STEPS]; /* those that changed something */
    int count;
    const char *text; /* into a pass, or the text given */
    size_t len;
};

/* Where a stretch stands. */
enum normal_place {
    PLACE_INSIDE,    /* behind a token found in the text */
    PLACE_BEGINS,    /* at the beginning of a text */
    PLACE_CONTINUES, /* at the beginning of what continues another text: nothing is put before it
                      */
};

/* ERR_MODEL: too many steps, a text that is too long, or nothing to replace. */
bool normalizer_add(struct normalizer *n, enum normal_kind kind, const char *from, const char *to,
                    struct err *err);
/* Of valid UTF-8, which has to outlive the run's use. ERR_LIMIT: it grows to 1 GiB or more. */
bool normalizer_apply(const struct normalizer *n, struct normalized *run, const char *text,
                      size_t len, enum normal_place place, struct err *err);
/* As offset_map_origin(), through all steps. */
size_t normal_origin(const struct normalized *run, size_t pos, bool end);
void normal_run_free(struct normalized *run);

#endif
