/* Which state the variants of Compare, Sweep and `editscope sweep` are tried on.
 *
 * An edit that is in the weights already cannot be compared with others on them: every variant
 * would say the new object from the start. So where an active edit wrote the fact, the default is
 * the state before that edit. The user may choose another state; on the screen the choice is
 * ui_state.tried_on, for both views. */
#ifndef VIEWS_TRIED_ON_H
#define VIEWS_TRIED_ON_H

#include "views/view.h"

/* The state that a choice means at present. */
struct tried_state {
    enum tried_on on; /* never TRIED_AUTO */
    int edit;         /* TRIED_BEFORE: the edit that it is before */
    int wrote;        /* the edit that wrote the fact's object already; 0: none */
    int last;         /* the last edit in the state; 0: none, it is the base */
    int later;        /* active edits that came after `edit`, and are not in it either */
    char name[17];    /* as state_info.state; "": not known yet */
};
struct tried_state tried_state_of(const struct history *h, const struct fact *fact,
                                  enum tried_on choice);
/* Of the fact at hand. */
struct tried_state tried_state_now(const struct ui_state *d);
/* Chooses the next one of: before the edit of this fact, the base, the present state. A message
 * says which. */
void tried_on_next(struct host *host);

/* The state in words, for a sentence, for a title, and for a narrow title; `target` is the fact's
 * object. Returns out.
 *
 *   WORDS_FULL   "tried on the state before edit 1, since it already wrote Rome; 2 later edits are
 *                left out"
 *   WORDS_TITLE  "tried before edit 1, since it already wrote Rome"
 *   WORDS_BRIEF  "before edit 1"
 *
 * The present state is named by its last edit, so that the words stay true when more are made. */
enum words { WORDS_FULL, WORDS_TITLE, WORDS_BRIEF, WORDS };
const char *tried_state_words(const struct tried_state *t, const char *target, enum words how,
                              char out[160]);

#endif
