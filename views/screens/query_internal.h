/* Shared by query.c (keys, events) and query_draw.c (picture). */
#ifndef VIEWS_SCREENS_QUERY_INTERNAL_H
#define VIEWS_SCREENS_QUERY_INTERNAL_H

#include "tui/field.h"
#include "views/view.h"

enum { QUERY_PAST = 32, QUERY_PACES = 8, QUERY_ROWS = 6 };
enum query_side { SHOW_BOTH, SHOW_DIFFERENCE, SHOW_BEFORE, SHOW_AFTER, SHOW_COUNT };

/* When the tokens of one answer came, for "12 tokens, 8.3/s". The members down to `changed` say
 * which answer it is. */
struct query_pace {
    unsigned state;
    int edit, tokens;
    bool chat, changed, over;
    double first, last; /* seconds, CLOCK_MONOTONIC */
};

struct query {
    struct field field;
    bool typing;
    char *asked;            /* the last question that the box has followed */
    bool fresh;             /* the text is a proposal: the first key typed replaces it */
    char *past[QUERY_PAST]; /* asked before, newest first */
    int recalled;           /* index in past of the text shown; -1: the user's own */
    char *draft;            /* the user's own text while an older one is shown */
    enum query_side side;
    int scroll; /* rows of the answers above the first visible one */
    struct query_pace pace[QUERY_PACES];
    int paces; /* how many so far: pace[] is a ring */
};

/* The newest pace of an answer to this state, edit and form, or NULL. */
const struct query_pace *query_pace(const struct query *q, const struct answer *a);
/* The state that is asked besides the base: "EDITED +2", "PREVIEW", "After edit 3". */
void query_state_name(const struct ui_state *d, const struct answer_pair *pair, char *out,
                      size_t size);
/* Finds the first difference of two texts: *at is the byte where the first differing word begins,
 * in both. False: the texts are equal. */
bool query_first_difference(const char *a, const char *b, size_t *at);

void query_draw(const struct view *v, struct surface *s, struct rect area);

#endif
