/* Plain mode's parts: plain.c (loop, questions, progress), plain_words.c (what a line does),
 * plain_results.c (results as sentences). Only they include this header. */
#ifndef VIEWS_SHELL_PLAIN_INTERNAL_H
#define VIEWS_SHELL_PLAIN_INTERNAL_H

#include "views/shell/app_internal.h"

struct plain {
    struct app *app;          /* the screen's program, without a screen */
    bool terminal;            /* a person types; else lines come from a file or a pipe */
    unsigned restarts;        /* of the app: what follows was about the engine of then */
    int spoken;               /* messages of the log printed so far */
    bool asked;               /* the open dialog has been printed */
    bool has_state;           /* the session has told its state: lines may be read */
    unsigned posted;          /* the newest job that was announced */
    unsigned queued[UI_JOBS]; /* a ring of jobs announced as queued */
    int queued_count;
    unsigned run_job; /* that reads the file of a run as a line asked, not by itself */
    int shown;        /* the view that was spoken last */
    char stage[48];   /* what progress was about */
    char step[64];    /* of the tour, spoken last */
    double stage_due; /* when it is spoken next, in seconds of the clock */
};

/* Prints a line, or lines of text; the format is show_format()'s. plain_spoken() appends a shown
 * text as it is said: "(2 line breaks)" for \n\n. */
void plain_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void plain_say_text(const char *text);
void plain_spoken(struct buf *out, const char *shown);
/* Runs a line: a word of plain mode, a key, or a line of the screen after its colon. */
void plain_run_line(struct plain *p, const char *text);
/* Prints what can be typed. */
void plain_print_help(void);

/* Each prints one result in sentences, or says how to get it. */
void plain_print_fact(const struct ui_state *d);
void plain_print_relations(const struct ui_state *d, const char *typed);
void plain_print_neurons(const struct ui_state *d);
void plain_print_ratios(const struct ui_state *d);
void plain_print_why(const struct ui_state *d); /* neurons and ratios */
void plain_print_parameters(const struct ui_state *d);
void plain_print_state(const struct ui_state *d);
void plain_print_history(const struct ui_state *d);
void plain_print_facts(const struct ui_state *d);
void plain_print_scoreboard(const struct ui_state *d);
void plain_print_verdict(const struct ui_state *d); /* nothing if there is none */
void plain_print_lens(const struct ui_state *d);
void plain_print_variants(const struct ui_state *d);
void plain_print_jobs(const struct ui_state *d);
/* An answer of the model: "preview says: …". */
void plain_print_answer(const struct answer *a);
/* The view that is shown: the rows behind it, else the text of its picture. */
void plain_print_view(struct app *app);

#endif
