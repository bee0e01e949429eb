/* How fast something has gone lately, and how long the rest will take. */
#ifndef CORE_BASE_RATE_H
#define CORE_BASE_RATE_H

enum { RATE_KEPT = 16 };

struct rate { /* zero-initialise */
    double at[RATE_KEPT], done[RATE_KEPT];
    int count; /* that were ever kept */
};

/* Takes note of how much is done at `now` (seconds); a step back begins anew. */
void rate_note(struct rate *r, double now, double done);
double rate_a_second(const struct rate *r); /* over the last seconds; 0: not known yet */
/* Seconds until `total`; -1: not known. */
double rate_left(const struct rate *r, double total);

#endif
