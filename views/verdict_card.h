/* The verdict of an edit as rows of text: the one source of the card on the screen, of its tables
 * and pages in files, and of what plain mode says. */
#ifndef VIEWS_VERDICT_CARD_H
#define VIEWS_VERDICT_CARD_H

#include "views/ui_state.h"

/* Every text can be printed as it is: foreign text in it is escaped. */
struct card_row {
    const char *label; /* "before" */
    const char *mark;  /* "✓", "✗", "·" or "" */
    enum role role;    /* of mark and text */
    bool detail;       /* one of several of its kind: a probe, a layer */
    char *text;        /* in full */
    char right[40];    /* a number beside it, or "" */
    char *more;        /* lines that are shown when the row is opened; NULL: nothing more */
    const int *rank;   /* [ranks] by layer, drawn as bars; borrowed. NULL: a text */
    int ranks;
};

struct card {
    struct card_row *row;
    int rows;
    char title[120]; /* "Eiffel Tower: Paris → Rome" */
    char state[96];  /* "PREVIEW, nothing is written" */
    enum role role;  /* of the state: ROLE_PREVIEW or ROLE_EDITED */
};

/* The card of what ui_state knows; no rows: there is no verdict. `side` says which answers the rows
 * of probes show. Free with card_free(). */
struct card card_of(const struct ui_state *d, enum neuron_side side);
/* The rows of its probes alone, each with the answers before and after; without a title. */
struct card card_of_probes(const struct probe_report *p);
void card_free(struct card *c);

/* "Rome, Italy.", on one line; an answer without tokens is said in words. Appends. */
void put_said(struct buf *out, const char *said);
/* Probes of one kind: how many the base gets right, and how many of these are right after the edit.
 */
struct tally {
    int ok, of, unknown, moved; /* moved: unknown and no longer what the base says */
    int unasked;                /* longer than the model's context */
};
struct tally tally_of(const struct probe_report *p, enum probe_kind kind);
/* "5 of 5 known neighbours stay, 1 unknown one moved"; "" without neighbours. Appends. */
void put_neighbours(struct buf *out, const struct ui_state *d, const struct probe_report *p);
/* What an edit writes: the columns, their layers, norms and leaks, and what stands beside the
 * weights. Appends. */
void put_written(struct buf *out, const struct ui_state *d, const struct edit_report *a);
/* The same of one layer, with gain and leak. */
void put_written_layer(struct buf *out, const struct ui_state *d, const struct layer_report *l);

#endif
