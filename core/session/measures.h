/* The measures of a run in its session file (editscope-session(5), tables measures and numbers).
 *
 * A run is a session whose edits were made by `editscope eval`: the edits of one arm in one order
 * are a sequence; they are undone before the next one begins. The tables are made when a session
 * becomes a run; other sessions do not have them. As in session.h, a session belongs to one thread,
 * and what a function has written when it returns true is on the disk. */
#ifndef CORE_SESSION_MEASURES_H
#define CORE_SESSION_MEASURES_H

#include "core/eval/measure.h"
#include "core/session/session.h"

/* What a run is of, as JSON of its command. */
#define SESSION_RUN "run"

/* Makes the tables, if they are not there. ERR_USAGE: the session is read-only. */
bool session_run_begin(struct session *s, struct err *err);
/* Writes measures and numbers in one transaction. What is there already stays as it is. */
bool session_add_measures(struct session *s, const struct measure *m, int measures,
                          const struct run_number *n, int numbers, struct err *err);
/* Whether one of the measures is of this record, at this time. */
bool session_has_measures(struct session *s, const struct measure *like, bool *has,
                          struct err *err);
/* The measures of one record at one time (sequence, edits, when and record of `like`), or of the
 * whole run (NULL), in the order they were written. The caller frees them with measures_free(). */
bool session_measures(struct session *s, const struct measure *like, struct measure **m, int *count,
                      struct err *err);
/* At most `most` measures that were written after the one of the id *last, which becomes that of
 * the last one that was read. The caller frees them with measures_free(). */
bool session_measures_after(struct session *s, long *last, int most, struct measure **m, int *count,
                            struct err *err);
/* The largest id of a measure; 0: there is none. */
bool session_last_measure(struct session *s, long *last, struct err *err);
/* Whether a number has the sequence, the edits and the name of `like`. */
bool session_has_number(struct session *s, const struct run_number *like, bool *has,
                        struct err *err);
/* All numbers, in the order they were written. Caller frees. */
bool session_numbers(struct session *s, struct run_number **n, int *count, struct err *err);

#endif
