/* The time that only goes forward. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

double clock_seconds(void); /* since some fixed moment; any thread */

#endif
