/* Monotonic time: it never jumps when somebody sets the clock of the machine. */
#ifndef CORE_BASE_CLOCK_H
#define CORE_BASE_CLOCK_H

/* Seconds since an arbitrary fixed moment; only differences mean something. Any thread. */
double clock_seconds(void);

#endif
