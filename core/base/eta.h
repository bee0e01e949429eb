/* Progress: recent speed, and the time left.
 *
 * The speed is that of the last few seconds, not of the whole run, because work changes pace (a
 * download, a text that is read in pieces). One thread. */
#ifndef CORE_BASE_ETA_H
#define CORE_BASE_ETA_H

enum { ETA_NOTES = 16 };

/* A ring of the latest notes: at second at[i], done[i] units were finished. Zero-initialise. */
struct eta {
    double at[ETA_NOTES], done[ETA_NOTES];
    int count; /* notes so far; note i is in slot i % ETA_NOTES */
};

/* Notes that `done` units are finished at `now` (seconds). A smaller `done` than before starts
 * over. */
void eta_note(struct eta *e, double now, double done);
/* Units a second; 0: not known yet. */
double eta_speed(const struct eta *e);
/* Seconds until `total` units are done; -1: not known. */
double eta_left(const struct eta *e, double total);

#endif
