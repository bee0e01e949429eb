/* Shared by query*.c alone. */
#ifndef VIEWS_SCREENS_QUERY_INTERNAL_H
#define VIEWS_SCREENS_QUERY_INTERNAL_H

#include "tui/field.h"
#include "views/view.h"

enum { QUERY_PAST = 32, QUERY_PACES = 8, QUERY_ROWS = 6 };
enum query_side { SHOW_BOTH, SHOW_DIFFERENCE, SHOW_BEFORE, SHOW_AFTER, SHOW_COUNT };

struct query_pace { /* when the tokens of an answer came */
    unsigned state;
    int edit, tokens;
    bool chat, changed, over;
    double first, last; /* seconds */
};

struct query {
    struct field field;
    bool typing;
    bool fresh;             /* the text is a proposal: what is typed or pasted replaces it */
    char *past[QUERY_PAST]; /* asked before, newest first */
    int recalled;           /* of past; -1: what was being typed, */
    char *draft;            /* which is kept here meanwhile */
    enum query_side side;
    int scroll; /* rows of the answers that are out of sight above */
    struct query_pace pace[QUERY_PACES];
    int paces; /* a ring */
};

/* The newest pace of such an answer, or NULL. */
const struct query_pace *query_pace(const struct query *q, const struct answer *a);
/* "BASE", "EDITED +2", "After edit 3 (Eiffel Tower)": the state that is asked besides the base. */
void query_state_name(const struct ui_state *d, const struct answer_pair *pair, char *out,
                      size_t size);
/* Where the two texts part: the byte at which the first differing word begins in each; false where
 * they are the same. */
bool query_parting(const char *a, const char *b, size_t *at);

void query_draw(const struct view *v, struct surface *s, struct rect area);

#endif
