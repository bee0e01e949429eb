/* Job cards: everything that was asked of the engine and has not ended, and what ended last.
 *
 * host->post() makes a card of each command (ui_card_of(), ui_add_job()). Events move it on:
 *
 *     posted     CARD_WAITS
 *     EV_BEGUN   CARD_RUNS      or any other event of the job: recordings of 0.1.0 have no EV_BEGUN
 *     EV_PAUSED  CARD_PAUSED    the engine has put it back for a command that goes first
 *     EV_DONE, EV_FAILED        CARD_DONE, CARD_FAILED or CARD_STOPPED; it moves to `ended`
 *
 * A card tells what for which fact, its own progress, and the seconds left of what was asked. A
 * preview is several stages after one another; each one that has run before in this program is
 * counted with the time that it took then. Everything here is part of ui_state: UI thread. */
#ifndef VIEWS_UI_JOBS_H
#define VIEWS_UI_JOBS_H

#include "core/engine/engine.h"

struct ui_state;

enum { UI_JOBS = 16, UI_ENDED = 12, UI_STAGES = 16 };

enum card_state { CARD_WAITS, CARD_RUNS, CARD_PAUSED, CARD_DONE, CARD_FAILED, CARD_STOPPED };

struct ui_job {   /* a posted command */
    unsigned job; /* its number; 0: this slot is free */
    enum command_kind kind;
    enum command_rank rank;
    enum card_state state;
    bool stopping; /* it was cancelled and has not ended yet */
    bool dropped;  /* by the program, which has said so: its end says nothing */
    bool explains; /* the newest event of the job is the first to know how long moments take */
    bool explained;
    char about[120];          /* what it is about, raw bytes: "Eiffel Tower → Rome"; or "" */
    char note[48];            /* "you said yes 12:04", or "" */
    char why[160];            /* CARD_FAILED: the error */
    struct stamp stamp;       /* what it was posted for */
    struct progress progress; /* .what is its stage; "": not known */
    double begun, ended;      /* clock_seconds(); begun: the last time */
    double stage_begun;       /* when the stage began, */
    double stage_from;        /* with so many units done */
};

/* How long a unit of a stage took (all of it, if it has no units) when it last ran. */
struct stage_time {
    char what[48];
    double seconds;
};

/* A card for a command that is about to be posted. */
struct ui_job ui_card_of(const struct ui_state *d, const struct command *cmd);
/* Ask ui_has_job_room() before posting: a job without a card could not be cancelled. Job 0, which
 * was refused, is no job. */
bool ui_has_job_room(const struct ui_state *d);
void ui_add_job(struct ui_state *d, unsigned job, struct ui_job card);
/* Moves the event's card on. Part of ui_event(). */
void ui_job_event(struct ui_state *d, const struct event *ev);

/* The card of a job that has not ended; NULL: there is none. */
struct ui_job *ui_job_card(const struct ui_state *d, unsigned job);
enum command_kind ui_job_kind(const struct ui_state *d, unsigned job); /* CMD_NONE: it has ended */
/* The card of a job that has just ended; NULL: it is not among the last ones. */
const struct ui_job *ui_ended_card(const struct ui_state *d, unsigned job);
/* The cards that a user sees, in the order of the engine: what runs, then what waits. Returns how
 * many. */
int ui_cards(const struct ui_state *d, const struct ui_job *out[UI_JOBS]);
/* The kind of the first card that is no idle one; CMD_NONE: nothing is asked. */
enum command_kind ui_busy(const struct ui_state *d);
/* Whether a job of this kind has not ended. */
bool ui_waits_for(const struct ui_state *d, enum command_kind kind);
/* A job that is waited for runs or waits: what the program wants to know by itself has time. */
bool ui_is_wanted(const struct ui_state *d);

/* "preview", "map", ... */
const char *ui_job_name(const struct ui_job *card);
/* "preview Eiffel Tower → Rome", and for a fact of the list "2 of 3". Returns out. */
const char *ui_job_words(const struct ui_state *d, const struct ui_job *card, char *out, size_t n);
/* Seconds until the job ends, from now on (ui_state.clock); < 0: not known. *more: at least so
 * many, because a stage that follows has never run. */
double ui_job_left(const struct ui_state *d, const struct ui_job *card, bool *more);

#endif
