/* What compare.c, which runs the variants, and compare_draw.c share. */
#ifndef VIEWS_SCREENS_COMPARE_INTERNAL_H
#define VIEWS_SCREENS_COMPARE_INTERNAL_H

#include "core/edit/editors/editors.h"
#include "views/variants_run.h"

/* The columns: editors, controls, then NMKE and controls at equal gain. */
enum {
#define COLUMN(id, ...) id,
    EDITORS(COLUMN)
#undef COLUMN
        RANDOM,
    KEYMAG,
    NMKE_EQ,
    RANDOM_EQ,
    KEYMAG_EQ,
    COLUMNS
};
enum { MASKS_MOST = 128, VARIANTS_ALL = COLUMNS + MASKS_MOST };
enum { BY_GAIN, BY_ANSWER, PICTURES };

struct compare {
    struct variants_run run;
    struct variant variant[VARIANTS_ALL]; /* the columns, then the random masks */
    struct params params[VARIANTS_ALL];   /* that each was made with */
    int masks;                            /* random masks that the next run tries */
    bool set_up;
    int at;      /* column under the cursor */
    int row;     /* the first row of the table that is shown, if not all fit */
    int picture; /* which axes the cloud has */
};

/* Random masks of the run there is. */
static inline int compare_masks(const struct compare *c)
{
    return c->run.count > COLUMNS ? c->run.count - COLUMNS : 0;
}

/* The heading of a column, and what it is. */
const char *compare_column_name(int column);
const char *compare_column_what(int column, const struct params *now, char out[96]);
/* Rows of the table: the metrics, and what the variants say. */
int compare_rows(void);
/* variants_run_stale(), and whether the columns would choose the same neurons now. */
const char *compare_stale(const struct compare *c, const struct ui_state *d);
void compare_draw(const struct view *v, struct surface *s, struct rect area);

#endif
