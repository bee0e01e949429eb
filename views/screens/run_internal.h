/* What run.c, which moves through a run, and the files that draw it share. */
#ifndef VIEWS_SCREENS_RUN_INTERNAL_H
#define VIEWS_SCREENS_RUN_INTERNAL_H

#include "tui/box.h"
#include "views/ui_run.h"
#include "views/view.h"

/* The tables: those of the metrics (record_metric.table), the other metrics; and numbers of whole
 * states: how far they went, their scores in tasks. */
enum { PAGE_OTHER, PAGE_STATES = RECORD_TABLES + 1, PAGE_TASKS, PAGES };
/* What is below the table, or beside it. */
enum { SHOW_CURVES, SHOW_AGES, SHOW_RECORDS, SHOW_COMPARISON, SHOWS };

struct run_column {
    const char *name, *unit;
    int metric;         /* of record_metrics; -1: */
    const char *number; /* a number of the states; NULL: the score of es, ps and ns */
    bool largest;       /* of the layers; else their mean */
    const char *format; /* of a value */
};

struct run_view {
    char *path;         /* the file that is shown; NULL: that of the session */
    char *shown;        /* path and text of the run that the choices below are of; NULL: none */
    bool known;         /* it was read */
    unsigned job;       /* that reads it; 0: none */
    char why[240];      /* why it could not be read, or "" */
    double read_at;     /* clock_seconds() of the last look at the file */
    long long stamp[2]; /* its size and time then */
    int page, when, column;
    int order; /* whose records are listed, from 0 */
    int show;
    struct list rows;    /* the base, then each arm at each checkpoint */
    struct list records; /* of the list below */
    struct list answers; /* of the record under its cursor */
    int reference;       /* the arm that the others are compared with */
    struct {             /* the comparison that was computed */
        int metric, when, checkpoint, reference, done;
        unsigned version;
        struct comparison with[EVAL_ARMS];
    } compared;
};

/* run_columns.c */
/* The columns of the page that have numbers, at most RUN_COLUMNS; returns how many. */
enum { RUN_COLUMNS = RECORD_METRICS_MOST + 8 };
int run_columns(const struct ui_run *r, int page, struct run_column *out);
/* The value of a column that is a number of states; of a task's score with its interval and the
 * number of questions. */
struct interval run_state_value(const struct ui_run *r, const struct run_column *c, int arm,
                                int checkpoint);
/* ROME's score, which has no interval; of differences there is none. */
struct interval run_score(const struct ui_run *r, int arm, int when, int checkpoint);
/* The column under the cursor; false: the page has none. */
bool run_column_at(const struct run_view *w, const struct ui_run *r, struct run_column *out);
int run_rows(const struct ui_run *r);
/* The arm and the index of the checkpoint of a row. The first row is run_base_of() the arm of the
 * row under the cursor, so that both are of the same records. */
void run_row(const struct run_view *w, const struct ui_run *r, int row, int *arm, int *checkpoint);
/* The same of the row under the cursor; of the base the first arm at the last checkpoint that has
 * records. */
void run_row_at(const struct run_view *w, const struct ui_run *r, int *arm, int *checkpoint);
/* After how many edits the numbers of an arm at a checkpoint are; 0: of the base. Immediate ones of
 * a checkpoint that is not reached yet are of as many edits as were made. */
int run_row_edits(const struct ui_run *r, int when, int arm, int checkpoint);
/* Appends " · 12 of 30 records so far" where not all of the checkpoint are asked; `before` is what
 * comes first. */
void run_put_asked(const struct ui_run *r, int when, int arm, int checkpoint, const char *before,
                   char *out, size_t size);
/* "final", "immediate", "forgotten" */
const char *run_when(int when);
/* The arm that the row's arm is compared with; -1: there is one arm. */
int run_rival(const struct run_view *w, const struct ui_run *r, int arm);
/* The records that are listed, by their index: of the arm those that were asked, in the comparison
 * those that differ. `out` [facts]; returns how many. */
int run_listed(const struct run_view *w, const struct ui_run *r, int *out);

/* What rows of an export are about: the run, its arms, records, protocols, and the time of its last
 * step.
 */
void run_about(const struct ui_state *d, struct buf *out);
/* One row per arm, checkpoint, time and metric. */
bool run_table(struct table *t, const struct ui_state *d);

/* run.c: whether the comparison that was computed, or is being computed, is this one. */
bool run_compares(const struct run_view *w, const struct ui_run *r, int metric, int checkpoint);

/* run_draw.c */
void run_draw(const struct view *v, struct surface *s, struct rect area);
/* A value of a column, "–" if there is none. Returns out. */
const char *run_value_text(const struct run_column *c, double value, char out[24]);
/* The same with its interval: "0.049 [0.010, 0.097]". */
const char *run_interval_text(const struct run_column *c, const struct interval *i, char out[80]);
/* The value of a column in a row. */
struct interval run_column_value(const struct run_view *w, const struct ui_run *r,
                                 const struct run_column *c, int arm, int checkpoint, bool *exact);

/* run_curves.c, run_records.c: the boxes below */
void run_curves_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                     struct rect area);
void run_ages_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                   struct rect area);
void run_records_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                      struct rect area);
/* Why the journal has no text of a record, whose edits wrote it in no sequence. */
const char *run_no_fact(const struct ui_run *r, int record);
/* How many answers the record under the cursor has. */
int run_answers(const struct run_view *w, const struct ui_run *r);
void run_comparison_draw(const struct run_view *w, const struct ui_run *r, struct surface *s,
                         struct rect area);

#endif
