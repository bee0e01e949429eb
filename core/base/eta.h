/* How fast something has gone lately, and how long the rest will take. */
#ifndef CORE_BASE_ETA_H
#define CORE_BASE_ETA_H

enum { ETA_NOTES = 16 };

struct eta { /* zero-initialise */
    double at[ETA_NOTES], done[ETA_NOTES];
    int count; /* that were ever kept */
};

/* Takes note of how much is done at `now` (seconds); a step back begins anew. */
void eta_note(struct eta *r, double now, double done);
double eta_speed(const struct eta *r); /* over the last seconds; 0: not known yet */
/* Seconds until `total`; -1: not known. */
double eta_left(const struct eta *r, double total);

#endif
